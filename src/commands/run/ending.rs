//! How it went: the last record of the log, the files made from it, and the last words.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::audit::record::{Body, RunEnd, RunStart, Traffic};
use crate::audit::replay::Past;
use crate::cli::RunArgs;
use crate::commands::{Failure, complain, quoted, read_past, report, same_command};
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
) -> Result<u8, Failure> {
    let past = read_past(path)?;
    let log_lost = matches!(stop, Some(Stop::LogLost(_)));
    if !log_lost {
        report::write(path, &past)
            .map_err(|error| Failure::new(74, format!("{}: {error}", path.display())))?;
    }
    let tally = past.ledger.tally_with_doubts();
    if visible {
        show_summary(path, &past, &tally);
    }
    if end.exit_code == 0 {
        return Ok(0);
    }
    let sentence = stop.map_or_else(|| "finished".to_owned(), Stop::sentence);
    let next = match end.exit_code {
        3 | 4 if end.complete => format!(
            "scim-rekey retry {} {}",
            quoted(&path.display().to_string()),
            quoted(&args.input.input.display().to_string())
        ),
        _ => same_command(),
    };
    Err(words_on(
        end.exit_code,
        path,
        &format!("{sentence}: {} of {}", tally.sentence(), count(past.start.rows, "row")),
        Some(&next),
    ))
}

pub(super) fn words_on(code: u8, path: &Path, what: &str, next: Option<&str>) -> Failure {
    let next = next.map_or_else(same_command, str::to_owned);
    Failure::new(code, format!("{what}; {}; go on with: {next}", path.display()))
}

fn show_summary(path: &Path, past: &Past, tally: &Tally) {
    for (family, rows) in tally.families().into_iter().filter(|(_, rows)| *rows > 0) {
        complain(format_args!("{rows:>8}  {family}"));
        let reasons = tally.each().filter(|(outcome, rows)| *rows > 0 && outcome.family() == family);
        for (outcome, rows) in reasons.filter(|(outcome, _)| !outcome.reason().is_empty()) {
            complain(format_args!("{rows:>8}    {}", outcome.reason()));
        }
    }
    let Traffic { token, lookup, patch, throttled, waited_ms } = past.traffic;
    complain(format_args!(
        "{} look-ups, {} changes, {} token requests; {} answered 429, waited {:.1} s",
        lookup,
        patch,
        token,
        throttled,
        Duration::from_millis(waited_ms).as_secs_f64()
    ));
    for name in [outcomes::NAME, summary::NAME, LOG] {
        complain(path.join(name).display());
    }
}
