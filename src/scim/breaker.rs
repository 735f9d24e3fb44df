//! When the service counts as down, and how often it is asked whether it still is.
//!
//! Five failures one after another open the breaker, and so does an answer that fails every other
//! time (10 of the last 20): when they are of different rows, or when no connection was made at all;
//! a server that fails for one user over and over is up. While the breaker is open, one request at
//! a time is let through as a probe; a single good answer closes it.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

/// Failures one after another, of at least two rows.
const IN_A_ROW: usize = 5;
/// Failures among the last so many answers, of at least so many rows.
const OF_THE_LAST: (usize, usize) = (10, 20);
const ROWS_OF_THE_LAST: usize = 5;
const FIRST_PROBE: Duration = Duration::from_secs(5);
const LONGEST_PROBE: Duration = Duration::from_secs(300);

/// What a request says about the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// It answered.
    Up,
    /// It answered that there were too many requests.
    Throttled,
    /// It failed for this row.
    Failed(u64),
    /// It could not be reached at all.
    Unreachable,
}

/// The state of the service as the last answers tell it.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    /// The last answers, the latest in front.
    last: VecDeque<Health>,
    /// Since when every answer has been a failure.
    failing: Option<Instant>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    since: Instant,
    next_probe: Instant,
    wait: Duration,
}

impl Breaker {
    /// Takes an answer into account. True when it closed an open breaker.
    pub(crate) fn observe(&mut self, health: Health, now: Instant) -> bool {
        match health {
            Health::Throttled => return false,
            Health::Up => {
                self.failing = None;
                if self.open.take().is_some() {
                    self.last.clear();
                    return true;
                }
            }
            Health::Failed(_) | Health::Unreachable => _ = self.failing.get_or_insert(now),
        }
        self.last.push_front(health);
        self.last.truncate(OF_THE_LAST.1);
        if health != Health::Up && self.open.is_none() && self.is_outage() {
            let since = self.failing.unwrap_or(now);
            self.open = Some(Open { since, next_probe: now + FIRST_PROBE, wait: FIRST_PROBE });
        }
        false
    }

    fn is_outage(&self) -> bool {
        let streak = self.last.iter().take_while(|health| **health != Health::Up);
        let failures = self.last.iter().filter(|health| **health != Health::Up);
        streak.clone().count() >= IN_A_ROW && is_common(streak, 2)
            || failures.clone().count() >= OF_THE_LAST.0 && is_common(failures, ROWS_OF_THE_LAST)
    }

    /// Whether the service counts as down.
    pub(crate) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Since when it has failed, while it counts as down.
    pub(crate) fn down_since(&self) -> Option<Instant> {
        Some(self.open.as_ref()?.since)
    }

    /// When the next probe may leave, while it counts as down.
    pub(crate) fn next_probe(&self) -> Option<Instant> {
        Some(self.open.as_ref()?.next_probe)
    }

    /// A probe leaves: the next one waits twice as long.
    pub(crate) fn probing(&mut self, now: Instant) {
        if let Some(open) = &mut self.open {
            open.wait = (open.wait * 2).min(LONGEST_PROBE);
            open.next_probe = now + open.wait;
        }
    }
}

/// Whether these failures are of so many rows, or of nobody's in particular.
fn is_common<'a>(mut failures: impl Iterator<Item = &'a Health> + Clone, rows: usize) -> bool {
    let row = |health: &Health| if let Health::Failed(row) = health { Some(*row) } else { None };
    let distinct: HashSet<u64> = failures.clone().filter_map(row).collect();
    distinct.len() >= rows || failures.any(|health| *health == Health::Unreachable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_for_an_outage_and_not_for_one_user() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 0..50 {
            breaker.observe(Health::Failed(7), now);
        }
        assert!(!breaker.is_open());
        breaker.observe(Health::Failed(8), now);
        assert!(breaker.is_open());
        assert!(breaker.observe(Health::Up, now));
        assert!(!breaker.is_open());

        for _ in 0..4 {
            breaker.observe(Health::Unreachable, now);
            breaker.observe(Health::Throttled, now);
        }
        assert!(!breaker.is_open());
        breaker.observe(Health::Unreachable, now);
        assert!(breaker.is_open());
    }

    #[test]
    fn it_opens_when_every_other_answer_is_a_failure() {
        let now = Instant::now();
        let answers = |failed: fn(u64) -> bool, rows: u64| {
            let mut breaker = Breaker::default();
            for number in 0..200 {
                let health = if failed(number) { Health::Failed(number % rows) } else { Health::Up };
                breaker.observe(health, now);
                if breaker.is_open() {
                    return Some(number);
                }
            }
            None
        };
        assert_eq!(answers(|number| number % 2 == 1, 1000), Some(19));
        assert_eq!(answers(|number| number % 2 == 1, 4), None, "a few users fail, the service is up");
        assert_eq!(answers(|number| number % 5 == 0, 1000), None, "one in five is no outage");
    }

    #[test]
    fn ten_minutes_of_outage_cost_few_probes() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        (0..5).for_each(|row| _ = breaker.observe(Health::Failed(row), start));
        let mut probes = 0;
        while breaker.next_probe().unwrap() < start + Duration::from_secs(600) {
            let now = breaker.next_probe().unwrap();
            breaker.probing(now);
            breaker.observe(Health::Failed(1), now);
            probes += 1;
        }
        assert!((5..=10).contains(&probes), "{probes}");
        assert_eq!(breaker.down_since(), Some(start));
    }
}
