//! What a report says of a run, beyond its rows: made from the audit log, before any of it is written out.
//!
//! Plain values, already cleaned for people; whoever draws them computes nothing but positions.

use serde::Serialize;

use super::summary::Summary;

/// Everything that the head of `report.html` shows.
#[derive(Debug, Serialize)]
pub(crate) struct Facts {
    /// The counts, as `summary.json` has them.
    pub(crate) summary: Summary,
    /// The service that was worked on: its SCIM base, or `sandbox`.
    pub(crate) target: String,
    /// Version of this program that began the run.
    pub(crate) version: String,
    /// Whether every row has its final outcome.
    pub(crate) complete: bool,
    /// Why it stopped before its last row, if it did.
    pub(crate) stopped: Option<String>,
    /// The verdict in one sentence.
    pub(crate) verdict: String,
    /// The runs that were merged, by id; empty for a single one.
    pub(crate) merged: Vec<String>,
    /// Outcomes that need somebody, the most frequent first; behind them those that were left alone.
    pub(crate) reasons: Vec<Reason>,
    /// How long the service took to answer changes; nothing where none was answered.
    pub(crate) latency: Option<Latency>,
    /// Outcomes over time.
    pub(crate) timeline: Timeline,
}

/// Rows that ended alike, and what to do about them.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "`reason` is the name of the column")]
pub(crate) struct Reason {
    /// Such as `failed`.
    pub(crate) outcome: &'static str,
    /// Such as `not_found`.
    pub(crate) reason: &'static str,
    /// How many.
    pub(crate) rows: u64,
    /// What it means, in a sentence.
    pub(crate) means: &'static str,
    /// What to do about it, in a sentence.
    pub(crate) advice: &'static str,
}

/// Milliseconds from a change's leaving to its answer.
#[derive(Debug, Serialize)]
pub(crate) struct Latency {
    /// Answered changes.
    pub(crate) rows: u64,
    /// Half of them were at least this fast.
    pub(crate) p50_ms: u64,
    /// Nine of ten.
    pub(crate) p90_ms: u64,
    /// Ninety-nine of a hundred.
    pub(crate) p99_ms: u64,
    /// The slowest.
    pub(crate) max_ms: u64,
}

/// The run in equal steps of time.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Timeline {
    /// Beginning of the first step, milliseconds since 1970 (UTC).
    pub(crate) start_ms: u64,
    /// Length of a step.
    pub(crate) step_ms: u64,
    /// Each step's rows; at most 240 steps, so that a week is no longer than an hour.
    pub(crate) steps: Vec<Step>,
    /// Waits that the service asked for.
    pub(crate) waits: Vec<Wait>,
}

/// What ended in one step of time.
#[derive(Debug, Default, Clone, Serialize)]
pub(crate) struct Step {
    /// Rows `updated`, or `would_update` in a dry run.
    pub(crate) updated: u64,
    /// Rows `skipped`.
    pub(crate) skipped: u64,
    /// Rows `failed`.
    pub(crate) failed: u64,
    /// Rows `unknown`.
    pub(crate) unknown: u64,
    /// Rows left `pending`.
    pub(crate) pending: u64,
    /// Replies with status 429.
    pub(crate) throttled: u64,
}

/// A time in which nothing left because the service had asked for it.
#[derive(Debug, Serialize)]
pub(crate) struct Wait {
    /// Milliseconds since 1970 (UTC).
    pub(crate) from_ms: u64,
    /// Likewise.
    pub(crate) to_ms: u64,
}
