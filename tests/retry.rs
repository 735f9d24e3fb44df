//! What did not end well is tried again, alone, in a run of its own.

use std::fs;
use std::path::Path;

use scim_rekey::sandbox::Options;

use crate::support::{Person, Program, Stage, faults, until};

fn retry(stage: &Stage, more: &[&str]) -> Program {
    let (earlier, input) = (stage.run_dir(), stage.input());
    let args = ["retry", earlier.to_str().unwrap(), input.to_str().unwrap(), "--rate", "unlimited"];
    stage.with_env(Program::new(args).args(more))
}

/// The only folder that a retry made beside the input.
fn only_run(stage: &Stage) -> std::path::PathBuf {
    let mut runs = fs::read_dir(stage.home.path().join("users.runs")).unwrap();
    let run = runs.next().unwrap().unwrap().path();
    assert!(runs.next().is_none(), "one folder");
    run
}

fn lines(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("outcome.csv")).unwrap();
    text.lines().skip(1).map(|line| line.split(',').take(4).collect::<Vec<_>>().join(",")).collect()
}

#[test]
fn only_rows_that_did_not_end_well_are_tried_again() {
    let mut people = Person::many(10);
    people[4] = Person::new("missing@example.com");
    let rule = r#"{"on":"lookup","user":"user2@example.com","times":2,"do":{"status":500}},
                  {"on":"patch","user":"user7@example.com","times":2,"do":{"status":500}}"#;
    let stage = Stage::new(people, faults(rule));
    stage.finish(stage.program().args(["--max-attempts", "2"])).expect(4);
    assert_eq!(stage.truth().applied.len(), 7);
    let done = stage.finish(retry(&stage, &[])).expect(3);
    assert!(done.last_line().contains("2 updated, 1 failed of 3 rows"), "{}", done.stderr);
    let first = only_run(&stage);
    let expected = [
        "4,user2@example.com,updated,",
        "6,missing@example.com,failed,not_found",
        "9,user7@example.com,updated,",
    ];
    assert_eq!(lines(&first), expected);
    assert_eq!(stage.truth().applied.len(), 9);
    // The same command has nothing left to do, and finds that out without a request.
    let requests = stage.truth().requests.len();
    stage.finish(retry(&stage, &[])).expect(0);
    assert_eq!((only_run(&stage), stage.truth().requests.len()), (first, requests));
}

#[test]
fn a_reason_narrows_it() {
    let people = vec![
        Person::new("missing@example.com"),
        Person::new("twins@example.com"),
        Person::new("a@example.com"),
    ];
    let stage = Stage::new(people, faults(""));
    stage.run().expect(3);
    stage.finish(retry(&stage, &["--reason", "ambiguous"])).expect(3);
    assert_eq!(lines(&only_run(&stage)), ["3,twins@example.com,failed,ambiguous"]);
    stage.finish(retry(&stage, &["--reason", "nonsense"])).expect(2);
    let requests = stage.truth().requests.len();
    stage.finish(retry(&stage, &["--reason", "conflict"])).expect(0);
    assert_eq!(stage.truth().requests.len(), requests, "no row ended so");
}

#[test]
fn a_mended_row_is_found_by_its_user() {
    let stage =
        Stage::new(vec![Person::new("a@example.com"), Person::new("refused@example.com")], faults(""));
    stage.run().expect(3);
    let mut people = stage.people.clone();
    people.swap(0, 1);
    stage.write_input(&people);
    stage.finish(retry(&stage, &[])).expect(3);
    assert_eq!(lines(&only_run(&stage)), ["2,refused@example.com,failed,rejected"]);
    assert_eq!(stage.truth().applied.len(), 1);
}

#[test]
fn an_address_that_was_none_is_found_by_its_line() {
    let stage = Stage::new(vec![Person::new("a@example.com"), Person::new("joe at example.com")], faults(""));
    stage.finish(stage.program().arg("--skip-bad-rows")).expect(3);
    let mut people = stage.people.clone();
    people[1] = Person { email: "joe@example.com".to_owned(), ..people[1].clone() };
    stage.write_input(&people);
    stage.finish(retry(&stage, &[])).expect(0);
    assert_eq!(lines(&only_run(&stage)), ["3,joe@example.com,updated,"]);
}

#[test]
fn somebody_else_on_the_line_of_a_row_is_left_alone() {
    let stage =
        Stage::new(vec![Person::new("a@example.com"), Person::new("missing.joe@example.com")], faults(""));
    stage.run().expect(3);
    stage.write_input(&[Person::new("a@example.com"), Person::new("ceo@example.com")]);
    stage.finish(retry(&stage, &[])).expect(65);
    assert_eq!(stage.truth().applied.len(), 1, "and that was the first run");
}

#[test]
fn a_doubt_outlives_a_retry() {
    let options = Options { history: true, ..faults(r#"{"on":"patch","do":{"reset":"after"}}"#) };
    let stage = Stage::new(vec![Person::new("ann@example.com")], options);
    stage.run().expect(4);
    assert_eq!(stage.outcome(2), "unknown/probably_applied");
    // The first one took, so the same value is refused again: that is no "certainly not changed".
    stage.finish(retry(&stage, &[])).expect(4);
    assert_eq!(lines(&only_run(&stage)), ["2,ann@example.com,unknown,probably_applied"]);
}

#[test]
fn a_killed_run_is_finished_before_it_is_retried() {
    let stage = Stage::plain(60);
    let running = stage.program().args(["--rate", "20/s"]).start();
    until("it has begun", || stage.truth().patch_requests >= 3);
    running.signal("KILL");
    stage.wait(running);
    let done = stage.finish(retry(&stage, &[])).expect(75);
    assert!(done.last_line().contains("were never begun"), "{}", done.stderr);
    stage.run().expect(0);
    stage.check_truth();
}

#[test]
fn a_row_that_is_not_there_any_more_is_not_lost_in_silence() {
    let people = vec![
        Person::new("missing1@example.com"),
        Person::new("a@example.com"),
        Person::new("missing2@example.com"),
    ];
    let stage = Stage::new(people, faults(""));
    stage.run().expect(3);
    stage.write_input(&stage.people[..1]);
    stage.finish(retry(&stage, &[])).expect(3);
    let summary = fs::read_to_string(only_run(&stage).join("summary.json")).unwrap();
    let (_, words) = summary.split_once("1 row of the earlier run cannot be found").unwrap();
    assert!(words.contains(" (line 4 there); if an address was mended, run a file of those rows"), "{words}");
    stage.write_input(&[Person::new("a@example.com")]);
    let done = stage.finish(retry(&stage, &[])).expect(65);
    assert!(done.last_line().contains(" (line 2, 4 there)"), "{}", done.stderr);
}

#[test]
fn the_command_that_is_offered_tries_again_with_the_same_settings() {
    let stage =
        Stage::new(vec![Person::new("missing@example.com"), Person::new("a@example.com")], faults(""));
    let done = stage.finish(stage.program().args(["--default-country", "DE"])).expect(3);
    let (_, offered) = done.last_line().split_once("go on with: ").unwrap();
    assert!(
        offered.ends_with("--rate unlimited --default-country DE") && !offered.contains("--run-dir"),
        "{offered}"
    );
    let words: Vec<_> = offered.split(' ').skip(1).collect();
    stage.finish(stage.with_env(Program::new(words))).expect(3);
    assert_eq!(lines(&only_run(&stage)), ["2,missing@example.com,failed,not_found"]);
}
