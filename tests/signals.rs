//! Whoever stops a run loses nothing by it.

use std::time::{Duration, Instant};

use scim_rekey::sandbox::Kind;

use crate::support::{Person, Program, Running, Stage, ends, faults, tried, until};

/// A running job of so many rows, with this script of late answers.
fn under_way(count: usize, late: &str) -> (Stage, Running) {
    let stage = Stage::new(Person::many(count), faults(late));
    let running = stage.program().args(["--concurrency", "4"]).start();
    (stage, running)
}

fn counts(stage: &Stage) -> (usize, usize) {
    let rows = stage.outcomes();
    let of = |outcome: &str| rows.iter().filter(|row| row["outcome"] == outcome).count();
    (of("updated"), of("pending"))
}

#[test]
fn a_signal_lets_what_is_in_flight_land_and_leaves_the_rest_pending() {
    let late = r#"{"on":"patch","skip":1,"times":null,"do":{"wait_after_ms":700}}"#;
    let signals = [("INT", 130), ("TERM", 143), ("HUP", 129)];
    let runs = signals.map(|(name, code)| (name, code, under_way(30, late)));
    for (name, code, (stage, running)) in runs {
        until("PATCHes are in flight", || stage.truth().patch_requests >= 4);
        running.signal(name);
        let finished = stage.wait(running).expect(code);
        assert!(finished.last_line().contains(&format!("stopped by SIG{name}")), "{}", finished.stderr);
        assert!(finished.last_line().contains(stage.run_dir().to_str().unwrap()), "{}", finished.stderr);
        stage.check_truth();
        let applied = stage.truth().applied.len();
        let (updated, pending) = counts(&stage);
        assert_eq!((updated, pending), (applied, 30 - applied), "{name}: nothing is in doubt");
        assert!(updated >= 4 && pending > 0, "{name}: {updated} updated");
        let rows = stage.outcomes();
        let mut left = rows.iter().filter(|row| row["outcome"] == "pending");
        assert!(left.all(|row| row["reason"] == "interrupted"));
        assert_eq!((&stage.summary()["exit_code"], stage.outcomes().len()), (&code.into(), 30));

        stage.sandbox.0.set_faults(Vec::new());
        stage.run().expect(0);
        stage.check_truth();
        let truth = stage.truth();
        assert_eq!((truth.applied.len(), truth.patch_requests), (30, 30), "{name}: nothing twice");
    }
}

#[test]
fn a_signal_ends_a_wait() {
    let waits = [
        (1, r#"{"on":"lookup","skip":5,"times":null,"do":{"status":429,"retry_after":"600"}}"#),
        (1, r#"{"on":"lookup","skip":5,"times":null,"do":{"status":503,"retry_after":"600"}}"#),
        (1, r#"{"on":"token","times":null,"do":{"status":429,"retry_after":"600"}}"#),
        (2, r#"{"on":"token","times":null,"do":{"status":503}}"#),
        // The service counts as down, and is asked again only now and then.
        (5, r#"{"on":"lookup","skip":5,"times":null,"do":{"status":500}}"#),
    ];
    tried(waits.len(), |number| {
        let (refusals, rule) = waits[number];
        let (stage, mut running) = under_way(20, rule);
        let refused = || stage.truth().requests.iter().filter(|seen| seen.status >= 429).count();
        until("it is told to wait", || refused() >= refusals);
        let signalled = Instant::now();
        running.signal("TERM");
        ends(&mut running);
        assert!(signalled.elapsed() < Duration::from_secs(8), "nothing is in flight, so no grace is needed");
        stage.wait(running).expect(143);
        stage.check_truth();
        assert_eq!(stage.outcome(21), "pending/interrupted", "{rule}");
        stage.sandbox.0.set_faults(Vec::new());
        stage.run().expect(0);
        stage.check_truth();
    });
}

/// How often the PATCH of the user whose answer never comes has arrived.
fn arrivals(stage: &Stage) -> usize {
    let requests = stage.truth().requests;
    let about = |user: Option<&str>| user == Some("user5@example.com");
    requests.iter().filter(|seen| seen.kind == Kind::Patch && about(seen.user.as_deref())).count()
}

const NEVER: &str = r#"{"on":"patch","user":"user5@example.com","do":{"wait_after_ms":600000}}"#;

#[test]
fn an_answer_that_outlasts_the_grace_is_unknown_until_the_same_command_settles_it() {
    let (stage, mut running) = under_way(12, NEVER);
    until("its PATCH is in flight", || arrivals(&stage) == 1);
    running.signal("INT");
    ends(&mut running);
    stage.wait(running).expect(130);
    stage.check_truth();
    assert_eq!(stage.outcome(7), "unknown/reply_lost");
    assert_eq!(stage.outcomes().len(), 12);
    stage.run().expect(0);
    stage.check_truth();
    assert_eq!((stage.outcome(7).as_str(), arrivals(&stage)), ("updated", 2));
    assert_eq!(stage.truth().patch_requests, 13, "the one in doubt again, and no other");
}

#[test]
fn a_closed_terminal_does_not_stop_the_run() {
    // A pipe that only its writers hold open breaks at the first write.
    let broken = "mkfifo \"$HOME/pipe\"; exec 3<>\"$HOME/pipe\"; exec >\"$HOME/pipe\" 2>&1 3>&-";
    for prelude in ["exec >&- 2>&-", "exec <&- >&- 2>&-", "exec >/dev/full 2>&1", broken] {
        let stage = Stage::new(Person::many(9), faults(r#"{"on":"lookup","do":{"status":500}}"#));
        let missing = Person::new("missing@example.com");
        stage.write_input(&[stage.people.clone(), vec![missing]].concat());
        let program = stage.with_env(Program::below_shell(prelude, stage.run_args()));
        let home = tempfile::tempdir().unwrap();
        stage.finish(program.env("HOME", home.path()).arg("-v")).expect(3);
        assert_eq!(stage.summary()["outcomes"]["updated"], 9, "{prelude}");
        assert_eq!(stage.truth().applied.len(), 9, "{prelude}");
    }
}
