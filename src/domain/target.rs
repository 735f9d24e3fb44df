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
    /// What becomes of the password.
    pub(crate) password: NewPassword,
    /// The number for MFA.
    pub(crate) phone: Option<Phone>,
    /// Further attributes, those that the row gives a value.
    pub(crate) attributes: Box<[Value]>,
    /// The account that it must be, where whoever asks named one.
    pub(crate) account: Option<Box<str>>,
}

/// What a row asks for its user's password.
#[derive(Debug)]
pub(crate) enum NewPassword {
    /// Nothing: it stays as it is.
    Kept,
    /// This one, byte for byte.
    Given(Secret),
    /// One that nobody has thought of yet.
    Wanted,
    /// One that was made here.
    Made {
        /// The password.
        secret: Secret,
        /// Its number among those that were sealed, unless nobody is to know it.
        seal: Option<u64>,
    },
}

impl NewPassword {
    /// The password, as soon as there is one.
    pub(crate) const fn value(&self) -> Option<&Secret> {
        match self {
            Self::Given(secret) | Self::Made { secret, .. } => Some(secret),
            Self::Kept | Self::Wanted => None,
        }
    }

    /// Whether the row asks for another one than the user has.
    pub(crate) const fn is_new(&self) -> bool {
        !matches!(self, Self::Kept)
    }

    /// The number under which it lies sealed.
    pub(crate) const fn seal(&self) -> Option<u64> {
        match self {
            Self::Made { seal, .. } => *seal,
            Self::Kept | Self::Given(_) | Self::Wanted => None,
        }
    }

    /// Takes back what was made, as nobody has it: the next attempt makes another.
    pub(crate) fn unmake(&mut self) {
        if matches!(self, Self::Made { .. }) {
            *self = Self::Wanted;
        }
    }
}

/// A further attribute and its value.
#[derive(Debug)]
pub(crate) struct Value {
    /// Which of the mapped attributes.
    pub(crate) attribute: usize,
    /// The cell, which its [`Kind`](super::attribute::Kind) accepts.
    pub(crate) text: Secret,
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
