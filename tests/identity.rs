//! Nobody but the person in the file is ever changed.

use crate::support::{Person, Stage, faults};

/// One row, and a look-up that is answered in this way, for ever.
#[track_caller]
fn answered(fault: &str) -> String {
    let rule = format!(r#"{{"on":"lookup","times":null,"do":{fault}}}"#);
    let stage = Stage::new(vec![Person::new("ann@example.com")], faults(&rule));
    let done = stage.run();
    assert_ne!(done.code(), 0, "{fault}");
    let truth = stage.truth();
    assert_eq!((truth.patch_requests, truth.applied.len()), (0, 0), "{fault}");
    stage.outcome(2)
}

#[test]
fn a_look_up_that_shows_somebody_else_leads_to_no_patch() {
    assert_eq!(answered(r#""wrong_user""#), "failed/wrong_user");
    for name in [
        "null",
        "1",
        "true",
        "[]",
        r#"["ann@example.com"]"#,
        r#"{"value":"ann@example.com"}"#,
        r#""""#,
        r#""ann@example.com.""#,
        r#"" ann@example.com""#,
        r#""ann+x@example.com""#,
        r#""ann@example.co""#,
        r#""xann@example.com""#,
        r#""аnn@example.com""#,
        r#""ann@example.com\u0000""#,
        r#""ann@example.com\u200b""#,
    ] {
        assert_eq!(answered(&format!(r#"{{"raw_user_name":{name}}}"#)), "failed/wrong_user", "{name}");
    }
}

#[test]
fn two_accounts_of_one_name_lead_to_no_patch() {
    assert_eq!(answered(r#""two_users""#), "failed/ambiguous");
    assert_eq!(answered(r#"{"total_results":2}"#), "failed/ambiguous");
}

#[test]
fn two_addresses_that_lead_to_one_account_change_it_once() {
    use scim_rekey::sandbox::{Directory, User};
    let people = vec![Person::new("ann@example.com"), Person::new("ann.two@example.com")];
    let mut options = faults(
        r#"{"on":"lookup","user":"ann.two@example.com","do":{"status":200,"body":{"totalResults":1,"Resources":[
            {"id":"the-one","userName":"ann.two@example.com","active":true}]}}}"#,
    );
    options.directory = Directory::Listed(vec![User::new("ann@example.com").id("the-one")]);
    let stage = Stage::new(people, options);
    stage.finish(stage.program().args(["--concurrency", "1"])).expect(3);
    assert_eq!(stage.truth().applied.len(), 1);
    assert_eq!((stage.outcome(2).as_str(), stage.outcome(3).as_str()), ("updated", "failed/ambiguous"));
    assert!(stage.outcomes()[1]["detail"].contains("same account as line 2"));
}

#[test]
fn a_reply_that_cannot_be_understood_leads_to_no_patch() {
    for fault in [
        r#""no_id""#,
        r#""garbage""#,
        r#""html""#,
        r#"{"deep":100000}"#,
        r#"{"status":200,"body":{}}"#,
        r#"{"status":200,"body":"[1"}"#,
    ] {
        assert_eq!(answered(fault), "failed/bad_reply", "{fault}");
    }
}

#[test]
fn a_reply_of_64_mib_is_not_read_to_its_end() {
    let rule = r#"{"on":"lookup","times":null,"do":{"huge":67108864}}"#;
    let stage = Stage::new(Person::many(8), faults(rule));
    let program = stage.with_env(crate::support::Program::below_shell("ulimit -v 1500000", stage.run_args()));
    stage.finish(program).expect(3);
    assert_eq!((stage.truth().patch_requests, stage.outcome(2).as_str()), (0, "failed/bad_reply"));
}

#[test]
fn the_same_account_shown_twice_is_one_account() {
    let stage = Stage::new(Person::many(1), faults(r#"{"on":"lookup","times":null,"do":"same_user_twice"}"#));
    stage.run().expect(0);
    stage.check_truth();
}

#[test]
fn a_list_instead_of_a_look_up_is_paged_until_the_user_turns_up() {
    let people = Person::many(60);
    let mut options = faults(r#"{"on":"lookup","times":null,"do":"ignore_filter"}"#);
    options.directory = scim_rekey::sandbox::Directory::Listed(
        people.iter().map(|person| scim_rekey::sandbox::User::new(person.email.as_str())).collect(),
    );
    let stage = Stage::new(people, options);
    stage.run().expect(0);
    stage.check_truth();
}

#[test]
fn a_list_that_repeats_its_first_page_comes_to_an_end() {
    let people = Person::many(60);
    let rules = r#"{"on":"lookup","times":null,"do":"ignore_start_index"}"#;
    let mut options = faults(rules);
    options.directory = scim_rekey::sandbox::Directory::Listed(Vec::new());
    let stage = Stage::new(people, options);
    stage.run().expect(3);
    assert_eq!(stage.truth().patch_requests, 0);
}

#[test]
fn case_is_the_only_difference_that_does_not_count() {
    let stage = Stage::new(
        vec![Person::new("Ann.Almeida@Example.com")],
        faults(r#"{"on":"lookup","do":{"raw_user_name":"ann.almeida@EXAMPLE.com"}}"#),
    );
    let done = stage.run();
    assert_eq!(stage.outcome(2), "updated", "{}", done.stderr);
}

#[test]
fn a_file_cannot_reach_into_the_filter() {
    for email in [
        r#""x\" or userName sw \"a"@example.com"#,
        r"a'or'1@example.com",
        "a%22or%22@example.com",
        "a+b&c=d#e@example.com",
    ] {
        let stage = Stage::new(vec![Person::new(email)], faults(""));
        let quoted = format!("email,password,mfa_phone\n\"{}\",x,\n", email.replace('"', "\"\""));
        std::fs::write(stage.input(), quoted).unwrap();
        let done = stage.run();
        let truth = stage.truth();
        assert!([0, 3, 65].contains(&done.code()), "{email}: {}", done.stderr);
        assert!(truth.applied.iter().all(|applied| applied.user_name == email), "{email}: {truth:?}");
        assert!(!truth.statuses.contains_key(&400), "the filter was malformed for {email}");
    }
}

#[test]
fn inactive_and_protected_users_are_left_alone() {
    let people = vec![
        Person::new("inactive.a@example.com"),
        Person::new("boss@example.com"),
        Person::new("c@example.com"),
    ];
    let stage = Stage::new(people, faults(""));
    let list = stage.home.path().join("protect.txt");
    std::fs::write(&list, "# break glass\nBOSS@example.com\n\n").unwrap();
    stage.finish(stage.program().arg("--protect").arg(&list)).expect(0);
    assert_eq!(stage.outcome(2), "skipped/inactive");
    assert_eq!(stage.outcome(3), "skipped/protected");
    assert_eq!(stage.outcome(4), "updated");
    assert_eq!(stage.truth().lookup_requests, 2, "nobody asks about a protected user");
}

#[test]
fn inactive_users_are_changed_only_when_asked_for() {
    let stage = Stage::new(vec![Person::new("inactive.a@example.com")], faults(""));
    stage.finish(stage.program().arg("--include-inactive")).expect(0);
    assert_eq!(stage.outcome(2), "updated");
}

#[test]
fn an_account_that_changes_in_between_is_looked_up_again() {
    use scim_rekey::sandbox::StaleMatch;
    for stale_match in [StaleMatch::PreconditionFailed, StaleMatch::InvalidVers, StaleMatch::Conflict] {
        let rule = r#"{"on":"patch","times":2,"do":"bump_version"}"#;
        let stage = Stage::new(Person::many(1), scim_rekey::sandbox::Options { stale_match, ..faults(rule) });
        stage.run().expect(0);
        stage.check_truth();
        assert_eq!(stage.truth().lookup_requests, 3);
    }
}

#[test]
fn a_reply_about_another_account_stops_the_run() {
    let stage = Stage::new(Person::many(5), faults(r#"{"on":"patch","do":"other_id"}"#));
    // One row at a time: of several the first answer need not be the first row's.
    stage.finish(stage.program().args(["--concurrency", "1"])).expect(78);
    assert_eq!((stage.truth().patch_requests, stage.outcome(2).as_str()), (1, "unknown/server_error"));
    assert_eq!(stage.outcome(6), "pending/interrupted");
}
