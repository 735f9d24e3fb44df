//! Places where a test can make this program fail. They exist in debug builds only.

/// Panics when the environment names this place: `sync`, or `sync:3` for the third time.
#[cfg(debug_assertions)]
#[track_caller]
pub(crate) fn hit(place: &str) {
    use std::sync::atomic::{AtomicU32, Ordering};
    static HITS: AtomicU32 = AtomicU32::new(0);
    let named = std::env::var("SCIM_REKEY_FAILPOINT").unwrap_or_default();
    let (name, nth) = named.split_once(':').unwrap_or((&named, "1"));
    if name == place {
        let hits = HITS.fetch_add(1, Ordering::Relaxed) + 1;
        assert!(nth.parse() != Ok(hits), "failpoint {place}");
    }
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
pub(crate) const fn hit(_place: &str) {}
