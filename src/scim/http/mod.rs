//! One request out, one reply back. Nothing is followed, retried, decompressed or read beyond
//! its cap, and no error text carries the address that was asked for.

//!
//! * [`direct`]: connections of our own, wherever no proxy is in between
//! * [`library`]: requests through a proxy, and those for a token
//! * [`connection`]: one connection, and one request with its reply
//! * [`address`]: where requests go, parsed once
//! * [`tls`]: who is trusted, for both
//! * [`mod@reach`]: whether a service can be reached at all, and [`certificate`]: until when it is to be trusted
//! * [`trouble`]: what a failure says about the request

mod address;
mod certificate;
mod connection;
mod direct;
mod library;
mod reach;
mod tls;
mod trouble;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Bytes;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

pub(crate) use self::address::{Address, Base, Origin};
use self::direct::Direct;
pub(crate) use self::reach::{Reached, Unreached, reach};
use super::retry::{Answer, Whole};

/// Replies are read up to here.
const BODY_CAP: usize = 1 << 20;
/// No connection takes longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The `User-Agent` header.
const AGENT: &str = concat!("scim-rekey/", env!("CARGO_PKG_VERSION"));

/// How connections are made.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// From the first byte of a request to the last of its reply.
    pub(crate) request_timeout: Duration,
    /// Connections kept open.
    pub(crate) concurrency: usize,
    /// A further root certificate, PEM.
    pub(crate) ca_pem: Option<Vec<u8>>,
    /// The service is on this machine: no proxy, and no need of system certificates.
    pub(crate) loopback: bool,
    /// What carries requests instead of sockets.
    #[cfg(test)]
    pub(crate) network: Option<Arc<dyn Network>>,
}

/// Carries a request in the place of sockets, which a paused clock does not wait for.
#[cfg(test)]
pub(crate) trait Network: std::fmt::Debug + Send + Sync {
    /// There and back.
    fn carry(
        &self,
        request: Request,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Reply, Lost>> + Send + '_>>;
}

/// The HTTP client. Clones share their connections.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    way: Way,
    trouble: Arc<Mutex<String>>,
    #[cfg(test)]
    network: Option<Arc<dyn Network>>,
}

#[derive(Debug, Clone)]
enum Way {
    Direct(Arc<Direct>),
    Library(reqwest::Client),
}

/// A request to be sent, possibly several times.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Verb.
    pub(crate) method: Method,
    /// Where to.
    pub(crate) to: Address,
    /// With what, each name once. They become a map when the request leaves.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// The body, empty for none.
    pub(crate) body: Bytes,
}

impl Request {
    /// The same request with a token.
    pub(crate) fn bearing(&self, token: HeaderValue) -> Self {
        let headers = self.headers.iter().cloned().chain([(AUTHORIZATION, token)]).collect();
        Self { method: self.method.clone(), to: self.to.clone(), headers, body: self.body.clone() }
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    /// Status code.
    pub(crate) status: u16,
    /// Headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Body,
}

/// The body of a reply.
#[derive(Debug)]
pub(crate) enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// More than we read.
    TooLong,
    /// The connection broke within it.
    Cut,
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lost {
    /// No connection: nothing left.
    NotSent,
    /// The request may have arrived.
    Silence,
    /// The server could not show who it is; nothing left.
    Tls(String),
}

impl Http {
    /// A client that trusts the system's certificates, and `ca_pem` where given.
    pub(crate) fn new(options: &Options) -> anyhow::Result<Self> {
        let way = Way::Library(library::client(options, tls::config(options)?)?);
        Ok(Self::by(way, options))
    }

    /// The same for one service, with connections of our own unless there is a proxy in between.
    pub(crate) fn to(origin: &Arc<Origin>, options: &Options) -> anyhow::Result<Self> {
        let tls = tls::config(options)?;
        let direct = Direct::new(Arc::clone(origin), options, tls.clone());
        let is_direct =
            |direct: &Direct| options.loopback || Matcher::from_system().intercept(direct.uri()).is_none();
        let way = match direct.filter(is_direct) {
            Some(direct) => Way::Direct(Arc::new(direct)),
            None => Way::Library(library::client(options, tls)?),
        };
        Ok(Self::by(way, options))
    }

    #[cfg_attr(not(test), expect(unused_variables, reason = "tests may have no sockets"))]
    fn by(way: Way, options: &Options) -> Self {
        Self {
            way,
            trouble: Arc::default(),
            #[cfg(test)]
            network: options.network.clone(),
        }
    }

    /// How a request last failed, in our words.
    pub(crate) fn trouble(&self) -> String {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, trouble: impl Into<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble.into();
    }

    /// Sends once.
    pub(crate) async fn send(&self, request: Request) -> Result<Reply, Lost> {
        #[cfg(test)]
        if let Some(network) = &self.network {
            return network.carry(request).await;
        }
        let sent = match &self.way {
            Way::Direct(direct) => direct.send(direct.message(request)).await,
            Way::Library(client) => Box::pin(library::send(client, request)).await,
        };
        match &sent {
            Err((trouble, _)) => self.remember(trouble.words()),
            Ok(reply) if reply.status >= 500 => self.remember(format!("it answers {}", reply.status)),
            Ok(_) => {}
        }
        sent.map_err(|(_, lost)| lost)
    }
}

impl Reply {
    /// The reply as the retry table wants it.
    pub(crate) const fn answer(&self) -> Answer {
        let whole = if matches!(self.body, Body::Cut) { Whole::No } else { Whole::Yes };
        Answer::Status(self.status, whole)
    }

    /// The whole body; nothing when it was cut or too long.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Whole(bytes) => Some(bytes),
            Body::TooLong | Body::Cut => None,
        }
    }

    /// A header's first value, when it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// All values of a header that are text.
    pub(crate) fn header_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
    }
}

/// A header value that debug output does not show.
pub(crate) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
#[cfg(not(fuzzing))]
mod tests;
