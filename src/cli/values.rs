//! Values on the command line that are more than a word: rates, times, bounds.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::domain::outcome::Outcome;
use crate::domain::shard::Shard;

/// How fast to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RateArg {
    /// A number of requests in a time.
    Told(u32, Duration),
    /// As the service's headers allow.
    Auto,
    /// As the service takes it.
    Unlimited,
}

impl FromStr for RateArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => return Ok(Self::Auto),
            "unlimited" => return Ok(Self::Unlimited),
            _ => {}
        }
        let Some((number, unit)) = text.split_once('/') else {
            let is_number = text.parse::<u32>().is_ok_and(|number| number > 0);
            let hint = if is_number { format!(", such as {text}/min") } else { String::new() };
            return Err(format!("expected NUMBER/s, NUMBER/min, NUMBER/h, auto or unlimited{hint}"));
        };
        let number: u32 = number.trim().parse().map_err(|_| "expected a whole number before the /")?;
        let seconds = match unit.trim() {
            "s" | "sec" | "second" => 1,
            "m" | "min" | "minute" => 60,
            "h" | "hour" => 3600,
            _ => return Err("expected s, min or h after the /".to_owned()),
        };
        match number {
            0 => Err("a rate of nothing would never end".to_owned()),
            1_000_001.. => Err("more than 1000000 in a period is unlimited".to_owned()),
            _ => Ok(Self::Told(number, Duration::from_secs(seconds))),
        }
    }
}

/// A number of rows, or a share of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MaxFailures {
    /// So many.
    Rows(u64),
    /// So many of a hundred.
    Percent(u64),
}

impl MaxFailures {
    /// As a number of rows, at least one.
    pub(crate) fn of(self, rows: u64) -> u64 {
        match self {
            Self::Rows(most) => most,
            Self::Percent(percent) => (rows.saturating_mul(percent) / 100).max(1),
        }
    }
}

impl FromStr for MaxFailures {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (digits, percent) = text.strip_suffix('%').map_or((text, false), |digits| (digits, true));
        let number: u64 =
            digits.parse().map_err(|_| "expected a number of rows, or a percentage such as 5%")?;
        match (percent, number) {
            (_, 0) => Err("with 0 the run would stop before it begins".to_owned()),
            (true, 101..) => Err("expected at most 100%".to_owned()),
            (true, _) => Ok(Self::Percent(number)),
            (false, _) => Ok(Self::Rows(number)),
        }
    }
}

/// A part of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShardArg {
    /// This one.
    Told(Shard),
    /// One of so many; the environment knows which.
    Auto(u32),
}

impl FromStr for ShardArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("expected K/N or auto/N, with K from 1 to N and N up to {}", Shard::MOST);
        let (number, of) = text.split_once('/').ok_or_else(wrong)?;
        let of = of.parse().map_err(|_| wrong())?;
        if number == "auto" {
            return Shard::new(1, of).map(|_| Self::Auto(of)).ok_or_else(wrong);
        }
        let number = number.parse().map_err(|_| wrong())?;
        Shard::new(number, of).map(Self::Told).ok_or_else(wrong)
    }
}

/// A file by its name.
pub(super) fn named_file(text: &str) -> Result<PathBuf, String> {
    if text == "-" { Err("expected a file, not standard output".to_owned()) } else { Ok(PathBuf::from(text)) }
}

/// A reason with which a row can end and be tried again.
pub(super) fn reason(text: &str) -> Result<String, String> {
    let known =
        || Outcome::ALL.into_iter().filter(|outcome| outcome.is_worth_another_try()).map(Outcome::reason);
    if known().any(|reason| reason == text) {
        return Ok(text.to_owned());
    }
    Err(format!("expected one of {}", known().collect::<Vec<_>>().join(", ")))
}

/// The hash of a record, as lower-case hex.
pub(super) fn hash(text: &str) -> Result<String, String> {
    if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("expected the 64 hex digits of a record's hash".to_owned())
}

/// The path of an attribute that may be set for MFA: a name, possibly below an extension's URN.
///
/// Attributes that decide who somebody is or what they may do are not for this.
pub(super) fn mfa_path(text: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b":._-$".contains(&b);
    let name = text.rsplit([':', '.']).next().unwrap_or_default().to_ascii_lowercase();
    let taken =
        ["", "password", "username", "active", "id", "externalid", "roles", "groups", "schemas", "meta"];
    if text.bytes().all(plain) && !taken.contains(&name.as_str()) {
        return Ok(text.to_owned());
    }
    Err("expected the path of an MFA attribute, such as mfaSettings".to_owned())
}

/// A time that is not nothing.
pub(super) fn some_time(text: &str) -> Result<Duration, String> {
    duration(text).and_then(|time| if time.is_zero() { Err("no time at all".to_owned()) } else { Ok(time) })
}

/// Longer than any run, and short enough to be added to an instant.
const AGES: Duration = Duration::from_secs(100 * 365 * 86_400);

/// `90`, `90s`, `15m`, `2h`, `1d`, `500ms`, and sums such as `1h30m`. More than ages is ages.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    sum(text).map(|time| time.min(AGES))
}

fn sum(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a time such as 30s, 15m or 2h".to_owned();
    let mut rest = text.trim();
    if let Ok(seconds) = rest.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let number: u32 = number.parse().map_err(|_| wrong())?;
        let unit = match unit {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" | "min" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            "d" => Duration::from_secs(86_400),
            _ => return Err(wrong()),
        };
        sum = sum.saturating_add(unit.saturating_mul(number));
        rest = tail;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_rates_are_read() {
        for (text, seconds) in
            [("90", 90.0), ("30s", 30.0), ("15m", 900.0), ("1h30m", 5400.0), ("500ms", 0.5), ("1d", 86_400.0)]
        {
            assert_eq!(duration(text).unwrap(), Duration::from_secs_f64(seconds), "{text}");
        }
        for text in ["18446744073709551615", "4294967295d", "9999999d9999999d"] {
            assert_eq!(duration(text), Ok(AGES), "{text}");
        }
        for text in ["", "s", "5", "5x", "m5", "-1s", "1.5s"] {
            assert_eq!(duration(text).is_ok(), text == "5", "{text}");
        }
        let rate = |text: &str| text.parse::<RateArg>();
        assert_eq!(rate("300/min"), Ok(RateArg::Told(300, Duration::from_secs(60))));
        assert_eq!(rate("100/s"), Ok(RateArg::Told(100, Duration::from_secs(1))));
        assert_eq!((rate("auto"), rate("unlimited")), (Ok(RateArg::Auto), Ok(RateArg::Unlimited)));
        for text in ["", "300", "0/s", "x/s", "5/fortnight", "-1/s"] {
            assert!(rate(text).is_err(), "{text}");
        }
        assert!(rate("300").unwrap_err().ends_with(", such as 300/min"));
        assert_eq!("5%".parse::<MaxFailures>().unwrap().of(1000), 50);
        assert_eq!("7".parse::<MaxFailures>().unwrap().of(1000), 7);
        let shard = |text: &str| text.parse::<ShardArg>().ok();
        assert_eq!(shard("2/3"), Shard::new(2, 3).map(ShardArg::Told));
        assert_eq!(shard("auto/3"), Some(ShardArg::Auto(3)));
        for text in ["", "2", "0/3", "4/3", "/3", "-1/3", "1/0", "auto/0", "auto", "1/3/5", "1/99999"] {
            assert_eq!(shard(text), None, "{text}");
        }
        assert!("0".parse::<MaxFailures>().is_err() && "101%".parse::<MaxFailures>().is_err());
    }
}
