//! The input: a CSV file of users, read strictly and read twice.
//!
//! Owns everything between a path and a [`Row`](crate::domain::target::Row). What cannot be
//! read without doubt is refused with its line number and a reason, and no reason, error or
//! `Debug` text holds anything of a cell: a wrong reading would change a wrong password, and a
//! chatty one would show a right one.
//!
//! A reading goes through these layers, each in its own file:
//!
//! | layer | does |
//! |---|---|
//! | `source` | hands out the raw bytes, as often as asked |
//! | `chunks` | digests them in the first pass, verifies them in every later one |
//! | `decode` | byte order marks and UTF-16 |
//! | `grammar`, `lines`, `open_record`, `strict` | RFC 4180 without leniency; lines, faults, limits |
//! | `records` | the `csv` crate takes the quotes off what the grammar let through |
//! | `header`, `row` | names, then cells, become meaning |
//! | `users` | rows about one user: identical copies and contradictions |
//!
//! Invariant: a row that is handed out consists of bytes that were surveyed.

mod chunks;
mod decode;
mod error;
mod fault;
mod grammar;
mod header;
mod layout;
mod lines;
mod open_record;
mod pass;
mod records;
mod row;
mod rows;
mod source;
mod strict;
mod survey;
#[cfg(test)]
mod tests;
mod users;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;

use crate::domain::attribute::Attribute;
use crate::domain::email::Email;
use crate::domain::phone::Country;
use crate::domain::secret::Secret;

pub(crate) use error::InputError;
pub(crate) use rows::Rows;
pub(crate) use survey::Survey;

use source::Source;

/// What the command line says about reading rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// The country whose national phone numbers are accepted without `+`.
    pub(crate) default_country: Option<Country>,
    /// Whether a row without a password gets a generated one. Without it, a file must have a
    /// password or a phone column, and a row must fill one of them.
    pub(crate) passwords_generated: bool,
    /// Further attributes, and the columns that they are in.
    pub(crate) attributes: Arc<[Attribute]>,
    /// Who judges given passwords.
    pub(crate) judge: Option<Judge>,
}

/// What is to be said of a given password for this user.
pub(crate) type Judge = fn(&Secret, &Email) -> Judgement;

/// A judgement, in words that hold nothing of the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// Nothing against it.
    Sound,
    /// The service may refuse it.
    Doubtful,
    /// Not to be used.
    Refused(&'static str),
}

/// An opened input that can be read more than once.
pub(crate) struct Input {
    source: Source,
}

impl Input {
    /// Opens a path.
    ///
    /// A regular file is opened this once and read again by seeking, so that another file
    /// moved to its name is never seen. Anything else (a FIFO, `/dev/stdin`, a process
    /// substitution) is read to its end now.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::over(File::open(path)?)
    }

    /// Takes standard input from where it stands, redirected file or pipe.
    pub(crate) fn stdin() -> io::Result<Self> {
        Self::over(File::from(io::stdin().as_fd().try_clone_to_owned()?))
    }

    /// Takes an open file of any kind, from where it stands.
    pub(crate) fn over(file: File) -> io::Result<Self> {
        Source::new(file).map(|source| Self { source })
    }

    /// Whether the file's mode lets its group or everyone read it: worth a warning.
    pub(crate) fn readable_by_others(&self) -> bool {
        self.source.readable_by_others()
    }

    /// Reads everything once and reports all that is wrong with it.
    pub(crate) fn survey(&mut self, options: Options) -> Result<Survey, InputError> {
        survey::survey(&mut self.source, options)
    }

    /// Reads everything again, one record at a time, in file order.
    ///
    /// Every record of the survey comes once. Those among its defects come as
    /// [`Row::Bad`](crate::domain::target::Row::Bad); copies come like any other row and are
    /// told by `Survey::duplicates`.
    pub(crate) fn rows<'a>(&'a mut self, survey: &'a Survey) -> Result<Rows<'a>, InputError> {
        Rows::new(&mut self.source, survey)
    }
}
