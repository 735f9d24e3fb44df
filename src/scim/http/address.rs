//! Where requests go, taken apart once: neither a look-up nor a PATCH parses an address again.

use std::fmt;
use std::sync::Arc;

use hyper::body::Bytes;
use hyper::header::HeaderValue;
use hyper::http::uri::{Authority, PathAndQuery, Scheme, Uri};
use reqwest::Url;

/// Scheme, host and port of a service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: Scheme,
    authority: Authority,
    host: HeaderValue,
}

impl Origin {
    /// Nothing when no request could be sent there.
    pub(crate) fn of(url: &Url) -> Option<Self> {
        // The port is left out where it is the scheme's own.
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let authority = format!("{}{port}", url.host_str()?);
        let host = HeaderValue::from_str(&authority).ok()?;
        Some(Self { scheme: url.scheme().parse().ok()?, authority: authority.parse().ok()?, host })
    }

    /// Whether there is TLS in between.
    pub(super) fn is_secure(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The `Host` header.
    pub(super) fn host(&self) -> HeaderValue {
        self.host.clone()
    }

    /// The whole address of a place there.
    pub(super) fn uri(&self, place: PathAndQuery) -> Option<Uri> {
        let uri = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone());
        uri.path_and_query(place).build().ok()
    }
}

/// Where the service's resources are: an origin, and the path that all of theirs begin with.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    origin: Arc<Origin>,
    path: String,
}

impl Base {
    /// Nothing when no request could be sent there.
    pub(crate) fn of(url: &Url) -> Option<Self> {
        let path = url.path().trim_end_matches('/').to_owned();
        Some(Self { origin: Arc::new(Origin::of(url)?), path })
    }

    /// Where it is.
    pub(crate) const fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// The address of what follows the base: a path that begins with a slash and perhaps a query, both
    /// encoded.
    pub(crate) fn join(&self, more: fmt::Arguments<'_>) -> Address {
        let mut place = String::with_capacity(self.path.len() + 192);
        place.push_str(&self.path);
        // A string takes all that is written to it.
        let _ = fmt::write(&mut place, more);
        Address { origin: Arc::clone(&self.origin), place: place.into() }
    }
}

/// Where one request goes.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    origin: Arc<Origin>,
    /// Path and query.
    place: Bytes,
}

impl Address {
    /// Nothing when no request could be sent there.
    pub(crate) fn of(url: &Url) -> Option<Self> {
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        Some(Self { origin: Arc::new(Origin::of(url)?), place: format!("{}{query}", url.path()).into() })
    }

    /// Path and query, as they are sent to this origin; nothing when it is not where this leads to.
    pub(super) fn place_at(&self, origin: &Arc<Origin>) -> Option<PathAndQuery> {
        let leads_there = Arc::ptr_eq(&self.origin, origin) || self.origin == *origin;
        PathAndQuery::from_maybe_shared(self.place.clone()).ok().filter(|_| leads_there)
    }

    /// The whole of it.
    pub(crate) fn uri(&self) -> Option<Uri> {
        self.origin.uri(self.place_at(&self.origin)?)
    }
}
