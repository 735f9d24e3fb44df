//! `run`: the job, from the command line to the last word.
//!
//! Everything that can be refused is refused before the folder is made, and everything that
//! can be checked without the network before the first request.

mod ending;
mod handing;
mod jitter;
mod monitor;
mod question;
mod ready;
mod service;

use std::fs::File;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::Instant;

use self::ending::{last_words, stuck_words, what_is_left};
use self::question::Question;
use self::ready::{asks, count_rows, left_out, refuse_defects, run_start, start_sandbox};
use self::service::{wish, yet_to_find};
use super::{Failure, Talk, complain, complain_last, read_input, report, retry_command, same_command};
use crate::audit::log::now;
use crate::audit::record::{Body, RunEnd, RunStart};
use crate::audit::replay::{Past, rows};
use crate::cli::{Lookup, RunArgs, When};
use crate::config::{self, Further, Service};
use crate::domain::text::{count, printable};
use crate::domain::wanted::Wanted;
use crate::engine::source::Rows;
use crate::engine::{Engine, Handout, Limits, traffic};
use crate::folder::lock::Holder;
use crate::folder::run::{Chosen, Job, LOG, RunFolder, choose};
use crate::input::{Input, Survey};
use crate::plan::{Only, Plan, Selection};
use crate::record::{Closed, Record};
use crate::sandbox::Sandbox;
use crate::stops::{Signals, outlive_file_size_limit};
use crate::views::outcomes::OutcomeFile;
use crate::views::progress::Progress;

pub(crate) use self::ending::finish;
pub(crate) use self::handing::{Handing, NAME as GENERATED, judge, passwords, style};
pub(crate) use self::monitor::Monitor;
pub(crate) use self::ready::{
    GENERATED_PASSWORDS, held, lock_client, lock_patience, place, protected, run_start_of_service, target,
};
pub(crate) use self::service::{client, deadline, end_of_time};

/// Rows of an earlier run that are tried once more.
pub(crate) struct Retry<'a> {
    /// Its folder.
    pub(crate) earlier: &'a Path,
    /// Which run, and which of its rows.
    pub(crate) of: String,
    /// Their users.
    pub(crate) only: Selection,
    /// The part of the input that it was about.
    pub(crate) shard: Option<String>,
}

/// Name of the sandbox as a service, whatever its port.
pub(crate) const SANDBOX: &str = "sandbox";

/// Does the job.
pub(crate) fn run(
    monitor: &Monitor<'_>,
    further: &Further,
    retry: Option<Retry<'_>>,
    talk: &Talk,
) -> Result<u8, Failure> {
    let runtime = runtime().map_err(|error| Failure::new(70, error))?;
    let signals = listen().map_err(|error| Failure::new(70, error))?;
    let done = job(monitor, further, retry, talk, &signals, wanted_service, |work| runtime.block_on(work));
    // A write to a disk that hangs must not keep the process.
    runtime.shutdown_timeout(Duration::from_millis(100));
    done
}

/// The part of a job that takes time.
pub(crate) type Work<'a> = Pin<Box<dyn Future<Output = Result<u8, Failure>> + 'a>>;

/// The job, whose service comes from `find_service` and whose time is driven by `drive`.
pub(crate) fn job(
    monitor: &Monitor<'_>,
    further: &Further,
    retry: Option<Retry<'_>>,
    talk: &Talk,
    signals: &Signals,
    find_service: impl FnOnce(&RunArgs) -> Result<(Service, Option<Sandbox>), Failure>,
    drive: impl Fn(Work<'_>) -> Result<u8, Failure>,
) -> Result<u8, Failure> {
    let args = monitor.args();
    let deadline = deadline(args);
    let handing = Handing::of(args, further)?;
    let (mut input, mut survey) = read_input(&args.input, further, judge(args.passwords.password_policy))?;
    let addresses = survey.wanted.take().filter(|_| args.service.lookup != Lookup::Filter);
    refuse_defects(args, &survey)?;
    let earlier = retry.as_ref().map(|retry| retry.earlier);
    let wanted = retry.as_ref().map(|retry| retry.only.len() as u64);
    let (retry_of, shard, only) = if let Some(Retry { of, only, shard, .. }) = retry {
        (Some(of), shard, Some(Only::Unfinished(only)))
    } else {
        let shard = config::shard(args)?;
        (None, shard.map(|shard| shard.to_string()), shard.map(Only::Shard))
    };
    let plan = Plan::new(&survey.duplicates, protected(args)?, only);
    let (about, lost) = count_rows(&mut input, &survey, &plan, wanted)?;
    let (service, _sandbox) = find_service(args)?;
    let job = Job {
        input_sha256: survey.sha256,
        dry_run: args.dry_run,
        target: target(args, &service),
        retry_of,
        shard,
        asks: asks(args, further),
        serves: false,
        again: args.again,
        is_told: report::is_current,
    };
    let place = place(args)?;
    let holder = Holder { pid: std::process::id(), since: now(), run_dir: String::new() };
    let visible = talk.is_watched();
    jitter::wait(args.unattended.start_jitter, deadline, signals, visible, &drive)?;
    let mut client_lock = lock_client(args, &service, &place, &holder, talk)?;
    match choose(&place, &job, &holder, lock_patience(args, talk))? {
        // The last process died, or its disk was full, after its last record and before its last word.
        Chosen::Complete(path, past, _lock) if !report::is_current(&path, &past) => {
            monitor.note(&path);
            let exit_code = past.ledger.tally().exit_code();
            let end = RunEnd { complete: true, exit_code, ..RunEnd::default() };
            last_words(&path, &past, args, &end, None, visible, earlier)
        }
        Chosen::Complete(path, past, _lock) => {
            monitor.note(&path);
            if visible || talk.verbose > 0 {
                let tally = past.ledger.tally();
                complain(format_args!(
                    "complete since {}: {}; {}",
                    past.last_at,
                    tally.sentence(),
                    path.display()
                ));
                if tally.exit_code() == 0 {
                    complain("nothing to do; --again runs it once more");
                } else {
                    complain(format_args!("nothing to do but: {}", retry_command(&path, earlier)));
                }
            }
            Ok(0)
        }
        Chosen::Open(folder) => {
            monitor.note(&folder.path);
            let mut start = run_start(args, &input, &survey, &folder, &job, &service, further);
            start.notices = handing.tells();
            start.rows = about;
            start.warnings.extend(left_out(&survey, &plan).into_iter().chain(lost));
            if let Some(lock) = &mut client_lock {
                lock.name(&Holder { run_dir: folder.path.display().to_string(), ..holder });
            }
            let session = Session {
                args,
                plan: &plan,
                talk,
                folder: *folder,
                start,
                addresses,
                further,
                handing,
                visible,
                earlier,
                signals,
                deadline,
            };
            drive(Box::pin(session.work(&mut input, &survey, service)))
        }
    }
}

/// The service that the command line names, or a sandbox that lives as long as it is kept.
pub(crate) fn wanted_service(args: &RunArgs) -> Result<(Service, Option<Sandbox>), Failure> {
    if !args.sandbox {
        return Ok((config::service(args)?, None));
    }
    let sandbox = start_sandbox(args)?;
    let (scim_url, token_url) = (sandbox.scim_url(), sandbox.token_url());
    let service =
        config::sandbox_service(args, &scim_url, &token_url, sandbox.client_id(), sandbox.client_secret())?;
    Ok((service, Some(sandbox)))
}

/// One thread serves this load best: there is nothing to compute, and nothing to share.
pub(crate) fn runtime() -> io::Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _context = runtime.enter();
    outlive_file_size_limit()?;
    Ok(runtime)
}

/// Until there is work to be stopped, a signal ends the program.
pub(crate) fn listen() -> io::Result<Signals> {
    Signals::listen(complain_last, before_anything())
}

/// What is said of a stop before there was work to be stopped.
fn before_anything() -> String {
    format!(" before anything was sent; go on with: {}", same_command())
}

/// One process's work on a run.
struct Session<'a> {
    args: &'a RunArgs,
    plan: &'a Plan<'a>,
    talk: &'a Talk,
    folder: RunFolder,
    start: RunStart,
    addresses: Option<Wanted>,
    further: &'a Further,
    handing: Handing,
    visible: bool,
    earlier: Option<&'a Path>,
    signals: &'a Signals,
    deadline: Option<Instant>,
}

impl Session<'_> {
    async fn work(self, input: &mut Input, survey: &Survey, service: Service) -> Result<u8, Failure> {
        let Session {
            args,
            plan,
            talk,
            folder,
            start,
            addresses,
            further,
            mut handing,
            visible,
            earlier,
            signals,
            deadline,
        } = self;
        let path = folder.path.clone();
        let cannot_create = |error: io::Error| Failure::new(73, format!("{}: {error}", path.display()));
        let at_once = format!(" and left at once; {}; go on with: {}", path.display(), same_command());
        let mut stops = signals.stops(end_of_time(args, deadline), at_once);
        let client = client(args, service, Arc::clone(&further.attributes), false)?;
        if question::is_due(args, talk, &folder) {
            let done = folder.past.as_ref().map_or(0, |past| past.ledger.settled().total());
            let question = Question::new(args, further, survey, &start, done);
            let rows = start.rows.saturating_sub(done);
            if let Err(failure) = question.ask(args, rows, &client, &mut stops).await {
                folder.withdraw();
                return Err(failure);
            }
        }
        let progress = begin(args, talk, &start, &folder);
        let (mut record, mut past) = open_record(folder, &start, &mut handing).map_err(cannot_create)?;
        let unsettled = std::mem::take(&mut past.unsettled);
        record.commit().await.map_err(cannot_create)?;
        let rows = yet_to_find(start.rows, survey, plan, &record);
        client.directory().wish(wish(args, rows, addresses));
        let rows = input.rows(survey).map_err(|error| Failure::new(66, error))?;
        let limits = Limits {
            concurrency: args.pace.concurrency.into(),
            dry_run: args.dry_run,
            again: false,
            max_failures: args.pace.max_failures.map(|most| most.of(start.rows)),
        };
        let handout = Handout { passwords: passwords(args), post: handing.post(&past.run_id) };
        let mut engine = Engine::new(client, plan, &mut record, unsettled, limits, &progress, handout);
        let stop = engine.run(Rows(rows), &mut stops).await;
        let traffic = traffic(engine.client());
        let warnings = engine.warnings();
        progress.finish();
        let (end, stop) = finish(&mut record, &mut past, stop, traffic, warnings).await;
        if record.is_stuck() {
            return Err(stuck_words(&path, &start, &record, stop.as_ref()));
        }
        let is_sound = !record.log().is_broken();
        // The folder is ours until the last word.
        let Closed { ledger, owed, course, end: end_of_log, lock: _lock } = record.close();
        let owed = owed.unwrap_or_default();
        let past = if is_sound {
            Past { ledger, owed, course, end: end_of_log, ..past }
        } else {
            what_is_left(&path)?
        };
        last_words(&path, &past, args, &end, stop.as_ref(), visible, earlier)
    }
}

/// Says what begins now, and who watches it.
fn begin(args: &RunArgs, talk: &Talk, start: &RunStart, folder: &RunFolder) -> Progress {
    let what = if args.dry_run { "rehearsing" } else { "running" };
    let (rows, path) = (count(start.rows, "row"), folder.path.display());
    let words = format!("{what} {rows} against {}: {path}", start.target);
    if !talk.is_watched() {
        tracing::info!("{}", printable(&words));
        return Progress::silent();
    }
    complain(&words);
    match args.progress {
        When::Auto => Progress::on(&talk.screen, start.rows),
        When::Never => Progress::silent(),
    }
}

/// The record, with its first line of this session waiting, and the run as it was before, whose rows
/// and accounts the record has now.
pub(crate) fn open_record(
    folder: RunFolder,
    start: &RunStart,
    handing: &mut Handing,
) -> io::Result<(Record, Past)> {
    let RunFolder { path, mut log, past, lock, .. } = folder;
    let resumes = past.is_some();
    let new = || Past::new(log.run_id().to_owned(), String::new(), start.clone(), u64::MAX);
    let mut past = past.unwrap_or_else(new);
    let (ledger, accounts) = (std::mem::take(&mut past.ledger), std::mem::take(&mut past.accounts));
    log.go_on(std::mem::take(&mut past.course));
    let in_doubt = ledger.in_doubt();
    let settled = rows(File::open(path.join(LOG))?, ledger.settled_offsets());
    let outcomes = OutcomeFile::begin(&path, settled)?;
    let sealed = handing.open(&path)?;
    let mut record = Record::new(log, ledger, accounts, outcomes, sealed, lock);
    if past.start.notices && handing.tells() {
        record.tell(std::mem::take(&mut past.owed));
    }
    if resumes {
        record.note(&Body::Resume { actor: start.actor.clone(), in_doubt });
    } else {
        past.started_at = record.note(&Body::RunStart(start));
    }
    Ok((record, past))
}
