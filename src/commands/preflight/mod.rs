//! `preflight`: would a run with these settings go through? Asks and looks, and changes nothing: not one
//! request but for the token is anything else than a GET, and not one file is made.
//!
//! The checks stand in the order in which a run meets what they are about, so the exit code is that of the
//! first that failed. What does not depend on a failed one is checked all the same.
//!
//! | file | owns |
//! |---|---|
//! | `rows` | INPUT |
//! | `here` | settings, locks, folder, disk |
//! | `there` | hosts, token, and what needs a token |
//! | `says` | what the service says of itself |
//! | `attributes` | whether it knows what would be set |
//! | `passwords` | what it asks of passwords |
//! | `users` | looking users up, and how long the run would take |
//! | `told` | the way of notices |
//! | `finding`, `show`, `span` | what is found, how it looks, how long things take |

mod attributes;
mod finding;
mod here;
mod passwords;
mod rows;
mod says;
mod show;
mod span;
mod there;
mod told;
mod users;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use self::finding::{Finding, Findings, Sign, exit_code};
use self::rows::Given;
use self::show::Look;
use super::run::{Handing, protected, runtime, target, wanted_service};
use super::{Failure, Talk};
use crate::cli::{InputArgs, PaceArgs, PreflightArgs, RunArgs, UnattendedArgs, When};
use crate::config::Further;
use crate::domain::text::count;

/// Checks everything; the exit code is the one that a run would leave with.
pub(crate) fn preflight(args: PreflightArgs, further: &Further, talk: &Talk) -> Result<u8, Failure> {
    let (is_json, has_input) = (args.json, args.input.is_some());
    let args = as_run(args);
    let look = Look::of_stdout();
    let mut found = Findings::new(|finding| {
        if !is_json && (!talk.quiet || finding.sign != Sign::Ok) {
            show::print(&look.line(finding));
        }
    });
    check(&args, has_input, further, &mut found)?;
    let list = found.into_list();
    if is_json {
        show::print(&show::json(&list));
    }
    let failed: Vec<_> = list.iter().filter(|it| it.sign == Sign::Failed).map(|it| it.check).collect();
    if failed.is_empty() {
        return Ok(0);
    }
    let many = count(failed.len() as u64, "check");
    Err(Failure::new(exit_code(&list), format!("{many} failed: {}; nothing was changed", failed.join(", "))))
}

/// A run with these settings, as far as it can be meant without INPUT.
fn as_run(args: PreflightArgs) -> RunArgs {
    let (default_country, generate_passwords) = (args.default_country, args.generate_passwords);
    let input = args.input.unwrap_or_else(|| PathBuf::from("INPUT"));
    RunArgs {
        input: InputArgs { input, default_country, generate_passwords },
        yes: false,
        dry_run: false,
        sandbox: args.sandbox,
        run_dir: args.run_dir,
        again: false,
        skip_bad_rows: args.skip_bad_rows,
        include_inactive: args.include_inactive,
        protect: args.protect,
        passwords: args.passwords,
        service: args.service,
        pace: soon(args.pace),
        unattended: UnattendedArgs::default(),
        progress: When::Never,
    }
}

/// Preflight has not the patience of a run: one more attempt, and no long wait.
fn soon(mut pace: PaceArgs) -> PaceArgs {
    pace.max_attempts = pace.max_attempts.min(2);
    pace.max_wait = pace.max_wait.min(Duration::from_secs(10));
    pace.max_outage = pace.max_outage.min(Duration::from_secs(3));
    pace.request_timeout = pace.request_timeout.min(Duration::from_secs(15));
    pace
}

/// What checks need of those before them.
struct Known {
    given: Option<Given>,
    protected: HashSet<String>,
}

fn check(
    args: &RunArgs,
    has_input: bool,
    further: &Further,
    found: &mut Findings<'_>,
) -> Result<(), Failure> {
    let runtime = runtime().map_err(|error| Failure::new(70, error))?;
    let handing = settings(args, further, found);
    let given = if has_input { rows::read(args, further, found) } else { None };
    let mut known = Known { given, protected: spared(args, found) };
    let service = wanted_service(args);
    match &service {
        Ok((service, _)) => {
            found.push(here::region(args, service));
            found.push(here::client_turn(args, service));
        }
        Err(failure) => found.push(Finding::refused("configuration", failure)),
    }
    if known.given.is_some() || args.run_dir.is_some() {
        let target = service.as_ref().ok().map(|(service, _)| target(args, service));
        here::folder(args, target.as_deref(), known.given.as_ref().map(Given::rows), found);
    } else if has_input {
        found.push(Finding::not_checked("run-folder", "without INPUT there is no place beside it"));
    }
    match service {
        Ok((service, _sandbox)) => {
            runtime.block_on(there::ask(args, further, service, &mut known, found));
        }
        Err(_) => there::skip("the configuration does not say whom to ask", &known, found),
    }
    if let Some(handing) = handing {
        found.push(runtime.block_on(told::knock(args, &handing)));
    }
    Ok(())
}

/// Whether the settings are fit for a run, passwords and notices among them.
fn settings(args: &RunArgs, further: &Further, found: &mut Findings<'_>) -> Option<Handing> {
    match Handing::of(args, further) {
        Ok(handing) => Some(handing),
        Err(failure) => {
            found.push(Finding::refused("settings", &failure));
            None
        }
    }
}

/// The users never to touch.
fn spared(args: &RunArgs, found: &mut Findings<'_>) -> HashSet<String> {
    let users = protected(args);
    match &users {
        Ok(users) if args.protect.is_some() => {
            found.push(Finding::ok("protect", count(users.len() as u64, "protected user")));
        }
        Ok(_) => {}
        Err(failure) => {
            found.push(Finding::failed("protect", failure.code, &failure.words, "mend the file"));
        }
    }
    users.unwrap_or_default()
}
