//! Every system call on the disk fails once, or from then on: with a full disk, with a broken one, with
//! one that does not answer.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::stopped;
use crate::support::{Judge, Stage, Strace, two_at_a_time, until};

const ROWS: usize = 20;
const CONCURRENCY: u64 = 4;

/// A call that fails, how, and on which file of the run folder only.
#[derive(Debug, Clone)]
struct Fault {
    call: String,
    number: usize,
    how: &'static str,
    on: Option<&'static str>,
}

impl Fault {
    fn strace(&self, stage: &Stage) -> Strace {
        let Self { call, number, how, on } = self;
        let how = how.replace('#', &number.to_string());
        watching(stage, &[call], *on).inject(&format!("{call}:{how}"))
    }
}

fn watching(stage: &Stage, calls: &[&str], on: Option<&str>) -> Strace {
    let strace = Strace::of(calls);
    on.into_iter().fold(strace, |strace, name| strace.on(stage.run_dir().join(name)))
}

fn args(stage: &Stage) -> Vec<String> {
    stage.run_args().into_iter().chain(["--concurrency".to_owned(), CONCURRENCY.to_string()]).collect()
}

/// A fault for each of these calls that a run makes.
fn faults(calls: &[&str], on: Option<&'static str>, how: &'static str) -> Vec<Fault> {
    let stage = Stage::plain(ROWS);
    stage.finish(watching(&stage, calls, on).program(&stage, args(&stage))).expect(0);
    let most = Strace::calls(&stage).most();
    let all =
        most.into_iter().flat_map(|(call, times)| (1..=times).map(move |number| (call.clone(), number)));
    all.map(|(call, number)| Fault { call, number, how, on }).collect()
}

/// The run stops, or does not mind; what was sent was declared; and with a disk that works again the
/// same command brings it to its end.
fn survives(judge: &Judge, fault: &Fault) -> u64 {
    let (stage, what) = (Stage::plain(ROWS), format!("{fault:?}"));
    let done = stage.finish(fault.strace(&stage).program(&stage, args(&stage)));
    let stopped = stopped(&stage, &done, &what);
    judge.midway(&stage, &what);
    stage.run().expect(0);
    judge.end(&stage, &what, ROWS as u64 + u64::from(stopped) * CONCURRENCY);
    assert_eq!(stage.summary()["outcomes"]["updated"], ROWS, "{what}");
    u64::from(stopped)
}

fn all_survive(faults: &[Fault], least: u64) {
    let judge = Judge::new();
    let stops = two_at_a_time(faults.iter(), |fault| survives(&judge, fault));
    println!("{} faults, {stops} stops with 73 or 74, 0 lost, 0 doubled, 0 undeclared", faults.len());
    assert!(stops >= least, "{stops} of {}", faults.len());
}

const WRITES: [&str; 3] = ["write", "writev", "pwrite64"];

#[test]
#[ignore = "needs strace and python3"]
fn a_disk_that_is_full_from_any_write_on_stops_the_run() {
    let on_log = faults(&WRITES, Some("audit.jsonl"), "error=ENOSPC:when=#+");
    let on_outcomes = faults(&WRITES, Some("outcome.csv"), "error=ENOSPC:when=#+");
    assert!(on_log.len() > 5 && on_outcomes.len() > 3, "{} {}", on_log.len(), on_outcomes.len());
    all_survive(&[on_log, on_outcomes].concat(), 8);
}

#[test]
#[ignore = "needs strace and python3"]
fn a_sync_that_fails_is_never_repeated() {
    let of_log = faults(&["fdatasync"], None, "error=EIO:when=#");
    assert!(of_log.len() > 5, "{}", of_log.len());
    all_survive(&of_log, of_log.len() as u64 * 3 / 4);
}

#[test]
#[ignore = "needs strace and python3"]
fn a_file_that_cannot_be_finished_or_named_stops_the_run() {
    let calls =
        ["fsync", "ftruncate", "fallocate", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "fchmod"];
    let full = faults(&calls, None, "error=ENOSPC:when=#");
    let broken = faults(&["fsync", "renameat", "renameat2"], None, "error=EIO:when=#+");
    all_survive(&[full, broken].concat(), 15);
}

#[test]
#[ignore = "needs strace and python3"]
fn a_file_that_must_not_be_opened_stops_the_run() {
    let mut all = Vec::new();
    for name in ["audit.jsonl", "outcome.csv", "input.key", "run.lock"] {
        all.extend(faults(&["openat"], Some(name), "error=EACCES:when=#"));
    }
    all_survive(&all, 3);
}

/// A disk that hangs is given up after 5 s; a busy machine may take as much again.
const STOP: Range<Duration> = Duration::from_secs(5)..Duration::from_secs(10);

#[test]
#[ignore = "needs strace and python3"]
fn a_disk_that_does_not_answer_is_given_up_after_five_seconds() {
    let judge = Judge::new();
    let hangs = [("fdatasync", "audit.jsonl", 3), ("write", "audit.jsonl", 4), ("write", "outcome.csv", 2)];
    two_at_a_time(hangs.into_iter(), |(call, on, number)| {
        let how = "delay_enter=15s:when=#+";
        let fault = Fault { call: call.to_owned(), number, how, on: Some(on) };
        let (stage, what) = (Stage::plain(ROWS), format!("{fault:?}"));
        let start = Instant::now();
        let running = fault.strace(&stage).program(&stage, args(&stage)).start();
        // strace keeps the process until the delay is over, but the last thing it does is to let go.
        let lock = stage.run_dir().join("run.lock");
        until("the run has begun", || lock.exists());
        until("the run lets go of its folder", || !lock.exists());
        let took = start.elapsed();
        let done = stage.wait(running).expect(74);
        assert!(done.stderr.contains("not answered for 5 s"), "{what}: {}", done.stderr);
        assert!(STOP.contains(&took), "{what}: {took:?}");
        judge.midway(&stage, &what);
        stage.run().expect(0);
        judge.end(&stage, &what, ROWS as u64 + CONCURRENCY);
        println!("{call} on {on} hangs: given up after {:.1} s", took.as_secs_f64());
        1
    });
}
