//! `config`: the file of settings, and which settings count.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use serde_json::Value;

use super::{Failure, print, say, serve};
use crate::cli::{ConfigCommand, ShowArgs};
use crate::config::sample::sample;
use crate::config::show::{Setting, Shown, Source, effective};

/// Writes the file, or shows what counts.
pub(crate) fn config(
    command: &ConfigCommand,
    config: Option<&Path>,
    profile: Option<&str>,
) -> Result<u8, Failure> {
    match command {
        ConfigCommand::Init { file } => init(file),
        ConfigCommand::Show(args) => show(args, config, profile),
    }
}

fn init(file: &Path) -> Result<u8, Failure> {
    let failed = |error: std::io::Error| Failure::new(73, format!("{}: {error}", file.display()));
    // Nothing that is there is overwritten, and no link is followed.
    let mut made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed)?;
    // The mode above is cut by the umask.
    made.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    made.write_all(sample().as_bytes()).and_then(|()| made.sync_all()).map_err(failed)?;
    say(file.display());
    Ok(0)
}

fn show(args: &ShowArgs, config: Option<&Path>, profile: Option<&str>) -> Result<u8, Failure> {
    // Behind the command it is taken for a flag of its.
    let (asks, words): (Vec<_>, Vec<_>) = args.words.iter().cloned().partition(|word| word == "--json");
    let shown = effective(&words, config, profile)?;
    check(&shown)?;
    if args.json || !asks.is_empty() {
        print((serde_json::to_string_pretty(&shown).unwrap_or_default() + "\n").as_bytes());
        return Ok(0);
    }
    let said: Vec<_> = shown.settings.iter().map(|setting| (said(setting), source(setting))).collect();
    let widest = said.iter().map(|(said, _)| said.chars().count()).filter(|width| *width <= 60).max();
    let width = widest.unwrap_or_default();
    say(format_args!("# scim-rekey {}", shown.command));
    for (said, source) in said {
        match source {
            Some(source) => say(format_args!("{said:<width$}  # {source}")),
            None => say(said),
        }
    }
    Ok(0)
}

/// What is wrong with the tables is wrong here too.
fn check(shown: &Shown) -> Result<(), Failure> {
    let tells = ["run", "retry", "serve"].contains(&shown.command.as_str());
    let no_notices = shown.settings.iter().any(|it| it.name == "no_notices" && it.value == Value::Bool(true));
    if tells && !no_notices {
        shown.further.notices(shown.password_in_mail)?;
    }
    if shown.command == "serve" && shown.further.serve().is_some() {
        serve::rules(&shown.further)?;
    }
    Ok(())
}

/// The setting as it would stand in the file; what would not is a comment.
fn said(Setting { name, value, hidden, source, .. }: &Setting) -> String {
    match (source, value) {
        (Source::Unset, _) => format!("# {name} is not set"),
        (_, Value::Null) if *hidden => format!("# {name} is set"),
        (_, Value::Null) => format!("# {name} names no file"),
        (_, value) => format!("{name} = {value}"),
    }
}

/// Where it came from, if from anywhere.
fn source(setting: &Setting) -> Option<String> {
    let from = setting.from.clone().unwrap_or_default();
    Some(match setting.source {
        Source::Unset => return None,
        Source::Flag if from.is_empty() => "command line".to_owned(),
        Source::Flag => format!("flag {from}"),
        Source::Environment => format!("environment {from}"),
        Source::Profile => format!("profile {from}"),
        Source::File => format!("file {from}"),
        Source::Credential => format!("credential {from}"),
        Source::Derived => format!("derived from {from}"),
        Source::Default => "default".to_owned(),
    })
}
