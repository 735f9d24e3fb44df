//! `status`: where a run stands. Reads the log alone, so it disturbs nobody.

use std::path::Path;

use super::{Failure, read_past, say};
use crate::domain::text::count;
use crate::folder::lock::{Lock, folder_lock};

/// Says where the run stands.
pub(crate) fn status(run_dir: &Path) -> Result<u8, Failure> {
    let past = read_past(run_dir)?;
    let holder = Lock::holder(&folder_lock(run_dir));
    let tally = past.ledger.tally();
    let kind = if past.start.dry_run { "dry run" } else { "run" };
    say(format_args!("{kind} {} of {} against {}", past.run_id, past.start.input, past.start.target));
    let state = match (&holder, &past.ended) {
        (Some(holder), _) => format!("going on since {} (process {})", holder.since, holder.pid),
        (None, Some(end)) if end.complete => format!("complete, exit code {}", end.exit_code),
        (None, Some(end)) => {
            let why = end.stopped.as_deref().unwrap_or("before its last row");
            format!("stopped: {why} (exit code {}); the same command goes on", end.exit_code)
        }
        (None, None) => "died; the same command goes on".to_owned(),
    };
    say(format_args!("{state}"));
    say(format_args!("began {}, last record {}", past.started_at, past.last_at));
    let settled = past.ledger.settled().total();
    say(format_args!("{settled} of {} settled: {}", count(past.start.rows, "row"), tally.sentence()));
    for (outcome, rows) in tally.reasons() {
        say(format_args!("  {:>7}  {}/{}", rows, outcome.family(), outcome.reason()));
    }
    if past.ledger.in_doubt() > 0 {
        let what = if holder.is_some() { "in the air" } else { "in doubt" };
        say(format_args!("  {:>7}  with a PATCH {what}", past.ledger.in_doubt()));
    }
    Ok(0)
}
