//! What the header says: which column means what.
//!
//! Owns the columns. Invariant: no two columns have one meaning, and every index is below the
//! number of columns.

use super::decode::Encoding;

/// How an input is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The byte between cells.
    pub(crate) delimiter: u8,
    /// How its text is written.
    pub(crate) encoding: Encoding,
    /// Columns in all.
    pub(crate) width: usize,
    /// The column, counted from 0, with the e-mail addresses.
    pub(crate) email: usize,
    /// The column with the passwords.
    pub(crate) password: Option<usize>,
    /// The column with the phone numbers.
    pub(crate) phone: Option<usize>,
    /// Columns of further attributes, and which of the mapped ones each is.
    pub(crate) attributes: Vec<(usize, usize)>,
    /// Names of the other columns, cleaned and cut so that they can be shown.
    pub(crate) ignored: Vec<String>,
}

/// What a column can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Email,
    Password,
    Phone,
}

impl Meaning {
    /// The meaning of a column of this name.
    pub(super) fn of(name: &str) -> Option<Self> {
        // Programs that add a byte order mark to a file that has one leave it on the first name.
        let name = name.trim_start_matches('\u{feff}');
        // A phone column that is passed over for a dash would drop MFA in silence.
        match name.trim().to_lowercase().replace(['-', '_'], " ").as_str() {
            "email" | "e mail" | "username" | "user name" => Some(Self::Email),
            "password" | "new password" => Some(Self::Password),
            "mfa phone" | "phone" => Some(Self::Phone),
            _ => None,
        }
    }

    /// What a column of this meaning is called in reasons, whatever its own name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Password => "password",
            Self::Phone => "mfa_phone",
        }
    }
}

impl Layout {
    /// The delimiter in words.
    pub(crate) fn delimiter_name(&self) -> &'static str {
        match self.delimiter {
            b';' => "semicolon",
            b'\t' => "tab",
            _ => "comma",
        }
    }

    /// What to call a column in a reason.
    pub(super) fn column_name(&self, index: usize) -> String {
        let meaning = if index == self.email {
            Meaning::Email
        } else if Some(index) == self.password {
            Meaning::Password
        } else if Some(index) == self.phone {
            Meaning::Phone
        } else {
            return numbered(index);
        };
        meaning.name().to_owned()
    }
}

/// What to call a column before the header is understood, or one that has no meaning.
pub(super) fn numbered(index: usize) -> String {
    format!("column {}", index.saturating_add(1))
}
