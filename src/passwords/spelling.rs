//! Passwords of characters: a letter, then what each class of the policy asks for and others, in any
//! order.
//!
//! The invariant: none is more likely than 1 in 2^128. How the characters came about is forgotten in the
//! shuffle, which can only make that better, so the count of choices is a lower bound.

use secrecy::zeroize::Zeroizing;

use super::alphabet::{Alphabet, CLEAR, FULL};
use super::policy::Policy;
use super::randomness::Randomness;
use crate::domain::secret::Secret;

/// No password is shorter.
const SHORTEST: usize = 20;
/// Bits that every password is worth.
const BITS: f64 = 128.0;
/// Characters that are read at one go.
const GROUP: usize = 4;
/// What stands between groups.
const BETWEEN: char = '-';

/// So many characters out of each of these.
#[derive(Debug)]
pub(super) struct Spelling {
    /// The first is a letter: neither a spreadsheet nor a command line takes it for something else.
    first: Vec<u8>,
    parts: Vec<(Vec<u8>, usize)>,
    grouped: bool,
}

impl Spelling {
    /// Passwords out of all characters that are safe.
    pub(super) fn random(policy: &Policy) -> Result<Self, String> {
        let alphabet = FULL;
        let all = [&alphabet.letters(), alphabet.digits, alphabet.specials].concat();
        let mut new = Self::with(policy, &alphabet, policy.min_specials.max(1).into(), all, false);
        new.grow_to(SHORTEST.max(policy.min_length.into()));
        new.fitting(policy)
    }

    /// Passwords that can be read out and typed: in groups of four, without what is mistaken.
    pub(super) fn readable(policy: &Policy) -> Result<Self, String> {
        let alphabet = CLEAR;
        let rest = [&alphabet.letters(), alphabet.digits].concat();
        // At least four hyphens stand between as many characters.
        let specials = usize::from(policy.min_specials).saturating_sub(SHORTEST / GROUP - 1);
        let mut new = Self::with(policy, &alphabet, specials, rest, true);
        while new.len() < policy.min_length.into() {
            new.grow_to(new.drawn() + 1);
        }
        let full = new.drawn().next_multiple_of(GROUP);
        if full + full / GROUP - 1 <= policy.max_length.into() {
            new.grow_to(full);
        }
        new.fitting(policy)
    }

    fn with(policy: &Policy, alphabet: &Alphabet, specials: usize, rest: Vec<u8>, grouped: bool) -> Self {
        let (upper, lower) = (policy.min_upper.max(1).into(), policy.min_lower.max(1).into());
        let letters = usize::from(policy.min_letters).saturating_sub(1 + upper + lower);
        let parts = vec![
            (alphabet.upper.to_vec(), upper),
            (alphabet.lower.to_vec(), lower),
            (alphabet.digits.to_vec(), policy.min_digits.max(1).into()),
            (alphabet.specials.to_vec(), specials),
            (alphabet.letters(), letters),
            (rest, 0),
        ];
        let mut new = Self { first: alphabet.letters(), parts, grouped };
        new.grow_to(SHORTEST);
        while new.bits() < BITS {
            new.grow_to(new.drawn() + 1);
        }
        new
    }

    /// Takes more of the last part, up to so many characters in all.
    fn grow_to(&mut self, characters: usize) {
        let more = characters.saturating_sub(self.drawn());
        if let Some((_, last)) = self.parts.last_mut() {
            *last += more;
        }
    }

    fn fitting(self, policy: &Policy) -> Result<Self, String> {
        let (longest, length) = (policy.max_length, self.len());
        let words = || {
            format!(
                "a safe password that meets the policy takes {length} characters, and {longest} are allowed"
            )
        };
        if length <= longest.into() { Ok(self) } else { Err(words()) }
    }

    /// Characters that are drawn.
    fn drawn(&self) -> usize {
        1 + self.parts.iter().map(|(_, number)| number).sum::<usize>()
    }

    /// Characters of a password.
    pub(super) fn len(&self) -> usize {
        let drawn = self.drawn();
        if self.grouped { drawn + drawn.div_ceil(GROUP) - 1 } else { drawn }
    }

    /// How unlikely the likeliest password is, in bits, at least.
    pub(super) fn bits(&self) -> f64 {
        let parts = self.parts.iter().map(|(characters, number)| bits(characters) * count(*number));
        bits(&self.first) + parts.sum::<f64>()
    }

    /// A new password.
    pub(super) fn draw(&self, randomness: &mut Randomness) -> Secret {
        // In their final size from the start: what is moved for want of room is left behind unwiped.
        let mut rest = Zeroizing::new(Vec::with_capacity(self.drawn()));
        for (characters, number) in &self.parts {
            rest.extend((0..*number).map(|_| randomness.one_of(characters)));
        }
        randomness.shuffle(&mut rest);
        let mut text = String::with_capacity(self.len());
        text.push(randomness.one_of(&self.first));
        for (number, character) in rest.iter().enumerate() {
            if self.grouped && (number + 1) % GROUP == 0 {
                text.push(BETWEEN);
            }
            text.push(*character);
        }
        Secret::new(text)
    }
}

fn bits(characters: &[u8]) -> f64 {
    count(characters.len()).log2()
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
