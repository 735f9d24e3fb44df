//! Of two that start at once exactly one proceeds; the other leaves soon and knows why.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Finished, Person, Program, Running, Stage, faults, trials, tried, until};

/// A second is the promise; the rest is for a busy machine.
const SOON: Duration = Duration::from_secs(5);

/// Whoever has the locks stays at the first look-up.
fn gated() -> Stage {
    Stage::new(Person::many(3), faults(r#"{"on":"lookup","times":null,"do":{"wait_ms":600000}}"#))
}

fn program(stage: &Stage, folder: &Path) -> Program {
    let input = stage.input();
    let args = [
        Path::new("run"),
        &input,
        Path::new("--run-dir"),
        folder,
        Path::new("--rate"),
        Path::new("unlimited"),
    ];
    stage.with_env(Program::new(args))
}

/// Starts two at once. Returns the one that proceeds with its folder, and what the other one left
/// behind after how long.
fn two(stage: &Stage, folders: [&Path; 2]) -> (Running, String, Finished, Duration) {
    let start = Instant::now();
    let [mut one, mut other] = folders.map(|folder| program(stage, folder).start());
    until("one of them leaves", || !one.is_alive() || !other.is_alive());
    let took = start.elapsed();
    let [here, there] = folders.map(|folder| folder.display().to_string());
    if one.is_alive() { (one, here, stage.wait(other), took) } else { (other, there, stage.wait(one), took) }
}

/// How long the second one took to leave.
fn trial(number: usize) -> Duration {
    let stage = gated();
    let (here, there) = (stage.run_dir(), stage.home.path().join("elsewhere"));
    let folders = if number.is_multiple_of(2) { [&*here, &*here] } else { [&*here, &*there] };
    let (mut holder, folder, second, took) = two(&stage, folders);
    let second = second.expect(75);
    assert!(holder.is_alive(), "the other one proceeds");
    for words in [&*format!("process {} (since 20", holder.pid()), &folder] {
        assert!(second.last_line().contains(words), "{words}: {}", second.stderr);
    }
    assert!(took < SOON, "{took:?}");
    until("the first one asks", || stage.truth().lookup_requests > 0);
    assert_eq!(stage.truth().token_requests, 1, "the second one has sent nothing");
    // Nothing that a kill leaves behind is in anybody's way.
    holder.signal("KILL");
    assert_eq!(stage.wait(holder).code(), -1);
    stage.sandbox.0.set_faults(Vec::new());
    stage.finish(program(&stage, Path::new(&folder))).expect(0);
    assert_eq!(stage.truth().applied.len(), 3);
    took
}

#[test]
fn of_two_at_once_one_proceeds_and_a_kill_frees_its_locks() {
    let mut took = tried(trials(6), trial);
    took.sort_unstable();
    let (most, half) = (took.last().unwrap(), took[took.len() / 2]);
    println!("{} trials, the second one left after {half:?} in the middle and {most:?} at most", took.len());
}

#[test]
fn what_is_planted_in_place_of_the_lock_does_no_harm() {
    let stage = Stage::plain(2);
    stage.finish(stage.program().args(["--rate", "20/s", "--max-duration", "1ms"])).expect(75);
    let lock = stage.run_dir().join("run.lock");
    let ours =
        format!(r#"{{"pid":{},"since":"2026-11-22T09:00:00Z","run_dir":"elsewhere"}}"#, std::process::id());
    for planted in ["", "\u{1b}]0;owned\u{7}", &"[".repeat(100_000), &ours] {
        fs::write(&lock, planted).unwrap();
        stage.finish(stage.program().args(["--max-duration", "1ms"])).expect(75);
        assert!(!lock.exists(), "it was free, was taken, and is gone");
    }
    assert!(Command::new("mkfifo").arg(&lock).status().unwrap().success());
    stage.finish(Program::new([Path::new("status"), &stage.run_dir()])).expect(0);
    let done = stage.run().expect(73);
    assert!(done.last_line().contains("not a regular file"), "{}", done.stderr);
    fs::remove_file(&lock).unwrap();

    let victim = stage.home.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, &lock).unwrap();
    let done = stage.run().expect(73);
    assert!(done.last_line().contains(stage.run_dir().to_str().unwrap()), "{}", done.stderr);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    stage.run().expect(73);
    fs::remove_dir(&lock).unwrap();
    stage.run().expect(0);
    stage.check_truth();
}

#[test]
fn a_run_that_goes_on_is_neither_retried_nor_reported_nor_repeated() {
    let stage = gated();
    let running = stage.program().start();
    until("it works", || stage.truth().lookup_requests > 0);
    let (folder, input) = (stage.run_dir(), stage.input());
    let retry = [Path::new("retry"), &folder, &input];
    let named = format!("process {}", running.pid());
    for program in [
        // Another client is no way round: what the rows come to is not known yet.
        stage.with_env(Program::new(retry)).env("GENESYS_CLIENT_ID", "another"),
        stage.with_env(Program::new(retry)),
        stage.program().arg("--again"),
    ] {
        let done = stage.finish(program).expect(75);
        assert!(done.last_line().contains(&named), "{}", done.stderr);
    }
    stage.finish(Program::new([Path::new("report"), &folder])).expect(75);
    assert_eq!(stage.truth().token_requests, 1);
    assert!(!stage.home.path().join("users.runs").exists(), "no folder was made");
    running.signal("KILL");
    stage.wait(running);
}
