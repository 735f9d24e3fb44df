//! The audit log is evidence: every change was declared, and nothing can be altered unnoticed.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Person, Program, Stage, faults, sha256_hex};

fn verify(stage: &Stage, file: &Path) -> crate::support::Finished {
    stage.finish(Program::new([Path::new("audit"), Path::new("verify"), file]))
}

#[test]
fn every_line_is_chained_to_the_one_before_it() {
    let stage = Stage::plain(30);
    stage.run().expect(0);
    let text = fs::read_to_string(stage.run_dir().join("audit.jsonl")).unwrap();
    let mut prev = "0".repeat(64);
    for (place, line) in text.lines().enumerate() {
        let (sealed, _) = line.rsplit_once(",\"hash\":").unwrap();
        let hash = sha256_hex(sealed.as_bytes());
        let record: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&record["hash"], &record["prev"]), (&hash.as_str().into(), &prev.as_str().into()));
        assert_eq!((&record["v"], &record["seq"]), (&1.into(), &(place as u64 + 1).into()));
        assert!(record["ts"].is_string() && record["run_id"].is_string() && record["kind"].is_string());
        prev = hash;
    }
    let done = verify(&stage, &stage.run_dir().join("audit.jsonl")).expect(0);
    assert!(done.stdout.contains(&prev), "the head is shown: {}", done.stdout);
}

#[test]
fn a_row_is_declared_before_it_is_changed_and_names_attributes_only() {
    let stage = Stage::plain(10);
    stage.run().expect(0);
    let audit = stage.audit();
    for person in &stage.people {
        let of_row: Vec<_> = audit.iter().filter(|line| line["email"] == person.email.as_str()).collect();
        assert_eq!(
            of_row.iter().map(|line| line["kind"].as_str().unwrap()).collect::<Vec<_>>(),
            ["intent", "result"]
        );
        assert_eq!(of_row[0]["attributes"], serde_json::json!(["password", "mfaSettings"]));
        assert_eq!(of_row[0]["user_id"], of_row[1]["user_id"]);
    }
}

#[test]
fn any_record_that_is_flipped_deleted_swapped_or_inserted_is_found() {
    let stage = Stage::plain(10);
    stage.run().expect(0);
    let text = fs::read_to_string(stage.run_dir().join("audit.jsonl")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let altered = stage.home.path().join("altered.jsonl");
    let check = |what: &str, lines: Vec<String>, seq: usize| {
        fs::write(&altered, lines.join("\n") + "\n").unwrap();
        let done = verify(&stage, &altered).expect(65);
        assert!(done.last_line().contains(&format!("record {seq} ")), "{what}: {}", done.stderr);
    };
    let owned = || lines.iter().map(ToString::to_string).collect::<Vec<_>>();
    for place in 0..lines.len() {
        let mut flipped = owned();
        flipped[place] = flipped[place].replacen("\"ts\":\"2", "\"ts\":\"3", 1);
        check("flipped", flipped, place + 1);
        if place + 1 < lines.len() {
            let mut deleted = owned();
            deleted.remove(place);
            check("deleted", deleted, place + 1);
            let mut swapped = owned();
            swapped.swap(place, place + 1);
            check("swapped", swapped, place + 1);
        }
        let mut inserted = owned();
        inserted.insert(place + 1, lines[0].to_owned());
        check("inserted", inserted, place + 2);
    }
}

#[test]
fn checkpoints_stand_on_the_way() {
    let stage = Stage::plain(600);
    stage.run().expect(0);
    let audit = stage.audit();
    let checkpoint = audit.iter().find(|line| line["kind"] == "checkpoint").unwrap();
    assert_eq!((&checkpoint["seq"], &checkpoint["records"]), (&1001.into(), &1000.into()));
}

#[test]
fn a_log_that_cannot_grow_stops_the_run_and_the_same_command_goes_on() {
    let stage = Stage::plain(200);
    // 64 blocks of 512 bytes; the program must get an error, not a signal.
    let program = stage.with_env(Program::below_shell("ulimit -f 64", stage.run_args()));
    let done = stage.finish(program).expect(74);
    assert!(done.last_line().contains("the audit log cannot be written"), "{}", done.stderr);
    let truth = stage.truth();
    let declared = fs::read_to_string(stage.run_dir().join("audit.jsonl"))
        .unwrap()
        .matches("\"kind\":\"intent\"")
        .count();
    assert!(truth.patch_requests <= declared as u64, "{} patches, {declared} intents", truth.patch_requests);
    stage.run().expect(0);
    stage.check_truth();
    assert!(stage.truth().patch_requests <= 200 + 16);
}

#[test]
fn a_log_that_cannot_be_made_means_that_nothing_is_sent() {
    let stage = Stage::plain(3);
    fs::write(stage.home.path().join("file"), "").unwrap();
    let below_a_file = stage.home.path().join("file/run");
    let input = stage.input();
    let program = Program::new([Path::new("run"), &input, Path::new("--run-dir"), &below_a_file]);
    stage.finish(stage.with_env(program)).expect(73);
    let program = stage.with_env(Program::below_shell("ulimit -f 0", stage.run_args()));
    stage.finish(program).expect(73);
    assert!(stage.truth().requests.is_empty());
    std::os::unix::fs::symlink(stage.home.path().join("file"), stage.home.path().join("link")).unwrap();
    let planted = stage.home.path().join("planted");
    fs::create_dir(&planted).unwrap();
    std::os::unix::fs::symlink(stage.home.path().join("file"), planted.join("audit.jsonl")).unwrap();
    let program = Program::new([Path::new("run"), &input, Path::new("--run-dir"), &planted]);
    stage.finish(stage.with_env(program)).expect(73);
    assert!(stage.truth().requests.is_empty());
}

#[test]
fn a_panic_is_named_by_place_and_the_run_can_go_on() {
    for (place, outcome) in [("find", "pending/interrupted"), ("write", "unknown/reply_lost")] {
        let stage = Stage::new(Person::many(3), faults(""));
        let done = stage
            .finish(stage.program().args(["--concurrency", "1"]).env("SCIM_REKEY_FAILPOINT", place))
            .expect(70);
        assert!(done.stderr.contains("internal error at src"), "{}", done.stderr);
        assert!(!done.stderr.contains("failpoint find") && !done.stderr.contains("failpoint write"));
        assert_eq!(stage.outcome(2), outcome);
        stage.run().expect(0);
        stage.check_truth();
    }
}

#[test]
fn an_emptied_log_is_no_evidence() {
    let stage = Stage::plain(1);
    let empty = stage.home.path().join("empty.jsonl");
    fs::write(&empty, "").unwrap();
    verify(&stage, &empty).expect(65);
}

#[test]
fn a_log_whose_beginning_is_damaged_is_not_passed_over() {
    for damage in [
        |text: &str| text.replacen("run_start", "run_stort", 1),
        |text: &str| format!("\u{feff}{text}"),
        |text: &str| text.split_once('\n').unwrap().1.to_owned(),
        |_: &str| "\n".to_owned(),
    ] {
        let stage = Stage::plain(10);
        let input = stage.input();
        let run = |more: &[&str]| {
            let program = Program::new(["run", input.to_str().unwrap(), "--rate", "50/s"]).args(more);
            stage.finish(stage.with_env(program))
        };
        run(&["--max-duration", "100ms"]).expect(75);
        let folder =
            fs::read_dir(stage.home.path().join("users.runs")).unwrap().next().unwrap().unwrap().path();
        let log = folder.join("audit.jsonl");
        fs::write(&log, damage(&fs::read_to_string(&log).unwrap())).unwrap();
        let requests = stage.truth().requests.len();
        run(&[]).expect(65);
        assert_eq!(stage.truth().requests.len(), requests);
    }
}
