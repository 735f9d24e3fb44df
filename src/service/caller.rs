//! Owns who may call, as `[[serve.caller]]` writes it, and the keys that callers are given.
//!
//! One invariant: what is kept of a key is its SHA-256, and no key shorter than 256 bits can match one.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Deserialize;

use super::settings::Misconfigured;
use crate::domain::secret::Secret;
use crate::domain::text;

/// How every key begins, so that a search for lost secrets finds it.
const PREFIX: &str = "srk_";

/// SHA-256.
pub(super) type Sha256 = [u8; 32];

/// One `[[serve.caller]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallerSettings {
    id: String,
    /// Of up to two keys, so that one can replace the other.
    #[serde(default)]
    key_sha256: Vec<String>,
    /// Of up to two client certificates (the DER form).
    #[serde(default)]
    client_certificate_sha256: Vec<String>,
    /// The e-mail domains of the users that may be reset.
    domains: Vec<String>,
    /// RFC 3339.
    expires: Option<String>,
    #[serde(default = "usual_requests")]
    requests_per_minute: usize,
}

const fn usual_requests() -> usize {
    10
}

/// Somebody who may ask for resets.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(super) id: String,
    pub(super) keys: Vec<Sha256>,
    pub(super) certificates: Vec<Sha256>,
    pub(super) domains: Arc<[String]>,
    pub(super) expires: Option<Timestamp>,
    pub(super) requests_per_minute: usize,
}

impl Caller {
    /// Everything that this caller is known by.
    pub(super) fn digests(&self) -> impl Iterator<Item = &Sha256> {
        self.keys.iter().chain(&self.certificates)
    }

    /// Whether users of this address are his to reset. Only ASCII is folded, as in a user's name.
    pub(super) fn may_reset(&self, email: &str) -> bool {
        let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
        self.domains.iter().any(|own| own.eq_ignore_ascii_case(domain))
    }

    /// Whether his time is over.
    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| now >= end)
    }
}

impl CallerSettings {
    /// Checks one caller. `certificates`: whether client certificates are looked at.
    pub(super) fn check(self, certificates: bool) -> Result<Caller, Misconfigured> {
        let wrong = |key: &str, why: &str| Misconfigured::new(format!("serve.caller.{key}"), why);
        if text::token(&self.id).is_none() {
            return Err(wrong("id", "must be 1 to 64 letters, digits, - _ or ."));
        }
        let digests = |key: &str, written: &[String]| {
            let read: Option<Vec<_>> = written.iter().map(|hex| from_hex(hex)).collect();
            read.filter(|digests| digests.len() <= 2)
                .ok_or_else(|| wrong(key, "must be up to two SHA-256 digests of 64 hex digits"))
        };
        let keys = digests("key_sha256", &self.key_sha256)?;
        let shown = digests("client_certificate_sha256", &self.client_certificate_sha256)?;
        if keys.is_empty() && shown.is_empty() {
            return Err(wrong("key_sha256", "is missing, and client_certificate_sha256 too"));
        }
        if !shown.is_empty() && !certificates {
            return Err(wrong("client_certificate_sha256", "needs serve.client_ca"));
        }
        let sound = |domain: &String| {
            domain.contains('.') && !domain.contains(|c: char| "@*".contains(c) || c.is_whitespace())
        };
        if self.domains.is_empty() || !self.domains.iter().all(sound) {
            return Err(wrong("domains", "must be e-mail domains, each in full, and at least one"));
        }
        let expires = self.expires.as_deref().map(str::parse).transpose();
        let expires = expires.map_err(|_| wrong("expires", "must be a time of RFC 3339"))?;
        if !(1..=100_000).contains(&self.requests_per_minute) {
            return Err(wrong("requests_per_minute", "must be from 1 to 100000"));
        }
        Ok(Caller {
            id: self.id,
            keys,
            certificates: shown,
            domains: self.domains.into(),
            expires,
            requests_per_minute: self.requests_per_minute,
        })
    }
}

fn from_hex(written: &str) -> Option<Sha256> {
    text::unhex(written)?.try_into().ok()
}

/// The SHA-256 of what was presented, if it has the shape of a key. Only keys of 256 bits have it: a
/// digest of a guessable word matches nothing, so guessing is hopeless however often it is tried.
pub(super) fn digest_of(presented: &str) -> Option<Sha256> {
    let bits = URL_SAFE_NO_PAD.decode(presented.strip_prefix(PREFIX)?).ok()?;
    (bits.len() == 32).then(|| sha256(presented.as_bytes()))
}

/// SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> Sha256 {
    let mut digest = Sha256::default();
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    digest
}

/// Makes a key for a caller, and what to write into `key_sha256`. It is `None` where the system has no
/// randomness to give.
pub(crate) fn new_key() -> Option<(Secret, String)> {
    let mut bits = [0; 32];
    SystemRandom::new().fill(&mut bits).ok()?;
    let key = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bits));
    let digest = text::hex(&sha256(key.as_bytes()));
    Some((Secret::new(key), digest))
}
