//! The characters that passwords are made of.
//!
//! None means anything to a shell, ends a CSV cell, or has two names on the telephone. Nor is `_` among
//! them, which some services do not count as special.

/// Characters by class.
#[derive(Debug)]
pub(super) struct Alphabet {
    pub(super) upper: &'static [u8],
    pub(super) lower: &'static [u8],
    pub(super) digits: &'static [u8],
    pub(super) specials: &'static [u8],
}

/// All that are safe.
pub(super) const FULL: Alphabet = Alphabet {
    upper: b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    lower: b"abcdefghijklmnopqrstuvwxyz",
    digits: b"0123456789",
    specials: b"+-=.:%@",
};

/// Without those that are mistaken for each other: `0OQo`, `1Iil|`, `2Zz`, `5Ss`, `6Gb`, `8B`, `9gq`;
/// one is left where it stands for itself.
pub(super) const CLEAR: Alphabet = Alphabet {
    upper: b"ACDEFHJKLMNPRTUVWXY",
    lower: b"acdefhjkmnprtuvwxy",
    digits: b"34679",
    specials: b"+=%@",
};

/// What comes out of a spreadsheet as a formula when a cell begins with it.
#[cfg(test)]
pub(super) const LEADING: [char; 4] = ['=', '+', '-', '@'];

impl Alphabet {
    /// Capital and small letters.
    pub(super) fn letters(&self) -> Vec<u8> {
        [self.upper, self.lower].concat()
    }
}
