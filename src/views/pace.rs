//! How fast it goes and how long it will take: arithmetic.
//!
//! Pure: time is an argument. What is measured is requests, since it is they that the service limits.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The rate that is shown is that of the last seconds.
const SHOWN: Duration = Duration::from_secs(10);
/// What is left is reckoned with that of the last minute of work.
const RECKONED: Duration = Duration::from_secs(60);
/// What was measured over less is no rate.
const LEAST: Duration = Duration::from_secs(1);
const LEAST_WORKED: Duration = Duration::from_secs(3);
/// A longer wait is no part of the work; shorter ones come again and again, and are part of the pace.
const SHORT: Duration = Duration::from_secs(3);
/// So many rows count for what a row should cost, beside those that show what it does cost.
const EXPECTED_ROWS: u64 = 20;

/// Requests over time.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    samples: VecDeque<Sample>,
    /// Whether the wait that lasts is a long one.
    waits_long: bool,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Instant,
    /// Time without the long waits.
    worked: Duration,
    sent: u64,
}

impl Meter {
    /// So many requests were sent by now, and nothing leaves for this long.
    pub(crate) fn note(&mut self, now: Instant, sent: u64, wait: Duration) {
        let last = self.samples.back().copied().unwrap_or(Sample { at: now, worked: Duration::ZERO, sent });
        let passed = if self.waits_long { Duration::ZERO } else { now.saturating_duration_since(last.at) };
        self.waits_long = wait > SHORT || (self.waits_long && !wait.is_zero());
        let worked = last.worked + passed;
        self.samples.push_back(Sample { at: now, worked, sent });
        // The second is the oldest that will do, until it is too old as well.
        while let Some(second) = self.samples.get(1) {
            let is_shown = now.saturating_duration_since(second.at) < SHOWN;
            if is_shown || worked.saturating_sub(second.worked) < RECKONED {
                break;
            }
            self.samples.pop_front();
        }
    }

    /// Requests per second in the last seconds.
    pub(crate) fn per_second(&self) -> Option<f64> {
        let last = self.samples.back()?;
        let from =
            self.samples.iter().rev().find(|sample| last.at.saturating_duration_since(sample.at) >= SHOWN);
        let from = from.or(self.samples.front())?;
        rate(last.sent - from.sent, last.at.saturating_duration_since(from.at), LEAST)
    }

    /// Requests per second of the last minute of work.
    pub(crate) fn working_pace(&self) -> Option<f64> {
        let (last, first) = (self.samples.back()?, self.samples.front()?);
        rate(last.sent - first.sent, last.worked.saturating_sub(first.worked), LEAST_WORKED)
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody sends so many requests")]
fn rate(sent: u64, time: Duration, least: Duration) -> Option<f64> {
    (time >= least).then(|| sent as f64 / time.as_secs_f64())
}

/// What rows have cost so far, in requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// What a row should cost.
    pub(crate) expected: u64,
    /// Rows that were done.
    pub(crate) rows: u64,
    /// What was sent for them.
    pub(crate) sent: u64,
}

/// Requests that so many rows still need.
pub(crate) fn needed(rows: u64, cost: Cost) -> u64 {
    let known = cost.rows + EXPECTED_ROWS;
    let spent = cost.sent + cost.expected * EXPECTED_ROWS;
    u64::try_from(u128::from(rows) * u128::from(spent) / u128::from(known)).unwrap_or(u64::MAX)
}

/// How long so many requests take at the pace that is known, or else at the limit, after this wait.
pub(crate) fn time_left(
    needed: u64,
    pace: Option<f64>,
    limit: Option<f64>,
    wait: Duration,
) -> Option<Duration> {
    // Nothing goes faster than the limit in force for long.
    let per_second = match (pace, limit) {
        (Some(pace), Some(limit)) => pace.min(limit),
        (pace, limit) => pace.or(limit)?,
    };
    #[expect(clippy::cast_precision_loss, reason = "nobody sends so many requests")]
    let seconds = needed as f64 / per_second;
    Duration::try_from_secs_f64(seconds).ok()?.checked_add(wait)
}

/// "42 s", "25 min", "1 h 20 min", "3 days".
pub(crate) fn in_words(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    match seconds {
        0..=99 => format!("{seconds} s"),
        100..=5_999 => format!("{} min", seconds.div_ceil(60)),
        6_000..=172_799 => {
            let minutes = seconds.div_ceil(60);
            if minutes.is_multiple_of(60) {
                format!("{} h", minutes / 60)
            } else {
                format!("{} h {} min", minutes / 60, minutes % 60)
            }
        }
        _ => format!("{} days", seconds.div_ceil(86_400)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TICK: Duration = Duration::from_millis(200);

    /// Five requests a second, but for a wait from this second to that; the meter at the end.
    fn after(seconds: u32, wait: std::ops::Range<u32>) -> Meter {
        let (start, mut meter, mut fifths) = (Instant::now(), Meter::default(), 0);
        for tick in 0..=seconds * 5 {
            let second = tick / 5;
            let left = if wait.contains(&second) { wait.end - second } else { 0 };
            meter.note(start + TICK * tick, fifths, Duration::from_secs(left.into()));
            fifths += u64::from(left == 0);
        }
        meter
    }

    fn near(shown: Option<f64>, per_second: f64) -> bool {
        shown.is_some_and(|shown| (shown - per_second).abs() < 0.3)
    }

    #[test]
    fn what_is_shown_is_the_rate_of_the_last_ten_seconds() {
        assert_eq!(after(0, 0..0).per_second(), None);
        assert!(near(after(30, 0..0).per_second(), 5.0));
        assert!(near(after(30, 25..30).per_second(), 2.5));
        assert_eq!(after(50, 30..50).per_second(), Some(0.0));
    }

    #[test]
    fn a_long_wait_is_no_part_of_the_pace_and_short_ones_are() {
        assert!(near(after(60, 20..60).working_pace(), 5.0));
        assert!(near(after(40, 20..22).working_pace(), 4.75));
        assert_eq!(after(2, 0..0).working_pace(), None);
        let much = after(4000, 1000..3900);
        assert!(much.samples.len() < 800, "{}", much.samples.len());
    }

    #[test]
    fn what_is_left_takes_as_long_as_the_pace_and_the_limit_say() {
        let second = Duration::from_secs(1);
        let left = |pace, limit, wait| time_left(300, pace, limit, wait).map(|left| left.as_secs());
        assert_eq!(left(None, None, second), None);
        assert_eq!(left(None, Some(5.0), Duration::ZERO), Some(60));
        assert_eq!(left(Some(3.0), Some(5.0), Duration::ZERO), Some(100), "slow answers");
        assert_eq!(left(Some(50.0), Some(5.0), second * 42), Some(102), "a burst, and a wait");
        assert_eq!(left(Some(0.0), None, second), None);
    }

    #[test]
    fn rows_cost_what_they_have_cost() {
        let cost = |rows, sent| Cost { expected: 2, rows, sent };
        assert_eq!(needed(1000, cost(0, 0)), 2000);
        assert_eq!(needed(1000, cost(980, 980)), 1020, "the list of users was read");
        assert_eq!(needed(0, cost(5, 10)), 0);
        assert_eq!(needed(u64::MAX, cost(0, 0)), u64::MAX);
    }

    #[test]
    fn times_are_told_as_people_do() {
        for (seconds, words) in [
            (0, "0 s"),
            (99, "99 s"),
            (100, "2 min"),
            (1500, "25 min"),
            (6000, "1 h 40 min"),
            (7200, "2 h"),
            (200_000, "3 days"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
        assert_eq!(in_words(Duration::from_millis(41_200)), "42 s");
    }

    proptest! {
        #[test]
        fn the_estimate_is_right_where_the_pace_is_steady(
            per_second in 1u32..200, rows in 100u64..20_000, at in 10u32..60, wait in 0u64..900,
        ) {
            let (start, mut meter) = (Instant::now(), Meter::default());
            for tick in 0..=at * 5 {
                meter.note(start + TICK * tick, u64::from(tick * per_second / 5), Duration::ZERO);
            }
            let sent = u64::from(at * per_second);
            let left = needed(rows, Cost { expected: 2, rows: sent / 2, sent });
            let limit = Some(f64::from(per_second));
            let told = time_left(left, meter.working_pace(), limit, Duration::from_secs(wait)).unwrap();
            let right = f64::from(u32::try_from(rows * 2).unwrap()) / f64::from(per_second);
            let waits = Duration::from_secs(wait).as_secs_f64();
            prop_assert!((told.as_secs_f64() - waits - right).abs() < right / 10.0 + 1.0, "{told:?} {right}");
        }
    }
}
