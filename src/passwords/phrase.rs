//! Passphrases: words with hyphens between them, and digits at the end.
//!
//! Capitals and hyphens stand in the same places each time. They are there for the policy; the words
//! alone are what has to be guessed.

use bip39::Language;
use secrecy::zeroize::Zeroizing;

use super::alphabet::CLEAR;
use super::policy::Policy;
use super::randomness::Randomness;
use crate::domain::secret::Secret;

/// The fewest words: 11 bits each, 77 in all.
const FEWEST: u8 = 7;
/// Letters of the shortest and of the longest word of the list.
const LETTERS: (usize, usize) = (3, 8);

/// So many words, so many of them with a capital, and so many digits.
#[derive(Debug)]
pub(super) struct Phrase {
    words: usize,
    capitals: usize,
    digits: usize,
}

impl Phrase {
    /// Passphrases of `words` words, unless they are too easily guessed or can miss the policy.
    pub(super) fn new(words: u8, policy: &Policy) -> Result<Self, String> {
        if words < FEWEST {
            return Err(format!("{words} words are guessed too easily: {FEWEST} are the fewest"));
        }
        let phrase = Self {
            words: words.into(),
            capitals: policy.min_upper.max(1).into(),
            digits: policy.min_digits.max(1).into(),
        };
        let longest = phrase.len(LETTERS.1);
        if longest > policy.max_length.into() {
            let allowed = policy.max_length;
            return Err(format!("{words} words can take {longest} characters, and {allowed} are allowed"));
        }
        if phrase.meets(policy) {
            return Ok(phrase);
        }
        let enough = (words..=u8::MAX).find(|more| Self { words: (*more).into(), ..phrase }.meets(policy));
        let advice = enough.map_or_else(String::new, |enough| format!(": {enough} always do"));
        Err(format!("{words} words do not always meet the policy{advice}"))
    }

    /// Whether even the shortest words are enough.
    fn meets(&self, policy: &Policy) -> bool {
        let letters = self.words * LETTERS.0;
        let enough = |have: usize, wanted: u16| have >= wanted.into();
        self.capitals <= self.words
            && enough(self.len(LETTERS.0), policy.min_length)
            && enough(letters, policy.min_letters)
            && enough(letters - self.capitals, policy.min_lower)
            && enough(self.words, policy.min_specials)
    }

    /// Characters, with words of so many letters.
    fn len(&self, letters: usize) -> usize {
        self.words * (letters + 1) + self.digits
    }

    /// A new passphrase.
    pub(super) fn draw(&self, randomness: &mut Randomness) -> Secret {
        let list = Language::English.word_list();
        let mut text = Zeroizing::new(String::with_capacity(self.len(LETTERS.1)));
        for number in 0..self.words {
            let begin = text.len();
            text.push_str(list[randomness.below(list.len())]);
            if number < self.capitals {
                text[begin..=begin].make_ascii_uppercase();
            }
            text.push('-');
        }
        text.extend((0..self.digits).map(|_| randomness.one_of(CLEAR.digits)));
        // A copy of the exact size: making it smaller later could leave the first one behind.
        Secret::new(text.as_str().to_owned())
    }
}
