//! Killed at any moment, the same command goes on: nothing lost, nothing doubled.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use scim_rekey::sandbox::Options;

use crate::support::{Person, Stage, faults};

/// Kills a run at a random moment of its work, again and again, until a run comes to its end.
#[test]
fn twenty_kills_of_a_run_lose_and_double_nothing() {
    let concurrency = 8;
    let stage = Stage::new(Person::many(300), faults(r#"{"on":"scim","times":null,"do":{"wait_ms":2}}"#));
    let program = || stage.program().args(["--concurrency", &concurrency.to_string()]);
    let mut kills = 0;
    for _ in 0..20 {
        let before = stage.truth().patch_requests;
        let mut running = program().start();
        // Let it do some work, another amount each time, so that a kill never hits the start only.
        let work = rand::random_range(0..25);
        let patience = Instant::now() + Duration::from_secs(30);
        while running.is_alive() && stage.truth().patch_requests < before + work && Instant::now() < patience
        {
            std::thread::yield_now();
        }
        if running.is_alive() {
            running.signal("KILL");
            kills += 1;
        }
        stage.wait(running);
    }
    stage.finish(program()).expect(0);
    stage.check_truth();
    assert_eq!(stage.summary()["outcomes"]["updated"], 300);
    let truth = stage.truth();
    let allowed = 300 + kills * concurrency;
    assert!(truth.patch_requests <= allowed, "{} patches for {kills} kills", truth.patch_requests);
    assert!(kills > 10, "only {kills} kills hit");
    intents_come_first(&stage);
}

/// Every PATCH that the sandbox saw was declared before: no user was sent more than the log says.
#[track_caller]
fn intents_come_first(stage: &Stage) {
    let mut declared: BTreeMap<String, u64> = BTreeMap::new();
    for line in stage.audit().iter().filter(|line| line["kind"] == "intent") {
        *declared.entry(line["user_id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let mut sent: BTreeMap<String, u64> = BTreeMap::new();
    for applied in stage.truth().applied {
        *sent.entry(applied.user_id).or_default() += 1;
    }
    for (user, times) in sent {
        assert!(
            declared.get(&user).is_some_and(|declared| *declared >= times),
            "{user} was changed {times} times"
        );
    }
}

#[test]
fn a_torn_last_line_is_cut_and_the_run_goes_on() {
    let stage = Stage::plain(6);
    stage.finish(stage.program().args(["--rate", "20/s", "--max-duration", "400ms"])).expect(75);
    let log = stage.run_dir().join("audit.jsonl");
    let whole = fs::read(&log).unwrap();
    let last_line = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for torn in [last_line + 1, last_line + 40, whole.len() - 1] {
        fs::write(&log, &whole[..torn]).unwrap();
        let verify = crate::support::Program::new(["audit", "verify", log.to_str().unwrap()]);
        stage.finish(verify).expect(65);
        stage.finish(stage.program().args(["--rate", "20/s", "--max-duration", "1ms"])).expect(75);
        let verify = crate::support::Program::new(["audit", "verify", log.to_str().unwrap()]);
        stage.finish(verify).expect(0);
    }
    stage.run().expect(0);
    stage.check_truth();
}

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
        let program =
            crate::support::Program::new(["run", input.to_str().unwrap(), "--rate", "100/s"]).args(more);
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
