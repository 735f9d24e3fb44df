//! How long changes took: counted in steps that grow with the time, so that a million cost no more than ten.
//!
//! Invariant: what is said of a share of them is off by less than 5 %.

use super::facts::Latency;

/// Up to so many milliseconds, and of every doubling from there on, as many steps.
const STEPS: u32 = 16;
const STEP_BITS: u32 = STEPS.trailing_zeros();
const ALL: usize = (STEPS * (u32::BITS - STEP_BITS + 1)) as usize;

/// The counts.
#[derive(Debug)]
pub(super) struct Histogram {
    counts: Box<[u64; ALL]>,
    rows: u64,
    most: u32,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: Box::new([0; ALL]), rows: 0, most: 0 }
    }
}

impl Histogram {
    pub(super) fn add(&mut self, ms: u32) {
        self.counts[place(ms)] += 1;
        self.rows += 1;
        self.most = self.most.max(ms);
    }

    /// What it comes to; nothing without a change that was answered.
    pub(super) fn latency(&self) -> Option<Latency> {
        (self.rows > 0).then(|| Latency {
            rows: self.rows,
            p50_ms: self.percentile(50),
            p90_ms: self.percentile(90),
            p99_ms: self.percentile(99),
            max_ms: self.most.into(),
        })
    }

    /// So many of a hundred were at least this fast.
    fn percentile(&self, percent: u64) -> u64 {
        let wanted = (u128::from(self.rows) * u128::from(percent)).div_ceil(100);
        let mut seen = 0;
        for (place, count) in self.counts.iter().enumerate() {
            seen += u128::from(*count);
            if seen >= wanted {
                return middle(place).min(self.most.into());
            }
        }
        self.most.into()
    }
}

/// The step that a time falls into.
const fn place(ms: u32) -> usize {
    let doublings = (u32::BITS - ms.leading_zeros()).saturating_sub(STEP_BITS + 1);
    (doublings * STEPS + (ms >> doublings)) as usize
}

/// The middle of a step.
fn middle(place: usize) -> u64 {
    let (place, steps) = (place as u64, u64::from(STEPS));
    let doublings = (place / steps).saturating_sub(1);
    let first = (place - doublings * steps) << doublings;
    first + ((1 << doublings) - 1) / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(sorted: &[u32], percent: usize) -> u64 {
        sorted[(sorted.len() * percent).div_ceil(100) - 1].into()
    }

    proptest! {
        #[test]
        fn it_is_never_off_by_five_percent(
            mut times in proptest::collection::vec(prop_oneof![0u32..40, 0u32..5_000, any::<u32>()], 1..300)
        ) {
            let mut histogram = Histogram::default();
            for ms in &times {
                histogram.add(*ms);
            }
            times.sort_unstable();
            let Latency { rows, p50_ms, p90_ms, p99_ms, max_ms } = histogram.latency().unwrap();
            prop_assert_eq!((rows, max_ms), (times.len() as u64, u64::from(*times.last().unwrap())));
            for (said, percent) in [(p50_ms, 50), (p90_ms, 90), (p99_ms, 99)] {
                let exact = exact(&times, percent);
                prop_assert!(said.abs_diff(exact) * 20 <= exact, "{}: {} for {}", percent, said, exact);
            }
        }
    }

    #[test]
    fn every_time_has_a_step_of_its_own_size() {
        for ms in (0..100_000).chain([u32::MAX - 1, u32::MAX]) {
            assert!(middle(place(ms)).abs_diff(ms.into()) * 20 <= u64::from(ms), "{ms}");
        }
        assert_eq!((place(u32::MAX), Histogram::default().latency().is_none()), (ALL - 1, true));
    }
}
