//! The times in the log, as numbers.

use jiff::Timestamp;

/// Milliseconds since 1970 of a time in RFC 3339, if it is one and not before.
pub(crate) fn millis(ts: &str) -> Option<u64> {
    u64::try_from(ts.parse::<Timestamp>().ok()?.as_millisecond()).ok()
}

/// Reads one time after another. Thousands of rows share a second, so the last one is kept.
#[derive(Debug, Default)]
pub(crate) struct Moments {
    second: String,
    starts_ms: u64,
}

impl Moments {
    /// The same as [`millis`].
    pub(crate) fn millis(&mut self, ts: &str) -> Option<u64> {
        let parts = ts.split_once('.').and_then(|(second, rest)| Some((second, thousandths(rest)?)));
        let Some((second, rest)) = parts else { return millis(ts) };
        if second != self.second || second.is_empty() {
            self.starts_ms = millis(ts)?.checked_sub(rest)?;
            second.clone_into(&mut self.second);
        }
        Some(self.starts_ms + rest)
    }
}

/// Of the part behind the point, as our clock writes it.
fn thousandths(rest: &str) -> Option<u64> {
    let digits = rest.strip_suffix('Z').filter(|digits| digits.len() == 3)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_read_as_if_it_were_the_first() {
        let mut moments = Moments::default();
        for ts in [
            "2026-01-01T00:00:00.000Z",
            "2026-01-01T00:00:00.999Z",
            "2026-01-01T00:00:01.5Z",
            "2026-01-01T00:00:00.001Z",
            "2026-01-01T01:00:00.007+01:00",
            "2026-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999Z",
            "",
            ".",
            ".123Z",
            "yesterday.123Z",
            "2026-01-01T00:00:00.12éZ",
        ] {
            assert_eq!(moments.millis(ts), millis(ts), "{ts}");
        }
        assert_eq!(millis("1970-01-01T00:00:01.25Z"), Some(1250));
    }
}
