//! The rows of the page: compact JSON in a script element that no browser runs.
//!
//! Its one invariant: nothing in it can end that element. `<`, `>` and `&` are written as escapes, and so
//! are the two line separators that JSON allows and scripts once did not.

use std::io::{self, Write};

use jiff::Timestamp;

use crate::domain::event::Done;
use crate::domain::outcome::{Mfa, Outcome};
use crate::domain::text::clean;

/// Rows up to which all are shown. A browser is quick up to there.
const ALL: u64 = 100_000;

/// Rows up to which those are shown that somebody may have to look at.
const NOTABLE: u64 = 150_000;

/// The longest address (RFC 5321) and the longest id, with room to spare.
const MOST: usize = 512;

/// How many rows there were.
#[derive(Debug, Default)]
pub(super) struct Rows {
    kept: Kept,
}

/// What became of the rows.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    /// Rows in the page.
    pub(super) shown: u64,
    /// Rows that are not.
    pub(super) left_out: u64,
}

impl Rows {
    /// Begins the data: the words first, since rows name them by number.
    pub(super) fn begin(out: &mut impl Write) -> io::Result<Self> {
        let outcomes = Outcome::ALL.map(|outcome| [outcome.family(), outcome.reason()]);
        let mfa = Mfa::ALL.map(Mfa::word);
        out.write_all(b"<script type=\"application/json\" id=\"data\">{\"outcomes\":")?;
        write_escaped(out, &serde_json::to_string(&outcomes)?)?;
        out.write_all(b",\"mfa\":")?;
        write_escaped(out, &serde_json::to_string(&mfa)?)?;
        out.write_all(b",\"rows\":[")?;
        Ok(Self::default())
    }

    /// Adds a row, if there is room for one of its kind.
    pub(super) fn add(&mut self, out: &mut impl Write, done: &Done, finished_at: &str) -> io::Result<()> {
        let outcome = done.ending.outcome;
        let room = if is_plain(outcome) { ALL } else { NOTABLE };
        if self.kept.shown >= room {
            self.kept.left_out += 1;
            return Ok(());
        }
        let comma: &[u8] = if self.kept.shown == 0 { b"\n" } else { b",\n" };
        out.write_all(comma)?;
        self.kept.shown += 1;
        write_escaped(out, &serde_json::to_string(&cells(done, finished_at))?)
    }

    /// Ends the data.
    pub(super) fn end(self, out: &mut impl Write) -> io::Result<Kept> {
        out.write_all(b"]}</script>\n")?;
        Ok(self.kept)
    }
}

/// A row in the order of the columns in `page.js`.
type Cells = (u64, String, usize, String, usize, Option<u16>, u32, Option<u32>, Option<i64>, String);

fn cells(done: &Done, finished_at: &str) -> Cells {
    let Done { line, email, trail, ending } = done;
    (
        *line,
        clean(email, MOST),
        ending.outcome.index(),
        clean(trail.user_id.as_deref().unwrap_or_default(), MOST),
        ending.mfa as usize,
        trail.http_status,
        trail.attempts,
        trail.took_ms,
        finished_at.parse::<Timestamp>().ok().map(Timestamp::as_millisecond),
        done.detail().into_owned(),
    )
}

/// Rows that nobody asks after the next morning.
const fn is_plain(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Updated | Outcome::WouldUpdate | Outcome::Skipped(_))
}

/// Outside of strings JSON has none of these characters, so that an escape is always inside of one.
fn write_escaped(out: &mut impl Write, json: &str) -> io::Result<()> {
    let mut rest = json;
    while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        let (before, from) = rest.split_at(at);
        out.write_all(before.as_bytes())?;
        let mut chars = from.chars();
        if let Some(c) = chars.next() {
            write!(out, "\\u{:04x}", u32::from(c))?;
        }
        rest = chars.as_str();
    }
    out.write_all(rest.as_bytes())
}
