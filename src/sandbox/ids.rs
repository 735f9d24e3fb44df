//! Owns identifiers: random ones for tokens and secrets, derived ones for accounts.
//!
//! A derived id depends on nothing but the text, so that a rehearsal continued after a restart of
//! the sandbox meets the same accounts under the same ids.

/// A fresh identifier in the shape of a UUID.
pub(super) fn random() -> String {
    hyphenated(rand::random())
}

/// 256 random bits in hexadecimal, for tokens and client secrets.
pub(super) fn secret() -> String {
    format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>())
}

/// The identifier that always belongs to this text (FNV-1a, 128 bits).
pub(super) fn derived(text: &str) -> String {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let hash = text.bytes().fold(BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    hyphenated(hash)
}

fn hyphenated(number: u128) -> String {
    let hex = format!("{number:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_ids_are_stable_and_differ() {
        assert_eq!(derived("a@example.com"), derived("a@example.com"));
        assert_ne!(derived("a@example.com"), derived("b@example.com"));
        assert_eq!(derived("").len(), 36);
    }

    #[test]
    fn random_ids_differ() {
        assert_ne!(random(), random());
        assert_eq!(secret().len(), 64);
    }
}
