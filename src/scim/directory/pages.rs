//! Which pages of the list are still to be asked for, whatever the service makes of the question.
//!
//! Pure. The first page says how many users there are, and what is asked for are those, once: who is
//! added later is not found in the list, and is asked for by name. So no list is without an end.

use std::collections::VecDeque;

/// Users a page where the service does not say how many it shows.
const USUAL_SIZE: u64 = 100;
/// More would not fit into a reply that is read.
const LARGEST_SIZE: u64 = 1000;
/// The vendor's default: a smaller page is no longer the reason why one is refused.
const SMALLEST_SIZE: u64 = 25;
/// A million users in pages of the vendor's default. What is longer is no list that would help anybody.
const MOST_PAGES: u64 = 40_000;
pub(super) const MOST_USERS: u64 = 5_000_000;

/// A stretch of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    /// Where it begins, counted from 1.
    pub(super) start: u64,
    /// Users in it.
    pub(super) count: u64,
    /// How often it was refused when it could not be asked for in smaller pages.
    pub(super) refused: u32,
}

/// What is left of the list.
#[derive(Debug)]
pub(super) struct Pages {
    size: u64,
    open: VecDeque<Span>,
    asked: u64,
    total: Option<u64>,
}

/// Why the list is not read to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Endless {
    /// It does not say how long it is.
    NoTotal,
    /// It counts users and shows none.
    Empty,
    /// It is longer than any list should be.
    TooLong,
}

/// Users a page, where the service says how many it shows or does not.
pub(crate) fn size(max_results: Option<u64>) -> u64 {
    max_results.unwrap_or(USUAL_SIZE).clamp(1, LARGEST_SIZE)
}

impl Pages {
    /// The first page, as large as the service says.
    pub(super) fn new(max_results: Option<u64>) -> Self {
        let size = size(max_results);
        let first = Span { start: 1, count: size, refused: 0 };
        Self { size, open: VecDeque::from([first]), asked: 0, total: None }
    }

    /// The next page to ask for, if there is one now.
    pub(super) fn next(&mut self) -> Option<Result<Span, Endless>> {
        let mut span = self.open.pop_front()?;
        if self.asked >= MOST_PAGES {
            return Some(Err(Endless::TooLong));
        }
        self.asked += 1;
        if span.count > self.size {
            let (start, count) = (span.start + self.size, span.count - self.size);
            self.open.push_front(Span { start, count, refused: 0 });
            span.count = self.size;
        }
        Some(Ok(span))
    }

    /// A page came, with so many users of so many.
    pub(super) fn came(&mut self, span: &Span, shown: u64, total: Option<u64>) -> Result<(), Endless> {
        if self.total.is_some() {
            self.rest_of(span, shown, span.count);
            return Ok(());
        }
        let last = total.is_none() && shown < span.count;
        let total = total.or(last.then_some(shown)).ok_or(Endless::NoTotal)?.max(shown);
        if shown == 0 && total > 0 {
            return Err(Endless::Empty);
        }
        // One that shows fewer than it was asked for shows no more on any page.
        self.size = self.size.min(shown).max(1);
        self.total = Some(total);
        self.rest_of(span, shown, total);
        if total > MOST_USERS || self.left() >= MOST_PAGES { Err(Endless::TooLong) } else { Ok(()) }
    }

    /// The rest of so many is asked for next, unless nothing came at all: then the list ends here now.
    fn rest_of(&mut self, span: &Span, shown: u64, of: u64) {
        if shown == 0 {
            self.open.retain(|other| other.start < span.start);
        } else if shown < of {
            let (start, count) = (span.start + shown, of - shown);
            self.open.push_front(Span { start, count, refused: 0 });
        }
    }

    /// A page was refused, perhaps because it is too large: from now on pages are half of it. Returns how
    /// often it was refused when it could not be halved any more.
    pub(super) fn refused(&mut self, mut span: Span) -> u32 {
        let smaller = (span.count / 2).max(SMALLEST_SIZE);
        if smaller < span.count {
            self.size = self.size.min(smaller);
            // Until it has come, the first page is the only one that is asked for.
            if self.total.is_none() {
                span.count = self.size;
            }
        } else {
            span.refused += 1;
        }
        let refused = span.refused;
        self.open.push_front(span);
        refused
    }

    /// Whether so many users are a whole page, as large as any.
    pub(super) const fn is_whole(&self, shown: u64) -> bool {
        shown >= self.size
    }

    /// Pages that are yet to be asked for.
    pub(super) fn left(&self) -> u64 {
        self.open.iter().map(|span| span.count.div_ceil(self.size)).fold(0, u64::saturating_add)
    }

    /// How many users the first page counted.
    pub(super) const fn total(&self) -> Option<u64> {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads a list of `users` whose service shows at most `most` a page; what was asked for, in order.
    fn asked(max_results: Option<u64>, most: u64, users: u64) -> Vec<(u64, u64)> {
        let mut pages = Pages::new(max_results);
        let mut asked = Vec::new();
        while let Some(span) = pages.next() {
            let span = span.unwrap();
            asked.push((span.start, span.count));
            let shown = span.count.min(most).min((users + 1).saturating_sub(span.start));
            pages.came(&span, shown, Some(users)).unwrap();
        }
        asked
    }

    #[test]
    fn the_size_of_a_page_is_what_the_service_says_within_reason() {
        let first = |says| asked(says, u64::MAX, 5000)[0];
        for (says, size) in
            [(None, 100), (Some(50), 50), (Some(1000), 1000), (Some(1_000_000), 1000), (Some(0), 1)]
        {
            assert_eq!(first(says), (1, size), "{says:?}");
        }
        assert_eq!(asked(Some(100), 100, 250), [(1, 100), (101, 100), (201, 50)]);
        // It shows 40, whatever it says.
        assert_eq!(asked(Some(100), 40, 100), [(1, 100), (41, 40), (81, 20)]);
        assert_eq!(asked(None, 100, 0), [(1, 100)]);
        // It shows everybody, whatever it is asked for.
        let mut all = Pages::new(None);
        let span = all.next().unwrap().unwrap();
        assert_eq!(all.came(&span, 5000, Some(5000)), Ok(()));
        assert_eq!(all.next(), None);
    }

    #[test]
    fn a_list_that_counts_more_than_it_shows_ends_where_it_ends() {
        let mut pages = Pages::new(Some(100));
        let first = pages.next().unwrap().unwrap();
        pages.came(&first, 100, Some(3_000_000)).unwrap();
        let air: Vec<_> = (0..3).map(|_| pages.next().unwrap().unwrap()).collect();
        pages.came(&air[2], 0, Some(3_000_000)).unwrap();
        pages.came(&air[0], 60, Some(3_000_000)).unwrap();
        assert_eq!(pages.next().map(|span| span.unwrap().start), Some(161));
        assert_eq!(pages.next(), None);
    }

    #[test]
    fn a_page_that_is_refused_is_asked_for_in_halves() {
        let mut pages = Pages::new(Some(200));
        let mut sizes = Vec::new();
        for _ in 0..6 {
            let span = pages.next().unwrap().unwrap();
            sizes.push((span.start, span.count, pages.refused(span)));
        }
        assert_eq!(sizes, [(1, 200, 0), (1, 100, 0), (1, 50, 0), (1, 25, 1), (1, 25, 2), (1, 25, 3)]);
    }

    #[test]
    fn pages_refused_together_are_halved_once() {
        let mut pages = Pages::new(Some(100));
        let first = pages.next().unwrap().unwrap();
        pages.came(&first, 100, Some(400)).unwrap();
        let air: Vec<_> = (0..3).map(|_| pages.next().unwrap().unwrap()).collect();
        assert!(air.into_iter().all(|span| pages.refused(span) == 0));
        assert_eq!(pages.left(), 6);
        let mut starts: Vec<_> = (0..6).map(|_| pages.next().unwrap().unwrap().start).collect();
        starts.sort_unstable();
        assert_eq!(starts, [101, 151, 201, 251, 301, 351]);
    }

    #[test]
    fn a_list_that_says_nothing_of_its_length_or_shows_nobody_is_not_read() {
        let came = |shown, total| {
            let mut pages = Pages::new(Some(100));
            let span = pages.next().unwrap().unwrap();
            pages.came(&span, shown, total)
        };
        assert_eq!(came(100, None), Err(Endless::NoTotal));
        assert_eq!(came(99, None), Ok(()));
        assert_eq!(came(0, Some(5)), Err(Endless::Empty));
        assert_eq!(came(0, Some(0)), Ok(()));
        assert_eq!(came(1, Some(u64::MAX)), Err(Endless::TooLong));
        assert_eq!(came(100, Some(3_000_000)), Ok(()));
        assert_eq!(came(100, Some(6_000_000)), Err(Endless::TooLong));
        assert_eq!(came(20, Some(1_000_000)), Err(Endless::TooLong));
    }

    proptest! {
        #[test]
        fn whatever_comes_the_reading_ends(
            first in (0u64..300, proptest::option::of(0u64..20_000)),
            answers in proptest::collection::vec((0u64..300, 0u64..u64::MAX, any::<bool>()), 1..50),
        ) {
            let mut pages = Pages::new(Some(100));
            let span = pages.next().unwrap().unwrap();
            if pages.came(&span, first.0, first.1).is_err() {
                return Ok(());
            }
            let users = pages.total().unwrap();
            for (shown, total, refused) in answers.iter().cycle() {
                let Some(Ok(span)) = pages.next() else { break };
                prop_assert!(span.count > 0 && span.start + span.count <= users + 1, "{span:?} of {users}");
                // At least one comes, or none ever does.
                if *refused && span.refused < 3 {
                    pages.refused(span);
                } else {
                    pages.came(&span, *shown, Some(*total)).unwrap();
                }
            }
            prop_assert!(pages.asked <= MOST_PAGES);
        }
    }
}
