//! A run that ends while the list is read, or soon after, loses nothing, and the same command goes on.

use std::time::{Duration, Instant};

use super::{counts, known_but, lookups};
use crate::support::{Program, Running, Stage, ends, until};

const ROWS: usize = 250;

/// The job, with the way that the program chooses, and these faults.
fn under_way(rule: &str) -> (Stage, Running) {
    let stage = known_but(ROWS, rule);
    let running = stage.program().args(["--concurrency", "8"]).start();
    (stage, running)
}

/// From the second page on, the list is not answered for ten minutes.
const SLOW_LIST: &str = r#"{"on":"lookup","skip":1,"times":null,"do":{"wait_ms":600000}}"#;

#[track_caller]
fn goes_on(stage: &Stage, patches: u64) {
    stage.sandbox.0.set_faults(Vec::new());
    stage.run().expect(0);
    stage.check_truth();
    assert_eq!(stage.summary()["outcomes"]["updated"], ROWS);
    assert!(stage.truth().patch_requests <= patches, "{} changes", stage.truth().patch_requests);
}

#[test]
fn a_signal_while_the_list_is_read_is_heeded_at_once() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let (stage, mut running) = under_way(SLOW_LIST);
        until("the list is read", || lookups(&stage).0.len() == 3);
        let signalled = Instant::now();
        running.signal(signal);
        ends(&mut running);
        assert!(signalled.elapsed() < Duration::from_secs(8), "pages under way are not waited for");
        stage.wait(running).expect(code);
        stage.check_truth();
        assert_eq!((stage.truth().patch_requests, stage.outcome(2).as_str()), (0, "pending/interrupted"));
        goes_on(&stage, ROWS as u64);
        assert_eq!(counts(&stage).1, 0, "and the list is read again");
    }
}

#[test]
fn the_time_for_the_run_can_be_over_while_the_list_is_read() {
    let stage = known_but(ROWS, SLOW_LIST);
    stage.finish(stage.program().args(["--max-duration", "1s"])).expect(75);
    assert_eq!(stage.outcome(2), "pending/deadline");
    goes_on(&stage, ROWS as u64);
}

#[test]
fn a_process_that_is_killed_while_it_reads_the_list_has_done_nothing() {
    let (stage, running) = under_way(SLOW_LIST);
    until("the list is read", || lookups(&stage).0.len() == 3);
    running.signal("KILL");
    stage.wait(running);
    assert_eq!(stage.truth().patch_requests, 0);
    goes_on(&stage, ROWS as u64);
}

#[test]
fn a_process_that_is_killed_after_the_list_is_gone_on_with() {
    let (stage, running) =
        under_way(r#"{"on":"patch","skip":100,"times":null,"do":{"wait_after_ms":600000}}"#);
    until("its changes are under way", || stage.truth().patch_requests >= 108);
    running.signal("KILL");
    stage.wait(running);
    assert_eq!(counts(&stage), (3, 0));
    // Eight were in the air: they are looked up by name, and sent again.
    goes_on(&stage, ROWS as u64 + 8);
    assert_eq!(counts(&stage), (6, 8));
}

#[test]
#[ignore = "needs script(1)"]
fn a_terminal_is_told_that_the_list_is_read() {
    let slow = r#"{"on":"lookup","skip":1,"times":null,"do":{"wait_ms":1500}}"#;
    let stage = known_but(ROWS, slow);
    let typed = format!("'{}' {} --yes", env!("CARGO_BIN_EXE_scim-rekey"), stage.run_args().join(" "));
    let shell = Program::below_shell(&format!("exec script -qec \"{typed}\" /dev/null"), [""; 0]);
    let done = stage.finish(stage.with_env(shell).without_env("RUST_LOG").env("TERM", "xterm")).expect(0);
    assert!(done.stdout.contains("reading the list of users: 1 of 3 pages"), "{}", done.stdout);
}
