//! The record in hand: its cells, their quotes and lengths, its first fault.
//!
//! Owns the rules for quotes and the limits. Refuses cells over [`CELL_LIMIT`], records over
//! [`RECORD_LIMIT`], and quotes that RFC 4180 gives no meaning to. Invariant: the first fault
//! stays, because later ones may be its consequences.

use super::fault::Fault;

/// The longest cell, in decoded bytes. All limits and buffers are small for the fuzzers, whose
/// short inputs are to meet every edge, and quickly.
pub(super) const CELL_LIMIT: usize = if cfg!(fuzzing) { 1024 } else { 4096 };
/// The longest record.
pub(super) const RECORD_LIMIT: usize = if cfg!(fuzzing) { 2 * 1024 } else { 64 * 1024 };

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing of the cell was seen.
    #[default]
    Start,
    /// In a cell without quotes.
    Plain,
    /// Between quotes.
    Quoted,
    /// After a quote inside quotes: the end of the cell, or half of a doubled quote.
    Closed,
}

/// What is known of a record that has not ended.
#[derive(Default)]
pub(super) struct OpenRecord {
    state: State,
    cell: usize,
    cell_length: usize,
    length: usize,
    /// The line of the last quote that opened a cell.
    opened: u64,
    fault: Option<Fault>,
}

impl OpenRecord {
    /// Whether the next byte is between quotes.
    pub(super) fn is_quoted(&self) -> bool {
        self.state == State::Quoted
    }

    /// Whether there is nothing of a record: the line, if it ends here, is blank.
    pub(super) fn is_blank(&self) -> bool {
        self.state == State::Start && self.cell == 0 && self.fault.is_none()
    }

    pub(super) fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Takes bytes of the cell in hand, none of which is a quote.
    pub(super) fn content(&mut self, count: usize) {
        match self.state {
            State::Start => self.state = State::Plain,
            State::Closed => {
                self.state = State::Plain;
                self.blame(|cell| Fault::TextAfterQuote { cell });
            }
            State::Plain | State::Quoted => {}
        }
        self.lengthen(count);
        self.grow(count);
    }

    /// Takes a quote on this line.
    pub(super) fn quote(&mut self, line: u64) {
        match self.state {
            State::Start => {
                self.state = State::Quoted;
                self.opened = line;
            }
            State::Quoted => self.state = State::Closed,
            State::Closed => {
                self.state = State::Quoted;
                self.lengthen(1);
            }
            State::Plain => self.blame(|cell| Fault::QuoteInside { cell }),
        }
        self.grow(1);
    }

    /// Takes a delimiter outside quotes.
    pub(super) fn next_cell(&mut self) {
        self.state = State::Start;
        self.cell = self.cell.saturating_add(1);
        self.cell_length = 0;
        self.grow(1);
    }

    /// Takes the end of the input.
    pub(super) fn finish(&mut self) {
        if self.is_quoted() {
            // The true cause, whatever else was found on the way.
            let opened = self.opened;
            self.fault = Some(Fault::Unclosed { opened });
        }
    }

    /// Notes a fault of the cell in hand.
    pub(super) fn blame(&mut self, fault: impl Fn(usize) -> Fault) {
        self.fault.get_or_insert(fault(self.cell));
    }

    fn lengthen(&mut self, count: usize) {
        self.cell_length = self.cell_length.saturating_add(count);
        if self.cell_length > CELL_LIMIT {
            self.blame(|cell| Fault::CellTooLong { cell });
        }
    }

    fn grow(&mut self, count: usize) {
        self.length = self.length.saturating_add(count);
        if self.length > RECORD_LIMIT {
            self.blame(|_| Fault::RecordTooLong);
        }
    }
}
