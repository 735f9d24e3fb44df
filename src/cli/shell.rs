//! `completions` and `man`: what a shell and a reader of manuals are told of the command line.

use std::path::PathBuf;

use clap::{Args, Command, ValueHint};
use clap_complete::Shell;

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell that is to be taught
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write the pages of all commands into this folder [default: the main page, to standard output]
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
}

/// The command line with what each value is, so that a shell offers files where a file is meant.
pub(crate) fn hinted(command: Command) -> Command {
    let command = command.mut_args(|argument| {
        let names = argument.get_value_names().unwrap_or_default().join("|").to_ascii_uppercase();
        let hint = match names.as_str() {
            "DIR" | "RUN_DIR" => ValueHint::DirPath,
            "FILE" | "INPUT" => ValueHint::FilePath,
            "URL" => ValueHint::Url,
            several if several.contains("FILE") || several.contains("DIR") => ValueHint::AnyPath,
            _ => return argument,
        };
        argument.value_hint(hint)
    });
    command.mut_subcommands(hinted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory as _;

    /// Each value that is a path, by what it is completed to.
    fn paths(command: &Command, found: &mut Vec<(String, ValueHint)>) {
        for argument in command.get_arguments() {
            let is_path = argument.get_value_parser().type_id() == std::any::TypeId::of::<PathBuf>();
            if is_path || argument.get_long() == Some("seal-to") {
                found.push((
                    format!("{} {}", command.get_name(), argument.get_id()),
                    argument.get_value_hint(),
                ));
            }
        }
        command.get_subcommands().for_each(|below| paths(below, found));
    }

    #[test]
    fn every_path_is_completed_to_paths() {
        let (mut found, hints) = (Vec::new(), [ValueHint::DirPath, ValueHint::FilePath, ValueHint::AnyPath]);
        paths(&hinted(Cli::command()), &mut found);
        assert!(found.len() > 15, "{found:?}");
        for (name, hint) in &found {
            assert!(hints.contains(hint), "{name}: {hint:?}");
        }
        let hint = |name: &str| found.iter().find(|(found, _)| found == name).unwrap().1;
        assert_eq!(hint("run run_dir"), ValueHint::DirPath);
        assert_eq!(hint("run client_secret_file"), ValueHint::FilePath);
        assert_eq!(hint("run seal_to"), ValueHint::AnyPath);
    }
}
