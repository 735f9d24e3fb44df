//! Which settings count for a command line, and where each came from.
//!
//! One invariant: no secret is read, so none can be shown: it is said where it would come from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory as _};
use serde::Serialize;
use serde_json::Value;

use super::file::{Lacking, Origin, Understood, asked_for, understand};
use super::{Further, Misconfigured};
use crate::cli::Cli;

mod service;
mod table;

/// The settings of a command.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    /// The command, such as `run`.
    pub(crate) command: String,
    /// Its settings.
    pub(crate) settings: Vec<Setting>,
    /// The tables, checked.
    #[serde(skip)]
    pub(crate) further: Further,
    /// Whether notices may hold passwords.
    #[serde(skip)]
    pub(crate) password_in_mail: bool,
}

/// One of them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Setting {
    /// As in the file.
    pub(crate) name: String,
    /// Null for one that is not set, and for what is not shown.
    pub(crate) value: Value,
    /// Whether it has a value that is not shown.
    pub(crate) hidden: bool,
    /// What kind of place it came from.
    pub(crate) source: Source,
    /// Which: the name of the flag, variable, profile, file or credential.
    pub(crate) from: Option<String>,
}

/// Where a setting came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// The command line.
    Flag,
    /// A variable.
    Environment,
    /// A profile of the configuration.
    Profile,
    /// The configuration, above all profiles.
    File,
    /// What systemd hands to a service.
    Credential,
    /// It follows from another setting.
    Derived,
    /// Nobody said anything.
    Default,
    /// Likewise, and there is no default.
    Unset,
}

/// The settings that count for these words, which may lack what the command needs.
pub(crate) fn effective(
    words: &[OsString],
    config: Option<&Path>,
    profile: Option<&str>,
) -> Result<Shown, Misconfigured> {
    let mut line = vec![OsString::from("scim-rekey")];
    for (flag, value) in
        [("--config=", config.map(Path::as_os_str)), ("--profile=", profile.map(str::as_ref))]
    {
        if let Some(value) = value {
            let mut word = OsString::from(flag);
            word.push(value);
            line.push(word);
        }
    }
    if words.first().is_none_or(|word| word.to_string_lossy().starts_with('-')) {
        line.push("run".into());
    }
    line.extend_from_slice(words);
    Asked::of(&understand(line, Lacking::Taken)?)
}

/// What is known while the settings are gathered.
struct Asked<'a> {
    matches: &'a ArgMatches,
    origins: &'a BTreeMap<String, Origin>,
    config: Option<String>,
    profile: Option<String>,
    /// The sandbox needs no place and no name.
    rehearses: bool,
}

impl Asked<'_> {
    fn of(Understood { matches, tables, origins }: &Understood) -> Result<Shown, Misconfigured> {
        let program = Cli::command();
        let (command, asked) = asked_for(&program, matches);
        let config = matches.get_one::<PathBuf>("config");
        let asked = Asked {
            matches: asked,
            origins,
            config: config.map(|path| path.display().to_string()),
            profile: matches.get_one::<String>("profile").cloned(),
            rehearses: asked.try_get_one::<bool>("sandbox").is_ok_and(|flag| flag == Some(&true)),
        };
        let further = Further::of_tables(tables, config.map(PathBuf::as_path))?;
        let mut settings: Vec<_> =
            command.get_arguments().filter_map(|argument| asked.setting(argument)).collect();
        asked.find_service(&mut settings)?;
        settings.extend(asked.tables(tables));
        let flag = |name| asked.matches.try_get_one::<bool>(name).is_ok_and(|flag| flag == Some(&true));
        Ok(Shown {
            command: command.get_name().to_owned(),
            settings,
            further,
            password_in_mail: flag("password_in_mail"),
        })
    }

    fn setting(&self, argument: &Arg) -> Option<Setting> {
        if matches!(
            argument.get_action(),
            ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
        ) {
            return None;
        }
        let id = argument.get_id().as_str();
        let name = argument.get_long().map_or_else(|| id.to_owned(), |long| long.replace('-', "_"));
        let (source, from) = match self.matches.value_source(id) {
            Some(ValueSource::CommandLine) => self.said(argument),
            Some(_) => (Source::Default, None),
            None => (Source::Unset, None),
        };
        Some(Setting { name, value: self.value(argument), hidden: false, source, from })
    }

    /// Where what stands on the command line really came from.
    fn said(&self, argument: &Arg) -> (Source, Option<String>) {
        let Some(long) = argument.get_long() else { return (Source::Flag, None) };
        match self.origins.get(long) {
            None => (Source::Flag, Some(format!("--{long}"))),
            Some(origin) => self.origin(*origin),
        }
    }

    fn origin(&self, origin: Origin) -> (Source, Option<String>) {
        match origin {
            Origin::Profile => (Source::Profile, self.profile.clone()),
            Origin::File => (Source::File, self.config.clone()),
        }
    }

    fn value(&self, argument: &Arg) -> Value {
        let id = argument.get_id().as_str();
        let raw = self.matches.try_get_raw(id).ok().flatten().into_iter().flatten();
        let mut values: Vec<_> = raw.map(|value| value.to_string_lossy().into_owned()).collect();
        match argument.get_action() {
            ArgAction::SetTrue => Value::Bool(values.pop().is_some_and(|value| value == "true")),
            ArgAction::Append => values.into(),
            _ => match values.pop() {
                // A path that leads nowhere may be the secret itself, given by mistake.
                Some(value) if id == "client_secret_file" && !is_there(&value) => Value::Null,
                Some(value) => value.parse::<u64>().map_or_else(|_| value.into(), Value::from),
                None => Value::Null,
            },
        }
    }
}

fn is_there(path: &str) -> bool {
    path == "-" || Path::new(path).exists()
}

/// A variable that is set and not empty.
fn value_of(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}
