//! Findings as people and programs read them.

use std::ffi::OsStr;
use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use super::finding::{Finding, Sign, exit_code};

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    colours: bool,
    plain: bool,
}

impl Look {
    /// As standard output can show it: colours on a terminal that nobody has asked to do without, signs of
    /// ASCII on one that says that it knows no others.
    pub(super) fn of_stdout() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        if !io::stdout().is_terminal() {
            return Self { colours: false, plain: false };
        }
        let is_dumb = set("TERM").is_some_and(|term| term == "dumb");
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
        let speaks_utf8 = locale.as_deref().is_some_and(is_utf8);
        Self { colours: !is_dumb && set("NO_COLOR").is_none(), plain: is_dumb || !speaks_utf8 }
    }

    /// The finding in one line.
    pub(super) fn line(self, finding: &Finding) -> String {
        let (fine, plain, colour) = match finding.sign {
            Sign::Ok => ("\u{2713}", "ok", "32"),
            Sign::Warning => ("!", "!", "33"),
            Sign::Failed => ("\u{2717}", "x", "31"),
            Sign::NotChecked => ("\u{b7}", "-", "2"),
        };
        let sign = if self.plain { format!("{plain:<2}") } else { fine.to_owned() };
        let sign = if self.colours { format!("\u{1b}[{colour}m{sign}\u{1b}[0m") } else { sign };
        let advice = finding.advice.as_ref().map_or_else(String::new, |advice| format!("; {advice}"));
        format!("{sign} {:<15} {}{advice}", finding.check, finding.found)
    }
}

fn is_utf8(locale: &OsStr) -> bool {
    let name = locale.to_string_lossy().to_ascii_lowercase();
    name.contains("utf-8") || name.contains("utf8")
}

/// Prints a line whose words were made fit for a terminal already. A closed pipe ends the printing, not the
/// program.
pub(super) fn print(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

#[derive(Serialize)]
struct Answer<'a> {
    ok: bool,
    exit_code: u8,
    checks: &'a [Finding],
}

/// All findings as one JSON object.
pub(super) fn json(findings: &[Finding]) -> String {
    let code = exit_code(findings);
    let answer = Answer { ok: code == 0, exit_code: code, checks: findings };
    serde_json::to_string(&answer).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_sign_that_its_terminal_knows() {
        let [fine, plain, coloured] =
            [(false, false), (false, true), (true, false)].map(|(colours, plain)| Look { colours, plain });
        let bad = Finding::failed("token", 77, "none", "ask for one");
        assert_eq!(fine.line(&bad), "\u{2717} token           none; ask for one");
        assert_eq!(plain.line(&bad), "x  token           none; ask for one");
        assert!(coloured.line(&bad).starts_with("\u{1b}[31m\u{2717}\u{1b}[0m token"));
        assert_eq!(fine.line(&Finding::ok("token", "granted")), "\u{2713} token           granted");
        assert!(plain.line(&Finding::not_checked("a", "b")).is_ascii());
    }

    #[test]
    fn programs_are_told_the_same() {
        let list =
            [Finding::ok("a", "x"), Finding::failed("b", 75, "y", "z"), Finding::not_checked("c", "w")];
        let expected = serde_json::json!({"ok": false, "exit_code": 75, "checks": [
            {"check": "a", "result": "ok", "found": "x", "advice": null},
            {"check": "b", "result": "failed", "found": "y", "advice": "z"},
            {"check": "c", "result": "not_checked", "found": "not checked: w", "advice": null},
        ]});
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json(&list)).unwrap(), expected);
    }
}
