//! `config`: writing a configuration file, and asking which settings count.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Write a configuration file that names every setting, each with its default and its help. No file is overwritten
    Init {
        /// Where to
        #[arg(value_name = "FILE", default_value = "scim-rekey.toml")]
        file: PathBuf,
    },
    /// Print the settings that would count, and where each came from; no secret is shown
    Show(ShowArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Print them in JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// The command line that is asked about, without the program's name, such as: run users.csv --rate 100/s. What it needs may be left out [default: run]
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) words: Vec<OsString>,
}
