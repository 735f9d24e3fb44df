//! What each outcome means, and what to do about it: what people read the next morning.
//!
//! One sentence each, or two short ones; the report and the documentation both take them from here.

use super::outcome::{Doubt, Fail, Outcome, Pause, Skip};

impl Outcome {
    /// What it means for the user.
    pub(crate) const fn means(self) -> &'static str {
        match self {
            Self::Updated => "The service said yes to the change of this account.",
            Self::WouldUpdate => "The account was found, and a run would change it.",
            Self::Skipped(skip) => match skip {
                Skip::Inactive => "The account is disabled and was left as it is.",
                Skip::Protected => "The user is on the list of those never to touch.",
                Skip::Duplicate => "An earlier line asks for exactly the same.",
            },
            Self::Failed(fail) => fail.means(),
            Self::Unknown(doubt) => match doubt {
                Doubt::ReplyLost => "The change left and no answer came back: it may have taken or not.",
                Doubt::ServerError => {
                    "The service answered with an error that does not say whether the change took."
                }
                Doubt::ProbablyApplied => {
                    "No answer came, and a repeat was refused as if the first change had taken."
                }
            },
            Self::Pending(pause) => match pause {
                Pause::Interrupted => "The run was stopped before this row was done.",
                Pause::Outage => "The service was down for longer than the run was to wait.",
                Pause::Deadline => "The time for the run was over before this row was done.",
                Pause::Throttled => "The service asked for a longer wait than the run was to take.",
            },
        }
    }

    /// What to do about it.
    pub(crate) const fn advice(self) -> &'static str {
        match self {
            Self::Updated => "Nothing.",
            Self::WouldUpdate => "Run it without --dry-run.",
            Self::Skipped(skip) => match skip {
                Skip::Inactive => {
                    "Nothing, if the account is meant to be disabled. A new password may enable it again; \
                     --include-inactive changes it all the same."
                }
                Skip::Protected => "Nothing, if that is meant; else take the user off the --protect list.",
                Skip::Duplicate => "Nothing: the earlier line counts for both.",
            },
            Self::Failed(fail) => fail.advice(),
            Self::Unknown(doubt) => match doubt {
                Doubt::ReplyLost | Doubt::ServerError => {
                    "Run retry: it looks the account up again and sends the same change, which does no harm if \
                     the first one took. Until then count the old password as still valid."
                }
                Doubt::ProbablyApplied => {
                    "Most likely it took: let the user sign in with the new password, or give the row another \
                     password and run retry."
                }
            },
            Self::Pending(pause) => match pause {
                Pause::Interrupted => "Run the same command again: it goes on with this row.",
                Pause::Outage => "When the service is back, run the same command again.",
                Pause::Deadline => {
                    "Run the same command again, with a later --deadline or a longer --max-duration."
                }
                Pause::Throttled => {
                    "Run the same command again later, with a lower --rate or a longer --max-wait."
                }
            },
        }
    }
}

impl Fail {
    const fn means(self) -> &'static str {
        match self {
            Self::InvalidRow => "The line cannot be read without doubt, so nothing was sent for it.",
            Self::NotFound => "Nobody in the directory has this user name.",
            Self::Ambiguous => "More than one account or line claims the same user, so none was touched.",
            Self::WrongUser => "The look-up was answered with somebody else, who was not touched.",
            Self::Rejected => "The service refused the change.",
            Self::TooSoon => "The service refused: the password was changed a short while ago.",
            Self::Forbidden => "The service does not allow this client to change this user.",
            Self::Conflict => "The account kept changing between look-up and change.",
            Self::Unavailable => "The service did not serve, as often as it was asked.",
            Self::BadReply => "The reply of the service could not be understood or trusted.",
        }
    }

    const fn advice(self) -> &'static str {
        match self {
            Self::InvalidRow => "The detail says what is wrong: mend the line in INPUT, then run retry.",
            Self::NotFound => {
                "Look for a typing error or a changed address, and run the corrected line from a file of its own. \
                 Some services do not show users who are disabled or have left."
            }
            Self::Ambiguous => {
                "Find out in the directory who is meant, and leave one account or one line for that user; \
                 then run retry."
            }
            Self::WrongUser => {
                "Look the user up in the directory by hand. If the answer is wrong there too, tell whoever \
                 runs the service before anything else is changed."
            }
            Self::Rejected => {
                "The detail names the rule where the service does: mostly the password falls short of the \
                 policy. Give the row another one and run retry."
            }
            Self::TooSoon => {
                "Wait until the minimum age of passwords is over, then run retry --reason too_soon. The user \
                 may have just chosen a new one."
            }
            Self::Forbidden => {
                "Give the OAuth client a role that covers this user and its division, then run retry. \
                 Administrators may be out of its reach on purpose."
            }
            Self::Conflict => "See who else changes this account, another job perhaps, then run retry.",
            Self::Unavailable => "See how the service is, then run retry --reason unavailable.",
            Self::BadReply => {
                "Try again with retry. If it stays so, see whether a proxy answers in place of the service."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_words_of_its_own() {
        let mut seen = std::collections::BTreeSet::new();
        for outcome in Outcome::ALL {
            let (means, advice) = (outcome.means(), outcome.advice());
            assert!(seen.insert(means), "{outcome:?}: {means}");
            for words in [means, advice] {
                assert!(words.ends_with('.') && words.len() <= 200 && !words.contains("  "), "{words}");
            }
        }
    }
}
