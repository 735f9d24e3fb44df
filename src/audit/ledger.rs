//! Where each row stands, and where its latest line lies: the fold over the log's rows.
//!
//! The engine keeps one while it writes, replay makes the same one while it reads. It costs
//! six bytes a row, so that a million rows fit where a map of structs would not. It grows with
//! the lines of the log, never with the number of rows that a log claims.

use std::collections::BTreeMap;

use crate::domain::outcome::{Doubt, Mfa, Outcome, Standing};
use crate::domain::tally::Tally;

/// One row: the offset of its latest line above, what that line says below.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Entry(u64);

/// An entry as it is kept, without the upper bytes, which are 0.
type Packed = [u8; 6];

const OUTCOME: u64 = 0b1_1111;
const INTENT: u64 = OUTCOME;
const MFA_SHIFT: u32 = 5;
const OPEN: u64 = 1 << 7;
const OFFSET_SHIFT: u32 = 8;
/// No line begins so far on: a log of 1 TiB holds a billion rows.
const OFFSETS_END: u64 = 1 << 40;

impl Entry {
    fn packed(self) -> Packed {
        let bytes = self.0.to_le_bytes();
        std::array::from_fn(|place| bytes[place])
    }

    fn of(packed: Packed) -> Self {
        let mut bytes = [0; 8];
        bytes[..packed.len()].copy_from_slice(&packed);
        Self(u64::from_le_bytes(bytes))
    }

    const fn intent(offset: u64) -> Self {
        Self(offset << OFFSET_SHIFT | OPEN | INTENT)
    }

    fn done(offset: u64, outcome: Outcome, mfa: Mfa, open: bool) -> Self {
        let code = outcome.index() as u64 + 1;
        let open = if open { OPEN } else { 0 };
        Self(offset << OFFSET_SHIFT | open | (mfa as u64) << MFA_SHIFT | code)
    }

    const fn offset(self) -> u64 {
        self.0 >> OFFSET_SHIFT
    }

    /// What the line says, when it says how the row ended.
    fn ending(self) -> Option<(Outcome, Mfa)> {
        let code = usize::try_from(self.0 & OUTCOME).ok()?.checked_sub(1)?;
        let mfa = Mfa::ALL[usize::try_from(self.0 >> MFA_SHIFT & 0b11).ok()?];
        Some((*Outcome::ALL.get(code)?, mfa))
    }

    fn standing(self) -> Standing {
        match self.ending() {
            Some((Outcome::Pending(_), _)) => Standing::Pending,
            _ if self.0 & OPEN != 0 => Standing::InDoubt,
            Some(_) => Standing::Settled,
            None => Standing::Untouched,
        }
    }
}

/// Rows that are given room together: what finds their room takes little beside it.
const PAGE: usize = 256;
/// No input has a line beyond this.
const MOST_LINES: u64 = 1 << 48;

/// Every row's latest line, by line of the input.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pages: BTreeMap<u64, Box<[Packed; PAGE]>>,
    last_line: u64,
    tally: Tally,
    in_doubt: u64,
    settled: Tally,
}

impl Ledger {
    /// A ledger for rows that begin on lines up to `last_line`.
    pub(crate) fn new(last_line: u64) -> Self {
        Self { last_line: last_line.min(MOST_LINES), ..Self::default() }
    }

    /// Notes the line at `offset`, which declares a PATCH.
    pub(crate) fn note_intent(&mut self, line: u64, offset: u64) -> bool {
        self.note(line, Entry::intent(offset))
    }

    /// Notes the line at `offset`, which says how a row ended.
    pub(crate) fn note_done(
        &mut self,
        line: u64,
        offset: u64,
        outcome: Outcome,
        mfa: Mfa,
        open: bool,
    ) -> bool {
        self.note(line, Entry::done(offset, outcome, mfa, open))
    }

    /// False when the run has no such line, or the log could have no such offset.
    fn note(&mut self, line: u64, entry: Entry) -> bool {
        if line > self.last_line || entry.offset() >= OFFSETS_END {
            return false;
        }
        let (page, place) = locate(line);
        let page = self.pages.entry(page).or_insert_with(|| Box::new([Packed::default(); PAGE]));
        let old = Entry::of(std::mem::replace(&mut page[place], entry.packed()));
        self.in_doubt -= u64::from(old.standing() == Standing::InDoubt);
        self.in_doubt += u64::from(entry.standing() == Standing::InDoubt);
        if let Some((outcome, mfa)) = old.ending() {
            self.tally.remove(outcome, mfa);
            if old.standing() == Standing::Settled {
                self.settled.remove(outcome, mfa);
            }
        }
        if let Some((outcome, mfa)) = entry.ending() {
            self.tally.add(outcome, mfa);
            if entry.standing() == Standing::Settled {
                self.settled.add(outcome, mfa);
            }
        }
        true
    }

    /// Where the row on this line stands.
    pub(crate) fn standing(&self, line: u64) -> Standing {
        let (page, place) = locate(line);
        self.pages.get(&page).map_or(Standing::Untouched, |page| Entry::of(page[place]).standing())
    }

    /// Where the latest line of a row begins.
    pub(crate) fn offset(&self, line: u64) -> Option<u64> {
        let (page, place) = locate(line);
        let entry = Entry::of(self.pages.get(&page)?[place]);
        (entry != Entry::default()).then(|| entry.offset())
    }

    /// Counts of the rows that have an end.
    pub(crate) const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Counts of the rows that have their final outcome.
    pub(crate) const fn settled(&self) -> &Tally {
        &self.settled
    }

    /// The counts, where a row of which only the intent is known counts as unknown.
    pub(crate) fn tally_with_doubts(&self) -> Tally {
        let mut tally = self.tally.clone();
        for _ in self.entries().filter(|entry| entry.0 & OUTCOME == INTENT) {
            tally.add(Outcome::Unknown(Doubt::ReplyLost), Mfa::NotSent);
        }
        tally
    }

    /// Rows whose PATCH is in doubt.
    pub(crate) const fn in_doubt(&self) -> u64 {
        self.in_doubt
    }

    /// Rows that the same command would have to go on with, those never touched not counted.
    pub(crate) fn unsettled(&self) -> u64 {
        self.in_doubt + self.tally.family("pending")
    }

    /// Offsets of the latest lines, in the order of the input.
    pub(crate) fn offsets(&self) -> impl Iterator<Item = u64> + '_ {
        self.entries().filter(|entry| *entry != Entry::default()).map(Entry::offset)
    }

    /// The same for the rows that are settled.
    pub(crate) fn settled_offsets(&self) -> impl Iterator<Item = u64> + '_ {
        self.entries().filter(|entry| entry.standing() == Standing::Settled).map(Entry::offset)
    }

    fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.pages.values().flat_map(|page| page.iter().copied().map(Entry::of))
    }
}

/// The page of the row on this line, and its place there.
#[expect(clippy::cast_possible_truncation, reason = "a remainder of 256")]
const fn locate(line: u64) -> (u64, usize) {
    (line / PAGE as u64, (line % PAGE as u64) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outcome::Pause;

    #[test]
    fn entries_keep_what_they_were_given() {
        for outcome in Outcome::ALL {
            for mfa in Mfa::ALL {
                let entry = Entry::of(Entry::done(OFFSETS_END - 1, outcome, mfa, false).packed());
                assert_eq!((entry.offset(), entry.ending()), (OFFSETS_END - 1, Some((outcome, mfa))));
            }
        }
        assert_eq!((Entry::intent(7).offset(), Entry::intent(7).ending()), (7, None));
    }

    #[test]
    fn the_latest_line_of_a_row_counts() {
        let mut ledger = Ledger::new(3);
        assert_eq!(ledger.standing(2), Standing::Untouched);
        ledger.note_done(2, 10, Outcome::Pending(Pause::Outage), Mfa::NotSent, true);
        assert_eq!((ledger.standing(2), ledger.unsettled()), (Standing::Pending, 1));
        ledger.note_intent(2, 20);
        assert_eq!(
            (ledger.standing(2), ledger.in_doubt(), ledger.tally().total()),
            (Standing::InDoubt, 1, 0)
        );
        ledger.note_done(2, 30, Outcome::Unknown(Doubt::ReplyLost), Mfa::NotSent, true);
        assert_eq!((ledger.standing(2), ledger.in_doubt()), (Standing::InDoubt, 1));
        ledger.note_done(2, 40, Outcome::Updated, Mfa::None, false);
        assert_eq!((ledger.standing(2), ledger.unsettled()), (Standing::Settled, 0));
        assert_eq!(ledger.offsets().collect::<Vec<_>>(), [40]);
        assert!(!ledger.note_intent(4, 50) && !ledger.note_intent(3, OFFSETS_END));
    }

    #[test]
    fn a_row_beyond_all_memory_is_no_row() {
        let mut ledger = Ledger::new(u64::MAX);
        assert!(!ledger.note_intent(1 << 60, 1) && !ledger.note_intent(u64::MAX, 1));
        assert!(ledger.note_intent(3, 1));
    }

    #[test]
    fn room_is_made_for_rows_and_not_for_claims() {
        let mut ledger = Ledger::new(1 << 40);
        for (offset, line) in [1 << 40, 2, 1 << 30].into_iter().enumerate() {
            assert!(ledger.note_intent(line, offset as u64 + 7));
        }
        assert_eq!(ledger.offsets().collect::<Vec<_>>(), [8, 9, 7]);
        assert_eq!((ledger.pages.len(), ledger.standing(3)), (3, Standing::Untouched));
        assert_eq!(ledger.standing(1 << 30), Standing::InDoubt);
    }
}
