//! How it went: the last record of the log, the files made from it, and the last words.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::audit::record::{Body, RunEnd, RunStart, Traffic};
use crate::audit::replay::Past;
use crate::cli::RunArgs;
use crate::commands::{Failure, complain, read_past, real_command, report, retry_command, same_command};
use crate::domain::outcome::Mfa;
use crate::domain::stop::Stop;
use crate::domain::tally::Tally;
use crate::domain::text::count;
use crate::folder::run::LOG;
use crate::record::Record;
use crate::scim::client::Client;
use crate::views::{outcomes, summary};

pub(super) fn traffic(client: &Client) -> Traffic {
    let exchange = client.exchange();
    let counts = exchange.counts();
    Traffic {
        token: exchange.auth().requests(),
        lookup: counts.lookup,
        patch: counts.patch,
        throttled: counts.throttled,
        waited_ms: u64::try_from(exchange.pacer().held().as_millis()).unwrap_or(u64::MAX),
    }
}

/// The last line of the log.
pub(super) async fn finish(
    record: &mut Record,
    start: &RunStart,
    stop: Option<&Stop>,
    traffic: Traffic,
) -> io::Result<RunEnd> {
    let ledger = record.ledger();
    let complete = ledger.unsettled() == 0 && ledger.tally().total() == start.rows;
    let end = RunEnd {
        complete,
        exit_code: stop.map_or_else(|| ledger.tally().exit_code(), Stop::exit_code),
        stopped: stop.map(Stop::sentence),
        traffic,
        warnings: mfa_warning(ledger.tally()).into_iter().collect(),
    };
    if !record.log().is_broken() {
        record.note(&Body::RunEnd(&end));
        record.commit().await?;
    }
    Ok(end)
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

/// Makes the final files and says how it went.
pub(super) fn last_words(
    path: &Path,
    args: &RunArgs,
    end: &RunEnd,
    stop: Option<&Stop>,
    visible: bool,
    earlier: Option<&Path>,
) -> Result<u8, Failure> {
    let past = read_past(path)?;
    let log_lost = matches!(stop, Some(Stop::LogLost(_)));
    match report::write(path, &past) {
        // The disk that would not take the log may not take these either; the next session makes them.
        Err(_) if log_lost => {}
        done => done.map_err(|error| Failure::new(74, format!("{}: {error}", path.display())))?,
    }
    let tally = past.ledger.tally_with_doubts();
    if visible {
        show_summary(path, &past, &tally);
    } else {
        tracing::info!("{}", head_words(&past));
    }
    if end.exit_code == 0 {
        if visible {
            let what = if args.dry_run { "rehearsed, nothing was changed" } else { "finished" };
            complain(format_args!("{what}: {} of {}", tally.sentence(), count(past.start.rows, "row")));
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
    let what = format!("{sentence}: {} of {}", tally.sentence(), count(past.start.rows, "row"));
    Err(words_on(end.exit_code, path, &what, Some(&next)))
}

pub(super) fn words_on(code: u8, path: &Path, what: &str, next: Option<&str>) -> Failure {
    let next = next.map_or_else(same_command, str::to_owned);
    Failure::new(code, format!("{what}; {}; go on with: {next}", path.display()))
}

fn show_summary(path: &Path, past: &Past, tally: &Tally) {
    for (family, rows) in tally.families().into_iter().filter(|(_, rows)| *rows > 0) {
        complain(format_args!("{rows:>8}  {family}"));
        for (outcome, rows) in tally.reasons().filter(|(outcome, _)| outcome.family() == family) {
            complain(format_args!("{rows:>8}    {}", outcome.reason()));
        }
    }
    let Traffic { token, lookup, patch, throttled, waited_ms } = past.traffic;
    complain(format_args!(
        "{}, {}, {}; {throttled} answered 429, waited {:.1} s",
        count(lookup, "look-up"),
        count(patch, "change"),
        count(token, "token request"),
        Duration::from_millis(waited_ms).as_secs_f64()
    ));
    for warning in &past.warnings {
        complain(format_args!("warning: {warning}"));
    }
    for name in [outcomes::NAME, summary::NAME, LOG] {
        complain(path.join(name).display());
    }
    complain(head_words(past));
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
