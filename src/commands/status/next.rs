//! The command to go on with, as far as a log can tell it.
//!
//! The flags of a run are not on record, so whoever goes on has to give them again: what stands here is
//! which command, for which input, in which folder, and what the log refuses to go on without.

use std::path::Path;

use super::facts::State;
use crate::audit::record::RunStart;
use crate::audit::replay::Past;
use crate::commands::quoted;
use crate::commands::run::{GENERATED_PASSWORDS, SANDBOX};
use crate::folder::run::LOG;

/// Nothing while the run goes on, nor when there is nothing left to do.
pub(super) fn next(run_dir: &Path, state: State, past: &Past) -> Option<String> {
    let start = &past.start;
    let dir = run_dir.display().to_string();
    let words = match (state, past.ended.as_ref().map(|end| end.exit_code)) {
        (State::Running, _) => return None,
        _ if start.serves => vec!["serve".to_owned(), "--state-dir".to_owned(), dir],
        (State::Complete, _) if start.dry_run => real(start),
        (State::Complete, Some(3 | 4)) => vec!["retry".to_owned(), dir, start.input.clone()],
        (State::Complete, _) => return None,
        (State::Stopped | State::Died, _) => same(run_dir, start)?,
    };
    let words = ["scim-rekey".to_owned()].into_iter().chain(words).chain(needed(start));
    Some(words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" "))
}

/// The run that was rehearsed.
fn real(start: &RunStart) -> Vec<String> {
    vec!["run".to_owned(), start.input.clone()]
}

/// The same run in the same folder. That of a retry needs the folder of the run before, which is known only
/// where it stands beside this one.
fn same(run_dir: &Path, start: &RunStart) -> Option<Vec<String>> {
    let mut words = match &start.retry_of {
        None => real(start),
        Some(of) => {
            let mut of = of.split(' ');
            let earlier = run_dir.with_file_name(of.next()?);
            let mut words = vec!["retry".to_owned(), earlier.display().to_string(), start.input.clone()];
            words.extend(of.flat_map(|reason| ["--reason".to_owned(), reason.to_owned()]));
            if !earlier.join(LOG).exists() {
                return None;
            }
            words
        }
    };
    if start.dry_run {
        words.push("--dry-run".to_owned());
    }
    words.extend(["--run-dir".to_owned(), run_dir.display().to_string()]);
    Some(words)
}

/// Without which it would be another job.
fn needed(start: &RunStart) -> Vec<String> {
    let makes = start.asks.contains(GENERATED_PASSWORDS).then_some("--generate-passwords");
    let rehearses = (start.target == SANDBOX).then_some("--sandbox");
    makes.into_iter().chain(rehearses).map(str::to_owned).collect()
}
