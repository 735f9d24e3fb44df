//! The configuration file: settings by the names of their flags, profiles, and the tables that no flag can
//! hold.
//!
//! A setting becomes the flag of the same name, added to the command line where neither that nor the
//! environment has it. So there is one check of each value and one default, and the precedence is told
//! here in one place: flag, environment, profile, file.

pub(super) mod nearest;

use std::any::TypeId;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory as _, FromArgMatches as _, Id};
use toml::{Table, Value};

use self::nearest::unknown;
use super::{Misconfigured, wrong};
use crate::cli::{Cli, Tables};

/// Tables for what is more than one value.
pub(super) const TABLES: [&str; 3] = ["attributes", "notices", "serve"];
/// What must be typed each time it is meant.
pub(super) const TYPED: [&str; 13] = [
    "again",
    "config",
    "consent-to-passwords-in-mail",
    "dry-run",
    "help",
    "json",
    "new-caller",
    "output",
    "profile",
    "sandbox",
    "version",
    "watch",
    "yes",
];
/// Where a service is: of no meaning beside `--sandbox`.
pub(super) const PLACES: [&str; 5] = ["client-id", "client-secret-file", "region", "scim-url", "token-url"];
/// Settings that the environment may have.
pub(super) const ENVIRONMENT: [(&str, &[&str]); 5] = [
    ("client-id", &["GENESYS_CLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_ID"]),
    ("client-secret-file", &["GENESYS_CLIENT_SECRET", "GENESYSCLOUD_OAUTHCLIENT_SECRET"]),
    ("region", &["GENESYS_REGION", "GENESYSCLOUD_REGION"]),
    ("scim-url", &["GENESYS_SCIM_URL"]),
    ("token-url", &["GENESYS_TOKEN_URL"]),
];

/// A command line with what the configuration file adds to it.
pub(super) struct Understood {
    pub(super) matches: ArgMatches,
    pub(super) tables: Tables,
    /// What the file said of it all: flags and tables, by name.
    pub(super) origins: BTreeMap<String, Origin>,
}

/// Where in the file a setting stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// In the profile that was asked for.
    Profile,
    /// Above all profiles.
    File,
}

/// What is done about a command line that lacks something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lacking {
    /// It is wrong usage.
    Refused,
    /// Nothing: it is not about to be done.
    Taken,
}

/// Understands the command line, and the configuration file that it names.
///
/// Usage that is wrong ends the process with 2, as `clap` does it; a file that is, with 78.
pub(crate) fn command_line(words: Vec<OsString>) -> Result<Cli, Misconfigured> {
    let Understood { matches, tables, .. } = understand(words, Lacking::Refused)?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| wrong(error.to_string()))?;
    Ok(Cli { tables, ..cli })
}

/// The same, with where each setting of the file stands there.
pub(super) fn understand(mut words: Vec<OsString>, lacking: Lacking) -> Result<Understood, Misconfigured> {
    let whatever_it_lacks = |words: &[OsString]| Cli::command().ignore_errors(true).get_matches_from(words);
    let (matches, lacks) = match Cli::command().try_get_matches_from(&words) {
        Ok(matches) => (matches, None),
        // The file may have what one setting needs of another.
        Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => {
            (whatever_it_lacks(&words), Some(error).filter(|_| lacking == Lacking::Refused))
        }
        Err(error) => error.exit(),
    };
    let name = matches.get_one::<String>("profile").map(String::as_str);
    let Some(path) = matches.get_one::<PathBuf>("config") else {
        return match (lacks, name) {
            (Some(error), _) => error.exit(),
            (None, Some(_)) => Err(wrong("--profile names a part of a file: which one, --config must say")),
            (None, None) => Ok(Understood { matches, tables: Tables::default(), origins: BTreeMap::new() }),
        };
    };
    let (settings, origins) = profile(read(path)?, name)?;
    let (tables, settings) = apart(settings);
    let (names, flags): (Vec<_>, Vec<_>) =
        flags(&settings, path.parent().unwrap_or(Path::new("")), &matches)?.into_iter().unzip();
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    words.splice(end..end, flags);
    let matches = match Cli::command().try_get_matches_from(&words) {
        Ok(matches) => matches,
        Err(error) if lacking == Lacking::Taken && error.kind() == ErrorKind::MissingRequiredArgument => {
            whatever_it_lacks(&words)
        }
        Err(error) if lacks.is_some() => error.exit(),
        Err(error) => return Err(wrong(format!("--config {}: {}", path.display(), in_one_line(&error)))),
    };
    // A setting that a flag or the environment outdoes came from there.
    let counts = |name: &String| names.contains(name) || TABLES.contains(&name.as_str());
    let origins = origins.into_iter().filter(|(name, _)| counts(name)).collect();
    Ok(Understood { matches, tables, origins })
}

/// What is wrong, without the advice below it.
fn in_one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect::<Vec<_>>();
    lines.join(" ").trim_start_matches("error: ").to_owned()
}

fn read(path: &Path) -> Result<Table, Misconfigured> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| wrong(format!("--config {name}: {error}")))?;
    text.parse().map_err(|error: toml::de::Error| {
        // Not the line itself, in which somebody may have put a secret.
        let start = error.span().map_or(0, |span| span.start);
        let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
        wrong(format!("--config {name}, line {line}: {}", error.message()))
    })
}

/// The settings of the file, with those of one profile before them, and which came from where.
fn profile(mut file: Table, name: Option<&str>) -> Result<(Table, BTreeMap<String, Origin>), Misconfigured> {
    let profiles = match file.remove("profile") {
        None => Table::new(),
        Some(Value::Table(profiles)) => profiles,
        Some(_) => return Err(wrong("profile is a table of tables: [profile.NAME]")),
    };
    let mut file = in_one_spelling(file)?;
    let origin = |table: &Table, origin| {
        table.keys().map(|key| (key.replace('_', "-"), origin)).collect::<BTreeMap<_, _>>()
    };
    let mut origins = origin(&file, Origin::File);
    let Some(name) = name else { return Ok((file, origins)) };
    let Some(Value::Table(own)) = profiles.get(name) else {
        let known = profiles.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let has = if known.is_empty() { "it has no profiles".to_owned() } else { format!("it has: {known}") };
        return Err(wrong(format!("the configuration has no [profile.{name}]; {has}")));
    };
    let own = in_one_spelling(own.clone())?;
    origins.extend(origin(&own, Origin::Profile));
    file.extend(own);
    Ok((file, origins))
}

/// `max-attempts` is `max_attempts`: which of the two is written decides nothing.
fn in_one_spelling(table: Table) -> Result<Table, Misconfigured> {
    let mut settings = Table::new();
    for (key, value) in table {
        let key = key.replace('-', "_");
        if settings.insert(key.clone(), value).is_some() {
            return Err(wrong(format!("the configuration has {key} in two spellings")));
        }
    }
    Ok(settings)
}

/// The tables, and the settings that flags have too.
fn apart(mut settings: Table) -> (Tables, Table) {
    let mut table = |name| settings.remove(name);
    let [attributes, notices, serve] = TABLES.map(&mut table);
    (Tables { attributes, notices, serve }, settings)
}

/// The flags of these settings that nobody has given, each after its name, for the command that is asked
/// for. Paths start at the file's folder.
fn flags(
    settings: &Table,
    folder: &Path,
    matches: &ArgMatches,
) -> Result<Vec<(String, OsString)>, Misconfigured> {
    let program = Cli::command();
    let (command, matches) = asked_for(&program, matches);
    let rehearses = matches.try_get_one::<bool>("sandbox").is_ok_and(|flag| flag == Some(&true));
    let mut flags = Vec::new();
    for (key, value) in settings {
        let name = key.replace('_', "-");
        let is_known = holds(&program, &name) && !TYPED.contains(&&*name);
        if !is_known {
            return Err(unknown(&program, key));
        }
        let Some(argument) = argument(command, &name) else {
            refuse_for_all(&program, &name, value, folder)?;
            continue;
        };
        let given = is_given(argument, matches) || rivals(command, argument).any(|it| is_given(it, matches));
        if given || in_environment(&name) || (rehearses && PLACES.contains(&&*name)) {
            continue;
        }
        refuse_two_places(command, matches, &name)?;
        flags.extend(flag(argument, &name, value, folder)?.into_iter().map(|flag| (name.clone(), flag)));
    }
    Ok(flags)
}

/// A setting of other commands decides nothing here. One that none of them would take is a mistake all the
/// same, and better found by `check` than by tonight's run.
fn refuse_for_all(program: &Command, name: &str, value: &Value, folder: &Path) -> Result<(), Misconfigured> {
    let mut refusal = None;
    for argument in arguments(program, name) {
        let words = flag(argument, name, value, folder)?;
        match alone(argument).try_get_matches_from(words) {
            Ok(_) => return Ok(()),
            Err(error) => refusal = Some(error),
        }
    }
    refusal.map_or(Ok(()), |error| Err(wrong(format!("the configuration: {}", in_one_line(&error)))))
}

/// A command that has this argument and no other, so that it has nobody to agree with.
fn alone(argument: &Arg) -> Command {
    let nothing = || Resettable::<Id>::Reset;
    let argument = argument.clone().required(false).global(false);
    let argument = argument.conflicts_with(nothing()).requires(nothing());
    Command::new("scim-rekey").no_binary_name(true).arg(argument.required_unless_present(nothing()))
}

/// All flags of this name, whichever command they are of.
fn arguments<'a>(command: &'a Command, long: &str) -> Vec<&'a Arg> {
    let below = command.get_subcommands().flat_map(|below| arguments(below, long));
    argument(command, long).into_iter().chain(below).collect()
}

fn is_given(argument: &Arg, matches: &ArgMatches) -> bool {
    matches.value_source(argument.get_id().as_str()) == Some(ValueSource::CommandLine)
}

/// The arguments that cannot stand beside this one, whichever of the two says so.
fn rivals<'a>(command: &'a Command, argument: &'a Arg) -> impl Iterator<Item = &'a Arg> {
    command.get_arguments().filter(move |other| {
        let excludes = |one: &Arg, id| command.get_arg_conflicts_with(one).iter().any(|it| it.get_id() == id);
        excludes(argument, other.get_id()) || excludes(other, argument.get_id())
    })
}

/// The command at the end of the line, and what was said to it.
pub(super) fn asked_for<'a>(
    mut command: &'a Command,
    mut matches: &'a ArgMatches,
) -> (&'a Command, &'a ArgMatches) {
    while let Some((name, below)) = matches.subcommand() {
        let Some(next) = command.find_subcommand(name) else { break };
        (command, matches) = (next, below);
    }
    (command, matches)
}

fn argument<'a>(command: &'a Command, long: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|argument| argument.get_long() == Some(long))
}

/// Whether any command has this flag.
fn holds(command: &Command, long: &str) -> bool {
    argument(command, long).is_some() || command.get_subcommands().any(|below| holds(below, long))
}

/// Two addresses in the environment leave nothing for a region to say.
fn in_environment(name: &str) -> bool {
    let has = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let names = ENVIRONMENT.iter().find(|(setting, _)| *setting == name).map(|(_, names)| *names);
    let has_both = || has("GENESYS_SCIM_URL") && has("GENESYS_TOKEN_URL");
    names.unwrap_or_default().iter().any(|name| has(name)) || (name == "region" && has_both())
}

/// A region that counts before the file, and an address in the file: one of them is a mistake.
fn refuse_two_places(command: &Command, matches: &ArgMatches, name: &str) -> Result<(), Misconfigured> {
    let region = argument(command, "region").is_some_and(|region| is_given(region, matches));
    if matches!(name, "scim-url" | "token-url") && (region || in_environment("region")) {
        return Err(wrong(format!(
            "a region is given, and {} of the configuration says too where the service is",
            name.replace('-', "_")
        )));
    }
    Ok(())
}

fn flag(argument: &Arg, name: &str, value: &Value, folder: &Path) -> Result<Vec<OsString>, Misconfigured> {
    let one = |text: String| vec![OsString::from(format!("--{name}={text}"))];
    match value {
        Value::Boolean(true) => Ok(vec![OsString::from(format!("--{name}"))]),
        Value::Boolean(false) => Ok(Vec::new()),
        Value::String(text) if is_path(argument, text) => {
            let mut flag = OsString::from(format!("--{name}="));
            flag.push(folder.join(text));
            Ok(vec![flag])
        }
        Value::String(text) => Ok(one(text.clone())),
        Value::Integer(number) => Ok(one(number.to_string())),
        Value::Array(values) => {
            let each = values.iter().map(|value| flag(argument, name, value, folder));
            Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
        }
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => {
            Err(wrong(format!("the configuration's {name} is neither text, a whole number, true nor false")))
        }
    }
}

/// Whether this is a path, neither standard input nor a recipient that may stand where a path may.
fn is_path(argument: &Arg, text: &str) -> bool {
    let takes_paths = argument.get_value_parser().type_id() == TypeId::of::<PathBuf>();
    let is_key = ["age1", "ssh-", "ecdsa-", "sk-ssh-"].iter().any(|key| text.trim().starts_with(key));
    text != "-" && (takes_paths || (argument.get_long() == Some("seal-to") && !is_key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Command as Verb;
    use std::io::Write as _;

    fn cli(config: &str, words: &[&str]) -> Result<Cli, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(config.as_bytes()).unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let (verb, rest) = words.split_first().unwrap();
        let words = ["scim-rekey", verb, "--config", &path].into_iter().chain(rest.iter().copied());
        command_line(words.map(OsString::from).collect()).map_err(|error| error.to_string())
    }

    fn concurrency(config: &str, words: &[&str]) -> u16 {
        match cli(config, words).unwrap().command {
            Verb::Run(args) => args.pace.concurrency,
            _ => panic!("not a run"),
        }
    }

    #[test]
    fn a_flag_counts_before_a_profile_and_that_before_the_file() {
        let file = "concurrency = 3\n[profile.fast]\nconcurrency = 7\n";
        assert_eq!(concurrency(file, &["run", "x.csv"]), 3);
        assert_eq!(concurrency(file, &["run", "x.csv", "--profile", "fast"]), 7);
        assert_eq!(concurrency(file, &["run", "--concurrency", "9", "--profile", "fast", "--", "x.csv"]), 9);
        assert_eq!(concurrency("", &["run", "x.csv"]), 16);
    }

    #[test]
    fn a_setting_of_another_command_is_passed_over_and_an_unknown_one_is_not() {
        assert!(matches!(cli("rate = '1/s'", &["check", "x.csv"]).unwrap().command, Verb::Check(_)));
        for bad in
            ["rate = 'soon'", "rate = 1.5", "mfa_path = 'password'", "words = 'many'", "deadline = '25:00'"]
        {
            let name = bad.split_once(' ').map_or("", |(name, _)| name).replace('_', "-");
            let why = cli(bad, &["check", "x.csv"]).unwrap_err();
            assert!(why.contains("the configuration") && why.contains(&name), "{bad}: {why}");
        }
        let others = "state_dir = 'x'\nreadable = true\npassword_in_mail = true\nport = 0\nlookup = 'filter'";
        assert!(cli(others, &["check", "x.csv"]).is_ok());
        let why = cli("max_atempts = 3", &["run", "x.csv"]).unwrap_err();
        assert!(why.contains("max_atempts") && why.contains("did you mean max_attempts?"), "{why}");
        for typed in ["again = true", "yes = true", "sandbox = true", "consent_to_passwords_in_mail = true"] {
            assert!(cli(typed, &["run", "x.csv"]).unwrap_err().contains("each time"), "{typed}");
        }
        let why = cli("[profile.a]\n", &["run", "x.csv", "--profile", "b"]).unwrap_err();
        assert!(why.contains("[profile.b]") && why.ends_with("it has: a"), "{why}");
        let why = cli("rate = '1/s'", &["run", "x.csv", "--profile", "b"]).unwrap_err();
        assert!(why.ends_with("no [profile.b]; it has no profiles"), "{why}");
        assert!(cli("rate = 1.5", &["run", "x.csv"]).unwrap_err().contains("rate"));
        assert!(cli("rate = = 1", &["run", "x.csv"]).unwrap_err().contains("line 1"));
    }

    #[test]
    fn a_rehearsal_needs_no_place() {
        let file = "region = 'mypurecloud.de'\nconcurrency = 2";
        assert_eq!(concurrency(file, &["run", "x.csv", "--sandbox"]), 2);
    }
}
