//! INPUT: what `check` says of it, and what the later checks need to know of its rows.

use std::collections::HashSet;

use super::finding::{Finding, Findings};
use crate::cli::RunArgs;
use crate::commands::check::sentence;
use crate::commands::run::judge;
use crate::commands::{input_warnings, read_input};
use crate::config::Further;
use crate::domain::target::{NewPassword, Row, Target};
use crate::domain::text::count;
use crate::input::{Input, Survey};
use crate::passwords::policy::Policy;

const CHECK: &str = "input";
/// Lines that are named.
const SHOWN: usize = 5;

/// An input that was read once.
pub(super) struct Given {
    input: Input,
    survey: Survey,
}

/// Reads INPUT. Nothing when there is none that could be used.
pub(super) fn read(args: &RunArgs, further: &Further, found: &mut Findings<'_>) -> Option<Given> {
    let (input, survey) = match read_input(&args.input, further, judge(args.passwords.password_policy)) {
        Ok(read) => read,
        Err(failure) => {
            let advice = if failure.code == 66 { "name a file that you may read" } else { "mend the file" };
            found.push(Finding::failed(CHECK, failure.code, failure.words, advice));
            return None;
        }
    };
    let sentence = sentence(args.input.input.display(), &survey);
    found.push(match (survey.defects.len() as u64, survey.duplicates.len()) {
        (0, 0) => Finding::ok(CHECK, sentence),
        (0, 1) => Finding::ok(CHECK, format!("{sentence}; 1 copy of an earlier row")),
        (0, copies) => Finding::ok(CHECK, format!("{sentence}; {copies} copies of earlier rows")),
        (bad, _) => bad_lines(args, &sentence, bad, &survey),
    });
    for warning in input_warnings(&input, &survey, further, args.input.generate_passwords) {
        found.push(Finding::warning(CHECK, warning, "mend the file if that is not meant"));
    }
    Some(Given { input, survey })
}

fn bad_lines(args: &RunArgs, sentence: &str, bad: u64, survey: &Survey) -> Finding {
    let lines = named(survey.defects.iter().map(|defect| defect.line));
    let found = format!("{sentence}; {} cannot be run (line {lines})", count(bad, "line"));
    let advice = "scim-rekey check says why";
    if args.skip_bad_rows {
        return Finding::warning(CHECK, found, advice);
    }
    Finding::failed(CHECK, 65, found, format!("{advice}; mend them, or leave them out with --skip-bad-rows"))
}

/// The first few of some lines.
fn named(lines: impl Iterator<Item = u64>) -> String {
    let lines: Vec<_> = lines.take(SHOWN + 1).map(|line| line.to_string()).collect();
    let more = if lines.len() > SHOWN { ", \u{2026}" } else { "" };
    format!("{}{more}", lines[..lines.len().min(SHOWN)].join(", "))
}

impl Given {
    /// Rows of the file.
    pub(super) fn rows(&self) -> u64 {
        self.survey.rows
    }

    /// Rows that would be looked up.
    pub(super) fn sound(&self) -> u64 {
        self.survey.rows - (self.survey.defects.len() + self.survey.duplicates.len()) as u64
    }

    /// Whether there is a column of phones.
    pub(super) fn has_phones(&self) -> bool {
        self.survey.layout.phone.is_some()
    }

    /// Whether there is a column of passwords.
    pub(super) fn has_passwords(&self) -> bool {
        self.survey.layout.password.is_some()
    }

    /// The first row that would be looked up.
    pub(super) fn first(&mut self, protected: &HashSet<String>) -> Option<Target> {
        let rows = self.input.rows(&self.survey).ok()?;
        rows.flatten().find_map(|row| match row {
            Row::Sound(target) if !protected.contains(&target.email.likeness()) => Some(target),
            Row::Sound(_) | Row::Bad(_) => None,
        })
    }

    /// How many given passwords fall short of a policy, and the lines of the first.
    pub(super) fn short_of(&mut self, policy: &Policy) -> Option<(u64, String)> {
        let rows = self.input.rows(&self.survey).ok()?;
        let short = rows.flatten().filter_map(|row| match row {
            Row::Sound(Target { line, password: NewPassword::Given(password), .. })
                if !policy.breaches(&password).is_empty() =>
            {
                Some(line)
            }
            Row::Sound(_) | Row::Bad(_) => None,
        });
        let lines: Vec<u64> = short.collect();
        (!lines.is_empty()).then(|| (lines.len() as u64, named(lines.into_iter())))
    }
}
