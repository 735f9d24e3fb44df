//! One request out, one reply back. Nothing is followed, retried, decompressed or read beyond
//! its cap, and no error text carries the address that was asked for.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Certificate, Client, Method, Url};

use super::retry::{Answer, Whole};
use crate::domain::text::clean;

/// Replies are read up to here.
const BODY_CAP: usize = 1 << 20;

/// How a certificate begins in PEM (RFC 7468).
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

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
    client: Client,
    trouble: Arc<Mutex<String>>,
    #[cfg(test)]
    network: Option<Arc<dyn Network>>,
}

/// A request to be sent, possibly several times.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Verb.
    pub(crate) method: Method,
    /// Where to.
    pub(crate) url: Url,
    /// With what.
    pub(crate) headers: HeaderMap,
    /// The body, empty for none.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The same request with a token.
    pub(crate) fn bearing(&self, token: HeaderValue) -> Self {
        // Room for the token, and for what the HTTP client adds.
        let mut headers = HeaderMap::with_capacity(8);
        headers.extend(self.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        headers.insert(AUTHORIZATION, token);
        Self { method: self.method.clone(), url: self.url.clone(), headers, body: self.body.clone() }
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
        // Fails only when one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("scim-rekey/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .tcp_nodelay(true)
            .pool_max_idle_per_host(options.concurrency)
            .connect_timeout(options.request_timeout.min(Duration::from_secs(10)))
            .timeout(options.request_timeout);
        if options.loopback {
            builder = builder.no_proxy();
        }
        let pem = options.ca_pem.as_deref();
        if pem.is_some_and(|pem| !pem.windows(CERTIFICATE.len()).any(|part| part == CERTIFICATE)) {
            anyhow::bail!("the file of the further root holds no certificate in PEM");
        }
        let roots =
            options.ca_pem.as_deref().map(Certificate::from_pem_bundle).transpose()?.unwrap_or_default();
        builder =
            if options.loopback { builder.tls_certs_only(roots) } else { builder.tls_certs_merge(roots) };
        Ok(Self {
            client: builder.build()?,
            trouble: Arc::default(),
            #[cfg(test)]
            network: options.network.clone(),
        })
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
        let Request { method, url, headers, body } = request;
        let mut request = reqwest::Request::new(method, url);
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body).filter(|body| !body.is_empty()).map(Into::into);
        let mut response = self.client.execute(request).await.map_err(|error| {
            self.remember(describe(&error));
            lost(&error)
        })?;
        if response.status().is_server_error() {
            self.remember(format!("it answers {}", response.status().as_u16()));
        }
        let mut body = Body::Whole(Vec::new());
        loop {
            match (response.chunk().await, &mut body) {
                (Ok(Some(chunk)), Body::Whole(bytes)) if bytes.len() + chunk.len() <= BODY_CAP => {
                    bytes.extend_from_slice(&chunk);
                }
                (Ok(Some(_)), _) => {
                    body = Body::TooLong;
                    break;
                }
                (Ok(None), _) => break,
                (Err(_), _) => {
                    body = Body::Cut;
                    break;
                }
            }
        }
        Ok(Reply {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body,
        })
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

/// Sorts an error by what it says about the request. Its text is dropped: it holds the URL, and
/// the URL holds the address.
fn lost(error: &reqwest::Error) -> Lost {
    // Only a failure to connect says that nothing left; TLS can fail later, too.
    match (error.is_builder(), error.is_connect()) {
        (true, _) => Lost::NotSent,
        (false, true) => tls_error(error).map_or(Lost::NotSent, |tls| Lost::Tls(tls_words(tls))),
        (false, false) => Lost::Silence,
    }
}

/// An error in words that hold nothing of the request.
fn describe(error: &reqwest::Error) -> &'static str {
    let refused = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionRefused;
    match (error.is_connect(), error.is_timeout()) {
        (true, _) if error.is_dns() => "its name cannot be resolved",
        (true, true) => "no connection in time",
        (true, false) if io_error(error).is_some_and(refused) => "the connection is refused",
        (true, false) => "no connection can be made",
        (false, true) => "no answer in time",
        (false, false) => "the connection broke",
    }
}

/// The first I/O error in the chain.
fn io_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a std::io::Error> {
    error.downcast_ref().or_else(|| io_error(error.source()?))
}

/// A failed handshake hides below I/O errors, whose `source` is not what they hold but what that
/// stems from.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let below = match error.downcast_ref::<std::io::Error>() {
        Some(io) => io.get_ref().map(|held| held as &(dyn Error + 'static)),
        None => error.source(),
    };
    error.downcast_ref().or_else(|| tls_error(below?))
}

/// What TLS has to say holds names from a certificate that nobody vouches for.
fn tls_words(error: &rustls::Error) -> String {
    clean(&error.to_string(), 200)
}

/// A header value that debug output does not show.
pub(crate) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
