//! The pace that a service turns out to allow, when nobody told us or we were told too much.
//!
//! Each refusal (429) ends a stretch of good answers; how many there were, in how long, is what the
//! service allows. From there the pace climbs back to where it was refused, and then probes a
//! little beyond. Pure: time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// No service is asked less often than this, requests per second.
const SLOWEST: f64 = 0.1;
/// One refusal slows a known pace to no less than this share of it.
const LARGEST_CUT: f64 = 0.8;
/// Up to this share of the pace that was refused, it climbs fast.
const NEAR_PEAK: f64 = 0.97;
/// Half of what is missing to that is made up in about 3 s.
const CLIMB_S: f64 = 4.0;
/// Growth per second of a pace that was never refused itself, and of any once nothing was refused for
/// so many seconds.
const PROBE: f64 = 0.02;
const CLEAN_PROBE: f64 = 0.01;
const CLEAN_S: f64 = 60.0;

/// A paced stretch of good answers must be longer than an unpaced one by this factor, or pacing does
/// not help; after so many in a row that are not, it is given up.
const HELPS: f64 = 1.25;
const USELESS: u32 = 3;
/// Refusals to sit out after that, at first and at most.
const SIT_OUT: (u32, u32) = (8, 256);

/// What is known of the service's own limit.
#[derive(Debug)]
pub(crate) struct Tempo {
    known: Option<Known>,
    refused_at: Option<Instant>,
    good: u32,
    sit_out: u32,
    next_sit_out: u32,
}

#[derive(Debug)]
struct Known {
    per_second: f64,
    /// The pace at which it was last refused, or what was seen when there was none.
    peak: f64,
    /// Whether it was refused.
    refused: bool,
    /// The least that is asked, whatever happens: half of what it took at first.
    floor: f64,
    /// Good answers between two refusals before there was a pace.
    unpaced: f64,
    /// Stretches in a row that were no longer than that.
    useless: u32,
    grown_at: Instant,
}

impl Default for Tempo {
    fn default() -> Self {
        Self { known: None, refused_at: None, good: 0, sit_out: 0, next_sit_out: SIT_OUT.0 }
    }
}

impl Tempo {
    /// A request was answered otherwise than by a refusal.
    pub(crate) const fn answered(&mut self) {
        self.good = self.good.saturating_add(1);
    }

    /// A request was refused, the first since the last hold was over.
    pub(crate) fn refused(&mut self, now: Instant) {
        let good = f64::from(std::mem::take(&mut self.good));
        let Some(before) = self.refused_at.replace(now) else { return };
        // A service that refuses everything says nothing of how much it takes when it takes something.
        if good == 0.0 {
            return;
        }
        if self.sit_out > 0 {
            self.sit_out -= 1;
            return;
        }
        self.grow(now);
        let stretch_s = now.saturating_duration_since(before).as_secs_f64().max(0.001);
        let observed = (good / stretch_s).max(SLOWEST);
        let helps = self.known.as_mut().is_none_or(|known| known.helps(good));
        match &mut self.known {
            None => {
                let (peak, floor) = (observed, observed / 2.0);
                self.known = Some(Known {
                    per_second: observed,
                    peak,
                    refused: false,
                    floor,
                    unpaced: good,
                    useless: 0,
                    grown_at: now,
                });
            }
            // These refusals are not about the pace: being slower would only cost time.
            Some(_) if !helps => {
                self.known = None;
                self.sit_out = self.next_sit_out;
                self.next_sit_out = (self.next_sit_out * 2).min(SIT_OUT.1);
            }
            Some(known) => {
                let pace = known.per_second;
                (known.peak, known.refused) = (pace, true);
                known.per_second = observed.clamp(pace * LARGEST_CUT, pace * 0.98).max(known.floor);
            }
        }
    }

    /// Whether there is a pace to keep.
    pub(crate) const fn is_known(&self) -> bool {
        self.known.is_some()
    }

    /// The gap to keep between two requests; nothing while no limit is known.
    pub(crate) fn gap(&mut self, now: Instant) -> Option<Duration> {
        self.grow(now);
        self.known.as_ref().map(|known| Duration::from_secs_f64(1.0 / known.per_second))
    }

    fn grow(&mut self, now: Instant) {
        let Some(known) = &mut self.known else { return };
        let seconds = now.saturating_duration_since(known.grown_at).as_secs_f64();
        let clean =
            self.refused_at.is_none_or(|at| now.saturating_duration_since(at).as_secs_f64() > CLEAN_S);
        known.grown_at = now;
        let missing = (known.peak * NEAR_PEAK - known.per_second).max(0.0);
        known.per_second += missing * (1.0 - (-seconds / CLIMB_S).exp());
        let growth = match (clean, known.refused) {
            (true, _) => CLEAN_PROBE,
            (false, false) => PROBE,
            (false, true) => 0.0,
        };
        known.per_second *= 1.0 + growth * seconds;
    }
}

impl Known {
    /// Whether being slower is worth it, as another stretch of so many good answers shows.
    fn helps(&mut self, good: f64) -> bool {
        self.useless = if good > self.unpaced * HELPS { 0 } else { self.useless + 1 };
        self.useless < USELESS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(start: Instant, seconds: f64) -> Instant {
        start + Duration::from_secs_f64(seconds)
    }

    #[test]
    fn one_refusal_says_nothing_and_two_say_how_much() {
        let start = Instant::now();
        let mut tempo = Tempo::default();
        (0..100).for_each(|_| tempo.answered());
        tempo.refused(start);
        assert_eq!(tempo.gap(start), None);
        (0..5).for_each(|_| tempo.answered());
        tempo.refused(second(start, 1.0));
        assert_eq!(tempo.gap(second(start, 1.0)), Some(Duration::from_millis(200)));
    }

    #[test]
    fn a_service_that_refuses_everything_teaches_no_pace() {
        let start = Instant::now();
        let mut tempo = Tempo::default();
        (0..3).for_each(|_| tempo.answered());
        (0..60).for_each(|seconds| tempo.refused(second(start, f64::from(seconds))));
        assert_eq!(tempo.gap(second(start, 60.0)), None);
    }

    #[test]
    fn a_pace_learned_in_bad_times_is_outgrown() {
        let start = Instant::now();
        let mut tempo = Tempo::default();
        tempo.refused(start);
        tempo.answered();
        tempo.refused(second(start, 1.0));
        let gap = (1..=300).filter_map(|seconds| tempo.gap(second(start, f64::from(seconds)))).last();
        assert!(gap.unwrap() < Duration::from_millis(200), "{gap:?}");
    }

    #[test]
    fn refusals_that_have_nothing_to_do_with_the_pace_do_not_grind_it_down() {
        let start = Instant::now();
        let mut now = start;
        let mut tempo = Tempo::default();
        tempo.refused(now);
        for _ in 0..200 {
            // Seventeen requests, then a hold of a second, whatever the pace.
            let gap = tempo.gap(now).unwrap_or(Duration::from_millis(200)).max(Duration::from_millis(200));
            (0..17).for_each(|_| tempo.answered());
            now += gap * 17 + Duration::from_secs(1);
            tempo.refused(now);
        }
        assert_eq!(tempo.gap(now), None);
        let spent = now - start;
        assert!(spent < Duration::from_secs(200 * (17 / 5 + 1 + 1)), "{spent:?}");
    }
}
