//! What is known of a run without asking it: its log, and who holds its lock.
//!
//! The names of the fields are those of `status --json`, which programs rely on.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::next::next;
use crate::audit::log::now;
use crate::audit::record::Traffic;
use crate::audit::replay::Past;
use crate::commands::{Failure, read_past};
use crate::domain::tally::Tally;
use crate::domain::text::count;
use crate::folder::lock::{Holder, Lock, Standing, folder_lock};
use crate::views::summary::{Notices, Summary};

/// Whether a run goes on, and how it ended if it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// A process holds the folder.
    Running,
    /// Every row has its final outcome, and every user was told.
    Complete,
    /// The last process said that it ends, and why.
    Stopped,
    /// The last process said nothing.
    Died,
}

/// Where a run stands.
#[derive(Debug, Serialize)]
pub(crate) struct Facts {
    pub(super) run_dir: String,
    pub(super) run_id: String,
    /// INPUT as given.
    pub(super) input: String,
    pub(super) target: String,
    pub(super) dry_run: bool,
    pub(crate) state: State,
    /// Why it stopped.
    pub(super) stopped: Option<String>,
    /// The process that works on it, if that is known.
    pub(super) pid: Option<u32>,
    #[serde(skip)]
    pub(super) since: Option<String>,
    pub(super) started_at: String,
    pub(super) last_record_at: String,
    /// Rows that it is about; nothing for a service, whose rows come one by one.
    pub(super) rows: Option<u64>,
    /// Rows that have their final outcome.
    pub(super) settled: u64,
    /// While it runs, the settled rows; then every row that the log names, as in summary.json.
    pub(super) outcomes: BTreeMap<&'static str, u64>,
    /// The same with reasons, those that occur.
    pub(super) reasons: BTreeMap<String, u64>,
    /// Until when nothing is sent, since the service asked for that.
    pub(super) waits_until: Option<String>,
    /// What its processes sent, in words.
    #[serde(skip)]
    pub(super) sent: String,
    /// Rows with a PATCH whose end is not on record.
    pub(super) in_doubt: u64,
    /// Absent where users are not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) notices: Option<Notices>,
    /// Of the last process that ended in order.
    pub(super) exit_code: Option<u8>,
    /// The command to go on with, as far as the log tells it.
    pub(super) next: Option<String>,
    /// Records in the log.
    pub(super) records: u64,
    /// Hash of the last of them.
    pub(super) audit_head: String,
    #[serde(skip)]
    pub(super) settled_rows: Tally,
    #[serde(skip)]
    pub(super) pending: Tally,
}

impl Facts {
    /// Reads the lock and the log; disturbs nobody.
    pub(crate) fn read(run_dir: &Path) -> Result<Self, Failure> {
        // First: what holds the lock now may be done when the log is read, and not the other way round.
        let standing = Lock::standing(&folder_lock(run_dir));
        Ok(Self::of(run_dir, &standing, &read_past(run_dir)?))
    }

    fn of(run_dir: &Path, standing: &Standing, past: &Past) -> Self {
        let state = state(standing, past);
        let settled_rows = past.ledger.settled().clone();
        // What an earlier process left pending is what this one is at.
        let (outcomes, reasons, _) = match state {
            State::Running => Summary::counts(&settled_rows),
            State::Complete | State::Stopped | State::Died => {
                Summary::counts(&past.ledger.tally_with_doubts())
            }
        };
        let pending = if state == State::Running { Tally::default() } else { past.ledger.tally().clone() };
        let holder = holder(standing);
        let start = &past.start;
        Self {
            run_dir: run_dir.display().to_string(),
            run_id: past.run_id.clone(),
            input: start.input.clone(),
            target: start.target.clone(),
            dry_run: start.dry_run,
            state,
            stopped: past.ended.as_ref().and_then(|end| end.stopped.clone()),
            pid: holder.map(|holder| holder.pid),
            since: holder.map(|holder| holder.since.clone()),
            started_at: past.started_at.clone(),
            last_record_at: past.last_at.clone(),
            rows: (!start.serves).then_some(start.rows),
            settled: settled_rows.total(),
            outcomes,
            reasons,
            waits_until: past.course.held_until(&now()).filter(|_| state == State::Running),
            sent: sent(past),
            in_doubt: past.ledger.in_doubt(),
            notices: start.notices.then(|| Notices {
                sent: past.owed.sent,
                failed: past.owed.given_up,
                pending: past.owed.len(),
            }),
            exit_code: past.ended.as_ref().map(|end| end.exit_code),
            next: next(run_dir, state, past),
            records: past.end.head.seq,
            audit_head: past.end.head.hash.clone(),
            settled_rows,
            pending,
        }
    }

    /// The exit code that the run left with: 70 for one that died, nothing while it goes on.
    pub(crate) fn verdict(&self) -> Option<u8> {
        match self.state {
            State::Running => None,
            State::Complete | State::Stopped => self.exit_code,
            State::Died => Some(70),
        }
    }

    /// Rows that have no final outcome yet, and what is known of them.
    pub(super) fn to_go(&self) -> Option<String> {
        let left = self.rows?.saturating_sub(self.settled);
        let pending = self.pending.reasons().filter(|(outcome, _)| outcome.family() == "pending");
        let mut parts: Vec<_> =
            pending.map(|(outcome, rows)| format!("{rows} pending/{}", outcome.reason())).collect();
        if self.in_doubt > 0 {
            let what = if self.state == State::Running { "in the air" } else { "in doubt" };
            parts.push(format!("{} with a PATCH {what}", self.in_doubt));
        }
        let untouched = left.saturating_sub(self.in_doubt + self.pending.family("pending"));
        if untouched > 0 {
            parts.push(format!("{untouched} not begun"));
        }
        (left > 0).then(|| format!("{} to go: {}", count(left, "row"), parts.join(", ")))
    }
}

/// What its processes sent. One that goes on or died has told of it up to its last checkpoint only, and its
/// rows tell of more.
fn sent(past: &Past) -> String {
    let Traffic { lookup, patch, throttled, waited_ms, .. } = past.course.total();
    let is_all = past.ended.is_some() && patch >= past.ledger.settled().family("updated");
    let at_least = if is_all { "" } else { "at least " };
    let waited = Duration::from_millis(waited_ms).as_secs_f64();
    let (lookups, changes) = (count(lookup, "look-up"), count(patch, "change"));
    format!("{at_least}{lookups}, {changes} sent; {throttled} answered 429, waits of {waited:.1} s")
}

fn holder(standing: &Standing) -> Option<&Holder> {
    match standing {
        Standing::Held(holder) => holder.as_ref(),
        Standing::Free => None,
    }
}

fn state(standing: &Standing, past: &Past) -> State {
    match (standing, &past.ended) {
        (Standing::Held(_), _) => State::Running,
        (Standing::Free, Some(end)) if end.complete => State::Complete,
        // A service has no last row: told to end, it is done.
        (Standing::Free, Some(end)) if past.start.serves && end.stopped.is_none() => State::Complete,
        (Standing::Free, Some(_)) => State::Stopped,
        (Standing::Free, None) => State::Died,
    }
}
