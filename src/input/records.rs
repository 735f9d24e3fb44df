//! Records with their lines: the strict reader and the `csv` crate side by side.
//!
//! Owns the pairing of marks and records. Invariant: `csv` counts as many records as the
//! grammar did; if it ever did not, reading would stop rather than go on with wrong lines.

use std::io::{self, Chain, Read};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::error::InputError;
use super::fault::Mark;
use super::strict::Strict;

/// The records of one pass.
pub(super) struct Records<R> {
    reader: Reader<Chain<&'static [u8], Strict<R>>>,
    cells: ByteRecord,
}

/// The crate takes a byte order mark off its very start. Ours is off already, so a second one is text,
/// and a line of nothing else is a record that must be found. A blank line is skipped.
const START: &[u8] = b"\n";

impl<R: Read> Records<R> {
    pub(super) fn new(inner: R, delimiter: u8) -> Self {
        let reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            // Cells are counted where the count can be told, not in an error of the crate.
            .flexible(true)
            .from_reader(START.chain(Strict::new(inner, delimiter)));
        Self { reader, cells: ByteRecord::new() }
    }

    /// Goes to the next record. Its cells mean nothing when its mark has a fault.
    pub(super) fn advance(&mut self) -> Result<Option<Mark>, InputError> {
        let found = self.reader.read_byte_record(&mut self.cells)?;
        match (found, self.reader.get_mut().get_mut().1.next_mark()) {
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
