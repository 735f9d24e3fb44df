//! The tokens of one OAuth client, one for each place in the pool.
//!
//! Invariant: no two places use the same token. A service that limits tokens would count them as one.

use std::sync::Arc;

use super::auth::{Auth, Credentials, Denied, Token, Tries};
use super::echo::Credential;
use super::http::Http;
use super::pacer::Pacer;

/// All places.
#[derive(Debug)]
pub(crate) struct Keyring {
    places: Vec<Auth>,
    client_secret: Credential,
}

/// What asking for a token led to.
#[derive(Debug)]
pub(crate) enum Key {
    /// One that nobody else uses.
    Own(Arc<Token>),
    /// The one that another place has already.
    Twin,
}

impl Keyring {
    /// So many places, at least one; nothing is asked for yet.
    pub(crate) fn new(http: &Http, credentials: Credentials, tries: Tries, places: usize) -> Self {
        let client_secret = Credential::of_client(credentials.client_secret.expose());
        let credentials = Arc::new(credentials);
        let place = |number| Auth::new(http.clone(), Arc::clone(&credentials), tries, number > 0);
        Self { places: (0..places.max(1)).map(place).collect(), client_secret }
    }

    /// The token of a place, if it can be used as it is.
    pub(crate) fn ready(&self, place: usize) -> Option<Arc<Token>> {
        self.places[place].ready()
    }

    /// The token of a place, fetched or renewed where it must be.
    pub(crate) async fn token(&self, place: usize, pacer: &Pacer) -> Result<Key, Denied> {
        let token = self.places[place].token(pacer).await?;
        let others = self.places.iter().enumerate().filter(|(other, _)| *other != place);
        let twin = others.filter_map(|(_, auth)| auth.ready()).any(|other| other.is_same(&token));
        Ok(if twin { Key::Twin } else { Key::Own(token) })
    }

    /// Lifetimes of the tokens issued since the last call, in seconds.
    pub(crate) fn issued(&self) -> Vec<u64> {
        self.places.iter().flat_map(Auth::issued).collect()
    }

    /// Whether this is so of the client secret or of a token of this run.
    pub(crate) fn any_credential(&self, so: impl Fn(&Credential) -> bool) -> bool {
        so(&self.client_secret) || self.places.iter().any(|place| place.any_token(&so))
    }

    /// Token requests sent.
    pub(crate) fn requests(&self) -> u64 {
        self.places.iter().map(Auth::requests).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use reqwest::header::HeaderMap;

    use super::*;
    use crate::domain::secret::Secret;
    use crate::scim::auth::ClientAuth;
    use crate::scim::echo;
    use crate::scim::http::{Body, Lost, Network, Options, Reply, Request};
    use crate::scim::pacer::{Pace, Patience};

    /// Gives `numbered-token-0001` and so on, and the third one twice.
    #[derive(Debug, Default)]
    struct Endpoint(AtomicU64);

    impl Network for Endpoint {
        fn carry(&self, _: Request) -> Pin<Box<dyn Future<Output = Result<Reply, Lost>> + Send + '_>> {
            let number = self.0.fetch_add(1, Ordering::Relaxed).min(2) + 1;
            let body = format!(r#"{{"access_token":"numbered-token-{number:04}","expires_in":3600}}"#);
            let body = Body::Whole(body.into_bytes());
            Box::pin(async { Ok(Reply { status: 200, headers: HeaderMap::new(), body }) })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_token_of_every_place_is_known_and_none_is_used_twice() {
        let second = Duration::from_secs(1);
        let http = Http::new(&Options {
            request_timeout: second,
            concurrency: 1,
            ca_pem: None,
            loopback: true,
            network: Some(Arc::new(Endpoint::default())),
        });
        let credentials = Credentials {
            url: "http://127.0.0.1:9/token".parse().unwrap(),
            client_id: "client".to_owned(),
            client_secret: Secret::new("the secret of the client".to_owned()),
            client_auth: ClientAuth::Basic,
            scope: None,
        };
        let tries = Tries { max_attempts: 1, max_outage: second, again: false };
        let patience = Patience { max_wait: second, max_outage: second, concurrency: 1 };
        let pacer = Pacer::new(Pace::Unlimited, 3, patience);
        let ring = Keyring::new(&http.unwrap(), credentials, tries, 3);
        for place in [0, 1] {
            assert!(matches!(ring.token(place, &pacer).await, Ok(Key::Own(_))));
        }
        ring.ready(0).unwrap().reject();
        assert!(matches!(ring.token(0, &pacer).await, Ok(Key::Own(_))));
        assert!(matches!(ring.token(2, &pacer).await, Ok(Key::Twin)), "the third again");
        for known in
            ["numbered-token-0001", "numbered-token-0002", "numbered-token-0003", "the secret of the client"]
        {
            assert!(ring.any_credential(|credential| credential.is_in(&echo::Id::new(known))), "{known}");
        }
        assert!(!ring.any_credential(|credential| credential.is_in(&echo::Id::new("numbered-token-0004"))));
        assert_eq!((ring.requests(), ring.issued().len()), (4, 4));
    }
}
