//! What is settled before the first request: which rows, which service, which folder, whose turn.

use std::collections::HashSet;
use std::fs;
use std::time::Duration;

use super::SANDBOX;
use crate::audit::record::{Actor, RunStart};
use crate::cli::{PasswordEncoding, PasswordRoute, RunArgs};
use crate::commands::{Failure, Talk, complain, defect_lines, input_warnings};
use crate::config::{Further, Misconfigured, Service};
use crate::domain::email::Email;
use crate::domain::text::{clean, count, printable};
use crate::folder::lock::{Holder, Lock, Patience, Unlocked, client_lock};
use crate::folder::run::{Job, Place, RunFolder, Unusable};
use crate::input::{Input, Survey};
use crate::plan::Plan;
use crate::sandbox::{Options, Sandbox, demo_faults};
use crate::views::pace::in_words;

/// Rows that this run is about, and a warning if some that an earlier run wants are not among them. A run
/// about all rows need not read the input once more.
pub(super) fn count_rows(
    input: &mut Input,
    survey: &Survey,
    plan: &Plan<'_>,
    wanted: Option<u64>,
) -> Result<(u64, Option<String>), Failure> {
    if plan.is_about_all() {
        return Ok((survey.rows, None));
    }
    let (mut about, mut found) = (0, HashSet::new());
    for row in input.rows(survey).map_err(|error| Failure::new(66, error))? {
        let row = row.map_err(|error| Failure::new(66, error))?;
        about += u64::from(plan.is_about(&row));
        found.extend(plan.earlier_line(&row));
    }
    // A shard may well be empty.
    let Some(wanted) = wanted else { return Ok((about, None)) };
    let lost = wanted.saturating_sub(about);
    let warning = format!(
        "{} of the earlier run cannot be found in INPUT, neither by user nor by line{}; \
         if an address was mended, run a file of those rows alone",
        count(lost, "row"),
        lines(&plan.lost(&found))
    );
    match (about, lost) {
        (0, _) => Err(Failure::new(65, warning)),
        (_, 0) => Ok((about, None)),
        (_, _) => Ok((about, Some(warning))),
    }
}

/// The first few lines of an earlier run.
fn lines(lines: &[u64]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<_> = lines.iter().take(SHOWN).map(u64::to_string).collect();
    let more = if lines.len() > SHOWN { ", …" } else { "" };
    if shown.is_empty() { String::new() } else { format!(" (line {}{more} there)", shown.join(", ")) }
}

/// What is said of bad rows among those that this run is about.
pub(super) fn left_out(survey: &Survey, plan: &Plan<'_>) -> Option<String> {
    let bad = survey.defects.iter().filter(|defect| plan.is_about_defect(defect)).count() as u64;
    let warning = (bad > 0).then(|| format!("left out as they cannot be run: {}", count(bad, "row")));
    warning.inspect(|warning| tracing::warn!("{warning}"))
}

/// Every bad line is listed, and without `--skip-bad-rows` the file is refused.
pub(super) fn refuse_defects(args: &RunArgs, survey: &Survey) -> Result<(), Failure> {
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
pub(crate) fn protected(args: &RunArgs) -> Result<HashSet<String>, Failure> {
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
                .map(|email| email.likeness())
                .ok_or_else(|| failed(format!("line {number} is not an e-mail address")))
        })
        .collect()
}

pub(super) fn start_sandbox(args: &RunArgs) -> Result<Sandbox, Failure> {
    let options = Options {
        faults: demo_faults(),
        mfa_path: args.service.mfa_path.clone(),
        // Its address is told to nobody, so nobody can ask what it did.
        keep_requests: 0,
        keep_changes: 0,
        ..Options::default()
    };
    Sandbox::start(options).map_err(|error| Failure::new(70, format!("the sandbox cannot start: {error}")))
}

/// `--run-dir`, or a folder beside INPUT.
pub(crate) fn place(args: &RunArgs) -> Result<Place, Failure> {
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
pub(crate) fn lock_client(
    args: &RunArgs,
    service: &Service,
    place: &Place,
    holder: &Holder,
    talk: &Talk,
) -> Result<Option<Lock>, Failure> {
    if args.sandbox {
        return Ok(None);
    }
    let run_dir = match place {
        Place::Exactly(path) | Place::Within(path) => path.display().to_string(),
    };
    let holder = Holder { run_dir, ..holder.clone() };
    let file = client_lock(service.base.as_str(), &service.credentials.client_id);
    match Lock::take(&file, &holder, lock_patience(args, talk)) {
        Ok(lock) => Ok(Some(lock)),
        Err(Unlocked::Held(holder)) => Err(held("works with this client on this service", holder.as_ref())),
        Err(Unlocked::Io(error)) => Err(Failure::new(73, format!("{}: {error}", file.path.display()))),
    }
}

/// How long a lock is waited for. Whoever watches is told of it.
pub(crate) fn lock_patience(args: &RunArgs, talk: &Talk) -> Patience {
    let tell: fn(Duration, Option<&Holder>) = if talk.is_watched() {
        |wait, holder| complain(waiting_words(wait, holder))
    } else {
        |wait, holder| tracing::info!("{}", printable(&waiting_words(wait, holder)))
    };
    Patience { wait: args.pace.lock_wait, tell }
}

fn waiting_words(wait: Duration, holder: Option<&Holder>) -> String {
    format!("waiting at most {} for another run's lock: {}", in_words(wait), held_by(holder))
}

/// Whoever comes second is told who came first.
pub(crate) fn held(what: &str, holder: Option<&Holder>) -> Failure {
    let who = held_by(holder);
    Failure::new(75, format!("{who} {what}; try again when it is done, or use --lock-wait"))
}

fn held_by(holder: Option<&Holder>) -> String {
    holder.map_or_else(
        || "another process".to_owned(),
        |holder| {
            format!(
                "process {} (since {}, {})",
                holder.pid,
                clean(&holder.since, 30),
                clean(&holder.run_dir, 200)
            )
        },
    )
}

impl From<Misconfigured> for Failure {
    fn from(wrong: Misconfigured) -> Self {
        Self::new(78, wrong)
    }
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Self {
        match unusable {
            Unusable::Refused(why) | Unusable::Changed(why) => Self::new(65, why),
            Unusable::Exposed(why) => Self::new(78, why),
            Unusable::Io(path, error) => Self::new(73, format!("{}: {error}", path.display())),
            Unusable::Held(holder) => held("works in this run folder", holder.as_ref()),
        }
    }
}

pub(super) fn run_start(
    args: &RunArgs,
    input: &Input,
    survey: &Survey,
    folder: &RunFolder,
    job: &Job,
    service: &Service,
    further: &Further,
) -> RunStart {
    let mut warnings = input_warnings(input, survey, further, args.input.generate_passwords);
    warnings.extend(folder.warning());
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    RunStart {
        input: printable(&args.input.input.display().to_string()),
        rows: survey.rows,
        last_line: survey.last_line,
        warnings,
        ..run_start_of_service(args, folder, job, service)
    }
}

/// What is said of a run that makes passwords.
pub(crate) const GENERATED_PASSWORDS: &str = "generated passwords";

/// What a run is asked to do beyond what its columns say: the same command goes on only with the same.
pub(super) fn asks(args: &RunArgs, further: &Further) -> String {
    let mut asks = Vec::new();
    if args.input.generate_passwords {
        asks.push(GENERATED_PASSWORDS.to_owned());
    }
    if args.passwords.password_encoding != PasswordEncoding::Plain {
        asks.push("digests for passwords".to_owned());
    }
    if args.passwords.password_route == PasswordRoute::Platform {
        asks.push("passwords by the platform route".to_owned());
    }
    let paths: Vec<_> = further.attributes.iter().map(|attribute| attribute.path.as_str()).collect();
    if !paths.is_empty() {
        asks.push(clean(&format!("the attributes {}", paths.join(" ")), 512));
    }
    asks.join(", ")
}

/// The beginning of a service's log, whose rows are numbered as they come.
pub(crate) fn run_start_of_service(
    args: &RunArgs,
    folder: &RunFolder,
    job: &Job,
    service: &Service,
) -> RunStart {
    RunStart {
        input: "callers".to_owned(),
        input_fp: folder.input_fp.clone(),
        rows: 0,
        last_line: u64::from(u32::MAX),
        dry_run: job.dry_run,
        target: job.target.clone(),
        retry_of: job.retry_of.clone(),
        shard: job.shard.clone(),
        client_id: if args.sandbox { SANDBOX.to_owned() } else { service.credentials.client_id.clone() },
        asks: job.asks.clone(),
        serves: job.serves,
        notices: false,
        passwords_in_mail: args.passwords.password_in_mail,
        actor: actor(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        warnings: folder.warning().into_iter().collect(),
    }
}

/// What the service is called, whatever the sandbox's port.
pub(crate) fn target(args: &RunArgs, service: &Service) -> String {
    if args.sandbox { SANDBOX.to_owned() } else { service.base.to_string() }
}

fn actor() -> Actor {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Actor { uid: rustix::process::getuid().as_raw(), pid: std::process::id(), host: clean(&host, 64) }
}
