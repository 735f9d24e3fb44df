//! The only chance in a run: the jitter of its back-offs. A test gives it a seed, so that the same run
//! can be had again.

/// Anything in 0..1, each as likely.
pub(crate) fn chance() -> f64 {
    #[cfg(test)]
    if let Some(chance) = seeded::next() {
        return chance;
    }
    rand::random()
}

#[cfg(test)]
pub(crate) mod seeded {
    use std::cell::RefCell;

    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    thread_local! {
        static SOURCE: RefCell<Option<StdRng>> = const { RefCell::new(None) };
    }

    /// From now on this thread has no other chance than that of the seed.
    pub(crate) fn begin(seed: u64) {
        SOURCE.set(Some(StdRng::seed_from_u64(seed)));
    }

    pub(super) fn next() -> Option<f64> {
        SOURCE.with_borrow_mut(|source| source.as_mut().map(StdRng::random))
    }
}
