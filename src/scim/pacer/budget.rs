//! What the service's headers leave: `inin-ratelimit-allowed`, `-count` and `-reset`.
//!
//! A token has a window of time; `allowed` requests may come in it, `count` have, and in `reset`
//! whole seconds it ends. What was sent after the request that is answered counts as well, and so
//! does whatever overtook it: of what the answers of one window say, the least favourable holds.
//!
//! Pure: time is an argument. Absurd values are no values.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::scim::http::Reply;

/// Nobody allows more than this in a window, or counts further.
const ABSURD: u64 = 1_000_000_000;
/// `reset` is in whole seconds, so the end may be this much earlier.
const ROUNDED: Duration = Duration::from_secs(1);

/// What one reply says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    allowed: u64,
    count: u64,
    reset: Duration,
}

impl Standing {
    /// The headers of a reply, where all three are there and sane; a window that is longer than we
    /// may be asked to wait is none of ours.
    pub(crate) fn read(reply: &Reply, longest: Duration) -> Option<Self> {
        let number = |name: &str| {
            let text = reply.header(name)?.trim();
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u64>().ok().filter(|_| digits)
        };
        let allowed = number("inin-ratelimit-allowed").filter(|allowed| (1..=ABSURD).contains(allowed))?;
        let count = number("inin-ratelimit-count").filter(|count| *count <= ABSURD)?;
        let reset = number("inin-ratelimit-reset").map(Duration::from_secs)?;
        (!reset.is_zero() && reset <= longest).then_some(Self { allowed, count, reset })
    }

    /// Requests that may come in a window.
    pub(crate) const fn allowed(&self) -> u64 {
        self.allowed
    }

    /// Those of them that are left.
    pub(crate) const fn left(&self) -> u64 {
        self.allowed.saturating_sub(self.count)
    }

    /// How long the window lasts from here.
    pub(crate) const fn reset(&self) -> Duration {
        self.reset
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { allowed, count, reset } = self;
        write!(f, "{count} of {allowed} requests, {} s before the next window", reset.as_secs())
    }
}

/// A request that was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    /// How many were sent with this token, this one included.
    pub(super) number: u64,
    /// When.
    pub(super) at: Instant,
    /// At which pace, if the service had taught us one.
    pub(super) pace: Option<f64>,
}

/// What is known of one token's windows.
#[derive(Debug, Default)]
pub(super) struct Budget {
    window: Option<Window>,
    /// The longest that was seen.
    length: Duration,
}

/// The window that is running.
#[derive(Debug)]
struct Window {
    allowed: u64,
    /// What the service has counted at the most when our number is nought: it counts others, too,
    /// and began before or after us.
    ahead: i64,
    /// What was sent before this says nothing about this window.
    since: Instant,
    /// It ends then at the latest, and at the earliest.
    end: Instant,
    earliest_end: Instant,
    /// The count last read, and when.
    last: Option<(u64, Instant)>,
}

impl Budget {
    /// Whether the service has said anything.
    pub(super) const fn is_known(&self) -> bool {
        self.window.is_some()
    }

    /// What the headers allow, in requests per second; the longest window that was seen is a whole one.
    pub(super) fn per_second(&self) -> Option<f64> {
        let allowed = u32::try_from(self.window.as_ref()?.allowed).unwrap_or(u32::MAX);
        Some(f64::from(allowed) / self.length.as_secs_f64())
    }

    /// A reply says where its request stands.
    pub(super) fn told(&mut self, standing: Standing, sent: Sent, now: Instant) {
        let Standing { allowed, count, reset } = standing;
        let ahead = signed(count) - signed(sent.number);
        let earliest_end = sent.at + (reset.saturating_sub(ROUNDED));
        self.length = self.length.max(reset);
        match &mut self.window {
            Some(window) if sent.at < window.since => {}
            Some(window) if !window.is_over_for(count, sent.at) => {
                window.allowed = allowed;
                window.ahead = window.ahead.max(ahead);
                // Before its first answer the end is a guess.
                let known = window.last.map_or(now + reset, |_| window.end);
                window.end = known.min(now + reset);
                window.earliest_end = window.earliest_end.max(earliest_end).min(window.end);
                window.last = Some((count, now));
            }
            _ => {
                let (since, end) = (sent.at, now + reset);
                let last = Some((count, now));
                self.window = Some(Window { allowed, ahead, since, end, earliest_end, last });
            }
        }
    }

    /// The next window begins when this one is over; that nothing was counted in it yet is all that
    /// is known of it. `number` requests were sent so far.
    pub(super) fn turn(&mut self, number: u64, now: Instant) {
        let length = self.length;
        if let Some(window) = self.window.as_mut().filter(|window| window.end <= now) {
            let (ahead, end) = (-signed(number), now + length);
            *window = Window { ahead, since: now, end, earliest_end: now, last: None, ..*window };
        }
    }

    /// When the next request may leave that follows one of `last`, where `gap` is kept anyway. Nothing
    /// where that is soon enough.
    pub(super) fn earliest(
        &self,
        gap: Option<Duration>,
        last: Option<Instant>,
        number: u64,
        now: Instant,
    ) -> Option<Instant> {
        let window = self.window.as_ref()?;
        let left = signed(window.allowed) - window.ahead - signed(number);
        if gap.is_some_and(|gap| self.lasts(window, left, gap, now)) {
            return None;
        }
        if left <= 0 {
            return Some(window.end);
        }
        let last = last.filter(|last| *last >= window.since)?;
        let left = u32::try_from(left).unwrap_or(u32::MAX).saturating_add(1);
        Some(last + window.end.saturating_duration_since(last) / left)
    }

    /// Whether this gap alone keeps within what is allowed: in a whole window, and with what is left.
    fn lasts(&self, window: &Window, left: i64, gap: Duration, now: Instant) -> bool {
        let sent_in = |time: Duration| time.as_nanos() / gap.as_nanos().max(1);
        let allowed = u128::from(window.allowed);
        let rest = window.earliest_end.saturating_duration_since(now);
        // Once it may be over, a count that is used up says nothing.
        let enough = rest.is_zero() || signed_wide(sent_in(rest)) <= i128::from(left) + 1;
        sent_in(self.length) <= allowed && enough
    }
}

impl Window {
    /// Whether a count shows that it belongs to a later one: within a window nothing that was sent
    /// after an answer was read counts for less than that.
    fn is_over_for(&self, count: u64, sent: Instant) -> bool {
        self.last.is_some_and(|(last, read)| sent >= read && count <= last)
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX / 4)
}

fn signed_wide(number: u128) -> i128 {
    i128::try_from(number).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::http::Body;
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    fn read(allowed: &str, count: &str, reset: &str) -> Option<(u64, u64, u64)> {
        let mut headers = HeaderMap::new();
        for (name, value) in [("allowed", allowed), ("count", count), ("reset", reset)] {
            let name = HeaderName::try_from(format!("inin-ratelimit-{name}")).unwrap();
            if value != "missing" {
                headers.insert(name, HeaderValue::from_str(value).unwrap());
            }
        }
        let reply = Reply { status: 200, headers, body: Body::Whole(Vec::new()) };
        let standing = Standing::read(&reply, Duration::from_secs(900))?;
        Some((standing.allowed, standing.count, standing.reset.as_secs()))
    }

    #[test]
    fn absurd_values_are_no_values() {
        assert_eq!(read("300", " 7 ", "60"), Some((300, 7, 60)));
        assert_eq!(read("300", "301", "60"), Some((300, 301, 60)), "over the limit");
        for nonsense in ["missing", "", "-1", "+1", "1.5", "x", "99999999999999999999", "1000000001"] {
            assert_eq!(read(nonsense, "7", "60"), None, "{nonsense}");
            assert_eq!(read("300", nonsense, "60"), None, "{nonsense}");
            assert_eq!(read("300", "7", nonsense), None, "{nonsense}");
        }
        assert_eq!((read("0", "0", "60"), read("300", "7", "0")), (None, None));
        assert_eq!(read("300", "7", "31536000"), None, "longer than we may be asked to wait");
    }

    const SECOND: Duration = Duration::from_secs(1);

    fn standing(allowed: u64, count: u64, reset_s: u64) -> Standing {
        Standing { allowed, count, reset: SECOND * u32::try_from(reset_s).unwrap() }
    }

    fn sent(number: u64, at: Instant) -> Sent {
        Sent { number, at, pace: None }
    }

    #[test]
    fn what_is_left_is_spread_over_the_time_that_is_left() {
        let start = Instant::now();
        let mut budget = Budget::default();
        budget.told(standing(100, 1, 60), sent(1, start), start);
        let told = Some(Duration::from_millis(200));
        let next = budget.earliest(told, Some(start), 1, start).unwrap();
        assert_eq!((next - start).as_millis(), 600, "99 and the end in 60 s");
        // Nine more left since.
        let at = start + SECOND * 6;
        assert_eq!((budget.earliest(told, Some(at), 10, at).unwrap() - at).as_millis(), 593);
        assert_eq!(budget.earliest(told, Some(at), 100, at), Some(start + SECOND * 60), "nothing is left");
        assert_eq!(budget.earliest(Some(SECOND), Some(at), 10, at), None, "told to go slower anyway");
    }

    #[test]
    fn a_rate_that_fits_is_left_alone() {
        let start = Instant::now();
        let mut budget = Budget::default();
        budget.told(standing(300, 1, 60), sent(1, start), start);
        let told = Duration::from_micros(200_800);
        for number in 1..299 {
            let at = start + told * u32::try_from(number).unwrap();
            assert_eq!(budget.earliest(Some(told), Some(at), number, at), None, "{number}");
        }
    }

    #[test]
    fn an_older_answer_does_not_undo_a_newer_one() {
        let start = Instant::now();
        let left = |order: [(u64, u64); 3]| {
            let mut budget = Budget::default();
            for (number, count) in order {
                budget.told(standing(10, count, 60), sent(number, start), start + SECOND);
            }
            (5..=20).find(|number| budget.earliest(None, None, *number, start + SECOND).is_some())
        };
        // Somebody else counted as well: our third is the sixth.
        assert_eq!(left([(1, 1), (2, 2), (3, 6)]), Some(7));
        assert_eq!(left([(3, 6), (2, 2), (1, 1)]), Some(7));
    }

    #[test]
    fn the_next_window_begins_when_this_one_ends_or_when_its_count_falls() {
        let start = Instant::now();
        let mut budget = Budget::default();
        budget.told(standing(10, 10, 5), sent(10, start), start);
        let end = start + SECOND * 5;
        assert_eq!(budget.earliest(None, Some(start), 10, start), Some(end));
        budget.turn(10, end);
        assert_eq!(budget.earliest(None, Some(start), 10, end), None, "the first goes at once");
        assert_eq!(budget.earliest(None, Some(end), 20, end), Some(end + SECOND * 5));
        // A late answer from the window before says nothing of this one.
        budget.told(standing(10, 10, 1), sent(9, start), end);
        assert_eq!(budget.earliest(None, Some(end), 20, end), Some(end + SECOND * 5));
        // One that counts anew does.
        budget.told(standing(10, 5, 5), sent(15, end), end + SECOND);
        budget.told(standing(10, 1, 5), sent(16, end + SECOND), end + SECOND * 2);
        assert!(budget.earliest(None, Some(end + SECOND), 20, end + SECOND * 2) < Some(end + SECOND * 3));
    }
}
