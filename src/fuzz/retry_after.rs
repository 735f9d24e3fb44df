//! `Retry-After`: how long everybody waits because a server said so.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, HeaderValue};

use crate::scim::http::{Body, Reply};
use crate::scim::retry;

/// A hundred years.
const LONGEST: u64 = 100 * 365 * 86_400;
const DAY: i64 = 86_400;
/// 2026-01-01T00:00:00Z
const NOW: i64 = 1_767_225_600;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The first line is the `Date` of the reply, if not empty; each further one is a `Retry-After`.
pub fn retry_after(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(|line| HeaderValue::from_bytes(line).ok());
    let date = lines.next().flatten().filter(|date| !date.is_empty());
    let waits: Vec<HeaderValue> = lines.flatten().take(8).collect();
    let asked = wait(date.as_ref(), waits.iter());
    let alone = |header: &HeaderValue| wait(date.as_ref(), std::iter::once(header));
    assert_eq!(asked, waits.iter().filter_map(alone).max(), "the longest of several counts");
    assert_eq!(asked, wait(date.as_ref(), waits.iter().rev()), "their order does not");
    for header in &waits {
        let found = alone(header);
        assert!(found.is_none_or(|wait| (1..=LONGEST).contains(&wait.as_secs())), "{found:?}");
        match plainly(header, date.as_ref()) {
            Plain::Wait(seconds) => assert_eq!(found.map(|wait| wait.as_secs()), Some(seconds), "{header:?}"),
            Plain::None => assert_eq!(found, None, "{header:?}"),
            Plain::Unsure => {}
        }
        if let Some(longer) = one_digit_more(header) {
            assert!(found <= alone(&longer), "{header:?} asks for more than {longer:?}");
        }
    }
}

/// What the program makes of these headers, on the way that a reply's headers take.
fn wait<'a>(date: Option<&HeaderValue>, waits: impl Iterator<Item = &'a HeaderValue>) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    headers.extend(date.map(|date| (reqwest::header::DATE, date.clone())));
    for wait in waits {
        headers.append(reqwest::header::RETRY_AFTER, wait.clone());
    }
    let reply = Reply { status: 429, headers, body: Body::Cut };
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.unsigned_abs());
    retry::retry_after(reply.header_all("retry-after"), reply.header("date"), now)
}

/// A header as this page alone reads it.
enum Plain {
    Wait(u64),
    None,
    /// One of the obsolete forms, perhaps.
    Unsure,
}

fn plainly(header: &HeaderValue, date: Option<&HeaderValue>) -> Plain {
    let Ok(text) = header.to_str() else {
        return Plain::None;
    };
    let text = text.trim_matches([' ', '\t']);
    if let Some(seconds) = digits(text) {
        return Plain::Wait(seconds.clamp(1, LONGEST));
    }
    if !text.ends_with("GMT") && !text.ends_with(|c: char| c.is_ascii_digit()) {
        return Plain::None;
    }
    let served =
        match date.map(|date| date.to_str().ok().and_then(|date| imf(date.trim_matches([' ', '\t'])))) {
            Some(None) => return Plain::Unsure,
            served => served.flatten(),
        };
    let Some(until) = imf(text) else {
        return Plain::Unsure;
    };
    let ahead = until - served.unwrap_or(NOW);
    match u64::try_from(ahead) {
        Ok(ahead) if ahead > 0 => Plain::Wait((ahead + u64::from(served.is_none())).min(LONGEST)),
        _ => Plain::None,
    }
}

/// A number of any length; what is beyond all measure is the largest.
fn digits(text: &str) -> Option<u64> {
    let digit =
        |number: u64, c: char| Some(number.saturating_mul(10).saturating_add(u64::from(c.to_digit(10)?)));
    (!text.is_empty()).then(|| text.chars().try_fold(0, digit))?
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` as seconds since 1970.
fn imf(text: &str) -> Option<i64> {
    let (weekday, rest) = text.split_once(", ")?;
    let [day, month, year, time, "GMT"] = rest.split(' ').collect::<Vec<_>>()[..] else {
        return None;
    };
    let number = |text: &str, width: usize| {
        (text.len() == width).then(|| digits(text)).flatten().and_then(|number| i64::try_from(number).ok())
    };
    let [hour, minute, second] = time.split(':').collect::<Vec<_>>()[..] else {
        return None;
    };
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    let (day, year) = (number(day, 2)?, number(year, 4)?);
    let month = MONTHS.iter().position(|name| *name == month)?;
    let sound = (1970..=9999).contains(&year)
        && (1..=month_length(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !sound {
        return None;
    }
    let years: i64 = (1970..year).map(year_length).sum();
    let months: i64 = (0..month).map(|month| month_length(year, month)).sum();
    let days = years + months + day - 1;
    // 1 January 1970 was a Thursday.
    let named = usize::try_from(days % 7).is_ok_and(|place| WEEKDAYS[place] == weekday);
    named.then_some(days * DAY + hour * 3600 + minute * 60 + second)
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn year_length(year: i64) -> i64 {
    if is_leap(year) { 366 } else { 365 }
}

const fn month_length(year: i64, month: usize) -> i64 {
    match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

/// The same number with a digit more, when it is one.
fn one_digit_more(header: &HeaderValue) -> Option<HeaderValue> {
    let text = header.to_str().ok()?.trim_matches([' ', '\t']);
    digits(text)?;
    HeaderValue::from_str(&format!("{text}0")).ok()
}
