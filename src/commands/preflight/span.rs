//! A length of time as people say it.

use std::time::Duration;

/// "41 s", "5 min 2 s", "34 min", "2 h 10 min", "24 h", "9 d".
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let two = |large: u64, unit: &str, small: u64, below: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {below}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..600 => two(seconds / 60, "min", seconds % 60, "s"),
        600..7200 => format!("{} min", seconds / 60),
        7200..259_200 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_exactly_as_anybody_wants_to_know() {
        for (seconds, said) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (302, "5 min 2 s"),
            (3600, "60 min"),
            (7800, "2 h 10 min"),
            (86_400, "24 h"),
            (800_000, "9 d"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), said);
        }
    }
}
