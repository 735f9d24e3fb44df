//! When the service counts as down, and how often it is asked whether it still is.
//!
//! Five failures one after another open the breaker, when they are of different rows or when
//! no connection was made at all: a server that fails for one user over and over is up. While it
//! is open, one request at a time is let through as a probe; a single good answer closes it.

use std::time::Duration;

use tokio::time::Instant;

const FAILURES: u32 = 5;
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
    down: Option<Down>,
}

#[derive(Debug)]
struct Down {
    since: Instant,
    failures: u32,
    row: Option<u64>,
    rows_differ: bool,
    probe: Option<Probe>,
}

#[derive(Debug)]
struct Probe {
    next: Instant,
    wait: Duration,
}

impl Breaker {
    /// Takes an answer into account. True when it closed an open breaker.
    pub(crate) fn observe(&mut self, health: Health, now: Instant) -> bool {
        let row = match health {
            Health::Throttled => return false,
            Health::Up => return self.down.take().is_some_and(|down| down.probe.is_some()),
            Health::Failed(row) => Some(row),
            Health::Unreachable => None,
        };
        let down =
            self.down.get_or_insert(Down { since: now, failures: 0, row, rows_differ: false, probe: None });
        down.failures += 1;
        down.rows_differ |= row.is_none() || down.row != row;
        if down.failures >= FAILURES && down.rows_differ && down.probe.is_none() {
            down.probe = Some(Probe { next: now + FIRST_PROBE, wait: FIRST_PROBE });
        }
        false
    }

    /// Whether the service counts as down.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.down, Some(Down { probe: Some(_), .. }))
    }

    /// Since when it has failed, while it counts as down.
    pub(crate) fn down_since(&self) -> Option<Instant> {
        self.down.as_ref().filter(|down| down.probe.is_some()).map(|down| down.since)
    }

    /// When the next probe may leave, while it counts as down.
    pub(crate) fn next_probe(&self) -> Option<Instant> {
        Some(self.down.as_ref()?.probe.as_ref()?.next)
    }

    /// A probe leaves: the next one waits twice as long.
    pub(crate) fn probing(&mut self, now: Instant) {
        if let Some(probe) = self.down.as_mut().and_then(|down| down.probe.as_mut()) {
            probe.wait = (probe.wait * 2).min(LONGEST_PROBE);
            probe.next = now + probe.wait;
        }
    }
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
