//! `run`: the job, from the command line to the last word.
//!
//! Everything that can be refused is refused before the folder is made, and everything that
//! can be checked without the network before the first request.

use std::collections::HashSet;
use std::fs;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::Instant;

use super::report;
use super::{Failure, Talk, complain, defect_lines, input_warnings, quoted, read_input, same_command};
use crate::audit::ledger::Ledger;
use crate::audit::log::now;
use crate::audit::record::{Actor, Body, RunEnd, RunStart, Traffic};
use crate::audit::replay::{Accounts, Past, rows};
use crate::cli::{RunArgs, When};
use crate::config::{self, Misconfigured, Service};
use crate::domain::email::Email;
use crate::domain::stop::Stop;
use crate::domain::tally::Tally;
use crate::domain::text::{clean, count};
use crate::engine::{Engine, Limits};
use crate::folder::lock::{Holder, Lock, Unlocked, client_lock};
use crate::folder::run::{Chosen, Job, LOG, Place, RunFolder, Unusable, choose};
use crate::input::{Input, Survey};
use crate::plan::{Plan, Selection};
use crate::record::Record;
use crate::sandbox::{Options, Sandbox, demo_faults};
use crate::scim::auth::{Auth, Tries};
use crate::scim::client::{Client, Settings};
use crate::scim::http::Http;
use crate::scim::pacer::{Pacer, Patience, Rate};
use crate::scim::wire::MfaAttribute;
use crate::stops::{Stops, outlive_file_size_limit};
use crate::views::outcomes::OutcomeFile;
use crate::views::progress::Progress;

/// Rows of an earlier run that are tried once more.
pub(crate) struct Retry {
    /// Which run, and which of its rows.
    pub(crate) of: String,
    /// Their users.
    pub(crate) only: Selection,
}

/// Name of the sandbox as a service, whatever its port.
const SANDBOX: &str = "sandbox";

/// Does the job.
pub(crate) fn run(args: &RunArgs, retry: Option<Retry>, talk: Talk) -> Result<u8, Failure> {
    let runtime = runtime().map_err(|error| Failure::new(70, error))?;
    let (mut input, survey) = read_input(&args.input)?;
    refuse_defects(args, &survey)?;
    let (retry_of, only) = retry.map_or((None, None), |Retry { of, only }| (Some(of), Some(only)));
    let plan = Plan::new(&survey.duplicates, protected(args)?, only);
    let about = count_rows(&mut input, &survey, &plan, retry_of.is_some())?;
    let sandbox = args.sandbox.then(|| start_sandbox(args)).transpose()?;
    let service = match &sandbox {
        Some(sandbox) => config::sandbox_service(
            args,
            &sandbox.scim_url(),
            &sandbox.token_url(),
            sandbox.client_id(),
            sandbox.client_secret(),
        )?,
        None => config::service(args)?,
    };
    let target = if args.sandbox { SANDBOX.to_owned() } else { service.base.to_string() };
    let job = Job { input_sha256: survey.sha256, dry_run: args.dry_run, target, retry_of, again: args.again };
    let place = place(args)?;
    let holder = Holder { pid: std::process::id(), since: now(), run_dir: String::new() };
    let _client_lock = lock_client(args, &service, &place, &holder)?;
    let visible = !talk.quiet && std::io::stderr().is_terminal();
    match choose(&place, &job, &holder, args.pace.lock_wait)? {
        Chosen::Complete(path, past) => {
            if visible || talk.verbose > 0 {
                complain(format_args!("already complete since {}: {}", past.last_at, path.display()));
                complain("nothing to do; --again runs it once more");
            }
            Ok(0)
        }
        Chosen::Open(folder) => {
            let start = RunStart { rows: about, ..run_start(args, &input, &survey, &folder, &job, &service) };
            let bar = visible && talk.verbose == 0 && args.progress == When::Auto;
            let progress = Progress::new(bar, about);
            let session = Session { args, plan: &plan, progress: &progress, folder: *folder, start, visible };
            let code = runtime.block_on(session.work(&mut input, &survey, service));
            // A write to a disk that hangs must not keep the process.
            runtime.shutdown_timeout(Duration::from_millis(100));
            code
        }
    }
}

/// One thread serves this load best: there is nothing to compute, and nothing to share.
fn runtime() -> std::io::Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _context = runtime.enter();
    outlive_file_size_limit()?;
    Ok(runtime)
}

/// One process's work on a run.
struct Session<'a> {
    args: &'a RunArgs,
    plan: &'a Plan<'a>,
    progress: &'a Progress,
    folder: RunFolder,
    start: RunStart,
    visible: bool,
}

impl Session<'_> {
    async fn work(self, input: &mut Input, survey: &Survey, service: Service) -> Result<u8, Failure> {
        let Session { args, plan, progress, folder, start, visible } = self;
        let path = folder.path.clone();
        let cannot_create = |error: std::io::Error| Failure::new(73, format!("{}: {error}", path.display()));
        let mut stops = Stops::new(deadline(args)).map_err(|error| Failure::new(70, error))?;
        let client = client(args, service)?;
        let (mut record, spent) = open_record(folder, &start).map_err(cannot_create)?;
        record.commit().await.map_err(cannot_create)?;
        let rows = input.rows(survey).map_err(|error| Failure::new(66, error))?;
        let limits = Limits {
            concurrency: args.pace.concurrency.into(),
            dry_run: args.dry_run,
            max_failures: args.pace.max_failures.map(|most| most.of(start.rows)),
        };
        let mut engine = Engine::new(client, plan, &mut record, spent, limits, progress);
        let stop = engine.run(rows, &mut stops).await;
        let traffic = traffic(engine.client());
        progress.finish();
        let end = finish(&mut record, &start, stop.as_ref(), traffic).await;
        drop(record);
        end.map_err(|error| words_on(74, &path, &format!("the audit log cannot be written: {error}"), None))
            .and_then(|end| last_words(&path, args, &end, stop.as_ref(), visible))
    }
}

/// Rows that this run is about. A run about all of them need not read the input once more.
fn count_rows(input: &mut Input, survey: &Survey, plan: &Plan<'_>, retry: bool) -> Result<u64, Failure> {
    if !retry {
        return Ok(survey.rows);
    }
    let mut about = 0;
    for row in input.rows(survey).map_err(|error| Failure::new(66, error))? {
        about += u64::from(plan.is_about(&row.map_err(|error| Failure::new(66, error))?));
    }
    Ok(about)
}

/// Every bad line is listed, and without `--skip-bad-rows` the file is refused.
fn refuse_defects(args: &RunArgs, survey: &Survey) -> Result<(), Failure> {
    if survey.defects.is_empty() || args.skip_bad_rows {
        return Ok(());
    }
    defect_lines(survey).for_each(complain);
    let bad = count(survey.defects.len() as u64, "line");
    let name = args.input.input.display();
    Err(Failure::new(
        65,
        format!(
            "{name}: {bad} cannot be run and nothing was sent; mend the file, or leave them out with --skip-bad-rows"
        ),
    ))
}

/// The users never to touch.
fn protected(args: &RunArgs) -> Result<HashSet<String>, Failure> {
    let Some(path) = &args.protect else {
        return Ok(HashSet::new());
    };
    let failed = |why: String| Failure::new(78, format!("--protect {}: {why}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let lines =
        text.trim_start_matches('\u{feff}').lines().enumerate().map(|(place, line)| (place + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            Email::parse(line)
                .map(|email| email.key())
                .ok_or_else(|| failed(format!("line {number} is not an e-mail address")))
        })
        .collect()
}

fn start_sandbox(args: &RunArgs) -> Result<Sandbox, Failure> {
    let options =
        Options { faults: demo_faults(), mfa_path: args.service.mfa_path.clone(), ..Options::default() };
    Sandbox::start(options).map_err(|error| Failure::new(70, format!("the sandbox cannot start: {error}")))
}

/// `--run-dir`, or a folder beside INPUT.
fn place(args: &RunArgs) -> Result<Place, Failure> {
    if let Some(path) = &args.run_dir {
        return Ok(Place::Exactly(path.clone()));
    }
    let input = &args.input.input;
    if !input.is_file() {
        return Err(Failure::new(
            2,
            "INPUT is not a file, so there is no place beside it: --run-dir DIR is needed",
        ));
    }
    let stem = input.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Place::Within(input.with_file_name(format!("{stem}.runs"))))
}

/// One run at a time for a client of a service, on this machine. The sandbox is everybody's own.
fn lock_client(
    args: &RunArgs,
    service: &Service,
    place: &Place,
    holder: &Holder,
) -> Result<Option<Lock>, Failure> {
    if args.sandbox {
        return Ok(None);
    }
    let run_dir = match place {
        Place::Exactly(path) | Place::Within(path) => path.display().to_string(),
    };
    let holder = Holder { run_dir, ..holder.clone() };
    let path = client_lock(service.base.as_str(), &service.credentials.client_id);
    match Lock::take(&path, &holder, args.pace.lock_wait) {
        Ok(lock) => Ok(Some(lock)),
        Err(Unlocked::Held(holder)) => Err(held("works with this client on this service", holder.as_ref())),
        Err(Unlocked::Io(error)) => Err(Failure::new(73, format!("{}: {error}", path.display()))),
    }
}

fn held(what: &str, holder: Option<&Holder>) -> Failure {
    let who = holder.map_or_else(
        || "another process".to_owned(),
        |holder| format!("process {} (since {}, {})", holder.pid, holder.since, clean(&holder.run_dir, 200)),
    );
    Failure::new(75, format!("{who} {what}; try again when it is done, or use --lock-wait"))
}

impl From<Misconfigured> for Failure {
    fn from(wrong: Misconfigured) -> Self {
        Self::new(78, wrong)
    }
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Self {
        match unusable {
            Unusable::Refused(why) => Self::new(65, why),
            Unusable::Io(path, error) => Self::new(73, format!("{}: {error}", path.display())),
            Unusable::Held(holder) => held("works in this run folder", holder.as_ref()),
        }
    }
}

fn run_start(
    args: &RunArgs,
    input: &Input,
    survey: &Survey,
    folder: &RunFolder,
    job: &Job,
    service: &Service,
) -> RunStart {
    let mut warnings = input_warnings(input, survey);
    if !survey.defects.is_empty() {
        warnings
            .push(format!("left out as they cannot be run: {}", count(survey.defects.len() as u64, "row")));
    }
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    RunStart {
        input: args.input.input.display().to_string(),
        input_fp: folder.input_fp.clone(),
        rows: survey.rows,
        last_line: survey.last_line,
        dry_run: args.dry_run,
        target: job.target.clone(),
        retry_of: job.retry_of.clone(),
        client_id: if args.sandbox { SANDBOX.to_owned() } else { service.credentials.client_id.clone() },
        actor: actor(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        warnings,
    }
}

fn actor() -> Actor {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Actor { uid: rustix::process::getuid().as_raw(), pid: std::process::id(), host: clean(&host, 64) }
}

fn deadline(args: &RunArgs) -> Option<Instant> {
    let time_of_day = args.pace.deadline.map(|time| {
        let now = jiff::Zoned::now();
        let today = now.with().time(time).build().ok().filter(|then| *then > now);
        let then = today.or_else(|| now.tomorrow().ok()?.with().time(time).build().ok());
        then.map_or(Duration::ZERO, |then| now.duration_until(&then).unsigned_abs())
    });
    let first = [time_of_day, args.pace.max_duration].into_iter().flatten().min();
    first.and_then(|wait| Instant::now().checked_add(wait))
}

fn client(args: &RunArgs, service: Service) -> Result<Client, Failure> {
    let pace = &args.pace;
    let http =
        Http::new(&service.http).map_err(|error| Failure::new(78, format!("cannot set up TLS: {error}")))?;
    let rate = pace.rate.0.and_then(|(requests, period)| Rate::new(requests, period));
    let patience = Patience {
        max_wait: pace.max_wait,
        max_outage: pace.max_outage,
        concurrency: pace.concurrency.into(),
    };
    let tries = Tries { max_attempts: pace.max_attempts, max_outage: pace.max_outage };
    let settings = Settings {
        base: service.base,
        mfa: MfaAttribute { path: args.service.mfa_path.clone(), kind: args.service.mfa_type.clone() },
        include_inactive: args.include_inactive,
        max_attempts: pace.max_attempts,
    };
    Ok(Client::new(settings, http, Auth::new(service.credentials, tries), Pacer::new(rate, patience)))
}

/// The record, with its first line of this session waiting, and what earlier ones spent.
fn open_record(
    folder: RunFolder,
    start: &RunStart,
) -> std::io::Result<(Record, std::collections::HashMap<u64, u32>)> {
    let RunFolder { path, log, past, .. } = folder;
    let (ledger, accounts, spent, open) = match past {
        None => (Ledger::new(start.last_line), Accounts::default(), std::collections::HashMap::new(), None),
        Some(Past { ledger, accounts, spent, .. }) => {
            let open = ledger.in_doubt();
            (ledger, accounts, spent, Some(open))
        }
    };
    let settled = rows(fs::File::open(path.join(LOG))?, ledger.settled_offsets());
    let outcomes = OutcomeFile::begin(&path, settled)?;
    let mut record = Record::new(log, ledger, accounts, outcomes, folder.lock);
    record.note(&match open {
        None => Body::RunStart(start),
        Some(open) => Body::Resume { actor: start.actor.clone(), in_doubt: open },
    });
    Ok((record, spent))
}

fn traffic(client: &Client) -> Traffic {
    let counts = client.counts();
    Traffic {
        token: client.auth().requests(),
        lookup: counts.lookup,
        patch: counts.patch,
        throttled: counts.throttled,
        waited_ms: u64::try_from(client.pacer().held().as_millis()).unwrap_or(u64::MAX),
    }
}

/// The last line of the log.
async fn finish(
    record: &mut Record,
    start: &RunStart,
    stop: Option<&Stop>,
    traffic: Traffic,
) -> std::io::Result<RunEnd> {
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
    use crate::domain::outcome::Mfa;
    let accepted = tally.mfa(Mfa::Accepted);
    (accepted > 0).then(|| {
        format!(
            "MFA was accepted without being shown for {}: see how the service keeps it",
            count(accepted, "row")
        )
    })
}

/// Makes the final files and says how it went.
fn last_words(
    path: &Path,
    args: &RunArgs,
    end: &RunEnd,
    stop: Option<&Stop>,
    visible: bool,
) -> Result<u8, Failure> {
    let past = super::read_past(path)?;
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

fn words_on(code: u8, path: &Path, what: &str, next: Option<&str>) -> Failure {
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
        "{} look-ups, {} patches, {} token requests; {} answered 429, waited {:.1} s",
        lookup,
        patch,
        token,
        throttled,
        Duration::from_millis(waited_ms).as_secs_f64()
    ));
    for name in [crate::views::outcomes::NAME, crate::views::summary::NAME, LOG] {
        let file: PathBuf = path.join(name);
        complain(format_args!("{}", file.display()));
    }
}
