//! Owns every refusal: a code, a sentence and a status, as problem details (RFC 9457).
//!
//! One invariant: all words are ours. Nothing of a request, a parser or another server comes back.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A refusal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Problem {
    kind: Kind,
    retry_after: Option<Duration>,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    InvalidJson,
    TooDeep,
    InvalidKey,
    MissingKey,
    Unauthorized,
    NotFound,
    NoSuchUser,
    NoSuchOperation,
    MethodNotAllowed,
    BodyTimeout,
    InFlight,
    TooLarge,
    NotJson,
    InvalidRequest,
    NotAllowedAttribute,
    KeyReused,
    LimitReached,
    Internal,
    Busy,
    Stopping,
    NotReady,
    NoAnswerYet,
}

impl Kind {
    /// Every refusal there is.
    #[cfg(test)]
    pub(super) const ALL: [Self; 22] = [
        Self::InvalidJson,
        Self::TooDeep,
        Self::InvalidKey,
        Self::MissingKey,
        Self::Unauthorized,
        Self::NotFound,
        Self::NoSuchUser,
        Self::NoSuchOperation,
        Self::MethodNotAllowed,
        Self::BodyTimeout,
        Self::InFlight,
        Self::TooLarge,
        Self::NotJson,
        Self::InvalidRequest,
        Self::NotAllowedAttribute,
        Self::KeyReused,
        Self::LimitReached,
        Self::Internal,
        Self::Busy,
        Self::Stopping,
        Self::NotReady,
        Self::NoAnswerYet,
    ];

    /// Status, code and sentence.
    pub(super) const fn words(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::InvalidJson => (400, "invalid_json", "The body is not JSON."),
            Self::TooDeep => (400, "too_deep", "The body is nested too deeply."),
            Self::InvalidKey => {
                (400, "invalid_idempotency_key", "Idempotency-Key must be 1 to 255 visible ASCII characters.")
            }
            Self::MissingKey => (400, "missing_idempotency_key", "Idempotency-Key is required."),
            Self::Unauthorized => (401, "unauthorized", "A valid key or client certificate is required."),
            Self::NotFound => (404, "not_found", "There is nothing at this path."),
            Self::NoSuchUser => (404, "no_such_user", "There is no such user for this caller."),
            Self::NoSuchOperation => (404, "no_such_operation", "This caller has no such operation."),
            Self::MethodNotAllowed => (405, "method_not_allowed", "This path does not know the method."),
            Self::BodyTimeout => (408, "body_timeout", "The body did not arrive in time."),
            Self::InFlight => (409, "in_flight", "This key, or this user, is being worked on."),
            Self::TooLarge => (413, "too_large", "The body is larger than 16 KiB."),
            Self::NotJson => {
                (415, "not_json", "The body must be application/json, without Content-Encoding.")
            }
            Self::InvalidRequest => {
                (422, "invalid_request", "A field is missing, unknown, given twice or of the wrong form.")
            }
            Self::NotAllowedAttribute => {
                (422, "attribute_not_allowed", "A field is on no list of attributes.")
            }
            Self::KeyReused => {
                (422, "idempotency_key_reused", "The Idempotency-Key came with another request.")
            }
            Self::LimitReached => (429, "limit_reached", "There were too many requests."),
            Self::Internal => (500, "internal", "Something went wrong inside."),
            Self::Busy => (503, "busy", "There is too much to do."),
            Self::Stopping => (503, "stopping", "The service is stopping."),
            Self::NotReady => (503, "not_ready", "No resets are taken now."),
            Self::NoAnswerYet => (
                504,
                "no_answer_yet",
                "It is not known yet how this ends. Ask again with the same Idempotency-Key.",
            ),
        }
    }

    /// What to say where nothing is known of the load.
    const fn usual_wait(self) -> Option<Duration> {
        match self {
            Self::InFlight | Self::NoAnswerYet => Some(Duration::from_secs(2)),
            Self::Busy => Some(Duration::from_secs(5)),
            Self::Stopping | Self::NotReady => Some(Duration::from_secs(30)),
            _ => None,
        }
    }
}

impl From<Kind> for Problem {
    fn from(kind: Kind) -> Self {
        Self { kind, retry_after: kind.usual_wait() }
    }
}

impl Problem {
    /// A limit that was met.
    pub(super) fn wait(wait: Duration) -> Self {
        Self { kind: Kind::LimitReached, retry_after: Some(wait) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, title) = self.kind.words();
        let body = json!({
            "type": format!("urn:scim-rekey:problem:{code}"),
            "title": title,
            "status": status,
            "code": code,
        });
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(wait) = self.retry_after {
            // A minimum: a fraction of a second less would be too early.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        match self.kind {
            Kind::Unauthorized => {
                let challenge = HeaderValue::from_static("Bearer realm=\"scim-rekey\"");
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            // What is left of the body would be taken for the next request.
            Kind::BodyTimeout | Kind::TooLarge | Kind::Stopping => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}
