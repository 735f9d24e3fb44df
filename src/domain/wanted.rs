//! The addresses that the input asks for, at eight bytes each: enough to leave out nearly everybody
//! else of a long list, and never enough to say who somebody is.

use std::hash::{BuildHasher, RandomState};

/// A keyed hash of addresses in which ASCII case does not count, as it does not in
/// [`Email::names`](super::email::Email::names).
#[derive(Debug, Clone)]
pub(crate) struct Folding(RandomState);

impl Folding {
    /// A hash under this key.
    pub(crate) const fn new(key: RandomState) -> Self {
        Self(key)
    }

    /// The hash of an address, or of an id.
    pub(crate) fn hash(&self, text: &str) -> u64 {
        self.0.hash_one(text.to_ascii_lowercase())
    }
}

/// Hashes of the addresses of the input, each once.
#[derive(Debug)]
pub(crate) struct Wanted {
    folding: Folding,
    /// In order.
    hashes: Vec<u64>,
}

impl Wanted {
    /// The set of these hashes, which are in order and may repeat.
    pub(crate) fn new(folding: Folding, mut hashes: Vec<u64>) -> Self {
        hashes.dedup();
        hashes.shrink_to_fit();
        Self { folding, hashes }
    }

    /// How its hashes are made.
    pub(crate) const fn folding(&self) -> &Folding {
        &self.folding
    }

    /// Whether the input may ask for this address: if not, it certainly does not.
    pub(crate) fn may_include(&self, address: &str) -> bool {
        self.hashes.binary_search(&self.folding.hash(address)).is_ok()
    }

    /// Addresses in it.
    pub(crate) const fn len(&self) -> usize {
        self.hashes.len()
    }
}
