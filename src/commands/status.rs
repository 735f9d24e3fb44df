//! `status`: where a run stands. Reads the log alone, so it disturbs nobody.

use std::path::Path;
use std::time::Duration;

use super::{Failure, read_past, say};
use crate::audit::log::now;
use crate::audit::record::Traffic;
use crate::audit::replay::Past;
use crate::domain::text::count;
use crate::folder::lock::{Holder, Lock, Standing, folder_lock};

/// Says where the run stands.
pub(crate) fn status(run_dir: &Path) -> Result<u8, Failure> {
    // First: what holds the lock now may be done when the log is read, and not the other way round.
    let standing = Lock::standing(&folder_lock(run_dir));
    let past = read_past(run_dir)?;
    let tally = past.ledger.tally();
    let kind = if past.start.dry_run { "dry run" } else { "run" };
    say(format_args!("{kind} {} of {} against {}", past.run_id, past.start.input, past.start.target));
    let state = match (&standing, &past.ended) {
        (Standing::Held(Some(Holder { pid, since, .. })), _) => {
            format!("going on since {since} (process {pid})")
        }
        (Standing::Held(None), _) => "going on".to_owned(),
        (Standing::Free, Some(end)) if past.start.serves && end.stopped.is_none() => "closed".to_owned(),
        (Standing::Free, Some(end)) if end.complete => format!("complete, exit code {}", end.exit_code),
        (Standing::Free, Some(end)) => {
            let why = end.stopped.as_deref().unwrap_or("before its last row");
            format!("stopped: {why} (exit code {}); the same command goes on", end.exit_code)
        }
        (Standing::Free, None) => "died; the same command goes on".to_owned(),
    };
    say(format_args!("{state}"));
    say(format_args!("began {}, last record {}", past.started_at, past.last_at));
    let settled = past.ledger.settled().total();
    if past.start.serves {
        say(format_args!("{}: {}", count(settled, "reset"), tally.sentence()));
    } else {
        say(format_args!("{settled} of {} settled: {}", count(past.start.rows, "row"), tally.sentence()));
    }
    for (outcome, rows) in tally.reasons() {
        say(format_args!("  {:>7}  {}/{}", rows, outcome.family(), outcome.reason()));
    }
    if past.ledger.in_doubt() > 0 {
        let what = if matches!(standing, Standing::Held(_)) { "in the air" } else { "in doubt" };
        say(format_args!("  {:>7}  with a PATCH {what}", past.ledger.in_doubt()));
    }
    say(sent(&past));
    if let Some(until) = past.course.held_until(&now()).filter(|_| matches!(standing, Standing::Held(_))) {
        say(format_args!("waiting until {until}: the service asked"));
    }
    let head = &past.end.head;
    say(format_args!("audit log: {}, head {}", count(head.seq, "record"), head.hash));
    Ok(0)
}

/// What its processes sent, the one that works as far as it has told.
fn sent(past: &Past) -> String {
    let Traffic { lookup, patch, throttled, waited_ms, .. } = past.course.total();
    let waited = Duration::from_millis(waited_ms).as_secs_f64();
    let (lookups, changes) = (count(lookup, "look-up"), count(patch, "change"));
    format!("{lookups}, {changes} sent; {throttled} answered 429, waits of {waited:.1} s")
}
