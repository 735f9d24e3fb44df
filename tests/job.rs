//! The job: from a CSV to an outcome that can be believed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use scim_rekey::sandbox::{Kind, Options, PatchReply};

use crate::support::{Person, Program, Stage, faults};

#[test]
fn everybody_in_the_file_is_updated_once() {
    let stage = Stage::plain(50);
    stage.run().expect(0);
    stage.check_truth();
    assert_eq!(stage.truth().applied.len(), 50);
    let summary = stage.summary();
    assert_eq!(summary["outcomes"]["updated"], 50);
    assert_eq!(
        (&summary["rows"], &summary["exit_code"], &summary["dry_run"]),
        (&50.into(), &0.into(), &false.into())
    );
    assert_eq!(summary["requests"]["token"], 1);
    assert_eq!(summary["requests"]["patch"], 50);
    assert_eq!(summary["mfa"]["confirmed"], 50);
    let last = stage.audit().pop().unwrap();
    assert_eq!((&summary["audit_head"], &last["kind"]), (&last["hash"], &"run_end".into()));
}

#[test]
fn password_and_mfa_travel_in_one_patch() {
    let stage = Stage::plain(1);
    stage.run().expect(0);
    let truth = stage.truth();
    let kinds: Vec<_> = truth.requests.iter().map(|seen| seen.kind).collect();
    assert_eq!(kinds, [Kind::Token, Kind::Other, Kind::Lookup, Kind::Patch]);
    let applied = &truth.applied[0];
    assert_eq!(applied.password.as_deref(), Some(&*stage.people[0].password.0));
    let mfa = applied.mfa.as_ref().unwrap();
    assert_eq!((&mfa["enabled"], &mfa["mfaType"]), (&true.into(), &"phone".into()));
    assert_eq!(mfa["phoneNumber"], stage.people[0].phone.0.as_str());
    let patch = truth.requests.last().unwrap();
    assert_eq!(patch.content_type.as_deref(), Some("application/scim+json"));
    assert!(patch.if_match.as_deref().is_some_and(|tag| tag.starts_with("W/")), "{patch:?}");
    assert!(patch.user_agent.as_deref().is_some_and(|agent| agent.starts_with("scim-rekey/")));
    let lookup = &truth.requests[2];
    assert_eq!(lookup.accept.as_deref(), Some("application/scim+json"));
    assert!(lookup.query.contains("attributes=id,userName,active,meta"), "{}", lookup.query);
}

#[test]
fn a_service_without_entity_tags_gets_no_if_match() {
    let stage = Stage::new(Person::many(2), Options { etag: false, ..Options::default() });
    stage.run().expect(0);
    assert!(stage.truth().requests.iter().all(|seen| seen.if_match.is_none()));
}

#[test]
fn no_content_is_a_yes_that_shows_nothing() {
    let stage =
        Stage::new(Person::many(2), Options { patch_reply: PatchReply::NoContent, ..Options::default() });
    stage.run().expect(0);
    stage.check_truth();
    assert!(stage.outcomes().iter().all(|row| row["mfa"] == "accepted" && row["http_status"] == "204"));
    assert_eq!(stage.summary()["mfa"]["accepted"], 2);
    assert!(stage.summary()["warnings"].to_string().contains("MFA"));
}

#[test]
fn a_dry_run_looks_up_and_changes_nothing() {
    let mut people = Person::many(5);
    people.push(Person::new("missing@example.com"));
    let stage = Stage::new(people, Options::default());
    stage.finish(stage.program().arg("--dry-run")).expect(3);
    let truth = stage.truth();
    assert_eq!((truth.patch_requests, truth.applied.len(), truth.lookup_requests), (0, 0, 6));
    assert_eq!(stage.outcome(2), "would_update");
    assert_eq!(stage.outcome(7), "failed/not_found");
    assert_eq!(stage.summary()["dry_run"], true);
    // The real run is another job, and wants its own folder.
    stage.finish(stage.program()).expect(65);
    assert_eq!(stage.truth().patch_requests, 0);
}

#[test]
fn the_run_folder_is_private_whatever_the_umask() {
    let stage = Stage::plain(2);
    let program = stage.with_env(Program::below_shell("umask 000", stage.run_args()));
    stage.finish(program).expect(0);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&stage.run_dir()), 0o700);
    for name in ["audit.jsonl", "outcome.csv", "summary.json"] {
        assert_eq!(mode(&stage.run_dir().join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_umask_that_takes_everything_away_takes_nothing_from_us() {
    let stage = Stage::plain(2);
    let program = stage.with_env(Program::below_shell("umask 777", stage.run_args()));
    stage.finish(program).expect(0);
    for name in ["audit.jsonl", "outcome.csv", "summary.json", "input.key"] {
        let mode = fs::metadata(stage.run_dir().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
}

#[test]
fn without_a_terminal_success_is_silent_and_failure_is_one_line() {
    let stage = Stage::plain(3);
    let done = stage.finish(stage.program().without_env("RUST_LOG")).expect(0);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("", ""));

    let stage = Stage::new(
        vec![Person::new("a@example.com"), Person::new("missing@example.com")],
        Options::default(),
    );
    let done = stage.finish(stage.program().without_env("RUST_LOG")).expect(3);
    assert_eq!((done.stdout.as_str(), done.stderr.lines().count()), ("", 1));
    let dir = stage.run_dir().display().to_string();
    for part in [dir.as_str(), "1 updated", "1 failed", "2 rows", "scim-rekey retry"] {
        assert!(done.stderr.contains(part), "{part} is not in {}", done.stderr);
    }
}

#[test]
fn the_default_folder_stands_beside_the_input_and_bears_the_run_id() {
    let stage = Stage::plain(2);
    let input = stage.input();
    let program = Program::new(["run", input.to_str().unwrap(), "--rate", "unlimited"]);
    stage.finish(stage.with_env(program)).expect(0);
    let mut runs = fs::read_dir(stage.home.path().join("users.runs")).unwrap();
    let folder = runs.next().unwrap().unwrap().path();
    assert!(runs.next().is_none());
    let summary: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["run_id"], folder.file_name().unwrap().to_str().unwrap());
}

#[test]
fn standard_input_needs_a_run_folder_and_is_not_written_down() {
    let stage = Stage::plain(3);
    let bytes = fs::read(stage.input()).unwrap();
    let dir = stage.run_dir().display().to_string();
    let program = Program::new(["run", "-", "--rate", "unlimited"]).stdin(bytes.clone());
    stage.finish(stage.with_env(program)).expect(2);
    let again = || {
        stage.with_env(
            Program::new(["run", "-", "--run-dir", &dir, "--rate", "unlimited"]).stdin(bytes.clone()),
        )
    };
    stage.finish(again()).expect(0);
    stage.check_truth();
    stage.finish(again()).expect(0);
    assert_eq!(stage.truth().applied.len(), 3, "the second run finds the first complete");
}

#[test]
fn five_thousand_rows_under_scripted_faults_end_as_the_sandbox_says() {
    let mut people = Person::many(5000);
    for (place, word) in [
        (100, "missing"),
        (200, "inactive"),
        (300, "twins"),
        (400, "stranger"),
        (500, "refused"),
        (600, "recent"),
    ] {
        people[place] = Person::new(format!("{word}.{place}@example.com"));
    }
    let mut options = faults(
        r#"{"on":"lookup","every":97,"times":null,"do":{"status":503}},
           {"on":"patch","every":211,"times":null,"do":{"status_after":502}},
           {"on":"patch","every":199,"times":null,"do":{"reset":"after"}},
           {"on":"patch","every":193,"times":null,"do":{"reset":"before"}},
           {"on":"patch","every":181,"times":null,"do":{"truncate":true}},
           {"on":"patch","every":401,"times":null,"do":"bump_version"},
           {"on":"scim","every":2503,"times":null,"do":{"status":429,"retry_after":"1"}},
           {"on":"scim","every":4001,"times":2,"do":"expire_token"}"#,
    );
    options.keep_requests = 0;
    let stage = Stage::new(people, options);
    stage.finish(stage.program().args(["--concurrency", "64"])).expect(3);
    stage.check_truth();
    let outcomes = &stage.summary()["outcomes"];
    assert_eq!(
        (&outcomes["updated"], &outcomes["failed"], &outcomes["skipped"]),
        (&4994.into(), &5.into(), &1.into())
    );
    assert_eq!(stage.outcome(102), "failed/not_found");
    assert_eq!(stage.outcome(202), "skipped/inactive");
    assert_eq!(stage.outcome(302), "failed/ambiguous");
    assert_eq!(stage.outcome(402), "failed/wrong_user");
    assert_eq!(stage.outcome(502), "failed/rejected");
    assert_eq!(stage.outcome(602), "failed/too_soon");
}
