//! Trials at random: a few in every test run, as many as asked for with `SCIM_REKEY_TRIALS`.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How many at a time. Each is a program and a sandbox, which wait most of the time.
const AT_ONCE: usize = 6;

/// How many trials are asked for, or this many.
pub(crate) fn trials(few: usize) -> usize {
    std::env::var("SCIM_REKEY_TRIALS").ok().and_then(|text| text.parse().ok()).unwrap_or(few)
}

/// What each of so many trials came to.
pub(crate) fn tried<T: Send>(count: usize, trial: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = || {
        let numbers = std::iter::from_fn(|| {
            Some(next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < count)
        });
        numbers.map(&trial).collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE.min(count)).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}
