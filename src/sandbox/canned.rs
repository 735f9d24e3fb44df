//! Owns the replies that have nothing to do with the request: written in the script, or ready-made.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::problem::Problem;
use super::reply::{Reply, SCIM_JSON};

/// An answer in place of the service's own.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusReply {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After` as it stands, sense or nonsense.
    #[serde(default)]
    pub retry_after: Option<String>,
    /// Further headers; a list of values repeats the header.
    #[serde(default)]
    pub headers: BTreeMap<String, Values>,
    /// The body; a string is sent as text, anything else as JSON.
    #[serde(default)]
    pub body: Option<Value>,
}

impl StatusReply {
    /// This status with the configured error as its body.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// The same with a `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, value: impl Into<String>) -> Self {
        self.retry_after = Some(value.into());
        self
    }
}

/// One value of a header or several.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Values {
    /// The header once.
    One(String),
    /// The header repeated.
    Many(Vec<String>),
}

/// A redirection.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redirect {
    /// Where to.
    #[serde(rename = "redirect")]
    pub to: String,
    /// The HTTP status.
    #[serde(default = "temporary")]
    pub status: u16,
}

const fn temporary() -> u16 {
    307
}

const LOGIN_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Log in</title></head>\
    <body><form method=\"post\"><input name=\"user\"></form></body></html>\n";

/// The answer as the script has it; without a body it is the configured error.
pub(super) fn scripted(script: &StatusReply) -> Result<Reply, Problem> {
    let status = script.status;
    let reply = match &script.body {
        Some(Value::String(text)) => Reply::raw(status, "text/plain", text.as_str()),
        Some(json) => Reply::json(status, SCIM_JSON, json.clone()),
        None => {
            let problem = Problem::new(status, "the service is in no mood for this");
            return Err(headers(script).fold(problem, |problem, (name, value)| problem.header(name, value)));
        }
    };
    Ok(headers(script).fold(reply, |reply, (name, value)| reply.header(name, value)))
}

fn headers(script: &StatusReply) -> impl Iterator<Item = (&str, &str)> {
    let retry_after = script.retry_after.iter().map(|value| ("retry-after", value.as_str()));
    let others = script.headers.iter().flat_map(|(name, values)| {
        let values = match values {
            Values::One(value) => std::slice::from_ref(value),
            Values::Many(values) => values,
        };
        values.iter().map(|value| (name.as_str(), value.as_str()))
    });
    retry_after.chain(others)
}

/// Declared as JSON, but broken off and not even UTF-8.
pub(super) fn garbage() -> Reply {
    Reply::raw(200, SCIM_JSON, *b"{\"Resources\": [\xff\xfe oops")
}

/// What a proxy or an expired session answers.
pub(super) fn login_page() -> Reply {
    Reply::raw(200, "text/html", LOGIN_PAGE)
}

/// Valid JSON, nested deeper than any parser should follow.
pub(super) fn deep(depth: usize) -> Reply {
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    Reply::raw(200, SCIM_JSON, format!("{{\"Resources\":{open}{close}}}"))
}
