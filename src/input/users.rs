//! Rows about one user.
//!
//! Owns the search for them. Refuses rows of which one user would get two different things,
//! all of them, because none can be told to be the right one. Invariant: no password is kept;
//! what rows ask for is compared by digests under a key that lives as long as the comparison.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::RandomState;

use ring::digest::{Context, SHA256};

use super::error::InputError;
use super::pass::Pass;
use crate::domain::phone::Phone;
use crate::domain::secret::Secret;
use crate::domain::target::{Defect, Row, Target, Value};
use crate::domain::wanted::{Folding, Wanted};

/// One keyed hash per row that names a user: a million rows take 8 MB.
pub(super) struct Users {
    folding: Folding,
    hashes: Vec<u64>,
}

impl Default for Users {
    fn default() -> Self {
        Self { folding: Folding::new(RandomState::new()), hashes: Vec::new() }
    }
}

/// Hashes that came more than once. Most often they mean one user, now and then two.
pub(super) struct Suspects {
    folding: Folding,
    hashes: Vec<u64>,
}

/// What the rows about one user turned out to be.
#[derive(Default)]
pub(super) struct Verdict {
    pub(super) duplicates: HashMap<u64, u64>,
    pub(super) conflicts: Vec<Defect>,
}

impl Users {
    pub(super) fn note(&mut self, email: &str) {
        self.hashes.push(self.folding.hash(email));
    }

    /// Those who seem to come more than once, and all of them.
    pub(super) fn sorted(mut self) -> (Suspects, Wanted) {
        self.hashes.sort_unstable();
        let repeated = |pair: &[u64]| (pair[0] == pair[1]).then_some(pair[0]);
        let mut hashes: Vec<u64> = self.hashes.windows(2).filter_map(repeated).collect();
        hashes.dedup();
        (Suspects { folding: self.folding.clone(), hashes }, Wanted::new(self.folding, self.hashes))
    }
}

impl Suspects {
    pub(super) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    fn include(&self, email: &str) -> bool {
        self.hashes.binary_search(&self.folding.hash(email)).is_ok()
    }
}

/// A row whose user may have another one.
struct Entry {
    line: u64,
    /// A digest; nothing for a row that cannot be read.
    asks: Option<[u8; 16]>,
    email: Box<str>,
}

impl Entry {
    /// Orders as `Email::names` compares.
    fn compare_users(&self, other: &Self) -> Ordering {
        let other = other.email.bytes().map(|byte| byte.to_ascii_lowercase());
        let folded = self.email.bytes().map(|byte| byte.to_ascii_lowercase());
        folded.cmp(other)
    }
}

/// Reads the input again and compares the rows of suspected users by their exact keys.
pub(super) fn compare(mut pass: Pass<'_>, suspects: &Suspects) -> Result<Verdict, InputError> {
    let salt = suspects.folding.hash("what a row asks for").to_ne_bytes();
    let mut entries = Vec::new();
    while let Some(row) = pass.advance()? {
        let (line, email, asks) = match &row {
            Row::Sound(target) => (target.line, target.email.as_str(), Some(asks(salt, target))),
            Row::Bad(Defect { line, email: Some(email), .. }) => (*line, email.as_str(), None),
            Row::Bad(_) => continue,
        };
        if suspects.include(email) {
            entries.push(Entry { line, asks, email: email.into() });
        }
    }
    entries.sort_unstable_by(|a, b| a.compare_users(b).then(a.line.cmp(&b.line)));
    let mut verdict = Verdict::default();
    for group in entries.chunk_by(|a, b| a.compare_users(b).is_eq()) {
        verdict.judge(group);
    }
    Ok(verdict)
}

impl Verdict {
    /// Judges all rows of one user, in order of line.
    fn judge(&mut self, group: &[Entry]) {
        let Some((first, copies)) = group.split_first() else {
            return;
        };
        let Some(other) = copies.iter().find(|copy| copy.asks != first.asks) else {
            // Bad rows are alike in that they ask for nothing anybody knows.
            let pairs = copies.iter().filter(|_| first.asks.is_some()).map(|copy| (copy.line, first.line));
            self.duplicates.extend(pairs);
            return;
        };
        self.conflicts.extend(group.iter().filter(|copy| copy.asks.is_some()).map(|copy| {
            let against = if copy.asks == first.asks { other } else { first };
            let reason = if against.asks.is_some() {
                format!("asks for something else than line {} for the same user", against.line)
            } else {
                format!("line {} for the same user cannot be read", against.line)
            };
            Defect { line: copy.line, email: Some(copy.email.to_string()), reason }
        }));
    }
}

/// A digest of what a row asks for. Parts are told apart by their lengths.
fn asks(salt: [u8; 8], target: &Target) -> [u8; 16] {
    let mut context = Context::new(&SHA256);
    context.update(&salt);
    let password = target.password.value().map(Secret::expose);
    let phone = target.phone.as_ref().map(Phone::expose);
    for part in [password, phone] {
        // An empty cell asks for nothing, so no part that is there is empty.
        let part = part.unwrap_or_default();
        context.update(&part.len().to_ne_bytes());
        context.update(part.as_bytes());
    }
    for Value { attribute, text } in &target.attributes {
        context.update(&attribute.to_ne_bytes());
        context.update(&text.expose().len().to_ne_bytes());
        context.update(text.expose().as_bytes());
    }
    let digest = context.finish();
    std::array::from_fn(|index| digest.as_ref()[index])
}
