//! Why a run ends before its last row, and what that means for the rows and the exit code.

use super::outcome::Pause;

/// What made the run stop taking rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// SIGINT, SIGTERM or SIGHUP, by number.
    Signal(u8),
    /// `--deadline` or `--max-duration` is over.
    Deadline,
    /// The service was down for `--max-outage`, or never came up; how it last failed.
    Outage(String),
    /// The service asks for a longer wait than `--max-wait`.
    Throttled,
    /// `--max-failures` rows failed.
    Failures,
    /// Credentials or rights are refused.
    Refused(String),
    /// TLS, a redirect, or a reply that speaks of another account.
    Untrusted(String),
    /// What must be on disk cannot be written.
    LogLost(String),
    /// The input is not what it was when it was checked.
    InputChanged,
    /// A part of this program failed.
    Internal(String),
}

/// Why a request cannot be sent any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Halt {
    /// The run is stopping, and knows why.
    Already,
    /// The run must stop for this.
    Because(Stop),
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        Self::Because(stop)
    }
}

impl Stop {
    /// The process exit code.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Failures => 3,
            Self::InputChanged => 65,
            Self::Outage(_) => 69,
            Self::Internal(_) => 70,
            Self::LogLost(_) => 74,
            Self::Deadline | Self::Throttled => 75,
            Self::Refused(_) => 77,
            Self::Untrusted(_) => 78,
            Self::Signal(number) => 128 + *number,
        }
    }

    /// The reason that the rows left over carry.
    pub(crate) const fn pause(&self) -> Pause {
        match self {
            Self::Deadline => Pause::Deadline,
            Self::Outage(_) => Pause::Outage,
            Self::Throttled => Pause::Throttled,
            Self::Signal(_)
            | Self::Failures
            | Self::Refused(_)
            | Self::Untrusted(_)
            | Self::LogLost(_)
            | Self::InputChanged
            | Self::Internal(_) => Pause::Interrupted,
        }
    }

    /// One sentence for people.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Signal(number) => format!("stopped by {}", signal_name(*number)),
            Self::Deadline => "the time for this run is over".to_owned(),
            Self::Outage(how) if how.is_empty() => "the service is unavailable".to_owned(),
            Self::Outage(how) => format!("the service is unavailable: {how}"),
            Self::Throttled => {
                "the service asks for more patience than --max-wait and --max-attempts allow".to_owned()
            }
            Self::Failures => "as many rows failed as --max-failures allows".to_owned(),
            Self::InputChanged => "INPUT changed while it was being read".to_owned(),
            Self::Internal(why) => format!("internal error: {why}"),
            Self::Refused(why) | Self::Untrusted(why) | Self::LogLost(why) => why.clone(),
        }
    }
}

const fn signal_name(number: u8) -> &'static str {
    match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        _ => "SIGTERM",
    }
}
