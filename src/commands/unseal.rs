//! `unseal`: generated passwords, for whoever holds the key that they were sealed to.
//!
//! Of a run folder only the passwords that users may have are shown: the last one that was sent to an account
//! that was updated, and every one that may have taken where that is unknown.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::run::GENERATED;
use super::status::no_run;
use super::{Failure, complain};
use crate::audit::record::Line;
use crate::audit::replay::scan;
use crate::cli::UnsealArgs;
use crate::domain::outcome::Outcome;
use crate::domain::text::count;
use crate::folder::run::LOG;
use crate::handover::unsealed::{Fault, Opened, Unsealed};

/// Prints them as CSV.
pub(crate) fn unseal(args: &UnsealArgs) -> Result<u8, Failure> {
    let (file, mut sent) = if args.from.is_dir() {
        (sealed_in(&args.from)?, Some(Sent::read(&args.from.join(LOG))?))
    } else {
        (args.from.clone(), None)
    };
    let opened = Unsealed::read(&file, &args.identity).map_err(|why| Failure::new(66, why))?;
    let mut table = Table::begin(&file).map_err(|error| unprintable(&error))?;
    for entry in opened {
        match entry {
            Ok(entry) => {
                table.add(&entry, sent.as_ref()).map_err(|error| unprintable(&error))?;
                if let Some(sent) = &mut sent {
                    sent.found(&entry);
                }
            }
            Err(Fault::Locked(_)) => table.locked += 1,
            Err(fault) => {
                complain(format_args!("{}: {fault}", file.display()));
                table.faults += u64::from(!matches!(fault, Fault::Torn(_)));
            }
        }
    }
    if table.locked > 0 {
        let parts = count(table.locked, "part");
        complain(format_args!(
            "{}: {parts} sealed to another key than the one in {}",
            file.display(),
            args.identity.display()
        ));
    }
    let missing = sent.filter(|_| table.locked == 0).map_or(0, |sent| sent.missing());
    if missing > 0 {
        let passwords = count(missing, "password");
        complain(format_args!(
            "{}: {passwords} that were sent are not in it: it was cut, or is another",
            file.display()
        ));
        table.faults += missing;
    }
    table.end().map_err(|error| unprintable(&error))
}

/// The sealed passwords of a run.
fn sealed_in(run_dir: &Path) -> Result<PathBuf, Failure> {
    let file = run_dir.join(GENERATED);
    match (run_dir.join(LOG).exists(), file.exists()) {
        (true, true) => Ok(file),
        (false, _) => Err(no_run(run_dir)),
        (true, false) => Err(Failure::new(
            66,
            format!(
                "{} holds no {GENERATED}: that run made no passwords; give the folder of one that did, \
                 or a file of sealed passwords",
                run_dir.display()
            ),
        )),
    }
}

fn unprintable(error: &io::Error) -> Failure {
    Failure::new(73, format!("the passwords cannot be printed: {error}"))
}

/// What the audit log says of sealed passwords: which were sent for a row, and how that ended.
#[derive(Default)]
struct Sent {
    rows: HashMap<u64, Row>,
}

#[derive(Default)]
struct Row {
    seals: Vec<u64>,
    /// Whether the last of them was opened.
    found: bool,
    outcome: Option<Outcome>,
}

impl Sent {
    fn read(log: &Path) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new(66, format!("{}: {error}", log.display()));
        let file = File::open(log).map_err(|error| failed(&error))?;
        let mut sent = Self::default();
        let read = scan(file, |_, _, line| {
            sent.note(line);
            Ok(())
        });
        read.map_err(|damage| Failure::new(65, format!("{}: {damage}", log.display())))?;
        Ok(sent)
    }

    /// A run that begins anew in this folder goes on with the numbers of the one before.
    fn note(&mut self, line: Line<'_>) {
        let (row, seal, is_start) = (line.line, line.sealed, line.kind == "run_start");
        if is_start {
            self.rows.clear();
        }
        let Some(row) = row else { return };
        match seal {
            Some(seal) => {
                let row = self.rows.entry(row).or_default();
                row.outcome = None;
                if row.seals.last() != Some(&seal) {
                    row.seals.push(seal);
                }
            }
            None => {
                if let (Some(row), Some(done)) = (self.rows.get_mut(&row), line.done()) {
                    row.outcome = Some(done.ending.outcome);
                }
            }
        }
    }

    fn found(&mut self, entry: &Opened) {
        if let Some(row) = self.rows.get_mut(&entry.line) {
            row.found |= row.seals.last() == Some(&entry.seal);
        }
    }

    /// Users who may have a password that nobody can find out.
    fn missing(&self) -> u64 {
        let may_have =
            |row: &&Row| matches!(row.outcome, None | Some(Outcome::Updated | Outcome::Unknown(_)));
        self.rows.values().filter(may_have).filter(|row| !row.found).count() as u64
    }

    /// How the row ended for which this password was sent, if its user may have it.
    fn outcome(&self, entry: &Opened) -> Option<&'static str> {
        let row = self.rows.get(&entry.line)?;
        let is_last = row.seals.last() == Some(&entry.seal);
        match row.outcome {
            Some(outcome @ Outcome::Updated) => is_last.then(|| outcome.family()),
            Some(outcome @ Outcome::Unknown(_)) => row.seals.contains(&entry.seal).then(|| outcome.family()),
            // Declared, and nothing is on record of what became of it.
            None => row.seals.contains(&entry.seal).then_some("unknown"),
            Some(Outcome::WouldUpdate | Outcome::Skipped(_) | Outcome::Failed(_) | Outcome::Pending(_)) => {
                None
            }
        }
    }
}

/// The CSV on standard output.
struct Table {
    file: PathBuf,
    out: csv::Writer<io::StdoutLock<'static>>,
    left_out: u64,
    locked: u64,
    faults: u64,
}

impl Table {
    fn begin(file: &Path) -> io::Result<Self> {
        let mut out = csv::Writer::from_writer(io::stdout().lock());
        out.write_record(["line", "email", "user_id", "password", "outcome"]).map_err(io::Error::other)?;
        Ok(Self { file: file.to_owned(), out, left_out: 0, locked: 0, faults: 0 })
    }

    fn add(&mut self, entry: &Opened, sent: Option<&Sent>) -> io::Result<()> {
        let outcome = sent.map_or(Some(""), |sent| sent.outcome(entry));
        let Some(outcome) = outcome else {
            self.left_out += 1;
            return Ok(());
        };
        let line = entry.line.to_string();
        let cells = [&line, &entry.email, &entry.user_id, entry.password.expose(), outcome];
        self.out.write_record(cells).map_err(io::Error::other)
    }

    /// 65 when the file holds more than could be opened.
    fn end(mut self) -> io::Result<u8> {
        self.out.flush()?;
        drop(self.out);
        io::stdout().flush()?;
        if self.left_out > 0 {
            let passwords = count(self.left_out, "password");
            complain(format_args!("{passwords} left out: sent to nobody, refused, or followed by another"));
        }
        if self.locked > 0 && self.faults == 0 {
            return Ok(65);
        }
        if self.faults > 0 {
            let parts = count(self.faults, "part");
            complain(format_args!("scim-rekey: {} holds {parts} that cannot be opened", self.file.display()));
            return Ok(65);
        }
        Ok(0)
    }
}
