//! Everything around the rows: `page.html` with the facts in it, the style and the script.
//!
//! It refuses to ask for anything: the policy in the page names its style and its script by their hashes,
//! and nothing else may be run, drawn or sent for, whatever the data says.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, HtmlEscape, UndefinedBehavior};
use ring::digest::{SHA256, digest};
use serde::Serialize;

use super::plot;
use crate::views::facts::Facts;

const HTML: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Where the rows go.
const ROWS: &str = "{# The rows are written here. #}\n";

/// The families in order, with the word that people read.
const FAMILIES: [(&str, &str); 6] = [
    ("updated", "Updated"),
    ("would_update", "Would update"),
    ("skipped", "Skipped"),
    ("failed", "Failed"),
    ("unknown", "Unknown"),
    ("pending", "Pending"),
];

/// What comes before the rows.
pub(super) fn head(out: &mut impl Write, run_id: &str) -> io::Result<()> {
    let (head, _) = parts();
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        source(STYLE),
        source(SCRIPT)
    );
    render(out, head, &Head { run_id, policy, style: STYLE })
}

/// What comes after them.
pub(super) fn body(out: &mut impl Write, facts: &Facts, shown: u64, left_out: u64) -> io::Result<()> {
    let (_, body) = parts();
    let reached: u64 = facts.summary.outcomes.values().sum();
    let values = Body {
        facts,
        shown,
        left_out,
        tone: Tone::of(facts),
        tiles: tiles(facts),
        untouched: facts.summary.rows.saturating_sub(reached),
        share: plot::share(&counts(facts), facts.summary.rows),
        plot: plot::timeline(&facts.timeline, facts.summary.dry_run),
        table: plot::table(&facts.timeline),
        pauses: plot::pauses(&facts.timeline),
        script: SCRIPT,
    };
    render(out, body, &values)
}

#[derive(Debug, Serialize)]
struct Head<'a> {
    run_id: &'a str,
    policy: String,
    style: &'static str,
}

#[derive(Debug, Serialize)]
struct Body<'a> {
    facts: &'a Facts,
    shown: u64,
    left_out: u64,
    tone: Tone,
    tiles: Vec<Tile>,
    untouched: u64,
    share: String,
    plot: Option<String>,
    table: Vec<plot::Line<'a>>,
    pauses: Vec<plot::Pause>,
    script: &'static str,
}

/// How it went, in one glance.
#[derive(Debug, Serialize)]
struct Tone {
    class: &'static str,
    sign: &'static str,
    word: &'static str,
}

impl Tone {
    fn of(facts: &Facts) -> Self {
        let rows = |family| facts.summary.outcomes.get(family).copied().unwrap_or_default();
        let open = rows("failed") + rows("unknown") + rows("pending");
        let (class, sign, word) = if facts.stopped.is_some() || !facts.complete {
            ("bad", "✕", "Not finished")
        } else if open > 0 {
            ("warn", "!", "Finished, and somebody has to look")
        } else {
            ("good", "✓", "Finished")
        };
        Self { class, sign, word }
    }
}

/// A count that leads to its rows.
#[derive(Debug, Serialize)]
struct Tile {
    family: &'static str,
    label: &'static str,
    rows: u64,
    percent: String,
}

fn tiles(facts: &Facts) -> Vec<Tile> {
    let all = facts.summary.rows.max(1);
    let tile = |(family, label, rows)| Tile { family, label, rows, percent: percent(rows, all) };
    counts(facts).into_iter().map(tile).collect()
}

/// A dry run would update, any other updates; only one of them has a place.
fn counts(facts: &Facts) -> Vec<(&'static str, &'static str, u64)> {
    let outcomes = &facts.summary.outcomes;
    let absent = if facts.summary.dry_run { "updated" } else { "would_update" };
    let rows = |family| outcomes.get(family).copied().unwrap_or_default();
    FAMILIES
        .into_iter()
        .map(|(family, label)| (family, label, rows(family)))
        .filter(|(family, _, rows)| *family != absent || *rows > 0)
        .collect()
}

/// "98.4 %". Never 100 or 0 for what is only nearly so.
fn percent(rows: u64, all: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
    let exact = rows as f64 / all as f64 * 100.0;
    match rows {
        0 => "0 %".to_owned(),
        _ if rows == all => "100 %".to_owned(),
        _ => format!("{:.1} %", exact.clamp(0.1, 99.9)),
    }
}

/// A file's name in the policy: its hash.
fn source(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(digest(&SHA256, text.as_bytes())))
}

fn parts() -> (&'static str, &'static str) {
    HTML.split_once(ROWS).unwrap_or((HTML, ""))
}

fn render(out: &mut impl Write, template: &str, values: &impl Serialize) -> io::Result<()> {
    let mut environment = Environment::new();
    let lines =
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(lines.map_err(io::Error::other)?);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("grouped", grouped);
    environment.add_filter("span", span);
    environment.add_filter("utc", utc);
    environment.add_filter("code", code);
    // The name says that this is HTML, and HTML is escaped.
    let page = environment.template_from_named_str("page.html", template).map_err(io::Error::other)?;
    page.render_captured_to(Serde(values), out).map(drop).map_err(io::Error::other)
}

/// "1 234 567", with spaces that do not break.
pub(in crate::views) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// "840 ms", "4.2 s", "3 min 05 s", "2 h 10 min".
pub(super) fn span(ms: u64) -> String {
    let (seconds, minutes, hours) = (ms / 1000, ms / 60_000, ms / 3_600_000);
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..10_000 => format!("{seconds}.{} s", ms % 1000 / 100),
        10_000..60_000 => format!("{seconds} s"),
        60_000..3_600_000 => format!("{minutes} min {:02} s", seconds % 60),
        _ => format!("{hours} h {:02} min", minutes % 60),
    }
}

/// A sentence of ours, with what stands between backticks as something to type, and flags in one piece.
fn code(sentence: &str) -> Value {
    let escaped = HtmlEscape(sentence).to_string();
    let marked = escaped.split('`').enumerate().map(|(at, part)| match at % 2 {
        0 => part.split_inclusive(' ').map(flag).collect(),
        _ => format!("<code>{part}</code>"),
    });
    Value::from_safe_string(marked.collect())
}

/// A word, and if it begins as a flag does, that flag as what no line breaks. No flag of ours is longer.
fn flag(word: &str) -> String {
    let rest = word.trim_start_matches(|c: char| c == '-' || c.is_ascii_lowercase());
    let name = &word[..word.len() - rest.len()];
    match name.strip_prefix("--") {
        Some(letters) if (1..=32).contains(&letters.len()) => {
            format!("<span class=\"flag\">{name}</span>{rest}")
        }
        _ => word.to_owned(),
    }
}

/// "2026-01-01 00:00:00", of milliseconds since 1970 or of RFC 3339.
fn utc(time: &Value) -> String {
    let known = i64::try_from(time.clone()).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    match known.or_else(|| time.as_str()?.parse().ok()) {
        Some(time) => time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        None => time.to_string(),
    }
}
