//! A signal at any moment: the right code in time, nothing lost by it, and the same command goes on.

use std::time::{Duration, Instant};

use rand::RngExt as _;

use crate::support::{Finished, Person, Running, Stage, ends, faults, trials, tried, until};

const ROWS: usize = 40;
const CONCURRENCY: usize = 8;
const SIGNALS: [(&str, i32); 3] = [("INT", 130), ("TERM", 143), ("HUP", 129)];

/// When the signal comes.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So many milliseconds after the start: reading, locks, token.
    Early(u64),
    /// After so many look-ups.
    LookUp(u64),
    /// After so many changes.
    Change(u64),
    /// After so many changes, and from the fourth on none is answered for a minute.
    Unanswered(u64),
    /// When the last change is done: files are written.
    End,
}

impl Moment {
    fn random(trial: usize) -> Self {
        let rows = ROWS as u64;
        let mut rng = rand::rng();
        match trial % 5 {
            0 => Self::Early(rng.random_range(0..120)),
            1 => Self::LookUp(rng.random_range(0..rows)),
            2 => Self::Change(rng.random_range(1..rows)),
            3 => Self::Unanswered(rng.random_range(3..=10)),
            _ => Self::End,
        }
    }

    fn stage(self) -> Stage {
        let slow = r#"{"on":"patch","skip":3,"times":null,"do":{"wait_after_ms":60000}}"#;
        let usual = r#"{"on":"any","times":null,"do":{"wait_ms":5}}"#;
        let rules = if let Self::Unanswered(_) = self { slow } else { usual };
        Stage::new(Person::many(ROWS), faults(rules))
    }

    fn wait(self, stage: &Stage, running: &mut Running) {
        let come = || match self {
            Self::Early(_) => true,
            Self::LookUp(count) => stage.truth().lookup_requests >= count,
            Self::Change(count) | Self::Unanswered(count) => stage.truth().patch_requests >= count,
            Self::End => stage.truth().applied.len() == ROWS,
        };
        if let Self::Early(ms) = self {
            std::thread::sleep(Duration::from_millis(ms));
        }
        until("the moment comes", || come() || !running.is_alive());
    }
}

/// What is measured of a trial.
struct Figures {
    took: Duration,
    in_doubt: usize,
    /// The signal came before the program listened, or after the last row.
    unheard: bool,
}

fn trial(number: usize) -> Figures {
    let ((signal, code), moment) = (SIGNALS[number % 3], Moment::random(number / 3));
    let stage = moment.stage();
    let program = || stage.program().args(["--concurrency", &CONCURRENCY.to_string()]);
    let mut running = program().start();
    moment.wait(&stage, &mut running);
    let signalled = Instant::now();
    if running.is_alive() {
        running.signal(signal);
    }
    ends(&mut running);
    let took = signalled.elapsed();
    let done = stage.wait(running);
    let what = format!("SIG{signal} at {moment:?}: exit code {}\n{}", done.code(), done.stderr);
    assert!(took < Duration::from_secs(13), "{took:?}, {what}");
    let in_doubt = if done.code() == code && stage.run_dir().join("summary.json").exists() {
        stopped(&stage, &done, signal, &what)
    } else {
        not_stopped(&stage, &done, code, &what);
        0
    };
    stage.sandbox.0.set_faults(Vec::new());
    stage.finish(program()).expect(0);
    stage.check_truth();
    assert_eq!(stage.summary()["outcomes"]["updated"], ROWS, "{what}");
    let allowed = ROWS as u64 + in_doubt as u64;
    assert!(stage.truth().patch_requests <= allowed, "only what is in doubt is sent again: {what}");
    Figures { took, in_doubt, unheard: done.code() != code }
}

/// The run has stopped in order; returns the number of rows in doubt.
#[track_caller]
fn stopped(stage: &Stage, done: &Finished, signal: &str, what: &str) -> usize {
    let folder = stage.run_dir().display().to_string();
    for words in [&*format!("stopped by SIG{signal}"), &*folder, " of 40 rows", "go on with: "] {
        assert!(done.last_line().contains(words), "{words:?} is missing: {what}");
    }
    stage.check_truth();
    let applied = stage.truth().applied;
    let rows = stage.outcomes();
    let of = |outcome: &str| rows.iter().filter(|row| row["outcome"] == outcome).cloned().collect::<Vec<_>>();
    let (pending, unknown) = (of("pending"), of("unknown"));
    for row in &pending {
        assert!(
            applied.iter().all(|applied| applied.user_name != row["email"]),
            "{row:?} was changed: {what}"
        );
    }
    assert!(unknown.len() <= CONCURRENCY, "{} in doubt: {what}", unknown.len());
    assert_eq!(of("updated").len() + pending.len() + unknown.len(), ROWS, "{what}");
    unknown.len()
}

/// The signal came before the program had anything to lose, or when it had nothing left to do.
#[track_caller]
fn not_stopped(stage: &Stage, done: &Finished, code: i32, what: &str) {
    if done.code() == 0 {
        assert_eq!(stage.summary()["outcomes"]["updated"], ROWS, "{what}");
    } else {
        assert!(stage.truth().requests.is_empty(), "{what}");
        assert!(done.code() == -1 || done.last_line().contains("before anything was sent"), "{what}");
        assert!([-1, code].contains(&done.code()), "{what}");
    }
}

#[test]
fn a_signal_at_any_moment_stops_the_run_in_order() {
    let figures = tried(3 * trials(5), trial);
    let took = figures.iter().map(|figures| figures.took).max().unwrap();
    let in_doubt = figures.iter().map(|figures| figures.in_doubt).max().unwrap();
    let unheard = figures.iter().filter(|figures| figures.unheard).count();
    println!(
        "{} signals, {unheard} before or after the work; longest exit {took:?}; in doubt at most {in_doubt}",
        figures.len()
    );
    assert!(in_doubt > 0, "some came while changes were unanswered");
    assert!(unheard < figures.len() / 2, "most came during the work");
}
