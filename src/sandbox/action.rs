//! Owns the actions of the script: their data, and which requests each can strike.
//!
//! What each does is told in the table of [`crate::sandbox::faults`].

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Value, json};

use super::canned::{Redirect, StatusReply};
use super::truth::Kind;

/// What happens to a request; the table of [`crate::sandbox::faults`] says it of each.
#[expect(missing_docs, reason = "the table of the script documents each action once")]
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Status(StatusReply),
    Redirect(Redirect),
    WaitMs(u64),
    WaitAfterMs(u64),
    Reset(When),
    StatusAfter(u16),
    Truncate(bool),
    DripMs(u64),
    DripBodyMs(u64),
    Huge(u64),
    Deep(usize),
    Garbage,
    Html,
    RevokeTokens,
    ExpireToken,
    RateLimitExceeded,
    WrongUser,
    TwoUsers,
    SameUserTwice,
    NoId,
    RawUserName(Value),
    TotalResults(u64),
    IgnoreFilter,
    IgnoreStartIndex,
    Deactivate,
    BumpVersion,
    Rename(String),
    OtherId,
    EchoPassword,
}

impl Action {
    /// Whether the action makes sense for requests of this kind.
    pub(super) fn fits(&self, kind: Kind) -> bool {
        match self {
            Self::WrongUser
            | Self::TwoUsers
            | Self::SameUserTwice
            | Self::NoId
            | Self::RawUserName(_)
            | Self::TotalResults(_)
            | Self::IgnoreFilter
            | Self::IgnoreStartIndex => kind == Kind::Lookup,
            Self::BumpVersion | Self::OtherId | Self::EchoPassword => kind == Kind::Patch,
            Self::Deactivate | Self::Rename(_) => matches!(kind, Kind::Lookup | Kind::Patch),
            Self::RateLimitExceeded => kind == Kind::Token,
            Self::RevokeTokens | Self::ExpireToken => kind != Kind::Token,
            _ => true,
        }
    }

    /// The name of the action in a script.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Redirect(_) => "redirect",
            Self::WaitMs(_) => "wait_ms",
            Self::WaitAfterMs(_) => "wait_after_ms",
            Self::Reset(When::Before) => "reset_before",
            Self::Reset(When::After) => "reset_after",
            Self::StatusAfter(_) => "status_after",
            Self::Truncate(_) => "truncate",
            Self::DripMs(_) => "drip_ms",
            Self::DripBodyMs(_) => "drip_body_ms",
            Self::Huge(_) => "huge",
            Self::Deep(_) => "deep",
            Self::Garbage => "garbage",
            Self::Html => "html",
            Self::RevokeTokens => "revoke_tokens",
            Self::ExpireToken => "expire_token",
            Self::RateLimitExceeded => "rate_limit_exceeded",
            Self::WrongUser => "wrong_user",
            Self::TwoUsers => "two_users",
            Self::SameUserTwice => "same_user_twice",
            Self::NoId => "no_id",
            Self::RawUserName(_) => "raw_user_name",
            Self::TotalResults(_) => "total_results",
            Self::IgnoreFilter => "ignore_filter",
            Self::IgnoreStartIndex => "ignore_start_index",
            Self::Deactivate => "deactivate",
            Self::BumpVersion => "bump_version",
            Self::Rename(_) => "rename",
            Self::OtherId => "other_id",
            Self::EchoPassword => "echo_password",
        }
    }
}

/// On which side of the deed the connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Nothing is done.
    Before,
    /// All is done.
    After,
}

impl From<StatusReply> for Action {
    fn from(reply: StatusReply) -> Self {
        Self::Status(reply)
    }
}

/// The actions of several members are told by the one that names them.
pub(super) fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Action, D::Error> {
    let mut value = Value::deserialize(deserializer)?;
    for name in ["redirect", "status"] {
        if value.get(name).is_some() {
            value = json!({ name: value });
            break;
        }
    }
    serde_json::from_value(value).map_err(D::Error::custom)
}
