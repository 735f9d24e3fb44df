//! Which row has claimed which account, so that two rows never change one.
//!
//! A million rows must fit beside everything else, so a claim is the line and a few bits of the account's
//! hash: four bytes with a million rows. Those bits only say which rows are worth a closer look, for
//! which the log has the account itself.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// The claims of one run, as far as they fit.
#[derive(Debug)]
pub(crate) struct Accounts {
    hasher: RandomState,
    /// All are full but the last.
    tables: Vec<Table>,
    slot: Slot,
    /// Rows that have claimed more than one account, of which the log is asked for the last.
    moved: HashSet<u64>,
}

impl Default for Accounts {
    fn default() -> Self {
        Self::new(0, 0)
    }
}

impl Accounts {
    /// No claims yet, by rows on lines up to `last_line`. There is room for so many of them at once; room
    /// that is never used is never touched, and costs nothing.
    pub(crate) fn new(last_line: u64, rows: u64) -> Self {
        let slot = Slot::for_lines(last_line);
        let tables = vec![Table::new(rows, slot)];
        Self { hasher: RandomState::new(), tables, slot, moved: HashSet::new() }
    }

    /// Rows that may have claimed this account.
    pub(crate) fn suspects(&self, user_id: &str) -> Suspects {
        let hash = self.hash(user_id);
        let claims = self.tables.iter().flat_map(|table| table.claims_of(hash));
        let lines = claims.map(|(_, line)| line).filter(|line| *line != NOBODY).collect();
        Suspects { hash, lines }
    }

    /// Notes that a row has claimed the account of these suspects, unless it is one of them.
    pub(crate) fn claim(&mut self, suspects: &Suspects, line: u64) {
        if suspects.lines.contains(&line) {
            return;
        }
        if self.tables.last().is_none_or(|table| !table.has_room()) {
            let claims: usize = self.tables.iter().map(|full| full.claims).sum();
            self.tables.push(Table::new(claims as u64, self.slot));
        }
        if let Some(table) = self.tables.last_mut() {
            table.put(suspects.hash, line);
        }
    }

    /// Takes a claim back.
    pub(crate) fn release(&mut self, user_id: &str, line: u64) {
        let hash = self.hash(user_id);
        for table in &mut self.tables {
            let claim = table.claims_of(hash).find(|(_, claimant)| *claimant == line);
            if let Some((place, _)) = claim {
                // The slot stays taken: the ways of others lead over it.
                table.set(place, self.slot.claim(hash, NOBODY));
            }
        }
    }

    /// Notes that a row has claimed another account before.
    pub(crate) fn note_moved(&mut self, line: u64) {
        self.moved.insert(line);
    }

    /// Whether a row has claimed more than one account.
    pub(crate) fn has_moved(&self, line: u64) -> bool {
        self.moved.contains(&line)
    }

    /// Ids that differ in case are two (RFC 7643 section 3.1), but for UUIDs, which a service may
    /// show in either case (RFC 9562 section 4).
    fn hash(&self, user_id: &str) -> u64 {
        if is_uuid(user_id) {
            self.hasher.hash_one(user_id.to_ascii_lowercase())
        } else {
            self.hasher.hash_one(user_id)
        }
    }
}

/// Rows that may have claimed one account.
#[derive(Debug)]
pub(crate) struct Suspects {
    hash: u64,
    /// Their lines.
    pub(crate) lines: Vec<u64>,
}

/// Whether two ids are one account's.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one == other || is_uuid(one) && one.eq_ignore_ascii_case(other)
}

/// In the place of the line in a claim that was taken back: line 1 is the header's.
const NOBODY: u64 = 1;

/// What a claim is made of: the line below, as much of the hash as fits above.
#[derive(Debug, Clone, Copy)]
struct Slot {
    bytes: usize,
    line_bits: u32,
}

/// Bits of the hash that are kept at least: of a thousand rows on the way, one is suspected.
const LEAST_BITS: u32 = 10;

impl Slot {
    /// No input has more lines than 2^48, so that eight bytes are always enough.
    fn for_lines(last_line: u64) -> Self {
        let line_bits = (u64::BITS - last_line.leading_zeros()).clamp(1, 48);
        Self { bytes: (line_bits + LEAST_BITS).div_ceil(8) as usize, line_bits }
    }

    fn claim(self, hash: u64, line: u64) -> u64 {
        // The upper half of the hash is kept; the lower one leads to the slot.
        let claim = hash >> 32 << self.line_bits | line & self.line_mask();
        claim & self.mask()
    }

    /// The line of a claim that could be of this hash.
    fn line(self, claim: u64, hash: u64) -> Option<u64> {
        let same = claim & !self.line_mask() == self.claim(hash, 0);
        same.then_some(claim & self.line_mask())
    }

    const fn line_mask(self) -> u64 {
        (1 << self.line_bits) - 1
    }

    const fn mask(self) -> u64 {
        u64::MAX >> (u64::BITS as usize - self.bytes * 8)
    }
}

/// Claims by hash: each in the slot to which its hash leads, or in the next that was free.
#[derive(Debug)]
struct Table {
    /// 0 is a free slot: no row is on line 0.
    slots: Vec<u8>,
    slot: Slot,
    len: usize,
    claims: usize,
}

/// So many of ten slots are used: more make the ways long, fewer waste room.
const USED_OF_10: usize = 9;
const LEAST_ROOM: u64 = 64;

impl Table {
    fn new(claims: u64, slot: Slot) -> Self {
        let claims = usize::try_from(claims.max(LEAST_ROOM)).unwrap_or(usize::MAX);
        let len = claims.saturating_mul(10).div_ceil(USED_OF_10) + 1;
        Self { slots: vec![0; len.saturating_mul(slot.bytes)], slot, len, claims: 0 }
    }

    const fn has_room(&self) -> bool {
        self.claims * 10 < self.len * USED_OF_10
    }

    /// The claims that could be of this hash: their places and lines.
    fn claims_of(&self, hash: u64) -> impl Iterator<Item = (usize, u64)> + '_ {
        let way = self.places(hash).map(|place| (place, self.claim_at(place)));
        let taken = way.take_while(|(_, claim)| *claim != 0);
        taken.filter_map(move |(place, claim)| Some((place, self.slot.line(claim, hash)?)))
    }

    fn put(&mut self, hash: u64, line: u64) {
        let free = self.places(hash).find(|place| self.claim_at(*place) == 0);
        if let Some(place) = free {
            self.set(place, self.slot.claim(hash, line));
            self.claims += 1;
        }
    }

    fn set(&mut self, place: usize, claim: u64) {
        let size = self.slot.bytes;
        self.slots[place * size..][..size].copy_from_slice(&claim.to_le_bytes()[..size]);
    }

    fn claim_at(&self, place: usize) -> u64 {
        let (mut bytes, size) = ([0; 8], self.slot.bytes);
        bytes[..size].copy_from_slice(&self.slots[place * size..][..size]);
        u64::from_le_bytes(bytes)
    }

    /// All places, from where the way of a hash begins.
    fn places(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let lower = u128::from(hash & 0xffff_ffff);
        let start = usize::try_from((lower * self.len as u128) >> 32).unwrap_or_default();
        (start..self.len).chain(0..start)
    }
}

fn is_uuid(id: &str) -> bool {
    let fits = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    id.len() == 36 && id.bytes().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(accounts: &mut Accounts, user_id: &str, line: u64) {
        let suspects = accounts.suspects(user_id);
        accounts.claim(&suspects, line);
    }

    #[test]
    fn whoever_claimed_an_account_is_suspected() {
        for last_line in [4, 1 << 20, 1 << 40, u64::MAX] {
            let mut accounts = Accounts::new(last_line, 0);
            for line in 2..2000 {
                claim(&mut accounts, &format!("id {line}"), line.min(last_line));
            }
            for line in 2..2000 {
                assert!(
                    accounts.suspects(&format!("id {line}")).lines.contains(&line.min(last_line)),
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn ids_have_case_and_uuids_have_none() {
        let uuid = "3f0c1e52-77a1-4be1-9e7e-d3b3c6ffab12";
        let mut accounts = Accounts::new(9, 8);
        claim(&mut accounts, uuid, 6);
        assert_eq!(accounts.suspects(&uuid.to_uppercase()).lines, [6]);
        assert!(is_same(uuid, &uuid.to_uppercase()) && is_same("a", "a"));
        assert!(!is_same("a", "A") && !is_same(uuid, "a"));
    }

    #[test]
    fn a_claim_can_be_taken_back() {
        let mut accounts = Accounts::new(99, 0);
        for line in 2..60 {
            claim(&mut accounts, &format!("id {line}"), line);
        }
        for line in 2..60 {
            accounts.release(&format!("id {line}"), line + 1);
            assert!(
                accounts.suspects(&format!("id {line}")).lines.contains(&line),
                "only its own row takes it back"
            );
            accounts.release(&format!("id {line}"), line);
            assert!(!accounts.suspects(&format!("id {line}")).lines.contains(&line));
        }
    }

    #[test]
    fn a_claim_is_made_once() {
        let mut accounts = Accounts::new(9, 8);
        for _ in 0..1000 {
            claim(&mut accounts, "a", 2);
        }
        assert_eq!((accounts.suspects("a").lines, accounts.tables.len()), (vec![2], 1));
    }

    #[test]
    fn a_million_claims_take_less_than_five_bytes_each_and_few_are_suspected() {
        const ROWS: u64 = 1_000_000;
        let mut accounts = Accounts::new(ROWS + 1, ROWS);
        for line in 2..ROWS + 2 {
            let table = accounts.tables.last_mut().unwrap();
            table.put(accounts.hasher.hash_one(line), line);
        }
        let bytes: usize = accounts.tables.iter().map(|table| table.slots.len()).sum();
        assert!(bytes as u64 <= 5 * ROWS && accounts.tables.len() == 1, "{bytes} bytes");
        let suspects: usize = (0..1000).map(|n| accounts.suspects(&format!("another {n}")).lines.len()).sum();
        assert!(suspects < 100, "{suspects} of the rows on 1000 ways");
    }
}
