//! A key that is no setting, and the one that was probably meant.

use clap::Command;

use super::{TABLES, TYPED};
use crate::config::{Misconfigured, wrong};

/// Says what is wrong with the key.
pub(super) fn unknown(program: &Command, key: &str) -> Misconfigured {
    let name = key.replace('_', "-");
    if TYPED.contains(&&*name) {
        return wrong(format!(
            "{key} cannot be in the configuration: it has to be said each time, as --{name}"
        ));
    }
    let mut known = Vec::new();
    longs(program, &mut known);
    known.retain(|known| !TYPED.contains(&&**known));
    known.extend(TABLES.map(str::to_owned));
    known.retain(|known| is_near(known, &name));
    let nearest = known.into_iter().min_by_key(|known| distance(known, &name));
    let hint =
        nearest.map_or_else(String::new, |known| format!("; did you mean {}?", known.replace('-', "_")));
    let secrets = if is_like_a_secret(&name) { "; no setting holds a secret itself" } else { "" };
    wrong(format!("the configuration has {key}, which is no setting{hint}{secrets}"))
}

/// A few letters apart, or the same but for words at its end.
fn is_near(known: &str, name: &str) -> bool {
    let goes_on = known.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
    goes_on || distance(known, name) <= 1 + name.len() / 4
}

fn is_like_a_secret(name: &str) -> bool {
    ["secret", "password", "passphrase", "token", "key"].iter().any(|end| name.ends_with(end))
}

fn longs(command: &Command, names: &mut Vec<String>) {
    names.extend(command.get_arguments().filter_map(|argument| argument.get_long()).map(str::to_owned));
    command.get_subcommands().for_each(|below| longs(below, names));
}

/// How many letters have to be put in, left out or replaced (Levenshtein).
pub(in crate::config) fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let replaced = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_near_each_other_are_known() {
        for (a, b, apart) in [("rate", "rate", 0), ("rate", "rte", 1), ("", "abc", 3), ("flaw", "lawn", 2)] {
            assert_eq!((distance(a, b), distance(b, a)), (apart, apart));
        }
    }
}
