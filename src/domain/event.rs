//! What leaves the engine: the things that happen to rows.
//!
//! The audit log, the outcome file, the tally and the progress bar are all made from these.

use std::borrow::Cow;

use super::outcome::{Mfa, Outcome};
use super::text::{clean, cleaned};

/// What has happened to a row so far; it travels with the row.
#[derive(Debug, Default, Clone)]
pub(crate) struct Trail {
    /// Requests sent for this row, look-ups included, over all sessions of the run.
    pub(crate) attempts: u32,
    /// PATCH requests among them, in this session.
    pub(crate) patches: u32,
    /// How often the account changed between look-up and PATCH.
    pub(crate) conflicts: u32,
    /// Status of the last reply.
    pub(crate) http_status: Option<u16>,
    /// Milliseconds from the leaving of the last change to its answer.
    pub(crate) took_ms: Option<u32>,
    /// Set while a PATCH has left whose effect is not known.
    pub(crate) doubt: Option<super::outcome::Doubt>,
    /// Whether that can only be the PATCH of everything but the password, which goes its own way.
    pub(crate) spares_password: bool,
    /// The account that was found.
    pub(crate) user_id: Option<String>,
    /// What the last reply said about itself: `scimType`, code, correlation id; already cleaned.
    pub(crate) reference: String,
}

impl Trail {
    /// This outcome, unless a PATCH is in doubt: then whatever came after it leaves the doubt.
    pub(crate) fn outcome(&self, otherwise: Outcome) -> Outcome {
        self.doubt.map_or(otherwise, Outcome::Unknown)
    }
}

/// The end of a row, or its end for now.
#[derive(Debug)]
pub(crate) struct Ending {
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// What the reply says about MFA.
    pub(crate) mfa: Mfa,
    /// Our words on it; never anything the server sent.
    pub(crate) detail: String,
    /// Whether the same command has still to settle this row.
    pub(crate) open: bool,
}

impl Ending {
    /// A row that is finished, with nothing to say about MFA.
    pub(crate) fn new(outcome: Outcome, detail: impl Into<String>) -> Self {
        let open = matches!(outcome, Outcome::Pending(_));
        Self { outcome, mfa: Mfa::NotSent, detail: detail.into(), open }
    }

    /// The same, still to be settled by the next session.
    pub(crate) fn left_open(mut self) -> Self {
        self.open = true;
        self
    }
}

/// The record of a row's end: everything that the outcome file shows of it, but for the time.
#[derive(Debug)]
pub(crate) struct Done {
    /// Line of the input on which the record begins.
    pub(crate) line: u64,
    /// The address, empty when the row holds no sound one.
    pub(crate) email: String,
    /// How it went.
    pub(crate) trail: Trail,
    /// How it ended.
    pub(crate) ending: Ending,
}

impl Done {
    /// Our words and what the reply said about itself, fit for a cell.
    pub(crate) fn detail(&self) -> Cow<'_, str> {
        let (detail, reference) = (&self.ending.detail, &self.trail.reference);
        match (detail.is_empty(), reference.is_empty()) {
            (_, true) => cleaned(detail, 256),
            (true, false) => cleaned(reference, 256),
            (false, false) => clean(&format!("{detail} ({reference})"), 256).into(),
        }
    }
}

/// The declaration that a PATCH is about to leave.
#[derive(Debug)]
pub(crate) struct Intent<'a> {
    /// Line of the input on which the record begins.
    pub(crate) line: u64,
    /// The address.
    pub(crate) email: &'a str,
    /// The account that will be changed.
    pub(crate) user_id: &'a str,
    /// Names of the attributes that will be changed.
    pub(crate) attributes: Vec<&'a str>,
    /// Requests sent for this row so far.
    pub(crate) attempts: u32,
    /// Whether an earlier PATCH for this row is in doubt.
    pub(crate) repeat: bool,
    /// The number under which the generated password lies sealed.
    pub(crate) sealed: Option<u64>,
}
