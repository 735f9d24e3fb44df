//! Numbers that nobody can foretell.
//!
//! They come from the operating system, through the library that TLS relies on: no generator of our own
//! is seeded, copied by a fork or found in memory later. What was drawn and not used is wiped.

use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::zeroize::{Zeroize as _, Zeroizing};

/// Bytes asked for at once: enough for most passwords.
const HELD: usize = 128;

/// A stock of random bytes, each used once.
pub(super) struct Randomness {
    system: SystemRandom,
    held: Zeroizing<[u8; HELD]>,
    used: usize,
}

impl Randomness {
    /// Randomness, if the system has any.
    pub(super) fn new() -> Result<Self, String> {
        let mut new = Self { system: SystemRandom::new(), held: Zeroizing::new([0; HELD]), used: HELD };
        new.refill().map(|()| new)
    }

    fn refill(&mut self) -> Result<(), String> {
        self.used = 0;
        self.system.fill(&mut *self.held).map_err(|_| "the system gives no random numbers".to_owned())
    }

    /// The next byte. A system that stops giving any ends the program: nothing else would be safe.
    fn byte(&mut self) -> u8 {
        if self.used == HELD {
            let refilled = self.refill();
            assert!(refilled.is_ok(), "the system gives no random numbers");
        }
        let byte = self.held[self.used];
        self.held[self.used].zeroize();
        self.used += 1;
        byte
    }

    /// A number below `end`, each as likely as the others.
    ///
    /// What is drawn beyond the last full multiple of `end` is thrown away: a remainder would favour
    /// small numbers.
    pub(super) fn below(&mut self, end: usize) -> usize {
        const SPAN: usize = 1 << 16;
        assert!(0 < end && end <= SPAN, "not a range to choose from");
        let fair = SPAN - SPAN % end;
        loop {
            let drawn = usize::from(u16::from_le_bytes([self.byte(), self.byte()]));
            if drawn < fair {
                return drawn % end;
            }
        }
    }

    /// One of these.
    pub(super) fn one_of(&mut self, characters: &[u8]) -> char {
        char::from(characters[self.below(characters.len())])
    }

    /// Puts them in any order, each as likely as the others.
    pub(super) fn shuffle(&mut self, characters: &mut [char]) {
        for end in (2..=characters.len()).rev() {
            characters.swap(end - 1, self.below(end));
        }
    }
}
