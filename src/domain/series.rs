//! Amounts over time, in equal steps that grow longer with the time: a week takes no more room than an hour.
//!
//! Invariant: a step begins at a whole multiple of its length, and every length is a whole multiple of those
//! before it, so that steps can be put together and nothing is ever split.

use std::ops::AddAssign;

/// More steps than these are put together.
const MOST: u64 = 1200;
/// Lengths while it grows.
const FINE: [u64; 9] = [1, 5, 30, 60, 300, 1800, HOUR, 6 * HOUR, DAY];
/// Lengths that people like to read.
const ROUND: [u64; 21] = [
    1,
    2,
    5,
    10,
    15,
    20,
    30,
    60,
    120,
    300,
    600,
    900,
    1200,
    1800,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    4 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
];
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// What happened when.
#[derive(Debug, Clone)]
pub(crate) struct Series<T> {
    step_ms: u64,
    /// The first step's number, where 1970 begins with step 0.
    first: u64,
    steps: Vec<T>,
}

impl<T> Default for Series<T> {
    fn default() -> Self {
        Self { step_ms: 1000 * FINE[0], first: 0, steps: Vec::new() }
    }
}

impl<T: Default + AddAssign> Series<T> {
    /// The step of this instant, in milliseconds since 1970.
    pub(crate) fn at(&mut self, ms: u64) -> &mut T {
        while self.steps_with(ms, self.step_ms) > MOST {
            self.lengthen(longer(&FINE, self.step_ms));
        }
        let number = ms / self.step_ms;
        if self.steps.is_empty() {
            self.first = number;
        }
        let missing = self.first.saturating_sub(number);
        self.first -= missing;
        self.steps.splice(0..0, (0..missing).map(|_| T::default()));
        // Below the bound that was kept above.
        let place = usize::try_from(number - self.first).unwrap_or_default();
        if place >= self.steps.len() {
            self.steps.resize_with(place + 1, T::default);
        }
        &mut self.steps[place]
    }

    /// How many steps of a length it takes with one more instant.
    fn steps_with(&self, ms: u64, step_ms: u64) -> u64 {
        let (Some(start), Some(last)) = (self.start_ms(), self.last_ms()) else { return 1 };
        last.max(ms) / step_ms - start.min(ms) / step_ms + 1
    }

    fn last_ms(&self) -> Option<u64> {
        Some(self.start_ms()? + (self.steps.len() as u64 - 1) * self.step_ms)
    }

    fn lengthen(&mut self, step_ms: u64) {
        let together = step_ms / self.step_ms;
        let (first, steps) = (self.first, std::mem::take(&mut self.steps));
        self.first = first / together;
        self.step_ms = step_ms;
        for (number, step) in (first..).zip(steps) {
            let place = usize::try_from(number / together - self.first).unwrap_or_default();
            if place >= self.steps.len() {
                self.steps.push(T::default());
            }
            self.steps[place] += step;
        }
    }

    /// The same in at most so many steps, of the shortest round length that will do.
    pub(crate) fn rounded(mut self, most: u64) -> Self {
        let mut step_ms = self.step_ms;
        let fits = |series: &Self, step_ms: u64| {
            step_ms.is_multiple_of(series.step_ms)
                && series.start_ms().is_none_or(|start| series.steps_with(start, step_ms) <= most)
        };
        while !fits(&self, step_ms) {
            step_ms = longer(&ROUND, step_ms);
        }
        self.lengthen(step_ms);
        self
    }

    /// When the first step begins; nothing where there is none.
    pub(crate) fn start_ms(&self) -> Option<u64> {
        (!self.steps.is_empty()).then_some(self.first * self.step_ms)
    }

    /// Length of a step.
    pub(crate) const fn step_ms(&self) -> u64 {
        self.step_ms
    }

    /// The steps with their beginnings.
    pub(crate) fn each(&self) -> impl Iterator<Item = (u64, &T)> {
        (self.first..).zip(&self.steps).map(|(number, step)| (number * self.step_ms, step))
    }

    /// The steps alone.
    pub(crate) fn into_steps(self) -> Vec<T> {
        self.steps
    }
}

/// The next length; beyond the last of them each is twice the one before.
fn longer(lengths: &[u64], step_ms: u64) -> u64 {
    let next = lengths.iter().map(|seconds| seconds * 1000).find(|length| *length > step_ms);
    next.unwrap_or(step_ms * 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Instants of a run, of one with gaps of weeks, and of a log that lies.
    fn instants() -> impl Strategy<Value = Vec<u64>> {
        let span = prop_oneof![Just(1_000u64), Just(400_000), Just(86_400_000), Just(9_000_000_000_000)];
        (1_500_000_000_000u64..1_900_000_000_000, span)
            .prop_flat_map(|(from, span)| proptest::collection::vec(from..from + span, 0..200))
    }

    proptest! {
        #[test]
        fn nothing_is_lost_moved_or_split(instants in instants(), most in 1u64..300) {
            let mut series = Series::<u64>::default();
            for instant in &instants {
                *series.at(*instant) += 1;
            }
            prop_assert!(series.steps.len() as u64 <= MOST);
            let rounded = series.clone().rounded(most);
            prop_assert!(rounded.steps.len() as u64 <= most.max(2) && rounded.step_ms.is_multiple_of(series.step_ms));
            for series in [series, rounded] {
                for (start, rows) in series.each() {
                    let within = |instant: &&u64| (start..start + series.step_ms).contains(*instant);
                    prop_assert_eq!(instants.iter().filter(within).count() as u64, *rows);
                }
                prop_assert_eq!(series.into_steps().iter().sum::<u64>(), instants.len() as u64);
            }
        }
    }

    #[test]
    fn lengths_are_whole_multiples_of_those_before() {
        for pair in FINE.windows(2) {
            assert!(pair[1].is_multiple_of(pair[0]));
        }
        assert!(FINE.iter().all(|length| ROUND.contains(length)));
    }

    #[test]
    fn as_many_steps_as_people_can_tell_apart() {
        for (seconds, length, steps) in [
            (3, 1, 3),
            (240, 1, 240),
            (241, 2, 121),
            (1201, 10, 121),
            (36_000, 300, 120),
            (700_000, HOUR, 195),
        ] {
            let mut series = Series::<u64>::default();
            (0..seconds).for_each(|second| *series.at(second * 1000) += 1);
            let rounded = series.rounded(240);
            assert_eq!((rounded.step_ms / 1000, rounded.steps.len()), (length, steps), "{seconds} s");
        }
    }
}
