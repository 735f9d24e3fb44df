//! How a row can end: five families, with the reason inside.
//!
//! Resume, the exit code and the tables ask the family; nobody compares words.

/// The one outcome of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The server said yes to our PATCH for this account.
    Updated,
    /// A dry run would have sent the PATCH.
    WouldUpdate,
    /// Deliberately left alone.
    Skipped(Skip),
    /// Certainly not changed.
    Failed(Fail),
    /// A PATCH left, and nobody can know whether it took.
    Unknown(Doubt),
    /// Not tried, or not finished.
    Pending(Pause),
}

/// Why a row was left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skip {
    /// The account is disabled; a new password could enable it again.
    Inactive,
    /// The account is on the list of those never to touch.
    Protected,
    /// An earlier row asks for exactly the same.
    Duplicate,
}

/// Why a row was certainly not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fail {
    /// The row cannot be read without doubt.
    InvalidRow,
    /// Nobody bears that name.
    NotFound,
    /// More than one account does.
    Ambiguous,
    /// The look-up was answered with somebody else.
    WrongUser,
    /// The server refused the change.
    Rejected,
    /// The server refused because the password was changed a short while ago.
    TooSoon,
    /// The server refused because of our rights.
    Forbidden,
    /// The account kept changing under us.
    Conflict,
    /// The server did not serve, for as often as we were told to ask.
    Unavailable,
    /// The reply cannot be understood or trusted.
    BadReply,
}

/// Why nobody can know whether the change took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// The request left, no answer came.
    ReplyLost,
    /// The server answered with an error that does not say.
    ServerError,
    /// After one of the two above, the repeat was refused as if the first had taken.
    ProbablyApplied,
}

/// Why a row was not tried, or not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// Somebody or something stopped the run.
    Interrupted,
    /// The service was down for too long.
    Outage,
    /// The time for the run was over.
    Deadline,
    /// The service asked for more patience than we were given.
    Throttled,
}

/// What the reply says about the MFA setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mfa {
    /// Nothing was sent.
    NotSent,
    /// The row has no phone.
    None,
    /// A yes that does not show the setting.
    Accepted,
    /// The reply shows the setting as asked.
    Confirmed,
}

/// Where a row stands, as far as earlier work on it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// No line speaks of it.
    Untouched,
    /// A PATCH may have left; nobody recorded an end that settles it.
    InDoubt,
    /// It ended as pending.
    Pending,
    /// It has its final outcome.
    Settled,
}

impl Outcome {
    /// Every outcome there is, in the order of the documentation.
    pub(crate) const ALL: [Self; 22] = {
        use Outcome::{Failed, Pending, Skipped, Unknown};
        [
            Self::Updated,
            Self::WouldUpdate,
            Skipped(Skip::Inactive),
            Skipped(Skip::Protected),
            Skipped(Skip::Duplicate),
            Failed(Fail::InvalidRow),
            Failed(Fail::NotFound),
            Failed(Fail::Ambiguous),
            Failed(Fail::WrongUser),
            Failed(Fail::Rejected),
            Failed(Fail::TooSoon),
            Failed(Fail::Forbidden),
            Failed(Fail::Conflict),
            Failed(Fail::Unavailable),
            Failed(Fail::BadReply),
            Unknown(Doubt::ReplyLost),
            Unknown(Doubt::ServerError),
            Unknown(Doubt::ProbablyApplied),
            Pending(Pause::Interrupted),
            Pending(Pause::Outage),
            Pending(Pause::Deadline),
            Pending(Pause::Throttled),
        ]
    };

    /// The doubt that it is.
    pub(crate) const fn doubt(self) -> Option<Doubt> {
        match self {
            Self::Unknown(doubt) => Some(doubt),
            Self::Updated | Self::WouldUpdate | Self::Skipped(_) | Self::Failed(_) | Self::Pending(_) => None,
        }
    }

    /// Whether a later run may do better.
    pub(crate) const fn is_worth_another_try(self) -> bool {
        match self {
            Self::Updated | Self::WouldUpdate | Self::Skipped(_) => false,
            Self::Failed(_) | Self::Unknown(_) | Self::Pending(_) => true,
        }
    }

    /// The family, as written in the `outcome` column.
    pub(crate) const fn family(self) -> &'static str {
        match self {
            Self::Updated => "updated",
            Self::WouldUpdate => "would_update",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "failed",
            Self::Unknown(_) => "unknown",
            Self::Pending(_) => "pending",
        }
    }

    /// The reason, as written in the `reason` column.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Updated | Self::WouldUpdate => "",
            Self::Skipped(skip) => match skip {
                Skip::Inactive => "inactive",
                Skip::Protected => "protected",
                Skip::Duplicate => "duplicate",
            },
            Self::Failed(fail) => fail.word(),
            Self::Unknown(doubt) => match doubt {
                Doubt::ReplyLost => "reply_lost",
                Doubt::ServerError => "server_error",
                Doubt::ProbablyApplied => "probably_applied",
            },
            Self::Pending(pause) => match pause {
                Pause::Interrupted => "interrupted",
                Pause::Outage => "outage",
                Pause::Deadline => "deadline",
                Pause::Throttled => "throttled",
            },
        }
    }

    /// The outcome that these two words name.
    pub(crate) fn from_words(family: &str, reason: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.family() == family && known.reason() == reason)
    }

    /// The place of this outcome in [`Outcome::ALL`].
    pub(crate) fn index(self) -> usize {
        Self::ALL.iter().position(|known| *known == self).unwrap_or_default()
    }
}

impl Fail {
    const fn word(self) -> &'static str {
        match self {
            Self::InvalidRow => "invalid_row",
            Self::NotFound => "not_found",
            Self::Ambiguous => "ambiguous",
            Self::WrongUser => "wrong_user",
            Self::Rejected => "rejected",
            Self::TooSoon => "too_soon",
            Self::Forbidden => "forbidden",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
            Self::BadReply => "bad_reply",
        }
    }
}

impl Mfa {
    /// Every state there is.
    pub(crate) const ALL: [Self; 4] = [Self::NotSent, Self::None, Self::Accepted, Self::Confirmed];

    /// The word in the `mfa` column.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::NotSent => "",
            Self::None => "none",
            Self::Accepted => "accepted",
            Self::Confirmed => "confirmed",
        }
    }

    /// The state that this word names.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_outcomes_are_one_to_one() {
        for (place, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome.index(), place);
            assert_eq!(Outcome::from_words(outcome.family(), outcome.reason()), Some(outcome));
        }
        assert_eq!(Outcome::from_words("failed", "outage"), None);
    }

    /// The words between backticks in the first cells of a table's rows.
    fn table(title: &str, cells: usize) -> Vec<Vec<String>> {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/outcomes-and-exit-codes.md");
        let page = std::fs::read_to_string(page).unwrap();
        let section = page.split_once(title).unwrap().1.split("\n#").next().unwrap();
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        let word = |cell: &str| cell.trim().trim_matches('`').to_owned();
        rows.map(|row| row.split('|').skip(1).take(cells).map(word).collect()).collect()
    }

    #[test]
    fn the_page_of_outcomes_knows_each_and_no_other() {
        let rows = table("## Outcomes", 2);
        let words = |outcome: Outcome| vec![outcome.family().to_owned(), outcome.reason().to_owned()];
        assert_eq!(rows, Outcome::ALL.map(words));
        let mfa = table("### MFA", 1).concat();
        assert_eq!(mfa.len(), Mfa::ALL.len() - 1, "the empty one has no word: {mfa:?}");
        assert!(mfa.iter().all(|word| Mfa::from_word(word).is_some()), "{mfa:?}");
    }

    #[test]
    fn states_of_mfa_have_words() {
        for mfa in Mfa::ALL {
            assert_eq!(Mfa::from_word(mfa.word()), Some(mfa));
        }
    }
}
