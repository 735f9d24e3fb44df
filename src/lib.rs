//! scratch

mod audit;
#[expect(clippy::doc_markdown, reason = "these comments are the help text, which is not Markdown")]
mod cli;
mod commands;
mod config;
mod domain;
mod engine;
mod failpoint;
mod folder;
mod input;
mod plan;
mod record;
pub mod sandbox;
mod scim;
mod stops;
mod views;

use std::io::{IsTerminal as _, Write as _};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use clap::Parser as _;
use rustix::process::{Resource, Rlimit, setrlimit};
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, util::SubscriberInitExt as _};

/// Runs the program and returns its exit code.
#[must_use]
pub fn run() -> ExitCode {
    keep_memory_private();
    report_panics_by_place();
    let cli = cli::Cli::parse();
    init_logs(cli.verbose);
    let done = panic::catch_unwind(AssertUnwindSafe(|| commands::dispatch(cli)));
    let code = match done {
        Ok(Ok(code)) => code,
        Ok(Err(failure)) => {
            commands::complain(format_args!("scim-rekey: {}", failure.words));
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
        let _ = writeln!(std::io::stderr(), "scim-rekey: internal error{place}");
    }));
}

/// Log lines go to standard error. Whatever `RUST_LOG` says, other crates' lines below warnings
/// are left out: they print addresses and headers.
fn init_logs(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::ERROR,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let wanted = std::env::var("RUST_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let wanted = wanted.unwrap_or_else(|| Targets::new().with_target("scim_rekey", level));
    let ours = filter_fn(|metadata| metadata.target().starts_with("scim_rekey"));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_filter(wanted.and(ours));
    tracing_subscriber::registry().with(lines).init();
}
