//! Owns the boundary to what carries resets out: what is asked, and what can be answered.
//!
//! Nothing of HTTP passes it, and no secret: a password is made behind the desk and never shown before it.
//! One invariant: every question that was taken is answered, or its sender is dropped.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::domain::email::Email;
use crate::domain::outcome::{Mfa, Outcome};

/// A question, and where its answer is waited for.
pub(crate) type Ticket = (Ask, oneshot::Sender<Answer>);

/// The queue of those who ask. It is bounded: who finds it full is sent away.
pub(crate) type Desk = mpsc::Sender<Ticket>;

/// HMAC-SHA256 with the installation's key.
pub(crate) type Digest = [u8; 32];

/// What can be asked.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Reset one user.
    Reset(Box<Reset>),
    /// How an earlier reset of this caller ended.
    Show {
        /// The caller's id: the resets of others do not exist for him.
        caller: String,
        /// As it was answered.
        operation: String,
    },
}

/// One reset, as an authenticated caller asks for it.
#[derive(Debug)]
pub(crate) struct Reset {
    /// Who asks, by the id of the settings.
    pub(crate) caller: String,
    /// The e-mail domains whose users the caller may reset. Where [`Who`] is an id, only the look-up can
    /// tell: a user of another domain is answered like one who does not exist.
    pub(crate) domains: Arc<[String]>,
    /// From which address.
    pub(crate) source: IpAddr,
    /// Of the caller and his `Idempotency-Key`, where he gave one.
    pub(crate) idempotency: Option<Digest>,
    /// Of method, path and fields (a password that was sent left out): the same key with another fingerprint is a mistake.
    pub(crate) fingerprint: Digest,
    /// Whom.
    pub(crate) who: Who,
    /// Why, in the caller's words.
    pub(crate) reason: String,
    /// Attributes to set besides, by the names that the settings allow.
    pub(crate) attributes: BTreeMap<String, Value>,
    /// Whoever has no result by then says [`Answer::Running`]; later nobody listens.
    pub(crate) answer_by: Instant,
}

/// Whom a reset is for.
#[derive(Debug, Clone)]
pub(crate) enum Who {
    /// The user of this name.
    Email(Email),
    /// The user with this SCIM id.
    UserId(String),
}

/// What can be answered.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// It ended, now or when the same was asked before.
    Settled(Settled),
    /// It was begun and goes on; [`Ask::Show`] tells how it ends.
    Running {
        /// What to ask for later.
        operation: String,
    },
    /// There is no such user or operation, or none that this caller may know of.
    Unknown,
    /// The same key is being worked on.
    InFlight,
    /// The same key came with another request.
    Mismatch,
    /// No more resets are begun.
    Stopping,
}

/// How a reset ended.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    /// What to ask for later: letters, digits, `-`, `_` and `.`.
    pub(crate) operation: String,
    /// Family and reason.
    pub(crate) outcome: Outcome,
    /// What became of the MFA setting.
    pub(crate) mfa: Mfa,
    /// The account, as far as it was found.
    pub(crate) user_id: Option<String>,
    /// What became of the message to the user.
    pub(crate) notice: Notice,
    /// Whether this is the result of an earlier request with the same key.
    pub(crate) replayed: bool,
}

/// What became of the message to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// None is due.
    None,
    /// In the outbox.
    Queued,
    /// Taken by the mail server or the webhook.
    Sent,
    /// Given up.
    Failed,
}

impl Notice {
    /// As it is written in an answer.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}
