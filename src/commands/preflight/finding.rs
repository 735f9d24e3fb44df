//! What a check found: one line for people and one object for programs, made from the same words.
//!
//! Findings stand in the order in which a run would meet them. So the exit code is that of the first that
//! failed.

use serde::Serialize;

use crate::commands::Failure;
use crate::domain::text::printable;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sign {
    Ok,
    Warning,
    Failed,
    NotChecked,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    #[serde(rename = "result")]
    pub(super) sign: Sign,
    pub(super) found: String,
    /// What to do about it.
    pub(super) advice: Option<String>,
    #[serde(skip)]
    code: u8,
}

impl Finding {
    /// Nothing to do.
    pub(super) fn ok(check: &'static str, found: impl AsRef<str>) -> Self {
        let found = printable(found.as_ref());
        Self { check, sign: Sign::Ok, found, advice: None, code: 0 }
    }

    /// A run would go on, and somebody should know.
    pub(super) fn warning(check: &'static str, found: impl AsRef<str>, advice: impl AsRef<str>) -> Self {
        let advice = Some(printable(advice.as_ref()));
        Self { sign: Sign::Warning, advice, ..Self::ok(check, found) }
    }

    /// A run would leave with this code.
    pub(super) fn failed(
        check: &'static str,
        code: u8,
        found: impl AsRef<str>,
        advice: impl AsRef<str>,
    ) -> Self {
        Self { sign: Sign::Failed, code, ..Self::warning(check, found, advice) }
    }

    /// A run would leave with these words, which say first what is wrong and then what to do.
    pub(super) fn refused(check: &'static str, failure: &Failure) -> Self {
        let (found, advice) = apart(&failure.words);
        Self::failed(check, failure.code, found, advice)
    }

    /// Something else keeps it from being checked.
    pub(super) fn not_checked(check: &'static str, why: impl AsRef<str>) -> Self {
        Self { sign: Sign::NotChecked, ..Self::ok(check, format!("not checked: {}", why.as_ref())) }
    }
}

/// What is wrong, and what to do, in words that say both.
pub(super) fn apart(words: &str) -> (&str, &str) {
    let told = [": check ", ": set "].into_iter().find_map(|mark| words.find(mark));
    if let Some(at) = told {
        return (&words[..at], &words[at + 2..]);
    }
    words.split_once("; ").unwrap_or((words, "mend that first"))
}

/// All findings, said one by one as they come.
pub(super) struct Findings<'a> {
    list: Vec<Finding>,
    say: Box<dyn FnMut(&Finding) + 'a>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(say: impl FnMut(&Finding) + 'a) -> Self {
        Self { list: Vec::new(), say: Box::new(say) }
    }

    pub(super) fn push(&mut self, finding: Finding) {
        (self.say)(&finding);
        self.list.push(finding);
    }

    /// Several checks that cannot be made for one reason, which people read once.
    pub(super) fn skip(&mut self, checks: &[&'static str], why: &str) {
        let all = Finding {
            found: format!("{}: {why}", checks.join(", ")),
            ..Finding::not_checked("not-checked", "")
        };
        (self.say)(&all);
        self.list.extend(checks.iter().map(|check| Finding::not_checked(check, why)));
    }

    pub(super) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            self.push(finding);
        }
    }

    pub(super) fn into_list(self) -> Vec<Finding> {
        self.list
    }
}

/// The exit code of the first failure.
pub(super) fn exit_code(findings: &[Finding]) -> u8 {
    findings.iter().find(|finding| finding.sign == Sign::Failed).map_or(0, |finding| finding.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_decides_and_warnings_do_not() {
        let warning = Finding::warning("a", "x", "y");
        let list = [
            warning,
            Finding::not_checked("b", "x"),
            Finding::failed("c", 77, "x", "y"),
            Finding::failed("d", 65, "x", "y"),
        ];
        assert_eq!((exit_code(&list[..2]), exit_code(&list)), (0, 77));
    }

    #[test]
    fn what_cannot_be_checked_for_one_reason_is_said_once() {
        let mut said = Vec::new();
        let mut findings = Findings::new(|finding| said.push(finding.found.clone()));
        findings.skip(&["a", "b"], "no token");
        let list = findings.into_list();
        assert_eq!(list, [Finding::not_checked("a", "no token"), Finding::not_checked("b", "no token")]);
        assert_eq!(said, ["a, b: no token"]);
    }

    #[test]
    fn words_are_taken_apart_where_the_advice_begins() {
        let told = "the endpoint does not know this client (invalid_client): check the region first, then x";
        assert_eq!(
            apart(told),
            ("the endpoint does not know this client (invalid_client)", "check the region first, then x")
        );
        assert_eq!(apart("somebody is here; try again"), ("somebody is here", "try again"));
        assert_eq!(apart("no secret: set it"), ("no secret", "set it"));
        assert_eq!(apart("odd").0, "odd");
    }

    #[test]
    fn nothing_found_drives_a_terminal() {
        let finding = Finding::warning("a", "x\u{1b}[2J", "y\u{202e}");
        assert_eq!(finding.found, r"x\u{1b}[2J");
        assert_eq!(finding.advice.as_deref(), Some(r"y\u{202e}"));
    }
}
