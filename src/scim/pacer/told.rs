//! The rate that we were told, counted by governor.
//!
//! Governor saves up what nobody asked for, which a service that counts in windows would refuse. So only
//! what a late timer has cost is made up for, up to a tenth of a second's worth.

use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::rate::Rate;

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Nanos>>;

/// How one token keeps to a rate.
#[derive(Debug)]
pub(super) struct Told {
    quota: Quota,
    gap: Duration,
    /// What can be made up for.
    slack: Duration,
    limiter: Limiter,
    /// When the next request is due, if it is asked for by then.
    due: Option<Instant>,
    left: Option<Instant>,
}

impl Told {
    /// Nothing was sent yet, and nothing is saved up.
    pub(super) fn new(rate: Rate) -> Option<Self> {
        let quota = Quota::with_period(rate.gap())?.allow_burst(rate.tenth());
        let slack = rate.gap() * (rate.tenth().get() - 1);
        let limiter = without_savings(quota);
        Some(Self { quota, gap: rate.gap(), slack, limiter, due: None, left: None })
    }

    /// Takes leave for a request that nothing else has kept back since `earliest`, or says when there
    /// will be.
    pub(super) fn leave(&mut self, earliest: Instant, now: Instant) -> Result<(), Instant> {
        let idle = self.due.is_none_or(|due| earliest > due);
        // A new one gives a pass at once, so the last must be a gap away.
        if idle && self.left.is_none_or(|left| now >= left + self.gap) {
            self.limiter = without_savings(self.quota);
        }
        match self.limiter.check() {
            Ok(()) => {
                // What cannot be made up for any more is not due.
                let made_up = now.checked_sub(self.slack).unwrap_or(now);
                self.due = Some(self.due.unwrap_or(now).max(earliest).max(made_up) + self.gap);
                self.left = Some(now);
                Ok(())
            }
            Err(early) => Err(now + early.wait_time_from(self.limiter.clock().now())),
        }
    }
}

/// A limiter that gives one pass now, and the next after a gap.
fn without_savings(quota: Quota) -> Limiter {
    let limiter = RateLimiter::direct_with_clock(quota, TokioClock(Instant::now()));
    if let Some(savings) = quota.burst_size().get().checked_sub(1).and_then(std::num::NonZeroU32::new) {
        let _ = limiter.check_n(savings);
    }
    limiter
}

/// Governor's clock over tokio's, so that both sleep and both can be paused by a test.
#[derive(Debug, Clone)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_micros(10_040);

    fn told() -> Told {
        Told::new(Rate::new(100, Duration::from_secs(1)).unwrap()).unwrap()
    }

    /// How many leave now, all of them asked for since then.
    fn leave(told: &mut Told, earliest: Instant) -> usize {
        (0..1000).take_while(|_| told.leave(earliest, Instant::now()).is_ok()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn one_leaves_in_each_gap() {
        let (mut told, start) = (told(), Instant::now());
        for _ in 0..50 {
            assert_eq!(leave(&mut told, start), 1);
            let next = told.leave(start, Instant::now()).unwrap_err() - Instant::now();
            assert_eq!(next.as_micros(), GAP.as_micros());
            tokio::time::advance(GAP).await;
        }
    }

    /// Sixteen wait in a queue, and each timer is late by some milliseconds.
    #[tokio::test(start_paused = true)]
    async fn late_timers_never_add_up_to_a_burst() {
        for (requests, burst) in [(5, 1), (20, 1), (100, 9)] {
            let mut told = Told::new(Rate::new(requests, Duration::from_secs(1)).unwrap()).unwrap();
            let mut left = Vec::new();
            while left.len() < 3000 {
                let earliest = left.len().checked_sub(16).map_or_else(Instant::now, |slot| left[slot]);
                let now = Instant::now();
                match told.leave(earliest, now) {
                    Ok(()) => left.push(now),
                    Err(next) => tokio::time::advance(next - now + Duration::from_millis(2)).await,
                }
            }
            let second = Duration::from_secs(1);
            let busiest = left
                .iter()
                .map(|from| left.iter().filter(|at| **at >= *from && **at < *from + second).count());
            let most = usize::try_from(requests).unwrap() + burst;
            assert!(busiest.max().unwrap() <= most, "{requests} a second");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn lateness_is_made_up_for_and_idleness_is_not() {
        let (mut told, start) = (told(), Instant::now());
        assert_eq!(leave(&mut told, start), 1);
        tokio::time::advance(GAP * 4).await;
        assert_eq!(leave(&mut told, start), 4, "a late timer");
        tokio::time::advance(GAP * 400).await;
        assert_eq!(leave(&mut told, start), 9, "no more than a tenth of a second's worth");
        tokio::time::advance(GAP * 400).await;
        assert_eq!(leave(&mut told, Instant::now()), 1, "nobody asked");
    }
}
