//! RFC 4180 as a state machine, without leniency.
//!
//! Owns where records begin and end. Refuses nothing itself: a faulty record is marked and
//! followed to its end. Invariant: a record without a fault is read alike by every reader of
//! RFC 4180.

use super::fault::{Fault, Mark};
use super::lines::{CR, LF, Lines};
use super::open_record::OpenRecord;

const QUOTE: u8 = b'"';
const NUL: u8 = 0;

/// What to do with a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It belongs to the record.
    Keep,
    /// It may be the first half of CRLF and belongs to nothing.
    Drop,
    /// It ends the line, and the record if there is one on it.
    End,
    /// The line ended before it; present it again.
    EndBefore,
}

/// The state machine.
pub(super) struct Grammar {
    delimiter: u8,
    special: [bool; 256],
    lines: Lines,
    /// Whether the last byte was a CR outside quotes that may be the first half of CRLF.
    half: bool,
    record: OpenRecord,
    first_line: u64,
}

impl Grammar {
    pub(super) fn new(delimiter: u8) -> Self {
        let mut special = [false; 256];
        for byte in [delimiter, QUOTE, LF, CR, NUL] {
            special[usize::from(byte)] = true;
        }
        Self {
            delimiter,
            special,
            lines: Lines::new(),
            half: false,
            record: OpenRecord::default(),
            first_line: 1,
        }
    }

    /// Whether the record in hand is known to be bad.
    pub(super) fn faulty(&self) -> bool {
        self.record.fault().is_some()
    }

    /// Takes the ordinary bytes at the start of `input` and says how many they are.
    pub(super) fn plain(&mut self, input: &[u8]) -> usize {
        if self.half {
            return 0;
        }
        let special = |byte: &u8| self.special[usize::from(*byte)];
        let run = input.iter().position(special).unwrap_or(input.len());
        if run > 0 {
            self.lines.see_text();
            self.record.content(run);
        }
        run
    }

    /// Takes one byte of any kind.
    pub(super) fn byte(&mut self, byte: u8) -> Step {
        if std::mem::take(&mut self.half) && byte != LF && self.lone_return_ends() {
            return Step::EndBefore;
        }
        let line = self.lines.current();
        self.lines.see(byte);
        let quoted = self.record.is_quoted();
        match byte {
            QUOTE => self.record.quote(line),
            LF | CR if !quoted => return self.line_break(byte),
            _ if byte == self.delimiter && !quoted => self.record.next_cell(),
            _ => self.character(byte),
        }
        Step::Keep
    }

    /// Takes the end of the input.
    pub(super) fn finish(&mut self) {
        if std::mem::take(&mut self.half) {
            self.lone_return_ends();
        }
        self.record.finish();
    }

    /// Ends the record: its mark, or nothing when the line was blank.
    pub(super) fn take_mark(&mut self) -> Option<Mark> {
        let record = std::mem::take(&mut self.record);
        let line = std::mem::replace(&mut self.first_line, self.lines.current());
        (!record.is_blank()).then(|| Mark { line, last: self.lines.last().max(line), fault: record.fault() })
    }

    /// Whether the CR before ended a line after all. If not, it is a fault.
    fn lone_return_ends(&mut self) -> bool {
        let ends = self.lines.lone_return_ends();
        if !ends {
            self.record.blame(|cell| Fault::StrayBreak { cell });
        }
        ends
    }

    fn line_break(&mut self, byte: u8) -> Step {
        match self.lines.ends(byte) {
            Some(true) => return Step::End,
            Some(false) => self.record.blame(|cell| Fault::StrayBreak { cell }),
            None => {
                self.half = true;
                return Step::Drop;
            }
        }
        Step::Keep
    }

    fn character(&mut self, byte: u8) {
        self.record.content(1);
        if byte == NUL {
            self.record.blame(|cell| Fault::Nul { cell });
        }
    }
}
