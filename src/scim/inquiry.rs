//! What a service says of itself, asked before a run: what it can do, which attributes it has, how many users.
//! Each question is a GET, and each answer may be missing.

use std::time::{Duration, SystemTime};

use reqwest::Method;
use serde_json::Value;

use super::auth::Denied;
use super::client::{Client, list_address, read_request};
use super::exchange::Fault;
use super::http::Reply;
use super::keyring::Key;
use super::listing::ListResponse;
use super::pacer::Standing;
use super::retry::Op;
use super::schemas::Schemas;
use crate::domain::event::Trail;
use crate::domain::stop::{Halt, Stop};

/// Why a question has no answer.
#[derive(Debug)]
pub(crate) enum Unheard {
    /// A run would stop here.
    Stop(Stop),
    /// The service answers with this status.
    Status(u16),
    /// Its answer is not what was asked for.
    Unreadable,
    /// It gives no answer, or not one that lasts.
    Silent,
}

/// What `ServiceProviderConfig` (RFC 7643 section 5) says; nothing of what it does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Features {
    /// Whether resources can be changed in part.
    pub(crate) patch: Option<bool>,
    /// Whether users can be asked for by a filter.
    pub(crate) filter: Option<bool>,
    /// Whether a change can be held against a version.
    pub(crate) etag: Option<bool>,
    /// Users a page, at most.
    pub(crate) max_results: Option<u64>,
}

/// What the head of an answer says beside the answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aside {
    /// What time it is there.
    pub(crate) date: Option<SystemTime>,
    /// What the token may do in a window, and what is left of it.
    pub(crate) limit: Option<Standing>,
}

/// A window of the rate limit is told within a minute; a day is no window.
const LONGEST_WINDOW: Duration = Duration::from_secs(86_400);

impl Features {
    fn of(reply: &Reply) -> Option<Self> {
        let config: Value = serde_json::from_slice(reply.bytes()?).ok()?;
        let supported = |name: &str| config[name]["supported"].as_bool();
        let max_results = config["filter"]["maxResults"].as_u64().filter(|most| *most > 0);
        let features = Self {
            patch: supported("patch"),
            filter: supported("filter"),
            etag: supported("etag"),
            max_results,
        };
        (features.patch.is_some() || features.filter.is_some() || features.etag.is_some()).then_some(features)
    }
}

impl Aside {
    fn of(reply: &Reply) -> Self {
        let date = reply.header("date").and_then(|date| httpdate::parse_http_date(date).ok());
        Self { date, limit: Standing::read(reply, LONGEST_WINDOW) }
    }
}

impl Client {
    /// Gets the token of a place in the pool, and says how many seconds it lives; nothing if another place
    /// has the same.
    pub(crate) async fn try_token(&self, place: usize) -> Result<Option<u64>, Stop> {
        let exchange = self.exchange();
        match exchange.auth().token(place, exchange.pacer()).await {
            Ok(Key::Own(_)) => Ok(Some(exchange.auth().issued().last().copied().unwrap_or_default())),
            Ok(Key::Twin) => Ok(None),
            Err(Denied::NotGiven(stop) | Denied::Stop(stop)) => Err(stop),
            Err(Denied::Already) => Err(Stop::Internal("the token is no longer wanted".to_owned())),
        }
    }

    /// What the service can do, and what the head of that answer says.
    pub(crate) async fn features(&self) -> Result<(Result<Features, Unheard>, Aside), Unheard> {
        let reply = self.ask(&read_request(self.base().join(format_args!("/ServiceProviderConfig")))).await?;
        Ok((good(&reply).and_then(|()| Features::of(&reply).ok_or(Unheard::Unreadable)), Aside::of(&reply)))
    }

    /// Which attributes the service has.
    pub(crate) async fn schemas(&self) -> Result<Schemas, Unheard> {
        let reply = self.ask(&read_request(self.base().join(format_args!("/Schemas")))).await?;
        good(&reply)?;
        reply.bytes().and_then(Schemas::of).ok_or(Unheard::Unreadable)
    }

    /// How many users the service lists; nothing where it does not say.
    pub(crate) async fn users(&self) -> Result<Option<u64>, Unheard> {
        let reply = self.ask(&read_request(list_address(self.base(), 1, 1))).await?;
        good(&reply)?;
        let body = reply.bytes().ok_or(Unheard::Unreadable)?;
        let list: ListResponse = serde_json::from_slice(body).map_err(|_| Unheard::Unreadable)?;
        Ok(list.total_results)
    }

    /// What the organisation says of its passwords, as it stands.
    pub(crate) async fn settings(&self) -> Result<Vec<u8>, Unheard> {
        let request =
            self.platform().request(Method::GET, format_args!("{}", super::platform::SETTINGS), Vec::new());
        let reply = self.ask(&request.ok_or(Unheard::Silent)?).await?;
        good(&reply)?;
        reply.bytes().map(<[u8]>::to_vec).ok_or(Unheard::Unreadable)
    }

    async fn ask(&self, request: &super::http::Request) -> Result<Reply, Unheard> {
        let sent = self.exchange().send(Op::Read, 0, request, &mut Trail::default()).await;
        sent.map_err(|fault| match fault {
            Fault::Halt(Halt::Because(stop)) => Unheard::Stop(stop),
            Fault::Redirected(status) => Unheard::Stop(super::endings::redirected(status)),
            Fault::Throttled(_) => Unheard::Stop(Stop::Throttled),
            Fault::Unavailable(Some(status)) => Unheard::Status(status),
            Fault::Unavailable(None) | Fault::InDoubt(_) | Fault::Halt(Halt::Already) => Unheard::Silent,
        })
    }
}

fn good(reply: &Reply) -> Result<(), Unheard> {
    if reply.status == 200 { Ok(()) } else { Err(Unheard::Status(reply.status)) }
}

impl Unheard {
    /// In words that follow "the service" or a name.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Stop(stop) => stop.sentence(),
            Self::Status(status) => format!("the service answers {status}"),
            Self::Unreadable => "the service's answer cannot be read".to_owned(),
            Self::Silent => "the service gives no answer".to_owned(),
        }
    }
}

#[cfg(test)]
#[cfg(not(fuzzing))]
mod tests {
    use super::*;
    use crate::scim::http::Body;
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    fn reply(body: &str, headers: &[(&'static str, &'static str)]) -> Reply {
        let pair = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let headers: HeaderMap = headers.iter().copied().map(pair).collect();
        Reply { status: 200, headers, body: Body::Whole(body.as_bytes().to_vec()) }
    }

    #[test]
    fn a_service_is_taken_at_its_word_and_at_no_other() {
        let body = r#"{"patch":{"supported":true},"etag":{"supported":false},"filter":{"maxResults":0}}"#;
        let features = Features::of(&reply(body, &[])).unwrap();
        let expected = Features { patch: Some(true), filter: None, etag: Some(false), max_results: None };
        assert_eq!(features, expected);
        for odd in ["", "[]", "{}", r#"{"patch":{"supported":"yes"}}"#, "<html>"] {
            assert_eq!(Features::of(&reply(odd, &[])), None, "{odd}");
        }
    }

    #[test]
    fn the_head_of_an_answer_tells_time_and_limit_where_it_does() {
        let aside = Aside::of(&reply("", &[("date", "Sun, 06 Nov 1994 08:49:37 GMT")]));
        let date = aside.date.unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!((date.as_secs(), aside.limit.is_some()), (784_111_777, false));
        let headers = [
            ("inin-ratelimit-allowed", "300"),
            ("inin-ratelimit-count", "7"),
            ("inin-ratelimit-reset", "41"),
            ("date", "soon"),
        ];
        let aside = Aside::of(&reply("", &headers));
        let limit = aside.limit.unwrap();
        assert_eq!(
            (aside.date, limit.allowed(), limit.left(), limit.reset().as_secs()),
            (None, 300, 293, 41)
        );
    }
}
