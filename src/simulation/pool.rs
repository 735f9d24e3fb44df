//! Several tokens of one client: each has its own pace, hold and renewal; the rest is shared.

use std::time::Duration;

use super::judge::{Person, faults};
use super::network::Weather;
use super::stage::Stage;
use crate::figures::figure;
use crate::sandbox::{Limit, Options, Seen, parse_script};

fn stage(rows: u64, options: Options) -> Stage {
    Stage::new(Person::many(rows), options, Weather::calm(25), 5)
}

/// A limit for each token; the headers do not tell it.
fn silent(limit: &Limit) -> Options {
    Options { limit: Some(Limit { headers: false, ..limit.clone() }), ..Options::default() }
}

fn script(rules: &str) -> Options {
    let faults = parse_script(&format!("{{\"faults\":[{rules}]}}")).unwrap();
    Options { faults, ..Options::default() }
}

/// Requests to the SCIM endpoints, in order.
fn asked(stage: &Stage) -> Vec<Seen> {
    stage.truth().requests.into_iter().filter(|seen| seen.token.is_some()).collect()
}

/// How many requests bore each token, from the first.
fn by_token(stage: &Stage) -> Vec<usize> {
    let seen = asked(stage);
    let tokens = seen.iter().filter_map(|seen| seen.token).max().unwrap_or_default();
    (1..=tokens).map(|number| seen.iter().filter(|seen| seen.token == Some(number)).count()).collect()
}

fn seconds(stage: &Stage) -> f64 {
    let seen = asked(stage);
    Duration::from_millis(seen.last().unwrap().at_ms - seen[0].at_ms).as_secs_f64()
}

#[test]
fn a_told_rate_is_used_to_the_hundredth_and_never_refused() {
    for limit in [Limit::window(100, 1000), Limit::bucket(100, 1000, 10), Limit::window(6000, 60_000)] {
        for headers in [false, true] {
            let options = Options { limit: Some(Limit { headers, ..limit.clone() }), ..Options::default() };
            let stage = stage(2000, options);
            assert_eq!(stage.run("--rate 100/s --lookup filter"), 0, "{limit:?}");
            let (count, seconds) = (asked(&stage).len(), seconds(&stage));
            figure(&format!(
                "{count} requests at 100/s in {seconds:.2} s ({:?}, headers {headers})",
                limit.style
            ));
            assert_eq!((count, stage.truth().statuses.get(&429)), (4001, None), "{limit:?} {headers}");
            assert!(seconds <= 40.01 * 1.01, "{limit:?} {headers}: {seconds} s");
        }
    }
}

#[test]
fn a_lower_limit_in_the_headers_is_met_without_a_429() {
    for (rows, limit) in
        [(300, Limit::window(200, 60_000)), (400, Limit::window(20, 1000)), (300, Limit::window(40, 5000))]
    {
        let per_second = f64::from(limit.requests) / Duration::from_millis(limit.per_ms).as_secs_f64();
        for rate in ["100/s", "auto", "unlimited"] {
            let weather = Weather { way_ms: 10..60, ..Weather::calm(0) };
            let options = Options { limit: Some(limit.clone()), ..Options::default() };
            let stage = Stage::new(Person::many(rows), options, weather, 5);
            assert_eq!(stage.run(&format!("--rate {rate}")), 0, "{limit:?}");
            assert_eq!(faults(&stage), [""; 0], "{limit:?}");
            let (count, seconds) = (asked(&stage).len(), seconds(&stage));
            let used = f64::from(u32::try_from(count).unwrap()) / seconds / per_second;
            figure(&format!(
                "--rate {rate}, {} in {} ms told: {used:.3} of it used, no 429",
                limit.requests, limit.per_ms
            ));
            assert_eq!(stage.truth().statuses.get(&429), None, "{limit:?} --rate {rate}");
            assert!(used > 0.85, "{limit:?} --rate {rate}: {used}");
        }
    }
}

#[test]
fn a_higher_limit_in_the_headers_is_used_with_auto_only() {
    let limit = Limit::window(3000, 60_000);
    let run = |rate: &str, headers: bool| {
        let limit = Some(Limit { headers, ..limit.clone() });
        let stage = stage(600, Options { limit, ..Options::default() });
        assert_eq!(stage.run(&format!("--rate {rate}")), 0);
        assert_eq!(stage.truth().statuses.get(&429), None);
        seconds(&stage)
    };
    let (auto, told, blind) = (run("auto", true), run("300/min", true), run("auto", false));
    figure(&format!(
        "1201 requests where 3000/min are told: {auto:.0} s with auto, {told:.0} s with 300/min"
    ));
    assert!(auto < 27.0 && told > 239.0 && blind > 239.0, "{auto} {told} {blind}");
}

#[test]
fn hostile_headers_neither_stall_nor_hurry_a_run() {
    for (allowed, count, reset) in [
        ("0", "0", "60"),
        ("-1", "0", "60"),
        ("300", "1", "0"),
        ("1", "1", "31536000"),
        ("x", "y", "z"),
        ("1", "18446744073709551615", "60"),
        ("18446744073709551615", "0", "1"),
        ("300", "1", "99999999999999999999"),
    ] {
        let rule = format!(
            r#"{{"on":"config","do":{{"status":200,"body":{{}},"headers":{{"inin-ratelimit-allowed":"{allowed}",
               "inin-ratelimit-count":"{count}","inin-ratelimit-reset":"{reset}"}}}}}}"#
        );
        for rate in ["10/s", "auto"] {
            let stage = stage(50, script(&rule));
            assert_eq!(stage.run(&format!("--rate {rate}")), 0);
            let seconds = seconds(&stage);
            let least = if rate == "auto" { 19.9 } else { 9.9 };
            assert!(
                (least..least * 1.1).contains(&seconds),
                "{allowed} {count} {reset} at {rate}: {seconds} s"
            );
        }
    }
}

#[test]
fn four_tokens_do_four_times_as_much() {
    let rows_per_second = |tokens: u32, rows: u32| {
        let stage = stage(rows.into(), silent(&Limit::window(50, 1000)));
        assert_eq!(stage.run(&format!("--rate 50/s --tokens {tokens} --concurrency 32")), 0);
        assert_eq!(faults(&stage), [""; 0]);
        let truth = stage.truth();
        assert_eq!((truth.token_requests, truth.statuses.get(&429)), (tokens.into(), None));
        f64::from(rows) / seconds(&stage)
    };
    let (one, four) = (rows_per_second(1, 1000), rows_per_second(4, 4000));
    figure(&format!("{one:.2} rows/s with one token, {four:.2} with four: {:.3} x", four / one));
    assert!(four / one >= 3.9, "{one} {four}");
}

#[test]
fn a_429_holds_its_own_token_and_a_503_all_of_them() {
    let refused = script(r#"{"on":"lookup","skip":60,"do":{"status":429,"retry_after":"20"}}"#);
    let stage = stage(300, refused);
    assert_eq!(stage.run("--rate 20/s --tokens 2"), 0);
    assert_eq!(faults(&stage), [""; 0]);
    let seen = asked(&stage);
    let refusal = seen.iter().find(|seen| seen.status == 429).unwrap();
    let during =
        seen.iter().filter(|seen| (1000..19_000).contains(&seen.at_ms.saturating_sub(refusal.at_ms)));
    let others: Vec<_> = during.map(|seen| seen.token).collect();
    assert!(others.len() > 300 && others.iter().all(|token| *token != refusal.token), "{}", others.len());

    let down = script(r#"{"on":"lookup","skip":60,"do":{"status":503,"retry_after":"20"}}"#);
    let stage = self::stage(300, down);
    assert_eq!(stage.run("--rate 20/s --tokens 2"), 0);
    let seen = asked(&stage);
    let down = seen.iter().find(|seen| seen.status == 503).unwrap().at_ms;
    assert_eq!(
        seen.iter().filter(|seen| (1000..19_000).contains(&seen.at_ms.saturating_sub(down))).count(),
        0
    );
}

#[test]
fn tokens_that_share_a_limit_are_one() {
    let stage = stage(
        400,
        Options {
            limit: Some(Limit { shared: true, headers: false, ..Limit::window(200, 10_000) }),
            ..Options::default()
        },
    );
    assert_eq!(stage.run("--rate 20/s --tokens 4"), 0);
    assert_eq!(faults(&stage), [""; 0]);
    let warnings = stage.summary()["warnings"].to_string();
    assert!(warnings.contains("of 4 tokens 1 went on") && warnings.contains("share one limit"), "{warnings}");
    let seen = asked(&stage);
    let last_refused = seen.iter().rposition(|seen| seen.status == 429).unwrap();
    assert!(seen[last_refused + 1..].iter().all(|seen| seen.token == Some(1)), "one token from then on");
    assert!(by_token(&stage)[0] > 500, "{:?}", by_token(&stage));
}

#[test]
fn a_limit_of_each_token_is_not_taken_for_a_shared_one() {
    // One token is used up after the other, and then all of them wait.
    let stage = stage(700, silent(&Limit::window(300, 60_000)));
    assert_eq!(stage.run("--rate unlimited --tokens 3"), 0);
    assert_eq!(faults(&stage), [""; 0]);
    let warnings = stage.summary()["warnings"].to_string();
    assert!(!warnings.contains("token"), "{warnings}");
    assert!(by_token(&stage).iter().all(|count| *count > 300), "{:?}", by_token(&stage));
}

#[test]
fn the_same_token_again_is_no_other_token() {
    let stage = stage(200, Options { same_token: true, ..Options::default() });
    assert_eq!(stage.run("--rate 20/s --tokens 4 --lookup filter"), 0);
    assert_eq!(faults(&stage), [""; 0]);
    assert_eq!(by_token(&stage), [401]);
    assert!((2..=4).contains(&stage.truth().token_requests));
    assert!(seconds(&stage) > 19.9, "at the pace of one");
    assert!(stage.summary()["warnings"].to_string().contains("the same token again"));
}

#[test]
fn a_token_endpoint_that_gives_no_more_leaves_the_pool_at_what_it_has() {
    for refusal in [
        r#""rate_limit_exceeded""#,
        r#"{"status":429,"retry_after":"3600"}"#,
        r#"{"status":500}"#,
        r#"{"status":403}"#,
        r#"{"reset":"before"}"#,
        r#""garbage""#,
    ] {
        let stage = stage(200, script(&format!(r#"{{"on":"token","skip":2,"times":null,"do":{refusal}}}"#)));
        assert_eq!(stage.run("--rate 20/s --tokens 4"), 0, "{refusal}");
        assert_eq!(faults(&stage), [""; 0], "{refusal}");
        assert_eq!(stage.summary()["outcomes"]["updated"], 200, "{refusal}");
        assert_eq!((stage.truth().token_requests, by_token(&stage).len()), (4, 2), "{refusal}");
        assert!(stage.summary()["warnings"].to_string().contains("of 4 tokens 2 went on"), "{refusal}");
    }
}

#[test]
fn each_token_is_renewed_by_itself() {
    // One is revoked, then all of them at once; and each ends in its own time.
    let revoked = script(r#"{"on":"patch","skip":50,"do":"expire_token"}"#);
    let stage = stage(400, revoked);
    let service = stage.service.clone();
    stage.later(Duration::from_secs(6), move || service.revoke_tokens());
    assert_eq!(stage.run("--rate 20/s --tokens 3"), 0);
    assert_eq!(faults(&stage), [""; 0]);
    assert_eq!(stage.summary()["outcomes"]["updated"], 400);
    assert_eq!(stage.truth().token_requests, 3 + 1 + 3);

    let stage = self::stage(600, Options { token_life_s: 30, ..Options::default() });
    assert_eq!(stage.run("--rate 1/s --tokens 3"), 0);
    assert_eq!(faults(&stage), [""; 0]);
    let truth = stage.truth();
    assert_eq!(truth.statuses.get(&401), None, "each is renewed before it ends");
    assert!((60..=90).contains(&truth.token_requests), "{}", truth.token_requests);
}

#[test]
fn a_service_that_refuses_every_token_ends_the_run_soon() {
    let stage = stage(200, script(r#"{"on":"lookup","times":null,"do":{"status":401}}"#));
    assert_eq!(stage.run("--rate unlimited --tokens 4"), 77);
    assert_eq!(stage.summary()["outcomes"]["pending"], 200);
    assert!(stage.truth().token_requests <= 8, "{}", stage.truth().token_requests);
}
