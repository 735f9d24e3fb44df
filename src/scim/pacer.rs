//! When a request may leave. Look-ups and patches pass here together, in the order they came,
//! and nothing else in the program waits for time to pass.
//!
//! What keeps a request back: the rate we were given (governor), the pace that the service turned
//! out to allow, a hold that it asked for, an outage, and, after a 429, a window of requests in the
//! air that opens again answer by answer: twofold at first, and as long as no pace is known by ones
//! from half of what was in the air when it was refused.
//!
//! Invariant: no pass is given before the latest hold is over. A hold is an *instant*; a wait
//! kept as a duration could be cut short by the answer of a request sent before it.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{Notify, futures::Notified};
use tokio::time::Instant;

use super::breaker::{Breaker, Health};
use super::tempo::Tempo;

/// How many requests may leave in which time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    /// The gap between two.
    gap: Duration,
    /// How many may leave without a gap: a tenth of a second's worth, at least one.
    burst: NonZeroU32,
}

impl Rate {
    /// `requests` in `period`, evenly spaced. Nothing when either is zero or the gap is below a
    /// nanosecond.
    pub(crate) fn new(requests: u32, period: Duration) -> Option<Self> {
        let gap = period.checked_div(requests).filter(|gap| !gap.is_zero())?;
        let tenth = u32::try_from(Duration::from_millis(100).as_nanos() / gap.as_nanos()).ok()?;
        Some(Self { gap, burst: NonZeroU32::new(tenth.max(1))? })
    }
}

/// Bounds on waiting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// The longest wait that the service may ask for.
    pub(crate) max_wait: Duration,
    /// The longest outage that is waited for.
    pub(crate) max_outage: Duration,
    /// Requests in the air at once; a window this wide is no window.
    pub(crate) concurrency: usize,
}

/// Why no pass is given, ever again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The run is stopping.
    Stopping,
    /// The service has been down for too long.
    Outage,
}

/// Why requests are kept back at the moment, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// The service asked for it.
    Asked(Duration),
    /// The service is down; the next probe leaves then.
    Down(Duration),
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Nanos>>;

/// The gate that every request passes.
#[derive(Debug)]
pub(crate) struct Pacer {
    /// One waits here, the others queue behind: tokio's mutex is first come, first served.
    turn: tokio::sync::Mutex<Option<Limiter>>,
    state: Mutex<State>,
    changed: Notify,
    patience: Patience,
}

#[derive(Debug)]
struct State {
    hold: Option<Instant>,
    held: Duration,
    window: usize,
    /// Up to here the window opens twofold, from here by one for each windowful of good answers.
    threshold: usize,
    answers: usize,
    in_air: usize,
    breaker: Breaker,
    tempo: Tempo,
    /// The earliest that the tempo allows.
    in_tempo: Option<Instant>,
    stopping: bool,
}

/// What stands between the next request and its pass.
enum Obstacle {
    None,
    Until(Instant),
    Change,
}

impl Pacer {
    /// A gate with this rate; without one only holds and outages count.
    pub(crate) fn new(rate: Option<Rate>, patience: Patience) -> Self {
        let limiter = rate.and_then(|rate| {
            let quota = Quota::with_period(rate.gap)?.allow_burst(rate.burst);
            Some(RateLimiter::direct_with_clock(quota, TokioClock(Instant::now())))
        });
        let state = State {
            hold: None,
            held: Duration::ZERO,
            window: usize::MAX,
            threshold: usize::MAX,
            answers: 0,
            in_air: 0,
            breaker: Breaker::default(),
            tempo: Tempo::default(),
            in_tempo: None,
            stopping: false,
        };
        Self {
            turn: tokio::sync::Mutex::new(limiter),
            state: Mutex::new(state),
            changed: Notify::new(),
            patience,
        }
    }

    /// Waits until a request may leave; `not_before` is its own back-off.
    pub(crate) async fn admit(&self, not_before: Option<Instant>) -> Result<Pass<'_>, Closed> {
        if let Some(own) = not_before {
            self.pause_until(own).await?;
        }
        let limiter = self.turn.lock().await;
        loop {
            let changed = self.changed.notified();
            let until = match self.obstacle()? {
                Obstacle::Until(instant) => Some(instant),
                Obstacle::Change => None,
                Obstacle::None => match limiter.as_ref().map(Limiter::check) {
                    None | Some(Ok(())) => return Ok(self.pass()),
                    Some(Err(early)) => {
                        Some(Instant::now() + early.wait_time_from(TokioClock::now_of(limiter.as_ref())))
                    }
                },
            };
            wait(until, changed).await;
        }
    }

    /// Waits for an instant outside the queue, as a back-off or a token request does.
    pub(crate) async fn pause_until(&self, instant: Instant) -> Result<(), Closed> {
        loop {
            let changed = self.changed.notified();
            if self.state().stopping {
                return Err(Closed::Stopping);
            }
            if Instant::now() >= instant {
                return Ok(());
            }
            wait(Some(instant), changed).await;
        }
    }

    /// Waits until no pass is given any more.
    pub(crate) async fn closing(&self) {
        loop {
            let changed = self.changed.notified();
            if self.state().stopping {
                return;
            }
            changed.await;
        }
    }

    /// Whether we may wait that long when asked to.
    pub(crate) fn allows(&self, wait: Duration) -> bool {
        wait <= self.patience.max_wait
    }

    /// The service asked everybody to wait, `refused` when it was for too many requests. False when
    /// that is longer than we may.
    pub(crate) fn hold(&self, wait: Duration, refused: bool) -> bool {
        if !self.allows(wait) {
            return false;
        }
        let mut state = self.state();
        let now = Instant::now();
        if refused && state.hold.is_none_or(|hold| hold <= now) {
            state.tempo.refused(now);
            state.threshold = if state.tempo.is_known() { usize::MAX } else { (state.in_air / 2).max(1) };
        }
        let from = state.hold.map_or(now, |hold| hold.max(now));
        let until = now + wait;
        state.held += until.saturating_duration_since(from);
        state.hold = Some(state.hold.map_or(until, |hold| hold.max(until)));
        true
    }

    /// Gives no pass any more, and ends every wait.
    pub(crate) fn close(&self) {
        self.state().stopping = true;
        self.changed.notify_waiters();
    }

    /// Whether a hold is in force.
    pub(crate) fn is_held(&self) -> bool {
        self.state().hold.is_some_and(|hold| hold > Instant::now())
    }

    /// Whether the service counts as down.
    pub(crate) fn is_down(&self) -> bool {
        self.state().breaker.is_open()
    }

    /// How long the service has made us wait.
    pub(crate) fn held(&self) -> Duration {
        self.state().held
    }

    /// Why nothing leaves at the moment.
    pub(crate) fn waiting(&self) -> Option<Waiting> {
        let state = self.state();
        let now = Instant::now();
        let left =
            |instant: Option<Instant>| instant.filter(|instant| *instant > now).map(|instant| instant - now);
        left(state.breaker.next_probe()).map(Waiting::Down).or_else(|| left(state.hold).map(Waiting::Asked))
    }

    fn obstacle(&self) -> Result<Obstacle, Closed> {
        let state = self.state();
        let now = Instant::now();
        if state.stopping {
            return Err(Closed::Stopping);
        }
        let give_up = state.breaker.down_since().map(|since| since + self.patience.max_outage);
        if give_up.is_some_and(|instant| now >= instant) {
            return Err(Closed::Outage);
        }
        let probe = state.breaker.next_probe().map(|probe| probe.min(give_up.unwrap_or(probe)));
        if let Some(until) = state.hold.max(probe).max(state.in_tempo).filter(|until| *until > now) {
            return Ok(Obstacle::Until(until));
        }
        Ok(if state.in_air >= state.window { Obstacle::Change } else { Obstacle::None })
    }

    fn pass(&self) -> Pass<'_> {
        let mut state = self.state();
        let now = Instant::now();
        state.in_air += 1;
        state.breaker.probing(now);
        // Counted from when it was due, so that a late timer costs nothing; never a whole gap back.
        let gap = state.tempo.gap(now);
        let due = state.in_tempo.filter(|due| gap.is_some_and(|gap| *due + gap > now)).unwrap_or(now);
        state.in_tempo = gap.map(|gap| due + gap);
        Pass { pacer: self }
    }

    fn finish(&self, health: Option<Health>) {
        let mut state = self.state();
        state.in_air -= 1;
        let closed = health.is_some_and(|health| state.breaker.observe(health, Instant::now()));
        let windowed = state.window != usize::MAX;
        if health.is_some_and(|health| health != Health::Throttled) {
            state.tempo.answered();
        }
        match health {
            Some(Health::Throttled) => state.window = 1,
            Some(Health::Up) => state.open_window(self.patience.concurrency),
            Some(Health::Failed(_) | Health::Unreachable) | None => {}
        }
        if closed || windowed {
            self.changed.notify_waiters();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A good answer opens the window, until it is as wide as there are requests.
    fn open_window(&mut self, concurrency: usize) {
        if self.window >= concurrency {
            self.window = usize::MAX;
        } else if self.window < self.threshold {
            self.window = self.window.saturating_mul(2).min(self.threshold);
        } else {
            self.answers += 1;
            if self.answers >= self.window {
                self.answers = 0;
                self.window += 1;
            }
        }
    }
}

/// Waits for an instant or a change, whichever is first.
async fn wait(until: Option<Instant>, changed: Notified<'_>) {
    match until {
        Some(instant) => tokio::select! {
            () = tokio::time::sleep_until(instant) => {}
            () = changed => {}
        },
        None => changed.await,
    }
}

/// Leave for one request. Dropped without a word, it says nothing about the service.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    pacer: &'a Pacer,
}

impl Pass<'_> {
    /// The request was answered, or not.
    pub(crate) fn finish(self, health: Health) {
        self.pacer.finish(Some(health));
        std::mem::forget(self);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.pacer.finish(None);
    }
}

/// Governor's clock over tokio's, so that both sleep and both can be paused by a test.
#[derive(Debug, Clone)]
struct TokioClock(Instant);

impl TokioClock {
    fn now_of(limiter: Option<&Limiter>) -> Nanos {
        limiter.map_or(Nanos::new(0), |limiter| limiter.clock().now())
    }
}

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const PATIENCE: Patience = Patience {
        max_wait: Duration::from_secs(900),
        max_outage: Duration::from_secs(300),
        concurrency: 64,
    };

    fn pacer(requests: u32, seconds: u64) -> Arc<Pacer> {
        Arc::new(Pacer::new(Rate::new(requests, Duration::from_secs(seconds)), PATIENCE))
    }

    async fn many(pacer: &Arc<Pacer>, count: usize) -> Vec<Instant> {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..count {
            let pacer = Arc::clone(pacer);
            tasks.spawn(async move {
                pacer.admit(None).await.unwrap().finish(Health::Up);
                Instant::now()
            });
        }
        let mut times = tasks.join_all().await;
        times.sort();
        times
    }

    #[tokio::test(start_paused = true)]
    async fn requests_leave_evenly_spaced() {
        let start = Instant::now();
        let times = many(&pacer(300, 60), 301).await;
        assert_eq!((*times.last().unwrap() - start).as_secs(), 60);
        for pair in times.windows(2) {
            assert!(pair[1] - pair[0] >= Duration::from_millis(199));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_holds_more_than_the_rate_and_its_burst() {
        let times = many(&pacer(100, 1), 1000).await;
        for (place, time) in times.iter().enumerate() {
            let within =
                times[place..].iter().take_while(|later| **later - *time < Duration::from_secs(1)).count();
            assert!(within <= 110, "{within}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_leaves_before_a_hold_is_over() {
        let pacer = pacer(50, 1);
        let start = Instant::now();
        let asking = tokio::spawn({
            let pacer = Arc::clone(&pacer);
            async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                assert!(pacer.hold(Duration::from_secs(7), true));
                assert!(pacer.hold(Duration::from_secs(2), true), "a shorter hold changes nothing");
            }
        });
        let times = many(&pacer, 500).await;
        asking.await.unwrap();
        let held = start + Duration::from_secs(1)..start + Duration::from_secs(8);
        assert!(times.iter().all(|time| *time <= held.start || *time >= held.end));
        assert!((16.5..17.5).contains(&(*times.last().unwrap() - start).as_secs_f64()));
        assert_eq!(pacer.held(), Duration::from_secs(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_our_patience_is_refused() {
        assert!(!pacer(50, 1).hold(Duration::from_secs(901), true));
        assert!(!pacer(50, 1).hold(Duration::from_secs(u64::MAX), true));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_429_one_request_goes_first() {
        let pacer = pacer(1_000_000, 1);
        pacer.admit(None).await.unwrap().finish(Health::Throttled);
        let first = pacer.admit(None).await.unwrap();
        let second = pacer.admit(None);
        tokio::pin!(second);
        assert!(tokio::time::timeout(Duration::from_secs(5), &mut second).await.is_err());
        first.finish(Health::Up);
        let second = second.await.unwrap();
        let third = pacer.admit(None).await.unwrap();
        drop((second, third));
    }

    /// A service that takes so many requests in each second, as a fixed window, 20 ms away.
    struct Service {
        limit: u32,
        window: Mutex<(u64, u32)>,
        start: Instant,
    }

    impl Service {
        async fn ask(&self) -> bool {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let second = self.start.elapsed().as_secs();
            let served = {
                let mut window = self.window.lock().unwrap();
                *window = if window.0 == second { (second, window.1 + 1) } else { (second, 1) };
                window.1 <= self.limit
            };
            tokio::time::sleep(Duration::from_millis(10)).await;
            served
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_nobody_told_us_is_found_and_held() {
        for limit in [2, 10, 100] {
            let pacer = Arc::new(Pacer::new(None, PATIENCE));
            let start = Instant::now();
            let service = Arc::new(Service { limit, window: Mutex::new((0, 0)), start });
            let mut workers = tokio::task::JoinSet::new();
            for _ in 0..64 {
                let (pacer, service) = (Arc::clone(&pacer), Arc::clone(&service));
                workers.spawn(async move {
                    let (mut good, mut refused, mut in_a_row, mut worst) = (0u32, 0u32, 0, 0);
                    while start.elapsed().as_secs() < 240 {
                        let pass = pacer.admit(None).await.unwrap();
                        let served = service.ask().await;
                        let settled = start.elapsed().as_secs() >= 60;
                        if served {
                            good += u32::from(settled);
                            in_a_row = 0;
                            pass.finish(Health::Up);
                        } else {
                            refused += u32::from(settled);
                            in_a_row += 1;
                            worst = worst.max(in_a_row);
                            assert!(pacer.hold(Duration::from_secs(1), true));
                            pass.finish(Health::Throttled);
                        }
                    }
                    (good, refused, worst)
                });
            }
            let done = workers.join_all().await;
            let good: u32 = done.iter().map(|(good, _, _)| good).sum();
            let refused: u32 = done.iter().map(|(_, refused, _)| refused).sum();
            let worst = done.iter().map(|(_, _, worst)| *worst).max().unwrap();
            let used = f64::from(good) / f64::from(limit * 180);
            let share = f64::from(refused) / f64::from(good + refused);
            assert!(
                used >= 0.9 && share < 0.05 && worst < 5,
                "{limit}/s: used {used:.3}, refused {share:.3}, {worst} in a row"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_probed_and_then_given_up() {
        let pacer = pacer(1000, 1);
        let start = Instant::now();
        let mut sent = 0;
        let end = loop {
            match pacer.admit(None).await {
                Ok(pass) => pass.finish(Health::Failed(sent)),
                Err(closed) => break closed,
            }
            sent += 1;
        };
        assert_eq!((end, start.elapsed().as_secs()), (Closed::Outage, 300));
        assert!(sent <= 15, "{sent}");
    }

    #[tokio::test(start_paused = true)]
    async fn closing_ends_every_wait() {
        let pacer = pacer(1, 3600);
        let waits: Vec<_> = (0..8)
            .map(|_| {
                let pacer = Arc::clone(&pacer);
                tokio::spawn(async move { pacer.admit(None).await.map(drop) })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(1)).await;
        pacer.close();
        let mut refused = 0;
        for wait in waits {
            refused += usize::from(wait.await.unwrap() == Err(Closed::Stopping));
        }
        assert_eq!((refused, Instant::now().elapsed().as_secs()), (7, 0));
    }

    #[test]
    fn rates_are_whole_gaps() {
        let rate = Rate::new(300, Duration::from_secs(60)).unwrap();
        assert_eq!((rate.gap.as_millis(), rate.burst.get()), (200, 1));
        assert_eq!(Rate::new(100, Duration::from_secs(1)).unwrap().burst.get(), 10);
        assert_eq!(Rate::new(0, Duration::from_secs(1)), None);
    }
}
