//! Which row has claimed which account, so that two rows never change one.
//!
//! A million rows must fit beside everything else, so a claim is eight bytes: the line, and as much of
//! the account's hash as there is room for. With a million rows that is 44 bits, beside those that lead
//! to the slot. That two accounts are taken for one happens in fewer than one of a million such runs,
//! and then costs a row its change, and nobody the wrong one.

use std::hash::{BuildHasher, RandomState};

/// The claims of one run.
#[derive(Debug)]
pub(crate) struct Accounts {
    hasher: RandomState,
    /// All are full but the last.
    tables: Vec<Table>,
    /// The bits of a slot that hold the line.
    line_mask: u64,
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
        let line_mask = u64::MAX.checked_shr(last_line.leading_zeros()).unwrap_or(0);
        Self { hasher: RandomState::new(), tables: vec![Table::new(rows)], line_mask }
    }

    /// Claims an account for a row; the row that has it already, if another.
    ///
    /// Ids that differ in case are two (RFC 7643 section 3.1), but for UUIDs, which a service may
    /// show in either case (RFC 9562 section 4).
    pub(crate) fn claim(&mut self, user_id: &str, line: u64) -> Option<u64> {
        let id = if is_uuid(user_id) { user_id.to_ascii_lowercase() } else { user_id.to_owned() };
        let hash = self.hasher.hash_one(id);
        let mut free = None;
        for table in &mut self.tables {
            match table.find(hash, self.line_mask) {
                Ok(claim) => return Some(claim & self.line_mask).filter(|first| *first != line),
                Err(place) => free = place.map(|place| (place, table)),
            }
        }
        let claim = hash & !self.line_mask | line & self.line_mask;
        if let Some((place, table)) = free {
            table.put(place, claim);
        } else {
            let mut table = Table::new(self.tables.iter().map(|full| full.claims).sum::<usize>() as u64);
            table.put(start(hash, table.slots.len()), claim);
            self.tables.push(table);
        }
        None
    }
}

/// Claims by hash: each in the slot to which its hash leads, or in the next that was free.
#[derive(Debug)]
struct Table {
    /// 0 is a free one: no row is on line 0.
    slots: Vec<u64>,
    claims: usize,
}

/// So many of twenty slots are used: more make the ways long, fewer waste room.
const USED_OF_20: usize = 18;
const LEAST_ROOM: u64 = 64;

impl Table {
    fn new(claims: u64) -> Self {
        let claims = usize::try_from(claims.max(LEAST_ROOM)).unwrap_or(usize::MAX);
        Self { slots: vec![0; claims.saturating_mul(20).div_ceil(USED_OF_20) + 1], claims: 0 }
    }

    /// The claim of this hash, or the place for it, if there is room for one more.
    fn find(&self, hash: u64, line_mask: u64) -> Result<u64, Option<usize>> {
        let mut place = start(hash, self.slots.len());
        loop {
            let claim = self.slots[place];
            if claim == 0 {
                let has_room = self.claims * 20 < self.slots.len() * USED_OF_20;
                return Err(has_room.then_some(place));
            }
            if claim & !line_mask == hash & !line_mask {
                return Ok(claim);
            }
            place = if place + 1 < self.slots.len() { place + 1 } else { 0 };
        }
    }

    fn put(&mut self, place: usize, claim: u64) {
        self.slots[place] = claim;
        self.claims += 1;
    }
}

/// Where the way of a hash begins. Its lower half says it, since its upper bits stand in the slot.
fn start(hash: u64, slots: usize) -> usize {
    let lower = u128::from(hash & 0xffff_ffff);
    usize::try_from((lower * slots as u128) >> 32).unwrap_or_default()
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

    #[test]
    fn the_first_row_has_the_account() {
        let mut accounts = Accounts::new(9, 8);
        assert_eq!(accounts.claim("a", 2), None);
        assert_eq!(accounts.claim("b", 3), None);
        assert_eq!(accounts.claim("a", 2), None, "its own");
        assert_eq!((accounts.claim("a", 9), accounts.claim("b", 4)), (Some(2), Some(3)));
        assert_eq!(accounts.claim("A", 5), None, "ids have case");
        let uuid = "3f0c1e52-77a1-4be1-9e7e-d3b3c6ffab12";
        assert_eq!(accounts.claim(uuid, 6), None);
        assert_eq!(accounts.claim(&uuid.to_uppercase(), 7), Some(6), "and UUIDs have none");
    }

    #[test]
    fn many_claims_are_told_apart_in_nine_bytes_each() {
        const ROWS: u64 = 50_000;
        for room in [ROWS, 0] {
            let mut accounts = Accounts::new(ROWS + 1, room);
            for line in 2..ROWS + 2 {
                assert_eq!(accounts.claim(&format!("id {line}"), line), None);
            }
            for line in 2..ROWS + 2 {
                assert_eq!(accounts.claim(&format!("id {line}"), 1), Some(line));
            }
            let bytes: usize = accounts.tables.iter().map(|table| table.slots.len() * 8).sum();
            assert!(room == 0 || bytes as u64 <= 9 * ROWS, "{bytes} bytes");
        }
    }
}
