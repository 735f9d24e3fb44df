//! The machine's clock may be wrong, and may jump by years: nothing is sent too early, and nothing
//! is waited for longer.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use scim_rekey::sandbox::{Fault, On, Options, StatusReply, Values};

use crate::support::{Person, Program, Stage, ends, until};

/// Where Debian and its likes keep faketime's library.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path());
    let library = |folder: PathBuf| folder.join("faketime/libfaketimeMT.so.1");
    folders.map(library).find(|path| path.exists()).expect("faketime is installed")
}

/// The clock of a program, which jumps when told to.
struct Clock(PathBuf);

impl Clock {
    /// A clock that is wrong by so much, such as `+10y`, or begins at `@2026-11-22 05:29:57`.
    fn new(stage: &Stage, wrong: &str) -> Self {
        let clock = Self(stage.home.path().join("clock"));
        clock.jump(wrong);
        clock
    }

    fn jump(&self, wrong: &str) {
        // Renamed into place, so that it is never read half.
        let aside = self.0.with_extension("new");
        fs::write(&aside, wrong).unwrap();
        fs::rename(aside, &self.0).unwrap();
    }

    fn on(&self, program: Program) -> Program {
        program
            .env("LD_PRELOAD", library())
            .env("FAKETIME_TIMESTAMP_FILE", &self.0)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1")
            .env("TZ", "UTC")
    }
}

/// The years of the log's records, and a check that their order does not depend on them.
fn years(stage: &Stage) -> Vec<i32> {
    let audit = stage.audit();
    for (place, line) in audit.iter().enumerate() {
        assert_eq!(line["seq"], place as u64 + 1);
    }
    let log = stage.run_dir().join("audit.jsonl");
    stage.finish(Program::new([Path::new("audit"), Path::new("verify"), &log])).expect(0);
    audit.iter().map(|line| line["ts"].as_str().unwrap()[..4].parse().unwrap()).collect()
}

fn this_year() -> i32 {
    jiff::Zoned::now().year().into()
}

#[test]
#[ignore = "needs faketime"]
fn a_jump_during_a_wait_frees_nobody_and_keeps_nobody() {
    for (jump, years_off) in [("+10y", 10), ("-10y", -10)] {
        let faults = vec![Fault::new(On::Lookup, StatusReply::new(429).retry_after("3").into()).skip(5)];
        let stage = Stage::new(Person::many(20), Options { faults, ..Options::default() });
        let clock = Clock::new(&stage, "+0");
        // One row at a time: nothing is under way when the wait is announced.
        let mut running = clock.on(stage.program()).args(["--concurrency", "1"]).start();
        until("it is told to wait", || stage.truth().statuses.contains_key(&429));
        clock.jump(jump);
        ends(&mut running);
        stage.wait(running).expect(0);
        stage.check_truth();
        let truth = stage.truth();
        assert_eq!((truth.during_hold, truth.token_requests), (0, 1), "{jump}");
        let requests = &truth.requests;
        let refused = requests.iter().position(|seen| seen.status == 429).unwrap();
        let waited = requests[refused + 1].at_ms - requests[refused].at_ms;
        assert!((3000..8000).contains(&waited), "{jump}: {waited} ms");
        let years = years(&stage);
        assert_eq!(years[0], this_year());
        assert!((years.last().unwrap() - years[0] - years_off).abs() <= 1, "the clock has jumped: {years:?}");
    }
}

#[test]
#[ignore = "needs faketime"]
fn a_jump_during_a_token_s_life_neither_ends_it_nor_prolongs_it() {
    for jump in ["+10y", "-10y"] {
        let stage = Stage::new(Person::many(60), Options { token_life_s: 2, ..Options::default() });
        let clock = Clock::new(&stage, "+0");
        let mut running = clock.on(stage.program()).args(["--rate", "40/s"]).start();
        until("it works", || stage.truth().patch_requests >= 5);
        clock.jump(jump);
        ends(&mut running);
        stage.wait(running).expect(0);
        stage.check_truth();
        let truth = stage.truth();
        assert!(!truth.statuses.contains_key(&401), "{jump}: {:?}", truth.statuses);
        // Three seconds, and a new one at each half of a life of two.
        assert!((2..=5).contains(&truth.token_requests), "{jump}: {}", truth.token_requests);
        let years = years(&stage);
        assert_ne!(years[0], *years.last().unwrap(), "the clock has jumped");
    }
}

/// A look-up that is answered 429 with a date four seconds from now, by the service's clock.
fn told_a_date(date_header: Option<&str>) -> Stage {
    let until = SystemTime::now() + Duration::from_secs(4);
    let mut reply = StatusReply::new(429).retry_after(httpdate::fmt_http_date(until));
    if let Some(date) = date_header {
        reply.headers.insert("date".to_owned(), Values::One(date.to_owned()));
    }
    let faults = vec![Fault::new(On::Lookup, reply.into()).skip(2)];
    Stage::new(Person::many(6), Options { faults, ..Options::default() })
}

#[test]
#[ignore = "needs faketime"]
fn a_date_to_wait_for_is_taken_by_the_clock_of_the_service() {
    for wrong in ["+10y", "-10y"] {
        let stage = told_a_date(None);
        let clock = Clock::new(&stage, wrong);
        stage.finish(clock.on(stage.program()).args(["--concurrency", "1"])).expect(0);
        stage.check_truth();
        assert_eq!(stage.truth().during_hold, 0, "{wrong}");
        let waited = stage.summary()["waited_ms"].as_u64().unwrap();
        assert!((1000..=4000).contains(&waited), "{wrong}: {waited} ms");
        assert_ne!(years(&stage)[0], this_year());
    }
}

/// Nobody can tell then how long to wait: a date that is past is backed off from like any other
/// refusal, and one that is years away is more than we may wait.
#[test]
#[ignore = "needs faketime"]
fn a_date_from_a_service_that_shows_no_clock_costs_no_row() {
    for (wrong, code, last) in [("+10y", 0, "updated"), ("-10y", 75, "pending/throttled")] {
        let stage = told_a_date(Some("no date"));
        let clock = Clock::new(&stage, wrong);
        let mut running = clock.on(stage.program()).args(["--concurrency", "1"]).start();
        ends(&mut running);
        stage.wait(running).expect(code);
        stage.check_truth();
        assert_eq!(stage.outcome(7), last, "{wrong}");
        stage.run().expect(0);
        stage.check_truth();
        assert_eq!(stage.truth().applied.len(), 6);
    }
}

#[test]
#[ignore = "needs faketime"]
fn a_deadline_is_kept_although_the_clock_jumps() {
    for jump in [None, Some("+10y"), Some("-10y")] {
        let stage = Stage::new(Person::many(100), Options::default());
        let clock = Clock::new(&stage, "@2026-11-22 05:29:57");
        let program = clock.on(stage.program()).args(["--rate", "20/s", "--deadline", "05:30"]);
        let mut running = program.start();
        until("it works", || stage.truth().patch_requests >= 3);
        if let Some(jump) = jump {
            clock.jump(jump);
        }
        ends(&mut running);
        stage.wait(running).expect(75);
        stage.check_truth();
        let applied = stage.truth().applied.len();
        assert_eq!(stage.outcome(101), "pending/deadline");
        assert!((3..50).contains(&applied), "{jump:?}: {applied} in three seconds at ten a second");
        stage.run().expect(0);
        stage.check_truth();
        assert_eq!(stage.truth().patch_requests, 100, "{jump:?}");
    }
}
