//! Services whose limit nobody told us, of every shape: how much of it is used, and how much refused.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::{Health, Pace, Pacer, Patience, Rate, Why};
use crate::figures::figure;
use crate::scim::chance::{chance, seeded};
use crate::scim::retry::backoff;

const MINUTE: Duration = Duration::from_secs(60);

/// How a service counts.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// So many seconds, the next window with the first request after its end.
    Window(f64),
    /// With room for so many at once.
    Bucket(f64),
}

/// When to come back, as a 429 has it.
#[derive(Debug, Clone, Copy)]
enum Says {
    Nothing,
    /// In whole seconds.
    Seconds,
    /// So many seconds later than needed.
    Late(f64),
    /// As a date, in whole seconds, when the service's clock is so far into a second at the beginning.
    Date(f64),
    /// The same with a clock that stands, as in a simulation.
    StandingDate(f64),
}

impl Says {
    /// What becomes of the wait that is needed.
    fn wait(self, needed: f64, now: f64) -> Option<Duration> {
        let date = |now: f64| (now + needed).ceil() - now + 1.0;
        let wait = match self {
            Self::Nothing => return None,
            Self::Seconds => needed.ceil().max(1.0),
            Self::Late(late) => needed + late,
            Self::Date(phase) => date(phase + now),
            Self::StandingDate(phase) => date(phase),
        };
        Some(Duration::from_secs_f64(wait))
    }
}

/// A trial.
#[derive(Debug, Clone, Copy)]
struct Trial {
    shape: Shape,
    per_second: f64,
    /// There and back; each way takes up to `jitter_ms` more.
    latency_ms: u64,
    jitter_ms: u64,
    says: Says,
    workers: usize,
    seconds: u64,
    pace: Pace,
}

/// What the service remembers: when it last counted, and how much is left.
struct Service {
    trial: Trial,
    state: Mutex<(Instant, f64)>,
}

impl Service {
    /// Whether one is served now, and if not, how long until one would be.
    fn judge(&self) -> Result<(), Duration> {
        let (now, mut state) = (Instant::now(), self.state.lock().unwrap());
        let passed = (now - state.0).as_secs_f64();
        let wait = match self.trial.shape {
            Shape::Window(length) => {
                if passed >= length {
                    *state = (now, (self.trial.per_second * length).round());
                }
                length - (now - state.0).as_secs_f64()
            }
            Shape::Bucket(burst) => {
                *state = (now, (state.1 + passed * self.trial.per_second).min(burst));
                (1.0 - state.1) / self.trial.per_second
            }
        };
        if state.1 >= 1.0 - 1e-9 {
            state.1 -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64(wait))
    }
}

/// What came of a trial.
#[derive(Debug, Default, Clone, Copy)]
struct Yield {
    good: f64,
    /// Of these, after the first minute.
    settled: f64,
    refused: f64,
    worst: u32,
}

/// Shares of the limit that were used, in all and after the first minute, and of the requests that were
/// refused.
struct Use {
    all: f64,
    settled: f64,
    refused: f64,
}

impl Trial {
    const fn new(shape: Shape, per_second: f64, latency_ms: u64) -> Self {
        Self {
            shape,
            per_second,
            latency_ms,
            jitter_ms: 0,
            says: Says::Seconds,
            workers: 16,
            seconds: 300,
            pace: Pace::Unlimited,
        }
    }

    /// From the first request to the last.
    fn run(self) -> Use {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let done = runtime.block_on(async {
            seeded::begin(7);
            let patience = Patience {
                max_wait: Duration::from_secs(900),
                max_outage: Duration::from_secs(300),
                concurrency: self.workers,
            };
            let pacer = Arc::new(Pacer::new(self.pace, 1, patience));
            let full = match self.shape {
                Shape::Window(length) => (self.per_second * length).round(),
                Shape::Bucket(burst) => burst,
            };
            let service = Arc::new(Service { trial: self, state: Mutex::new((Instant::now(), full)) });
            let end = Instant::now() + Duration::from_secs(self.seconds);
            let mut workers = tokio::task::JoinSet::new();
            for _ in 0..self.workers {
                workers.spawn(self.worker(Arc::clone(&pacer), Arc::clone(&service), end));
            }
            workers.join_all().await
        });
        let sum = |of: fn(&Yield) -> f64| done.iter().map(of).sum::<f64>();
        let (good, refused) = (sum(|one| one.good), sum(|one| one.refused));
        let allowed = |time: Duration| self.per_second * time.as_secs_f64();
        let whole = Duration::from_secs(self.seconds);
        let worst = done.iter().map(|one| one.worst).max().unwrap();
        assert!(worst < 5, "{worst} refusals of one request");
        let settled = sum(|one| one.settled) / allowed(whole.saturating_sub(MINUTE));
        Use { all: good / allowed(whole), settled, refused: refused / (good + refused) }
    }

    async fn worker(self, pacer: Arc<Pacer>, service: Arc<Service>, end: Instant) -> Yield {
        let (begun, mut done, mut tries) = (Instant::now(), Yield::default(), 0);
        let way = || {
            let jitter = Duration::from_millis(self.jitter_ms).mul_f64(chance());
            Duration::from_millis(self.latency_ms) / 2 + jitter
        };
        while Instant::now() < end {
            let pass = tokio::select! {
                pass = pacer.admit(None) => pass.unwrap(),
                () = sleep_until(end) => return done,
            };
            tries += 1;
            sleep(way()).await;
            let judged = service.judge();
            sleep(way()).await;
            match judged {
                Ok(()) => {
                    done.good += 1.0;
                    done.settled += if begun.elapsed() >= MINUTE { 1.0 } else { 0.0 };
                    tries = 0;
                    pass.finish(Health::Up, None);
                }
                Err(wait) => {
                    done.refused += 1.0;
                    done.worst = done.worst.max(tries);
                    let (wait, why) = match self.says.wait(wait.as_secs_f64(), begun.elapsed().as_secs_f64())
                    {
                        Some(wait) => (wait, Why::Refused),
                        None => (backoff(pass.refusals(), chance()), Why::RefusedWithoutAWord),
                    };
                    assert!(pass.hold(wait, why));
                    pass.finish(Health::Throttled, None);
                }
            }
        }
        done
    }
}

fn tried(trial: Trial) -> Use {
    let used = trial.run();
    let Trial { shape, per_second, latency_ms, jitter_ms, says, .. } = trial;
    figure(&format!(
        "a limit that nobody told, {per_second}/s, {shape:?}, {latency_ms} + {jitter_ms} ms, Retry-After {says:?}: \
         {:.1} % used, {:.1} % after a minute, {:.2} % refused",
        used.all * 100.0,
        used.settled * 100.0,
        used.refused * 100.0
    ));
    used
}

/// Five minutes, the beginning included.
#[test]
fn a_limit_that_nobody_told_us_is_found_and_held() {
    let shapes = |rate| {
        [
            Shape::Window(1.0),
            Shape::Window(60.0),
            Shape::Bucket(1.0),
            Shape::Bucket(10.0),
            Shape::Bucket(rate),
        ]
    };
    let mut trials = Vec::new();
    for (rate, latency_ms) in [(5.0, 5), (5.0, 100), (50.0, 5), (50.0, 100)] {
        trials.extend(shapes(rate).map(|shape| Trial::new(shape, rate, latency_ms)));
    }
    let silent = [Shape::Window(1.0), Shape::Bucket(1.0), Shape::Bucket(50.0)];
    trials.extend(silent.map(|shape| Trial { says: Says::Nothing, ..Trial::new(shape, 50.0, 50) }));
    trials.push(Trial { workers: 128, ..Trial::new(Shape::Window(1.0), 500.0, 50) });
    trials.push(Trial { pace: told(80), ..Trial::new(Shape::Window(1.0), 50.0, 50) });
    let short = trials.into_iter().filter(|trial| {
        let Use { all, refused, .. } = tried(*trial);
        all < 0.95 || refused >= 0.02
    });
    let short: Vec<_> = short.collect();
    assert!(short.is_empty(), "{short:#?}");
}

/// Without a word on when to come back, a window of a minute is found by asking again and again, and
/// what lies between the last refusal and the next try is lost.
#[test]
fn a_long_window_that_does_not_say_when_it_ends_is_used_as_far_as_it_can_be_found() {
    let long = Trial { says: Says::Nothing, ..Trial::new(Shape::Window(60.0), 50.0, 50) };
    let Use { all, refused, .. } = tried(long);
    assert!(all >= 0.6 && refused < 0.02, "used {all:.3}, refused {refused:.3}");
}

/// A date is in whole seconds, and without the service's own clock a second is added to it, so the wait
/// is one to two seconds longer than needed; how much depends on where in a second the clock stands.
#[test]
fn a_wait_that_is_longer_than_needed_is_not_taken_for_a_window() {
    let trial = |says| Trial { says, ..Trial::new(Shape::Window(1.0), 20.0, 50) };
    let rounded = [0.0, 0.5, 0.95].map(|late| (trial(Says::Late(late)), 0.95));
    let phases = (0..10).map(|tenth| f64::from(tenth) / 10.0);
    let dates = phases.flat_map(|phase| [Says::Date(phase), Says::StandingDate(phase)]);
    let dates = dates.map(|says| (trial(says), 0.93));
    // Far longer: the beginning costs more, what comes after it does not.
    let absurd = [(trial(Says::Late(6.0)), 0.8)];
    for (trial, least) in rounded.into_iter().chain(dates).chain(absurd) {
        let Use { all, settled, refused } = tried(trial);
        let found = all >= least && settled >= 0.9 && refused < 0.02;
        assert!(found, "{trial:?}: used {all:.3}, after a minute {settled:.3}, refused {refused:.3}");
    }
}

fn told(requests: u32) -> Pace {
    Pace::Told(Rate::new(requests, Duration::from_secs(1)).unwrap())
}
