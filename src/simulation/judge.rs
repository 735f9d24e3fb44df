//! Compares what the program says with what the service did.

use std::collections::BTreeMap;

use serde_json::Value;

use super::stage::Stage;
use crate::sandbox::{Applied, Truth};

/// Somebody in the file.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) email: String,
    pub(super) password: Option<String>,
    pub(super) phone: Option<String>,
}

impl Person {
    /// Somebody of a name, with secrets of a number.
    pub(super) fn new(name: &str, number: u64) -> Self {
        Self {
            email: format!("{name}@example.com"),
            password: Some(format!("Pass-{number}-w0rd!")),
            phone: Some(format!("+1555010{:04}", number % 10_000)),
        }
    }

    pub(super) fn many(count: u64) -> Vec<Self> {
        (0..count).map(|number| Self::new(&format!("user{number}"), number)).collect()
    }

    pub(super) fn record(&self) -> String {
        let cell = |cell: &Option<String>| cell.clone().unwrap_or_default();
        format!("{},{},{}", self.email, cell(&self.password), cell(&self.phone))
    }

    /// Whether this is a change that the file asks for. MFA is looked at where the service shows it.
    fn asked_for(&self, applied: &Applied) -> bool {
        let phone = applied.mfa.as_ref().and_then(|mfa| mfa["phoneNumber"].as_str());
        applied.password == self.password && (phone.is_none() || phone == self.phone.as_deref())
    }
}

/// What is wrong with a run that has come to its end, in sentences.
pub(super) fn faults(stage: &Stage) -> Vec<String> {
    let (truth, rows) = (stage.truth(), rows(stage));
    let seen = stage.cable.seen();
    let mut wrong = Vec::new();
    if rows.len() != stage.people.len() {
        wrong.push(format!("{} lines for {} rows", rows.len(), stage.people.len()));
    }
    for (place, (row, person)) in rows.iter().zip(&stage.people).enumerate() {
        if row["line"] != (place + 2).to_string() || row["email"] != person.email {
            wrong.push(format!("line {} is about {} on line {}", place + 2, row["email"], row["line"]));
        }
        let doubtful =
            seen.doubtful.contains(&row["user_id"]) || stage.abandoned.borrow().contains(&person.email);
        wrong.extend(lie(row, person, &truth, doubtful));
    }
    wrong.extend(strangers(stage, &truth));
    wrong.extend(miscounted(&stage.summary(), &rows));
    for (count, what) in [(seen.early, "left before a wait was over"), (seen.undeclared, "were undeclared")] {
        if count > 0 {
            wrong.push(format!("{count} requests {what}"));
        }
    }
    wrong
}

type Row = BTreeMap<String, String>;

fn rows(stage: &Stage) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(stage.run_dir().join("outcome.csv")).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

/// The lie in a line, if it is one.
fn lie(row: &Row, person: &Person, truth: &Truth, doubtful: bool) -> Option<String> {
    let mut of_person = truth.applied.iter().filter(|applied| applied.user_name == person.email);
    let applied = of_person.clone().count();
    let why = match row["outcome"].as_str() {
        "updated"
            if !row["mfa"].starts_with("accepted") && !of_person.any(|applied| person.asked_for(applied)) =>
        {
            "was not applied"
        }
        "failed" | "skipped" if applied > 0 && row["reason"] != "duplicate" => "was applied",
        "unknown" if !doubtful => "got an answer that tells",
        "pending" => "is not finished",
        "updated" | "failed" | "skipped" | "unknown" => return None,
        _ => "is no outcome",
    };
    Some(format!("{why}: {row:?}"))
}

/// Changes that nobody asked for.
fn strangers(stage: &Stage, truth: &Truth) -> Vec<String> {
    let asked = |applied: &&Applied| {
        stage.people.iter().any(|person| person.email == applied.user_name && person.asked_for(applied))
    };
    let unasked = truth.applied.iter().filter(|applied| !asked(applied));
    unasked.map(|applied| format!("{} was changed as nobody asked", applied.user_name)).collect()
}

fn miscounted(summary: &Value, rows: &[Row]) -> Vec<String> {
    let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
    for row in rows {
        *counted.entry(&row["outcome"]).or_default() += 1;
    }
    let said = summary["outcomes"].as_object().unwrap();
    let differs = |(family, count): &(&String, &Value)| {
        count.as_u64() != Some(counted.get(family.as_str()).copied().unwrap_or_default())
    };
    said.iter().filter(differs).map(|(family, count)| format!("summary.json: {count} {family}")).collect()
}
