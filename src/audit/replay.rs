//! Reading the log back: the chain is checked line by line, and folded.
//!
//! A tail without a line feed was never synced, so no PATCH rests on it: it is left out, and
//! the next writer cuts it. Anything else that does not fit is damage, and refused with its
//! place.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::chain::{FORMAT, Head};
use super::ledger::Ledger;
use super::order::Order;
use super::record::{Line, RunEnd, RunStart, Traffic};
use crate::domain::event::{Done, Trail};
use crate::domain::outcome::Doubt;
use crate::files;

/// The longest line that is read; ours are below 2 KiB.
const LINE_CAP: u64 = 1 << 20;

/// Why a log cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Damage {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A line is not what was written there.
    #[error("record {seq} (line {seq}, byte {offset}): {reason}")]
    Broken {
        /// The first sequence number that is wrong.
        seq: u64,
        /// Where its line begins.
        offset: u64,
        /// What is wrong.
        reason: &'static str,
    },
}

/// How far the chain goes.
#[derive(Debug, Clone, Default)]
pub(crate) struct End {
    /// The last line.
    pub(crate) head: Head,
    /// Bytes up to its end.
    pub(crate) len: u64,
    /// Bytes after it that are no line.
    pub(crate) torn: u64,
}

/// Reads every line, checks the chain and the order of its runs, and hands each line over with its
/// offset.
///
/// `each` may refuse a line that it cannot make sense of.
pub(crate) fn scan<F>(log: impl Read, mut each: F) -> Result<End, Damage>
where
    F: FnMut(u64, &[u8], Line<'_>) -> Result<(), &'static str>,
{
    let mut reader = BufReader::with_capacity(1 << 18, log);
    let mut end = End::default();
    let mut order = Order::default();
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read = reader.by_ref().take(LINE_CAP).read_until(b'\n', &mut bytes)? as u64;
        if bytes.pop_if(|last| *last == b'\n').is_none() {
            if read == LINE_CAP {
                return Err(broken(&end, "the line is far too long"));
            }
            end.torn = read;
            return Ok(end);
        }
        let line: Line<'_> = serde_json::from_slice(&bytes).map_err(|_| broken(&end, "not a record"))?;
        let mut head = end.head.clone();
        head.follow(&bytes, line.seq, &line.prev).map_err(|reason| broken(&end, reason))?;
        if line.v != FORMAT {
            return Err(broken(&end, "written by another version of this program"));
        }
        order.follow(&line).map_err(|reason| broken(&end, reason))?;
        each(end.len, &bytes, line).map_err(|reason| broken(&end, reason))?;
        end.head = head;
        end.len += read;
    }
}

const fn broken(end: &End, reason: &'static str) -> Damage {
    Damage::Broken { seq: end.head.seq + 1, offset: end.len, reason }
}

/// A run as its log tells it.
#[derive(Debug)]
pub(crate) struct Past {
    /// Name of the run.
    pub(crate) run_id: String,
    /// What it is about.
    pub(crate) start: RunStart,
    /// When it began.
    pub(crate) started_at: String,
    /// When its last line was written.
    pub(crate) last_at: String,
    /// Where its rows stand.
    pub(crate) ledger: Ledger,
    /// What is known of rows that are not settled yet.
    pub(crate) unsettled: HashMap<u64, Trail>,
    /// Accounts that a PATCH was declared for.
    pub(crate) accounts: Accounts,
    /// The last process's end, when it ended in order.
    pub(crate) ended: Option<RunEnd>,
    /// What all processes that ended in order sent.
    pub(crate) traffic: Traffic,
    /// What they noticed.
    pub(crate) warnings: Vec<String>,
    /// How far the log goes.
    pub(crate) end: End,
}

impl Past {
    /// Reads the log; nothing when it holds no run yet.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, Damage> {
        Self::of(&files::open_read(path)?)
    }

    /// The same for an open file.
    pub(crate) fn of(file: &File) -> Result<Option<Self>, Damage> {
        let mut past: Option<Self> = None;
        let end = scan(file, |offset, bytes, line| fold(&mut past, offset, bytes, line))?;
        Ok(past.map(|past| Self { end, ..past }))
    }

    /// Whether every row has its final outcome.
    pub(crate) fn is_complete(&self) -> bool {
        self.ended.as_ref().is_some_and(|end| end.complete)
    }

    fn new(line: &Line<'_>, start: RunStart) -> Self {
        Self {
            run_id: line.run_id.to_string(),
            started_at: line.ts.to_string(),
            last_at: String::new(),
            ledger: Ledger::new(start.last_line),
            warnings: start.warnings.clone(),
            start,
            unsettled: HashMap::new(),
            accounts: Accounts::default(),
            ended: None,
            traffic: Traffic::default(),
            end: End::default(),
        }
    }
}

/// One step of the fold. A `run_start` begins anew: a folder may hold a run and its repeat.
fn fold(past: &mut Option<Past>, offset: u64, bytes: &[u8], line: Line<'_>) -> Result<(), &'static str> {
    if line.kind == "run_start" {
        let start = serde_json::from_slice(bytes).map_err(|_| "not a run_start")?;
        *past = Some(Past::new(&line, start));
        return Ok(());
    }
    let past = past.as_mut().ok_or("the log does not begin with run_start")?;
    past.last_at = line.ts.to_string();
    match &*line.kind {
        "intent" => note_intent(past, offset, &line),
        "result" | "skip" => note_done(past, offset, line),
        "run_end" => {
            let end: RunEnd = serde_json::from_slice(bytes).map_err(|_| "not a run_end")?;
            past.traffic = past.traffic.plus(end.traffic);
            past.warnings.extend(end.warnings.iter().cloned());
            past.ended = Some(end);
            Ok(())
        }
        "resume" => {
            past.ended = None;
            Ok(())
        }
        "token" | "checkpoint" | "notify" | "serve_auth" => Ok(()),
        _ => Err("a kind of record that this version does not know"),
    }
}

fn note_intent(past: &mut Past, offset: u64, line: &Line<'_>) -> Result<(), &'static str> {
    let row = line.line.ok_or("an intent without a row")?;
    // What is read back later as a row must be one.
    line.email.as_deref().ok_or("an intent without an e-mail")?;
    let user_id = line.user_id.as_deref().ok_or("an intent without an account")?;
    past.accounts.claim(user_id, row);
    let user_id = Some(user_id.to_owned());
    let doubt = Some(Doubt::ReplyLost);
    past.unsettled.insert(row, Trail { attempts: line.attempts, user_id, doubt, ..Trail::default() });
    if past.ledger.note_intent(row, offset) { Ok(()) } else { Err("a row that the input does not have") }
}

fn note_done(past: &mut Past, offset: u64, line: Line<'_>) -> Result<(), &'static str> {
    let Done { line: row, mut trail, ending, .. } =
        line.done().ok_or("an outcome that this version does not know")?;
    if ending.open && trail.attempts > 0 {
        trail.doubt = ending.outcome.doubt();
        past.unsettled.insert(row, trail);
    } else {
        past.unsettled.remove(&row);
    }
    if past.ledger.note_done(row, offset, ending.outcome, ending.mfa, ending.open) {
        Ok(())
    } else {
        Err("a row that the input does not have")
    }
}

/// Which row has claimed which account, so that two rows never change one.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    hasher: RandomState,
    claims: HashMap<u64, u64>,
}

impl Accounts {
    /// Claims an account for a row; the row that has it already, if another.
    ///
    /// Ids that differ in case are two (RFC 7643 section 3.1), but for UUIDs, which a service may
    /// show in either case (RFC 9562 section 4).
    pub(crate) fn claim(&mut self, user_id: &str, line: u64) -> Option<u64> {
        let id = if is_uuid(user_id) { user_id.to_ascii_lowercase() } else { user_id.to_owned() };
        let first = *self.claims.entry(self.hasher.hash_one(id)).or_insert(line);
        (first != line).then_some(first)
    }
}

fn is_uuid(id: &str) -> bool {
    let fits = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    id.len() == 36 && id.bytes().enumerate().all(fits)
}

/// Reads the lines at these offsets back: what each row's latest line says, and when.
pub(crate) fn rows(
    file: File,
    offsets: impl Iterator<Item = u64>,
) -> impl Iterator<Item = io::Result<(Done, String)>> {
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let mut place = None;
    let mut bytes = Vec::new();
    offsets.map(move |offset| {
        match place.and_then(|place| i64::try_from(offset).ok()?.checked_sub(place)) {
            Some(distance) => reader.seek_relative(distance)?,
            None => _ = reader.seek(SeekFrom::Start(offset))?,
        }
        bytes.clear();
        let read = reader.read_until(b'\n', &mut bytes)?;
        place = i64::try_from(offset + read as u64).ok();
        let line: Line<'_> = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
        let ts = line.ts.to_string();
        Ok((line.done().ok_or_else(|| io::Error::other("not a row"))?, ts))
    })
}
