//! The words of `run` and `retry`, in the order of their help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::InputArgs;
use super::values::{MaxFailures, RateArg, ShardArg, duration, mfa_path, named_file, reason, some_time};

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
