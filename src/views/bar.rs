//! The bar's text: what is known of a run in one line that fits. Pure.
//!
//! Each piece says one thing, in many words or in few. Where there is no room for all of them the less
//! urgent ones are left out: first how it looks, last how far it is and why it waits.

use std::time::Duration;

use super::pace::in_words;
use super::paint::{Paint, Tone};
use crate::domain::tally::Tally;

/// What the line is made of.
#[derive(Debug, Default, Clone)]
pub(crate) struct Snapshot {
    /// Rows that are done.
    pub(crate) done: u64,
    /// Rows in all.
    pub(crate) rows: u64,
    /// Rows updated, or that would be.
    pub(crate) updated: u64,
    /// Rows failed.
    pub(crate) failed: u64,
    /// Rows of which nobody knows.
    pub(crate) unknown: u64,
    /// Rows skipped.
    pub(crate) skipped: u64,
    /// Requests per second, as measured.
    pub(crate) per_second: Option<f64>,
    /// Requests per second, as allowed.
    pub(crate) limit: Option<f64>,
    /// How long it will take.
    pub(crate) left: Option<Duration>,
    /// What is done or waited for instead of rows.
    pub(crate) why: Option<Why>,
}

/// Why no row gets any further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Why {
    /// The service asked for a wait.
    Asked(Duration),
    /// The service is down; it is asked again then.
    Down(Duration),
    /// There is no token yet, and so many requests for one were sent.
    SigningIn(u64),
    /// The list of users is read: pages, and of how many.
    Listing(u64, u64),
    /// It was told to stop: requests in the air, and how long they are waited for.
    Stopping(usize, Duration),
    /// Notices are still to be sent.
    Notices(usize),
}

impl Snapshot {
    /// The counts.
    pub(crate) fn of(tally: &Tally, rows: u64) -> Self {
        Self {
            done: tally.total(),
            rows,
            updated: tally.family("updated") + tally.family("would_update"),
            failed: tally.family("failed"),
            unknown: tally.family("unknown"),
            skipped: tally.family("skipped"),
            ..Self::default()
        }
    }
}

impl Why {
    /// In a few words, and in fewer.
    fn words(&self) -> (String, String) {
        match *self {
            Self::Asked(left) => {
                let wait = format!("waiting {}", in_words(left));
                (format!("{wait}: the service asked"), wait)
            }
            Self::Down(left) => {
                let left = in_words(left);
                (format!("the service is down, probing again in {left}"), format!("down, again in {left}"))
            }
            Self::SigningIn(0 | 1) => ("asking for a token".to_owned(), "token".to_owned()),
            Self::SigningIn(times) => {
                (format!("asking for a token, try {times}"), format!("token, try {times}"))
            }
            Self::Listing(read, of) => {
                (format!("reading the list of users: {read} of {of} pages"), format!("list {read}/{of}"))
            }
            Self::Stopping(in_air, left) => {
                let left = in_words(left);
                (
                    format!("stopping: waiting at most {left} for {in_air} in the air"),
                    format!("stopping, {in_air} in the air"),
                )
            }
            Self::Notices(waiting) => (format!("{waiting} notices to be sent"), format!("{waiting} notices")),
        }
    }
}

/// Something to say, in many words or in few.
struct Piece {
    /// The most urgent are the lowest.
    rank: u8,
    tone: Tone,
    long: String,
    short: String,
}

const BETWEEN: &str = " · ";
const CELLS: usize = 20;

/// The line for a terminal of so many columns. The last column stays free: a terminal may take a full line
/// for two.
pub(crate) fn line(snapshot: &Snapshot, columns: usize, paint: Paint) -> String {
    let pieces = pieces(snapshot);
    let mut ranked: Vec<_> = pieces.iter().enumerate().collect();
    ranked.sort_by_key(|(_, piece)| piece.rank);
    let mut room = columns.saturating_sub(1);
    let mut chosen: Vec<(usize, &str)> = Vec::new();
    for (place, piece) in ranked {
        let between = if chosen.is_empty() { 0 } else { BETWEEN.chars().count() };
        let fits = |text: &&str| !text.is_empty() && text.chars().count() + between <= room;
        if let Some(text) = [piece.long.as_str(), piece.short.as_str()].into_iter().find(fits) {
            room -= text.chars().count() + between;
            chosen.push((place, text));
        }
    }
    chosen.sort_by_key(|(place, _)| *place);
    let painted = chosen.into_iter().map(|(place, text)| paint.on(pieces[place].tone, text));
    painted.collect::<Vec<_>>().join(BETWEEN)
}

/// In the order in which they stand.
fn pieces(snapshot: &Snapshot) -> Vec<Piece> {
    let Snapshot { done, rows, updated, failed, unknown, skipped, per_second, limit, left, why } = snapshot;
    let mut pieces = Vec::new();
    let mut add = |rank, tone, long: String, short: String| pieces.push(Piece { rank, tone, long, short });
    let count = |number: &u64, what: &str| format!("{number} {what}");
    add(8, Tone::Plain, drawing(*done, *rows), String::new());
    add(0, Tone::Strong, format!("{done}/{rows} rows"), format!("{done}/{rows}"));
    add(6, Tone::Good, count(updated, "updated"), String::new());
    if *failed > 0 {
        add(2, Tone::Bad, count(failed, "failed"), count(failed, "failed"));
    }
    if *unknown > 0 {
        add(3, Tone::Doubt, count(unknown, "unknown"), count(unknown, "unknown"));
    }
    if *skipped > 0 {
        add(7, Tone::Plain, count(skipped, "skipped"), String::new());
    }
    if let Some(per_second) = per_second {
        let of = limit.map_or_else(String::new, |limit| format!(" of {}", rate(limit)));
        add(
            5,
            Tone::Plain,
            format!("{}{of} requests/s", rate(*per_second)),
            format!("{}/s", rate(*per_second)),
        );
    }
    if let Some(left) = left {
        add(4, Tone::Plain, format!("{} left", in_words(*left)), in_words(*left));
    }
    if let Some((long, short)) = why.as_ref().map(Why::words) {
        add(1, Tone::Doubt, long, short);
    }
    pieces.retain(|piece| !piece.long.is_empty());
    pieces
}

/// `[=====>        ]`
fn drawing(done: u64, rows: u64) -> String {
    let cells = u128::from(done) * CELLS as u128 / u128::from(rows.max(1));
    let cells = usize::try_from(cells).unwrap_or(CELLS).min(CELLS);
    let head = if cells < CELLS { ">" } else { "" };
    format!("[{}{head}{}]", "=".repeat(cells), " ".repeat(CELLS - cells - head.len()))
}

/// One digit behind the point where that says something.
fn rate(per_second: f64) -> String {
    if per_second < 99.95 { format!("{per_second:.1}") } else { format!("{per_second:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn snapshot() -> Snapshot {
        Snapshot {
            done: 1203,
            rows: 5000,
            updated: 1180,
            failed: 20,
            unknown: 3,
            skipped: 0,
            per_second: Some(4.93),
            limit: Some(5.0),
            left: Some(Duration::from_secs(1519)),
            why: None,
        }
    }

    fn plain(snapshot: &Snapshot, columns: usize) -> String {
        line(snapshot, columns, Paint(false))
    }

    #[test]
    fn a_wide_terminal_shows_all_and_a_narrow_one_what_matters() {
        let all = "[====>               ] · 1203/5000 rows · 1180 updated · 20 failed · 3 unknown · 4.9 of 5.0 requests/s · 26 min left";
        assert_eq!(plain(&snapshot(), 200), all);
        assert_eq!(
            plain(&snapshot(), 80),
            "1203/5000 rows · 20 failed · 3 unknown · 4.9 of 5.0 requests/s · 26 min left"
        );
        assert_eq!(plain(&snapshot(), 40), "1203/5000 rows · 20 failed · 3 unknown");
        assert_eq!(plain(&snapshot(), 12), "1203/5000");
        assert_eq!(plain(&snapshot(), 0), "");
    }

    #[test]
    fn why_it_waits_comes_before_everything_but_how_far_it_is() {
        let waits = |why| Snapshot { why: Some(why), ..snapshot() };
        let asked = waits(Why::Asked(Duration::from_millis(41_200)));
        assert!(plain(&asked, 200).ends_with("26 min left · waiting 42 s: the service asked"));
        assert_eq!(
            plain(&asked, 80),
            "1203/5000 rows · 20 failed · 3 unknown · waiting 42 s: the service asked"
        );
        assert_eq!(plain(&asked, 40), "1203/5000 rows · 26 min · waiting 42 s");
        let of = |why| plain(&waits(why), 200).rsplit(BETWEEN).next().unwrap().to_owned();
        assert_eq!(of(Why::Down(Duration::from_secs(20))), "the service is down, probing again in 20 s");
        assert_eq!(of(Why::Listing(3, 99)), "reading the list of users: 3 of 99 pages");
        assert_eq!(of(Why::SigningIn(1)), "asking for a token");
        assert_eq!(of(Why::SigningIn(3)), "asking for a token, try 3");
        let stopping = Why::Stopping(12, Duration::from_secs(8));
        assert_eq!(of(stopping), "stopping: waiting at most 8 s for 12 in the air");
        assert_eq!(of(Why::Notices(7)), "7 notices to be sent");
    }

    #[test]
    fn the_drawing_is_full_when_all_is_done() {
        assert_eq!(drawing(0, 10), format!("[>{}]", " ".repeat(19)));
        assert_eq!(drawing(10, 10), format!("[{}]", "=".repeat(20)));
        assert_eq!(drawing(0, 0), drawing(0, 10));
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_its_terminal_and_colours_change_no_word(
            done in 0..u64::MAX, rows in 0..u64::MAX, failed in 0u64..1000, per_second in 0.0..1e6f64,
            left in 0u64..1_000_000, wait in proptest::option::of(0u64..1000), columns in 0usize..240,
        ) {
            let why = wait.map(|wait| Why::Asked(Duration::from_secs(wait)));
            let left = Some(Duration::from_secs(left));
            let snapshot =
                Snapshot { done, rows, failed, per_second: Some(per_second), left, why, ..snapshot() };
            let plain = plain(&snapshot, columns);
            prop_assert!(plain.chars().count() < columns.max(1), "{plain}");
            let painted = line(&snapshot, columns, Paint(true));
            let codes = ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[1;31m"];
            prop_assert_eq!(codes.iter().fold(painted, |text, code| text.replace(code, "")), plain);
        }
    }
}
