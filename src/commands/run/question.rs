//! The question before the first change of a run on a real service, where somebody can answer it.
//!
//! Nothing was changed before it is answered with yes, and whatever else happens, nothing stays behind.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::audit::record::RunStart;
use crate::cli::{Lookup, RunArgs};
use crate::commands::{Failure, Talk, same_command};
use crate::config::Further;
use crate::domain::stop::{Halt, Stop};
use crate::domain::text::printable;
use crate::folder::run::RunFolder;
use crate::input::Survey;
use crate::scim::client::Client;
use crate::scim::organization::Organization;
use crate::stops::Stops;
use crate::views::pace::{in_words, time_left};

/// From so many rows on the list of users may spare most look-ups.
const MAY_BE_LISTED: u64 = 100;

/// Whether anybody is to be asked: somebody is there, it is no rehearsal, and nothing was changed yet.
pub(super) fn is_due(args: &RunArgs, talk: &Talk, folder: &RunFolder) -> bool {
    let is_begun = folder.past.as_ref().is_some_and(|past| {
        let tally = past.ledger.tally_with_doubts();
        tally.family("updated") + tally.family("unknown") > 0 || past.ledger.in_doubt() > 0
    });
    talk.asks && !args.yes && !args.sandbox && !args.dry_run && !is_begun
}

/// What somebody should know who says yes.
#[derive(Debug)]
pub(super) struct Question {
    /// Where and how much, line by line.
    facts: Vec<(&'static str, String)>,
    /// What is odd about it.
    warnings: Vec<String>,
}

impl Question {
    /// What is asked for, as far as it is known without the service.
    pub(super) fn new(
        args: &RunArgs,
        further: &Further,
        survey: &Survey,
        start: &RunStart,
        done: u64,
    ) -> Self {
        let rows = match done {
            0 => format!("{} of {}", start.rows, start.input),
            done => format!("{} of {}, {done} of them done", start.rows, start.input),
        };
        let facts = vec![
            ("service", start.target.clone()),
            ("client", start.client_id.clone()),
            ("rows", rows),
            ("sets", sets(args, further, survey, start.notices)),
        ];
        Self { facts, warnings: start.warnings.clone() }
    }

    /// Asks. An error is the end of the run, in which nothing was changed.
    pub(super) async fn ask(
        mut self,
        args: &RunArgs,
        rows: u64,
        client: &Client,
        stops: &mut Stops,
    ) -> Result<(), Failure> {
        let organization = tokio::select! {
            organization = client.organization() => organization.map_err(|halt| halted(&halt))?,
            stop = stops.next() => return Err(stopped(&stop)),
        };
        self.facts.insert(0, ("organisation", called(organization)));
        self.facts.push(("takes", takes(args, rows, client)));
        let mut eyes = before_eyes();
        let _ = eyes.write_all(self.words().as_bytes()).and_then(|()| eyes.flush());
        tokio::select! {
            is_yes = answer() => if is_yes { Ok(()) } else { Err(declined()) },
            stop = stops.next() => {
                let _ = writeln!(eyes);
                Err(stopped(&stop))
            }
        }
    }

    /// All that is shown. Names and addresses come from elsewhere.
    fn words(&self) -> String {
        let facts = self.facts.iter().map(|(name, fact)| format!("  {name:<13} {fact}"));
        let warnings = self.warnings.iter().map(|warning| format!("warning: {warning}"));
        let lines = std::iter::once("about to change users of a real service:".to_owned());
        let lines = lines.chain(facts).chain(warnings).map(|line| printable(&line) + "\n");
        lines.collect::<String>() + "Go on? [y/N] "
    }
}

/// Where whoever types the answer reads: on the terminal itself where standard error goes elsewhere, such as into
/// a log.
fn before_eyes() -> Box<dyn Write> {
    let terminal =
        || ["/dev/stdin", "/dev/tty"].into_iter().find_map(|it| File::options().write(true).open(it).ok());
    match terminal() {
        Some(terminal) if !io::stderr().is_terminal() => Box::new(terminal),
        _ => Box::new(io::stderr()),
    }
}

fn called(organization: Option<Organization>) -> String {
    match organization {
        Some(Organization { name, id }) if id.is_empty() => name,
        Some(Organization { name, id }) => format!("{name} ({id})"),
        None => "the service does not say which".to_owned(),
    }
}

fn takes(args: &RunArgs, rows: u64, client: &Client) -> String {
    let requests = rows.saturating_mul(client.requests_a_row(false, false));
    let limit = client.exchange().pacer().limit();
    let time = time_left(requests, None, limit, Duration::ZERO);
    let Some((time, limit)) = time.zip(limit) else { return "as long as the service makes it".to_owned() };
    let may_be_less = args.service.lookup != Lookup::Filter && rows >= MAY_BE_LISTED;
    let about = if may_be_less { "at most" } else { "about" };
    format!("{about} {}, at {limit:.1} requests/s", in_words(time))
}

/// What will be set, and what else will happen to users.
fn sets(args: &RunArgs, further: &Further, survey: &Survey, tells: bool) -> String {
    let layout = &survey.layout;
    let mut sets = String::new();
    let mut add = |what: &str| {
        let _ = write!(sets, "{}{what}", if sets.is_empty() { "" } else { ", " });
    };
    match (layout.password.is_some(), args.input.generate_passwords) {
        (true, false) => add("the passwords of the file"),
        (true, true) => add("the passwords of the file, or new ones made here"),
        (false, true) => add("new passwords made here"),
        (false, false) => {}
    }
    if layout.phone.is_some() {
        add("MFA by phone");
    }
    let columns = layout.attributes.iter().map(|(_, number)| further.attributes[*number].column.as_str());
    let columns: Vec<_> = columns.collect();
    if !columns.is_empty() {
        add(&printable(&columns.join(", ")));
    }
    if args.passwords.revoke_sessions {
        add("and ends their sessions");
    }
    if args.include_inactive {
        add("disabled accounts too");
    }
    add(if tells { "users are told" } else { "nobody is told" });
    sets
}

/// Whether somebody says yes. The end of standard input is none.
async fn answer() -> bool {
    let (tell, told) = oneshot::channel();
    let ask = move || {
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line);
        if !line.ends_with('\n') {
            let _ = writeln!(io::stderr());
        }
        let is_yes = ["y", "yes"].iter().any(|yes| line.trim().eq_ignore_ascii_case(yes));
        let _ = tell.send(read.is_ok() && is_yes);
    };
    let asking = std::thread::Builder::new().name("question".to_owned()).spawn(ask);
    asking.is_ok() && told.await.unwrap_or(false)
}

/// As if it had been stopped by a key.
const DECLINED: u8 = 130;

fn declined() -> Failure {
    let next = same_command();
    Failure::new(DECLINED, format!("not confirmed, nothing was changed; go on with: {next}"))
}

fn stopped(stop: &Stop) -> Failure {
    let (why, next) = (stop.sentence(), same_command());
    Failure::new(stop.exit_code(), format!("{why}; nothing was changed; go on with: {next}"))
}

fn halted(halt: &Halt) -> Failure {
    match halt {
        Halt::Because(stop) => stopped(stop),
        Halt::Already => stopped(&Stop::Signal(2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisation_is_called_by_its_name_and_id() {
        let named = |id: &str| called(Some(Organization { name: "Example Ltd".into(), id: id.into() }));
        assert_eq!((named("").as_str(), named("7").as_str()), ("Example Ltd", "Example Ltd (7)"));
        assert_eq!(called(None), "the service does not say which");
    }
}
