//! How requests, refusals and waits came over time: the fold over checkpoints and ends.
//!
//! A process tells of its traffic so far as it goes, so that what one did that was killed counts up to its
//! last checkpoint. However long a log is, this stays small.

use jiff::Timestamp;

use super::record::{Body, Told, Traffic};
use crate::domain::moment::millis;
use crate::domain::series::Series;

/// More waits than these are put together.
const MOST_WAITS: usize = 240;

/// A time in which the service made us wait, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    /// When it began.
    pub(crate) from_ms: u64,
    /// When it was over, or will be.
    pub(crate) to_ms: u64,
}

/// The traffic of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Course {
    /// Of processes before this one.
    before: Traffic,
    /// Of this one, as last told.
    current: Traffic,
    told_at: u64,
    throttled: Series<u64>,
    waits: Vec<Wait>,
}

impl Course {
    /// Goes on with a line that this process writes.
    pub(super) fn follow(&mut self, ts: &str, body: &Body<'_>) {
        match body {
            Body::RunStart(_) | Body::Resume { .. } => self.begin(ts),
            Body::Checkpoint { told, .. } => self.tell(ts, told),
            Body::RunEnd(end) => self.end(ts, end.traffic),
            Body::Token { .. }
            | Body::Intent { .. }
            | Body::Result(_)
            | Body::Skip(_)
            | Body::Notify(_)
            | Body::ServeAuth(_) => {}
        }
    }

    /// Another process begins.
    pub(super) fn begin(&mut self, ts: &str) {
        let Some(now) = millis(ts) else { return };
        self.before = self.before.plus(std::mem::take(&mut self.current));
        self.cut(now);
        self.told_at = now;
    }

    /// The process ends in order.
    pub(super) fn end(&mut self, ts: &str, traffic: Traffic) {
        self.tell(ts, &Told { traffic: Some(traffic), hold_ms: None });
        if let Some(now) = millis(ts) {
            self.cut(now);
        }
    }

    /// What a checkpoint tells, if it does.
    pub(super) fn tell(&mut self, ts: &str, told: &Told) {
        let (Some(now), Some(traffic)) = (millis(ts), told.traffic) else { return };
        let refused = traffic.throttled.saturating_sub(self.current.throttled).min(u32::MAX.into());
        if refused > 0 {
            *self.throttled.at(now) += refused;
        }
        let waited_ms = traffic.waited_ms.saturating_sub(self.current.waited_ms);
        let to_ms = now.saturating_add(told.hold_ms.unwrap_or_default());
        if waited_ms > 0 || to_ms > now {
            // As much as was counted since it was last told, and no earlier than that.
            let from_ms = to_ms.saturating_sub(waited_ms).max(self.told_at).min(now);
            self.wait(Wait { from_ms, to_ms });
        }
        self.current = traffic;
        self.told_at = now;
    }

    fn wait(&mut self, wait: Wait) {
        self.waits.push(wait);
        let mut gap_ms = 0;
        loop {
            self.waits = joined(std::mem::take(&mut self.waits), gap_ms);
            if self.waits.len() <= MOST_WAITS {
                return;
            }
            gap_ms = gap_ms * 2 + 1000;
        }
    }

    /// Nobody waits any more from then on.
    fn cut(&mut self, now: u64) {
        self.waits.retain(|wait| wait.from_ms < now);
        self.waits.iter_mut().for_each(|wait| wait.to_ms = wait.to_ms.min(now));
    }

    /// Takes over what came of another run.
    pub(crate) fn add(&mut self, other: &Self) {
        self.before = self.before.plus(other.total());
        for (at, refused) in other.throttled.each().filter(|(_, refused)| **refused > 0) {
            *self.throttled.at(at) += refused;
        }
        other.waits.iter().for_each(|wait| self.wait(*wait));
    }

    /// What all processes sent, as far as it is known.
    pub(crate) const fn total(&self) -> Traffic {
        self.before.plus(self.current)
    }

    /// Replies with status 429, at the time at which the log was told of them.
    pub(crate) const fn throttled(&self) -> &Series<u64> {
        &self.throttled
    }

    /// Until when nothing leaves, if that is after `now`.
    pub(crate) fn held_until(&self, now: &str) -> Option<String> {
        let (now, last) = (millis(now)?, self.waits.last()?);
        let until = Timestamp::from_millisecond(i64::try_from(last.to_ms).ok()?).ok()?;
        (last.to_ms > now).then(|| until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    }

    /// The waits, in order.
    pub(crate) fn waits(&self) -> &[Wait] {
        &self.waits
    }
}

/// The same in order, with those put together that are no further apart.
fn joined(mut waits: Vec<Wait>, gap_ms: u64) -> Vec<Wait> {
    waits.sort_unstable_by_key(|wait| wait.from_ms);
    waits.dedup_by(|next, wait| {
        let touches = next.from_ms <= wait.to_ms.saturating_add(gap_ms);
        if touches {
            wait.to_ms = wait.to_ms.max(next.to_ms);
        }
        touches
    });
    waits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> String {
        format!("2026-01-01T00:{:02}:{:02}.000Z", second / 60, second % 60)
    }

    fn told(throttled: u64, waited_ms: u64, hold_ms: Option<u64>) -> Told {
        let traffic = Traffic { throttled, waited_ms, patch: throttled, ..Traffic::default() };
        Told { traffic: Some(traffic), hold_ms }
    }

    /// The waits in seconds from the beginning.
    fn waits(course: &Course) -> Vec<(u64, u64)> {
        let zero = millis(&at(0)).unwrap();
        course.waits().iter().map(|wait| ((wait.from_ms - zero) / 1000, (wait.to_ms - zero) / 1000)).collect()
    }

    #[test]
    fn a_wait_is_where_it_was() {
        let mut course = Course::default();
        course.begin(&at(0));
        course.tell(&at(5), &told(1, 30_000, Some(28_000)));
        assert_eq!(waits(&course), [(3, 33)], "it began before it was told of");
        course.tell(&at(34), &told(1, 30_000, None));
        course.tell(&at(40), &told(2, 32_000, None));
        assert_eq!(waits(&course), [(3, 33), (38, 40)], "one that is over");
        course.tell(&at(50), &told(3, 92_000, Some(60_000)));
        course.end(&at(70), told(3, 92_000, None).traffic.unwrap());
        assert_eq!(waits(&course), [(3, 33), (38, 40), (50, 70)], "nobody waits after the end");
        let refused: Vec<u64> = course.throttled().each().map(|(_, refused)| *refused).collect();
        assert_eq!((refused.len(), refused.iter().sum::<u64>(), refused[0]), (46, 3, 1));
    }

    #[test]
    fn a_process_that_died_counts_up_to_its_last_checkpoint() {
        let mut course = Course::default();
        course.begin(&at(0));
        course.tell(&at(1), &told(3, 500, None));
        course.begin(&at(60));
        course.end(&at(70), told(4, 100, None).traffic.unwrap());
        assert_eq!((course.total().patch, course.total().waited_ms), (7, 600));
        let mut both = course.clone();
        both.add(&course);
        assert_eq!((both.total().patch, both.throttled().each().map(|(_, sum)| sum).sum::<u64>()), (14, 14));
        assert_eq!(both.waits(), course.waits());
    }

    #[test]
    fn a_thousand_waits_are_few() {
        let mut course = Course::default();
        course.begin(&at(0));
        for turn in 0..1000 {
            let ts = Timestamp::from_second(1_800_000_000 + turn * 10).unwrap().to_string();
            course.tell(&ts, &told(0, 1000 * (u64::try_from(turn).unwrap() + 1), None));
        }
        assert!((1..=MOST_WAITS).contains(&course.waits().len()), "{}", course.waits().len());
    }
}
