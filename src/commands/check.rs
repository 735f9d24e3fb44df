//! `check`: is the file fit to be run? Lists every line that is not.

use serde::Serialize;

use super::run::judge;
use super::{Failure, defect_lines, input_warnings, read_input, say};
use crate::cli::CheckArgs;
use crate::config::Further;
use crate::domain::text::{clean, count, printable};
use crate::input::Survey;

/// The answer for programs, in this order.
#[derive(Debug, Default, Serialize)]
struct Answer {
    input: String,
    rows: u64,
    delimiter: Option<char>,
    encoding: Option<String>,
    warnings: Vec<String>,
    duplicates: usize,
    bad_lines: Vec<BadLine>,
    ok: bool,
    /// Why not a single row could be read; absent where they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct BadLine {
    line: u64,
    reason: String,
}

/// Validates the file; 65 if any line is bad.
pub(crate) fn check(args: &CheckArgs, further: &Further) -> Result<u8, Failure> {
    let name = args.input.input.display();
    let read = read_input(&args.input, further, judge(args.password_policy)).inspect_err(|failure| {
        if args.json {
            let (input, error) = (printable(&name.to_string()), Some(printable(&failure.words)));
            say_json(&Answer { input, error, ..Answer::default() });
        }
    });
    let (input, survey) = read?;
    let warnings = input_warnings(&input, &survey, further, args.input.generate_passwords);
    if args.json {
        say_json(&answer(args, &survey, warnings));
    } else {
        say_lines(args, &survey, &warnings);
    }
    if survey.defects.is_empty() {
        return Ok(0);
    }
    let bad = count(survey.defects.len() as u64, "line");
    Err(Failure::new(
        65,
        format!("{name}: {bad} cannot be run; mend the file, or leave them out with run --skip-bad-rows"),
    ))
}

fn answer(args: &CheckArgs, survey: &Survey, warnings: Vec<String>) -> Answer {
    let bad_lines = survey.defects.iter();
    let bad_lines = bad_lines.map(|bad| BadLine { line: bad.line, reason: clean(&bad.reason, 256) });
    Answer {
        input: printable(&args.input.input.display().to_string()),
        rows: survey.rows,
        delimiter: Some(char::from(survey.layout.delimiter)),
        encoding: Some(survey.layout.encoding.to_string()),
        warnings,
        duplicates: survey.duplicates.len(),
        bad_lines: bad_lines.collect(),
        ok: survey.defects.is_empty(),
        error: None,
    }
}

fn say_lines(args: &CheckArgs, survey: &Survey, warnings: &[String]) {
    say(sentence(args.input.input.display(), survey));
    for warning in warnings {
        say(format_args!("warning: {warning}"));
    }
    if !survey.duplicates.is_empty() {
        let copies = survey.duplicates.len() as u64;
        say(format_args!("warning: {} will be skipped as identical to an earlier one", count(copies, "row")));
    }
    defect_lines(survey).for_each(say);
    if survey.defects.is_empty() {
        say("every row can be run");
    }
}

/// What the file is, in a sentence.
pub(super) fn sentence(name: impl std::fmt::Display, survey: &Survey) -> String {
    let layout = &survey.layout;
    let rows = count(survey.rows, "row");
    format!("{name}: {rows}, {} between cells, {}", layout.delimiter_name(), layout.encoding)
}

/// Prints what programs read, in one line.
fn say_json(answer: &Answer) {
    say(serde_json::to_string(answer).unwrap_or_default());
}
