//! The list of users spares a look-up for each of them, and leads to nobody else.

mod cheaper;
mod odd;
mod outdated;
mod stopped;

use scim_rekey::sandbox::{Directory, Kind, Options, Seen, User};

use crate::support::{Person, Program, Stage, faults};

/// Accounts for these people, and nobody else.
fn accounts(people: &[Person]) -> Vec<User> {
    people.iter().map(|person| User::new(person.email.as_str())).collect()
}

/// A service that has these accounts.
fn service(users: Vec<User>) -> Options {
    Options { directory: Directory::Listed(users), ..Options::default() }
}

/// So many people, whom the service knows, with these habits of its own.
fn known_with(count: usize, habits: impl FnOnce(Options) -> Options) -> Stage {
    let people = Person::many(count);
    let users = accounts(&people);
    Stage::new(people, habits(service(users)))
}

/// So many people, whom the service knows.
fn known(count: usize) -> Stage {
    known_with(count, |options| options)
}

/// The same, and these faults.
fn known_but(count: usize, rules: &str) -> Stage {
    known_with(count, |options| Options { faults: faults(rules).faults, ..options })
}

/// The job, with the list of users.
fn listing(stage: &Stage) -> Program {
    stage.program().args(["--lookup", "directory"])
}

/// Look-ups, without and with a filter: pages of the list, and questions for one user.
fn lookups(stage: &Stage) -> (Vec<Seen>, Vec<Seen>) {
    let lookups = stage.truth().requests.into_iter().filter(|seen| seen.kind == Kind::Lookup);
    lookups.partition(|seen| !seen.query.contains("filter="))
}

/// How many of each.
fn counts(stage: &Stage) -> (usize, usize) {
    let (pages, names) = lookups(stage);
    (pages.len(), names.len())
}

/// The parameters of a query, by name.
fn number(seen: &Seen, name: &str) -> u64 {
    let pairs = seen.query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.parse().unwrap()).next().unwrap()
}

/// From where and for how many each of these pages was asked for.
fn spans(pages: &[Seen]) -> Vec<(u64, u64)> {
    pages.iter().map(|page| (number(page, "startIndex"), number(page, "count"))).collect()
}

/// The warning about the list, in summary.json.
fn warning(stage: &Stage) -> String {
    let summary = stage.summary();
    let warnings = summary["warnings"].as_array().unwrap().iter().filter_map(|words| words.as_str());
    warnings.filter(|words| words.contains("the list of users")).collect::<Vec<_>>().join("\n")
}
