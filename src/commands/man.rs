//! `man`: the manual, from the same words as `--help`.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use super::{Failure, print, say};
use crate::cli::{Cli, ManArgs};

/// Prints the main page, or writes all of them.
pub(crate) fn man(args: &ManArgs) -> Result<u8, Failure> {
    let program = built();
    let Some(folder) = &args.output else {
        print(&page(&program).map_err(|error| Failure::new(70, error))?);
        return Ok(0);
    };
    let failed = |error: io::Error| Failure::new(73, format!("{}: {error}", folder.display()));
    fs::create_dir_all(folder).map_err(failed)?;
    write_all(&program, folder).map_err(failed)?;
    say(folder.display());
    Ok(0)
}

/// The command line with its names in full: `scim-rekey-audit-verify`.
fn built() -> Command {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    program
}

/// Exit codes have a section of their own in manuals; in the help they are what comes after it.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let name = display_name(command);
    let mut text = Vec::new();
    writeln!(text, r#".TH "{name}" 1 "" "scim-rekey {}" "User Commands""#, env!("CARGO_PKG_VERSION"))?;
    let man = Man::new(command.clone());
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(&mut text)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    if let Some(codes) = command.get_after_help() {
        writeln!(text, ".SH \"EXIT STATUS\"\n.nf")?;
        let codes = codes.to_string();
        codes
            .lines()
            .skip(1)
            .try_for_each(|line| writeln!(text, "{}", line.trim_start().replace('-', "\\-")))?;
        writeln!(text, ".fi")?;
    }
    Ok(text)
}

fn display_name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// The page of a command and those of the commands below it.
fn write_all(command: &Command, folder: &Path) -> io::Result<()> {
    fs::write(folder.join(format!("{}.1", display_name(command))), page(command)?)?;
    command.get_subcommands().try_for_each(|below| write_all(below, folder))
}
