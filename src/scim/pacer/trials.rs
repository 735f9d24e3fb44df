//! Services whose limit nobody told us, of every shape: how much of it is used, and how much refused.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::{Health, Pace, Pacer, Patience, Rate, Why};
use crate::figures::figure;
use crate::scim::chance::{chance, seeded};
use crate::scim::retry::backoff;

/// How a service counts.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// So many seconds, the next window with the first request after its end.
    Window(f64),
    /// With room for so many at once.
    Bucket(f64),
}

/// A trial.
#[derive(Debug, Clone, Copy)]
struct Trial {
    shape: Shape,
    per_second: f64,
    /// There and back; each way takes up to `jitter_ms` more.
    latency_ms: u64,
    jitter_ms: u64,
    /// Whether a 429 says when to come back, in whole seconds.
    says_when: bool,
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
    refused: f64,
    worst: u32,
}

impl Trial {
    const fn new(shape: Shape, per_second: f64, latency_ms: u64) -> Self {
        Self {
            shape,
            per_second,
            latency_ms,
            jitter_ms: 0,
            says_when: true,
            workers: 16,
            seconds: 300,
            pace: Pace::Unlimited,
        }
    }

    /// Used share of the limit and refused share of the requests, from the first to the last.
    fn run(self) -> (f64, f64, u32) {
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
        let allowed = self.per_second * Duration::from_secs(self.seconds).as_secs_f64();
        let worst = done.iter().map(|one| one.worst).max().unwrap();
        (good / allowed, refused / (good + refused), worst)
    }

    async fn worker(self, pacer: Arc<Pacer>, service: Arc<Service>, end: Instant) -> Yield {
        let (mut done, mut tries) = (Yield::default(), 0);
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
                    tries = 0;
                    pass.finish(Health::Up, None);
                }
                Err(wait) => {
                    done.refused += 1.0;
                    done.worst = done.worst.max(tries);
                    let told = Duration::from_secs_f64(wait.as_secs_f64().ceil().max(1.0));
                    let (wait, why) = if self.says_when {
                        (told, Why::Refused)
                    } else {
                        (backoff(pass.refusals(), chance()), Why::RefusedWithoutAWord)
                    };
                    assert!(pass.hold(wait, why));
                    pass.finish(Health::Throttled, None);
                }
            }
        }
        done
    }
}

fn tried(trial: Trial) -> (f64, f64) {
    let (used, refused, worst) = trial.run();
    let Trial { shape, per_second, latency_ms, jitter_ms, says_when, .. } = trial;
    figure(&format!(
        "a limit that nobody told, {per_second}/s, {shape:?}, {latency_ms} + {jitter_ms} ms, Retry-After {says_when}: \
         {:.1} % used, {:.2} % refused",
        used * 100.0,
        refused * 100.0
    ));
    assert!(worst < 5, "{worst} refusals of one request");
    (used, refused)
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
    trials.extend(silent.map(|shape| Trial { says_when: false, ..Trial::new(shape, 50.0, 50) }));
    trials.push(Trial { workers: 128, ..Trial::new(Shape::Window(1.0), 500.0, 50) });
    trials.push(Trial { pace: told(80), ..Trial::new(Shape::Window(1.0), 50.0, 50) });
    let short = trials.into_iter().filter(|trial| {
        let (used, refused) = tried(*trial);
        used < 0.95 || refused >= 0.02
    });
    let short: Vec<_> = short.collect();
    assert!(short.is_empty(), "{short:#?}");
}

/// Without a word on when to come back, a window of a minute is found by asking again and again, and
/// what lies between the last refusal and the next try is lost.
#[test]
fn a_long_window_that_does_not_say_when_it_ends_is_used_as_far_as_it_can_be_found() {
    let (used, refused) = tried(Trial { says_when: false, ..Trial::new(Shape::Window(60.0), 50.0, 50) });
    assert!(used >= 0.6 && refused < 0.02, "used {used:.3}, refused {refused:.3}");
}

fn told(requests: u32) -> Pace {
    Pace::Told(Rate::new(requests, Duration::from_secs(1)).unwrap())
}
