//! Which folder a command line means, and whether it may go on there.
//!
//! The same command line finds its unfinished run again. A folder is gone on with only for the
//! same job on the same input; the input is recognised by a fingerprint under a key that stays in
//! the folder, so that the log alone, wherever it is sent, gives no way to try passwords.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use ring::hmac;

use super::lock::{Holder, Lock, Patience, Unlocked, folder_lock};
use crate::audit::log::Log;
use crate::audit::record::{Line, RunStart};
use crate::audit::replay::{Damage, End, Past};
use crate::domain::text::hex;
use crate::files;

/// Name of the audit log in the run folder.
pub(crate) const LOG: &str = "audit.jsonl";
const KEY: &str = "input.key";

/// What makes two command lines the same job.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// SHA-256 of the input's bytes; never stored as it is.
    pub(crate) input_sha256: [u8; 32],
    /// Whether nothing is to be changed.
    pub(crate) dry_run: bool,
    /// The service.
    pub(crate) target: String,
    /// The earlier run whose unfinished rows are tried once more, and which of them.
    pub(crate) retry_of: Option<String>,
    /// Which part of the input's rows, when other machines do the rest.
    pub(crate) shard: Option<String>,
    /// What is asked for beyond the columns password and `mfa_phone`, in words.
    pub(crate) asks: String,
    /// Whether its rows are what callers of the service ask for.
    pub(crate) serves: bool,
    /// Whether a complete run is to be done once more.
    pub(crate) again: bool,
    /// Whether the files that tell of a complete run are there.
    pub(crate) is_told: fn(&Path, &Past) -> bool,
}

impl Job {
    /// Whether a run was begun for the same purpose, on whatever input.
    fn is_that_of(&self, start: &RunStart) -> bool {
        self.dry_run == start.dry_run
            && self.target == start.target
            && self.retry_of == start.retry_of
            && self.shard == start.shard
            && self.serves == start.serves
    }

    /// Whether a complete run is to be done once more. One that was killed before it told how it went is
    /// what the same command goes on with, so that no kill repeats it.
    fn repeats(&self, path: &Path, past: &Past) -> Result<bool, Unusable> {
        Ok(self.again && ((self.is_told)(path, past) || !same_input(path, past, self)?))
    }
}

/// Where runs go.
#[derive(Debug)]
pub(crate) enum Place {
    /// This very folder: `--run-dir`.
    Exactly(PathBuf),
    /// A folder of its own for each run in this one.
    Within(PathBuf),
}

/// What a command line has to do.
#[derive(Debug)]
pub(crate) enum Chosen {
    /// Nothing: that run is complete. The folder stays ours as long as the lock is kept.
    Complete(PathBuf, Box<Past>, Lock),
    /// Begin, or go on.
    Open(Box<RunFolder>),
}

/// A run folder that is ours to work in.
#[derive(Debug)]
pub(crate) struct RunFolder {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The log, at its end.
    pub(crate) log: Log,
    /// The run so far; nothing when it begins now.
    pub(crate) past: Option<Past>,
    /// Fingerprint of the input, under this folder's key.
    pub(crate) input_fp: String,
    /// Keeps others out.
    pub(crate) lock: Lock,
    /// Whether it was not there before.
    pub(crate) is_new: bool,
}

impl RunFolder {
    /// Leaves no trace of a run that does not begin after all. What was there before stays.
    pub(crate) fn withdraw(self) {
        let Self { path, log, past, lock, is_new, .. } = self;
        drop(log);
        let is_empty = fs::metadata(path.join(LOG)).is_ok_and(|log| log.len() == 0);
        if past.is_none() && is_empty {
            let _ = fs::remove_file(path.join(LOG)).and_then(|()| fs::remove_file(path.join(KEY)));
        }
        drop(lock);
        // Neither goes away while there is anything in it.
        if is_new && fs::remove_dir(&path).is_ok() {
            let runs = path.parent().filter(|parent| parent.extension().is_some_and(|end| end == "runs"));
            let _ = runs.map(fs::remove_dir);
        }
    }

    /// What the operator should know of the place.
    pub(crate) fn warning(&self) -> Option<String> {
        let kind = files::unreliable(&self.path)?;
        Some(format!("the run folder is on {kind}: choose another with --run-dir"))
    }
}

/// Why a folder cannot be used.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// It holds something that does not fit.
    Refused(String),
    /// It holds an unfinished run over another INPUT.
    Changed(String),
    /// Others can write in it.
    Exposed(String),
    /// A file in it cannot be made.
    Io(PathBuf, io::Error),
    /// Somebody works in it.
    Held(Option<Holder>),
}

/// Finds or makes the folder for a job.
pub(crate) fn choose(
    place: &Place,
    job: &Job,
    holder: &Holder,
    patience: Patience,
) -> Result<Chosen, Unusable> {
    match place {
        Place::Exactly(path) => match open(path, job, holder, patience)? {
            Chosen::Complete(path, past, _) if past.start.asks != job.asks => {
                Err(Unusable::Refused(other_wishes(&path, &past.start, job)))
            }
            Chosen::Complete(path, past, _) if !same_input(&path, &past, job)? => {
                Err(Unusable::Refused(changed(&path)))
            }
            chosen => Ok(chosen),
        },
        Place::Within(runs) => match latest(make(runs)?, job) {
            None => open(&runs.join(next_run_id(runs)), job, holder, patience),
            Some(path) => match open(&path, job, holder, patience) {
                // Nothing rests on a rehearsal that was cut short.
                Err(Unusable::Changed(_)) if job.dry_run => {
                    open(&runs.join(next_run_id(runs)), job, holder, patience)
                }
                Ok(Chosen::Complete(_, past, _))
                    if job.repeats(&path, &past)?
                        || past.start.asks != job.asks
                        || !same_input(&path, &past, job)? =>
                {
                    open(&runs.join(next_run_id(runs)), job, holder, patience)
                }
                Ok(Chosen::Open(folder)) if folder.past.is_none() => {
                    open(&runs.join(next_run_id(runs)), job, holder, patience)
                }
                chosen => chosen,
            },
        },
    }
}

/// Makes a folder, or makes sure that it is nobody's but ours.
fn make(path: &Path) -> Result<&Path, Unusable> {
    let why = files::create_folder(path).and_then(|()| files::exposed(path));
    match why.map_err(|error| Unusable::Io(path.to_owned(), error))? {
        None => Ok(path),
        Some(why) => Err(Unusable::Exposed(format!("the run folder {} {why}", path.display()))),
    }
}

/// Opens one folder for the job; complete runs are for the caller to judge.
fn open(path: &Path, job: &Job, holder: &Holder, patience: Patience) -> Result<Chosen, Unusable> {
    let io_error = |error| Unusable::Io(path.to_owned(), error);
    let is_new = !path.exists();
    make(path)?;
    let holder = Holder { run_dir: path.display().to_string(), ..holder.clone() };
    let lock = Lock::take(&folder_lock(path), &holder, patience).map_err(|unlocked| match unlocked {
        Unlocked::Held(holder) => Unusable::Held(holder),
        Unlocked::Io(error) => io_error(error),
    })?;
    files::sweep(path).map_err(io_error)?;
    let log = path.join(LOG);
    let log_error = |error| Unusable::Io(log.clone(), error);
    let file = files::open_append(&log).map_err(log_error)?;
    let past = Past::read(&log).map_err(|damage| match damage {
        Damage::Io(error) => log_error(error),
        damage @ Damage::Broken { .. } => damaged(path, &damage),
    })?;
    let Some(past) = past else {
        return begin(path, file, None, job, lock, is_new);
    };
    if !job.is_that_of(&past.start) {
        return Err(Unusable::Refused(other_job(path, &past.start)));
    }
    if past.start.asks != job.asks && (!past.is_complete() || job.again) {
        return Err(Unusable::Refused(other_wishes(path, &past.start, job)));
    }
    if past.is_complete() && job.repeats(path, &past)? {
        return begin(path, file, Some(past.end), job, lock, is_new);
    }
    if past.is_complete() {
        return Ok(Chosen::Complete(path.to_owned(), Box::new(past), lock));
    }
    if !same_input(path, &past, job)? {
        return Err(Unusable::Changed(changed(path)));
    }
    cut(&file, past.end.len).map_err(io_error)?;
    let log = Log::new(file, past.run_id.clone(), past.end.head.clone(), past.end.len);
    let input_fp = past.start.input_fp.clone();
    let path = path.to_owned();
    Ok(Chosen::Open(Box::new(RunFolder { path, log, past: Some(past), input_fp, lock, is_new })))
}

fn begin(
    path: &Path,
    file: File,
    end: Option<End>,
    job: &Job,
    lock: Lock,
    is_new: bool,
) -> Result<Chosen, Unusable> {
    let io_error = |error| Unusable::Io(path.to_owned(), error);
    cut(&file, end.as_ref().map_or(0, |end| end.len)).map_err(io_error)?;
    // A folder that holds a complete run keeps its key, or a crash now would leave that run without one.
    let key = if end.is_some() { read_key(path) } else { make_key(path) }.map_err(io_error)?;
    let end = end.unwrap_or_default();
    files::sync_folder(path).map_err(io_error)?;
    let run_id = named_run(path).unwrap_or_else(new_run_id);
    let log = Log::new(file, run_id, end.head, end.len);
    let input_fp = fingerprint(&key, &job.input_sha256);
    let path = path.to_owned();
    Ok(Chosen::Open(Box::new(RunFolder { path, log, past: None, input_fp, lock, is_new })))
}

/// Cuts what a crash left behind the last whole line.
fn cut(file: &File, len: u64) -> io::Result<()> {
    file.set_len(len)?;
    file.sync_all()
}

fn damaged(path: &Path, damage: &Damage) -> Unusable {
    Unusable::Refused(format!("the audit log in {} cannot be trusted: {damage}", path.display()))
}

fn changed(path: &Path) -> String {
    format!(
        "INPUT is not what it was when the run in {} began; go on there with the old file, or choose \
         another folder with --run-dir",
        path.display()
    )
}

fn other_job(path: &Path, start: &RunStart) -> String {
    let kind = match (start.dry_run, &start.retry_of) {
        (true, _) => "a dry run",
        (false, Some(_)) => "a retry",
        (false, None) => "a run",
    };
    let shard = start.shard.as_ref().map_or_else(String::new, |shard| format!(" of shard {shard}"));
    format!(
        "{} holds {kind}{shard} against {}, which is not what this command asks for; choose another --run-dir",
        path.display(),
        start.target
    )
}

/// Half of a run would be one thing and half another, and its files would tell of the first.
fn other_wishes(path: &Path, start: &RunStart, job: &Job) -> String {
    let words =
        |asks: &str| if asks.is_empty() { "nothing but its columns".to_owned() } else { asks.to_owned() };
    format!(
        "the run in {} was begun with {}, and this command asks for {}; go on as it was begun, or choose another \
         folder with --run-dir",
        path.display(),
        words(&start.asks),
        words(&job.asks)
    )
}

/// The newest run of the same kind against the same service.
fn latest(runs: &Path, job: &Job) -> Option<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(runs).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort();
    folders.into_iter().rev().find(|folder| match first_line(&folder.join(LOG)) {
        First::Start(start) => job.is_that_of(&start),
        // It could be this very job's, so nobody may begin anew beside it.
        First::Damaged => true,
        First::None => false,
    })
}

/// How a log begins.
enum First {
    /// With a run.
    Start(Box<RunStart>),
    /// With a whole line that is no run's, or nobody can tell.
    Damaged,
    /// It does not: there is no log, or a crash left less than a line, so nothing was ever sent.
    None,
}

fn first_line(path: &Path) -> First {
    let file = match files::open_own(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return First::None;
        }
        Err(_) => return First::Damaged,
    };
    let mut line = Vec::new();
    match BufReader::new(file).take(1 << 20).read_until(b'\n', &mut line) {
        Ok(_) if line.ends_with(b"\n") => {}
        Ok(_) => return First::None,
        Err(_) => return First::Damaged,
    }
    let is_start = serde_json::from_slice::<Line<'_>>(&line).is_ok_and(|line| line.kind == "run_start");
    match serde_json::from_slice(&line) {
        Ok(start) if is_start => First::Start(Box::new(start)),
        Ok(_) | Err(_) => First::Damaged,
    }
}

fn same_input(path: &Path, past: &Past, job: &Job) -> Result<bool, Unusable> {
    let key = read_key(path).map_err(|_| {
        Unusable::Refused(format!(
            "{} is missing, so nobody can tell whether INPUT is the same",
            path.join(KEY).display()
        ))
    })?;
    Ok(fingerprint(&key, &job.input_sha256) == past.start.input_fp)
}

fn fingerprint(key: &str, sha256: &[u8; 32]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.trim().as_bytes());
    hex(hmac::sign(&key, sha256).as_ref())
}

fn read_key(path: &Path) -> io::Result<String> {
    String::from_utf8(files::read(&path.join(KEY))?).map_err(io::Error::other)
}

/// The key that stays in the folder, for what has to be recognised and not known.
pub(crate) fn folder_key(path: &Path) -> io::Result<hmac::Key> {
    Ok(hmac::Key::new(hmac::HMAC_SHA256, read_key(path)?.trim().as_bytes()))
}

fn make_key(path: &Path) -> io::Result<String> {
    let key = hex(&rand::random::<[u8; 32]>());
    files::replace(&path.join(KEY), |out| out.write_all(key.as_bytes()))?;
    Ok(key)
}

/// A name that sorts by time and says it: `20261122T093138.123Z-3fa9`.
fn new_run_id() -> String {
    run_id(Timestamp::now())
}

/// The same, after all that are there. Their order says which run is the latest, and the clock may
/// have been ahead when they began.
fn next_run_id(runs: &Path) -> String {
    let names = fs::read_dir(runs).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let latest = names.filter_map(|name| began(name.to_str()?)).max();
    let after = latest.and_then(|latest| latest.checked_add(1.millisecond()).ok());
    run_id(after.map_or_else(Timestamp::now, |after| after.max(Timestamp::now())))
}

fn run_id(at: Timestamp) -> String {
    format!("{}-{:04x}", at.strftime("%Y%m%dT%H%M%S%.3fZ"), rand::random::<u16>())
}

/// When a run began, as its name says it.
fn began(name: &str) -> Option<Timestamp> {
    let (at, _) = name.split_once("Z-")?;
    DateTime::strptime("%Y%m%dT%H%M%S%.f", at).ok()?.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
}

/// The run id that the folder was named after, as long as it holds no run yet.
fn named_run(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let empty = fs::metadata(path.join(LOG)).is_ok_and(|log| log.len() == 0);
    let ours = name.len() == 25 && name.get(8..9) == Some("T") && name.get(19..21) == Some("Z-");
    (ours && empty).then(|| name.to_owned())
}
