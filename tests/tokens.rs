//! Several tokens of one client: each is used, renewed and refused by itself, and what they share they
//! share as one. And what the service's headers say of a token's limit is kept to.

use std::collections::BTreeMap;

use scim_rekey::sandbox::{Limit, Options, Seen};

use crate::support::{Person, Stage, faults};

/// Requests by token, in the order of issue.
fn by_token(stage: &Stage) -> BTreeMap<u64, Vec<Seen>> {
    let mut tokens: BTreeMap<u64, Vec<Seen>> = BTreeMap::new();
    for seen in stage.truth().requests {
        if let Some(token) = seen.token {
            tokens.entry(token).or_default().push(seen);
        }
    }
    tokens
}

#[test]
fn each_token_takes_its_share_and_no_more_than_the_rate() {
    let stage = Stage::plain(60);
    stage.finish(stage.program().args(["--rate", "20/s", "--tokens", "3"])).expect(0);
    stage.check_truth();
    let tokens = by_token(&stage);
    assert_eq!(tokens.len(), 3);
    for (token, seen) in &tokens {
        assert!(seen.len() >= 20, "{token}: {} of 121", seen.len());
        // 20 and a burst of 2, and half as many again that a busy machine may have delivered late.
        let within = |first: &Seen| {
            seen.iter().filter(|seen| (first.at_ms..first.at_ms + 1000).contains(&seen.at_ms)).count()
        };
        assert!(seen.iter().map(within).max().unwrap() <= 32, "{token}");
    }
    let fetched = stage.audit().iter().filter(|line| line["kind"] == "token").count();
    assert_eq!((fetched, &stage.summary()["requests"]["token"]), (3, &3.into()));
}

#[test]
fn a_token_is_asked_for_when_it_is_needed() {
    let stage = Stage::plain(1);
    stage.finish(stage.program().args(["--rate", "5/s", "--tokens", "50", "--concurrency", "1"])).expect(0);
    assert!(stage.truth().token_requests <= 3, "{}", stage.truth().token_requests);
}

#[test]
fn a_401_renews_its_own_token_only() {
    let stage = Stage::new(Person::many(60), faults(r#"{"on":"patch","skip":5,"do":"expire_token"}"#));
    stage.finish(stage.program().args(["--rate", "20/s", "--tokens", "2"])).expect(0);
    stage.check_truth();
    assert_eq!(stage.truth().token_requests, 3);
    let ended = by_token(&stage).into_values().filter(|seen| seen.iter().any(|seen| seen.status == 401));
    assert_eq!(ended.count(), 1, "the other one goes on");
}

#[test]
fn each_token_is_renewed_before_it_ends() {
    let stage = Stage::new(Person::many(60), Options { token_life_s: 2, ..Options::default() });
    stage.finish(stage.program().args(["--rate", "15/s", "--tokens", "2"])).expect(0);
    stage.check_truth();
    let truth = stage.truth();
    assert!(!truth.statuses.contains_key(&401), "{:?}", truth.statuses);
    assert!(truth.token_requests >= 4, "{}", truth.token_requests);
}

#[test]
fn tokens_that_are_refused_together_share_a_limit_and_one_goes_on() {
    let limit = Limit { shared: true, headers: false, ..Limit::window(60, 3000) };
    let stage = Stage::new(Person::many(60), Options { limit: Some(limit), ..Options::default() });
    let finished = stage.finish(stage.program().args(["--rate", "40/s", "--tokens", "3", "-v"])).expect(0);
    stage.check_truth();
    let warnings = stage.summary()["warnings"].to_string();
    assert!(warnings.contains("share one limit"), "{warnings}");
    assert!(finished.stderr.contains("all tokens are refused together"), "{}", finished.stderr);
    let last = stage.truth().requests.into_iter().filter_map(|seen| seen.token).next_back();
    assert_eq!(last, Some(1));
}

#[test]
fn the_same_token_twice_is_one() {
    let stage = Stage::new(Person::many(20), Options { same_token: true, ..Options::default() });
    stage.finish(stage.program().args(["--rate", "20/s", "--tokens", "3"])).expect(0);
    stage.check_truth();
    assert_eq!(by_token(&stage).len(), 1);
    assert!(stage.summary()["warnings"].to_string().contains("the same token again"));
}

#[test]
fn a_pool_is_what_the_token_endpoint_gives() {
    let rule = r#"{"on":"token","skip":1,"times":null,"do":{"status":429,"retry_after":"60"}}"#;
    let stage = Stage::new(Person::many(20), faults(rule));
    stage.finish(stage.program().args(["--rate", "20/s", "--tokens", "3"])).expect(0);
    stage.check_truth();
    assert_eq!((by_token(&stage).len(), stage.truth().token_requests), (1, 3));
    assert!(stage.summary()["warnings"].to_string().contains("gave no more"));
}

#[test]
fn a_lower_limit_that_the_headers_tell_is_met_without_a_429() {
    for rate in ["unlimited", "100/s"] {
        let limit = Some(Limit::window(40, 2000));
        let stage = Stage::new(Person::many(60), Options { limit, ..Options::default() });
        stage.finish(stage.program().args(["--rate", rate])).expect(0);
        stage.check_truth();
        let truth = stage.truth();
        assert_eq!((truth.statuses.get(&429), truth.applied.len()), (None, 60), "{rate}");
    }
}

#[test]
fn a_higher_limit_that_the_headers_tell_is_used_with_auto() {
    let limit = Some(Limit::window(6000, 60_000));
    let stage = Stage::new(Person::many(40), Options { limit, ..Options::default() });
    stage.finish(stage.program().args(["--rate", "auto"])).expect(0);
    stage.check_truth();
    let seen = &by_token(&stage)[&1];
    // 81 requests: 16 s apart at 300 a minute, less than one at 6000.
    assert!(seen[80].at_ms - seen[0].at_ms < 12_000, "{}", seen[80].at_ms - seen[0].at_ms);
    assert_eq!(stage.truth().statuses.get(&429), None);
}
