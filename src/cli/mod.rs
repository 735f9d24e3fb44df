//! The words of the command line, and nothing else: no default that matters, no check beyond
//! shape. No flag takes a secret.

mod ask;
#[cfg(test)]
mod pages;
mod settings;
mod shell;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::domain::phone::Country;

pub(crate) use ask::{RunsArgs, StatusArgs};
pub(crate) use settings::{ConfigCommand, ShowArgs};
pub(crate) use shell::{CompletionsArgs, ManArgs, hinted};
pub(crate) use values::{MaxFailures, RateArg, ShardArg};
use values::{duration, hash, mfa_path, named_file, reason, some_time};

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

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,

    /// Everything but the PATCH: nothing is changed
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Rehearse against the built-in sandbox; no credentials needed
    #[arg(long, conflicts_with_all = ["scim_url", "token_url", "client_id", "client_secret_file", "region"])]
    pub(crate) sandbox: bool,

    /// Where the run's files go [default: for users.csv, users.runs/RUN_ID/ beside it]
    #[arg(long, value_name = "DIR")]
    pub(crate) run_dir: Option<PathBuf>,

    /// Run it again although it is complete
    #[arg(long)]
    pub(crate) again: bool,

    /// Do not ask before the first change. Nobody is asked but at a terminal
    #[arg(short, long)]
    pub(crate) yes: bool,

    /// Go on past bad lines; they end as failed / invalid_row
    #[arg(long)]
    pub(crate) skip_bad_rows: bool,

    /// Change disabled accounts too
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

    #[command(flatten)]
    pub(crate) unattended: UnattendedArgs,

    /// Draw a bar on a terminal, or never
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN")]
    pub(crate) progress: When,
}

#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// The folder of the earlier run
    #[arg(value_name = "RUN_DIR")]
    pub(crate) earlier: PathBuf,

    /// Only rows that ended for this reason, such as unavailable; may be given more than once
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub(crate) reason: Vec<String>,

    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// Which passwords, and how they reach their users.
#[derive(Debug, Args)]
#[command(next_help_heading = "Passwords")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct PasswordArgs {
    /// Generated passwords without letters and digits that are mistaken for each other
    #[arg(long, conflicts_with = "words")]
    pub(crate) readable: bool,

    /// Generated passwords of so many words
    #[arg(long, value_name = "N")]
    pub(crate) words: Option<u8>,

    /// Who can read generated passwords: an age recipient (age1...) or a file of them; may be given more than once. They are sealed into the run folder before they are sent
    #[arg(long, value_name = "RECIPIENT|FILE")]
    pub(crate) seal_to: Vec<String>,

    /// What a given password is held against: the vendor's documented policy (short ones are warned of), the organisation's own, read before the first row (rows that fall short are not sent), or nothing
    #[arg(long, value_enum, default_value = "documented", value_name = "WHOSE")]
    pub(crate) password_policy: PolicyOf,

    /// How passwords are written on the wire. With sha256-hex the digest is what the service keeps as the password, unless it declares to expect one
    #[arg(long, value_enum, default_value = "plain", value_name = "HOW")]
    pub(crate) password_encoding: PasswordEncoding,

    /// Send digests to Genesys Cloud all the same
    #[arg(long)]
    pub(crate) force_password_encoding: bool,

    /// How passwords are set: in the PATCH, or by the vendor's own POST /api/v2/users/{id}/password after it
    #[arg(long, value_enum, default_value = "scim", value_name = "ROUTE")]
    pub(crate) password_route: PasswordRoute,

    /// End each user's sessions after the change (DELETE /api/v2/tokens/{id})
    #[arg(long)]
    pub(crate) revoke_sessions: bool,

    /// Tell nobody, whatever the configuration says of notices
    #[arg(long)]
    pub(crate) no_notices: bool,

    /// Put the generated password into the notice. Mail is read by others; prefer a claim_url for notices
    #[arg(long, requires_all = ["seal_to", "consent_to_passwords_in_mail"])]
    pub(crate) password_in_mail: bool,

    /// Say that passwords may be in mail
    #[arg(long)]
    pub(crate) consent_to_passwords_in_mail: bool,
}

/// The service and who we are to it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub(crate) struct ServiceArgs {
    /// OAuth client id [env: GENESYS_CLIENT_ID, GENESYSCLOUD_OAUTHCLIENT_ID] [systemd credential: client-id]
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,

    /// File (0600) with the client secret, - for standard input [env for the secret itself: GENESYS_CLIENT_SECRET, GENESYSCLOUD_OAUTHCLIENT_SECRET] [systemd credential: client-secret]
    #[arg(long, value_name = "FILE")]
    pub(crate) client_secret_file: Option<PathBuf>,

    /// Domain or AWS name, such as mypurecloud.de or eu-central-1 [env: GENESYS_REGION, GENESYSCLOUD_REGION] [default: mypurecloud.com]
    #[arg(long)]
    pub(crate) region: Option<String>,

    /// SCIM base URL [env: GENESYS_SCIM_URL] [default: https://api.{region}/api/v2/scim/v2]
    #[arg(long, value_name = "URL")]
    pub(crate) scim_url: Option<String>,

    /// Token endpoint [env: GENESYS_TOKEN_URL] [default: https://login.{region}/oauth/token]
    #[arg(long, value_name = "URL")]
    pub(crate) token_url: Option<String>,

    /// How the client authenticates
    #[arg(long, value_enum, default_value = "basic", value_name = "HOW")]
    pub(crate) token_auth: TokenAuth,

    /// OAuth scope [default: none sent]
    #[arg(long)]
    pub(crate) scope: Option<String>,

    /// A further root certificate (PEM); certificates are always checked
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,

    /// SCIM path of the MFA attribute
    #[arg(long, default_value = "mfaSettings", value_name = "PATH", value_parser = mfa_path)]
    pub(crate) mfa_path: String,

    /// Value of mfaType
    #[arg(long, default_value = "phone", value_name = "TYPE")]
    pub(crate) mfa_type: String,

    /// Where further attributes stand in the PATCH: operations with their paths, or an Extensions array for receivers that want one
    #[arg(long, value_enum, default_value = "paths", value_name = "HOW")]
    pub(crate) attribute_style: AttributeStyle,

    /// How users are found: each by a filter, in the list of all users (directory), or whichever takes fewer requests
    #[arg(long, value_enum, default_value = "auto", value_name = "HOW")]
    pub(crate) lookup: Lookup,
}

/// How fast and how long.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pace and patience")]
pub(crate) struct PaceArgs {
    /// Requests with one token, look-ups and patches together, evenly spaced: 300/min, 100/s, auto (as the service's inin-ratelimit headers allow, 300/min before it says), unlimited. Lower limits in those headers are kept to in any case
    #[arg(long, default_value = "300/min")]
    pub(crate) rate: RateArg,

    /// Tokens of this client to use side by side, each at the whole --rate, 1 to 50. The vendor allows 300 requests a minute for each token, and its own Terraform provider pools tokens of one client. If all are refused together, they share a limit: the run goes on with one
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=50))]
    pub(crate) tokens: u16,

    /// Rows in flight; should be no less than tokens x requests a second x seconds that an answer takes
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) concurrency: u16,

    /// Attempts per request
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) max_attempts: u32,

    /// The longest that one request may take
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = some_time)]
    pub(crate) request_timeout: Duration,

    /// Longest wait the server may ask for
    #[arg(long, default_value = "15m", value_name = "TIME", value_parser = duration)]
    pub(crate) max_wait: Duration,

    /// Stop after an outage of this length
    #[arg(long, default_value = "5m", value_name = "TIME", value_parser = duration)]
    pub(crate) max_outage: Duration,

    /// Stop after this long
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) max_duration: Option<Duration>,

    /// Stop at this time of day, local time
    #[arg(long, value_name = "HH:MM")]
    pub(crate) deadline: Option<jiff::civil::Time>,

    /// Stop after so many failed rows: a number or a percentage of the rows
    #[arg(long, value_name = "N|N%")]
    pub(crate) max_failures: Option<MaxFailures>,

    /// Wait this long for another run to finish
    #[arg(long, default_value = "0s", value_name = "TIME", value_parser = duration)]
    pub(crate) lock_wait: Duration,
}

/// What schedulers and monitors want.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Unattended")]
pub(crate) struct UnattendedArgs {
    /// Put summary.json there as well, - for standard output; also when the run fails, and {"exit_code", "error"} where it fails before it has a folder
    #[arg(long, value_name = "FILE")]
    pub(crate) summary: Option<PathBuf>,

    /// Write how it went for Prometheus, as node_exporter's textfile collector reads it (NAME.prom, mode 0644)
    #[arg(long, value_name = "FILE", value_parser = named_file)]
    pub(crate) metrics: Option<PathBuf>,

    /// Wait before the first request, at random up to this long, but never more than half of the time to --deadline
    #[arg(long, default_value = "0s", value_name = "TIME", value_parser = duration)]
    pub(crate) start_jitter: Duration,

    /// Only part K of N of the rows, divided by user; auto/N takes K from JOB_COMPLETION_INDEX, which a Kubernetes Indexed Job sets. Each part runs on a machine of its own, with a token of its own at the whole --rate
    #[arg(long, value_name = "K/N")]
    pub(crate) shard: Option<ShardArg>,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    Auto,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TokenAuth {
    Basic,
    Body,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyOf {
    Documented,
    Organization,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PasswordEncoding {
    Plain,
    Sha256Hex,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PasswordRoute {
    Scim,
    Platform,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AttributeStyle {
    Paths,
    Extensions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lookup {
    Filter,
    Directory,
    Auto,
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
