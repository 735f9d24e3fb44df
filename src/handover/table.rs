//! The table inside a message: RFC 4180 with a header line, all of it in memory that is wiped.

use std::fmt;
use std::io::{Cursor, Write as _};

use secrecy::zeroize::Zeroizing;

use super::sealed::Entry;
use super::unsealed::Opened;
use crate::domain::secret::Secret;

const HEADER: &str = "seal,line,email,user_id,password\n";

/// A table that grows.
#[derive(Default)]
pub(super) struct Table(Zeroizing<Vec<u8>>);

impl Table {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Adds a line.
    pub(super) fn push(&mut self, seal: u64, entry: &Entry<'_>) {
        let cells = [entry.email, entry.user_id, entry.password.expose()];
        // Two numbers, and every character of a cell could be a quote.
        let longest = HEADER.len() + 64 + cells.iter().map(|cell| 2 * cell.len() + 3).sum::<usize>();
        self.make_room(longest);
        if self.is_empty() {
            self.0.extend_from_slice(HEADER.as_bytes());
        }
        // Memory has no way to fail.
        let _ = write!(self.0, "{seal},{}", entry.line);
        for cell in cells {
            self.0.extend_from_slice(b",\"");
            for byte in cell.bytes() {
                self.0.extend_from_slice(if byte == b'"' { b"\"\"" } else { std::slice::from_ref(&byte) });
            }
            self.0.push(b'"');
        }
        self.0.push(b'\n');
    }

    /// A vector that grows by itself leaves its old place behind unwiped.
    fn make_room(&mut self, bytes: usize) {
        let wanted = self.0.len() + bytes;
        if wanted > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(wanted.max(2 * self.0.capacity())));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({} bytes)", self.0.len())
    }
}

/// The entries of a message that was opened, in order.
pub(super) struct Rows {
    records: csv::StringRecordsIntoIter<Cursor<Zeroizing<Vec<u8>>>>,
    next: u64,
    last: u64,
}

impl Rows {
    /// The lines of a table that holds these entries, unless it has other columns.
    pub(super) fn new(table: Zeroizing<Vec<u8>>, first: u64, last: u64) -> Option<Self> {
        let known = table.starts_with(HEADER.as_bytes());
        let records = csv::Reader::from_reader(Cursor::new(table)).into_records();
        known.then_some(Self { records, next: first, last })
    }

    /// The next entry; `Err` where it is not what the message should hold.
    pub(super) fn read(&mut self) -> Option<Result<Opened, ()>> {
        let Some(row) = self.records.next() else { return (self.next <= self.last).then_some(Err(())) };
        let opened = row.ok().and_then(|row| opened(&row)).filter(|opened| {
            let expected = opened.seal == self.next && self.next <= self.last;
            self.next += 1;
            expected
        });
        Some(opened.ok_or(()))
    }
}

fn opened(row: &csv::StringRecord) -> Option<Opened> {
    Some(Opened {
        seal: row.get(0)?.parse().ok()?,
        line: row.get(1)?.parse().ok()?,
        email: row.get(2)?.to_owned(),
        user_id: row.get(3)?.to_owned(),
        password: Secret::new(row.get(4)?.to_owned()),
    })
}
