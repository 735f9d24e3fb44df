//! `check`: is the file fit to be run? Lists every line that is not.

use super::run::judge;
use super::{Failure, defect_lines, input_warnings, read_input, say};
use crate::cli::{CheckArgs, PolicyOf};
use crate::config::Further;
use crate::domain::text::count;

/// Validates the file; 65 if any line is bad.
pub(crate) fn check(args: &CheckArgs, further: &Further) -> Result<u8, Failure> {
    let (input, survey) = read_input(&args.input, further, judge(PolicyOf::Documented))?;
    let name = args.input.input.display();
    say(format_args!(
        "{name}: {}, {} between cells, {}",
        count(survey.rows, "row"),
        survey.layout.delimiter_name(),
        survey.layout.encoding
    ));
    for warning in input_warnings(&input, &survey, further, args.input.generate_passwords) {
        say(format_args!("warning: {warning}"));
    }
    if !survey.duplicates.is_empty() {
        let copies = survey.duplicates.len() as u64;
        say(format_args!("warning: {} will be skipped as identical to an earlier one", count(copies, "row")));
    }
    for line in defect_lines(&survey) {
        say(line);
    }
    if survey.defects.is_empty() {
        say("every row can be run");
        return Ok(0);
    }
    let bad = count(survey.defects.len() as u64, "line");
    Err(Failure::new(
        65,
        format!("{name}: {bad} cannot be run; mend the file, or leave them out with run --skip-bad-rows"),
    ))
}
