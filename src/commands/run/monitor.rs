//! What schedulers and monitors read: how the latest run ended, in files outside its folder.
//!
//! Owns `--summary` and `--metrics`. Refuses to put them in the place of what is no such file. Invariant: once the
//! command line is understood, whatever ends the run is told in both, be it before there is a run folder.

use std::cell::OnceCell;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::GENERATED;
use crate::audit::log::now;
use crate::cli::{RunArgs, UnattendedArgs};
use crate::commands::{Failure, complain};
use crate::domain::text::printable;
use crate::files;
use crate::folder::run::LOG;
use crate::views::metrics::{BEGINS, Figures};
use crate::views::summary;

/// What a run folder holds.
const OF_RUNS: [&str; 6] = [LOG, "outcome.csv", "report.html", GENERATED, "input.key", "run.lock"];

/// Watches one process's work.
pub(crate) struct Monitor<'a> {
    args: &'a RunArgs,
    began: Instant,
    folder: OnceCell<Folder>,
}

/// The run's folder, and what tells the summary in it from a later one.
struct Folder {
    path: PathBuf,
    earlier: Option<u64>,
}

impl<'a> Monitor<'a> {
    /// Does the work, and tells how it went.
    pub(crate) fn watch(
        args: &'a RunArgs,
        work: impl FnOnce(&Self) -> Result<u8, Failure>,
    ) -> Result<u8, Failure> {
        let monitor = Self::new(args);
        let worked = || monitor.check_places().and_then(|()| work(&monitor));
        match panic::catch_unwind(AssertUnwindSafe(worked)) {
            Ok(done) => monitor.told(done),
            Err(panic) => {
                let _ = monitor.told(Err(Failure::new(70, "internal error")));
                panic::resume_unwind(panic)
            }
        }
    }

    /// Tells nobody yet.
    pub(crate) fn new(args: &'a RunArgs) -> Self {
        Self { args, began: Instant::now(), folder: OnceCell::new() }
    }

    /// What the run is asked to do.
    pub(crate) const fn args(&self) -> &'a RunArgs {
        self.args
    }

    /// From now on it is about the run in this folder.
    pub(super) fn note(&self, path: &Path) {
        _ = self.folder.set(Folder { path: path.to_owned(), earlier: identity(path) });
    }

    fn files(&self) -> impl Iterator<Item = (&'static str, &'a Path, &'static str)> {
        let UnattendedArgs { summary, metrics, .. } = &self.args.unattended;
        let summary = summary.as_deref().filter(|path| path.as_os_str() != "-");
        let summary = summary.map(|path| ("--summary", path, "{"));
        summary.into_iter().chain(metrics.as_deref().map(|path| ("--metrics", path, BEGINS)))
    }

    /// Before anything is sent.
    fn check_places(&self) -> Result<(), Failure> {
        self.files().try_for_each(|(flag, path, begins)| {
            check_place(path, begins)
                .map_err(|error| Failure::new(73, format!("{flag} {}: {error}", path.display())))
        })
    }

    fn told(&self, done: Result<u8, Failure>) -> Result<u8, Failure> {
        let summary = self.summary(&done);
        let written =
            [self.write_summary(summary.as_deref(), &done), self.write_metrics(summary.as_deref(), &done)];
        let Some(why) = written.into_iter().find_map(Result::err) else { return done };
        match done {
            // Nothing was wrong with the run, but whoever waits for the file would never know.
            Ok(0) => Err(Failure::new(74, format!("{why}; the run itself ended well"))),
            Err(failure) if failure.code != 73 => {
                complain(format_args!("scim-rekey: {why}"));
                Err(failure)
            }
            done => done,
        }
    }

    /// The `summary.json` of the run that this process worked on, unless it is of an earlier process that did more.
    fn summary(&self, done: &Result<u8, Failure>) -> Option<Vec<u8>> {
        let Folder { path, earlier } = self.folder.get()?;
        let is_ours = done.is_ok() || identity(path) != *earlier;
        is_ours.then(|| files::read(&path.join(summary::NAME)).ok()).flatten()
    }

    fn write_summary(&self, summary: Option<&[u8]>, done: &Result<u8, Failure>) -> Result<(), String> {
        let Some(path) = &self.args.unattended.summary else { return Ok(()) };
        let bytes = summary.map_or_else(|| self.error(done), <[u8]>::to_vec);
        if path.as_os_str() == "-" {
            return io::stdout().write_all(&bytes).map_err(|error| format!("--summary -: {error}"));
        }
        self.write("--summary", 0o600, path, "{", &bytes)
    }

    fn write_metrics(&self, summary: Option<&[u8]>, done: &Result<u8, Failure>) -> Result<(), String> {
        let Some(path) = &self.args.unattended.metrics else { return Ok(()) };
        let summary: Option<Value> = summary.and_then(|bytes| serde_json::from_slice(bytes).ok());
        let earlier = files::read(path).unwrap_or_default();
        let figures = Figures {
            name: printable(&path.file_stem().unwrap_or_default().to_string_lossy()),
            exit_code: code(done),
            ended_s: Timestamp::now().as_duration().as_secs_f64(),
            took_s: self.began.elapsed().as_secs_f64(),
            summary: summary.as_ref(),
        };
        let text = figures.text(&String::from_utf8_lossy(&earlier));
        // The collector is another user, and there is no secret in it.
        self.write("--metrics", 0o644, path, BEGINS, text.as_bytes())
    }

    #[expect(clippy::unused_self, reason = "reads as what it is")]
    fn write(&self, flag: &str, mode: u32, path: &Path, begins: &str, bytes: &[u8]) -> Result<(), String> {
        check_place(path, begins)
            .and_then(|()| files::replace_as(mode, path, |out| out.write_all(bytes)))
            .map_err(|error| format!("{flag} {}: {error}", path.display()))
    }

    /// Why there is no summary of a run.
    fn error(&self, done: &Result<u8, Failure>) -> Vec<u8> {
        let words = done.as_ref().err().map_or_else(String::new, |failure| printable(&failure.words));
        let folder = self.folder.get().map(|folder| printable(&folder.path.display().to_string()));
        let input = printable(&self.args.input.input.display().to_string());
        let error = json!({"exit_code": code(done), "error": words, "input": input, "run_dir": folder, "finished_at": now()});
        format!("{error:#}\n").into_bytes()
    }
}

/// Whether it may go there: never in the place of a run's own files, nor of anything else that is no such file.
fn check_place(path: &Path, begins: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default();
    if OF_RUNS.iter().any(|own| name == *own) {
        return Err(io::Error::other("a run keeps a file of its own under that name"));
    }
    files::check_place(path, begins)?;
    // An object in JSON may be anybody's: also a log, the evidence of a run.
    let start = match fs::File::open(path) {
        Ok(file) => io::read_to_string(file.take(1 << 16)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }?;
    let is_ours = start.is_empty() || (start.contains("exit_code") && !start.starts_with("{\"v\""));
    if is_ours { Ok(()) } else { Err(io::Error::other("is there already, and no such file")) }
}

fn code(done: &Result<u8, Failure>) -> u8 {
    done.as_ref().map_or_else(|failure| failure.code, |code| *code)
}

/// Tells a file from the one that replaces it.
fn identity(folder: &Path) -> Option<u64> {
    fs::symlink_metadata(folder.join(summary::NAME)).ok().map(|facts| facts.ino())
}
