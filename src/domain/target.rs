//! What one row asks for, and the proof that is needed before it may be done.

use super::email::Email;
use super::phone::Phone;
use super::secret::Secret;

/// A row that can be acted on: who, and at least one thing to change.
#[derive(Debug)]
pub(crate) struct Target {
    /// Line of the input on which the record begins; the header is line 1.
    pub(crate) line: u64,
    /// Whom to look up.
    pub(crate) email: Email,
    /// The new password, byte for byte.
    pub(crate) password: Option<Secret>,
    /// The number for MFA.
    pub(crate) phone: Option<Phone>,
}

/// A row that cannot be acted on, with the reason in words that hold nothing of its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Defect {
    /// Line of the input on which the record begins.
    pub(crate) line: u64,
    /// The address, when the cell holds a sound one. Anything else could be a password in the
    /// wrong column.
    pub(crate) email: Option<String>,
    /// What is wrong.
    pub(crate) reason: String,
}

/// One record of the input: something to do, or something that is wrong.
#[derive(Debug)]
pub(crate) enum Row {
    /// A row to act on.
    Sound(Target),
    /// A row to report.
    Bad(Defect),
}

impl Row {
    /// Line of the input on which the record begins.
    pub(crate) const fn line(&self) -> u64 {
        match self {
            Self::Sound(target) => target.line,
            Self::Bad(defect) => defect.line,
        }
    }
}
