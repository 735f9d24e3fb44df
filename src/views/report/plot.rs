//! Outcomes over time, drawn as SVG.
//!
//! Across it is measured in percent and down in pixels: so it fits any width, and its words keep their size.
//! Colours and patterns are the style's; here are only places. Everything in it is a number of ours.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::page::{grouped, span};
use crate::views::facts::{Step, Timeline, Wait};

/// Where the bars stand, and how high they may get.
const FLOOR: f64 = 200.0;
const HEIGHT: f64 = 176.0;

/// The same for replies with status 429, below the times.
const LOW_FLOOR: f64 = 284.0;
const LOW_HEIGHT: f64 = 28.0;

/// The least that can be seen of what is there.
const SEEN: f64 = 1.5;

/// Rows of a family in a step.
type Rows = fn(&Step) -> u64;

/// The families from the floor up. What somebody has to look at lies on top.
const STACK: [(&str, Rows); 5] = [
    ("updated", |step| step.updated),
    ("skipped", |step| step.skipped),
    ("pending", |step| step.pending),
    ("unknown", |step| step.unknown),
    ("failed", |step| step.failed),
];

/// Distances of marks on the line of time, in seconds.
const MARKS: [u64; 20] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
    604_800,
];

/// The same in a dry run, in which nothing is updated.
const DRY: [(&str, Rows); 5] = [("would_update", STACK[0].1), STACK[1], STACK[2], STACK[3], STACK[4]];

/// The plot; nothing where nothing has ended.
pub(super) fn timeline(timeline: &Timeline, dry_run: bool) -> Option<String> {
    let stack = if dry_run { &DRY } else { &STACK };
    let scale = Scale::of(timeline)?;
    let tallest = nice(timeline.steps.iter().map(total).max().unwrap_or_default());
    let most_429 = timeline.steps.iter().map(|step| step.throttled).max().unwrap_or_default();
    let mut svg = opening(timeline, &scale, most_429 > 0);
    bands(&mut svg, &scale, &timeline.waits);
    levels(&mut svg, tallest);
    bars(&mut svg, &scale, &timeline.steps, stack, tallest);
    marks(&mut svg, &scale);
    if most_429 > 0 {
        throttled(&mut svg, &scale, &timeline.steps, most_429);
    }
    hints(&mut svg, &scale, &timeline.steps, stack);
    svg.push_str("</svg>");
    Some(svg)
}

/// All rows in one bar, by family; what is left of it has no outcome yet.
pub(super) fn share(families: &[(&str, &str, u64)], all: u64) -> String {
    let mut svg = String::from("<svg class=\"share\" width=\"100%\" height=\"10\" aria-hidden=\"true\">");
    let mut from = 0;
    for (family, _, rows) in families.iter().filter(|(_, _, rows)| *rows > 0) {
        let (x, width) = (ratio(from, all) * 100.0, ratio(*rows, all) * 100.0);
        _ = write!(
            svg,
            "<rect class=\"{family}\" x=\"{x:.3}%\" width=\"{:.3}%\" height=\"10\"/>",
            width.max(0.3)
        );
        from += rows;
    }
    svg + "</svg>"
}

/// A step as a line of the table that says the same as the plot.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    from_ms: u64,
    #[serde(flatten)]
    step: &'a Step,
}

/// The steps in which something happened.
pub(super) fn table(timeline: &Timeline) -> Vec<Line<'_>> {
    let lines = (0_u64..).zip(&timeline.steps);
    lines
        .filter(|(_, step)| total(step) + step.throttled > 0)
        .map(|(at, step)| Line {
            from_ms: timeline.start_ms.saturating_add(at.saturating_mul(timeline.step_ms)),
            step,
        })
        .collect()
}

/// A wait as a line of a table.
#[derive(Debug, Serialize)]
pub(super) struct Pause {
    from_ms: u64,
    for_ms: u64,
}

/// The first hundred waits.
pub(super) fn pauses(timeline: &Timeline) -> Vec<Pause> {
    let pause =
        |wait: &Wait| Pause { from_ms: wait.from_ms, for_ms: wait.to_ms.saturating_sub(wait.from_ms) };
    timeline.waits.iter().take(100).map(pause).collect()
}

/// From time to percent.
#[derive(Debug)]
struct Scale {
    start: u64,
    step: u64,
    length: u64,
}

impl Scale {
    fn of(timeline: &Timeline) -> Option<Self> {
        let length = timeline.step_ms.checked_mul(timeline.steps.len() as u64)?;
        let end = timeline.start_ms.checked_add(length)?;
        let fits = i64::try_from(end).is_ok_and(|end| Timestamp::from_millisecond(end).is_ok());
        (length > 0 && fits).then_some(Self { start: timeline.start_ms, step: timeline.step_ms, length })
    }

    fn x(&self, ms: u64) -> f64 {
        ratio(ms.saturating_sub(self.start).min(self.length), self.length) * 100.0
    }

    /// Left edge and width of a step's bar.
    fn slot(&self, at: usize) -> (f64, f64) {
        let width = ratio(self.step, self.length) * 100.0;
        (self.x(self.start + at as u64 * self.step), width)
    }
}

fn opening(timeline: &Timeline, scale: &Scale, has_429: bool) -> String {
    let height = if has_429 { 290 } else { 226 };
    let (rows, replies) = timeline
        .steps
        .iter()
        .fold((0, 0), |(rows, replies), step| (rows + total(step), replies + step.throttled));
    format!(
        "<svg class=\"plot\" role=\"img\" aria-labelledby=\"plot-title plot-desc\" width=\"100%\" \
         height=\"{height}\"><title id=\"plot-title\">Rows ended over time</title><desc id=\"plot-desc\">{} rows \
         in steps of {}, from {} to {} UTC; {} replies with status 429; {} waits that the service asked for. \
         The table below the plot says the same.</desc><defs><pattern id=\"hatch\" width=\"6\" height=\"6\" \
         patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><line class=\"hatch\" x1=\"0\" y1=\"0\" \
         x2=\"0\" y2=\"6\"/></pattern></defs>",
        grouped(rows),
        span(timeline.step_ms),
        clock(scale.start, "%Y-%m-%d %H:%M:%S"),
        clock(scale.start + scale.length, "%Y-%m-%d %H:%M:%S"),
        grouped(replies),
        grouped(timeline.waits.len() as u64),
    )
}

/// Waits, as bands behind the bars. Those that touch at this scale are one.
fn bands(svg: &mut String, scale: &Scale, waits: &[Wait]) {
    let mut bands: Vec<(f64, f64)> = Vec::new();
    for wait in waits {
        let (from, to) = (scale.x(wait.from_ms), scale.x(wait.to_ms).max(scale.x(wait.from_ms) + 0.2));
        match bands.last_mut() {
            Some((_, end)) if from < *end + 0.05 => *end = end.max(to),
            _ => bands.push((from, to)),
        }
    }
    for (from, to) in bands {
        let (top, width) = (FLOOR - HEIGHT, to - from);
        _ = write!(
            svg,
            "<rect class=\"wait\" x=\"{from:.3}%\" y=\"{top}\" width=\"{width:.3}%\" height=\"{HEIGHT}\"/>"
        );
    }
}

/// Lines across at half and full height, each with its number.
fn levels(svg: &mut String, tallest: u64) {
    for part in [1, 2] {
        let rows = tallest * part / 2;
        if rows * 2 != tallest * part {
            continue;
        }
        let y = FLOOR - HEIGHT * ratio(rows, tallest);
        _ = write!(
            svg,
            "<line class=\"level\" x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/><text class=\"number\" x=\"0\" \
             y=\"{:.1}\">{}{}</text>",
            y - 5.0,
            grouped(rows),
            match (part, rows) {
                (1, _) => "",
                (_, 1) => " row",
                _ => " rows",
            }
        );
    }
}

fn bars(svg: &mut String, scale: &Scale, steps: &[Step], stack: &[(&str, Rows)], tallest: u64) {
    for (at, step) in steps.iter().enumerate() {
        let (x, width) = scale.slot(at);
        let mut floor = FLOOR;
        for (family, rows) in stack {
            let rows = rows(step);
            if rows > 0 {
                let height = (HEIGHT * ratio(rows, tallest)).max(SEEN);
                floor -= height;
                rect(svg, family, (x, width), floor, height);
            }
        }
    }
    _ = write!(svg, "<line class=\"floor\" x1=\"0\" x2=\"100%\" y1=\"{FLOOR}\" y2=\"{FLOOR}\"/>");
}

/// Replies with status 429, each step a bar of their own.
fn throttled(svg: &mut String, scale: &Scale, steps: &[Step], most: u64) {
    for (at, step) in steps.iter().enumerate().filter(|(_, step)| step.throttled > 0) {
        let height = (LOW_HEIGHT * ratio(step.throttled, most)).max(SEEN);
        rect(svg, "throttled", scale.slot(at), LOW_FLOOR - height, height);
    }
    _ = write!(
        svg,
        "<line class=\"floor\" x1=\"0\" x2=\"100%\" y1=\"{LOW_FLOOR}\" y2=\"{LOW_FLOOR}\"/><text class=\"number\" \
         x=\"0\" y=\"{:.1}\">429 replies, {} at most</text>",
        LOW_FLOOR - LOW_HEIGHT - 3.0,
        grouped(most)
    );
}

/// A bar, a little narrower than its step.
fn rect(svg: &mut String, class: &str, (x, width): (f64, f64), y: f64, height: f64) {
    _ = write!(
        svg,
        "<rect class=\"{class}\" x=\"{:.3}%\" y=\"{y:.2}\" width=\"{:.3}%\" height=\"{height:.2}\"/>",
        x + width * 0.06,
        width * 0.88
    );
}

/// Times below the bars, at most six; the script puts them into local time.
fn marks(svg: &mut String, scale: &Scale) {
    let fits = |seconds: &&u64| scale.length / (**seconds * 1000) <= 5;
    let apart = MARKS.iter().find(fits).map_or(scale.length, |seconds| seconds * 1000);
    let form = match (apart, scale.length) {
        (..60_000, ..43_200_000) => ("seconds", "%H:%M:%S"),
        (..86_400_000, ..43_200_000) => ("minutes", "%H:%M"),
        _ => ("days", "%b %-d, %H:%M"),
    };
    let first = scale.start.div_ceil(apart) * apart;
    let end = scale.start + scale.length;
    for (at, ms) in (first..=end).step_by(usize::try_from(apart).unwrap_or(usize::MAX)).enumerate() {
        let x = scale.x(ms);
        let anchor = if x < 4.0 {
            "start"
        } else if x > 96.0 {
            "end"
        } else {
            "middle"
        };
        _ = write!(
            svg,
            "<line class=\"mark\" x1=\"{x:.3}%\" x2=\"{x:.3}%\" y1=\"{FLOOR}\" y2=\"{}\"/><text class=\"time{}\" \
             x=\"{x:.3}%\" y=\"{}\" text-anchor=\"{anchor}\" data-ms=\"{ms}\" data-form=\"{}\">{}</text>",
            FLOOR + 5.0,
            if at % 2 == 1 { " odd" } else { "" },
            FLOOR + 19.0,
            form.0,
            clock(ms, form.1)
        );
    }
}

/// What a pointer is told over each step.
fn hints(svg: &mut String, scale: &Scale, steps: &[Step], stack: &[(&str, Rows)]) {
    for (at, step) in steps.iter().enumerate().filter(|(_, step)| total(step) + step.throttled > 0) {
        let (x, width) = scale.slot(at);
        let mut words = clock(scale.start + at as u64 * scale.step, "%H:%M:%S UTC");
        for (family, rows) in
            stack.iter().map(|(family, rows)| (*family, rows(step))).filter(|(_, rows)| *rows > 0)
        {
            _ = write!(words, "\n{} {family}", grouped(rows));
        }
        if step.throttled > 0 {
            _ = write!(words, "\n{} replies 429", grouped(step.throttled));
        }
        _ = write!(
            svg,
            "<rect class=\"hint\" x=\"{x:.3}%\" y=\"0\" width=\"{width:.3}%\" height=\"{LOW_FLOOR}\"><title>{words}\
             </title></rect>"
        );
    }
}

fn total(step: &Step) -> u64 {
    STACK.iter().map(|(_, rows)| rows(step)).sum()
}

/// The next number that is pleasant to read on a scale.
fn nice(number: u64) -> u64 {
    let mut power = 1_u64;
    loop {
        for factor in [1, 2, 4, 6, 8] {
            let level = power.saturating_mul(factor);
            if level >= number {
                return level;
            }
        }
        power = power.saturating_mul(10);
    }
}

#[expect(clippy::cast_precision_loss, reason = "it becomes a place on a screen")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn clock(ms: u64, form: &str) -> String {
    let time = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    time.to_zoned(TimeZone::UTC).strftime(form).to_string()
}
