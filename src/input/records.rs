//! Records with their lines: the strict reader and the `csv` crate side by side.
//!
//! Owns the pairing of marks and records. Invariant: `csv` counts as many records as the
//! grammar did; if it ever did not, reading would stop rather than go on with wrong lines.

use std::io::{self, Read};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::error::InputError;
use super::fault::Mark;
use super::strict::Strict;

/// The records of one pass.
pub(super) struct Records<R> {
    reader: Reader<Strict<R>>,
    cells: ByteRecord,
}

impl<R: Read> Records<R> {
    pub(super) fn new(inner: R, delimiter: u8) -> Self {
        let reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            // Cells are counted where the count can be told, not in an error of the crate.
            .flexible(true)
            .from_reader(Strict::new(inner, delimiter));
        Self { reader, cells: ByteRecord::new() }
    }

    /// Goes to the next record. Its cells mean nothing when its mark has a fault.
    pub(super) fn advance(&mut self) -> Result<Option<Mark>, InputError> {
        let found = self.reader.read_byte_record(&mut self.cells)?;
        match (found, self.reader.get_mut().next_mark()) {
            (true, Some(mark)) => Ok(Some(mark)),
            (false, None) => Ok(None),
            _ => Err(InputError::Io(io::Error::other(
                "two readings of the input found different numbers of records",
            ))),
        }
    }

    /// The cells of the record last gone to.
    pub(super) fn cells(&self) -> &ByteRecord {
        &self.cells
    }
}
