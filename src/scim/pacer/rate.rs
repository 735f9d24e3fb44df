//! How fast one token may be used, as the person at the command line has it.

use std::num::NonZeroU32;
use std::time::Duration;

/// A told rate is used all but this share of it. A request that is on its way for a little less long
/// than the one before must not be the one too many of a window that the service counts.
const KEPT_BACK: f64 = 0.004;

/// How far behind its pace a token may be and make up for it: a tenth of a second's worth.
pub(super) const CATCH_UP: Duration = Duration::from_millis(100);

/// What is said about the pace before the first request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// This fast, and no faster.
    Told(Rate),
    /// As fast as the service's headers allow; this fast while they have not been seen.
    Auto(Rate),
    /// As fast as the service takes.
    Unlimited,
}

/// How many requests may leave in which time, evenly spaced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    gap: Duration,
}

impl Rate {
    /// `requests` in `period`. Nothing when either is zero or the gap is below a nanosecond.
    pub(crate) fn new(requests: u32, period: Duration) -> Option<Self> {
        let gap = period.checked_div(requests).filter(|gap| !gap.is_zero())?;
        Some(Self { gap: gap.mul_f64(1.0 + KEPT_BACK) })
    }

    /// What was told, before a share of it was kept back.
    pub(super) fn per_second(self) -> f64 {
        (1.0 + KEPT_BACK) / self.gap.as_secs_f64()
    }

    pub(super) const fn gap(self) -> Duration {
        self.gap
    }

    /// So many leave in the time that can be made up for; one at least.
    pub(super) fn tenth(self) -> NonZeroU32 {
        let tenth = CATCH_UP.as_nanos() / self.gap.as_nanos().max(1);
        u32::try_from(tenth).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN)
    }
}

impl Pace {
    /// The gap that is kept whatever the service says.
    pub(super) const fn gap(self) -> Option<Duration> {
        match self {
            Self::Told(rate) => Some(rate.gap),
            Self::Auto(_) | Self::Unlimited => None,
        }
    }

    /// The rate that was told, if one was.
    pub(super) const fn rate(self) -> Option<Rate> {
        match self {
            Self::Told(rate) | Self::Auto(rate) => Some(rate),
            Self::Unlimited => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_gap_and_a_little_more() {
        let gap = |requests, seconds| {
            Rate::new(requests, Duration::from_secs(seconds)).map(|rate| rate.gap.as_micros())
        };
        assert_eq!(gap(300, 60), Some(200_800));
        assert_eq!(gap(100, 1), Some(10_040));
        assert_eq!(gap(0, 1), None);
        assert_eq!(gap(1, 0), None);
    }
}
