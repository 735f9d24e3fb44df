//! Passwords: what an organisation asks of them, whether one names its user, and making new ones.
//!
//! It refuses to make what is guessed too easily. Its one invariant: no words that leave this room hold
//! anything of a password.

mod alphabet;
mod phrase;
pub(crate) mod policy;
mod randomness;
pub(crate) mod recipe;
mod spelling;
#[cfg(test)]
mod tests;
