//! A part of the rows, for one of several machines.
//!
//! Owns the division. Invariant: every row is in exactly one shard of so many, and all rows of one user in
//! the same: on every machine, in every version, whatever stands around them.

use std::fmt;

use ring::digest::{SHA256, digest};

/// Shard `number` (from 1) of `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shard {
    number: u32,
    of: u32,
}

impl Shard {
    /// More machines than that have no use for one list.
    pub(crate) const MOST: u32 = 10_000;

    /// Shard `number` of `of`, if there is such a one.
    pub(crate) fn new(number: u32, of: u32) -> Option<Self> {
        ((1..=of).contains(&number) && of <= Self::MOST).then_some(Self { number, of })
    }

    /// The same from its words, `K/N`.
    pub(crate) fn read(words: &str) -> Option<Self> {
        let (number, of) = words.split_once('/')?;
        Self::new(number.parse().ok()?, of.parse().ok()?)
    }

    /// All shards of so many.
    pub(crate) fn siblings(self) -> impl Iterator<Item = Self> {
        (1..=self.of).map(move |number| Self { number, ..self })
    }

    /// Whether the rows of this user are in it. Rows that name nobody are in the first.
    ///
    /// The user's shard is the remainder of the first eight bytes (the highest first) of the SHA-256 of
    /// the address, with A to Z made small, and one more: whatever [`Email::names`] takes for one
    /// user is in one shard.
    ///
    /// [`Email::names`]: super::email::Email::names
    pub(crate) fn holds(self, email: Option<&str>) -> bool {
        let Some(email) = email else { return self.number == 1 };
        let digest = digest(&SHA256, email.to_ascii_lowercase().as_bytes());
        let (first, _) = digest.as_ref().split_at(8);
        let hash = first.iter().fold(0, |hash, byte| hash << 8 | u64::from(*byte));
        hash % u64::from(self.of) + 1 == u64::from(self.number)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Computed apart from this program, as `printf %s ADDRESS | sha256sum` does it; every version must agree.
    const SHARDS: [(&str, [u32; 4]); 4] = [
        ("a@example.com", [1, 3, 3, 235]),
        ("Ann@Example.COM", [2, 1, 3, 454]),
        ("user1@example.com", [2, 2, 1, 282]),
        ("jörg@example.com", [1, 1, 1, 709]),
    ];

    fn homes(email: Option<&str>, of: u32) -> Vec<u32> {
        (1..=of).filter(|number| Shard::new(*number, of).unwrap().holds(email)).collect()
    }

    #[test]
    fn the_division_is_the_documented_one() {
        for (email, shards) in SHARDS {
            for (of, expected) in [2, 3, 7, 1000].into_iter().zip(shards) {
                assert_eq!(homes(Some(email), of), [expected], "{email} of {of}");
            }
        }
        assert_eq!(homes(None, 5), [1]);
    }

    #[test]
    fn there_is_no_shard_beyond_the_last() {
        for (number, of) in [(0, 3), (4, 3), (0, 0), (1, 0), (1, Shard::MOST + 1)] {
            assert_eq!(Shard::new(number, of), None, "{number}/{of}");
        }
        assert_eq!(Shard::new(3, 3).unwrap().to_string(), "3/3");
    }

    proptest! {
        #[test]
        fn every_row_is_in_one_shard_and_every_user_too(
            rows in prop::collection::vec(prop::option::of("[a-zA-ZäÄ.]{1,8}@[a-zA-Z]{1,8}\\.test"), 1..20),
            of in 1u32..60,
        ) {
            for email in &rows {
                let homes = homes(email.as_deref(), of);
                prop_assert_eq!(homes.len(), 1);
                for spelling in [str::to_ascii_uppercase, str::to_ascii_lowercase] {
                    let other = email.as_deref().map(spelling);
                    prop_assert_eq!(&self::homes(other.as_deref(), of), &homes);
                }
            }
        }
    }
}
