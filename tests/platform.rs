//! The vendor's platform API beside the SCIM one: a password by its own route, the end of sessions, and what
//! the organisation asks of passwords. And passwords that are digests, where somebody declares to want them.

use std::fs;

use scim_rekey::sandbox::{Kind, Options, Seen};
use serde_json::json;

use crate::support::{Canary, Finished, Person, Program, Stage, faults, sha256_hex};

fn people(names: &[&str]) -> Vec<Person> {
    names.iter().map(|name| Person::new(format!("{name}@example.com"))).collect()
}

fn run(stage: &Stage, args: &[&str]) -> Finished {
    stage.finish(stage.program().args(args))
}

const ROUTE: &[&str] = &["--password-route", "platform"];

/// The requests that change somebody, in order.
fn changes(stage: &Stage) -> Vec<Seen> {
    stage.truth().requests.into_iter().filter(|seen| seen.kind == Kind::Patch).collect()
}

fn methods(stage: &Stage) -> Vec<(String, u16)> {
    changes(stage).into_iter().map(|seen| (seen.method, seen.status)).collect()
}

fn seen(method: &str, status: u16) -> (String, u16) {
    (method.to_owned(), status)
}

#[track_caller]
fn detail(stage: &Stage, line: usize) -> String {
    stage.outcomes()[line - 2]["detail"].clone()
}

/// An input without phones.
fn passwords_only(stage: &Stage) {
    let row = |person: &Person| format!("{},\"{}\"\n", person.email, person.password.0.replace('"', "\"\""));
    let rows: String = stage.people.iter().map(row).collect();
    fs::write(stage.input(), format!("email,password\n{rows}")).unwrap();
}

#[test]
fn the_password_goes_its_own_way_after_the_patch_of_everything_else() {
    let stage = Stage::new(people(&["ann"]), Options::default());
    run(&stage, ROUTE).expect(0);
    assert_eq!(methods(&stage), [seen("PATCH", 200), seen("POST", 204)]);
    let post = changes(&stage).pop().unwrap();
    let id = &stage.truth().applied[0].user_id;
    assert_eq!((post.path, post.query), (format!("/api/v2/users/{id}/password"), String::new()));
    assert_eq!(post.content_type.as_deref(), Some("application/json"));
    let applied = stage.truth().applied;
    assert!(applied[0].mfa.is_some() && applied[0].password.is_none());
    assert!(applied[1].mfa.is_none());
    assert_eq!(applied[1].password.as_deref(), Some(&*stage.people[0].password.0));
    let row = stage.outcomes().remove(0);
    assert_eq!((&*row["outcome"], &*row["mfa"], &*row["http_status"]), ("updated", "confirmed", "204"));
}

#[test]
fn a_row_with_a_password_alone_sends_no_patch() {
    let stage = Stage::new(people(&["ann"]), Options::default());
    passwords_only(&stage);
    run(&stage, ROUTE).expect(0);
    assert_eq!(methods(&stage), [seen("POST", 204)]);
    assert_eq!((stage.outcome(2).as_str(), &*stage.outcomes()[0]["mfa"]), ("updated", "none"));
}

#[test]
fn a_refused_password_after_a_taken_patch_is_told_as_such() {
    let stage = Stage::new(people(&["ann", "recent", "refused"]), Options::default());
    run(&stage, ROUTE).expect(3);
    assert_eq!(stage.outcome(2), "updated");
    let (soon, refused) = (detail(&stage, 3), detail(&stage, 4));
    assert_eq!(stage.outcome(3), "failed/too_soon");
    let until = stage.truth().users.into_iter().find(|user| user.user_name.starts_with("recent"));
    let until = until.unwrap().password_locked_until.unwrap().strftime("until %Y-%m-%dT%H:%M").to_string();
    assert!(soon.starts_with("everything but the password was changed: ") && soon.contains(&until), "{soon}");
    assert_eq!(stage.outcome(4), "failed/rejected");
    assert!(refused.starts_with("everything but the password was changed: the service refuses"), "{refused}");
}

#[test]
fn a_doubt_about_the_patch_is_over_when_the_patch_is_taken() {
    let rule = r#"{"on": "patch", "user": "refused@example.com", "do": {"reset": "after"}}"#;
    let stage = Stage::new(people(&["ann", "refused"]), faults(rule));
    run(&stage, ROUTE).expect(3);
    let of_refused =
        changes(&stage).into_iter().filter(|seen| seen.user.as_deref() == Some("refused@example.com"));
    let sent: Vec<_> = of_refused.map(|seen| (seen.method, seen.status)).collect();
    assert_eq!(sent, [seen("PATCH", 0), seen("PATCH", 200), seen("POST", 400)]);
    let told = detail(&stage, 3);
    assert_eq!(stage.outcome(3), "failed/rejected");
    assert!(told.starts_with("everything but the password was changed: the service refuses"), "{told}");
}

#[test]
fn a_refused_patch_keeps_the_password_from_being_sent() {
    let rule = r#"{"on": "patch", "user": "ben@example.com", "times": null, "do": {"status": 400}}"#;
    let stage = Stage::new(people(&["ann", "ben"]), faults(rule));
    run(&stage, ROUTE).expect(3);
    assert_eq!(stage.outcome(3), "failed/rejected");
    assert!(!detail(&stage, 3).contains("everything but"), "{}", detail(&stage, 3));
    let of_ben = changes(&stage).into_iter().filter(|seen| seen.user.as_deref() == Some("ben@example.com"));
    assert_eq!(of_ben.map(|seen| seen.method).collect::<Vec<_>>(), ["PATCH"]);
}

#[test]
fn a_password_in_doubt_is_sent_again_and_is_never_a_second_one() {
    let rule = |name: &str, action: &str| {
        format!(r#"{{"on": "patch", "user": "{name}@example.com", "do": {action}}}"#)
    };
    let rules = [
        rule("ann", r#"{"reset": "after"}"#),
        rule("ben", r#"{"reset": "before"}"#),
        rule("eve", r#"{"status_after": 502}"#),
    ];
    let stage = Stage::new(Vec::new(), faults(&rules.join(",")));
    fs::write(stage.input(), "email\nann@example.com\nben@example.com\neve@example.com\n").unwrap();
    let (key, public) = age_key();
    run(&stage, &[ROUTE, &["--generate-passwords", "--seal-to", &public]].concat()).expect(0);
    let truth = stage.truth();
    for (place, name) in ["ann", "ben", "eve"].into_iter().enumerate() {
        let name = format!("{name}@example.com");
        let sent = changes(&stage).into_iter().filter(|seen| seen.user.as_ref() == Some(&name));
        let sent: Vec<_> = sent.map(|seen| (seen.method, seen.status == 204)).collect();
        assert_eq!(sent, [("POST".to_owned(), false), ("POST".to_owned(), true)], "{name}");
        let own = truth.applied.iter().filter(|applied| applied.user_name == name);
        let own: Vec<_> = own.filter_map(|applied| applied.password.clone()).collect();
        assert!(!own.is_empty() && own.iter().all(|one| *one == own[0]), "{name}");
        let line = place + 2;
        let intents = stage.audit().into_iter().filter(|it| it["kind"] == "intent" && it["line"] == line);
        assert_eq!(intents.map(|it| it["repeat"] == true).collect::<Vec<_>>(), [false, true], "{name}");
        assert_eq!((stage.outcome(line).as_str(), &unsealed(&stage, &key)[place]), ("updated", &own[0]));
    }
}

/// A new key, and whom it opens for.
fn age_key() -> (String, String) {
    use age::secrecy::ExposeSecret as _;
    let key = age::x25519::Identity::generate();
    (key.to_string().expose_secret().to_owned(), key.to_public().to_string())
}

/// The passwords that `unseal` shows.
fn unsealed(stage: &Stage, key: &str) -> Vec<String> {
    let secret = stage.home.path().join("secret");
    fs::write(&secret, key).unwrap();
    let done = Program::new(["unseal"]).arg(stage.run_dir()).arg("--identity").arg(secret).run().expect(0);
    let mut reader = csv::Reader::from_reader(done.stdout.as_bytes());
    reader.records().map(|record| record.unwrap()[3].to_owned()).collect()
}

#[test]
fn the_sessions_of_whom_was_updated_end_and_of_nobody_else() {
    let names = ["ann", "ben", "missing", "inactive", "refused", "recent"];
    let stage = Stage::new(people(&names), Options::default());
    run(&stage, &["--revoke-sessions"]).expect(3);
    let truth = stage.truth();
    let mut updated: Vec<_> = truth.applied.iter().map(|applied| applied.user_id.clone()).collect();
    let mut ended = truth.sessions_ended.clone();
    updated.sort();
    ended.sort();
    assert_eq!((ended.len(), &ended), (2, &updated));
    assert!((2..4).all(|line| detail(&stage, line) == "sessions ended"), "{:?}", stage.outcomes());
    assert_eq!(stage.summary()["requests"]["sessions"], 2);
    let deletes = truth.requests.iter().filter(|seen| seen.method == "DELETE");
    assert!(deletes.clone().all(|seen| seen.path.starts_with("/api/v2/tokens/")) && deletes.count() == 2);
    assert_eq!(&*stage.outcomes()[0]["http_status"], "200", "of the change");
}

#[test]
fn sessions_that_do_not_end_leave_the_row_updated_and_are_told() {
    let rule = |name: &str, status: u16| {
        format!(
            r#"{{"on": "config", "user": "{name}@example.com", "times": null, "do": {{"status": {status}}}}}"#
        )
    };
    let rules = [rule("ann", 403), rule("ben", 404), rule("eve", 500)].join(",");
    let stage = Stage::new(people(&["ann", "ben", "eve", "zoe"]), faults(&rules));
    run(&stage, &["--revoke-sessions", "--max-attempts", "1"]).expect(0);
    let told = [
        "SESSIONS NOT ENDED (403)",
        "there were no sessions to end",
        "SESSIONS NOT ENDED (500)",
        "sessions ended",
    ];
    let results = stage.audit().into_iter().filter(|line| line["kind"] == "result");
    let results: Vec<_> = results.collect();
    for (place, told) in told.into_iter().enumerate() {
        let line = place + 2;
        assert_eq!((stage.outcome(line).as_str(), detail(&stage, line).as_str()), ("updated", told));
        let result = results.iter().find(|result| result["line"] == line).unwrap();
        assert_eq!((&result["detail"], &result["http_status"]), (&told.into(), &200.into()));
    }
    assert_eq!(stage.truth().sessions_ended.len(), 1);
    assert_eq!(stage.truth().applied.len(), 4);
}

#[test]
fn where_sessions_cannot_be_ended_no_change_waits_for_it() {
    let names: Vec<_> = (0..12).map(|number| format!("user{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let down = r#"{"on": "config", "skip": 1, "times": null, "do": {"status": 502}}"#;
    let stage = Stage::new(people(&names), faults(down));
    run(&stage, &["--revoke-sessions"]).expect(0);
    let truth = stage.truth();
    assert_eq!(truth.applied.len(), 12, "no row is repeated");
    let deletes = truth.requests.iter().filter(|seen| seen.method == "DELETE").count();
    assert!((12..=24).contains(&deletes), "{deletes}");
    assert!((2..14).all(|line| detail(&stage, line) == "SESSIONS NOT ENDED (502)"), "{:?}", stage.outcomes());
}

#[test]
fn a_dry_run_ends_no_sessions_and_sets_no_password() {
    let stage = Stage::new(people(&["ann"]), Options::default());
    run(&stage, &[ROUTE, &["--revoke-sessions", "--dry-run"]].concat()).expect(0);
    let truth = stage.truth();
    assert_eq!((truth.applied.len(), truth.sessions_ended.len(), truth.patch_requests), (0, 0, 0));
    assert!(truth.requests.iter().all(|seen| seen.method != "DELETE"));
    assert_eq!(stage.outcome(2), "would_update");
}

#[test]
fn a_digest_is_on_the_wire_where_that_is_asked_for() {
    for route in ["scim", "platform"] {
        let stage = Stage::new(people(&["ann"]), Options::default());
        let digest = sha256_hex(stage.people[0].password.0.as_bytes());
        stage.keep_secret(&Canary(digest.clone()));
        run(&stage, &["--password-encoding", "sha256-hex", "--password-route", route]).expect(0);
        let set: Vec<_> = stage.truth().applied.into_iter().filter_map(|applied| applied.password).collect();
        assert_eq!(set, [digest], "{route}");
    }
}

#[test]
fn digests_do_not_become_passwords_at_the_vendor_by_accident() {
    let stage = Stage::plain(1);
    for region in ["mypurecloud.de", "eu-west-2", "use2.us-gov-pure.cloud", "eusc-de-east-1"] {
        let program = Program::new(stage.run_args())
            .env("GENESYS_CLIENT_ID", "c")
            .env("GENESYS_CLIENT_SECRET", "not sent anywhere")
            .args(["--region", region, "--password-encoding", "sha256-hex"]);
        let done = stage.finish(program).expect(78);
        assert!(done.last_line().contains("--force-password-encoding"), "{region}: {}", done.stderr);
    }
    let elsewhere = ["--scim-url", "https://127.0.0.1:9/scim", "--password-route", "platform"];
    let done = run(&stage, &elsewhere).expect(78);
    assert!(done.last_line().contains("--password-route platform"), "{}", done.stderr);
    assert_eq!((stage.truth().requests.len(), stage.run_dir().exists()), (0, false));
}

/// Passwords of these people, the first of which falls short of 24 characters.
fn one_short(options: Options) -> Stage {
    let mut people = people(&["ann", "ben"]);
    people[0].password = Canary("Kurz+7-kurz".to_owned());
    Stage::new(people, options)
}

fn long_ones() -> Options {
    let wants = json!({"minimumLength": 24, "minimumDigits": 1});
    Options { password_requirements: Some(wants), ..Options::default() }
}

#[test]
fn passwords_that_the_organisation_would_refuse_are_not_sent() {
    let stage = one_short(long_ones());
    run(&stage, &["--password-policy", "organization", "--lookup", "filter"]).expect(3);
    assert_eq!((stage.outcome(2).as_str(), stage.outcome(3).as_str()), ("failed/invalid_row", "updated"));
    assert!(detail(&stage, 2).contains("is shorter than 24 characters"), "{}", detail(&stage, 2));
    assert_eq!(stage.outcomes()[0]["attempts"], "0");
    let of_ann =
        stage.truth().requests.into_iter().filter(|seen| seen.user.as_deref() == Some("ann@example.com"));
    assert_eq!(of_ann.count(), 0);
    assert!(!stage.summary()["warnings"].to_string().contains("does not show"));
    stage.check_truth();
}

#[test]
fn without_a_word_of_the_organisation_the_documented_policy_counts() {
    let stage = one_short(Options { password_requirements: None, ..Options::default() });
    run(&stage, &["--password-policy", "organization"]).expect(0);
    let asked = stage.truth().requests.into_iter().find(|seen| seen.path.ends_with("/settings")).unwrap();
    assert_eq!(asked.status, 403);
    let warnings = stage.summary()["warnings"].to_string();
    assert!(warnings.contains("the organisation does not show what it asks of passwords"), "{warnings}");
    stage.check_truth();
    // Nobody else asks.
    let stage = one_short(long_ones());
    run(&stage, &[]).expect(0);
    assert!(stage.truth().requests.iter().all(|seen| !seen.path.ends_with("/settings")));
}

#[test]
fn what_falls_short_of_the_documented_policy_is_warned_of() {
    let mut people = people(&["ann", "ben", "cassandra"]);
    people[1].password = Canary("all-small-letters".to_owned());
    people[2].password = Canary("Ihr-Name-ist-Cassandra-7".to_owned());
    let stage = Stage::new(people, Options::default());
    let warning = "the passwords of 2 rows fall short of the vendor's documented policy or hold the user's name (line 3, 4)";
    let check = || Program::new(["check"]).arg(stage.input());
    assert!(stage.finish(check()).expect(0).stdout.contains(&format!("warning: {warning}\n")));
    run(&stage, &[]).expect(0);
    assert!(stage.summary()["warnings"].to_string().contains(warning), "{}", stage.summary());
    stage.check_truth();
    // The name is no matter of warnings where the organisation's own policy is asked for.
    let strict = stage.program().args(["--password-policy", "organization", "--again"]);
    let done = stage.finish(strict).expect(65);
    assert!(done.stderr.contains("line 4: password: contains the user's name"), "{}", done.stderr);
}

#[test]
fn a_password_that_holds_its_users_address_is_a_bad_line() {
    let mut people = people(&["ann", "ben"]);
    people[1].password = Canary("My-BEN@example.com-7".to_owned());
    let stage = Stage::new(people, Options::default());
    let done = run(&stage, &[]).expect(65);
    assert!(done.stderr.contains("line 3: password: contains the user's address"), "{}", done.stderr);
    assert_eq!(stage.truth().requests.len(), 0);
    run(&stage, &["--password-policy", "none"]).expect(0);
    stage.check_truth();
}
