//! `summary.json`: the run in numbers, for programs.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Serialize;

use crate::domain::outcome::Mfa;
use crate::domain::tally::Tally;
use crate::failpoint;
use crate::files;

/// Name of the file in the run folder.
pub(crate) const NAME: &str = "summary.json";

/// What the file holds, in this order.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// Name of the run.
    pub(crate) run_id: String,
    /// INPUT as given.
    pub(crate) input: String,
    /// The part of INPUT that the run is about, `K/N`; absent for all of it, and where runs were merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shard: Option<String>,
    /// Whether nothing was to be changed.
    pub(crate) dry_run: bool,
    /// RFC 3339 UTC.
    pub(crate) started_at: String,
    /// RFC 3339 UTC; absent while a process works on it, or when it died.
    pub(crate) finished_at: Option<String>,
    /// Absent likewise.
    pub(crate) exit_code: Option<u8>,
    /// Rows of the input.
    pub(crate) rows: u64,
    /// Rows by family.
    pub(crate) outcomes: BTreeMap<&'static str, u64>,
    /// Rows by family and reason, those that occur.
    pub(crate) reasons: BTreeMap<String, u64>,
    /// Rows whose reply said something about MFA.
    pub(crate) mfa: MfaCounts,
    /// Requests sent.
    pub(crate) requests: Requests,
    /// Replies with status 429.
    pub(crate) throttled: u64,
    /// Milliseconds that the service made us wait.
    pub(crate) waited_ms: u64,
    /// Notices to users; absent where none are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) notices: Option<Notices>,
    /// What was noticed.
    pub(crate) warnings: Vec<String>,
    /// Hash of the audit log's last line; empty for several.
    pub(crate) audit_head: String,
    /// The runs that were merged; absent for a single one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) merged: Vec<MergedRun>,
}

/// A run that was merged with others.
#[derive(Debug, Serialize)]
pub(crate) struct MergedRun {
    /// Its name.
    pub(crate) run_id: String,
    /// Hash of its log's last line.
    pub(crate) audit_head: String,
}

/// Rows by what the reply said about MFA.
#[derive(Debug, Serialize)]
pub(crate) struct MfaCounts {
    /// The reply shows the setting as asked.
    pub(crate) confirmed: u64,
    /// A yes that does not show it.
    pub(crate) accepted: u64,
}

/// Notices, each of them in one of three states.
#[derive(Debug, Serialize)]
pub(crate) struct Notices {
    /// Taken by the mail server or the webhook.
    pub(crate) sent: u64,
    /// Refused for good.
    pub(crate) failed: u64,
    /// The same command sends them.
    pub(crate) pending: u64,
}

/// Requests sent, by kind.
#[derive(Debug, Serialize)]
pub(crate) struct Requests {
    /// To the token endpoint.
    pub(crate) token: u64,
    /// Look-ups.
    pub(crate) lookup: u64,
    /// Changes.
    pub(crate) patch: u64,
    /// To end sessions; only where that was asked for.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) sessions: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Summary {
    /// The parts that are counts of outcomes.
    pub(crate) fn counts(tally: &Tally) -> (BTreeMap<&'static str, u64>, BTreeMap<String, u64>, MfaCounts) {
        let reasons = tally
            .reasons()
            .map(|(outcome, rows)| (format!("{}/{}", outcome.family(), outcome.reason()), rows));
        let mfa = MfaCounts { confirmed: tally.mfa(Mfa::Confirmed), accepted: tally.mfa(Mfa::Accepted) };
        (tally.families().into_iter().collect(), reasons.collect(), mfa)
    }

    /// Writes the file.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        failpoint::hit("summary");
        files::replace(&folder.join(NAME), |out| {
            serde_json::to_writer_pretty(&mut *out, self)?;
            out.write_all(b"\n")
        })
    }
}
