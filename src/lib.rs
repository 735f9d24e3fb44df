//! Rotates passwords and enforces MFA for the users in a CSV file, over SCIM 2.0.
//!
//! One arrow: **rows → plan → engine → events**. The plan decides without the network what each
//! row asks for; the engine is the only concurrency; everything that leaves it is an event. The audit
//! log is the events on disk, and whatever people read is a fold over it.
//!
//! Two invariants: **every row of the input ends with exactly one outcome**, and **no PATCH leaves
//! before its intent is on disk**.
//!
//! # One row's journey
//!
//! 1. [`input`] reads the whole file once and refuses what cannot be read without doubt. Then it
//!    reads it again, row by row: a [`Row`](domain::target::Row).
//! 2. [`plan`] decides: leave it alone, name what is wrong with it, or do it, as a
//!    [`Target`](domain::target::Target).
//! 3. [`engine`] launches [`Client::find`](scim::client::Client::find). Where the list of users was read
//!    before the first row ([`directory`](scim::directory)), it may know the account already. The request gets its
//!    token from [`auth`](scim::auth), its leave from the [`pacer`](scim::pacer), and what its answer
//!    means from [`retry`](scim::retry). [`identity`](scim::identity) turns the answer into a
//!    [`Ready`](scim::identity::Ready), or into the reason why there is none.
//! 4. A password that is to be made is made here ([`passwords`]). [`record`] gathers it, sealed to those who
//!    may read it ([`handover`]), and the row's intent; one sync of each file puts them on disk together with
//!    all others that are due.
//! 5. Only then [`Client::write`](scim::client::Client::write) sends the PATCH, which takes a
//!    `Ready`: the wrong user does not type-check.
//! 6. The [`Outcome`](domain::outcome::Outcome) goes into the log, then into `outcome.csv`
//!    ([`views`]), the counts and the bar. A PATCH whose effect is unknown goes back to 3.
//! 7. When that is on disk the user is told ([`notices`]); what becomes of the notice touches the row no more.
//!
//! A row may come from a caller of the [`service`] instead of a file: [`reception`] makes it one, and answers
//! the caller when its outcome is on disk.
//!
//! # The house
//!
//! Imports go down only, and the parts of one floor do not know each other.
//!
//! | floor | rooms |
//! |---|---|
//! | the verbs | [`commands`], with [`cli`] (words) and [`config`] (checked settings) |
//! | the loop | [`engine`] |
//! | what holds parts together | [`plan`], [`record`] (what must be on disk first), [`folder`] (the run folder and its locks), [`reception`] (callers of the service become rows) |
//! | the parts | [`input`], [`audit`], [`scim`], [`views`], [`stops`], [`passwords`] (made and judged), [`handover`] (sealed and opened), [`notices`], [`service`] (the HTTP side) |
//! | the ground | [`domain`] (the words we speak), [`files`] (private files), [`failpoint`] |
//! | an island | [`sandbox`], which knows nothing of the rest |
//! | on trial | `simulation` (tests only): whole runs in paused time, judged by what the sandbox really did |
//! | the yard | `fuzz`, where hostile bytes are thrown at the parts; only in tests and fuzzers |
//! | the scales | `bench`, where single parts are weighed; only for `cargo bench --features bench` |

mod audit;
#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod bench;
#[expect(clippy::doc_markdown, reason = "these comments are the help text, which is not Markdown")]
mod cli;
mod commands;
mod config;
mod domain;
mod engine;
mod failpoint;
#[cfg(test)]
mod figures;
mod files;
mod folder;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzz;
#[cfg(all(test, not(fuzzing)))]
mod fuzz;
mod handover;
mod input;
mod notices;
mod passwords;
mod plan;
mod reception;
mod record;
pub mod sandbox;
mod scim;
mod service;
#[cfg(test)]
mod simulation;
mod stops;
mod views;

use std::io::Write as _;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, setrlimit};
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, util::SubscriberInitExt as _};

use crate::views::screen::{self, Screen};

/// Runs the program and returns its exit code.
#[must_use]
pub fn run() -> ExitCode {
    keep_memory_private();
    report_panics_by_place();
    let cli = match config::file::command_line(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(wrong) => {
            let failure = commands::Failure::from(wrong);
            commands::complain_of(&failure);
            return ExitCode::from(failure.code);
        }
    };
    let screen = Screen::default();
    init_logs(cli.verbose, screen.clone());
    let done = panic::catch_unwind(AssertUnwindSafe(|| commands::dispatch(cli, screen)));
    let code = match done {
        Ok(Ok(code)) => code,
        Ok(Err(failure)) => {
            commands::complain_of(&failure);
            failure.code
        }
        Err(_) => 70,
    };
    ExitCode::from(code)
}

/// No core file: it would hold every password that is in memory.
fn keep_memory_private() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// A panic says where, never what: its message may hold a value.
fn report_panics_by_place() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        // The bar may stand where the line begins.
        let erase = if screen::is_drawable() { screen::ERASE } else { "" };
        let _ = writeln!(std::io::stderr(), "{erase}scim-rekey: internal error{place}");
    }));
}

/// Log lines go to standard error, above the bar. Whatever `RUST_LOG` says, other crates' lines below warnings
/// are left out: they print addresses and headers.
fn init_logs(verbose: u8, screen: Screen) {
    let level = match verbose {
        0 => LevelFilter::ERROR,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let wanted = std::env::var("RUST_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let wanted = wanted.unwrap_or_else(|| Targets::new().with_target("scim_rekey", level));
    let ours = filter_fn(|metadata| metadata.target().starts_with("scim_rekey"));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(screen)
        .with_ansi(screen::is_colourful())
        .with_filter(wanted.and(ours));
    tracing_subscriber::registry().with(lines).init();
}
