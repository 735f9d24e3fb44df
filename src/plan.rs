//! What each row asks for, decided without the network: rows and the past become steps.
//!
//! Invariant: every row of the input becomes exactly one step, unless an earlier session has
//! settled it.

use std::collections::{HashMap, HashSet};

use crate::domain::event::{Done, Ending, Trail};
use crate::domain::outcome::{Doubt, Fail, Outcome, Skip, Standing};
use crate::domain::shard::Shard;
use crate::domain::target::{Defect, Row, Target};

/// The next thing to do.
#[derive(Debug)]
pub(crate) enum Step {
    /// A row to work on.
    Do(Target),
    /// A row whose outcome needs no request.
    Decided(Done),
}

/// What the first reading of the input and the user have said about rows.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// Line of a copy, and line of the first.
    duplicates: &'a HashMap<u64, u64>,
    /// Addresses never to touch, as [`Email::likeness`]es.
    ///
    /// [`Email::likeness`]: crate::domain::email::Email::likeness
    protected: HashSet<String>,
    /// The only users that this run is about, when it is not about all.
    only: Option<Only>,
}

/// A part of the input's rows.
#[derive(Debug)]
pub(crate) enum Only {
    /// This machine's.
    Shard(Shard),
    /// Those that an earlier run did not bring to a good end.
    Unfinished(Selection),
}

impl Only {
    /// Whether the row on this line is among them. Its address is there if it is sound.
    fn holds(&self, line: u64, email: Option<&str>) -> bool {
        match self {
            Self::Shard(shard) => shard.holds(email),
            Self::Unfinished(selection) => selection.holds(line, email.unwrap_or_default()),
        }
    }
}

/// Rows of an earlier run that are worth another try.
///
/// They are found by user, since lines may have moved. Only a row that had no sound address is found by
/// its line: there the address itself was mended. Anybody else on a line is another person.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    wanted: HashMap<String, Wanted>,
    nameless: HashSet<u64>,
    known: HashSet<String>,
    rows: usize,
}

/// A user whose row is worth another try.
#[derive(Debug)]
struct Wanted {
    /// Where the row stood in the earlier run.
    line: u64,
    doubt: Option<Doubt>,
}

impl Selection {
    /// Takes a row of the earlier run into account.
    pub(crate) fn add(&mut self, line: u64, email: &str, outcome: Outcome, wanted: bool) {
        let key = email.to_ascii_lowercase();
        if wanted {
            self.rows += 1;
            if key.is_empty() {
                self.nameless.insert(line);
            } else {
                self.wanted.insert(key.clone(), Wanted { line, doubt: outcome.doubt() });
            }
        }
        self.known.insert(key);
    }

    /// Rows that are worth another try.
    pub(crate) const fn len(&self) -> usize {
        self.rows
    }

    fn holds(&self, line: u64, email: &str) -> bool {
        self.found(line, email).is_some()
    }

    /// The line in the earlier run of the row that is found on this line now.
    fn found(&self, line: u64, email: &str) -> Option<u64> {
        let key = email.to_ascii_lowercase();
        let mended = self.nameless.contains(&line) && (key.is_empty() || !self.known.contains(&key));
        if mended { Some(line) } else { self.wanted.get(&key).map(|wanted| wanted.line) }
    }
}

impl<'a> Plan<'a> {
    /// A plan from what the first reading found.
    pub(crate) const fn new(
        duplicates: &'a HashMap<u64, u64>,
        protected: HashSet<String>,
        only: Option<Only>,
    ) -> Self {
        Self { duplicates, protected, only }
    }

    /// Whether it leaves no row of the input to other runs.
    pub(crate) const fn is_about_all(&self) -> bool {
        self.only.is_none()
    }

    /// Whether this run is about that row.
    pub(crate) fn is_about(&self, row: &Row) -> bool {
        match row {
            Row::Sound(target) => {
                self.only.as_ref().is_none_or(|only| only.holds(target.line, Some(target.email.as_str())))
            }
            Row::Bad(defect) => self.is_about_defect(defect),
        }
    }

    /// Whether this run is about that line, which cannot be used.
    pub(crate) fn is_about_defect(&self, defect: &Defect) -> bool {
        self.only.as_ref().is_none_or(|only| only.holds(defect.line, defect.email.as_deref()))
    }

    /// Users never to touch.
    pub(crate) fn protected(&self) -> usize {
        self.protected.len()
    }

    /// The doubt in which an earlier run left this user.
    pub(crate) fn earlier_doubt(&self, target: &Target) -> Option<Doubt> {
        let Only::Unfinished(selection) = self.only.as_ref()? else { return None };
        selection.wanted.get(&target.email.as_str().to_ascii_lowercase())?.doubt
    }

    /// Lines of the earlier run whose rows are not among these rows of the input, in order.
    pub(crate) fn lost(&self, found: &HashSet<u64>) -> Vec<u64> {
        let Some(Only::Unfinished(selection)) = &self.only else { return Vec::new() };
        let named = selection.wanted.values().map(|wanted| wanted.line);
        let all = named.chain(selection.nameless.iter().copied());
        let mut lost: Vec<_> = all.filter(|line| !found.contains(line)).collect();
        lost.sort_unstable();
        lost
    }

    /// The line in the earlier run of a row that this one is about for its sake.
    pub(crate) fn earlier_line(&self, row: &Row) -> Option<u64> {
        let Some(Only::Unfinished(selection)) = &self.only else { return None };
        match row {
            Row::Sound(target) => selection.found(target.line, target.email.as_str()),
            Row::Bad(defect) => selection.found(defect.line, defect.email.as_deref().unwrap_or_default()),
        }
    }

    /// The step for a row; nothing when it is settled already, or not what this run is about.
    pub(crate) fn step(&self, row: Row, standing: Standing) -> Option<Step> {
        if standing == Standing::Settled || !self.is_about(&row) {
            return None;
        }
        let target = match row {
            Row::Bad(defect) => return Some(bad(&defect)),
            Row::Sound(target) => target,
        };
        let skip = |skip, why| Some(decided(target.line, target.email.as_str(), Outcome::Skipped(skip), why));
        if let Some(first) = self.duplicates.get(&target.line) {
            return skip(Skip::Duplicate, format!("asks for the same as line {first}"));
        }
        if self.protected.contains(&target.email.likeness()) {
            // Protected only after its PATCH had left: hands off, and the doubt stays.
            if standing == Standing::InDoubt {
                let why = "protected since a PATCH without an answer".to_owned();
                return Some(decided(
                    target.line,
                    target.email.as_str(),
                    Outcome::Unknown(Doubt::ReplyLost),
                    why,
                ));
            }
            return skip(Skip::Protected, "on the list of users never to touch".to_owned());
        }
        Some(Step::Do(target))
    }
}

fn bad(defect: &Defect) -> Step {
    let email = defect.email.as_deref().unwrap_or_default();
    decided(defect.line, email, Outcome::Failed(Fail::InvalidRow), defect.reason.clone())
}

fn decided(line: u64, email: &str, outcome: Outcome, why: String) -> Step {
    let ending = Ending::new(outcome, why);
    Step::Decided(Done { line, email: email.to_owned(), trail: Trail::default(), ending })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::email::Email;
    use crate::domain::secret::Secret;
    use crate::domain::target::NewPassword;

    fn row(line: u64, email: &str) -> Row {
        let email = Email::parse(email).unwrap();
        Row::Sound(Target {
            line,
            email,
            password: NewPassword::Given(Secret::new("x".into())),
            phone: None,
            attributes: Box::default(),
            account: None,
        })
    }

    fn words(step: Option<Step>) -> String {
        match step {
            None => "settled".to_owned(),
            Some(Step::Do(target)) => format!("do {}", target.line),
            Some(Step::Decided(done)) => {
                format!("{} {}", done.ending.outcome.reason(), done.ending.detail)
            }
        }
    }

    #[test]
    fn rows_are_decided_in_order_of_caution() {
        let defect = Defect { line: 4, email: None, reason: "is wrong".into() };
        let duplicates = HashMap::from([(3, 2)]);
        let plan = Plan::new(&duplicates, HashSet::from(["boss@example.com".into()]), None);
        for (row, standing, expected) in [
            (row(2, "a@example.com"), Standing::Untouched, "do 2"),
            (row(2, "a@example.com"), Standing::Pending, "do 2"),
            (row(2, "a@example.com"), Standing::InDoubt, "do 2"),
            (row(2, "a@example.com"), Standing::Settled, "settled"),
            (row(3, "a@example.com"), Standing::Untouched, "duplicate asks for the same as line 2"),
            (Row::Bad(defect), Standing::Untouched, "invalid_row is wrong"),
            (
                row(5, "boss@example.com"),
                Standing::InDoubt,
                "reply_lost protected since a PATCH without an answer",
            ),
            (
                row(5, "BOSS@example.com"),
                Standing::Untouched,
                "protected on the list of users never to touch",
            ),
        ] {
            assert_eq!(words(plan.step(row, standing)), expected);
        }
    }
}
