//! `retry`: a new run over those rows of INPUT that an earlier one did not bring to a good end.

use std::fs::File;

use super::run::{Retry, run};
use super::{Failure, Talk, complain, read_past};
use crate::audit::replay::{Past, rows};
use crate::cli::RetryArgs;
use crate::folder::run::LOG;
use crate::plan::Selection;

/// Finds the rows and runs them. They are found by user, so that INPUT may have been mended.
pub(crate) fn retry(args: &RetryArgs, talk: Talk) -> Result<u8, Failure> {
    let past = read_past(&args.earlier)?;
    let only = selection(args, &past)?;
    if only.is_empty() {
        if talk.verbose > 0 || (!talk.quiet && std::io::IsTerminal::is_terminal(&std::io::stderr())) {
            complain("no row of that run is worth another try");
        }
        return Ok(0);
    }
    let mut of = past.run_id;
    for reason in &args.reason {
        of.push(' ');
        of.push_str(reason);
    }
    run(&args.run, Some(Retry { of, only }), talk)
}

fn selection(args: &RetryArgs, past: &Past) -> Result<Selection, Failure> {
    let failed = |error: std::io::Error| Failure::new(66, format!("{}: {error}", args.earlier.display()));
    let log = File::open(args.earlier.join(LOG)).map_err(failed)?;
    let mut only = Selection::new();
    for row in rows(log, past.ledger.offsets()) {
        let (done, _) = row.map_err(failed)?;
        let outcome = done.ending.outcome;
        let wanted = args.reason.is_empty() || args.reason.iter().any(|reason| reason == outcome.reason());
        if wanted && outcome.is_worth_another_try() {
            only.insert(done.email.to_ascii_lowercase());
        }
    }
    Ok(only)
}
