//! Whether a service can be reached: its name, a connection, and who it shows itself to be. Nothing is asked
//! of it, but through a proxy, where only an answer shows that there is somebody.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use jiff::Timestamp;

use reqwest::{Method, Url};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::trouble::{Trouble, unconnected};
use super::{Address, CONNECT_TIMEOUT, Http, Lost, Options, Request, certificate, tls};

/// A service that answers to its name.
#[derive(Debug)]
pub(crate) struct Reached {
    /// The proxy in between, `HOST:PORT`.
    pub(crate) proxy: Option<String>,
    /// How many addresses its name has; nothing where a proxy looks it up.
    pub(crate) addresses: usize,
    /// Whether it has shown who it is.
    pub(crate) is_secure: bool,
    /// When its certificate ends, where we have seen it.
    pub(crate) until: Option<Timestamp>,
}

/// Why a service cannot be reached, in words that hold nothing of its address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreached {
    /// There is no way to it.
    Away(String),
    /// It cannot show who it is.
    Untrusted(String),
}

impl From<(Trouble, Lost)> for Unreached {
    fn from((trouble, lost): (Trouble, Lost)) -> Self {
        match lost {
            Lost::Tls(why) => Self::Untrusted(why),
            Lost::NotSent | Lost::Silence => Self::Away(trouble.words().to_owned()),
        }
    }
}

/// Goes there the way that requests go.
pub(crate) async fn reach(url: &Url, options: &Options) -> Result<Reached, Unreached> {
    let is_secure = url.scheme() == "https";
    if let Some(proxy) = proxy(url, options) {
        through_proxy(url, options).await?;
        return Ok(Reached { proxy: Some(proxy), addresses: 0, is_secure, until: None });
    }
    let patience = CONNECT_TIMEOUT.min(options.request_timeout);
    let (stream, addresses) = connected(url, patience).await?;
    let until = if is_secure { shown(url, stream, options, patience).await? } else { None };
    Ok(Reached { proxy: None, addresses, is_secure, until })
}

/// The proxy that the environment names for this address. Its user name and password are nobody's business.
fn proxy(url: &Url, options: &Options) -> Option<String> {
    let uri = Address::of(url)?.uri()?;
    let found = Matcher::from_system().intercept(&uri).filter(|_| !options.loopback)?;
    let (host, port) = (found.uri().host()?, found.uri().port_u16());
    Some(port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

async fn through_proxy(url: &Url, options: &Options) -> Result<(), Unreached> {
    let set_up = |error: anyhow::Error| Unreached::Untrusted(error.to_string());
    let http = Http::new(options).map_err(set_up)?;
    let to = Address::of(url).ok_or((Trouble::NoConnection, Lost::NotSent))?;
    let request = Request { method: Method::GET, to, headers: Vec::new(), body: Vec::new().into() };
    match http.send(request).await {
        Ok(_) => Ok(()),
        Err(Lost::Tls(why)) => Err(Unreached::Untrusted(why)),
        Err(Lost::NotSent | Lost::Silence) => Err(Unreached::Away(http.trouble())),
    }
}

async fn connected(url: &Url, patience: Duration) -> Result<(TcpStream, usize), Unreached> {
    let away = |trouble: Trouble| Unreached::from((trouble, Lost::NotSent));
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(443);
    let found = timeout(patience, tokio::net::lookup_host((host, port))).await;
    let found = found.map_err(|_| away(Trouble::Unresolved))?.map_err(|_| away(Trouble::Unresolved))?;
    let addresses: Vec<SocketAddr> = found.collect();
    let stream = timeout(patience, TcpStream::connect(&addresses[..])).await;
    let stream = stream.map_err(|_| away(Trouble::NoConnectionInTime))?;
    Ok((stream.map_err(|error| unconnected(&error))?, addresses.len()))
}

/// The end of the certificate with which it has shown who it is.
async fn shown(
    url: &Url,
    stream: TcpStream,
    options: &Options,
    patience: Duration,
) -> Result<Option<Timestamp>, Unreached> {
    let config: ClientConfig =
        tls::config(options).map_err(|error| Unreached::Untrusted(error.to_string()))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host).map_err(|error| Unreached::Untrusted(error.to_string()))?;
    let stream = timeout(patience, TlsConnector::from(Arc::new(config)).connect(name, stream)).await;
    let stream = stream.map_err(|_| Unreached::from((Trouble::NoConnectionInTime, Lost::NotSent)))?;
    let stream = stream.map_err(|error| unconnected(&error))?;
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    Ok(chain.first().and_then(|first| certificate::end(first)))
}
