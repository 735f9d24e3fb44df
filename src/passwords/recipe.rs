//! Making passwords.
//!
//! It refuses what cannot be met. Its invariant: one recipe never makes one password for two users, and
//! none that names its user.
//!
//! Beyond one process nothing is remembered, and chance has to do: among a million passwords of
//! [`Style::Random`] or [`Style::Readable`] the odds that any two are alike are below 1 in 10^26, among a
//! million passphrases of seven words below 1 in 10^11.

use std::collections::HashSet;

use ring::hmac;

use super::phrase::Phrase;
use super::policy::{Policy, resembles};
use super::randomness::Randomness;
use super::spelling::Spelling;
use crate::domain::email::Email;
use crate::domain::secret::Secret;

/// What passwords look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// As short as is safe.
    Random,
    /// To be read out and typed.
    Readable,
    /// A passphrase of so many words.
    Words(u8),
}

/// How to make passwords, and which were made.
pub(crate) struct Recipe {
    kind: Kind,
    randomness: Randomness,
    /// Under a key of this process: what is remembered cannot be compared with anything elsewhere.
    key: hmac::Key,
    /// Eight bytes of each are enough. Two that only look alike cost another draw.
    made: HashSet<u64>,
}

#[derive(Debug)]
enum Kind {
    Spelling(Spelling),
    Phrase(Phrase),
}

impl Recipe {
    /// A recipe for passwords that always meet the policy, or why there is none.
    pub(crate) fn new(style: Style, policy: Policy) -> Result<Self, String> {
        let kind = match style {
            Style::Random => Kind::Spelling(Spelling::random(&policy)?),
            Style::Readable => Kind::Spelling(Spelling::readable(&policy)?),
            Style::Words(words) => Kind::Phrase(Phrase::new(words, &policy)?),
        };
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &ring::rand::SystemRandom::new());
        let key = key.map_err(|_| "the system gives no random numbers")?;
        Ok(Self { kind, randomness: Randomness::new()?, key, made: HashSet::new() })
    }

    /// A password for this user and nobody else.
    pub(crate) fn make(&mut self, email: &Email) -> Secret {
        loop {
            let password = match &self.kind {
                Kind::Spelling(spelling) => spelling.draw(&mut self.randomness),
                Kind::Phrase(phrase) => phrase.draw(&mut self.randomness),
            };
            if resembles(&password, email).is_none() && self.is_new(&password) {
                return password;
            }
        }
    }

    /// Whether it was never made before. From now on it was.
    pub(super) fn is_new(&mut self, password: &Secret) -> bool {
        let tag = hmac::sign(&self.key, password.expose().as_bytes());
        let eight = tag.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        self.made.insert(eight)
    }
}

impl std::fmt::Debug for Recipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recipe").field("kind", &self.kind).finish_non_exhaustive()
    }
}
