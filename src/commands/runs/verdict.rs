//! One run in a list of runs.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::audit::replay::Past;
use crate::audit::tail::{Tail, tail};
use crate::commands::read_past;
use crate::commands::status::facts::State;
use crate::domain::tally::Tally;
use crate::files;
use crate::folder::lock::{Lock, Standing, folder_lock};
use crate::folder::run::LOG;
use crate::views::summary::{self, Summary};

/// A folder, and the run in it or why there is none.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    pub(super) run_dir: String,
    #[serde(flatten)]
    told: Option<Told>,
    state: Option<State>,
    /// Why nothing can be said of it.
    error: Option<String>,
}

/// What is said of a run, by the names of summary.json.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    run_id: String,
    input: String,
    dry_run: bool,
    started_at: String,
    finished_at: Option<String>,
    exit_code: Option<u8>,
    rows: u64,
    outcomes: BTreeMap<String, u64>,
    audit_head: String,
}

impl Verdict {
    pub(super) fn of(folder: &Path) -> Self {
        let run_dir = folder.display().to_string();
        let log = folder.join(LOG);
        if !log.exists() {
            let error = Some(format!("no run folder: it holds no {LOG}"));
            return Self { run_dir, told: None, state: None, error };
        }
        // First, as for `status`: a run may end in between, and then it has.
        let is_held = matches!(Lock::standing(&folder_lock(folder)), Standing::Held(_));
        let found = match current(folder) {
            Some((told, tail)) => Ok((told, tail.end)),
            None => read_past(folder).map(|past| (Told::of(&past), past.ended)),
        };
        match found {
            Ok((told, end)) => {
                // A service has no last row: told to end, it is done.
                let complete = end.map(|end| end.complete || end.stopped.is_none());
                let state = match (is_held, complete) {
                    (true, _) => State::Running,
                    (false, Some(true)) => State::Complete,
                    (false, Some(false)) => State::Stopped,
                    (false, None) => State::Died,
                };
                Self { run_dir, told: Some(told), state: Some(state), error: None }
            }
            Err(failure) => Self { run_dir, told: None, state: None, error: Some(failure.words) },
        }
    }

    /// When it began; nothing if nobody can tell.
    pub(super) fn began(&self) -> Option<&str> {
        self.told.as_ref().map(|told| told.started_at.as_str())
    }

    /// When, how many, of what, how it ended, and where.
    pub(super) fn cells(&self) -> [String; 5] {
        let Some(told) = &self.told else {
            let why = self.error.clone().unwrap_or_default();
            return ["-".to_owned(), String::new(), "-".to_owned(), why, self.run_dir.clone()];
        };
        // To the second, which is what people look for.
        let began = told.started_at.get(..19).map_or_else(|| told.started_at.clone(), |at| format!("{at}Z"));
        [began, told.rows.to_string(), told.input.clone(), self.words(told), self.run_dir.clone()]
    }

    fn words(&self, told: &Told) -> String {
        let code = told.exit_code.unwrap_or_default();
        let state = match self.state {
            Some(State::Running) => "running".to_owned(),
            Some(State::Complete) => format!("complete ({code})"),
            Some(State::Stopped) => format!("stopped ({code})"),
            Some(State::Died) | None => "died".to_owned(),
        };
        let kind = if told.dry_run { "dry run " } else { "" };
        // In the order of the documentation.
        let rows = |family: &str| told.outcomes.get(family).copied().filter(|rows| *rows > 0);
        let families = Tally::default().families().into_iter();
        let counts: Vec<_> =
            families.filter_map(|(family, _)| Some(format!("{} {family}", rows(family)?))).collect();
        let colon = if counts.is_empty() { "" } else { ": " };
        format!("{kind}{state}{colon}{}", counts.join(", "))
    }
}

impl Told {
    fn of(past: &Past) -> Self {
        let (outcomes, ..) = Summary::counts(&past.ledger.tally_with_doubts());
        Self {
            run_id: past.run_id.clone(),
            input: past.start.input.clone(),
            dry_run: past.start.dry_run,
            started_at: past.started_at.clone(),
            finished_at: past.ended.as_ref().map(|_| past.last_at.clone()),
            exit_code: past.ended.as_ref().map(|end| end.exit_code),
            rows: past.start.rows,
            outcomes: outcomes.into_iter().map(|(family, rows)| (family.to_owned(), rows)).collect(),
            audit_head: past.end.head.hash.clone(),
        }
    }
}

/// What summary.json says, if the log has nothing to add.
fn current(folder: &Path) -> Option<(Told, Tail)> {
    let tail = tail(&mut files::open_read(&folder.join(LOG)).ok()?).ok()??;
    let told: Told = serde_json::from_slice(&files::read(&folder.join(summary::NAME)).ok()?).ok()?;
    (told.audit_head == tail.hash).then_some((told, tail))
}
