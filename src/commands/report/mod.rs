//! `report`: what people read, made again from the audit log, or from several as one.
//!
//! * [`account`]: what is said beside the rows
//! * [`merge`]: the rows of several runs as those of one

mod account;
mod merge;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::account::Account;
use self::merge::Merge;
use super::status::no_run;
use super::{Failure, read_past, say};
use crate::audit::accounts::Accounts;
use crate::audit::log::now;
use crate::audit::replay::{Past, rows};
use crate::domain::event::Done;
use crate::failpoint;
use crate::files;
use crate::folder::lock::{Holder, Lock, Unlocked, folder_lock};
use crate::folder::run::LOG;
use crate::views::gathering::Gathering;
use crate::views::report::Page;
use crate::views::{outcomes, report, summary};

/// What is made from a log, in this order: the summary names the log's head, so it comes last.
pub(crate) const NAMES: [&str; 3] = [outcomes::NAME, report::NAME, summary::NAME];

/// A run whose folder is ours as long as this is kept.
struct Run {
    dir: PathBuf,
    past: Past,
    _lock: Lock,
}

/// Makes outcome.csv, summary.json and report.html again; those of several runs in a folder of their own.
pub(crate) fn report(run_dirs: &[PathBuf], output: Option<&Path>) -> Result<u8, Failure> {
    let several = run_dirs.len() > 1;
    if several && output.is_none() {
        return Err(Failure::new(
            2,
            "several runs are merged into a folder of their own: --output DIR is needed",
        ));
    }
    let mut runs = run_dirs.iter().map(|dir| open(dir)).collect::<Result<Vec<_>, _>>()?;
    let Some(output) = output else {
        for Run { dir, past, .. } in &runs {
            write(dir, past).map_err(|error| Failure::new(73, format!("{}: {error}", dir.display())))?;
            name_files(dir);
        }
        return Ok(0);
    };
    // Which accounts were claimed matters to runs alone, and takes room for each row.
    for run in &mut runs {
        run.past.accounts = Accounts::default();
    }
    let merge = Merge::of(&runs).map_err(|why| Failure::new(65, why))?;
    let _lock = take(output)?;
    let (rows, count) = (merge.rows().map_err(cannot_merge)?, merge.counted());
    let pasts: Vec<_> = runs.iter().map(|run| &run.past).collect();
    let account = Account::of_several(&pasts, count);
    write_files(output, rows, &account).map_err(cannot_merge)?;
    name_files(output);
    Ok(0)
}

fn name_files(folder: &Path) {
    for name in NAMES {
        say(format_args!("{}", folder.join(name).display()));
    }
}

fn cannot_merge(error: io::Error) -> Failure {
    let code = if error.kind() == io::ErrorKind::InvalidData { 65 } else { 73 };
    Failure::new(code, error)
}

/// Reads a run's log, in which nobody writes then.
fn open(dir: &Path) -> Result<Run, Failure> {
    if !dir.join(LOG).exists() {
        return Err(no_run(dir));
    }
    let lock = lock(dir, "the run is going on; it writes these files itself, or the folder was named twice")?;
    Ok(Run { dir: dir.to_owned(), past: read_past(dir)?, _lock: lock })
}

fn lock(dir: &Path, held: &str) -> Result<Lock, Failure> {
    let holder = Holder { pid: std::process::id(), since: now(), run_dir: dir.display().to_string() };
    Lock::take(&folder_lock(dir), &holder, Duration::ZERO).map_err(|unlocked| match unlocked {
        Unlocked::Held(_) => Failure::new(75, format!("{}: {held}", dir.display())),
        Unlocked::Io(error) => Failure::new(73, format!("{}: {error}", dir.display())),
    })
}

/// Makes the folder for several runs' files, or makes sure that it holds nothing else.
fn take(output: &Path) -> Result<Lock, Failure> {
    let cannot = |error: io::Error| Failure::new(73, format!("{}: {error}", output.display()));
    files::create_folder(output).map_err(cannot)?;
    if let Some(why) = files::exposed(output).map_err(cannot)? {
        return Err(Failure::new(78, format!("the folder {} {why}", output.display())));
    }
    for entry in fs::read_dir(output).map_err(cannot)? {
        let name = entry.map_err(cannot)?.file_name();
        let unfinished = files::is_unfinished(&name);
        if !unfinished && !NAMES.iter().chain(&["run.lock"]).any(|ours| name == *ours) {
            let (output, name) = (output.display(), name.to_string_lossy());
            let why = format!("{output} holds {name}, which no report is made of; choose another --output");
            return Err(Failure::new(73, why));
        }
    }
    let lock = lock(output, "another report is being written there")?;
    files::sweep(output).map_err(cannot)?;
    Ok(lock)
}

/// Whether the files tell all that the log tells. The summary is written last, and names the log's
/// head.
pub(crate) fn is_current(run_dir: &Path, past: &Past) -> bool {
    let summary = files::read(&run_dir.join(summary::NAME)).ok();
    let summary = summary.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    summary.is_some_and(|summary| summary["audit_head"] == *past.end.head.hash)
        && NAMES.iter().all(|name| run_dir.join(name).exists())
}

/// Writes everything that is made from the log.
pub(crate) fn write(run_dir: &Path, past: &Past) -> io::Result<()> {
    let log = File::open(run_dir.join(LOG))?;
    write_files(run_dir, rows(log, past.ledger.offsets()), &Account::of(past))
}

/// Reads the rows once, for all files.
fn write_files(
    folder: &Path,
    rows: impl Iterator<Item = io::Result<(Done, String)>>,
    account: &Account<'_>,
) -> io::Result<()> {
    let mut gathering = Gathering::default();
    let mut page_facts = None;
    failpoint::hit("report");
    files::replace(&folder.join(report::NAME), |out| {
        let mut page = Page::begin(out, &account.run_id())?;
        let seen = rows.map(|row| {
            let (done, finished_at) = row?;
            gathering.row(&done, &finished_at);
            page.row(&done, &finished_at)?;
            Ok((done, finished_at))
        });
        outcomes::write_whole(folder, seen)?;
        let facts = account.facts(gathering);
        page.finish(&facts)?;
        page_facts = Some(facts);
        Ok(())
    })?;
    page_facts.map_or(Ok(()), |facts| facts.summary.write(folder))
}
