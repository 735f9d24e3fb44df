//! Reading the log back: the chain is checked line by line, and folded.
//!
//! A tail without a line feed was never synced, so no PATCH rests on it: it is left out, and
//! the next writer cuts it. Anything else that does not fit is damage, and refused with its
//! place.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::accounts::{Accounts, is_same};
use super::chain::{FORMAT, Head, oversteps};
use super::course::Course;
use super::ledger::Ledger;
use super::order::Order;
use super::owed::Owed;
use super::record::{Line, RunEnd, RunStart};
use crate::domain::event::{Done, Trail};
use crate::domain::outcome::{Doubt, Outcome};
use crate::files;

/// The longest line that is read; ours are below 2 KiB.
const LINE_CAP: u64 = 1 << 20;
/// No line with an account is shorter: its two hashes alone take half of this.
const SHORTEST_INTENT: u64 = 256;

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
            if oversteps(&bytes) {
                return Err(broken(&end, "the line goes on after its end"));
            }
            end.torn = read;
            return Ok(end);
        }
        let line = Line::read(&bytes).map_err(|_| broken(&end, "not a record"))?;
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
    /// Users who were not told yet.
    pub(crate) owed: Owed,
    /// The last process's end, when it ended in order.
    pub(crate) ended: Option<RunEnd>,
    /// What its processes sent, and when they had to wait.
    pub(crate) course: Course,
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
        let len = file.metadata()?.len();
        let end = scan(file, |offset, bytes, line| fold(&mut past, len, offset, bytes, line))?;
        Ok(past.map(|past| Self { end, ..past }))
    }

    /// Whether every row has its final outcome.
    pub(crate) fn is_complete(&self) -> bool {
        self.ended.as_ref().is_some_and(|end| end.complete)
    }

    /// A run of which nothing but the beginning is known.
    ///
    /// A log claims any number of rows, and has room for no more than it has bytes for.
    pub(crate) fn new(run_id: String, started_at: String, start: RunStart, log_len: u64) -> Self {
        let accounts = Accounts::new(start.last_line, start.rows.min(log_len / SHORTEST_INTENT));
        Self {
            run_id,
            started_at,
            last_at: String::new(),
            ledger: Ledger::new(start.last_line),
            warnings: start.warnings.clone(),
            start,
            unsettled: HashMap::new(),
            accounts,
            owed: Owed::default(),
            ended: None,
            course: Course::default(),
            end: End::default(),
        }
    }

    /// A process ended in order.
    pub(crate) fn note_end(&mut self, end: RunEnd) {
        self.warnings.extend(end.warnings.iter().cloned());
        self.ended = Some(end);
    }
}

/// One step of the fold. A `run_start` begins anew: a folder may hold a run and its repeat.
fn fold(
    past: &mut Option<Past>,
    log_len: u64,
    offset: u64,
    bytes: &[u8],
    line: Line<'_>,
) -> Result<(), &'static str> {
    if line.kind == "run_start" {
        let start = serde_json::from_slice(bytes).map_err(|_| "not a run_start")?;
        let new = past.insert(Past::new(line.run_id.to_string(), line.ts.to_string(), start, log_len));
        new.course.begin(&line.ts);
        return Ok(());
    }
    let past = past.as_mut().ok_or("the log does not begin with run_start")?;
    past.last_at = line.ts.to_string();
    match &*line.kind {
        "intent" => note_intent(past, offset, &line),
        "result" | "skip" => note_done(past, offset, line),
        "run_end" => {
            let end: RunEnd = serde_json::from_slice(bytes).map_err(|_| "not a run_end")?;
            past.course.end(&line.ts, end.traffic);
            past.note_end(end);
            Ok(())
        }
        "resume" => {
            past.ended = None;
            past.course.begin(&line.ts);
            Ok(())
        }
        "notify" => note_notice(past, &line),
        "checkpoint" => {
            past.course.tell(&line.ts, &serde_json::from_slice(bytes).map_err(|_| "not a checkpoint")?);
            Ok(())
        }
        "token" | "serve_auth" => Ok(()),
        _ => Err("a kind of record that this version does not know"),
    }
}

fn note_notice(past: &mut Past, line: &Line<'_>) -> Result<(), &'static str> {
    let row = line.line.ok_or("a notice without a row")?;
    past.owed.note(row, line.state.ok_or("a notice in an unknown state")?);
    Ok(())
}

fn note_intent(past: &mut Past, offset: u64, line: &Line<'_>) -> Result<(), &'static str> {
    let row = line.line.ok_or("an intent without a row")?;
    // What is read back later as a row must be one.
    line.email.as_deref().ok_or("an intent without an e-mail")?;
    let user_id = line.user_id.as_deref().ok_or("an intent without an account")?;
    let before = past.unsettled.get(&row).and_then(|trail| trail.user_id.as_deref());
    if before.is_some_and(|before| !is_same(before, user_id)) {
        past.accounts.note_moved(row);
    }
    let suspects = past.accounts.suspects(user_id);
    past.accounts.claim(&suspects, row);
    let user_id = Some(user_id.to_owned());
    let doubt = Some(Doubt::ReplyLost);
    past.unsettled.insert(row, Trail { attempts: line.attempts, user_id, doubt, ..Trail::default() });
    if past.ledger.note_intent(row, offset) { Ok(()) } else { Err("a row that the input does not have") }
}

fn note_done(past: &mut Past, offset: u64, line: Line<'_>) -> Result<(), &'static str> {
    let Done { line: row, mut trail, ending, .. } =
        line.done().ok_or("an outcome that this version does not know")?;
    if past.start.notices && ending.outcome == Outcome::Updated {
        past.owed.add(row);
    }
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

/// Reads the lines at these offsets back: what each row's latest line says, and when.
pub(crate) fn rows(
    file: File,
    offsets: impl Iterator<Item = u64>,
) -> impl Iterator<Item = io::Result<(Done, String)>> {
    // Rows that were in the air together lie no further apart.
    rows_through(1 << 17, file, offsets)
}

/// The same, reading so many bytes at once.
pub(crate) fn rows_through(
    buffer: usize,
    file: File,
    offsets: impl Iterator<Item = u64>,
) -> impl Iterator<Item = io::Result<(Done, String)>> {
    let mut reader = BufReader::with_capacity(buffer, file);
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
        let line = Line::read(&bytes).map_err(io::Error::other)?;
        let ts = line.ts.to_string();
        Ok((line.done().ok_or_else(|| io::Error::other("not a row"))?, ts))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log of so many lines, as its bytes and the offset of each line.
    fn log(lines: usize) -> (Vec<u8>, Vec<usize>) {
        let (mut head, mut bytes, mut offsets) = (Head::default(), Vec::new(), Vec::new());
        for number in 0..lines {
            offsets.push(bytes.len());
            let kind = if number == 0 { "run_start" } else { "token" };
            let body = format!(r#"{{"kind":"{kind}","expires_in_s":{number}}}"#);
            head.seal("2026-01-01T00:00:00.000Z", "run", &body, &mut bytes);
        }
        (bytes, offsets)
    }

    /// How many lines are read, and what is found at the end.
    fn read(bytes: &[u8]) -> (usize, Result<End, Damage>) {
        let mut lines = 0;
        let end = scan(bytes, |_, _, _| {
            lines += 1;
            Ok(())
        });
        (lines, end)
    }

    /// The line that a byte is part of.
    fn line_of(offsets: &[usize], place: usize) -> usize {
        offsets.partition_point(|offset| *offset <= place) - 1
    }

    #[test]
    fn cut_anywhere_the_log_is_read_up_to_its_last_whole_line() {
        let (bytes, offsets) = log(50);
        let starts: Vec<_> = offsets.iter().copied().chain([bytes.len()]).collect();
        for cut in 0..=bytes.len() {
            let whole = starts.partition_point(|start| *start <= cut) - 1;
            let (lines, end) = read(&bytes[..cut]);
            let end = end.unwrap();
            assert_eq!(
                (lines, end.len, end.head.seq),
                (whole, starts[whole] as u64, whole as u64),
                "cut at {cut}"
            );
            assert_eq!(end.torn, (cut - starts[whole]) as u64);
        }
    }

    #[test]
    fn what_is_appended_after_a_cut_reads_on() {
        let (bytes, offsets) = log(3);
        for cut in offsets[2]..bytes.len() {
            let End { mut head, len, .. } = read(&bytes[..cut]).1.unwrap();
            let mut mended = bytes[..usize::try_from(len).unwrap()].to_vec();
            head.seal("2026-01-01T00:00:00.000Z", "run", r#"{"kind":"token","expires_in_s":7}"#, &mut mended);
            let (lines, end) = read(&mended);
            assert_eq!((lines, end.unwrap().torn), (3, 0), "cut at {cut}");
        }
    }

    /// Never passed over, and never taken for a torn tail: every line before it counts, none after it.
    #[test]
    fn any_byte_that_is_altered_is_refused_with_its_place() {
        let (bytes, offsets) = log(50);
        for place in 0..bytes.len() {
            let mut altered = bytes.clone();
            // Another bit each time; sooner or later every byte of a line meets every bit.
            altered[place] ^= 1 << (place % 8);
            let line = line_of(&offsets, place);
            match read(&altered) {
                (lines, Err(Damage::Broken { seq, offset, .. })) => {
                    assert_eq!(
                        (lines, seq, offset),
                        (line, line as u64 + 1, offsets[line] as u64),
                        "byte {place}"
                    );
                }
                (_, other) => panic!("byte {place}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_line_that_became_a_line_feed_or_lost_its_own_is_refused() {
        let (bytes, offsets) = log(3);
        for place in 0..bytes.len() {
            for byte in [b'\n', 0, b' '] {
                let mut altered = bytes.clone();
                altered[place] = byte;
                let line = line_of(&offsets, place);
                let expected = if altered == bytes { 3 } else { line };
                let (lines, end) = read(&altered);
                assert_eq!((lines, end.is_ok()), (expected, altered == bytes), "byte {place} is {byte}");
            }
        }
    }
}
