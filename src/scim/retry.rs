//! What an answer means for the request that it answers: a table, and two bits of arithmetic.
//!
//! Pure: time and chance are arguments.

use std::time::{Duration, SystemTime};

use crate::domain::outcome::Doubt;

/// What kind of request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    /// It changes nothing, so it may always be sent again.
    Read,
    /// The same for a page of the list of users: a refusal (429) may be about its size, so whoever asks
    /// decides how to ask again.
    Page,
    /// It ends a user's sessions: twice is as good as once.
    Sessions,
    /// It changes a user.
    Patch,
}

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A reply with this status, and whether its body came whole.
    Status(u16, Whole),
    /// No reply, and the request never left.
    NotSent,
    /// No reply, and the request may have arrived.
    Silence,
}

/// Whether the body of a reply was read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whole {
    /// To its end, or to the cap.
    Yes,
    /// The connection broke within it.
    No,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The reply decides; look at it.
    Take,
    /// The token is not good any more: get another, send again.
    Renew,
    /// Too many requests: everybody waits, then send again.
    Throttled,
    /// Certainly nothing was done: wait, then send again.
    Again,
    /// Something may have been done.
    InDoubt(Doubt),
    /// We are sent elsewhere, and do not go.
    Redirected,
}

/// The table.
pub(crate) const fn decide(op: Op, answer: Answer) -> Verdict {
    match (op, answer) {
        (Op::Page | Op::Sessions, _) => decide(Op::Read, answer),
        (_, Answer::Status(401, _)) => Verdict::Renew,
        (_, Answer::Status(429, _)) => Verdict::Throttled,
        (_, Answer::Status(300..=399, _)) => Verdict::Redirected,
        // Both say that the request was not worked on (RFC 9110 15.5.9, 15.6.4).
        (_, Answer::Status(408 | 503, _) | Answer::NotSent) => Verdict::Again,
        (Op::Patch, Answer::Status(501, _)) => Verdict::Take,
        (Op::Read, Answer::Status(500.., _) | Answer::Status(200..=299, Whole::No) | Answer::Silence) => {
            Verdict::Again
        }
        (Op::Patch, Answer::Status(500.., _)) => Verdict::InDoubt(Doubt::ServerError),
        (Op::Patch, Answer::Status(200..=299, Whole::No) | Answer::Silence) => {
            Verdict::InDoubt(Doubt::ReplyLost)
        }
        (_, Answer::Status(..)) => Verdict::Take,
    }
}

/// Whether an answer says that the service is down.
pub(crate) const fn is_down(answer: Answer) -> bool {
    match answer {
        Answer::Status(501, _) => false,
        Answer::Status(status, _) => status >= 500,
        Answer::NotSent | Answer::Silence => true,
    }
}

/// The longest wait that is told apart from "for ever".
const AGES: u64 = 100 * 365 * 86_400;

/// The wait that the `Retry-After` headers ask for (RFC 9110 10.2.3), as a minimum.
///
/// Seconds or an HTTP-date, which is taken relative to the reply's own `Date` so that two
/// clocks need not agree. Of several headers the longest counts. What cannot be read, or lies in
/// the past, counts as absent; zero is a second, since the reply was a refusal.
pub(crate) fn retry_after<'a>(
    headers: impl Iterator<Item = &'a str>,
    date: Option<&str>,
    now: SystemTime,
) -> Option<Duration> {
    let served = date.and_then(|date| httpdate::parse_http_date(date.trim()).ok());
    headers.filter_map(|header| one_retry_after(header.trim(), served, now)).max()
}

fn one_retry_after(header: &str, served: Option<SystemTime>, now: SystemTime) -> Option<Duration> {
    if !header.is_empty() && header.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than a number holds is a long time, not a mistake.
        let seconds = header.parse().unwrap_or(AGES);
        return Some(Duration::from_secs(seconds.clamp(1, AGES)));
    }
    let until = httpdate::parse_http_date(header).ok()?;
    // Without the server's own clock, one second more makes up for what a date cannot say.
    let (from, slack) = served.map_or((now, Duration::from_secs(1)), |served| (served, Duration::ZERO));
    let wait = until.duration_since(from).ok().filter(|wait| !wait.is_zero())?;
    Some((wait + slack).clamp(Duration::from_secs(1), Duration::from_secs(AGES)))
}

const BASE: Duration = Duration::from_secs(1);
const CAP: Duration = Duration::from_secs(60);

/// Exponential back-off with full jitter: anything up to 1 s, 2 s, 4 s, … at most 60 s.
///
/// `chance` lies in 0..1. A tenth is kept as the least, so that "again" is never "at once".
pub(crate) fn backoff(tries: u32, chance: f64) -> Duration {
    let ceiling = BASE.saturating_mul(1 << tries.saturating_sub(1).min(6)).min(CAP);
    ceiling.mul_f64(chance.clamp(0.1, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_patch_is_sent_again_only_when_nothing_was_done() {
        let whole = |status| Answer::Status(status, Whole::Yes);
        for (answer, read, patch) in [
            (whole(200), Verdict::Take, Verdict::Take),
            (whole(204), Verdict::Take, Verdict::Take),
            (Answer::Status(200, Whole::No), Verdict::Again, Verdict::InDoubt(Doubt::ReplyLost)),
            (Answer::Status(400, Whole::No), Verdict::Take, Verdict::Take),
            (whole(302), Verdict::Redirected, Verdict::Redirected),
            (whole(401), Verdict::Renew, Verdict::Renew),
            (whole(403), Verdict::Take, Verdict::Take),
            (whole(404), Verdict::Take, Verdict::Take),
            (whole(408), Verdict::Again, Verdict::Again),
            (whole(429), Verdict::Throttled, Verdict::Throttled),
            (whole(500), Verdict::Again, Verdict::InDoubt(Doubt::ServerError)),
            (whole(501), Verdict::Again, Verdict::Take),
            (whole(502), Verdict::Again, Verdict::InDoubt(Doubt::ServerError)),
            (whole(503), Verdict::Again, Verdict::Again),
            (whole(504), Verdict::Again, Verdict::InDoubt(Doubt::ServerError)),
            (whole(599), Verdict::Again, Verdict::InDoubt(Doubt::ServerError)),
            (Answer::NotSent, Verdict::Again, Verdict::Again),
            (Answer::Silence, Verdict::Again, Verdict::InDoubt(Doubt::ReplyLost)),
        ] {
            assert_eq!((decide(Op::Read, answer), decide(Op::Patch, answer)), (read, patch), "{answer:?}");
            assert_eq!([decide(Op::Page, answer), decide(Op::Sessions, answer)], [read, read], "{answer:?}");
        }
    }

    fn asked(headers: &[&str], date: Option<&str>) -> Option<u64> {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        retry_after(headers.iter().copied(), date, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_read() {
        assert_eq!(asked(&["120"], None), Some(120));
        assert_eq!(asked(&[" 7 "], None), Some(7));
        assert_eq!(asked(&["0"], None), Some(1));
        assert_eq!(asked(&["3", "9", "x"], None), Some(9));
        assert_eq!(asked(&["99999999999999999999"], None), Some(AGES));
        let forms =
            ["Sun, 06 Nov 1994 08:50:07 GMT", "Sunday, 06-Nov-94 08:50:07 GMT", "Sun Nov  6 08:50:07 1994"];
        for form in forms {
            assert_eq!(asked(&[form], None), Some(31), "{form}");
            assert_eq!(asked(&[form], Some("Sun, 06 Nov 1994 08:50:00 GMT")), Some(7), "{form}");
        }
    }

    #[test]
    fn what_is_no_wait_counts_as_absent() {
        for header in
            ["", "-3", "1.5", "+5", "soon", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1993 08:49:37 GMT"]
        {
            assert_eq!(asked(&[header], None), None, "{header}");
        }
        assert_eq!(asked(&[], None), None);
    }

    proptest! {
        #[test]
        fn any_header_is_a_sane_wait_or_none(header in ".*", date in proptest::option::of(".*")) {
            if let Some(wait) = retry_after(std::iter::once(header.as_str()), date.as_deref(), SystemTime::now()) {
                prop_assert!((1..=AGES).contains(&wait.as_secs()));
            }
        }

        #[test]
        fn back_off_grows_to_its_cap(tries in 0u32..1000, chance in 0.0f64..1.0) {
            let wait = backoff(tries, chance);
            prop_assert!(wait >= BASE / 10 && wait <= CAP);
            prop_assert!(backoff(tries, 1.0) <= backoff(tries + 1, 1.0));
        }
    }
}
