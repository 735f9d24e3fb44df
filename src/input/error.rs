//! Why an input as a whole cannot be used.
//!
//! Owns the error type of this part and the way I/O errors travel through the readers of
//! other crates. Invariant: no text here holds anything that was read.

use std::io;

/// The input cannot be used at all. A single bad row is a `Defect`, not an error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// The operating system refused to open, seek or read.
    #[error("the input cannot be read: {0}")]
    Io(#[source] io::Error),
    /// Not one row could be trusted: a bad header, an empty file, no text at all.
    #[error("{}{reason}", at(*line))]
    Refused {
        /// Where, when there is one line to look at.
        line: Option<u64>,
        /// What is wrong.
        reason: String,
    },
    /// The bytes are not those that were surveyed.
    #[error("the input was changed while it was in use")]
    Changed,
}

fn at(line: Option<u64>) -> String {
    line.map(|line| format!("line {line}: ")).unwrap_or_default()
}

/// [`InputError::Changed`] while it passes through `std::io::Read`.
#[derive(Debug, thiserror::Error)]
#[error("the input was changed while it was in use")]
pub(super) struct ChangedBytes;

impl From<io::Error> for InputError {
    fn from(error: io::Error) -> Self {
        if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<ChangedBytes>) {
            return Self::Changed;
        }
        Self::Io(error)
    }
}

impl From<csv::Error> for InputError {
    fn from(error: csv::Error) -> Self {
        match error.into_kind() {
            csv::ErrorKind::Io(error) => error.into(),
            // None of the others can come from reading bytes into a flexible record. Their
            // texts could hold cells, so none is passed on.
            _ => Self::Io(io::Error::other("the CSV reader failed")),
        }
    }
}
