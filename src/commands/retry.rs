//! `retry`: a new run over those rows of INPUT that an earlier one did not bring to a good end.
//!
//! INPUT may have been mended in between; no row that is worth another try is left out in silence.

use std::fs::File;

use super::run::{GENERATED_PASSWORDS, Monitor, Retry, run};
use super::{Failure, Talk, complain, quoted, read_past};
use crate::audit::replay::{Past, rows};
use crate::cli::RetryArgs;
use crate::config::{self, Further};
use crate::domain::text::count;
use crate::folder::lock::{Lock, Standing, folder_lock};
use crate::folder::run::LOG;
use crate::plan::Selection;

/// Finds the rows and runs them.
pub(crate) fn retry(
    args: &RetryArgs,
    monitor: &Monitor<'_>,
    further: &Further,
    talk: &Talk,
) -> Result<u8, Failure> {
    let input = &args.run.input.input;
    if !args.earlier.join(LOG).exists() && input.join(LOG).exists() {
        let [run_dir, input] = [input, &args.earlier].map(|path| quoted(&path.display().to_string()));
        return Err(Failure::new(
            66,
            format!("the run folder comes first, then INPUT: scim-rekey retry {run_dir} {input}"),
        ));
    }
    // What its rows come to is not known yet.
    if let Standing::Held(holder) = Lock::standing(&folder_lock(&args.earlier)) {
        let pid = holder.map_or_else(String::new, |holder| format!(" (process {})", holder.pid));
        return Err(Failure::new(
            75,
            format!("{} is still going on{pid}; try again when it is done", args.earlier.display()),
        ));
    }
    let past = read_past(&args.earlier)?;
    // A process that was killed has not named the rows that it never reached.
    let named = past.ledger.tally_with_doubts().total();
    if named < past.start.rows {
        return Err(Failure::new(
            75,
            format!(
                "{}: {} of {} were never begun; finish that run first, with the command that began it",
                args.earlier.display(),
                count(past.start.rows - named, "row"),
                past.start.rows
            ),
        ));
    }
    // Their cells are empty: without it only what else they ask for would be set, and look like all.
    if past.start.asks.contains(GENERATED_PASSWORDS) && !args.run.input.generate_passwords {
        return Err(Failure::new(
            2,
            format!("{} made passwords, so its retry needs --generate-passwords too", args.earlier.display()),
        ));
    }
    let shard = past.start.shard.clone();
    let asked = config::shard(&args.run)?.map(|shard| shard.to_string());
    if asked.is_some() && asked != shard {
        let of = shard.map_or_else(|| "all rows".to_owned(), |shard| format!("shard {shard}"));
        let earlier = args.earlier.display();
        return Err(Failure::new(
            2,
            format!("{earlier} is about {of}, and so is its retry, without --shard"),
        ));
    }
    let only = selection(args, &past)?;
    if only.len() == 0 {
        if talk.is_watched() || talk.verbose > 0 {
            complain("no row of that run ended so that another try is asked for");
        }
        return Ok(0);
    }
    let mut of = past.run_id;
    for reason in &args.reason {
        of.push(' ');
        of.push_str(reason);
    }
    run(monitor, further, Some(Retry { earlier: &args.earlier, of, only, shard }), talk)
}

fn selection(args: &RetryArgs, past: &Past) -> Result<Selection, Failure> {
    let failed = |error: std::io::Error| Failure::new(66, format!("{}: {error}", args.earlier.display()));
    let log = File::open(args.earlier.join(LOG)).map_err(failed)?;
    let mut only = Selection::default();
    for row in rows(log, past.ledger.offsets()) {
        let (done, _) = row.map_err(failed)?;
        let outcome = done.ending.outcome;
        let named = args.reason.is_empty() || args.reason.iter().any(|reason| reason == outcome.reason());
        only.add(done.line, &done.email, outcome, named && outcome.is_worth_another_try());
    }
    Ok(only)
}
