//! Passwords for those who have to hand them out: sealed to their keys, and opened with them.
//!
//! It refuses any key but age's own (X25519), and never shows one that is secret. Its invariant: nothing
//! of a password is on disk, in an error or in `Debug` output, and what comes out is what went in or a
//! fault with the number of its message.
//!
//! An age file cannot be appended to. So the file is a series of them, each armored, complete in itself
//! and after a line that says which entries it holds ([`series`]). Inside is a table ([`table`]).

pub(crate) mod recipients;
pub(crate) mod sealed;
mod series;
mod table;
#[cfg(test)]
mod tests;
pub(crate) mod unsealed;
