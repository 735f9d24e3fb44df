//! Requests to one service over connections of our own, without a proxy in between.
//!
//! Invariant: a request that may have arrived is never sent again here.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::header::{HOST, HeaderValue, USER_AGENT};
use hyper::http::uri::{PathAndQuery, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use tokio::time::{Instant, sleep_until, timeout_at};
use tower_service::Service as _;

use super::address::Origin;
use super::connection::{Answer, Connection, One, Outgoing, Shared};
use super::trouble::{Failed, Trouble, unconnected};
use super::{AGENT, Body, CONNECT_TIMEOUT, Lost, Options, Reply, Request};

/// A connection that nobody has used for so long is as good as closed.
const KEPT: Duration = Duration::from_secs(90);

/// Connections to one service.
#[derive(Debug)]
pub(super) struct Direct {
    origin: Arc<Origin>,
    uri: Uri,
    connector: HttpsConnector<HttpConnector>,
    timeout: Duration,
    /// Connections that are kept.
    most: usize,
    /// The one used last is used next.
    #[expect(clippy::vec_box, reason = "they come and go between here and the requests")]
    idle: Mutex<Vec<Box<One>>>,
    spoken: tokio::sync::Mutex<Spoken>,
}

/// What the service speaks, as far as it is known.
#[derive(Debug)]
enum Spoken {
    /// Whoever is first opens a connection, and the others wait for what comes of it.
    Unknown,
    /// HTTP/1.1: everybody needs one.
    One,
    /// HTTP/2: all share this one.
    Many(Shared),
}

impl Direct {
    /// No connection yet. Nothing when none could be made.
    pub(super) fn new(origin: Arc<Origin>, options: &Options, tls: ClientConfig) -> Option<Self> {
        Some(Self {
            uri: origin.uri(PathAndQuery::from_static("/"))?,
            connector: HttpsConnector::from((tcp(options), tls)),
            timeout: options.request_timeout,
            most: options.concurrency,
            idle: Mutex::default(),
            spoken: tokio::sync::Mutex::const_new(if origin.is_secure() {
                Spoken::Unknown
            } else {
                Spoken::One
            }),
            origin,
        })
    }

    /// Where it leads to.
    pub(super) const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Sends once. A connection that was kept may have been closed meanwhile: as long as nothing of the
    /// request was written, the next one is taken.
    pub(super) async fn send(&self, message: Option<Outgoing>) -> Result<Reply, Failed> {
        let mut message = message;
        if message.is_none() {
            return Err((Trouble::NoConnection, Lost::NotSent));
        }
        let start = Instant::now();
        let mut clock = pin!(sleep_until(start + self.timeout));
        for _ in 0..=self.most {
            let (mut connection, is_fresh) = match self.kept(start) {
                Some(one) => (Connection::One(one), false),
                // Rare, and large: it would make every request's task larger.
                None => Box::pin(self.open(start + self.timeout)).await?,
            };
            self.fit(message.as_mut(), connection.is_shared());
            let response = match connection.send(&mut message, clock.as_mut()).await {
                Answer::Came(response) => response,
                Answer::Unused if !is_fresh => continue,
                Answer::Unused | Answer::Broken => break,
                Answer::Late => return Err((Trouble::NoAnswerInTime, Lost::Silence)),
            };
            let (head, body) = response.into_parts();
            let (status, headers) = (head.status.as_u16(), head.headers);
            let body = connection.read(body, clock).await;
            if let (Connection::One(one), Body::Whole(_)) = (connection, &body) {
                self.keep(one, start);
            }
            return Ok(Reply { status, headers, body });
        }
        Err((Trouble::Broken, Lost::Silence))
    }

    /// The request as HTTP/1.1 wants it. Nothing for one that leads elsewhere or cannot be written.
    pub(super) fn message(&self, request: Request) -> Option<Outgoing> {
        let Request { method, to, headers, body } = request;
        let place = to.place_at(&self.origin)?;
        let mut message = Outgoing::new(Full::new(body));
        *message.method_mut() = method;
        *message.uri_mut() = place.into();
        let ours = [(USER_AGENT, HeaderValue::from_static(AGENT)), (HOST, self.origin.host())];
        message.headers_mut().reserve(headers.len() + ours.len());
        message.headers_mut().extend(headers.into_iter().chain(ours));
        Some(message)
    }

    /// HTTP/2 says in the address what HTTP/1.1 says in `Host` (RFC 9113 section 8.3.1).
    fn fit(&self, message: Option<&mut Outgoing>, is_shared: bool) {
        let message = message.filter(|message| is_shared != message.uri().authority().is_some());
        let Some(message) = message else { return };
        let place = message.uri().path_and_query().cloned();
        let place = place.unwrap_or_else(|| PathAndQuery::from_static("/"));
        if is_shared {
            message.headers_mut().remove(HOST);
            *message.uri_mut() = self.origin.uri(place).unwrap_or_default();
        } else {
            message.headers_mut().insert(HOST, self.origin.host());
            *message.uri_mut() = place.into();
        }
    }

    /// The kept connection that was used last.
    fn kept(&self, now: Instant) -> Option<Box<One>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let one = idle.pop().filter(|one| now.duration_since(one.used) < KEPT);
        if one.is_none() {
            // The others have not been used for even longer.
            idle.clear();
        }
        one
    }

    fn keep(&self, mut one: Box<One>, now: Instant) {
        if one.is_reusable() {
            one.used = now;
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < self.most {
                idle.push(one);
            }
        }
    }

    /// A connection that nobody else uses, or the one that all share; and whether it is fresh.
    async fn open(&self, deadline: Instant) -> Result<(Connection, bool), Failed> {
        let deadline = deadline.min(Instant::now() + CONNECT_TIMEOUT);
        let opened = timeout_at(deadline, async {
            let mut spoken = self.spoken.lock().await;
            match &*spoken {
                Spoken::Many(shared) if !shared.is_closed() => {
                    return Ok((Connection::Many(shared.clone()), false));
                }
                Spoken::One => drop(spoken),
                Spoken::Many(_) | Spoken::Unknown => {
                    let connection = self.connect().await?;
                    *spoken = match &connection {
                        Connection::One(_) => Spoken::One,
                        Connection::Many(shared) => Spoken::Many(shared.clone()),
                    };
                    return Ok((connection, true));
                }
            }
            Ok((self.connect().await?, true))
        });
        opened.await.unwrap_or(Err((Trouble::NoConnectionInTime, Lost::NotSent)))
    }

    async fn connect(&self) -> Result<Connection, Failed> {
        let mut connector = self.connector.clone();
        let ready = poll_fn(|cx| connector.poll_ready(cx)).await;
        ready.map_err(|error| unconnected(&*error))?;
        let stream = connector.call(self.uri.clone()).await.map_err(|error| unconnected(&*error))?;
        Connection::over(stream).await.map_err(|error| unconnected(&error))
    }
}

fn tcp(options: &Options) -> HttpConnector {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_TIMEOUT.min(options.request_timeout)));
    // A peer that is gone without a word is noticed within a minute.
    http.set_keepalive(Some(Duration::from_secs(15)));
    http.set_keepalive_interval(Some(Duration::from_secs(15)));
    http.set_keepalive_retries(Some(3));
    #[cfg(target_os = "linux")]
    http.set_tcp_user_timeout(Some(Duration::from_secs(30)));
    http
}
