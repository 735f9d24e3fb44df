//! A program that is stopped twice, or before it has begun, leaves at once, and says so.

use std::time::{Duration, Instant};

use scim_rekey::sandbox::Kind;

use crate::support::{Finished, Person, Program, Running, Stage, ends, faults, tried, until};

/// A second is the promise; the rest is for a busy machine.
const AT_ONCE: Duration = Duration::from_secs(5);

const NEVER: &str = r#"{"on":"patch","user":"user5@example.com","do":{"wait_after_ms":600000}}"#;

/// A run with one change in the air that is never answered.
fn unanswered() -> (Stage, Running) {
    let stage = Stage::new(Person::many(12), faults(NEVER));
    let running = stage.program().args(["--concurrency", "4"]).start();
    let about = |user: Option<&str>| user == Some("user5@example.com");
    until("its PATCH is in flight", || {
        stage.truth().requests.iter().any(|seen| seen.kind == Kind::Patch && about(seen.user.as_deref()))
    });
    (stage, running)
}

/// Sends a signal until the program has ended.
fn insist(running: &mut Running, signal: &str) -> Duration {
    let start = Instant::now();
    until("it leaves", || {
        // Two of a kind that wait together count as one, so there are as many as it takes.
        running.signal(signal);
        std::thread::sleep(Duration::from_millis(20));
        !running.is_alive()
    });
    start.elapsed()
}

/// The same command goes on, and only what was in the air is sent again.
#[track_caller]
fn goes_on(stage: &Stage) {
    stage.run().expect(0);
    stage.check_truth();
    let sent = stage.truth().patch_requests;
    assert!((13..=12 + 4).contains(&sent), "{sent} changes sent");
}

#[test]
fn a_second_signal_of_any_kind_leaves_at_once() {
    let kinds = [("INT", "TERM"), ("TERM", "HUP"), ("HUP", "INT"), ("TERM", "TERM")];
    tried(kinds.len(), |number| {
        let ((first, second), (stage, mut running)) = (kinds[number], unanswered());
        running.signal(first);
        let took = insist(&mut running, second);
        assert!(took < AT_ONCE, "{took:?}");
        let done = stage.wait(running);
        assert!([129, 130, 143].contains(&done.code()), "{}", done.stderr);
        for words in ["left at once", stage.run_dir().to_str().unwrap(), "go on with: "] {
            assert!(done.last_line().contains(words), "{first} {second}: {}", done.stderr);
        }
        goes_on(&stage);
    });
}

#[test]
fn a_program_that_cannot_even_write_its_log_lines_leaves_all_the_same() {
    let stage = Stage::new(Person::many(600), faults(""));
    let home = tempfile::tempdir().unwrap();
    // A pipe that is open for reading and that nobody reads fills up, and the next line waits.
    let full = "mkfifo \"$HOME/pipe\"; exec 3<>\"$HOME/pipe\"; exec 2>\"$HOME/pipe\"";
    let program = stage.with_env(Program::below_shell(full, stage.run_args()));
    let mut running = program.env("HOME", home.path()).args(["-v", "-v"]).start();
    let mut before = (0, Instant::now());
    until("it is stuck", || {
        let requests = stage.truth().requests.len();
        if requests != before.0 {
            before = (requests, Instant::now());
        }
        requests > 0 && before.1.elapsed() > Duration::from_millis(500)
    });
    assert!(stage.truth().applied.len() < 600, "it is stuck before its end");
    let took = insist(&mut running, "TERM");
    assert!(took < AT_ONCE, "{took:?}");
    assert_eq!(stage.wait(running).code(), 143);
    stage.run().expect(0);
    stage.check_truth();
}

/// It has sent nothing, and says so and how to begin.
#[track_caller]
fn left_before_the_first_request(stage: &Stage, done: &Finished, signal: &str) {
    let words = format!("stopped by SIG{signal} before anything was sent; go on with: ");
    assert!(done.last_line().contains(&words), "{}", done.stderr);
    assert!(!stage.run_dir().join("outcome.csv").exists());
}

#[test]
fn a_signal_while_input_is_read_ends_the_program() {
    for (signal, number, code) in [("INT", 2, 130), ("TERM", 15, 143), ("HUP", 1, 129)] {
        let stage = Stage::plain(3);
        let home = tempfile::tempdir().unwrap();
        // Standard input that never ends: its writer is the program itself.
        let endless = "mkfifo \"$HOME/pipe\"; exec 3<>\"$HOME/pipe\" <\"$HOME/pipe\"";
        let mut args = stage.run_args();
        args[1] = "-".to_owned();
        let mut running =
            stage.with_env(Program::below_shell(endless, args)).env("HOME", home.path()).start();
        running.listens(number);
        let took = insist(&mut running, signal);
        assert!(took < AT_ONCE, "{took:?}");
        left_before_the_first_request(&stage, &stage.wait(running).expect(code), signal);
        assert!(stage.truth().requests.is_empty());
    }
}

#[test]
fn a_signal_while_a_lock_is_waited_for_ends_the_program() {
    let gate = r#"{"on":"lookup","times":null,"do":{"wait_ms":600000}}"#;
    let stage = Stage::new(Person::many(3), faults(gate));
    let holder = stage.program().start();
    until("it holds the locks", || stage.truth().lookup_requests > 0);
    for (signal, number, code) in [("INT", 2, 130), ("TERM", 15, 143), ("HUP", 1, 129)] {
        let mut waiting = stage.program().args(["--lock-wait", "10m"]).start();
        waiting.listens(number);
        let took = insist(&mut waiting, signal);
        assert!(took < AT_ONCE, "{took:?}");
        let done = stage.wait(waiting).expect(code);
        let words = format!("stopped by SIG{signal} before anything was sent; go on with: ");
        assert!(done.last_line().contains(&words), "{}", done.stderr);
        assert_eq!(stage.truth().token_requests, 1, "the one that waited has sent nothing");
    }
    holder.signal("KILL");
    assert_eq!(stage.wait(holder).code(), -1);
}

#[test]
fn a_run_that_was_told_to_ignore_a_signal_outlives_it() {
    let slow = r#"{"on":"any","times":null,"do":{"wait_ms":20}}"#;
    for (signal, code) in [("HUP", 143), ("INT", 143), ("TERM", 130)] {
        let stage = Stage::new(Person::many(60), faults(slow));
        let program = Program::below_shell(&format!("trap '' {signal}"), stage.run_args());
        let mut running = stage.with_env(program).args(["--concurrency", "2"]).start();
        until("it works", || stage.truth().patch_requests > 0);
        running.signal(signal);
        let before = stage.truth().patch_requests;
        until("it goes on", || stage.truth().patch_requests > before + 10 || !running.is_alive());
        running.signal(if code == 143 { "TERM" } else { "INT" });
        ends(&mut running);
        let done = stage.wait(running).expect(code);
        assert!(!done.stderr.contains(&format!("stopped by SIG{signal}")), "{}", done.stderr);
        stage.sandbox.0.set_faults(Vec::new());
        stage.run().expect(0);
        stage.check_truth();
    }
}
