//! The program is killed just before each of its system calls that others can see, one after the
//! other. Which there are is told by a run that is left alone.

use std::fmt;
use std::fs;

use crate::support::{Judge, Program, Stage, Strace, two_at_a_time};

/// What leaves a trace on disk, or at the service.
const CALLS: [&str; 19] = [
    "write",
    "writev",
    "pwrite64",
    "sendto",
    "sendmsg",
    "fdatasync",
    "fsync",
    "rename",
    "renameat",
    "renameat2",
    "linkat",
    "ftruncate",
    "fallocate",
    "mkdir",
    "mkdirat",
    "unlink",
    "unlinkat",
    "fchmod",
    "flock",
];
const ROWS: usize = 20;
const CONCURRENCY: u64 = 4;

/// Just before the so-manieth such call of a thread; of those on the log only, if `on_log`.
#[derive(Debug, Clone)]
struct Point {
    call: String,
    number: usize,
    on_log: bool,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on_log = if self.on_log { " on the log" } else { "" };
        write!(f, "killed before {} {}{on_log}", self.call, self.number)
    }
}

/// A job: its people, how often they are changed already, and what is added to the command.
struct Scene {
    changed: usize,
    more: &'static [&'static str],
}

impl Scene {
    fn stage(&self) -> Stage {
        let stage = Stage::plain(ROWS);
        for _ in 0..self.changed {
            stage.run().expect(0);
        }
        stage
    }

    fn args(&self, stage: &Stage) -> Vec<String> {
        let own = ["--concurrency".to_owned(), CONCURRENCY.to_string()];
        stage.run_args().into_iter().chain(own).chain(self.more.iter().map(ToString::to_string)).collect()
    }

    /// Whether the repeat of a run has told its end: from then on `--again` means once more.
    fn is_told(&self, stage: &Stage) -> bool {
        if self.changed == 0 {
            return false;
        }
        let log = fs::read_to_string(stage.run_dir().join("audit.jsonl")).unwrap();
        let head = &stage.summary()["audit_head"];
        let begun = log.matches("\"kind\":\"run_start\"").count() > self.changed;
        begun && log.ends_with(&format!("\"hash\":{head}}}\n"))
    }

    /// Every point that a run passes.
    fn points(&self) -> Vec<Point> {
        // The log is written by a thread of its own. Its calls come first where no others count.
        [false, true].into_iter().flat_map(|on_log| self.points_of(on_log)).collect()
    }

    fn points_of(&self, on_log: bool) -> impl Iterator<Item = Point> {
        let stage = self.stage();
        let strace = watching(&stage, &CALLS, on_log);
        stage.finish(strace.program(&stage, self.args(&stage))).expect(0);
        let most = Strace::calls(&stage).most();
        most.into_iter().flat_map(move |(call, times)| {
            (1..=times).map(move |number| Point { call: call.clone(), number, on_log })
        })
    }

    /// Kills at each of these points in turn, if the run gets there, and then lets it go on to its
    /// end. How often it was killed.
    fn survives(&self, judge: &Judge, points: &[&Point]) -> u64 {
        let stage = self.stage();
        let (mut kills, mut ended) = (0, false);
        for point in points {
            let strace = watching(&stage, &[&point.call], point.on_log);
            let strace = strace.inject(&format!("{}:signal=KILL:when={}", point.call, point.number));
            let done = stage.finish(strace.program(&stage, self.args(&stage)));
            assert!([0, -1].contains(&done.code()), "{point}: {}", done.stderr);
            kills += u64::from(done.code() == -1);
            judge.midway(&stage, &point.to_string());
            ended = done.code() == 0 || self.is_told(&stage);
            if ended {
                break;
            }
        }
        let what = points.iter().map(ToString::to_string).collect::<Vec<_>>().join(", then ");
        if !ended {
            let done = stage.finish(stage.with_env(Program::new(self.args(&stage))));
            assert_eq!(done.code(), 0, "{what}: {}", done.stderr);
        }
        let times = self.changed as u64 + 1;
        judge.end(&stage, &what, times * ROWS as u64 + kills * CONCURRENCY);
        assert_eq!(stage.summary()["outcomes"]["updated"], ROWS, "{what}");
        kills
    }
}

fn watching(stage: &Stage, calls: &[&str], on_log: bool) -> Strace {
    let strace = Strace::of(calls);
    if on_log { strace.on(stage.run_dir().join("audit.jsonl")) } else { strace }
}

#[test]
#[ignore = "needs strace, python3 and a minute"]
fn killed_at_every_call_a_run_goes_on() {
    let (scene, judge) = (Scene { changed: 0, more: &[] }, Judge::new());
    let points = scene.points();
    let kills = two_at_a_time(points.iter(), |point| scene.survives(&judge, &[point]));
    println!("{} kill points, {kills} kills, 0 lost, 0 doubled, 0 false, 0 undeclared", points.len());
    assert!(points.len() > 100 && kills * 10 > points.len() as u64 * 8, "{kills} of {}", points.len());
}

#[test]
#[ignore = "needs strace, python3 and a minute"]
fn killed_again_while_it_goes_on_a_run_goes_on() {
    let (scene, judge) = (Scene { changed: 0, more: &[] }, Judge::new());
    let points = scene.points();
    let cases = points.iter().step_by(3).map(|first| [first, &points[rand::random_range(0..points.len())]]);
    let tried = cases.len();
    let kills = two_at_a_time(cases, |case| scene.survives(&judge, &case));
    println!("{tried} runs killed twice, {kills} kills, 0 lost, 0 doubled, 0 false, 0 undeclared");
    assert!(kills > tried as u64, "{kills} kills in {tried} runs");
}

#[test]
#[ignore = "needs strace, python3 and a minute"]
fn killed_at_every_call_a_repeated_run_goes_on() {
    let (scene, judge) = (Scene { changed: 1, more: &["--again"] }, Judge::new());
    let points = scene.points();
    // What is sent is sent as in any run; what is done to files is not.
    let of_files = points.iter().filter(|point| point.on_log || !point.call.starts_with("write"));
    let kills = two_at_a_time(of_files, |point| scene.survives(&judge, &[point]));
    println!("{kills} kills of a repeated run, 0 lost, 0 doubled, 0 false, 0 undeclared");
    assert!(kills > 20, "only {kills} kills");
}
