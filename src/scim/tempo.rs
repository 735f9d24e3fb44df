//! The pace that a service turns out to allow, when nobody told us or we were told too much.
//!
//! Each refusal (429) ends a stretch of good answers. How many there were, from refusal to refusal, is
//! less than the service allows by what the waits between them wasted; the pace that was refused is
//! more. The pace goes to the middle of the two, climbs to just below the one that was refused, and
//! creeps up to it and beyond, the faster the longer nothing is refused. After the first refusal only
//! the former is known, and may be far too little, so it grows fast until there is a second.
//!
//! A wait may be longer than needed, so its length proves nothing by itself, and nothing grows meanwhile.
//! Pure: time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// No service is asked less often than this, and none is known to keep us to more: requests per second.
const SLOWEST: f64 = 0.1;
const FASTEST: f64 = 1_000_000.0;
/// Up to this share of the pace that was refused it climbs fast, by two thirds of what is missing in a
/// quarter of the time that the last stretch took, at least and at most so many seconds. It is more where
/// two refusals one after another came at the same pace, give or take a hundredth.
const NEAR: f64 = 0.97;
const NEARER: f64 = 0.99;
const SAME: f64 = 0.01;
const CLIMB_S: (f64, f64) = (3.0, 30.0);
/// So long it then takes to be where it was refused.
const CREEP_S: f64 = 90.0;
/// Beyond that it grows, and doubles its growth in so many seconds, up to a share per second.
const DOUBLE_S: f64 = 20.0;
const LARGEST_GROWTH: f64 = 0.25;
/// As long as no pace was refused it grows by this share from the start.
const GUESS_GROWTH: f64 = 0.6;
/// A guess is forgotten when the pace is so many times as much.
const OUTGROWN: f64 = 100.0;
/// What a wait may waste that the service asked for: a second's rounding, another where a date comes
/// without the service's own clock, and the way.
const WASTE_S: f64 = 2.2;
/// Where so many good answers came before a refusal, it is worth while to go carefully when it comes
/// to as many again; and this share of them may be at stake.
const MANY: u32 = 64;
const AT_STAKE: u32 = 32;

/// A paced stretch of good answers must be longer than an unpaced one by this factor, or pacing does
/// not help; after so many in a row that are not, it is given up.
const HELPS: f64 = 1.25;
const USELESS: u32 = 12;
/// Refusals to sit out after that, at first and at most.
const SIT_OUT: (u32, u32) = (8, 256);

/// What is known of the service's own limit.
#[derive(Debug)]
pub(crate) struct Tempo {
    known: Option<Known>,
    /// The last refusal that came after good answers.
    refused_at: Option<Instant>,
    /// The first request after it, or the first of all.
    began: Option<Instant>,
    last_refusal: Option<Refusal>,
    /// The last refusal of a request that was to find out whether the wait was long enough.
    still_refused: Option<Instant>,
    good: u32,
    /// Good answers before the last refusal.
    good_before: u32,
    sit_out: u32,
    next_sit_out: u32,
}

#[derive(Debug)]
struct Known {
    per_second: f64,
    /// What it took for certain.
    low: f64,
    /// The pace at which it was last refused; before that, the first good answers by the time they took.
    high: f64,
    /// Whether a pace was refused.
    tried: bool,
    /// Up to this share of it it is safe.
    near: f64,
    /// How fast it climbs up to there.
    climb_s: f64,
    /// Good answers between two refusals before there was a pace.
    unpaced: f64,
    /// Stretches in a row that were no longer than that.
    useless: u32,
    /// The first request after it was learned; it does not grow in the wait before that.
    since: Option<Instant>,
    grown_at: Instant,
}

/// A refusal, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal {
    /// At which pace the request was sent, if there was one.
    pub(crate) pace: Option<f64>,
    /// The wait that follows.
    pub(crate) wait: Duration,
    /// Whether that is our guess, and not what the service asked for.
    pub(crate) guessed: bool,
}

/// From one refusal to the next, in seconds.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    /// The wait at its beginning.
    waited: f64,
    /// Up to here it was tried in vain whether that was enough.
    tried: f64,
    /// Whether the wait was a guess.
    guessed: bool,
    /// The rest of it.
    active: f64,
}

impl Stretch {
    fn length(&self) -> f64 {
        self.waited + self.active
    }

    /// What the service takes per second, no less.
    fn low(&self, good: f64) -> f64 {
        good / self.length()
    }

    /// Hardly more than this, if it was refused at that pace. When a window was used up before its end,
    /// its length shows in the wait: it was needed, less its rounding, or was tried in vain to be cut short.
    fn high(&self, good: f64, pace: f64) -> f64 {
        let asked = if self.guessed { 0.0 } else { self.waited - WASTE_S };
        let needed = asked.max(self.tried);
        if self.active < needed { pace.min(good / needed) } else { pace }
    }
}

impl Default for Tempo {
    fn default() -> Self {
        Self {
            known: None,
            refused_at: None,
            began: None,
            last_refusal: None,
            still_refused: None,
            good: 0,
            good_before: 0,
            sit_out: 0,
            next_sit_out: SIT_OUT.0,
        }
    }
}

impl Tempo {
    /// A request leaves.
    pub(crate) fn sent(&mut self, now: Instant) {
        self.began.get_or_insert(now);
        if let Some(known) = self.known.as_mut().filter(|known| known.since.is_none()) {
            (known.since, known.grown_at) = (Some(now), now);
        }
    }

    /// A request was answered otherwise than by a refusal.
    pub(crate) const fn answered(&mut self) {
        self.good = self.good.saturating_add(1);
    }

    /// Good answers since the last refusal.
    pub(crate) const fn good(&self) -> u32 {
        self.good
    }

    /// So many may be in the air when as many answers were good as before the last refusal, or nearly,
    /// and no pace is known.
    pub(crate) fn room(&self) -> Option<usize> {
        let untried = self.known.as_ref().is_none_or(|known| !known.tried);
        let refused_once = untried && self.sit_out == 0 && self.good_before >= MANY;
        let distance = self.good_before.abs_diff(self.good);
        refused_once.then(|| (distance / 8).max(self.good_before / AT_STAKE) as usize)
    }

    /// A request was refused, the first since the last wait.
    pub(crate) fn refused(&mut self, now: Instant, refusal: Refusal) {
        self.grow(now);
        let began = self.began.take().unwrap_or(now);
        let good = std::mem::take(&mut self.good);
        // A service that refuses everything says nothing of how much it takes when it takes something.
        if good == 0 {
            self.still_refused = self.refused_at.map(|_| now);
            return;
        }
        self.good_before = good;
        let last = self.refused_at.replace(now).zip(self.last_refusal.replace(refusal));
        let still_refused = self.still_refused.take();
        if self.sit_out > 0 {
            self.sit_out -= 1;
            return;
        }
        let since = |from: Instant| now.saturating_duration_since(from).as_secs_f64();
        let active = since(began).max(0.001);
        let stretch = match last {
            // The wait that comes stands for those that have been.
            None => {
                Stretch { active, waited: refusal.wait.as_secs_f64(), tried: 0.0, guessed: refusal.guessed }
            }
            Some((before, Refusal { guessed, .. })) => {
                let tried =
                    still_refused.map_or(0.0, |tried| tried.saturating_duration_since(before).as_secs_f64());
                Stretch { active, waited: (since(before) - active).max(0.0), tried, guessed }
            }
        };
        self.learn(f64::from(good), stretch, refusal.pace, now);
    }

    fn learn(&mut self, good: f64, stretch: Stretch, pace: Option<f64>, now: Instant) {
        let climb_s = (stretch.length() / 4.0).clamp(CLIMB_S.0, CLIMB_S.1);
        let low = stretch.low(good).clamp(SLOWEST, FASTEST);
        let Some(known) = &mut self.known else {
            self.known = Some(Known {
                per_second: low,
                low,
                high: (good / stretch.active).clamp(low, FASTEST),
                tried: false,
                near: NEAR,
                climb_s,
                unpaced: good,
                useless: 0,
                since: None,
                grown_at: now,
            });
            return;
        };
        let longer = good > known.unpaced * HELPS;
        known.useless = if longer { 0 } else { known.useless + 1 };
        // These refusals are not about the pace: being slower would only cost time.
        if known.useless >= USELESS {
            self.known = None;
            self.sit_out = self.next_sit_out;
            self.next_sit_out = (self.next_sit_out * 2).min(SIT_OUT.1);
            return;
        }
        let pace = pace.unwrap_or(known.per_second);
        let low = low.min(pace * 0.99);
        // More than fits in one window came through, so there is none that is as long as the wait says.
        let high = if longer { pace } else { stretch.high(good, pace) };
        let kept = known.tried && known.low < high;
        known.low = if kept { known.low.max(low) } else { low }.max(SLOWEST);
        known.near = if (high / known.high - 1.0).abs() < SAME { NEARER } else { NEAR };
        known.high = high.max(known.low * 1.01);
        (known.tried, known.climb_s) = (true, climb_s);
        known.per_second = middle(known.low, known.high, known.near);
        known.since = None;
    }

    /// Whether there is a pace to keep.
    pub(crate) const fn is_known(&self) -> bool {
        self.known.is_some()
    }

    /// The pace, requests per second.
    pub(crate) fn pace(&self) -> Option<f64> {
        self.known.as_ref().map(|known| known.per_second)
    }

    /// The same, once a second refusal has shown that it is no mere guess.
    pub(crate) fn learned(&self) -> Option<f64> {
        self.known.as_ref().filter(|known| known.tried).map(|known| known.per_second)
    }

    /// It is no use to be faster than this: no more can be in the air at once.
    pub(crate) fn bound(&mut self, per_second: f64) {
        if let Some(known) = &mut self.known {
            known.per_second = known.per_second.min(per_second.max(SLOWEST));
        }
    }

    /// The gap to keep between two requests; nothing while no limit is known.
    pub(crate) fn gap(&mut self, now: Instant) -> Option<Duration> {
        self.grow(now);
        self.known.as_ref().map(|known| Duration::from_secs_f64(1.0 / known.per_second))
    }

    fn grow(&mut self, now: Instant) {
        let Some(known) = &mut self.known else { return };
        let Some(since) = known.since else { return };
        let seconds = now.saturating_duration_since(known.grown_at).as_secs_f64();
        known.grown_at = now;
        let goal = if known.tried { known.high * known.near } else { 0.0 };
        let missing = (goal - known.per_second).max(0.0);
        let age = now.saturating_duration_since(since).as_secs_f64();
        let growth = known.growth(age);
        known.per_second += missing * (1.0 - (-seconds / known.climb_s).exp());
        known.per_second = (known.per_second * (growth * seconds).exp()).min(FASTEST);
        if !known.tried && known.per_second > known.high * OUTGROWN {
            self.known = None;
        }
    }
}

impl Known {
    /// Growth per second, so long after the wait that followed the last refusal.
    fn growth(&self, age_s: f64) -> f64 {
        let creep = (1.0 - self.near) / CREEP_S;
        if !self.tried {
            GUESS_GROWTH
        } else if self.per_second < self.high {
            creep
        } else {
            (creep * ((age_s - CREEP_S).max(0.0) / DOUBLE_S).exp2()).min(LARGEST_GROWTH)
        }
    }
}

/// Between what was taken and what was refused, on the scale of ratios; never quite at the latter.
fn middle(low: f64, high: f64, near: f64) -> f64 {
    (low * high).sqrt().min(high * near).max(SLOWEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUESS: Refusal = Refusal { pace: None, wait: Duration::from_secs(1), guessed: true };

    fn second(start: Instant, seconds: f64) -> Instant {
        start + Duration::from_secs_f64(seconds)
    }

    fn pace(tempo: &mut Tempo, now: Instant) -> f64 {
        tempo.gap(now).map_or(f64::INFINITY, |gap| 1.0 / gap.as_secs_f64())
    }

    #[test]
    fn one_refusal_is_a_guess_that_is_soon_outgrown() {
        let start = Instant::now();
        let mut tempo = Tempo::default();
        tempo.sent(start);
        (0..100).for_each(|_| tempo.answered());
        tempo.refused(second(start, 1.0), GUESS);
        assert!((49.0..51.0).contains(&pace(&mut tempo, second(start, 2.0))), "100 in 2 s, the wait counted");
        tempo.sent(second(start, 2.0));
        assert!(pace(&mut tempo, second(start, 5.0)) > 300.0);
    }

    #[test]
    fn the_pace_lies_between_what_was_taken_and_what_was_refused() {
        let start = Instant::now();
        let mut tempo = Tempo::default();
        tempo.sent(start);
        (0..100).for_each(|_| tempo.answered());
        tempo.refused(second(start, 1.0), GUESS);
        tempo.sent(second(start, 2.0));
        (0..150).for_each(|_| tempo.answered());
        tempo.refused(second(start, 4.0), Refusal { pace: Some(90.0), ..GUESS });
        assert!((65.0..70.0).contains(&pace(&mut tempo, second(start, 4.0))), "between 50 and 90");
        tempo.sent(second(start, 5.0));
        assert!((80.0..90.0).contains(&pace(&mut tempo, second(start, 30.0))), "and up to near 90");
    }

    /// A service that takes a hundred in a second, and asks for a wait of so many.
    fn known_after(wait_s: u64, good: u32, pace: f64) -> (f64, f64) {
        let start = Instant::now();
        let told = Refusal { pace: None, wait: Duration::from_secs(wait_s), guessed: false };
        let mut tempo = Tempo::default();
        tempo.sent(start);
        (0..100).for_each(|_| tempo.answered());
        tempo.refused(second(start, 1.0), told);
        let again = start + Duration::from_secs(wait_s + 1);
        tempo.sent(again);
        (0..good).for_each(|_| tempo.answered());
        tempo.refused(second(again, 2.0), Refusal { pace: Some(pace), ..told });
        let known = tempo.known.unwrap();
        (known.low, known.high)
    }

    #[test]
    fn a_window_is_as_long_as_a_wait_only_where_no_more_comes_through_than_before() {
        let (low, high) = known_after(20, 100, 90.0);
        assert!(low > 4.5 && high < 6.0, "100 in 22 s at the most: {low} to {high}");
        let (low, high) = known_after(20, 150, 90.0);
        assert!(low < 7.0 && high > 89.0, "at 90 it was refused, whatever the wait: {low} to {high}");
    }

    #[test]
    fn no_pace_grows_while_a_wait_lasts() {
        let start = Instant::now();
        let mut tempo = Tempo::default();
        tempo.sent(start);
        (0..20).for_each(|_| tempo.answered());
        let told = Refusal { pace: None, wait: Duration::from_secs(3), guessed: false };
        tempo.refused(second(start, 1.0), told);
        assert!((4.9..5.1).contains(&pace(&mut tempo, second(start, 4.0))), "20 in 4 s");
        tempo.sent(second(start, 4.0));
        assert!((5.5..10.0).contains(&pace(&mut tempo, second(start, 5.0))));
    }

    #[test]
    fn a_wait_that_was_asked_for_says_how_long_a_window_is() {
        let start = Instant::now();
        let mut tempo = Tempo::default();
        tempo.sent(start);
        (0..300).for_each(|_| tempo.answered());
        let told = Refusal { pace: None, wait: Duration::from_secs(58), guessed: false };
        tempo.refused(second(start, 2.0), told);
        assert!((4.9..5.3).contains(&pace(&mut tempo, second(start, 60.0))), "300 a minute");
    }

    #[test]
    fn a_service_that_refuses_everything_teaches_no_pace() {
        let start = Instant::now();
        let mut tempo = Tempo::default();
        (0..3).for_each(|_| tempo.answered());
        for seconds in 0..60 {
            tempo.sent(second(start, f64::from(seconds)));
            tempo.refused(second(start, f64::from(seconds) + 0.1), GUESS);
        }
        assert_eq!(tempo.gap(second(start, 60.0)), None);
    }

    #[test]
    fn a_pace_learned_in_bad_times_is_outgrown() {
        let start = Instant::now();
        let mut tempo = Tempo::default();
        tempo.refused(start, GUESS);
        tempo.answered();
        tempo.refused(second(start, 1.0), GUESS);
        tempo.sent(second(start, 2.0));
        let gap = (2..=300).filter_map(|seconds| tempo.gap(second(start, f64::from(seconds)))).last();
        assert!(gap.unwrap() < Duration::from_millis(200), "{gap:?}");
    }

    #[test]
    fn refusals_that_have_nothing_to_do_with_the_pace_do_not_grind_it_down() {
        let start = Instant::now();
        let mut now = start;
        let mut tempo = Tempo::default();
        tempo.refused(now, GUESS);
        for _ in 0..200 {
            // Seventeen requests, then a hold of a second, whatever the pace.
            let gap = tempo.gap(now).unwrap_or(Duration::from_millis(200)).max(Duration::from_millis(200));
            tempo.sent(now);
            (0..17).for_each(|_| tempo.answered());
            now += gap * 17;
            tempo.refused(now, GUESS);
            now += Duration::from_secs(1);
        }
        assert_eq!(tempo.gap(now), None);
        let spent = now - start;
        assert!(spent < Duration::from_secs(200 * (17 / 5 + 1 + 1)), "{spent:?}");
    }
}
