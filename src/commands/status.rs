//! `status`: where a run stands. Reads the log alone, so it disturbs nobody.

pub(crate) mod facts;
mod next;
mod watch;

use std::path::Path;

use self::facts::{Facts, State};
use super::{Failure, print, say};
use crate::cli::StatusArgs;
use crate::domain::text::count;
use crate::folder::run::LOG;

/// Says where the run stands.
pub(crate) fn status(args: &StatusArgs) -> Result<u8, Failure> {
    if !args.run_dir.join(LOG).exists() {
        return Err(no_run(&args.run_dir));
    }
    if args.watch {
        return watch::watch(&args.run_dir, args.json);
    }
    let facts = Facts::read(&args.run_dir)?;
    if args.json {
        print(json_line(&facts).as_bytes());
    } else {
        lines(&facts).iter().for_each(say);
    }
    Ok(0)
}

/// What the folder is not, and where the runs are if they are near.
pub(super) fn no_run(path: &Path) -> Failure {
    let runs = super::runs::folders(path).unwrap_or_default();
    let hint = if runs.is_empty() {
        String::new()
    } else {
        format!("; its runs are listed by: scim-rekey runs {}", super::quoted(&path.display().to_string()))
    };
    Failure::new(66, format!("{} is no run folder: it holds no {LOG}{hint}", path.display()))
}

fn json_line(facts: &Facts) -> String {
    serde_json::to_string(facts).unwrap_or_default() + "\n"
}

fn state_words(facts: &Facts) -> String {
    let code = facts.exit_code.unwrap_or_default();
    match (facts.state, &facts.pid, &facts.since) {
        (State::Running, Some(pid), Some(since)) => format!("going on since {since} (process {pid})"),
        (State::Running, ..) => "going on".to_owned(),
        (State::Complete, ..) if facts.rows.is_none() => "closed".to_owned(),
        (State::Complete, ..) => format!("complete, exit code {code}"),
        (State::Stopped, ..) => {
            let why = facts.stopped.as_deref().unwrap_or("before its last row");
            format!("stopped: {why} (exit code {code})")
        }
        (State::Died, ..) => "died: its process ended without a word".to_owned(),
    }
}

/// "13 of 60 rows settled: 12 updated, 1 failed".
fn sentence(facts: &Facts) -> String {
    let counts =
        if facts.settled > 0 { format!(": {}", facts.settled_rows.sentence()) } else { String::new() };
    match facts.rows {
        Some(rows) => format!("{} of {} settled{counts}", facts.settled, count(rows, "row")),
        None => format!("{}{counts}", count(facts.settled, "reset")),
    }
}

/// The whole answer, in lines.
fn lines(facts: &Facts) -> Vec<String> {
    let kind = if facts.dry_run { "dry run" } else { "run" };
    let mut lines = vec![
        format!("{kind} {} of {} against {}", facts.run_id, facts.input, facts.target),
        state_words(facts),
        format!("began {}, last record {}", facts.started_at, facts.last_record_at),
        sentence(facts),
    ];
    lines.extend(
        facts
            .settled_rows
            .reasons()
            .map(|(outcome, rows)| format!("  {rows:>7}  {}/{}", outcome.family(), outcome.reason())),
    );
    lines.extend(facts.to_go());
    if let Some(notices) = &facts.notices {
        let (sent, failed, pending) = (notices.sent, notices.failed, notices.pending);
        lines.push(format!("notices: {sent} sent, {failed} refused for good, {pending} still to be sent"));
    }
    lines.push(facts.sent.clone());
    if let Some(until) = &facts.waits_until {
        lines.push(format!("waiting until {until}: the service asked"));
    }
    lines.push(format!("audit log: {}, head {}", count(facts.records, "record"), facts.audit_head));
    lines.extend(go_on(facts));
    lines
}

/// What to do next. The flags of a run are not on record.
fn go_on(facts: &Facts) -> Option<String> {
    let next = facts.next.as_deref();
    match facts.state {
        State::Running => None,
        State::Complete => next.map(|next| format!("go on, with the settings of this run, with: {next}")),
        State::Stopped | State::Died => Some(match next {
            Some(next) => format!("go on with the command that began it: its settings, and {next}"),
            None => "go on with the command that began it".to_owned(),
        }),
    }
}
