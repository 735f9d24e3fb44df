//! How long a server asks us to wait before we ask again (RFC 9110 10.2.3).
//!
//! Pure: time is an argument.

use std::time::{Duration, SystemTime};

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
    }
}
