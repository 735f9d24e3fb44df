//! A configuration file that says everything: made from the words of the command line, so that no setting
//! can be missing, and from the tables of `samples/config.toml`.
//!
//! One invariant: every line is a comment. A setting follows its `#` at once, words after a blank, so that
//! one character makes a setting count.

use std::collections::BTreeSet;

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use super::file::TYPED;
use crate::cli::Cli;

const SAMPLE: &str = include_str!("../../samples/config.toml");
/// From here on the sample shows what no flag can say, and a profile.
const TABLES: &str = "# scim-rekey run users.csv --config";
/// So wide are the comments.
const WIDTH: usize = 98;

const HEAD: &str = "\
# Settings for scim-rekey, read with --config. Each can stand here by the name of its flag, with - or _.
#
# What is on the command line or in the environment counts first, then a profile, then what stands above all
# profiles, then a systemd credential, then the default. Paths start at this file's folder. A key that is not
# known is refused (78). `scim-rekey config show` says what counts, and where it came from.
#
# A # before a setting leaves it out; what is shown then is the default, or the kind of value.
# Not here, because they have to be said each time: --yes, --again, --dry-run, --sandbox and
# --consent-to-passwords-in-mail. And no secret: those come from files of mode 0600, the environment or
# systemd credentials.
";

/// The file.
pub(crate) fn sample() -> String {
    let mut program = Cli::command();
    program.build();
    let (mut text, mut seen) = (HEAD.to_owned(), BTreeSet::new());
    describe(&program, &mut seen, &mut text);
    text.push('\n');
    let tables = SAMPLE.find(TABLES).map_or("", |start| &SAMPLE[start..]);
    for line in tables.lines() {
        let hash = if line.is_empty() || line.starts_with('#') { "" } else { "#" };
        text.extend([hash, line, "\n"]);
    }
    text
}

/// The settings of a command that no command before it has, then those of the commands below it.
fn describe(command: &Command, seen: &mut BTreeSet<String>, text: &mut String) {
    let mut heading = None;
    for argument in command.get_arguments() {
        let Some(name) = argument.get_long().filter(|name| !TYPED.contains(name)) else { continue };
        if !seen.insert(name.to_owned()) {
            continue;
        }
        let group = argument.get_help_heading().unwrap_or("General");
        if heading != Some(group) {
            let of = command.get_display_name().unwrap_or_default().strip_prefix("scim-rekey-");
            let of = of.map_or_else(|| "any command".to_owned(), |of| of.replace('-', " "));
            text.extend(["\n# ---- ", &of, ": ", group, "\n"]);
            heading = Some(group);
        }
        let (help, key, value) = (help(argument), name.replace('-', "_"), value(argument));
        text.extend(["\n", &help, "#", &key, " = ", &value, "\n"]);
    }
    command.get_subcommands().for_each(|below| describe(below, seen, text));
}

/// The help and the values that are possible, as comments.
fn help(argument: &Arg) -> String {
    let mut words = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let values: Vec<_> =
        argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if takes_value(argument) && !values.is_empty() {
        words.extend([" [", &values.join(", "), "]"]);
    }
    let (mut text, mut line) = (String::new(), String::new());
    for word in words.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.extend(["#", &line, "\n"]);
            line.clear();
        }
        line.push(' ');
        line.push_str(word);
    }
    text.extend(["#", &line, "\n"]);
    text
}

fn takes_value(argument: &Arg) -> bool {
    matches!(argument.get_action(), ArgAction::Set | ArgAction::Append)
}

/// The default, or what kind of value it is.
fn value(argument: &Arg) -> String {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let default = argument.get_default_values().first().and_then(|value| value.to_str());
    let default = default.or_else(|| told(&help));
    let kind = || argument.get_value_names().unwrap_or_default().join("|");
    match (argument.get_action(), default) {
        (ArgAction::Append, _) => format!("[{:?}]", kind()),
        (ArgAction::Set, Some(default)) if default.parse::<u64>().is_ok() => default.to_owned(),
        (ArgAction::Set, Some(default)) => format!("{default:?}"),
        (ArgAction::Set, None) => format!("{:?}", kind()),
        (_, _) => "false".to_owned(),
    }
}

/// A default that only the help knows, such as `[default: mypurecloud.com]`; not one that is described.
fn told(help: &str) -> Option<&str> {
    let (_, rest) = help.split_once("[default: ")?;
    let (default, _) = rest.split_once(']')?;
    default.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.').then_some(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_nothing_but_comments_and_ends_with_the_tables() {
        let text = sample();
        assert!(text.lines().all(|line| line.is_empty() || line.starts_with('#')));
        for table in
            ["\n#[profile.night]\n", "\n#[[attributes]]\n", "\n#[notices.smtp]\n", "\n#[serve.limits]\n"]
        {
            assert!(text.contains(table), "{table}");
        }
    }
}
