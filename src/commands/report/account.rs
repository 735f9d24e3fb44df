//! What is said of a run beside its rows, or of several runs as of one.

use std::cell::Cell;
use std::collections::BTreeSet;

use crate::audit::course::Course;
use crate::audit::owed::Owed;
use crate::audit::replay::Past;
use crate::domain::shard::Shard;
use crate::domain::tally::Tally;
use crate::domain::text::{clean, count};
use crate::views::facts::{Facts, Wait};
use crate::views::gathering::Gathering;
use crate::views::summary::{MergedRun, Notices, Requests, Summary};
use crate::views::verdict::{End, Verdict};

/// The longest text that is shown; the log may have come from elsewhere.
const MOST: usize = 1024;

/// What merging has come to so far.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Rows that another run has a later outcome of.
    pub(super) superseded: Cell<u64>,
    /// Rows that no run has reached.
    pub(super) untouched: u64,
}

/// One run, or several.
pub(super) struct Account<'a> {
    pasts: Vec<&'a Past>,
    /// Nothing for a single run that was not merged with any.
    merged: Option<&'a Counted>,
}

impl<'a> Account<'a> {
    /// Of one run.
    pub(super) fn of(past: &'a Past) -> Self {
        Self { pasts: vec![past], merged: None }
    }

    /// Of several.
    pub(super) fn of_several(pasts: &[&'a Past], counted: &'a Counted) -> Self {
        Self { pasts: pasts.to_vec(), merged: Some(counted) }
    }

    fn first(&self) -> &'a Past {
        // A retry knows less of where its rows come from.
        let own = self.pasts.iter().find(|past| past.start.retry_of.is_none());
        own.copied().unwrap_or(self.pasts[0])
    }

    fn all<T>(&self, of: impl Fn(&'a Past) -> T) -> impl Iterator<Item = T> {
        self.pasts.iter().map(move |past| of(past))
    }

    /// The run's name, or the first one's and how many others there are.
    pub(super) fn run_id(&self) -> String {
        let first = clean(&self.first().run_id, 64);
        if self.pasts.len() > 1 { format!("{first}+{}", self.pasts.len() - 1) } else { first }
    }

    /// All that is said, when all rows were taken in.
    pub(super) fn facts(&self, mut gathering: Gathering) -> Facts {
        let mut course = Course::default();
        self.all(|past| &past.course).for_each(|other| course.add(other));
        for (at_ms, replies) in course.throttled().each().filter(|(_, replies)| **replies > 0) {
            gathering.throttled(at_ms, *replies);
        }
        let waits = course.waits().iter().map(|wait| Wait { from_ms: wait.from_ms, to_ms: wait.to_ms });
        let timeline = gathering.timeline(waits.collect());
        let (first, end) = (self.first(), self.end());
        Facts {
            summary: self.summary(&gathering, &course),
            target: clean(&first.start.target, MOST),
            version: clean(&first.start.version, 64),
            complete: end == End::Complete,
            stopped: self.stopped(),
            verdict: self.verdict(gathering.tally(), end),
            merged: self.merged.map_or_else(Vec::new, |_| self.all(|past| clean(&past.run_id, 64)).collect()),
            reasons: gathering.reasons(),
            latency: gathering.latency(),
            timeline,
        }
    }

    fn verdict(&self, tally: &Tally, end: End) -> String {
        let start = &self.first().start;
        let untouched = self.rows(tally) - tally.total();
        // A retry has only some of a shard's rows.
        let shard = self.shard().filter(|_| start.retry_of.is_none());
        let (dry_run, serves) = (start.dry_run, start.serves);
        Verdict { tally, untouched, shard: shard.as_deref(), dry_run, serves, end }.sentence()
    }

    /// The shard that a single run is about. Several may be about any number of them.
    fn shard(&self) -> Option<String> {
        let [past] = &self.pasts[..] else { return None };
        past.start.shard.as_deref().and_then(Shard::read).map(|shard| shard.to_string())
    }

    /// Rows of the input, or those that callers asked for.
    fn rows(&self, tally: &Tally) -> u64 {
        let known = match self.merged {
            Some(counted) => tally.total() + counted.untouched,
            None => self.first().start.rows,
        };
        known.max(tally.total())
    }

    fn end(&self) -> End {
        let ends: Vec<_> = self.all(end_of).collect();
        match ends.iter().find(|end| **end != End::Complete) {
            None => End::Complete,
            Some(_) if ends.len() > 1 => End::Partly,
            Some(end) => *end,
        }
    }

    fn stopped(&self) -> Option<String> {
        let why = |past: &Past| match (end_of(past), &past.ended) {
            (End::Complete, _) => None,
            (_, None) => Some("the process died before its end".to_owned()),
            (_, Some(end)) => end.stopped.clone().or_else(|| Some("it stopped before its end".to_owned())),
        };
        let several = self.pasts.len() > 1;
        let words = |past: &Past, why: String| if several { format!("{}: {why}", past.run_id) } else { why };
        let all: Vec<_> =
            self.pasts.iter().filter_map(|past| Some(clean(&words(past, why(past)?), MOST))).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Of several runs that are complete, what one with these outcomes would have ended with.
    fn exit_code(&self, tally: &Tally) -> Option<u8> {
        let codes: Option<Vec<_>> = self.all(|past| past.ended.as_ref()).collect();
        let codes = codes?;
        let unfinished = codes.iter().find(|end| !end.complete).map(|end| end.exit_code);
        let single = codes.first().filter(|_| codes.len() == 1).map(|end| end.exit_code);
        Some(single.or(unfinished).unwrap_or_else(|| tally.exit_code()))
    }

    fn summary(&self, gathering: &Gathering, course: &Course) -> Summary {
        let tally = gathering.tally();
        let (outcomes, reasons, mfa) = Summary::counts(tally);
        let (first, traffic) = (self.first(), course.total());
        let ended = self.pasts.iter().all(|past| past.ended.is_some());
        let merged = self.merged.map(|_| self.all(merged_run).collect());
        Summary {
            run_id: self.run_id(),
            input: first.start.input.clone(),
            shard: self.shard(),
            dry_run: first.start.dry_run,
            started_at: self.all(|past| past.started_at.as_str()).min().unwrap_or_default().to_owned(),
            finished_at: self.all(|past| past.last_at.clone()).max().filter(|_| ended),
            exit_code: self.exit_code(tally),
            rows: self.rows(tally),
            outcomes,
            reasons,
            mfa,
            requests: Requests {
                token: traffic.token,
                lookup: traffic.lookup,
                patch: traffic.patch,
                sessions: traffic.sessions,
            },
            throttled: traffic.throttled,
            waited_ms: traffic.waited_ms,
            notices: self.notices(),
            warnings: self.warnings(),
            // Of several logs none is the last.
            audit_head: merged.as_ref().map_or_else(|| first.end.head.hash.clone(), |_| String::new()),
            merged: merged.unwrap_or_default(),
        }
    }

    fn notices(&self) -> Option<Notices> {
        let owed: Vec<&Owed> =
            self.pasts.iter().filter(|past| past.start.notices).map(|past| &past.owed).collect();
        (!owed.is_empty()).then(|| Notices {
            sent: owed.iter().map(|owed| owed.sent).sum(),
            failed: owed.iter().map(|owed| owed.given_up).sum(),
            pending: owed.iter().map(|owed| owed.len()).sum(),
        })
    }

    /// What was noticed, each thing once.
    fn warnings(&self) -> Vec<String> {
        let superseded = self.merged.map_or(0, |counted| counted.superseded.get());
        let again =
            format!("{} in more than one of these runs: the later outcome counts", is_are(superseded));
        let of_runs =
            self.pasts.iter().flat_map(|past| past.warnings.iter().cloned().chain(past.owed.sentence()));
        let mut seen = BTreeSet::new();
        let absent = self.merged.and_then(|_| absent(&self.pasts));
        let all = absent.into_iter().chain((superseded > 0).then_some(again)).chain(of_runs);
        all.filter(|warning| self.pasts.len() == 1 || seen.insert(warning.clone())).collect()
    }
}

/// The shards of the file that none of these runs is about, if any are.
fn absent(pasts: &[&Past]) -> Option<String> {
    let own = pasts.iter().filter(|past| past.start.retry_of.is_none());
    let shards: Option<BTreeSet<Shard>> =
        own.map(|past| past.start.shard.as_deref().and_then(Shard::read)).collect();
    // Without any, or with a run of the whole file, there is nothing to miss.
    let shards = shards.filter(|shards| !shards.is_empty())?;
    let missing: Vec<_> = shards.first()?.siblings().filter(|shard| !shards.contains(shard)).collect();
    let (first, others) = missing.split_first()?;
    let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    Some(format!("shard {first}{more} of the file is in none of these runs: rows are missing here"))
}

fn is_are(rows: u64) -> String {
    format!("{} {}", count(rows, "row"), if rows == 1 { "is" } else { "are" })
}

/// A service that was closed is as complete as it will ever be.
fn end_of(past: &Past) -> End {
    match &past.ended {
        None => End::Died,
        Some(end) if end.complete || (past.start.serves && end.stopped.is_none()) => End::Complete,
        Some(_) => End::Stopped,
    }
}

fn merged_run(past: &Past) -> MergedRun {
    MergedRun { run_id: past.run_id.clone(), audit_head: past.end.head.hash.clone() }
}
