//! Owns the truth as data: what the service saw and what it really did.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::user::User;

/// What really happened, whatever the client was told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Every change really applied, in order.
    pub applied: Vec<Applied>,
    /// Changes applied, those that were not kept included.
    pub applied_total: u64,
    /// Requests in order of arrival.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<Seen>,
    /// Requests that were counted but not kept.
    pub requests_not_kept: u64,
    /// Every account that exists, decoys included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<User>,
    /// Ids of the users whose sessions were ended, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions_ended: Vec<String>,
    /// Requests to the token endpoint.
    pub token_requests: u64,
    /// Requests that read users.
    pub lookup_requests: u64,
    /// Requests that change a user.
    pub patch_requests: u64,
    /// All others.
    pub other_requests: u64,
    /// Requests that came although they had been told to wait.
    pub during_hold: u64,
    /// Answers by status; 0 counts connections cut without an answer.
    pub statuses: BTreeMap<u16, u64>,
    /// Faults that struck, by name.
    pub faults: BTreeMap<String, u64>,
}

/// One change really applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// From 1.
    pub seq: u64,
    /// Milliseconds since the start.
    pub at_ms: u64,
    /// The account's id.
    pub user_id: String,
    /// The account's name after the change.
    pub user_name: String,
    /// The password set, if one was.
    pub password: Option<String>,
    /// The MFA settings after the change, if it touched them.
    pub mfa: Option<Value>,
    /// Other attributes set, by path; null where one was removed.
    pub attributes: Map<String, Value>,
    /// Whether the change made an inactive account active again.
    pub reactivated: bool,
    /// The account's version after the change.
    pub version: u64,
}

/// One request as it arrived, and the status it was answered with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Milliseconds since the start.
    pub at_ms: u64,
    /// What it wanted.
    pub kind: Kind,
    /// The HTTP method.
    pub method: String,
    /// The path without the query, as sent.
    pub path: String,
    /// The query as sent; empty without one.
    pub query: String,
    /// The `userName` it was about, as far as one can tell.
    pub user: Option<String>,
    /// The token it bore, by the order of issue from 1.
    pub token: Option<u64>,
    /// The status answered; 0 while unanswered and when the connection was cut instead.
    pub status: u16,
    /// Whether it arrived before a `Retry-After` of this token had passed.
    pub during_hold: bool,
    /// When that hold was announced, so that one can tell what was under way already.
    pub hold_announced_ms: Option<u64>,
    /// The fault that struck it.
    pub fault: Option<String>,
    /// `User-Agent`
    pub user_agent: Option<String>,
    /// `If-Match`
    pub if_match: Option<String>,
    /// The scheme of `Authorization`, never the credentials.
    pub authorization: Option<String>,
    /// `Content-Type`
    pub content_type: Option<String>,
    /// `Accept`
    pub accept: Option<String>,
}

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An access token.
    Token,
    /// Users: one, some or all.
    Lookup,
    /// A change of one user.
    Patch,
    /// Anything else.
    Other,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Token, Self::Lookup, Self::Patch, Self::Other];
}
