//! A token: fetched once however many wait for it, renewed before it ends and after a 401.
//!
//! Invariant: one token request at a time, and after a refusal none at all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use form_urlencoded::Serializer;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;
use tokio::time::Instant;

use super::chance::chance;
use super::echo::{Credential, form_encoded};
use super::http::{Address, Http, Lost, Reply, Request, sensitive};
use super::pacer::{Closed, Pacer};
use super::retry::{Answer, Whole, backoff, retry_after};
use super::wire::Refusal;
use crate::domain::secret::Secret;
use crate::domain::stop::{Halt, Stop};
use crate::failpoint;

/// How the client shows who it is (RFC 6749 section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientAuth {
    /// HTTP Basic.
    Basic,
    /// In the form.
    Body,
}

/// What is needed to ask for a token.
#[derive(Debug)]
pub(crate) struct Credentials {
    /// Token endpoint.
    pub(crate) url: Url,
    /// Client id.
    pub(crate) client_id: String,
    /// Client secret.
    pub(crate) client_secret: Secret,
    /// How they are sent.
    pub(crate) client_auth: ClientAuth,
    /// Scope, where the server wants one.
    pub(crate) scope: Option<String>,
}

/// How often and how long a token is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tries {
    /// Requests before giving up, as long as none ever succeeded.
    pub(crate) max_attempts: u32,
    /// The longest outage, once one has.
    pub(crate) max_outage: Duration,
    /// Whether to ask again after a refusal, when the next request wants a token.
    pub(crate) again: bool,
}

/// A bearer token.
#[derive(Debug)]
pub(crate) struct Token {
    header: HeaderValue,
    renew_at: Instant,
    /// Fetched because the one before was answered 401.
    replaces: bool,
    accepted: AtomicBool,
    rejected: AtomicBool,
}

impl Token {
    /// The `Authorization` header.
    pub(crate) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// Whether it is the same as another.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.header == other.header
    }

    /// The service has taken it.
    pub(crate) fn accept(&self) {
        self.accepted.store(true, Ordering::Relaxed);
    }

    /// The service has answered it 401: it is replaced before it is used again.
    pub(crate) fn reject(&self) {
        self.rejected.store(true, Ordering::Relaxed);
    }

    /// Whether it can be used.
    fn is_good(&self) -> bool {
        !self.is_rejected() && Instant::now() < self.renew_at
    }

    fn is_rejected(&self) -> bool {
        self.rejected.load(Ordering::Relaxed)
    }
}

/// Keeps the current token of one place in the pool.
#[derive(Debug)]
pub(crate) struct Auth {
    http: Http,
    credentials: Arc<Credentials>,
    tries: Tries,
    /// Whether the run can do without: the first token of such a place is asked for once.
    spare: bool,
    slot: tokio::sync::Mutex<Slot>,
    issued: Mutex<Vec<u64>>,
    sent: Mutex<Vec<Credential>>,
    requests: Mutex<u64>,
}

#[derive(Debug)]
enum Slot {
    Empty,
    Token(Arc<Token>),
    Refused(Stop),
}

/// Why there is no token.
#[derive(Debug)]
pub(crate) enum Denied {
    /// The run is stopping, and knows why.
    Already,
    /// The token endpoint gives none.
    NotGiven(Stop),
    /// The run must stop for this.
    Stop(Stop),
}

/// Missing, zero or absurd lifetimes count as this.
const ODD_LIFE_S: u64 = 300;
const RENEW_EARLY: Duration = Duration::from_secs(60);

impl Auth {
    /// Nothing is asked for yet.
    pub(crate) fn new(http: Http, credentials: Arc<Credentials>, tries: Tries, spare: bool) -> Self {
        Self {
            http,
            credentials,
            tries,
            spare,
            slot: tokio::sync::Mutex::const_new(Slot::Empty),
            issued: Mutex::default(),
            sent: Mutex::default(),
            requests: Mutex::new(0),
        }
    }

    /// The current token, if it can be used as it is.
    pub(crate) fn ready(&self) -> Option<Arc<Token>> {
        match &*self.slot.try_lock().ok()? {
            Slot::Token(token) if token.is_good() => Some(Arc::clone(token)),
            Slot::Empty | Slot::Token(_) | Slot::Refused(_) => None,
        }
    }

    /// The current token; another one when it is old, or was answered 401.
    pub(crate) async fn token(&self, pacer: &Pacer) -> Result<Arc<Token>, Denied> {
        let mut slot = self.slot.lock().await;
        let (known, replaces) = match &*slot {
            Slot::Refused(stop) => return Err(Denied::Stop(stop.clone())),
            Slot::Empty => (false, false),
            Slot::Token(token) if token.is_good() => return Ok(Arc::clone(token)),
            Slot::Token(token) if token.is_rejected() => {
                // A service asks again: it may be one request that is refused, and not the token.
                if token.replaces && !token.accepted.load(Ordering::Relaxed) && !self.tries.again {
                    let stop = Stop::Refused("the service refuses every token it is given (401)".to_owned());
                    *slot = Slot::Refused(stop.clone());
                    return Err(Denied::Stop(stop));
                }
                (true, true)
            }
            Slot::Token(_) => (true, false),
        };
        match self.fetch(pacer, known).await {
            Ok(grant) => {
                let token = Arc::new(grant.token(replaces));
                self.issued.lock().unwrap_or_else(PoisonError::into_inner).push(grant.life_s);
                self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(grant.credential());
                *slot = Slot::Token(Arc::clone(&token));
                Ok(token)
            }
            Err(Halt::Already) => Err(Denied::Already),
            Err(Halt::Because(stop)) => {
                *slot = self.refused(&stop);
                Err(Denied::NotGiven(stop))
            }
        }
    }

    /// What is kept of a refusal: it is the last word of a run, and a service asks again.
    fn refused(&self, stop: &Stop) -> Slot {
        if self.tries.again { Slot::Empty } else { Slot::Refused(stop.clone()) }
    }

    /// Lifetimes of the tokens issued since the last call, in seconds.
    pub(crate) fn issued(&self) -> Vec<u64> {
        std::mem::take(&mut *self.issued.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether this is so of a token of this place, the present one or one before it.
    pub(crate) fn any_token(&self, so: impl Fn(&Credential) -> bool) -> bool {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).iter().any(so)
    }

    /// Token requests sent.
    pub(crate) fn requests(&self) -> u64 {
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks until there is an answer. `known` says that the service has given tokens before, so
    /// that an outage is worth waiting for.
    async fn fetch(&self, pacer: &Pacer, known: bool) -> Result<Grant, Halt> {
        let start = Instant::now();
        let mut tries = 0;
        let mut not_before = start;
        loop {
            pacer.pause_until(not_before).await.map_err(|why| closed(why, &self.http))?;
            tries += 1;
            *self.requests.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            failpoint::hit("token");
            // Nothing depends on an answer that comes after a stop, so none is waited for.
            let reply = tokio::select! {
                biased;
                reply = self.http.send(self.credentials.request()?) => reply,
                () = pacer.closing() => return Err(Halt::Already),
            };
            let (wait, throttled) = match read(reply, &self.credentials.client_secret)? {
                Asked::Granted(grant) => return Ok(grant),
                Asked::Throttled(wait) => (wait, true),
                Asked::Unavailable(wait) => (wait, false),
            };
            let wait = wait.unwrap_or_else(|| backoff(tries, chance()));
            let patient = known && start.elapsed() < self.tries.max_outage;
            let max_attempts = if self.spare && !known { 1 } else { self.tries.max_attempts };
            if tries >= max_attempts && !patient {
                let outage =
                    || Stop::Outage(format!("the token endpoint gives no answer, {}", self.http.trouble()));
                let stop = if throttled { Stop::Throttled } else { outage() };
                return Err(stop.into());
            }
            if !pacer.allows(wait) {
                return Err(Stop::Throttled.into());
            }
            not_before = Instant::now() + wait;
        }
    }
}

/// Why nothing may leave any more, as the engine wants to know it.
pub(crate) fn closed(closed: Closed, http: &Http) -> Halt {
    match closed {
        Closed::Stopping => Halt::Already,
        Closed::Outage => Halt::Because(Stop::Outage(http.trouble())),
    }
}

#[derive(Deserialize)]
struct TokenReply {
    access_token: String,
    #[serde(default)]
    expires_in: serde_json::Value,
}

struct Grant {
    header: HeaderValue,
    life_s: u64,
}

impl Grant {
    fn token(&self, replaces: bool) -> Token {
        let life = Duration::from_secs(self.life_s);
        // A minute early; a token that does not live that long, at half its life.
        let renew_in = life.checked_sub(RENEW_EARLY).filter(|rest| !rest.is_zero()).unwrap_or(life / 2);
        let renew_at = Instant::now() + renew_in;
        let (accepted, rejected) = (AtomicBool::new(false), AtomicBool::new(false));
        Token { header: self.header.clone(), renew_at, replaces, accepted, rejected }
    }

    fn credential(&self) -> Credential {
        let header = self.header.to_str().unwrap_or_default();
        Credential::new(header.strip_prefix("Bearer ").unwrap_or(header))
    }
}

enum Asked {
    Granted(Grant),
    Throttled(Option<Duration>),
    Unavailable(Option<Duration>),
}

fn read(reply: Result<Reply, Lost>, client_secret: &Secret) -> Result<Asked, Stop> {
    let reply = match reply {
        Ok(reply) => reply,
        Err(Lost::Tls(why)) => {
            return Err(Stop::Untrusted(format!("TLS to the token endpoint failed: {why}")));
        }
        Err(Lost::NotSent | Lost::Silence) => return Ok(Asked::Unavailable(None)),
    };
    let wait = || retry_after(reply.header_all("retry-after"), reply.header("date"), SystemTime::now());
    let refusal = Refusal::read(&reply);
    match reply.status {
        200 if reply.answer() == Answer::Status(200, Whole::No) => Ok(Asked::Unavailable(None)),
        200 => grant(&reply).map(Asked::Granted),
        300..=399 => Err(Stop::Untrusted(format!(
            "the token endpoint redirects ({}), and redirects are never followed: check the region and --token-url",
            reply.status
        ))),
        429 => Ok(Asked::Throttled(wait())),
        400 if refusal.is_rate_limit() => Ok(Asked::Throttled(wait())),
        408 | 500.. => Ok(Asked::Unavailable(wait())),
        400 | 401 if refusal.code.as_deref() == Some("invalid_client") => Err(Stop::Refused(
            "the token endpoint does not know this client (invalid_client): check the region first, \
             then the client id and secret"
                .to_owned(),
        )),
        404 => Err(Stop::Untrusted(
            "there is no token endpoint (404): check the region and --token-url".to_owned(),
        )),
        status => {
            let secret = Credential::of_client(client_secret.expose());
            let reference = refusal.without(|name| secret.shares(name)).reference(None);
            Err(Stop::Refused(
                format!("the token endpoint refuses ({status} {reference})").replace(" )", ")"),
            ))
        }
    }
}

/// What a reply of the token endpoint comes to: the life of a token, a wait, or words.
#[cfg(any(test, fuzzing))]
pub(crate) fn comes_to(reply: Reply) -> Result<Option<u64>, String> {
    match read(Ok(reply), &Secret::new("not in any reply".to_owned())) {
        Ok(Asked::Granted(grant)) => Ok(Some(grant.life_s)),
        Ok(Asked::Throttled(_) | Asked::Unavailable(_)) => Ok(None),
        Err(stop) => Err(stop.sentence()),
    }
}

fn grant(reply: &Reply) -> Result<Grant, Stop> {
    let parsed = reply.bytes().and_then(|bytes| serde_json::from_slice::<TokenReply>(bytes).ok());
    let grant = parsed.and_then(|TokenReply { access_token, expires_in }| {
        let header = sensitive(&format!("Bearer {access_token}")).filter(|_| !access_token.is_empty())?;
        let life_s = expires_in.as_u64().filter(|life| (1..=31_536_000).contains(life)).unwrap_or(ODD_LIFE_S);
        Some(Grant { header, life_s })
    });
    grant.ok_or_else(|| {
        Stop::Untrusted("the token endpoint's answer holds no token: check --token-url".to_owned())
    })
}

impl Credentials {
    fn request(&self) -> Result<Request, Stop> {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        form.extend_pairs(self.scope.as_ref().map(|scope| ("scope", scope)));
        let mut headers = vec![
            (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
            (ACCEPT, HeaderValue::from_static("application/json")),
        ];
        match self.client_auth {
            ClientAuth::Basic => {
                let value = basic(&self.client_id, self.client_secret.expose());
                let value = value.ok_or_else(|| Stop::Refused("the client id cannot be sent".to_owned()))?;
                headers.push((AUTHORIZATION, value));
            }
            ClientAuth::Body => {
                form.append_pair("client_id", &self.client_id);
                form.append_pair("client_secret", self.client_secret.expose());
            }
        }
        let to = Address::of(&self.url);
        let to = to.ok_or_else(|| Stop::Untrusted("--token-url is nowhere a request could go".to_owned()))?;
        Ok(Request { method: Method::POST, to, headers, body: form.finish().into() })
    }
}

/// Id and secret are form-encoded before they are joined (RFC 6749 section 2.3.1), so that a colon
/// in either cannot move the border.
fn basic(id: &str, secret: &str) -> Option<HeaderValue> {
    let both = format!("{}:{}", form_encoded(id), form_encoded(secret));
    sensitive(&format!("Basic {}", BASE64_STANDARD.encode(both)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::http::Body;

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status,
            headers: reqwest::header::HeaderMap::new(),
            body: Body::Whole(body.as_bytes().to_vec()),
        }
    }

    #[test]
    fn basic_survives_every_character() {
        assert_eq!(basic("Aladdin", "open").unwrap(), "Basic QWxhZGRpbjpvcGVu");
        // a%3Ab:p%2F%2B%26%3D%25%C3%A4+x
        assert_eq!(basic("a:b", "p/+&=%ä x").unwrap(), "Basic YSUzQWI6cCUyRiUyQiUyNiUzRCUyNSVDMyVBNCUyMHg=");
    }

    #[test]
    fn lifetimes_that_make_no_sense_count_as_five_minutes() {
        for (expires_in, life) in [
            ("3600", 3600),
            ("30", 30),
            ("0", 300),
            ("-5", 300),
            ("1e12", 300),
            ("1000000000000", 300),
            ("\"soon\"", 300),
            ("null", 300),
        ] {
            let body = format!(r#"{{"access_token":"t","expires_in":{expires_in}}}"#);
            assert_eq!(grant(&reply(200, &body)).unwrap().life_s, life, "{expires_in}");
        }
        assert_eq!(grant(&reply(200, r#"{"access_token":"t"}"#)).unwrap().life_s, 300);
    }

    #[test]
    fn refusals_end_the_run_with_the_right_code() {
        let secret = Secret::new("secret".to_owned());
        let code =
            |status, body: &str| read(Ok(reply(status, body)), &secret).err().map(|stop| stop.exit_code());
        assert_eq!(code(400, r#"{"error":"invalid_client"}"#), Some(77));
        assert_eq!(code(401, r#"{"error":"invalid_client"}"#), Some(77));
        assert_eq!(code(403, ""), Some(77));
        assert_eq!(code(200, "<html>"), Some(78));
        assert_eq!(code(200, r#"{"access_token":""}"#), Some(78));
        assert_eq!(code(302, ""), Some(78));
        assert_eq!(code(400, r#"{"error":"invalid_request","description":"rate limit exceeded; x"}"#), None);
        assert_eq!(code(503, ""), None);
    }
}
