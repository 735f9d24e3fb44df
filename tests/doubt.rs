//! When nobody can know whether a change took, the outcome does not guess.

use crate::support::{Person, Stage, faults};
use scim_rekey::sandbox::Options;

/// One row, and a PATCH that meets these faults; short back-offs are the program's own.
fn patched(rules: &str) -> Stage {
    let stage = Stage::new(vec![Person::new("ann@example.com")], faults(rules));
    stage.finish(stage.program().args(["--max-attempts", "2"]));
    stage.check_truth();
    stage
}

#[test]
fn a_lost_answer_is_settled_by_asking_again() {
    for fault in [
        r#"{"reset":"after"}"#,
        r#"{"reset":"before"}"#,
        r#"{"status_after":500}"#,
        r#"{"status_after":502}"#,
        r#"{"status_after":504}"#,
        r#"{"status":500}"#,
        r#"{"truncate":true}"#,
        r#"{"huge":4000000}"#,
        r#""html""#,
    ] {
        let stage = patched(&format!(r#"{{"on":"patch","do":{fault}}}"#));
        assert_eq!(stage.outcome(2), "updated", "{fault}");
        let truth = stage.truth();
        assert_eq!(
            (truth.lookup_requests, truth.patch_requests),
            (2, 2),
            "{fault}: looked up again, sent again"
        );
        let intents = stage.audit().into_iter().filter(|line| line["kind"] == "intent");
        assert_eq!(intents.map(|line| line["repeat"].clone()).collect::<Vec<_>>(), [false, true], "{fault}");
    }
}

#[test]
fn an_answer_that_never_comes_is_unknown() {
    for (fault, outcome) in [
        (r#"{"reset":"after"}"#, "unknown/reply_lost"),
        (r#"{"reset":"before"}"#, "unknown/reply_lost"),
        (r#"{"truncate":true}"#, "unknown/reply_lost"),
        (r#"{"status_after":500}"#, "unknown/server_error"),
        (r#"{"status":502}"#, "unknown/server_error"),
        (r#"{"status":504}"#, "unknown/server_error"),
    ] {
        let stage = patched(&format!(r#"{{"on":"patch","times":null,"do":{fault}}}"#));
        assert_eq!(stage.outcome(2), outcome, "{fault}");
        assert_eq!(stage.summary()["exit_code"], 4);
        assert_eq!(stage.truth().patch_requests, 2);
    }
}

#[test]
fn a_repeat_refused_by_policy_is_probably_applied() {
    for options in
        [Options { min_password_age_s: 3600, ..faults("") }, Options { history: true, ..faults("") }]
    {
        for fault in [r#"{"reset":"after"}"#, r#"{"status_after":502}"#] {
            let rule = format!(r#"{{"faults":[{{"on":"patch","do":{fault}}}]}}"#);
            let options =
                Options { faults: scim_rekey::sandbox::parse_script(&rule).unwrap(), ..options.clone() };
            let stage = Stage::new(vec![Person::new("ann@example.com")], options);
            stage.run().expect(4);
            stage.check_truth();
            assert_eq!(stage.outcome(2), "unknown/probably_applied", "{fault}");
        }
    }
}

#[test]
fn a_doubt_outlives_whatever_comes_after_it() {
    for (second, outcome) in [
        (r#"{"on":"lookup","skip":1,"times":null,"do":{"status":403}}"#, "unknown/reply_lost"),
        (r#"{"on":"lookup","skip":1,"times":null,"do":"wrong_user"}"#, "unknown/reply_lost"),
        (r#"{"on":"lookup","skip":1,"times":null,"do":"garbage"}"#, "unknown/reply_lost"),
        (r#"{"on":"patch","skip":1,"times":null,"do":{"status":404}}"#, "unknown/reply_lost"),
        (r#"{"on":"patch","skip":1,"times":null,"do":{"status":403}}"#, "unknown/reply_lost"),
        (r#"{"on":"patch","skip":1,"times":null,"do":{"status":503}}"#, "unknown/reply_lost"),
    ] {
        let stage = patched(&format!(r#"{second},{{"on":"patch","do":{{"reset":"after"}}}}"#));
        assert_eq!(stage.outcome(2), outcome, "{second}");
    }
}

#[test]
fn a_yes_that_carries_an_error_is_no_yes() {
    for body in [
        r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","detail":"no"}"#,
        r#"{"code":"forbidden","status":403,"message":"no"}"#,
        r#"{"error":"invalid_token"}"#,
    ] {
        let stage = patched(&format!(r#"{{"on":"patch","times":null,"do":{{"status":200,"body":{body}}}}}"#));
        assert_eq!(stage.outcome(2), "unknown/server_error", "{body}");
        assert!(stage.truth().applied.is_empty());
    }
}

#[test]
fn a_503_or_429_says_that_nothing_was_done() {
    for fault in [r#"{"status":503}"#, r#"{"status":429,"retry_after":"1"}"#] {
        let stage = patched(&format!(r#"{{"on":"patch","do":{fault}}}"#));
        assert_eq!(stage.outcome(2), "updated");
        assert_eq!(stage.truth().lookup_requests, 1, "no doubt, so no second look");
    }
    let stage = patched(r#"{"on":"patch","times":null,"do":{"status":503}}"#);
    assert_eq!(stage.outcome(2), "failed/unavailable");
}
