//! Places where a test can make this program fail. They exist in debug builds only.

/// Panics when the environment names this place.
#[cfg(debug_assertions)]
pub(crate) fn hit(place: &str) {
    let named = std::env::var_os("SCIM_REKEY_FAILPOINT").is_some_and(|named| named == place);
    assert!(!named, "failpoint {place}");
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
pub(crate) const fn hit(_place: &str) {}
