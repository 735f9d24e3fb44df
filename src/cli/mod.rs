//! The words of the command line, and nothing else: no default that matters, no check beyond
//! shape. No flag takes a secret.

mod ask;
mod check;
#[cfg(test)]
mod pages;
mod run;
mod settings;
mod shell;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::domain::phone::Country;

pub(crate) use ask::{RunsArgs, StatusArgs};
pub(crate) use check::{CheckArgs, PreflightArgs};
pub(crate) use run::{
    AttributeStyle, Lookup, PaceArgs, PasswordArgs, PasswordEncoding, PasswordRoute, PolicyOf, RetryArgs,
    RunArgs, ServiceArgs, TokenAuth, UnattendedArgs, When,
};
pub(crate) use settings::{ConfigCommand, ShowArgs};
pub(crate) use shell::{CompletionsArgs, ManArgs, hinted};
use values::hash;
pub(crate) use values::{RateArg, ShardArg};

/// Rotate passwords and enforce MFA for the users in a CSV file, over SCIM 2.0.
#[derive(Debug, Parser)]
#[command(name = "scim-rekey", version, max_term_width = 100, after_help = EXIT_CODES, args_override_self = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Say more on standard error; twice for every step
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,

    /// Say nothing but errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Settings in TOML, by the names of the flags; what is on the command line or in the environment counts first
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Settings of [profile.NAME] in that file, before those that stand above all profiles
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// What the configuration file holds that no flag can.
    #[arg(skip)]
    pub(crate) tables: Tables,
}

/// The tables of the configuration file, unread.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    /// Columns that set further attributes.
    pub(crate) attributes: Option<toml::Value>,
    /// How users are told.
    pub(crate) notices: Option<toml::Value>,
    /// The service.
    pub(crate) serve: Option<toml::Value>,
}

const EXIT_CODES: &str = "\
Exit codes:
  0 done            3 some failed       4 some unknown       2 wrong usage
  65 input refused  66 no input         69 service down      70 internal error
  73 no output      74 audit log lost   75 try later         77 refused
  78 configuration, TLS, redirect       129, 130, 143 stopped by a signal";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Do the job: read, look up, patch, record. The same command line continues an interrupted run
    Run(Box<RunArgs>),
    /// A new run over only those rows that ended failed, unknown or pending in an earlier one
    Retry(Box<RetryArgs>),
    /// Validate the whole file and list every bad line; no network
    Check(CheckArgs),
    /// Ask and look, and change nothing: would a run with these settings go through?
    Preflight(Box<PreflightArgs>),
    /// Say where a run stands, also while it is running
    Status(StatusArgs),
    /// List run folders with their verdicts, the newest first
    Runs(RunsArgs),
    /// Make outcome.csv, summary.json and report.html again from audit.jsonl, or those of several runs as one
    Report {
        /// The run folder; several are merged: the shards of one INPUT, or a run and its retries
        #[arg(required = true, value_name = "RUN_DIR")]
        run_dirs: Vec<PathBuf>,

        /// Where the files go that several runs are merged into; made if it is missing
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
    /// Print generated passwords as CSV, for whoever holds the key that they were sealed to
    Unseal(UnsealArgs),
    /// Check audit logs
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Reset single users on request, over HTTP, for the callers that the configuration names
    Serve(Box<ServeArgs>),
    /// Serve the sandbox on loopback until stopped; print its addresses and credentials
    Sandbox(SandboxArgs),
    /// Write a configuration file, or show which settings count and where they come from
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print a script that completes command lines
    Completions(CompletionsArgs),
    /// Print the manual page
    Man(ManArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Check the hash chain; say the first bad sequence number
    Verify {
        /// The audit.jsonl
        file: PathBuf,

        /// A record's hash that was kept elsewhere: finds a tail that was cut off, or a log that was
        /// written anew. May be given more than once
        #[arg(long, value_name = "HASH", value_parser = hash)]
        checkpoint: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct InputArgs {
    /// CSV with the columns email, password, mfa_phone; - for standard input
    pub(crate) input: PathBuf,

    /// Country of phone numbers without +, such as DE
    #[arg(long, value_name = "CODE")]
    pub(crate) default_country: Option<Country>,

    /// Make a password for each row whose password cell is empty; see --seal-to
    #[arg(long)]
    pub(crate) generate_passwords: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UnsealArgs {
    /// A run folder, or a generated.csv.age by itself
    #[arg(value_name = "RUN_DIR|FILE")]
    pub(crate) from: PathBuf,

    /// File with an age identity (AGE-SECRET-KEY-...)
    #[arg(long, value_name = "FILE")]
    pub(crate) identity: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Folder of the service's audit log and sealed passwords; the same after every start
    #[arg(long, value_name = "DIR", required_unless_present = "new_caller")]
    pub(crate) state_dir: Option<PathBuf>,

    /// Print a key for a caller and its SHA-256 for [[serve.caller]], and do nothing else
    #[arg(long)]
    pub(crate) new_caller: bool,

    /// Reset users of the built-in sandbox; no credentials needed
    #[arg(long, conflicts_with_all = ["scim_url", "token_url", "client_id", "client_secret_file", "region"])]
    pub(crate) sandbox: bool,

    /// Reset disabled accounts too
    #[arg(long)]
    pub(crate) include_inactive: bool,

    /// Never touch these users: a file with one e-mail a line
    #[arg(long, value_name = "FILE")]
    pub(crate) protect: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) passwords: PasswordArgs,

    #[command(flatten)]
    pub(crate) service: ServiceArgs,

    #[command(flatten)]
    pub(crate) pace: PaceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SandboxArgs {
    /// Port on 127.0.0.1; 0 for any
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,

    /// Script of faults (JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,

    /// Rate limit for each token, such as 300/min [default: none]
    #[arg(long, value_name = "RATE")]
    pub(crate) limit: Option<RateArg>,

    /// Seconds that a token lives
    #[arg(long, default_value_t = 86_400, value_name = "SECONDS")]
    pub(crate) token_life: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
