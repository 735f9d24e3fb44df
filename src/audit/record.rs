//! What the lines say. Field names are the contract; attributes appear by name only.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, de::Error as _};

use crate::domain::event::{Done, Ending, Intent, Trail};
use crate::domain::outcome::{Doubt, Mfa, Outcome};
use crate::domain::text::Text;

/// A line's own fields; the chain adds `v`, `seq`, `ts`, `run_id`, `prev` and `hash`.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Body<'a> {
    /// A run begins: what it is about.
    RunStart(&'a RunStart),
    /// The same run goes on in another process.
    Resume {
        /// Which process.
        actor: Actor,
        /// Rows whose PATCH is in doubt from before.
        in_doubt: u64,
    },
    /// A token was given to us.
    Token {
        /// How long it is good for.
        expires_in_s: u64,
    },
    /// A PATCH is about to leave.
    Intent {
        /// Line of the input.
        line: u64,
        /// Whom it changes.
        email: &'a str,
        /// Which account it changes.
        user_id: &'a str,
        /// What it changes, by name.
        attributes: &'a [&'a str],
        /// Requests sent for the row so far.
        attempts: u32,
        /// Whether an earlier PATCH is in doubt.
        repeat: bool,
        /// The number under which the generated password lies sealed.
        #[serde(skip_serializing_if = "Option::is_none")]
        sealed: Option<u64>,
    },
    /// A row ended.
    Result(Row<'a>),
    /// A row was left alone by rule.
    Skip(Row<'a>),
    /// A user was told, or not.
    Notify(Notify<'a>),
    /// A caller of the service asked for a reset.
    ServeAuth(ServeAuth),
    /// A place to compare with a copy kept elsewhere.
    Checkpoint {
        /// Lines before this one.
        records: u64,
        /// What this process has sent so far.
        #[serde(flatten)]
        told: Told,
    },
    /// The process ends in order.
    RunEnd(&'a RunEnd),
}

/// On whose word a reset is done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServeAuth {
    /// The reset, by number.
    pub(crate) line: u64,
    /// Whose it was.
    pub(crate) caller: String,
    /// From where.
    pub(crate) source: String,
    /// For whom.
    pub(crate) email: String,
    /// Why.
    pub(crate) reason: String,
    /// HMAC of the caller's idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) idempotency: Option<String>,
    /// HMAC of the request.
    pub(crate) fingerprint: String,
}

/// What became of a notice.
#[derive(Debug, Serialize)]
pub(crate) struct Notify<'a> {
    /// The row that it is about.
    pub(crate) line: u64,
    /// Whom it tells.
    pub(crate) email: &'a str,
    /// Whether it arrived.
    pub(crate) state: Delivery,
    /// Which attempt of this process it was.
    pub(crate) attempt: u32,
    /// Why it did not.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) why: &'a str,
}

/// Whether a notice arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Delivery {
    /// It was taken.
    Sent,
    /// Not this time.
    Failed,
    /// It never will be.
    GivenUp,
}

/// How a row ended.
#[derive(Debug, Serialize)]
pub(crate) struct Row<'a> {
    line: u64,
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    outcome: &'static str,
    reason: &'static str,
    mfa: &'static str,
    http_status: Option<u16>,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    took_ms: Option<u32>,
    detail: Cow<'a, str>,
    #[serde(skip_serializing_if = "is_false")]
    open: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl<'a> Body<'a> {
    /// The line that declares a PATCH.
    pub(crate) fn intent(intent: &'a Intent<'_>) -> Self {
        Self::Intent {
            line: intent.line,
            email: intent.email,
            user_id: intent.user_id,
            attributes: &intent.attributes,
            attempts: intent.attempts,
            repeat: intent.repeat,
            sealed: intent.sealed,
        }
    }

    /// The line that says how a row ended.
    pub(crate) fn done(done: &'a Done) -> Self {
        let row = Row {
            line: done.line,
            email: &done.email,
            user_id: done.trail.user_id.as_deref(),
            outcome: done.ending.outcome.family(),
            reason: done.ending.outcome.reason(),
            mfa: done.ending.mfa.word(),
            http_status: done.trail.http_status,
            attempts: done.trail.attempts,
            took_ms: done.trail.took_ms,
            detail: done.detail(),
            open: done.ending.open,
        };
        match done.ending.outcome {
            Outcome::Skipped(_) => Self::Skip(row),
            Outcome::Updated
            | Outcome::WouldUpdate
            | Outcome::Failed(_)
            | Outcome::Unknown(_)
            | Outcome::Pending(_) => Self::Result(row),
        }
    }
}

/// What a run is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the log's line")]
pub(crate) struct RunStart {
    /// INPUT as given.
    pub(crate) input: String,
    /// Keyed fingerprint of the input's bytes.
    pub(crate) input_fp: String,
    /// Rows in it.
    pub(crate) rows: u64,
    /// Line on which the last of them begins.
    pub(crate) last_line: u64,
    /// Whether nothing is to be changed.
    pub(crate) dry_run: bool,
    /// The service that is worked on.
    pub(crate) target: String,
    /// OAuth client, by id.
    pub(crate) client_id: String,
    /// The earlier run whose unfinished rows are tried once more, and which of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry_of: Option<String>,
    /// Which part of the input's rows, as `K/N`, when other machines do the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shard: Option<String>,
    /// What is asked for beyond the columns password and `mfa_phone`, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) asks: String,
    /// Whether it is the log of a service, whose rows are the resets that callers ask for.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) serves: bool,
    /// Whether users are told.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) notices: bool,
    /// Whether what they are told holds their passwords.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) passwords_in_mail: bool,
    /// Which process.
    pub(crate) actor: Actor,
    /// This program's version.
    pub(crate) version: String,
    /// What was noticed before the first request.
    pub(crate) warnings: Vec<String>,
}

/// Which process wrote.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Actor {
    /// User number.
    pub(crate) uid: u32,
    /// Process number.
    pub(crate) pid: u32,
    /// Machine.
    pub(crate) host: String,
}

/// How a process ended, with what it did.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct RunEnd {
    /// Whether every row has its final outcome.
    pub(crate) complete: bool,
    /// The exit code.
    pub(crate) exit_code: u8,
    /// Why it stopped, when it did before the last row.
    pub(crate) stopped: Option<String>,
    /// What this process sent.
    pub(crate) traffic: Traffic,
    /// What was noticed on the way.
    pub(crate) warnings: Vec<String>,
}

/// How far a process has come with its requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// What it has sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) traffic: Option<Traffic>,
    /// For how long nothing will leave, because the service asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hold_ms: Option<u64>,
}

/// Requests and waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Traffic {
    /// Token requests.
    pub(crate) token: u64,
    /// Look-ups, with the one of the service's configuration.
    pub(crate) lookup: u64,
    /// PATCH requests, and passwords by their own route.
    pub(crate) patch: u64,
    /// Requests that end sessions.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) sessions: u64,
    /// Replies with status 429.
    pub(crate) throttled: u64,
    /// Milliseconds that the service made us wait.
    pub(crate) waited_ms: u64,
}

impl Traffic {
    /// The sum of two processes' work.
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            token: self.token.saturating_add(other.token),
            lookup: self.lookup.saturating_add(other.lookup),
            patch: self.patch.saturating_add(other.patch),
            sessions: self.sessions.saturating_add(other.sessions),
            throttled: self.throttled.saturating_add(other.throttled),
            waited_ms: self.waited_ms.saturating_add(other.waited_ms),
        }
    }
}

/// Any line as read: the chain's fields and those of rows.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "`line` is the name in the file")]
pub(crate) struct Line<'a> {
    /// Version of the format.
    pub(crate) v: u32,
    /// Sequence number.
    pub(crate) seq: u64,
    /// When, RFC 3339 UTC.
    #[serde(borrow)]
    pub(crate) ts: Cow<'a, str>,
    /// Which run.
    #[serde(borrow)]
    pub(crate) run_id: Cow<'a, str>,
    /// What kind of line.
    #[serde(borrow)]
    pub(crate) kind: Cow<'a, str>,
    /// Hash of the line before.
    #[serde(borrow)]
    pub(crate) prev: Cow<'a, str>,
    /// Its own hash.
    #[serde(borrow)]
    pub(crate) hash: Cow<'a, str>,
    /// Of a `run_end`: whether every row has its final outcome.
    #[serde(default)]
    pub(crate) complete: bool,
    /// Line of the input.
    pub(crate) line: Option<u64>,
    /// Whom.
    #[serde(borrow)]
    pub(crate) email: Option<Text<'a>>,
    /// Which account.
    #[serde(borrow)]
    pub(crate) user_id: Option<Text<'a>>,
    #[serde(borrow)]
    outcome: Option<Text<'a>>,
    #[serde(borrow)]
    reason: Option<Text<'a>>,
    #[serde(borrow)]
    mfa: Option<Text<'a>>,
    /// Of a `notify`: whether it arrived.
    pub(crate) state: Option<Delivery>,
    http_status: Option<u16>,
    /// Requests sent for the row.
    #[serde(default)]
    pub(crate) attempts: u32,
    /// Of an `intent`: the number under which its password lies sealed.
    pub(crate) sealed: Option<u64>,
    took_ms: Option<u32>,
    detail: Option<String>,
    #[serde(default)]
    open: bool,
}

impl<'a> Line<'a> {
    /// Reads a line. That it is UTF-8 is seen once for all of it, and not for each of its strings.
    pub(crate) fn read(line: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_str(str::from_utf8(line).map_err(serde_json::Error::custom)?)
    }

    /// How the row of this line ended. A row of which only the intent is known is in doubt.
    ///
    /// Nothing for lines that speak of no row, or in words that are not ours.
    pub(crate) fn done(self) -> Option<Done> {
        let (outcome, mfa, open) = match &*self.kind {
            "intent" => (Outcome::Unknown(Doubt::ReplyLost), Mfa::NotSent, true),
            "result" | "skip" => (
                Outcome::from_words(self.outcome.as_deref()?, self.reason.as_deref()?)?,
                Mfa::from_word(self.mfa.as_deref()?)?,
                self.open,
            ),
            _ => return None,
        };
        let unheard = || "a PATCH was declared, and what became of it is not on record".to_owned();
        let detail = self.detail.unwrap_or_else(|| if open { unheard() } else { String::new() });
        let ending = Ending { outcome, mfa, detail, open };
        let trail = Trail {
            attempts: self.attempts,
            http_status: self.http_status,
            took_ms: self.took_ms,
            user_id: self.user_id.map(Text::into_owned),
            ..Trail::default()
        };
        Some(Done { line: self.line?, email: self.email?.into_owned(), trail, ending })
    }
}
