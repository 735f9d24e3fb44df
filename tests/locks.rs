//! One run at a time in a folder, and one at a time for a client of a service.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::{Finished, Person, Program, Running, Stage, ends, faults, until};

/// Look-ups are told to come again in a second, until the script is taken away.
const GATE: &str = r#"{"on":"lookup","skip":3,"times":null,"do":{"status":429,"retry_after":"1"}}"#;

/// A run that holds its locks, and waits until the faults are cleared.
fn waiting() -> (Stage, Running) {
    let stage = Stage::new(Person::many(10), faults(GATE));
    let running = stage.program().args(["--max-attempts", "99", "--concurrency", "2"]).start();
    until("it waits at the gate", || stage.truth().statuses.contains_key(&429));
    (stage, running)
}

/// Clears the gate; the run ends as if nothing had been.
fn released(stage: &Stage, running: Running) -> Finished {
    stage.sandbox.0.set_faults(Vec::new());
    let finished = stage.wait(running).expect(0);
    stage.check_truth();
    finished
}

/// The same job in another folder.
fn elsewhere(stage: &Stage) -> Program {
    let (input, dir) = (stage.input(), stage.home.path().join("elsewhere"));
    let args = [input.to_str().unwrap(), "--run-dir", dir.to_str().unwrap(), "--rate", "unlimited"];
    stage.with_env(Program::new(["run"]).args(args))
}

/// Leaves with 75 and names this process.
#[track_caller]
fn second(stage: &Stage, program: Program, holder: &Running) {
    let finished = stage.finish(program).expect(75);
    let named = format!("process {} ", holder.pid());
    assert!(finished.last_line().contains(&named), "{named}: {}", finished.stderr);
    assert!(finished.last_line().contains(stage.run_dir().to_str().unwrap()), "{}", finished.stderr);
    assert_eq!(stage.truth().token_requests, 1, "the second one sends nothing");
}

#[test]
fn the_second_run_in_a_folder_leaves_and_names_the_first() {
    let (stage, running) = waiting();
    second(&stage, stage.program(), &running);
    // Another client of the service is kept out by the folder alone.
    second(&stage, stage.program().env("GENESYS_CLIENT_ID", "another"), &running);
    let before = fs::read(stage.run_dir().join("audit.jsonl")).unwrap();
    second(&stage, stage.program().args(["--again", "--dry-run"]), &running);
    assert!(fs::read(stage.run_dir().join("audit.jsonl")).unwrap().starts_with(&before));
    released(&stage, running);
    assert_eq!(stage.truth().applied.len(), 10);
}

#[test]
fn a_second_run_of_the_same_client_at_the_same_service_leaves_and_names_the_first() {
    let (stage, running) = waiting();
    second(&stage, elsewhere(&stage), &running);
    assert!(!stage.home.path().join("elsewhere").exists(), "and makes no folder");
    released(&stage, running);
    stage.finish(elsewhere(&stage)).expect(0);
}

#[test]
fn a_slash_at_the_end_makes_no_other_service() {
    let (stage, running) = waiting();
    let alike = format!("{}/", stage.sandbox.0.scim_url());
    let program = elsewhere(&stage).env("GENESYS_SCIM_URL", alike);
    second(&stage, program.args(["--max-attempts", "1"]), &running);
    released(&stage, running);
}

#[test]
fn another_client_or_another_service_is_nobody_s_second() {
    let (stage, running) = waiting();
    let other = Stage::plain(3);
    other.run().expect(0);
    let finished = stage.finish(elsewhere(&stage).env("GENESYS_CLIENT_ID", "another"));
    finished.expect(77);
    released(&stage, running);
}

#[test]
fn a_killed_run_leaves_no_lock_behind() {
    let (stage, running) = waiting();
    running.signal("KILL");
    assert_eq!(stage.wait(running).code(), -1);
    stage.sandbox.0.set_faults(Vec::new());
    stage.run().expect(0);
    stage.check_truth();
    // A PATCH that was in the air is sent again, so that the changes themselves prove nothing.
    assert_eq!(stage.summary()["outcomes"]["updated"], 10);
}

#[test]
fn lock_wait_waits_for_the_first_run_to_end() {
    for same_folder in [true, false] {
        let (stage, running) = waiting();
        let next = if same_folder { stage.program() } else { elsewhere(&stage) };
        let mut next = next.args(["--lock-wait", "1m"]).start();
        // The gate refuses once a second: twice more, and the next one has surely tried.
        let before = stage.truth().statuses[&429];
        until("the gate has refused twice more", || stage.truth().statuses[&429] >= before + 2);
        assert!(next.is_alive(), "it waits");
        assert_eq!(stage.truth().token_requests, 1, "and sends nothing");
        released(&stage, running);
        ends(&mut next);
        stage.wait(next).expect(0);
        let again = if same_folder { 0 } else { 10 };
        assert_eq!(stage.truth().applied.len(), 10 + again, "one folder is done once");
    }
}

#[test]
fn lock_wait_has_an_end() {
    let (stage, running) = waiting();
    let start = Instant::now();
    second(&stage, stage.program().args(["--lock-wait", "400ms"]), &running);
    assert!(start.elapsed() >= Duration::from_millis(400));
    released(&stage, running);
}

#[test]
fn status_is_told_during_a_run_and_after_it() {
    let (stage, running) = waiting();
    let status =
        || stage.finish(Program::new(["status", stage.run_dir().to_str().unwrap()])).expect(0).stdout;
    until("the finished rows are on disk", || status().contains("3 of 10 rows settled: 3 updated"));
    let during = status();
    assert!(during.contains(&format!("process {}", running.pid())), "{during}");
    assert!(during.contains("going on"), "{during}");
    released(&stage, running);
    let after = status();
    assert!(after.contains("complete, exit code 0") && after.contains("10 updated"), "{after}");
}

#[test]
fn report_leaves_a_running_run_alone() {
    let (stage, running) = waiting();
    let report = || stage.finish(Program::new(["report", stage.run_dir().to_str().unwrap()]));
    report().expect(75);
    assert!(!stage.run_dir().join("summary.json").exists());
    released(&stage, running);
    let written = fs::read(stage.run_dir().join("outcome.csv")).unwrap();
    fs::remove_file(stage.run_dir().join("outcome.csv")).unwrap();
    report().expect(0);
    assert_eq!(fs::read(stage.run_dir().join("outcome.csv")).unwrap(), written);
}
