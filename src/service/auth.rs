//! Owns the question who calls: a bearer key, or a client certificate.
//!
//! One invariant: how long the answer takes says nothing about any key, since each presented key is
//! compared with all there are, each in constant time.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

use super::caller::{Caller, Sha256, digest_of};

/// Everybody who may call.
pub(crate) struct Callers(Vec<Arc<Caller>>);

/// What a request says about who sent it.
#[derive(Debug)]
pub(super) enum Claim {
    /// Nothing.
    None,
    /// Something that is not true, or not any more.
    Wrong,
    /// The truth.
    Proven(Arc<Caller>),
}

impl Callers {
    pub(super) fn new(callers: Vec<Arc<Caller>>) -> Self {
        Self(callers)
    }

    /// Who sent this. A key, right or wrong, counts before a certificate.
    pub(super) fn judge(&self, headers: &HeaderMap, certificate: Option<&Sha256>) -> Claim {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let caller = match (given.next(), given.next(), certificate) {
            (None, _, None) => return Claim::None,
            (None, _, Some(shown)) => self.find(shown, |caller| &caller.certificates),
            (Some(_), Some(_), _) => None,
            (Some(value), None, _) => {
                let key = value.to_str().ok().and_then(bearer).and_then(digest_of);
                key.and_then(|digest| self.find(&digest, |caller| &caller.keys))
            }
        };
        match caller {
            Some(caller) if !caller.has_expired(Timestamp::now()) => Claim::Proven(caller),
            _ => Claim::Wrong,
        }
    }

    fn find(&self, digest: &Sha256, known: impl Fn(&Caller) -> &Vec<Sha256>) -> Option<Arc<Caller>> {
        let mut found = u64::MAX;
        for (caller, number) in self.0.iter().zip(0_u64..) {
            for one in known(caller) {
                found.conditional_assign(&number, one.ct_eq(digest));
            }
        }
        self.0.get(usize::try_from(found).ok()?).cloned()
    }
}

/// The credentials of the scheme `Bearer`, whose name has no case (RFC 9110, section 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim_start_matches(' '))
}
