//! Every outcome and reason of the table is reached, with the exit code that goes with it.

use std::fs;

use crate::support::{Person, Stage, faults};

/// One row about this address, under these faults.
#[track_caller]
fn ends(email: &str, rules: &str, args: &[&str], code: i32, outcome: &str) -> Stage {
    let stage = Stage::new(vec![Person::new(email)], faults(rules));
    stage.finish(stage.program().args(args)).expect(code);
    stage.check_truth();
    assert_eq!(stage.outcome(2), outcome);
    stage
}

#[test]
fn failures_are_named() {
    let missing = ends("missing@example.com", "", &[], 3, "failed/not_found");
    assert!(missing.outcomes()[0]["detail"].contains("capitals matter"), "{:?}", missing.outcomes());
    ends("twins@example.com", "", &[], 3, "failed/ambiguous");
    ends("stranger@example.com", "", &[], 3, "failed/wrong_user");
    ends("refused@example.com", "", &[], 3, "failed/rejected");
    ends("a@example.com", r#"{"on":"patch","times":null,"do":"bump_version"}"#, &[], 3, "failed/conflict");
    ends("a@example.com", r#"{"on":"lookup","do":"garbage"}"#, &[], 3, "failed/bad_reply");
    let down = r#"{"on":"lookup","times":null,"do":{"status":500}}"#;
    ends("a@example.com", down, &["--max-attempts", "2"], 3, "failed/unavailable");
    let soon = ends("recent@example.com", "", &[], 3, "failed/too_soon");
    let detail = soon.outcomes()[0]["detail"].clone();
    assert!(detail.contains("until 20"), "{detail}");
}

#[test]
fn the_vendors_error_shape_is_read_as_well() {
    let options =
        scim_rekey::sandbox::Options { error_shape: scim_rekey::sandbox::ErrorShape::Platform, ..faults("") };
    let people = vec![Person::new("recent@example.com"), Person::new("refused@example.com")];
    let stage = Stage::new(people, options);
    stage.run().expect(3);
    assert_eq!(
        (stage.outcome(2).as_str(), stage.outcome(3).as_str()),
        ("failed/too_soon", "failed/rejected")
    );
    assert!(stage.outcomes()[0]["detail"].contains("correlation "), "{:?}", stage.outcomes());
}

#[test]
fn a_service_without_the_mfa_attribute_is_told_from_one_that_refuses_the_password() {
    let options = scim_rekey::sandbox::Options { knows_mfa: scim_rekey::sandbox::Mfa::Refuses, ..faults("") };
    let stage = Stage::new(vec![Person::new("a@example.com"), Person::new("refused@example.com")], options);
    stage.run().expect(3);
    stage.check_truth();
    let details: Vec<String> = stage.outcomes().iter().map(|row| row["detail"].clone()).collect();
    assert!(details[0].contains("no such MFA attribute; leave the phones out"), "{details:?}");
    assert!(details[0].contains("--mfa-path") && details[0].contains("invalidPath"), "{details:?}");
    assert!(!details[1].contains("mfa"), "{details:?}");
}

#[test]
fn a_refusal_names_the_fields_that_it_is_about_and_quotes_nothing() {
    let answer = |body: &str| format!(r#"{{"on":"patch","times":null,"do":{{"status":422,"body":{body}}}}}"#);
    for (body, words) in [
        (r#"{"detail":"Value of mfaSettings: kaputt."}"#, "(422) and speaks of mfaSettings"),
        (r#"{"code":"bad","details":[{"fieldName":"password"}]}"#, "(422) and speaks of password (bad"),
        (r#"{"detail":"password and mfaSettings"}"#, "(422) of password, mfaSettings"),
        (r#"{"detail":"no"}"#, "(422) of password, mfaSettings"),
    ] {
        let stage = Stage::new(Person::many(1), faults(&answer(body)));
        stage.run().expect(3);
        let detail = &stage.outcomes()[0]["detail"];
        assert!(detail.contains(words) && !detail.contains("kaputt"), "{detail}");
    }
}

#[test]
fn whoever_was_always_told_to_wait_learns_by_which_limit() {
    let rule = |headers: &str| {
        format!(r#"{{"on":"patch","skip":1,"times":null,"do":{{"status":429,"headers":{headers}}}}}"#)
    };
    let limit = r#"{"inin-ratelimit-allowed":"300","inin-ratelimit-count":"301","inin-ratelimit-reset":"7"}"#;
    let named = "by its headers 301 of 300 requests, 7 s before the next window (";
    for (headers, words) in [(limit, named), ("{}", "no header of it says which limit (")] {
        let stage = Stage::new(Person::many(2), faults(&rule(headers)));
        stage.finish(stage.program().args(["--max-attempts", "1", "--concurrency", "1"])).expect(75);
        let detail = &stage.outcomes()[1]["detail"];
        assert!(detail.contains("every attempt was answered 429, ") && detail.contains(words), "{detail}");
    }
}

#[test]
fn an_address_where_no_service_is_stops_the_run_before_its_first_row() {
    let stage = Stage::plain(3);
    let nowhere = format!("{}/v3", stage.sandbox.0.scim_url());
    let finished = stage.finish(stage.program().env("GENESYS_SCIM_URL", nowhere)).expect(78);
    assert!(
        finished.last_line().contains("knows no /Users there (404): check --scim-url"),
        "{}",
        finished.stderr
    );
    assert_eq!(stage.summary()["outcomes"]["pending"], 3);
    assert_eq!(stage.truth().patch_requests, 0);
    // A service that only lacks its configuration is one.
    let stage = Stage::new(Person::many(2), faults(r#"{"on":"config","times":null,"do":{"status":404}}"#));
    stage.run().expect(0);
}

#[test]
fn a_403_is_the_rows_own_once_something_has_worked() {
    let people = Person::many(4);
    let rule = r#"{"on":"patch","user":"user2@example.com","do":{"status":403}}"#;
    let stage = Stage::new(people, faults(rule));
    stage.run().expect(3);
    assert_eq!(stage.outcome(4), "failed/forbidden");
    assert_eq!(stage.summary()["outcomes"]["updated"], 3);
}

#[test]
fn copies_are_skipped_and_bad_rows_named() {
    let people = Person::many(2);
    let stage = Stage::new(people.clone(), faults(""));
    let text = fs::read_to_string(stage.input()).unwrap();
    let copy = text.lines().nth(1).unwrap().to_owned();
    fs::write(stage.input(), format!("{text}{copy}\nno-address,x,\n")).unwrap();
    stage.run().expect(65);
    assert!(!stage.run_dir().exists() && stage.truth().requests.is_empty());
    stage.finish(stage.program().arg("--skip-bad-rows")).expect(3);
    assert_eq!(stage.outcome(4), "skipped/duplicate");
    assert_eq!(stage.outcome(5), "failed/invalid_row");
    assert_eq!(stage.truth().applied.len(), 2);
}

#[test]
fn a_deadline_leaves_the_rest_pending() {
    let stage = Stage::new(Person::many(50), faults(""));
    stage.finish(stage.program().args(["--rate", "10/s", "--max-duration", "1s"])).expect(75);
    assert_eq!(stage.outcome(51), "pending/deadline");
    stage.run().expect(0);
    stage.check_truth();
    assert_eq!(stage.truth().applied.len(), 50, "the rest and nothing twice");
}

#[test]
fn too_many_failures_stop_the_run() {
    let people: Vec<_> = (0..40).map(|number| Person::new(format!("missing{number}@example.com"))).collect();
    let stage = Stage::new(people, faults(""));
    stage.finish(stage.program().args(["--max-failures", "3", "--concurrency", "1"])).expect(3);
    assert_eq!(stage.summary()["outcomes"]["failed"], 3);
    assert_eq!(stage.outcome(41), "pending/interrupted");
}

#[test]
fn an_outage_leaves_rows_pending_and_never_failed() {
    let rule = r#"{"on":"scim","skip":20,"times":null,"do":{"status":503}}"#;
    let stage = Stage::new(Person::many(60), faults(rule));
    stage.finish(stage.program().args(["--max-outage", "2s"])).expect(69);
    let summary = stage.summary();
    assert_eq!((&summary["outcomes"]["failed"], &summary["outcomes"]["unknown"]), (&0.into(), &0.into()));
    assert_eq!(stage.outcome(61), "pending/outage");
    stage.check_truth();
    assert!(
        stage.truth().requests.len() < 20 + 60,
        "an outage is not hammered: {}",
        stage.truth().requests.len()
    );
    stage.sandbox.0.set_faults(Vec::new());
    stage.run().expect(0);
    assert_eq!(stage.summary()["outcomes"]["updated"], 60);
    stage.check_truth();
}

#[test]
fn a_wait_beyond_our_patience_leaves_rows_pending() {
    let rule = r#"{"on":"scim","skip":9,"times":1,"do":{"status":429,"retry_after":"3600"}}"#;
    let stage = Stage::new(Person::many(20), faults(rule));
    stage.run().expect(75);
    assert_eq!(stage.outcome(21), "pending/throttled");
    assert!(stage.summary()["requests"]["patch"].as_u64().unwrap() <= 20);
}

#[test]
fn missing_rights_cost_one_refused_change() {
    let stage = Stage::new(Person::many(40), faults(r#"{"on":"patch","times":null,"do":{"status":403}}"#));
    let done = stage.run().expect(77);
    assert!(done.last_line().contains("role"), "{}", done.stderr);
    assert_eq!((stage.truth().patch_requests, stage.outcome(2).as_str()), (1, "pending/interrupted"));
    stage.sandbox.0.set_faults(Vec::new());
    stage.run().expect(0);
    stage.check_truth();
}

#[test]
fn five_refusals_in_a_row_end_the_run_even_after_success() {
    let stage =
        Stage::new(Person::many(40), faults(r#"{"on":"patch","skip":10,"times":null,"do":{"status":403}}"#));
    stage.finish(stage.program().args(["--concurrency", "1"])).expect(77);
    let summary = stage.summary();
    assert_eq!(
        (&summary["outcomes"]["updated"], &summary["reasons"]["failed/forbidden"]),
        (&10.into(), &5.into())
    );
    stage.check_truth();
}

#[test]
fn a_time_of_day_ends_the_run_as_well() {
    let stage = Stage::new(Person::many(5), faults(""));
    stage.finish(stage.program().args(["--deadline", "25:00"])).expect(2);
    // A minute ago is tomorrow: the run has all the time it needs.
    let past = jiff::Zoned::now().checked_sub(jiff::Span::new().minutes(1)).unwrap();
    stage.finish(stage.program().args(["--deadline", &past.strftime("%H:%M").to_string()])).expect(0);
}
