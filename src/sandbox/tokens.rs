//! Owns access tokens: their life, what each has used of the rate limit, and what each was told to wait.

use std::collections::HashMap;

use super::ids;
use super::limit::Limit;
use super::meter::{Meter, Standing};

/// So many tokens are kept before dead ones are cleared away.
const CROWD: usize = 1000;

/// All tokens ever issued, as far as they matter still.
#[derive(Default)]
pub(super) struct Tokens {
    by_secret: HashMap<String, Token>,
    issued: u64,
    last: String,
    /// What all tokens have used of a limit that they share.
    shared: Meter,
    /// What the token endpoint itself announced.
    endpoint_hold: Option<Hold>,
}

/// One access token.
#[derive(Default)]
pub(super) struct Token {
    /// From 1, in the order of issue.
    number: u64,
    expires_ms: u64,
    revoked: bool,
    meter: Meter,
    hold: Option<Hold>,
}

/// A `Retry-After` that was announced.
#[derive(Clone, Copy)]
pub(super) struct Hold {
    pub(super) announced_ms: u64,
    pub(super) until_ms: u64,
}

impl Tokens {
    /// A new token that lives from `now_ms` for `life_ms`.
    pub(super) fn issue(&mut self, now_ms: u64, life_ms: u64) -> String {
        if self.by_secret.len() >= CROWD {
            self.by_secret.retain(|_, token| token.alive(now_ms));
        }
        let secret = ids::secret();
        self.issued += 1;
        let expires_ms = now_ms.saturating_add(life_ms);
        let token = Token { number: self.issued, expires_ms, ..Token::default() };
        self.by_secret.insert(secret.clone(), token);
        self.last.clone_from(&secret);
        secret
    }

    /// The token that was issued last, if it is good now.
    pub(super) fn again(&self, now_ms: u64) -> Option<String> {
        self.good(&self.last, now_ms).map(|_| self.last.clone())
    }

    /// The place of a token in the order of issue.
    pub(super) fn number(&self, secret: &str) -> Option<u64> {
        self.by_secret.get(secret).map(|token| token.number)
    }

    /// Counts a request with this token against the limit.
    pub(super) fn count(&mut self, secret: &str, limit: &Limit, now_ms: u64) -> Option<Standing> {
        let own = &mut self.by_secret.get_mut(secret)?.meter;
        let meter = if limit.shared { &mut self.shared } else { own };
        Some(meter.count(limit, now_ms))
    }

    /// The tokens issued, those cleared away left out.
    pub(super) fn all(&self) -> Vec<String> {
        self.by_secret.keys().cloned().collect()
    }

    /// The token, if it is good now.
    pub(super) fn good(&self, secret: &str, now_ms: u64) -> Option<&Token> {
        self.by_secret.get(secret).filter(|token| token.alive(now_ms))
    }

    pub(super) fn revoke(&mut self, secret: &str) {
        if let Some(token) = self.by_secret.get_mut(secret) {
            token.revoked = true;
        }
    }

    pub(super) fn revoke_all(&mut self) {
        self.by_secret.values_mut().for_each(|token| token.revoked = true);
    }

    /// When the hold was announced that a request arriving now disregards. Without a token it is
    /// the token endpoint's.
    pub(super) fn disregarded(&self, secret: Option<&str>, now_ms: u64) -> Option<u64> {
        let hold = match secret {
            Some(secret) => self.by_secret.get(secret)?.hold,
            None => self.endpoint_hold,
        };
        let hold = hold.filter(|hold| now_ms < hold.until_ms)?;
        Some(hold.announced_ms)
    }

    /// Remembers an announcement; an earlier one that reaches further stays.
    pub(super) fn announce(&mut self, secret: Option<&str>, hold: Hold) {
        let place = match secret {
            Some(secret) => match self.by_secret.get_mut(secret) {
                Some(token) => &mut token.hold,
                None => return,
            },
            None => &mut self.endpoint_hold,
        };
        if place.is_none_or(|old| old.until_ms < hold.until_ms) {
            *place = Some(hold);
        }
    }
}

impl Token {
    const fn alive(&self, now_ms: u64) -> bool {
        !self.revoked && now_ms < self.expires_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_expire_and_can_be_revoked() {
        let mut tokens = Tokens::default();
        let (first, second) = (tokens.issue(0, 10), tokens.issue(5, 10));
        assert!(tokens.good(&first, 9).is_some());
        assert!(tokens.good(&first, 10).is_none());
        assert!(tokens.good("made up", 0).is_none());
        tokens.revoke_all();
        assert!(tokens.good(&second, 6).is_none());
    }

    #[test]
    fn the_hold_that_reaches_furthest_counts() {
        let mut tokens = Tokens::default();
        let hold = |announced_ms, until_ms| Hold { announced_ms, until_ms };
        tokens.announce(None, hold(10, 30));
        tokens.announce(None, hold(12, 20));
        assert_eq!(tokens.disregarded(None, 29), Some(10));
        assert_eq!(tokens.disregarded(None, 30), None);
        assert_eq!(tokens.disregarded(Some("made up"), 29), None);
    }
}
