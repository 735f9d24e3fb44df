//! Which accounts the list has shown, and which of them more than once.
//!
//! Four bytes of a hash each: two that are alike now and then cost a look-up by name, and nothing else.

use std::collections::HashSet;

use crate::domain::wanted::Folding;

/// The accounts shown so far.
#[derive(Debug)]
pub(super) struct Seen {
    folding: Folding,
    once: HashSet<u32>,
    twice: HashSet<u32>,
}

impl Seen {
    /// Nobody yet.
    pub(super) fn new(folding: Folding) -> Self {
        Self { folding, once: HashSet::new(), twice: HashSet::new() }
    }

    /// Notes an account. True when it was not shown before.
    pub(super) fn note(&mut self, id: &str) -> bool {
        let hash = self.short(id);
        let new = self.once.insert(hash);
        if !new {
            self.twice.insert(hash);
        }
        new
    }

    /// How many were shown.
    pub(super) fn len(&self) -> usize {
        self.once.len()
    }

    /// Whether anybody was shown twice.
    pub(super) fn repeats(&self) -> bool {
        !self.twice.is_empty()
    }

    /// Whether this one was, perhaps under two names.
    pub(super) fn repeated(&self, id: &str) -> bool {
        self.twice.contains(&self.short(id))
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lower half of a hash is one, too")]
    fn short(&self, id: &str) -> u32 {
        self.folding.hash(id) as u32
    }
}

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use super::*;

    #[test]
    fn an_account_is_known_again_in_either_case() {
        let mut seen = Seen::new(Folding::new(RandomState::new()));
        assert!(seen.note("3f0c") && seen.note("7") && !seen.repeats());
        assert!(!seen.note("3F0C") && seen.repeats());
        assert!(seen.repeated("3f0c") && !seen.repeated("7"));
    }
}
