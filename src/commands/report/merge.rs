//! The rows of several runs as those of one: of shards of one INPUT, of a run and its retries.
//!
//! Every log is read in the order of its lines, so that nothing but the names of retried users is kept.
//! Invariant: a row is left out only where another run has a later outcome of the same row.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io;
use std::iter::Peekable;

use super::Run;
use super::account::Counted;
use crate::audit::replay::{Past, rows_through};
use crate::domain::event::Done;
use crate::domain::outcome::Outcome;
use crate::folder::run::LOG;

/// Runs that belong together.
pub(super) struct Merge<'a> {
    runs: &'a [Run],
    /// For each run, the others of these that retry it, and those that retry them.
    retries: Vec<Vec<usize>>,
    counted: Counted,
}

/// What a retry has an outcome of.
#[derive(Debug, Default)]
struct Retried {
    /// Its users, and their lines.
    names: HashMap<String, u64>,
    /// Lines of those that the runs before it do not know: rows without a sound address are retried by their
    /// lines, on which the address was mended.
    mended: HashSet<u64>,
}

impl<'a> Merge<'a> {
    /// Finds out whether these runs can be told as one.
    pub(super) fn of(runs: &'a [Run]) -> Result<Self, String> {
        let Some((first, others)) = runs.split_first() else { return Err("there is no run".to_owned()) };
        for other in others {
            if let Some(why) = differ(&first.past, &other.past) {
                let (one, another) = (first.dir.display(), other.dir.display());
                return Err(format!("{one} and {another} cannot be merged: {why}"));
            }
        }
        let own = runs.iter().filter(|run| run.past.start.retry_of.is_none());
        let mut own = own.map(|run| (run, &run.past.start));
        if let Some((first, start)) = own.next() {
            let name = |input: &str| input.rsplit('/').next().unwrap_or_default().to_owned();
            let same = |other: &crate::audit::record::RunStart| {
                (name(&start.input), start.last_line) == (name(&other.input), other.last_line)
            };
            if let Some((other, _)) = own.find(|(_, other)| !same(other)) {
                let (one, another) = (first.dir.display(), other.dir.display());
                return Err(format!("{one} and {another} cannot be merged: they are about different INPUT"));
            }
        }
        let retries: Vec<_> = (0..runs.len()).map(|run| retries_of(runs, run)).collect();
        let untouched = (0..runs.len()).filter(|run| !retries.iter().any(|of| of.contains(run)));
        let untouched = untouched.map(|run| untouched_rows(&runs[run].past)).sum();
        Ok(Self { runs, retries, counted: Counted { untouched, ..Counted::default() } })
    }

    /// What is known of the rows beside themselves; of those left out when all were read.
    pub(super) const fn counted(&self) -> &Counted {
        &self.counted
    }

    /// The rows in the order of the input.
    pub(super) fn rows(&self) -> io::Result<impl Iterator<Item = io::Result<(Done, String)>>> {
        let retried = self.retried()?;
        let sources: Vec<_> =
            (0..self.runs.len()).map(|run| Ok(self.read(run)?.peekable())).collect::<io::Result<_>>()?;
        let mut zip = Zip { sources };
        let mut ready = VecDeque::new();
        Ok(std::iter::from_fn(move || {
            loop {
                if let Some(row) = ready.pop_front() {
                    return Some(Ok(row));
                }
                match zip.next()? {
                    Ok(rows) => match self.settle(rows, &retried) {
                        Ok(rows) => ready.extend(rows),
                        Err(error) => return Some(Err(error)),
                    },
                    Err(error) => return Some(Err(error)),
                }
            }
        }))
    }

    fn read(&self, run: usize) -> io::Result<impl Iterator<Item = io::Result<(Done, String)>> + use<'_>> {
        let Run { dir, past, .. } = &self.runs[run];
        // However many there are, together they take no more than one.
        let buffer = ((1 << 18) / self.runs.len()).max(1 << 12);
        Ok(rows_through(buffer, File::open(dir.join(LOG))?, past.ledger.offsets()))
    }

    /// Of each run that is a retry of another: what it has an outcome of.
    fn retried(&self) -> io::Result<Vec<Retried>> {
        let mut all: Vec<Retried> = Vec::new();
        for run in 0..self.runs.len() {
            let mut retried = Retried::default();
            if self.is_retry(run) {
                for row in self.read(run)? {
                    let (done, _) = row?;
                    if !matches!(done.ending.outcome, Outcome::Pending(_)) {
                        retried.mended.insert(done.line);
                        retried.names.insert(name(&done), done.line);
                    }
                }
            }
            all.push(retried);
        }
        for (run, retries) in self.retries.iter().enumerate().filter(|(_, retries)| !retries.is_empty()) {
            for row in self.read(run)? {
                let name = name(&row?.0);
                for retry in retries.iter().filter(|_| !name.is_empty()) {
                    let Retried { names, mended } = &mut all[*retry];
                    names.get(&name).map(|line| mended.remove(line));
                }
            }
        }
        Ok(all)
    }

    fn is_retry(&self, run: usize) -> bool {
        self.retries.iter().any(|retries| retries.contains(&run))
    }

    /// Of the rows on one line, those that count.
    fn settle(&self, rows: Vec<Row>, retried: &[Retried]) -> io::Result<Vec<(Done, String)>> {
        let mut left: Vec<Row> = Vec::new();
        for row in rows {
            let is_pending = matches!(row.done.ending.outcome, Outcome::Pending(_));
            // Not tried once more: it stays as the run before left it.
            if is_pending && self.is_retry(row.run) {
                continue;
            }
            if self.is_retried(&row, retried) {
                self.leave_out();
                continue;
            }
            let same = left.iter_mut().find(|other| name(&other.done) == name(&row.done));
            match same {
                Some(other) => {
                    self.leave_out();
                    if other.weight() < row.weight() {
                        *other = row;
                    }
                }
                None => left.push(row),
            }
        }
        self.refuse_strangers(&left)?;
        Ok(left.into_iter().map(|row| (row.done, row.ts)).collect())
    }

    fn leave_out(&self) {
        let superseded = &self.counted.superseded;
        superseded.set(superseded.get() + 1);
    }

    /// Whether a retry has an outcome of this row.
    fn is_retried(&self, row: &Row, retried: &[Retried]) -> bool {
        let has = |retry: &usize| {
            let Retried { names, mended } = &retried[*retry];
            let name = name(&row.done);
            if name.is_empty() { mended.contains(&row.done.line) } else { names.contains_key(&name) }
        };
        row.done.ending.outcome.is_worth_another_try() && self.retries[row.run].iter().any(has)
    }

    /// Two users on one line are of two files. Only a retry may be about one that was mended.
    fn refuse_strangers(&self, rows: &[Row]) -> io::Result<()> {
        let mut own = rows.iter().filter(|row| self.runs[row.run].past.start.retry_of.is_none());
        let (Some(one), Some(other)) = (own.next(), own.next()) else { return Ok(()) };
        let dir = |row: &Row| self.runs[row.run].dir.display().to_string();
        let why = format!(
            "{} and {} cannot be merged: line {} is about another user in each, so they are about different INPUT",
            dir(one),
            dir(other),
            one.done.line
        );
        Err(io::Error::new(io::ErrorKind::InvalidData, why))
    }
}

/// A row of one of the runs.
struct Row {
    run: usize,
    done: Done,
    ts: String,
}

impl Row {
    /// What has ended counts more than what has not, then the later end.
    fn weight(&self) -> (bool, &str, usize) {
        (!matches!(self.done.ending.outcome, Outcome::Pending(_)), &self.ts, self.run)
    }
}

/// The rows of all runs, those on one line together.
struct Zip<I: Iterator> {
    sources: Vec<Peekable<I>>,
}

impl<I: Iterator<Item = io::Result<(Done, String)>>> Zip<I> {
    fn next(&mut self) -> Option<io::Result<Vec<Row>>> {
        let mut line = None;
        for source in &mut self.sources {
            match source.peek() {
                Some(Ok((done, _))) => line = Some(line.map_or(done.line, |line: u64| line.min(done.line))),
                Some(Err(_)) => return source.next()?.err().map(Err),
                None => {}
            }
        }
        let line = line?;
        let mut rows = Vec::new();
        for (run, source) in self.sources.iter_mut().enumerate() {
            let here = source.next_if(|row| row.as_ref().is_ok_and(|(done, _)| done.line == line));
            if let Some(Ok((done, ts))) = here {
                rows.push(Row { run, done, ts });
            }
        }
        Some(Ok(rows))
    }
}

/// Why two runs are no part of one story, if they are not.
fn differ(one: &Past, other: &Past) -> Option<&'static str> {
    if one.run_id == other.run_id {
        Some("they are the same run")
    } else if one.start.serves || other.start.serves {
        Some("a service's log is no part of anything")
    } else if one.start.target != other.start.target {
        Some("they worked on different services")
    } else if one.start.dry_run != other.start.dry_run {
        Some("one is a rehearsal")
    } else {
        None
    }
}

/// The runs that retry this one, and those that retry them.
fn retries_of(runs: &[Run], run: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut ids = vec![runs[run].past.run_id.as_str()];
    while let Some(id) = ids.pop() {
        for (number, other) in runs.iter().enumerate().filter(|(number, _)| *number != run) {
            let earlier = other.past.start.retry_of.as_deref().and_then(|of| of.split(' ').next());
            if earlier == Some(id) && !found.contains(&number) {
                found.push(number);
                ids.push(&other.past.run_id);
            }
        }
    }
    found
}

/// A process that was killed has not named the rows that it never reached.
fn untouched_rows(past: &Past) -> u64 {
    past.start.rows.saturating_sub(past.ledger.tally_with_doubts().total())
}

fn name(done: &Done) -> String {
    done.email.to_ascii_lowercase()
}
