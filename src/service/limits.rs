//! Owns how often: each caller, each target, all together, and each address that fails to prove itself.
//!
//! One invariant: in no span of that length are there more than the limit says. (A bucket that refills
//! lets nearly twice as many through.) Memory is bounded, whoever calls from wherever.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::caller::Caller;
use super::desk::Digest;
use super::settings;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// In how long a source may fail how often.
const FAILURES: (usize, Duration) = (10, Duration::from_secs(300));
/// As many addresses are remembered as having failed.
const SOURCES: usize = 4096;
/// As many targets, and as many keys of resets, are remembered.
const TARGETS: usize = 100_000;

/// Which limit was met, and after how long to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Met {
    pub(super) limit: &'static str,
    pub(super) wait: Duration,
}

/// All limits of a service.
pub(super) struct Limits {
    per_target: usize,
    global: usize,
    state: Mutex<State>,
}

struct State {
    callers: Window<String>,
    failures: Window<IpAddr>,
    all: Window<()>,
    targets: Window<Digest>,
    /// Resets that were let through: the same asked again is no other reset.
    admitted: Window<Digest>,
}

impl Limits {
    pub(super) fn new(settings: settings::Limits) -> Self {
        Self {
            per_target: settings.per_target_per_hour,
            global: settings.global_per_minute,
            state: Mutex::new(State {
                callers: Window::new(MINUTE, usize::MAX),
                failures: Window::new(FAILURES.1, SOURCES),
                all: Window::new(MINUTE, 1),
                targets: Window::new(HOUR, TARGETS),
                admitted: Window::new(HOUR, TARGETS),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more request of this caller.
    pub(super) fn request(&self, caller: &Caller) -> Result<(), Met> {
        let done = self.state().callers.take(caller.id.clone(), caller.requests_per_minute);
        done.map_err(|wait| Met { limit: "caller", wait })
    }

    /// One more failed attempt from here.
    pub(super) fn failure(&self, source: IpAddr) -> Result<(), Met> {
        let done = self.state().failures.take(network(source), FAILURES.0);
        done.map_err(|wait| Met { limit: "failed_authentication", wait })
    }

    /// One more reset of this target. What is asked again with the same key costs nothing: its answer
    /// would be lost otherwise.
    pub(super) fn reset(&self, target: Digest, key: Option<Digest>) -> Result<(), Met> {
        let mut state = self.state();
        if key.is_some_and(|key| state.admitted.has(&key)) {
            return Ok(());
        }
        if let Some(wait) = state.targets.wait(&target, self.per_target) {
            return Err(Met { limit: "target", wait });
        }
        state.all.take((), self.global).map_err(|wait| Met { limit: "global", wait })?;
        state.targets.note(target);
        if let Some(key) = key {
            state.admitted.note(key);
        }
        Ok(())
    }
}

/// Whoever has an IPv6 address has 2^64 of them.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address @ IpAddr::V4(_) => address,
    }
}

/// When each of these happened, as far back as it matters.
struct Window<K> {
    span: Duration,
    most_keys: usize,
    seen: HashMap<K, VecDeque<Instant>>,
}

impl<K: Hash + Eq + Clone> Window<K> {
    fn new(span: Duration, most_keys: usize) -> Self {
        Self { span, most_keys, seen: HashMap::new() }
    }

    /// Counts one more, or says after how long there is room for it.
    fn take(&mut self, key: K, most: usize) -> Result<(), Duration> {
        let wait = self.wait(&key, most);
        if wait.is_none() {
            self.note(key);
        }
        wait.map_or(Ok(()), Err)
    }

    fn has(&mut self, key: &K) -> bool {
        self.wait(key, 1).is_some()
    }

    fn wait(&mut self, key: &K, most: usize) -> Option<Duration> {
        let now = Instant::now();
        let times = self.seen.get_mut(key)?;
        times.retain(|time| now.duration_since(*time) < self.span);
        let oldest = times.len().checked_sub(most).and_then(|index| times.get(index))?;
        Some(self.span.saturating_sub(now.duration_since(*oldest)))
    }

    fn note(&mut self, key: K) {
        if self.seen.len() >= self.most_keys && !self.seen.contains_key(&key) {
            self.make_room();
        }
        self.seen.entry(key).or_default().push_back(Instant::now());
    }

    /// Forgets what is past; failing that, what is longest ago.
    fn make_room(&mut self) {
        let (now, span) = (Instant::now(), self.span);
        let last = |times: &VecDeque<Instant>| times.back().copied();
        self.seen.retain(|_, times| last(times).is_some_and(|time| now.duration_since(time) < span));
        while self.seen.len() >= self.most_keys {
            let oldest = self.seen.iter().min_by_key(|(_, times)| last(times)).map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { return };
            self.seen.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(per_target_per_hour: usize, global_per_minute: usize) -> Limits {
        Limits::new(settings::Limits {
            per_target_per_hour,
            global_per_minute,
            ..settings::Limits::default()
        })
    }

    #[tokio::test(start_paused = true)]
    async fn no_hour_sees_more_resets_of_one_target_than_allowed() {
        let limits = limits(3, 1000);
        let (mut let_through, mut refused) = (Vec::new(), 0);
        for _ in 0..1000 {
            match limits.reset([1; 32], None) {
                Ok(()) => let_through.push(Instant::now()),
                Err(met) => {
                    assert_eq!(met.limit, "target");
                    refused += 1;
                }
            }
            tokio::time::advance(Duration::from_secs(47)).await;
        }
        assert!(let_through.windows(4).all(|four| four[3] - four[0] >= HOUR), "{let_through:?}");
        assert!(let_through.len() > 35 && refused > 900, "{} {refused}", let_through.len());
        assert_eq!(limits.reset([2; 32], None), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_time_that_is_told_there_is_room() {
        let limits = limits(1000, 2);
        limits.reset([1; 32], None).unwrap();
        tokio::time::advance(Duration::from_secs(10)).await;
        limits.reset([2; 32], None).unwrap();
        let met = limits.reset([3; 32], None).unwrap_err();
        assert_eq!(met, Met { limit: "global", wait: Duration::from_secs(50) });
        tokio::time::advance(Duration::from_millis(49_999)).await;
        assert!(limits.reset([3; 32], None).is_err());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(limits.reset([3; 32], None), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_asked_again_is_no_other_reset() {
        let limits = limits(1, 1);
        for _ in 0..5 {
            assert_eq!(limits.reset([1; 32], Some([7; 32])), Ok(()));
        }
        assert_eq!(limits.reset([1; 32], Some([8; 32])).unwrap_err().limit, "target");
        assert_eq!(limits.reset([2; 32], Some([8; 32])).unwrap_err().limit, "global");
    }

    #[tokio::test(start_paused = true)]
    async fn ten_failures_are_answered_and_the_eleventh_is_not() {
        let limits = limits(1, 1);
        let from = |text: &str| text.parse().unwrap();
        for _ in 0..10 {
            assert_eq!(limits.failure(from("2001:db8::1")), Ok(()));
        }
        let met = limits.failure(from("2001:db8::ffff")).unwrap_err();
        assert_eq!(met, Met { limit: "failed_authentication", wait: FAILURES.1 });
        for other in ["2001:db8:0:1::1", "192.0.2.1", "::ffff:192.0.2.2"] {
            assert_eq!(limits.failure(from(other)), Ok(()), "{other}");
        }
        tokio::time::advance(FAILURES.1).await;
        assert_eq!(limits.failure(from("2001:db8::1")), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_that_fail_fill_no_memory() {
        let limits = limits(1, 1);
        for number in 0..4500_u32 {
            limits.failure(IpAddr::V4(number.into())).unwrap();
        }
        assert_eq!(limits.state().failures.seen.len(), SOURCES);
    }
}
