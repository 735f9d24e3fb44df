//! The time in the lines: RFC 3339, UTC, with milliseconds.
//!
//! Thousands of lines share a second, so its text is kept.

use jiff::Timestamp;

/// Writes times down.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    second: Option<i64>,
    /// That second, up to its point.
    text: String,
}

impl Clock {
    /// This moment.
    pub(crate) fn now(&mut self) -> String {
        self.at(Timestamp::now())
    }

    fn at(&mut self, time: Timestamp) -> String {
        let milliseconds = time.as_millisecond();
        let (second, rest) = (milliseconds.div_euclid(1000), milliseconds.rem_euclid(1000));
        if self.second != Some(second) {
            self.text = time.strftime("%Y-%m-%dT%H:%M:%S.").to_string();
            self.second = Some(second);
        }
        let mut text = String::with_capacity(self.text.len() + 4);
        text.push_str(&self.text);
        let digits = [rest / 100, rest / 10 % 10, rest % 10].map(|digit| u8::try_from(digit).unwrap_or(0));
        text.extend(digits.map(|digit| char::from(b'0' + digit)));
        text.push('Z');
        text
    }
}

/// This moment.
pub(crate) fn now() -> String {
    Clock::default().now()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_time_is_written_as_if_it_were_the_first(
            steps in proptest::collection::vec((0i64..3_000, 0i32..1_000_000), 1..20), start in 0i64..4_000_000_000_000,
        ) {
            let (mut clock, mut milliseconds) = (Clock::default(), start);
            for (step, nanoseconds) in steps {
                milliseconds += step - 500;
                let time = Timestamp::from_millisecond(milliseconds.max(0)).unwrap();
                let time = time + std::time::Duration::from_nanos(nanoseconds.unsigned_abs().into());
                prop_assert_eq!(clock.at(time), time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string());
            }
        }
    }
}
