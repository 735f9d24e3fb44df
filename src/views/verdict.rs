//! How a run went, in one sentence.

use super::report::grouped;
use crate::domain::tally::Tally;

/// What the sentence is made from.
#[derive(Debug)]
pub(crate) struct Verdict<'a> {
    /// The counts.
    pub(crate) tally: &'a Tally,
    /// Rows that no outcome is known of.
    pub(crate) untouched: u64,
    /// The part of the input that these rows are all of, if it is one.
    pub(crate) shard: Option<&'a str>,
    /// Whether nothing was to be changed.
    pub(crate) dry_run: bool,
    /// Whether callers of a service asked for them.
    pub(crate) serves: bool,
    /// How the work ended.
    pub(crate) end: End,
}

/// How the work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With every row.
    Complete,
    /// In order, before that.
    Stopped,
    /// Without a word.
    Died,
    /// Some of several runs are not complete.
    Partly,
}

impl Verdict<'_> {
    /// The sentence.
    pub(crate) fn sentence(&self) -> String {
        let open = self.tally.family("pending") + self.untouched;
        let begin = match (self.end, open, self.serves) {
            (End::Complete, ..) | (_, 0, _) | (_, _, true) => "",
            (End::Stopped, ..) => "The run stopped early: ",
            (End::Died, ..) => "The run died: ",
            (End::Partly, ..) => "Not all of these runs are finished: ",
        };
        let what = [self.changed(), self.others(open)].concat();
        let sentence = format!("{begin}{what}{}", self.next(open));
        let mut rest = sentence.chars();
        rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
    }

    /// "4 987 of 5 000 users were changed".
    fn changed(&self) -> String {
        let changed = self.tally.family("updated") + self.tally.family("would_update");
        let all = self.tally.total() + self.untouched;
        let verb = |users| match (self.dry_run, users) {
            (true, _) => "would be changed",
            (false, 1) => "was changed",
            (false, _) => "were changed",
        };
        let of = self.shard.map_or_else(String::new, |shard| format!(" of shard {shard}"));
        match (changed, all) {
            (_, 0) if self.serves => "nobody has asked for a reset yet".to_owned(),
            (_, 0) if self.shard.is_some() => format!("nobody{of} was to be changed"),
            (_, 0) => "there was nobody to change".to_owned(),
            (1, 1) => format!("the one user{of} {}", verb(1)),
            (0, 1) => format!("the one user{of} was not changed"),
            (0, _) => format!("none of {} users{of} {}", grouped(all), verb(1)),
            _ if changed == all => format!("all {} users{of} {}", grouped(all), verb(all)),
            _ => format!("{} of {} users{of} {}", grouped(changed), grouped(all), verb(changed)),
        }
    }

    /// "; 11 failed and 2 are unknown".
    fn others(&self, open: u64) -> String {
        let (is, was) =
            (|rows| if rows == 1 { "is" } else { "are" }, |rows| if rows == 1 { "was" } else { "were" });
        let rows = |family| self.tally.family(family);
        let mut parts = Vec::new();
        for (rows, words) in [
            (rows("failed"), "failed".to_owned()),
            (rows("unknown"), format!("{} unknown", is(rows("unknown")))),
            (rows("skipped"), format!("{} left alone", was(rows("skipped")))),
            (open, format!("{} still to be done", is(open))),
        ] {
            if rows > 0 {
                parts.push(format!("{} {words}", grouped(rows)));
            }
        }
        match parts.pop() {
            None => String::new(),
            Some(last) if parts.is_empty() => format!("; {last}"),
            Some(last) => format!("; {} and {last}", parts.join(", ")),
        }
    }

    /// What to do next.
    fn next(&self, open: u64) -> String {
        let worst = self.tally.reasons().filter(|(outcome, _)| outcome.is_worth_another_try());
        let worst = worst.max_by_key(|(_, rows)| *rows).map(|(outcome, _)| outcome.reason());
        match (self.end, open, worst) {
            (End::Stopped | End::Died, ..) if self.serves => ".".to_owned(),
            (End::Stopped | End::Died, ..) => ": the same command goes on.".to_owned(),
            (End::Partly, ..) => ": the commands that began them go on.".to_owned(),
            (End::Complete, ..) if self.tally.family("unknown") > 0 => {
                ": look at the unknown first.".to_owned()
            }
            (End::Complete, _, Some(reason)) => format!(": look first at {reason}."),
            (End::Complete, _, None) if self.dry_run => "; nothing was changed.".to_owned(),
            (End::Complete, _, None) => ".".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outcome::{Mfa, Outcome};

    fn said(rows: &[(&str, &str, u64)], untouched: u64, end: End, dry_run: bool, serves: bool) -> String {
        let mut tally = Tally::default();
        for (family, reason, rows) in rows {
            let outcome = Outcome::from_words(family, reason).unwrap();
            (0..*rows).for_each(|_| tally.add(outcome, Mfa::None));
        }
        let sentence = Verdict { tally: &tally, untouched, shard: None, dry_run, serves, end }.sentence();
        sentence.replace('\u{202f}', " ")
    }

    #[test]
    fn it_is_one_sentence_about_what_matters() {
        let (updated, failed) = (("updated", "", 4987), ("failed", "not_found", 11));
        let (unknown, skipped) = (("unknown", "reply_lost", 2), ("skipped", "inactive", 1));
        let run = |rows: &[_], untouched, end| said(rows, untouched, end, false, false);
        for (said, expected) in [
            (
                run(&[updated, failed, unknown], 0, End::Complete),
                "4 987 of 5 000 users were changed; 11 failed and 2 are unknown: look at the unknown first.",
            ),
            (
                run(&[updated, failed, skipped], 0, End::Complete),
                "4 987 of 4 999 users were changed; 11 failed and 1 was left alone: look first at not_found.",
            ),
            (run(&[updated], 0, End::Complete), "All 4 987 users were changed."),
            (run(&[("updated", "", 1)], 0, End::Complete), "The one user was changed."),
            (run(&[skipped], 0, End::Complete), "The one user was not changed; 1 was left alone."),
            (run(&[], 0, End::Complete), "There was nobody to change."),
            (
                run(&[("updated", "", 1), ("pending", "deadline", 3)], 0, End::Stopped),
                "The run stopped early: 1 of 4 users was changed; 3 are still to be done: the same command goes on.",
            ),
            (
                run(&[], 7, End::Died),
                "The run died: none of 7 users was changed; 7 are still to be done: the same command goes on.",
            ),
            (run(&[updated], 0, End::Died), "All 4 987 users were changed: the same command goes on."),
            (
                run(&[updated, unknown], 13, End::Partly),
                "Not all of these runs are finished: 4 987 of 5 002 users were changed; 2 are unknown and 13 are \
                 still to be done: the commands that began them go on.",
            ),
            (
                said(&[("would_update", "", 2), failed], 0, End::Complete, true, false),
                "2 of 13 users would be changed; 11 failed: look first at not_found.",
            ),
            (
                said(&[("would_update", "", 2)], 0, End::Complete, true, false),
                "All 2 users would be changed; nothing was changed.",
            ),
            (said(&[], 0, End::Complete, false, true), "Nobody has asked for a reset yet."),
            (said(&[updated], 0, End::Died, false, true), "All 4 987 users were changed."),
        ] {
            assert_eq!(said, expected);
        }
    }
    #[test]
    fn it_says_which_shard_it_is_about() {
        let said = |changed: u64, failed: u64| {
            let mut tally = Tally::default();
            for (family, reason, rows) in [("updated", "", changed), ("failed", "not_found", failed)] {
                let outcome = Outcome::from_words(family, reason).unwrap();
                (0..rows).for_each(|_| tally.add(outcome, Mfa::None));
            }
            let (shard, end) = (Some("1/3"), End::Complete);
            Verdict { tally: &tally, untouched: 0, shard, dry_run: false, serves: false, end }.sentence()
        };
        for ((changed, failed), expected) in [
            ((5, 0), "All 5 users of shard 1/3 were changed."),
            ((4, 1), "4 of 5 users of shard 1/3 were changed; 1 failed: look first at not_found."),
            ((0, 2), "None of 2 users of shard 1/3 was changed; 2 failed: look first at not_found."),
            ((1, 0), "The one user of shard 1/3 was changed."),
            ((0, 1), "The one user of shard 1/3 was not changed; 1 failed: look first at not_found."),
            ((0, 0), "Nobody of shard 1/3 was to be changed."),
        ] {
            assert_eq!(said(changed, failed), expected);
        }
    }
}
