//! The words of what comes before a run: `check` and `preflight`.

use std::path::PathBuf;

use clap::Args;

use super::{InputArgs, PaceArgs, PasswordArgs, PolicyOf, ServiceArgs};
use crate::domain::phone::Country;

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,

    /// What a given password is held against. The organisation's own policy is not asked for here: the documented one takes its place
    #[arg(long, value_enum, default_value = "documented", value_name = "WHOSE")]
    pub(crate) password_policy: PolicyOf,

    /// Say it in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct PreflightArgs {
    /// CSV that is to be run, - for standard input; without it nothing is said about rows
    pub(crate) input: Option<PathBuf>,

    /// Country of phone numbers without +, such as DE
    #[arg(long, value_name = "CODE")]
    pub(crate) default_country: Option<Country>,

    /// As in run: make a password for each row whose password cell is empty
    #[arg(long)]
    pub(crate) generate_passwords: bool,

    /// Say it in JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Ask the built-in sandbox; no credentials needed
    #[arg(long, conflicts_with_all = ["scim_url", "token_url", "client_id", "client_secret_file", "region"])]
    pub(crate) sandbox: bool,

    /// Where the run's files would go
    #[arg(long, value_name = "DIR")]
    pub(crate) run_dir: Option<PathBuf>,

    /// Bad lines would be left out
    #[arg(long)]
    pub(crate) skip_bad_rows: bool,

    /// Disabled accounts would be changed too
    #[arg(long)]
    pub(crate) include_inactive: bool,

    /// Users who would not be touched: a file with one e-mail a line
    #[arg(long, value_name = "FILE")]
    pub(crate) protect: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) passwords: PasswordArgs,

    #[command(flatten)]
    pub(crate) service: ServiceArgs,

    #[command(flatten)]
    pub(crate) pace: PaceArgs,
}
