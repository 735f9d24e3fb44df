//! What the rows of a run come to, taken in one by one while they are written out.
//!
//! However many rows there are, this stays as small as it is for a thousand.

use std::ops::AddAssign;

use super::facts::{Latency, Reason, Step, Timeline, Wait};
use super::latency::Histogram;
use crate::domain::event::Done;
use crate::domain::moment::Moments;
use crate::domain::outcome::Outcome;
use crate::domain::series::Series;
use crate::domain::tally::Tally;

/// As many steps as people can tell apart.
const MOST_STEPS: u64 = 240;

/// What was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    tally: Tally,
    steps: Series<Step>,
    latency: Histogram,
    moments: Moments,
}

impl Gathering {
    /// Takes a row in. One whose time is none is in no step.
    pub(crate) fn row(&mut self, done: &Done, finished_at: &str) {
        let outcome = done.ending.outcome;
        self.tally.add(outcome, done.ending.mfa);
        if let Some(ms) = done.trail.took_ms {
            self.latency.add(ms);
        }
        if let Some(at) = self.moments.millis(finished_at) {
            *self.steps.at(at).rows(outcome) += 1;
        }
    }

    /// Replies with status 429 came at this time.
    pub(crate) fn throttled(&mut self, at_ms: u64, replies: u64) {
        self.steps.at(at_ms).throttled += replies;
    }

    /// The counts.
    pub(crate) const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How long changes took.
    pub(crate) fn latency(&self) -> Option<Latency> {
        self.latency.latency()
    }

    /// What needs somebody, the most frequent first, and behind it what was left alone.
    pub(crate) fn reasons(&self) -> Vec<Reason> {
        let reason = |(outcome, rows): (Outcome, u64)| Reason {
            outcome: outcome.family(),
            reason: outcome.reason(),
            rows,
            means: outcome.means(),
            advice: outcome.advice(),
        };
        let mut reasons: Vec<_> = self.tally.reasons().collect();
        reasons.sort_by_key(|(outcome, rows)| (!outcome.is_worth_another_try(), u64::MAX - rows));
        reasons.into_iter().map(reason).collect()
    }

    /// All of it over time, with these waits.
    pub(crate) fn timeline(&mut self, waits: Vec<Wait>) -> Timeline {
        for wait in &waits {
            self.steps.at(wait.from_ms);
            self.steps.at(wait.to_ms);
        }
        let steps = std::mem::take(&mut self.steps).rounded(MOST_STEPS);
        let start_ms = steps.start_ms().unwrap_or_default();
        Timeline { start_ms, step_ms: steps.step_ms(), steps: steps.into_steps(), waits }
    }
}

impl Step {
    const fn rows(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Updated | Outcome::WouldUpdate => &mut self.updated,
            Outcome::Skipped(_) => &mut self.skipped,
            Outcome::Failed(_) => &mut self.failed,
            Outcome::Unknown(_) => &mut self.unknown,
            Outcome::Pending(_) => &mut self.pending,
        }
    }
}

impl AddAssign for Step {
    fn add_assign(&mut self, other: Self) {
        let Self { updated, skipped, failed, unknown, pending, throttled } = other;
        self.updated += updated;
        self.skipped += skipped;
        self.failed += failed;
        self.unknown += unknown;
        self.pending += pending;
        self.throttled += throttled;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::event::{Ending, Trail};

    fn row(outcome: Outcome, took_ms: Option<u32>) -> Done {
        let trail = Trail { took_ms, ..Trail::default() };
        Done { line: 2, email: String::new(), trail, ending: Ending::new(outcome, "") }
    }

    fn at(ms: u64) -> String {
        let time = jiff::Timestamp::from_millisecond(1_700_000_000_000 + i64::try_from(ms).unwrap());
        time.unwrap().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
    }

    proptest! {
        /// Whatever the order and the span: every row is in one step, the one of its time.
        #[test]
        fn every_row_is_in_the_step_of_its_time(
            rows in proptest::collection::vec((0..Outcome::ALL.len(), 0u64..100_000_000), 1..300),
            span in prop_oneof![Just(100u64), Just(100_000), Just(100_000_000)],
        ) {
            let mut gathering = Gathering::default();
            for (outcome, ms) in &rows {
                gathering.row(&row(Outcome::ALL[*outcome], None), &at(ms % span));
            }
            let timeline = gathering.timeline(Vec::new());
            prop_assert!((1..=240).contains(&timeline.steps.len()));
            prop_assert!(timeline.start_ms.is_multiple_of(timeline.step_ms));
            for (start, step) in (timeline.start_ms..).step_by(usize::try_from(timeline.step_ms).unwrap()).zip(&timeline.steps) {
                let mut expected = Step::default();
                for (outcome, ms) in &rows {
                    let ms = 1_700_000_000_000 + ms % span;
                    if (start..start + timeline.step_ms).contains(&ms) {
                        *expected.rows(Outcome::ALL[*outcome]) += 1;
                    }
                }
                prop_assert_eq!(format!("{step:?}"), format!("{expected:?}"));
            }
        }
    }

    #[test]
    fn a_timeline_reaches_to_the_end_of_the_last_wait() {
        let mut gathering = Gathering::default();
        gathering.row(&row(Outcome::Updated, Some(7)), &at(10_000));
        gathering.row(&row(Outcome::Updated, None), "yesterday");
        gathering.throttled(1_700_000_012_000, 3);
        let timeline =
            gathering.timeline(vec![Wait { from_ms: 1_700_000_012_500, to_ms: 1_700_000_042_000 }]);
        assert_eq!(
            (timeline.start_ms, timeline.step_ms, timeline.steps.len()),
            (1_700_000_010_000, 1000, 33)
        );
        assert_eq!((timeline.steps[0].updated, timeline.steps[2].throttled), (1, 3));
        assert_eq!((gathering.tally().total(), gathering.latency().unwrap().rows), (2, 1));
        assert!(Gathering::default().timeline(Vec::new()).steps.is_empty());
    }

    #[test]
    fn what_needs_somebody_comes_first_and_the_most_frequent_before_the_others() {
        let mut gathering = Gathering::default();
        for (family, reason, rows) in [
            ("failed", "not_found", 2),
            ("skipped", "inactive", 9),
            ("unknown", "reply_lost", 3),
            ("updated", "", 9),
        ] {
            let outcome = Outcome::from_words(family, reason).unwrap();
            (0..rows).for_each(|_| gathering.row(&row(outcome, None), ""));
        }
        let reasons: Vec<_> =
            gathering.reasons().into_iter().map(|reason| (reason.reason, reason.rows)).collect();
        assert_eq!(reasons, [("reply_lost", 3), ("not_found", 2), ("inactive", 9)]);
    }
}
