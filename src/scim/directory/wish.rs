//! Whether the list is read at all: arithmetic.

use crate::domain::wanted::Wanted;

/// From so many rows on it is worth a request to learn how long the list is: a hundredth of what they cost.
const ROWS_WORTH_A_QUESTION: u64 = 100;

/// When the list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// If any row has to be looked up at all.
    Always,
    /// If that costs clearly fewer requests than a look-up for each row.
    Cheaper,
}

/// What the list is read for.
#[derive(Debug)]
pub(crate) struct Wish {
    /// When it is read.
    pub(crate) when: When,
    /// Rows that have yet to be looked up.
    pub(crate) rows: u64,
    /// Their addresses, perhaps among others.
    pub(crate) wanted: Wanted,
    /// Requests in the air at once.
    pub(crate) concurrency: usize,
}

impl Wish {
    /// Whether there is reason to ask how long the list is.
    pub(super) const fn is_worth_a_question(&self) -> bool {
        match self.when {
            When::Always => self.rows > 0,
            When::Cheaper => self.rows >= ROWS_WORTH_A_QUESTION,
        }
    }

    /// Whether so many more pages of a list of so many users are worth it: they must cost no more than
    /// half of the look-ups that they can spare, as some users will not be in the list.
    pub(super) fn is_worth(&self, pages: u64, users: u64) -> bool {
        match self.when {
            When::Always => true,
            When::Cheaper => costs_less(self.rows, pages, users),
        }
    }
}

fn costs_less(rows: u64, pages: u64, users: u64) -> bool {
    pages.saturating_mul(2) <= rows.min(users)
}

/// Whether the list of so many users would be read for so many rows where nobody says how to look them up.
pub(crate) fn is_worth_reading(rows: u64, pages: u64, users: u64) -> bool {
    // The first page is what the question itself costs.
    rows >= ROWS_WORTH_A_QUESTION && costs_less(rows, pages.saturating_sub(1), users)
}

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use super::*;
    use crate::domain::wanted::Folding;

    #[test]
    fn the_list_is_read_where_that_costs_clearly_less() {
        let wish = |when, rows| {
            let wanted = Wanted::new(Folding::new(RandomState::new()), Vec::new());
            Wish { when, rows, wanted, concurrency: 1 }
        };
        let asks = |when, rows| wish(when, rows).is_worth_a_question();
        assert!(!asks(When::Always, 0) && asks(When::Always, 1));
        assert!(!asks(When::Cheaper, 99) && asks(When::Cheaper, 100));
        for (rows, pages, users, worth) in [
            (10_000, 99, 10_000, true),
            (200, 99, 10_000, true),
            (197, 99, 10_000, false),
            (10_000, 1, 1, false),
            (10_000, 1, 2, true),
            (100, 0, 0, true),
            (100, u64::MAX, u64::MAX, false),
        ] {
            assert_eq!(wish(When::Cheaper, rows).is_worth(pages, users), worth, "{rows} {pages} {users}");
            assert!(wish(When::Always, rows).is_worth(pages, users));
        }
    }
}
