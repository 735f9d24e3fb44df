//! Which physical line the reading is on, and what ends a line.
//!
//! Owns the line count. Invariant: lines end as the first line does. After LF or CRLF a lone
//! CR ends none, and after a lone CR an LF ends none. Otherwise half of a line break that
//! slipped into an unquoted password would cut it short and make a row of the rest.

pub(super) const LF: u8 = b'\n';
pub(super) const CR: u8 = b'\r';

/// The line count.
pub(super) struct Lines {
    /// The last byte of a line break, once the first break outside quotes has shown it.
    ending: Option<u8>,
    feeds: u64,
    returns: u64,
    /// Whether nothing of the current line was seen.
    fresh: bool,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { ending: None, feeds: 0, returns: 0, fresh: true }
    }

    /// The line that the next byte is on.
    pub(super) fn current(&self) -> u64 {
        let breaks = match self.ending {
            Some(CR) => self.returns,
            _ => self.feeds,
        };
        breaks + 1
    }

    /// The line that the last byte is on, its line break included.
    pub(super) fn last(&self) -> u64 {
        self.current().saturating_sub(u64::from(self.fresh)).max(1)
    }

    /// Takes a byte into account, inside or outside quotes.
    pub(super) fn see(&mut self, byte: u8) {
        self.feeds += u64::from(byte == LF);
        self.returns += u64::from(byte == CR);
        self.fresh = byte == self.ending.unwrap_or(LF);
    }

    /// Takes bytes into account that hold no line break.
    pub(super) fn see_text(&mut self) {
        self.fresh = false;
    }

    /// Whether this byte, seen outside quotes, ends a line; `None` for a CR that may be the
    /// first half of CRLF. The first answer decides all later ones.
    pub(super) fn ends(&mut self, byte: u8) -> Option<bool> {
        match (byte, self.ending) {
            (CR, None | Some(LF)) => None,
            (LF, Some(CR)) => Some(false),
            _ => {
                self.ending = Some(byte);
                Some(true)
            }
        }
    }

    /// Whether a CR that no LF followed was the first line's end. The lines so far are then
    /// counted by it.
    pub(super) fn lone_return_ends(&mut self) -> bool {
        let undecided = self.ending.is_none();
        if undecided {
            self.ending = Some(CR);
            self.fresh = true;
        }
        undecided
    }
}
