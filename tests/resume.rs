//! The same command goes on where the last one stopped.

use std::fs;

use scim_rekey::sandbox::Options;

use crate::support::{Person, Program, Stage};

#[test]
fn damage_in_the_middle_is_refused_with_its_place() {
    let stage = Stage::plain(6);
    stage.finish(stage.program().args(["--rate", "20/s", "--max-duration", "400ms"])).expect(75);
    let log = stage.run_dir().join("audit.jsonl");
    let whole = fs::read(&log).unwrap();
    let patches = stage.truth().patch_requests;
    let third = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).unwrap().0 + 1;
    let mut damaged = whole.clone();
    damaged[third + 30] ^= 1;
    fs::write(&log, &damaged).unwrap();
    let done = stage.run().expect(65);
    assert!(
        done.last_line().contains("record 3") && done.last_line().contains(&format!("byte {third}")),
        "{}",
        done.stderr
    );
    assert_eq!(stage.truth().patch_requests, patches);
    assert_eq!(fs::read(&log).unwrap(), damaged, "nothing is changed");
}

#[test]
fn a_complete_run_is_not_repeated_unless_asked() {
    let stage = Stage::plain(5);
    stage.run().expect(0);
    stage.run().expect(0);
    assert_eq!(stage.truth().applied.len(), 5);
    stage.finish(stage.program().arg("--again")).expect(0);
    assert_eq!(stage.truth().applied.len(), 10);
    assert_eq!(stage.outcomes().len(), 5);
}

#[test]
fn a_run_with_failures_is_complete_too() {
    let stage = Stage::new(
        vec![Person::new("missing@example.com"), Person::new("a@example.com")],
        Options::default(),
    );
    stage.run().expect(3);
    stage.run().expect(0);
    assert_eq!(stage.truth().lookup_requests, 2);
}

#[test]
fn a_run_that_could_not_tell_its_end_tells_it_when_it_is_called_again() {
    let people = vec![Person::new("missing@example.com"), Person::new("a@example.com")];
    let stage = Stage::new(people, Options::default());
    stage.run().expect(3);
    let summary = stage.summary();
    // As if it had been killed, or its disk had been full, after the last record of the log.
    let untell = || fs::remove_file(stage.run_dir().join("summary.json")).unwrap();
    for more in [&[][..], &["--again"]] {
        untell();
        let done = stage.finish(stage.program().args(more)).expect(3);
        assert!(done.last_line().contains("1 updated, 1 failed"), "{}", done.stderr);
        assert_eq!((stage.summary(), stage.truth().applied.len()), (summary.clone(), 1));
    }
    stage.finish(stage.program().arg("--again")).expect(3);
    assert_eq!(stage.truth().applied.len(), 2, "what is told is repeated when asked");
}

#[test]
fn a_rehearsal_that_was_cut_short_keeps_nobody_from_another() {
    let stage = Stage::plain(20);
    let run = |more: &[&str]| {
        let input = stage.input().display().to_string();
        stage.finish(stage.with_env(Program::new(["run", &input, "--dry-run", "--rate", "20/s"])).args(more))
    };
    run(&["--max-duration", "300ms"]).expect(75);
    let mut others = stage.people.clone();
    others.truncate(2);
    stage.write_input(&others);
    run(&[]).expect(0);
}

#[test]
fn another_input_is_refused_in_the_same_folder() {
    let stage = Stage::plain(20);
    stage.finish(stage.program().args(["--rate", "20/s", "--max-duration", "300ms"])).expect(75);
    let patches = stage.truth().patch_requests;
    let mut others = stage.people.clone();
    others[19].password = crate::support::Canary::password();
    stage.write_input(&others);
    let done = stage.run().expect(65);
    assert!(done.last_line().contains("INPUT is not what it was"), "{}", done.stderr);
    assert_eq!(stage.truth().patch_requests, patches);
    stage.write_input(&stage.people);
    stage.run().expect(0);
    stage.check_truth();
    stage.write_input(&others);
    stage.run().expect(65);
}

#[test]
fn beside_the_input_a_new_file_gets_a_new_run_and_an_old_one_goes_on() {
    let stage = Stage::plain(20);
    let input = stage.input();
    let run = |more: &[&str]| {
        let program = Program::new(["run", input.to_str().unwrap(), "--rate", "100/s"]).args(more);
        stage.finish(stage.with_env(program))
    };
    let folders = || fs::read_dir(stage.home.path().join("users.runs")).unwrap().count();
    run(&["--dry-run"]).expect(0);
    run(&["--max-duration", "200ms"]).expect(75);
    assert_eq!(folders(), 2, "a dry run is another job");
    run(&[]).expect(0);
    assert_eq!((folders(), stage.truth().applied.len()), (2, 20), "the same command goes on");
    run(&[]).expect(0);
    assert_eq!((folders(), stage.truth().applied.len()), (2, 20), "and then has nothing to do");
    let others: Vec<_> = stage.people.iter().map(|person| Person::new(person.email.as_str())).collect();
    stage.write_input(&others);
    run(&[]).expect(0);
    assert_eq!((folders(), stage.truth().applied.len()), (3, 40), "tomorrow's file is a new run");
}

#[test]
fn the_log_that_goes_elsewhere_gives_no_way_to_try_passwords() {
    let stage = Stage::plain(1);
    stage.run().expect(0);
    let input = fs::read(stage.input()).unwrap();
    let start = stage.audit().remove(0);
    let plain = crate::support::sha256_hex(&input);
    assert_ne!(start["input_fp"], plain.as_str());
}
