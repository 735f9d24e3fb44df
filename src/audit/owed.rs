//! Who was not told yet: the fold over notices.
//!
//! Invariant: a row is owed a notice from its `updated` on until one was sent or given up for good, so that
//! a crash between the two repeats the notice and never the change.

use std::collections::BTreeSet;

use super::record::Delivery;
use crate::domain::text::count;

/// Rows whose users were not told yet, and the counts of those who were.
#[derive(Debug, Default, Clone)]
pub(crate) struct Owed {
    lines: BTreeSet<u64>,
    /// Notices that were taken.
    pub(crate) sent: u64,
    /// Notices that never will be.
    pub(crate) given_up: u64,
}

impl Owed {
    /// The user of this row was changed.
    pub(crate) fn add(&mut self, line: u64) {
        self.lines.insert(line);
    }

    /// What became of a notice. One that is repeated after a crash counts once.
    pub(crate) fn note(&mut self, line: u64, delivery: Delivery) {
        let counter = match delivery {
            Delivery::Sent => &mut self.sent,
            Delivery::GivenUp => &mut self.given_up,
            Delivery::Failed => return,
        };
        *counter += u64::from(self.lines.remove(&line));
    }

    /// Whether the user of this row was not told yet.
    pub(crate) fn holds(&self, line: u64) -> bool {
        self.lines.contains(&line)
    }

    /// Who was not.
    pub(crate) fn lines(&self) -> impl Iterator<Item = u64> + '_ {
        self.lines.iter().copied()
    }

    /// What is left to do when every row is done.
    pub(crate) fn sentence(&self) -> Option<String> {
        let left = count(self.len(), "notice");
        (self.len() > 0).then(|| format!("{left} still to be sent; the same command goes on with them"))
    }

    /// How many were not.
    pub(crate) fn len(&self) -> u64 {
        self.lines.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_owed_a_notice_until_it_is_sent_or_given_up() {
        let mut owed = Owed::default();
        for line in [2, 3, 4] {
            owed.add(line);
        }
        owed.note(2, Delivery::Failed);
        assert!(owed.holds(2));
        for (line, delivery) in
            [(2, Delivery::Sent), (2, Delivery::Sent), (3, Delivery::GivenUp), (9, Delivery::Sent)]
        {
            owed.note(line, delivery);
        }
        assert_eq!((owed.len(), owed.sent, owed.given_up), (1, 1, 1));
        assert!(owed.holds(4) && !owed.holds(3));
    }
}
