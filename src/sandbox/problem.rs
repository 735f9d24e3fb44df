//! Owns errors: a refusal is a [`Problem`] everywhere inside and gets one of two shapes on its way out.

use serde_json::{Value, json};

use super::options::ErrorShape;
use super::reply::{JSON, Reply, SCIM_JSON};

/// A refusal before it has a shape.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) scim_type: Option<&'static str>,
    pub(super) detail: String,
    pub(super) headers: Vec<(String, String)>,
}

impl Problem {
    pub(super) fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into(), headers: Vec::new() }
    }

    /// The keyword of RFC 7644, section 3.12.
    pub(super) fn scim_type(mut self, keyword: &'static str) -> Self {
        self.scim_type = Some(keyword);
        self
    }

    pub(super) fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(super) fn retry_after(self, value: impl Into<String>) -> Self {
        self.header("retry-after", value)
    }

    /// The reply in the given shape. 429 comes from the gateway in front of the service and so
    /// always has the platform's shape, as at the vendor's.
    pub(super) fn reply(self, shape: ErrorShape, correlation: &str) -> Reply {
        let platform = self.status == 429 || shape == ErrorShape::Platform;
        let (media, body) =
            if platform { (JSON, self.platform_body(correlation)) } else { (SCIM_JSON, self.scim_body()) };
        self.with_headers(Reply::json(self.status, media, body))
    }

    /// The reply of the token endpoint, which has an error shape of its own.
    pub(super) fn oauth_reply(self) -> Reply {
        let error = match self.status {
            401 => "invalid_client",
            503 => "temporarily_unavailable",
            500..=599 => "server_error",
            _ => "invalid_request",
        };
        self.with_headers(oauth_error(self.status, error, &self.detail))
    }

    fn with_headers(&self, reply: Reply) -> Reply {
        let headers = self.headers.iter();
        headers.fold(reply, |reply, (name, value)| reply.header(name, value))
    }

    /// RFC 7644, section 3.12: the status is a string.
    fn scim_body(&self) -> Value {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let Some(keyword) = self.scim_type {
            body["scimType"] = keyword.into();
        }
        body
    }

    fn platform_body(&self, correlation: &str) -> Value {
        json!({
            "message": self.detail,
            "code": self.scim_type.unwrap_or_else(|| code(self.status)),
            "status": self.status,
            "contextId": correlation,
            "details": [],
            "errors": [],
        })
    }
}

const fn code(status: u16) -> &'static str {
    match status {
        401 => "bad.credentials",
        403 => "missing.permissions",
        404 => "not.found",
        405 => "method.not.allowed",
        409 => "conflict",
        412 => "precondition.failed",
        413 => "request.entity.too.large",
        415 => "unsupported.media.type",
        429 => "too.many.requests",
        500 => "internal.server.error",
        502 => "bad.gateway",
        503 => "service.unavailable",
        504 => "gateway.timeout",
        _ => "bad.request",
    }
}

/// An error of the token endpoint (RFC 6749, section 5.2), which has a shape of its own.
pub(super) fn oauth_error(status: u16, error: &str, description: &str) -> Reply {
    let body = json!({"error": error, "error_description": description});
    Reply::json(status, JSON, body).header("cache-control", "no-store").header("pragma", "no-cache")
}
