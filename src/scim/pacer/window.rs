//! How many requests may be in the air, where nobody knows what the service takes.
//!
//! What is in the air when a service begins to refuse is refused as well. So while no pace is known, no
//! more is put at stake than a share of what was answered well; and after a refusal one goes first.

/// In the air at first, and one more for each so many good answers.
const FIRST: usize = 8;
const ANSWERS_FOR_ONE_MORE: usize = 8;

/// The window. It opens with every good answer.
#[derive(Debug)]
pub(super) enum Window {
    /// No bound but the rows in work.
    Wide,
    /// Nothing was ever refused.
    Start {
        /// Good answers so far.
        answers: usize,
    },
    /// After a refusal: twofold up to the threshold, then slowly.
    Opening {
        /// So many may be in the air.
        size: usize,
        /// Up to here it is safe.
        threshold: usize,
        /// Good answers since it was last made wider.
        answers: usize,
    },
}

impl Window {
    /// So many may be in the air.
    pub(super) const fn size(&self) -> usize {
        match self {
            Self::Wide => usize::MAX,
            Self::Start { answers } => FIRST + *answers / ANSWERS_FOR_ONE_MORE,
            Self::Opening { size, .. } => *size,
        }
    }

    /// Whether it is any bound.
    pub(super) const fn is_wide(&self) -> bool {
        matches!(self, Self::Wide)
    }

    /// A request was refused while so many were in the air: one goes first. With a pace to keep, its
    /// good answer is enough.
    pub(super) fn refused(&mut self, in_air: usize, paced: bool) {
        let threshold = if paced { usize::MAX } else { (in_air / 2).max(2) };
        *self = Self::Opening { size: 1, threshold, answers: 0 };
    }

    /// Another of those that were refused together: still only one goes first.
    pub(super) const fn refused_again(&mut self) {
        if let Self::Opening { size, answers, .. } = self {
            (*size, *answers) = (1, 0);
        }
    }

    /// A good answer. A window as wide as there are requests is none.
    pub(super) fn answered(&mut self, concurrency: usize) {
        match self {
            Self::Wide => return,
            Self::Start { answers } => *answers += 1,
            Self::Opening { size, threshold: usize::MAX, .. } => *size = usize::MAX,
            Self::Opening { size, threshold, .. } if *size < *threshold => {
                *size = size.saturating_mul(2).min(*threshold);
            }
            Self::Opening { size, answers, .. } => {
                *answers += 1;
                if *answers >= ANSWERS_FOR_ONE_MORE {
                    (*size, *answers) = (*size + 1, 0);
                }
            }
        }
        if self.size() >= concurrency {
            *self = Self::Wide;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(window: &mut Window, answers: usize) -> usize {
        (0..answers).for_each(|_| window.answered(64));
        window.size()
    }

    #[test]
    fn no_more_is_at_stake_than_a_share_of_what_was_answered() {
        let mut window = Window::Start { answers: 0 };
        assert_eq!(window.size(), 8);
        assert_eq!(after(&mut window, 320), 48);
        assert_eq!(after(&mut window, 160), usize::MAX, "as wide as there are rows in work");
    }

    #[test]
    fn after_a_refusal_one_goes_first() {
        let mut window = Window::Wide;
        window.refused(20, false);
        assert_eq!([1, 2, 4, 8, 10, 10], [0, 1, 1, 1, 1, 7].map(|answers| after(&mut window, answers)));
        assert_eq!(after(&mut window, 1), 11);
        window.refused_again();
        assert_eq!(window.size(), 1);
        window.refused(20, true);
        assert_eq!([window.size(), after(&mut window, 1)], [1, usize::MAX], "the pace is enough");
    }
}
