//! What RFC 4180 or a limit finds wrong with one record, and where records stand.
//!
//! Owns the wording of these faults. Invariant: a fault holds positions, never bytes.

use super::open_record::{CELL_LIMIT, RECORD_LIMIT};

/// Where a record stands in the input, and why it cannot be read, if so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// The line on which the record begins.
    pub(super) line: u64,
    /// The line on which it ends: another one when a quoted cell holds line breaks.
    pub(super) last: u64,
    pub(super) fault: Option<Fault>,
}

/// One fault; cells are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// `a"b`: was the quote meant as a letter?
    QuoteInside {
        cell: usize,
    },
    /// `"a"b`: does the cell end at the quote?
    TextAfterQuote {
        cell: usize,
    },
    /// The input ends inside quotes.
    Unclosed {
        opened: u64,
    },
    /// A NUL, which no text holds.
    Nul {
        cell: usize,
    },
    /// A carriage return or line feed outside quotes that does not end a line in this input.
    StrayBreak {
        cell: usize,
    },
    CellTooLong {
        cell: usize,
    },
    RecordTooLong,
}

impl Mark {
    /// The fault in words; `name` says what to call a column.
    pub(super) fn reason(&self, name: impl Fn(usize) -> String) -> Option<String> {
        let words = self.fault?.words(name);
        if self.last == self.line {
            return Some(words);
        }
        // Whoever goes on past this record must know which lines went with it.
        Some(format!("{words}; lines {} to {} are not read", self.line, self.last))
    }
}

impl Fault {
    fn words(self, name: impl Fn(usize) -> String) -> String {
        match self {
            Self::QuoteInside { cell } => {
                format!("{}: a quote inside a cell that is not quoted", name(cell))
            }
            Self::TextAfterQuote { cell } => format!("{}: text after a closing quote", name(cell)),
            Self::Unclosed { opened } => {
                format!("the quote opened on line {opened} is never closed")
            }
            Self::Nul { cell } => format!("{}: a NUL character", name(cell)),
            Self::StrayBreak { cell } => {
                format!("{}: half a line break outside quotes", name(cell))
            }
            Self::CellTooLong { cell } => {
                format!("{}: longer than {} KiB", name(cell), CELL_LIMIT / 1024)
            }
            Self::RecordTooLong => format!("longer than {} KiB in all", RECORD_LIMIT / 1024),
        }
    }
}
