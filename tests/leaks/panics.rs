//! A defect of this program at any stage: it says where and nothing else, the log stands, and the same
//! command brings the run to its right end.

use std::collections::BTreeSet;
use std::fs;

use scim_rekey::sandbox::{Kind, Options};

use crate::support::{Finished, Person, Program, Stage, faults, outcomes_in};

/// Says where, in one line, and not a word of the panic's message.
#[track_caller]
fn told(finished: &Finished, stage: &str) {
    let mut told = finished.stderr.lines().filter(|line| line.contains("internal error at "));
    let place = told.next().unwrap_or_else(|| panic!("{stage}: {}", finished.stderr));
    let place = place.strip_prefix("scim-rekey: internal error at ").unwrap();
    let (file, line) = place.split_once(':').unwrap();
    assert!(file.starts_with("src/") && line.parse::<u32>().is_ok(), "{stage}: {place}");
    for word in ["failpoint", "panicked", "payload", "RUST_BACKTRACE"] {
        assert!(!finished.stderr.contains(word), "{stage}: {}", finished.stderr);
    }
}

/// Every row is where the sandbox's truth allows it to be: a PATCH that arrived is in doubt or yes, and
/// whatever never left is not.
#[track_caller]
fn rows_are_true(stage: &Stage, place: &str) {
    let dir = stage.run_dir();
    stage.finish(Program::new(["report", dir.to_str().unwrap()])).expect(0);
    let truth = stage.truth();
    let reached: BTreeSet<_> = truth
        .requests
        .iter()
        .filter(|seen| seen.kind == Kind::Patch)
        .filter_map(|seen| seen.user.clone())
        .collect();
    for row in outcomes_in(&dir) {
        let patched = reached.contains(&row["email"]);
        match row["outcome"].as_str() {
            "updated" | "unknown" => {}
            "pending" => assert!(!patched, "{place}: {row:?}"),
            other => panic!("{place}: {other} {row:?}"),
        }
        let applied = truth.applied.iter().any(|applied| applied.user_name == row["email"]);
        assert!(row["outcome"] != "updated" || applied, "{place}: {row:?}");
    }
}

/// A run of eight rows that fails at this place; then the same command.
fn fails_at(place: &str) {
    let stage = Stage::new(Person::many(8), faults(r#"{"on":"patch","times":null,"do":{"wait_ms":20}}"#));
    let program = stage.program().args(["-vv", "--concurrency", "4"]).env("SCIM_REKEY_FAILPOINT", place);
    let finished = stage.finish(program).expect(70);
    told(&finished, place);
    let log = stage.run_dir().join("audit.jsonl");
    if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        let verified = stage.finish(Program::new(["audit", "verify", log.to_str().unwrap()])).expect(0);
        assert!(verified.stdout.contains("unbroken chain"), "{place}");
        rows_are_true(&stage, place);
    } else {
        assert!(stage.truth().patch_requests == 0, "{place}: no log, no change");
    }
    stage.run().expect(0);
    stage.check_truth();
    let after = stage.truth();
    assert_eq!(stage.summary()["outcomes"]["updated"], 8, "{place}");
    // Only what was in doubt is sent again: at most what was in flight. A PATCH that the dead process
    // left in the air may land meanwhile; then that one is refused as stale, and sent once more.
    assert!(after.patch_requests <= 8 + 2 * 4, "{place}: {} changes were sent", after.patch_requests);
}

#[test]
fn a_panic_before_anything_was_changed_is_named_by_place_and_the_run_goes_on() {
    for place in ["survey", "token", "read", "plan", "find", "send", "answer", "identity", "intent", "commit"]
    {
        fails_at(place);
    }
}

#[test]
fn a_panic_among_changes_is_named_by_place_and_the_run_goes_on() {
    for place in [
        "read:6",
        "find:5",
        "identity:4",
        "intent:3",
        "commit:4",
        "append:3",
        "sync:3",
        "write",
        "write:3",
        "send:9",
        "answer:9",
        "result",
        "result:4",
        "outcome",
        "outcome:2",
    ] {
        fails_at(place);
    }
}

#[test]
fn a_panic_at_the_end_is_named_by_place_and_the_same_command_ends_it() {
    for place in ["end", "last_words", "report", "outcomes", "outcomes:2", "summary"] {
        fails_at(place);
    }
}

#[test]
fn a_panic_in_one_row_lets_the_others_land() {
    let late = r#"{"on":"patch","user":"user3@example.com","do":{"wait_ms":300}}"#;
    let stage = Stage::new(Person::many(6), faults(late));
    // The first change goes alone; the third is the second of those that go together.
    let program = stage.program().args(["--concurrency", "6"]).env("SCIM_REKEY_FAILPOINT", "write:3");
    told(&stage.finish(program).expect(70), "write:3");
    let ends: Vec<_> = stage.outcomes().iter().map(|row| row["outcome"].clone()).collect();
    assert_eq!(ends.len(), 6);
    assert!(ends.contains(&"unknown".to_owned()) && ends.contains(&"updated".to_owned()), "{ends:?}");
    stage.run().expect(0);
    stage.check_truth();
}

#[test]
fn a_place_that_is_never_reached_fails_nothing() {
    let stage = Stage::new(Person::many(2), Options::default());
    for place in ["nowhere", "write:99", "write:x"] {
        stage.finish(stage.program().arg("--again").env("SCIM_REKEY_FAILPOINT", place)).expect(0);
    }
    stage.check_truth();
}
