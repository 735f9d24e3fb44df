//! Owns what goes back to the client: status, media type, headers and body, up to the HTTP response.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::Value;

/// RFC 7644, section 3.1.
pub(super) const SCIM_JSON: &str = "application/scim+json";
/// The platform's own endpoints.
pub(super) const JSON: &str = "application/json";

/// A reply before it is bytes, so that a fault can still alter it.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    media: &'static str,
    pub(super) content: Content,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The body of a reply.
#[derive(Debug)]
pub(super) enum Content {
    Empty,
    Json(Value),
    Raw(Vec<u8>),
}

impl Reply {
    pub(super) fn scim(body: Value) -> Self {
        Self::json(200, SCIM_JSON, body)
    }

    pub(super) fn json(status: u16, media: &'static str, body: Value) -> Self {
        Self::with(status, media, Content::Json(body))
    }

    pub(super) fn raw(status: u16, media: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self::with(status, media, Content::Raw(body.into()))
    }

    pub(super) fn empty(status: u16) -> Self {
        Self::with(status, SCIM_JSON, Content::Empty)
    }

    fn with(status: u16, media: &'static str, content: Content) -> Self {
        Self { status, media, content, headers: Vec::new() }
    }

    /// The same reply with one more header; what no header can hold is left out.
    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (name.parse(), value.parse()) {
            self.headers.push((name, value));
        }
        self
    }

    /// All values of one header.
    pub(super) fn values(&self, name: &HeaderName) -> impl Iterator<Item = &str> {
        let fields = self.headers.iter().filter(move |field| field.0 == *name);
        fields.filter_map(|field| field.1.to_str().ok())
    }

    /// The response, and how long its body is.
    pub(super) fn respond(self, correlation: &str) -> (Response<Body>, usize) {
        let body = match self.content {
            Content::Empty => Vec::new(),
            Content::Json(value) => value.to_string().into_bytes(),
            Content::Raw(bytes) => bytes,
        };
        let length = body.len();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or_default();
        let headers = response.headers_mut();
        if length > 0 {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media));
        }
        if let Ok(value) = correlation.parse() {
            headers.insert(HeaderName::from_static("inin-correlation-id"), value);
        }
        for (name, value) in self.headers {
            if name == CONTENT_TYPE {
                headers.insert(name, value);
            } else {
                headers.append(name, value);
            }
        }
        (response, length)
    }
}
