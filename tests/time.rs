//! The time that a run is given, and a machine that sleeps: rows are right, and the same command goes
//! on.

use std::fs;
use std::time::{Duration, Instant};

use scim_rekey::sandbox::Options;

use crate::support::{Person, Program, Stage, ends, faults, until};

/// Every other one does not exist.
fn half_missing(count: usize) -> Vec<Person> {
    let person = |number| {
        let word = if number % 2 == 0 { "missing" } else { "user" };
        Person::new(format!("{word}{number}@example.com"))
    };
    (0..count).map(person).collect()
}

fn count(stage: &Stage, outcome: &str) -> usize {
    stage.outcomes().iter().filter(|row| row["outcome"] == outcome).count()
}

#[test]
fn a_share_of_failed_rows_stops_the_run() {
    for (concurrency, most) in [(1, "10%"), (16, "10%"), (1, "4"), (16, "4")] {
        let stage = Stage::new(half_missing(40), faults(""));
        let program = || stage.program().args(["--concurrency", &concurrency.to_string()]);
        let done = stage.finish(program().args(["--max-failures", most])).expect(3);
        assert!(done.last_line().contains("as --max-failures allows"), "{}", done.stderr);
        stage.check_truth();
        let (failed, pending) = (count(&stage, "failed"), count(&stage, "pending"));
        assert!((4..4 + concurrency).contains(&failed), "{failed} failed with {concurrency} in flight");
        assert_eq!(failed + pending + count(&stage, "updated"), 40);
        assert!(pending > 0 && stage.outcomes().iter().all(|row| row["reason"] != "deadline"));
        // Without the bound the same job comes to its end, and no row is asked for twice.
        stage.finish(program()).expect(3);
        stage.check_truth();
        assert_eq!((count(&stage, "updated"), count(&stage, "failed")), (20, 20));
        assert_eq!(stage.truth().patch_requests, 20);
    }
}

#[test]
fn when_the_time_is_over_what_is_in_flight_lands() {
    let late = r#"{"on":"patch","skip":1,"times":null,"do":{"wait_after_ms":1500}}"#;
    let stage = Stage::new(Person::many(30), faults(late));
    let program = stage.program().args(["--concurrency", "4", "--max-duration", "1s"]);
    stage.finish(program).expect(75);
    stage.check_truth();
    let applied = stage.truth().applied.len();
    assert_eq!((count(&stage, "updated"), count(&stage, "pending")), (applied, 30 - applied));
    assert!(applied > 1 && stage.outcome(31) == "pending/deadline");
    stage.sandbox.0.set_faults(Vec::new());
    stage.run().expect(0);
    stage.check_truth();
    assert_eq!(stage.truth().patch_requests, 30);
}

#[test]
fn the_time_is_over_although_the_service_asks_for_more() {
    let held = r#"{"on":"lookup","skip":3,"times":null,"do":{"status":429,"retry_after":"600"}}"#;
    let stage = Stage::new(Person::many(9), faults(held));
    let start = Instant::now();
    let mut running = stage.program().args(["--max-duration", "1s"]).start();
    ends(&mut running);
    stage.wait(running).expect(75);
    assert!(start.elapsed() < Duration::from_secs(9), "nothing is in flight, so no grace is needed");
    stage.check_truth();
    assert_eq!(stage.outcome(10), "pending/deadline");
}

#[test]
fn an_answer_that_outlasts_the_time_and_the_grace_is_unknown() {
    let never = r#"{"on":"patch","user":"user3@example.com","do":{"wait_after_ms":600000}}"#;
    let stage = Stage::new(Person::many(6), faults(never));
    stage.finish(stage.program().args(["--max-duration", "1s"])).expect(75);
    stage.check_truth();
    assert_eq!((stage.outcome(5).as_str(), count(&stage, "unknown")), ("unknown/reply_lost", 1));
    stage.run().expect(0);
    stage.check_truth();
    assert_eq!(stage.truth().patch_requests, 7);
}

#[test]
fn a_time_beyond_every_clock_is_no_end() {
    let ages = u64::MAX.to_string();
    let down = r#"{"on":"lookup","times":7,"do":{"status":503}}"#;
    let stage = Stage::new(Person::many(2), faults(down));
    let bounds = ["--max-duration", "--max-outage", "--max-wait", "--request-timeout", "--lock-wait"];
    let program = bounds.iter().fold(stage.program(), |program, bound| program.args([bound, ages.as_str()]));
    stage.finish(program).expect(0);
    stage.check_truth();
}

/// As a laptop that is closed, or a machine that is moved.
#[test]
fn a_run_that_was_stopped_for_a_while_goes_on_with_a_new_token() {
    let stage = Stage::new(Person::many(60), Options { token_life_s: 2, ..faults("") });
    let running = stage.program().args(["--rate", "60/s"]).start();
    until("it works", || stage.truth().patch_requests >= 5);
    let before = stage.truth().token_requests;
    running.signal("STOP");
    std::thread::sleep(Duration::from_secs(3));
    running.signal("CONT");
    stage.wait(running).expect(0);
    stage.check_truth();
    let truth = stage.truth();
    assert_eq!((truth.applied.len(), truth.patch_requests - truth.applied.len() as u64 <= 16), (60, true));
    assert!(truth.token_requests > before, "the token has ended meanwhile: {}", truth.token_requests);
}

#[test]
fn a_run_goes_on_although_an_earlier_one_has_a_date_to_come() {
    let stage = Stage::plain(20);
    let (input, runs) = (stage.input(), stage.home.path().join("users.runs"));
    let run = |more: &[&str]| {
        let args = ["run", input.to_str().unwrap(), "--rate", "100/s"];
        stage.finish(stage.with_env(Program::new(args).args(more)))
    };
    let folders = || fs::read_dir(&runs).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    run(&[]).expect(0);
    // As a clock that was ten years ahead would have named it.
    let ahead = folders().remove(0);
    fs::rename(&ahead, runs.join("20361122T093138.123Z-3fa9")).unwrap();
    let others: Vec<_> = stage.people.iter().map(|person| Person::new(person.email.as_str())).collect();
    stage.write_input(&others);
    run(&["--max-duration", "200ms"]).expect(75);
    run(&[]).expect(0);
    assert_eq!((folders().len(), stage.truth().patch_requests), (2, 40), "the same command went on");
    run(&[]).expect(0);
    assert_eq!((folders().len(), stage.truth().patch_requests), (2, 40), "and has nothing left to do");
}
