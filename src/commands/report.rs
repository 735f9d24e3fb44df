//! `report`: what people read, made again from the audit log.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::{Failure, read_past, say};
use crate::audit::log::now;
use crate::audit::replay::{Past, rows};
use crate::files;
use crate::folder::lock::{Holder, Lock, Unlocked, folder_lock};
use crate::folder::run::LOG;
use crate::views::summary::{Notices, Requests, Summary};
use crate::views::{outcomes, summary};

/// Makes outcome.csv and summary.json again.
pub(crate) fn report(run_dir: &Path) -> Result<u8, Failure> {
    let holder = Holder { pid: std::process::id(), since: now(), run_dir: run_dir.display().to_string() };
    if !run_dir.join(LOG).exists() {
        return Err(Failure::new(66, format!("{} is no run folder: it holds no {LOG}", run_dir.display())));
    }
    let _lock =
        Lock::take(&folder_lock(run_dir), &holder, Duration::ZERO).map_err(|unlocked| match unlocked {
            Unlocked::Held(_) => Failure::new(75, "the run is going on; it writes these files itself"),
            Unlocked::Io(error) => Failure::new(73, format!("{}: {error}", run_dir.display())),
        })?;
    let past = read_past(run_dir)?;
    write(run_dir, &past).map_err(|error| Failure::new(73, format!("{}: {error}", run_dir.display())))?;
    say(format_args!("{}", run_dir.join(outcomes::NAME).display()));
    say(format_args!("{}", run_dir.join(summary::NAME).display()));
    Ok(0)
}

/// Whether the files tell all that the log tells. The summary is written last, and names the log's
/// head.
pub(crate) fn is_current(run_dir: &Path, past: &Past) -> bool {
    let summary = files::read(&run_dir.join(summary::NAME)).ok();
    let summary = summary.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    summary.is_some_and(|summary| summary["audit_head"] == *past.end.head.hash)
        && run_dir.join(outcomes::NAME).exists()
}

/// Writes everything that is made from the log.
pub(crate) fn write(run_dir: &Path, past: &Past) -> io::Result<()> {
    let log = File::open(run_dir.join(LOG))?;
    outcomes::write_whole(run_dir, rows(log, past.ledger.offsets()))?;
    summary(past).write(run_dir)
}

fn summary(past: &Past) -> Summary {
    let (outcomes, reasons, mfa) = Summary::counts(&past.ledger.tally_with_doubts());
    Summary {
        run_id: past.run_id.clone(),
        input: past.start.input.clone(),
        dry_run: past.start.dry_run,
        started_at: past.started_at.clone(),
        finished_at: past.ended.as_ref().map(|_| past.last_at.clone()),
        exit_code: past.ended.as_ref().map(|end| end.exit_code),
        rows: past.start.rows,
        outcomes,
        reasons,
        mfa,
        requests: Requests {
            token: past.course.total().token,
            lookup: past.course.total().lookup,
            patch: past.course.total().patch,
            sessions: past.course.total().sessions,
        },
        throttled: past.course.total().throttled,
        waited_ms: past.course.total().waited_ms,
        notices: past.start.notices.then(|| Notices {
            sent: past.owed.sent,
            failed: past.owed.given_up,
            pending: past.owed.len(),
        }),
        warnings: past.warnings.iter().cloned().chain(past.owed.sentence()).collect(),
        audit_head: past.end.head.hash.clone(),
    }
}
