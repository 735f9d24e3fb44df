//! How it went: the last record of the log, the files made from it, and the last words.

use std::path::Path;
use std::time::Duration;

use super::GENERATED;
use crate::audit::owed::Owed;
use crate::audit::record::{Body, RunEnd, RunStart, Traffic};
use crate::audit::replay::Past;
use crate::cli::RunArgs;
use crate::commands::{
    Failure, complain, quoted, read_past, real_command, report, retry_command, same_command, show, warn,
};
use crate::domain::outcome::Mfa;
use crate::domain::stop::Stop;
use crate::domain::tally::Tally;
use crate::domain::text::count;
use crate::failpoint;
use crate::folder::run::LOG;
use crate::record::Record;
use crate::views::paint::{Paint, tone_of};
use crate::views::screen;

/// The last line of the log, and why the run stopped before its end, if it did.
pub(crate) async fn finish(
    record: &mut Record,
    past: &mut Past,
    stop: Option<Stop>,
    traffic: Traffic,
    warnings: Vec<String>,
) -> (RunEnd, Option<Stop>) {
    failpoint::hit("end");
    let ledger = record.ledger();
    let rows_are_done = ledger.unsettled() == 0 && ledger.tally().total() == past.start.rows;
    let untold = record.owed().and_then(Owed::sentence);
    // A service goes on with its log at every start.
    let complete = rows_are_done && untold.is_none() && !past.start.serves;
    // With every end in a sound log, what else could not be written is written now, or complained of then.
    // A time that is over asks for nothing more either.
    let moot = |stop: &Stop| {
        rows_are_done
            && match stop {
                Stop::LogLost(_) => !record.log().is_broken(),
                Stop::Deadline => true,
                _ => false,
            }
    };
    let stop = stop.filter(|stop| !moot(stop));
    let end = RunEnd {
        complete,
        exit_code: match &stop {
            Some(stop) => stop.exit_code(),
            // What becomes of one caller's user is no matter of the service's.
            None if past.start.serves => 0,
            None => ledger.tally().exit_code(),
        },
        stopped: stop.as_ref().map(Stop::sentence).or(untold),
        traffic,
        warnings: warnings.into_iter().chain(mfa_warning(ledger.tally())).collect(),
    };
    if record.log().is_broken() {
        return (end, stop);
    }
    past.last_at = record.note(&Body::RunEnd(&end));
    past.note_end(end.clone());
    match record.commit().await {
        Err(error) if record.log().is_broken() => {
            let lost = Stop::LogLost(error.to_string());
            (RunEnd { complete: false, exit_code: lost.exit_code(), ..end }, Some(lost))
        }
        // Without a growing outcome.csv there is still the final one.
        Ok(()) | Err(_) => (end, stop),
    }
}

/// What is said when the disk does not answer: nothing more can be read from it, or written to it.
pub(super) fn stuck_words(path: &Path, start: &RunStart, record: &Record, stop: Option<&Stop>) -> Failure {
    let why = stop.map(Stop::sentence).unwrap_or_default();
    let counts = record.tally().sentence();
    words_on(74, path, &format!("{why}: {counts} of {}", count(start.rows, "row")), None)
}

fn mfa_warning(tally: &Tally) -> Option<String> {
    let accepted = tally.mfa(Mfa::Accepted);
    (accepted > 0).then(|| {
        format!(
            "MFA was accepted without being shown for {}: see how the service keeps it",
            count(accepted, "row")
        )
    })
}

/// The run as the log tells it that could not be written to its end.
pub(super) fn what_is_left(path: &Path) -> Result<Past, Failure> {
    read_past(path).map_err(|failure| words_on(74, path, &failure.words, None))
}

/// Makes the final files and says how it went.
pub(super) fn last_words(
    path: &Path,
    past: &Past,
    args: &RunArgs,
    end: &RunEnd,
    stop: Option<&Stop>,
    visible: bool,
    earlier: Option<&Path>,
) -> Result<u8, Failure> {
    failpoint::hit("last_words");
    let tally = past.ledger.tally_with_doubts();
    let counts = format!("{} of {}", tally.sentence(), count(past.start.rows, "row"));
    match (report::write(path, past), stop) {
        // The disk that would not take the log may not take these either; the next session makes them.
        (Ok(()), _) | (Err(_), Some(Stop::LogLost(_))) => {}
        (Err(error), _) => {
            let what =
                format!("outcome.csv, report.html and summary.json cannot be written: {error}: {counts}");
            return Err(words_on(74, path, &what, None));
        }
    }
    if visible {
        show_summary(path, past, &tally);
    } else {
        tracing::info!("{}", head_words(past));
    }
    if end.exit_code == 0 {
        if visible {
            let what = if args.dry_run { "rehearsed, nothing was changed" } else { "finished" };
            complain(format_args!("{what}: {counts}"));
            if let Some(next) = next_words(path, args) {
                complain(next);
            }
        }
        // Not everybody has read yet what happened to them, and nobody may be watching.
        if past.owed.len() > 0 && !visible {
            let untold = count(past.owed.len(), "notice");
            let next = same_command();
            complain(format_args!(
                "scim-rekey: every row is done, {untold} still to be sent; {}; go on with: {next}",
                path.display()
            ));
        }
        return Ok(0);
    }
    let sentence = match stop {
        None if args.dry_run => "rehearsed".to_owned(),
        None => "finished".to_owned(),
        Some(stop) => stop.sentence(),
    };
    let next = match end.exit_code {
        3 | 4 if end.complete && args.dry_run => real_command(),
        3 | 4 if end.complete => retry_command(path, earlier),
        _ => same_command(),
    };
    Err(words_on(end.exit_code, path, &format!("{sentence}: {counts}"), Some(&next)))
}

/// What to type after all has gone well, if anything.
fn next_words(path: &Path, args: &RunArgs) -> Option<String> {
    if args.dry_run {
        return Some(format!("next: {}", real_command()));
    }
    let sealed = args.input.generate_passwords && path.join(GENERATED).exists();
    sealed.then(|| format!("next: scim-rekey unseal {} --identity FILE", quoted(&path.display().to_string())))
}

pub(super) fn words_on(code: u8, path: &Path, what: &str, next: Option<&str>) -> Failure {
    let next = next.map_or_else(same_command, str::to_owned);
    Failure::new(code, format!("{what}; {}; go on with: {next}", path.display()))
}

fn show_summary(path: &Path, past: &Past, tally: &Tally) {
    let paint = Paint(screen::is_colourful());
    for (family, rows) in tally.families().into_iter().filter(|(_, rows)| *rows > 0) {
        let number = paint.on(tone_of(family), format_args!("{rows:>8}"));
        let name = paint.on(tone_of(family), format_args!("{family:<14}"));
        show(&format!("{number}  {name}{}", notes_on(family, tally)));
    }
    complain(sent_words(past.course.total()));
    for warning in past.warnings.iter().cloned().chain(past.owed.sentence()) {
        warn(warning);
    }
    for name in report::NAMES.iter().chain(&[LOG]) {
        complain(path.join(name).display());
    }
    complain(head_words(past));
}

/// What there is to say of the rows of a family: why, or what became of MFA.
fn notes_on(family: &str, tally: &Tally) -> String {
    let reasons = tally.reasons().filter(|(outcome, _)| outcome.family() == family);
    let mut notes: Vec<_> = reasons.map(|(outcome, rows)| format!("{rows} {}", outcome.reason())).collect();
    if family == "updated" {
        let mfa = [(Mfa::Confirmed, "with MFA confirmed"), (Mfa::Accepted, "with MFA accepted")];
        let mfa = mfa.into_iter().map(|(mfa, words)| (tally.mfa(mfa), words)).filter(|(rows, _)| *rows > 0);
        notes.extend(mfa.map(|(rows, words)| format!("{rows} {words}")));
    }
    notes.join(", ")
}

/// What it took.
fn sent_words(Traffic { token, lookup, patch, sessions, throttled, waited_ms }: Traffic) -> String {
    let ended = if sessions > 0 {
        format!(", {} to end sessions", count(sessions, "request"))
    } else {
        String::new()
    };
    format!(
        "{}, {}{ended}, {}; {throttled} answered 429, waited {:.1} s",
        count(lookup, "look-up"),
        count(patch, "change"),
        count(token, "token request"),
        Duration::from_millis(waited_ms).as_secs_f64()
    )
}

/// What to keep, so that the log can never be cut unnoticed.
fn head_words(past: &Past) -> String {
    let head = &past.end.head;
    format!(
        "audit log: {}, head {}; kept elsewhere, it shows a cut (audit verify --checkpoint)",
        count(head.seq, "record"),
        head.hash
    )
}
