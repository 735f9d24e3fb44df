//! What must be on disk first, and who may fail.
//!
//! Events are gathered, then [`Record::commit`] puts them into the audit log with one sync, and
//! only then into everything that people read. Nothing may be done that needs a record before
//! `commit` has returned.

mod claims;

use std::io;
use std::time::Duration;

use self::claims::Claims;
use crate::audit::accounts::Accounts;
use crate::audit::course::Course;
use crate::audit::ledger::Ledger;
use crate::audit::log::{Log, Stamp};
use crate::audit::owed::Owed;
use crate::audit::record::{Body, Notify, Traffic};
use crate::audit::replay::End;
use crate::domain::event::{Done, Intent};
use crate::domain::outcome::{Outcome, Standing};
use crate::domain::secret::Secret;
use crate::domain::tally::Tally;
use crate::domain::target::Target;
use crate::failpoint;
use crate::folder::lock::Lock;
use crate::handover::sealed::{Entry, Sealed};
use crate::views::outcomes::OutcomeFile;

/// What is left of a record when it is closed.
#[derive(Debug)]
pub(crate) struct Closed {
    /// Where the rows stand.
    pub(crate) ledger: Ledger,
    /// Who is owed a notice, if users are told.
    pub(crate) owed: Option<Owed>,
    /// How the traffic went.
    pub(crate) course: Course,
    /// How far the log goes.
    pub(crate) end: End,
    /// Until it is dropped the folder is ours.
    pub(crate) lock: Lock,
}

/// The record of one run, while it is written.
#[derive(Debug)]
pub(crate) struct Record {
    log: Log,
    ledger: Ledger,
    claims: Claims,
    outcomes: OutcomeFile,
    sealed: Option<Sealed>,
    owed: Option<Owed>,
    finished: Vec<(Done, String)>,
    keeps_ends: bool,
    settled: Vec<Done>,
    lock: Lock,
}

impl Record {
    /// Goes on with a log, whose rows stand as the ledger says.
    pub(crate) fn new(
        log: Log,
        ledger: Ledger,
        accounts: Accounts,
        outcomes: OutcomeFile,
        sealed: Option<Sealed>,
        lock: Lock,
    ) -> Self {
        Self {
            log,
            ledger,
            claims: Claims::new(accounts),
            outcomes,
            sealed,
            owed: None,
            finished: Vec::new(),
            keeps_ends: false,
            settled: Vec::new(),
            lock,
        }
    }

    /// Seals a password. It may be sent after the next commit. Returns its number; a run that seals nothing
    /// for anybody numbers nothing.
    pub(crate) fn seal(&mut self, target: &Target, user_id: &str, password: &Secret) -> Option<u64> {
        let (line, email) = (target.line, target.email.as_str());
        Some(self.sealed.as_mut()?.add(Entry { line, email, user_id, password }))
    }

    /// Adds a line that speaks of no row. Returns its time.
    pub(crate) fn note(&mut self, body: &Body<'_>) -> String {
        self.log.append(body).ts
    }

    /// What this process has sent so far.
    pub(crate) const fn note_traffic(&mut self, traffic: Traffic) {
        self.log.note_traffic(traffic);
    }

    /// Tells the log of it with the next commit, and for how long nothing will leave.
    pub(crate) fn checkpoint(&mut self, hold: Option<Duration>) {
        self.log.checkpoint(hold.and_then(|hold| u64::try_from(hold.as_millis()).ok()));
    }

    /// Declares a PATCH. It may leave after the next commit.
    pub(crate) fn intent(&mut self, intent: &Intent<'_>) {
        let Stamp { offset, .. } = self.log.append(&Body::intent(intent));
        self.ledger.note_intent(intent.line, offset);
        self.claims.logged(intent.line);
    }

    /// A row has ended.
    pub(crate) fn done(&mut self, done: Done) {
        let Stamp { offset, ts } = self.log.append(&Body::done(&done));
        let ending = &done.ending;
        self.ledger.note_done(done.line, offset, ending.outcome, ending.mfa, ending.open);
        self.claims.logged(done.line);
        if let Some(owed) = self.owed.as_mut().filter(|_| ending.outcome == Outcome::Updated) {
            owed.add(done.line);
        }
        self.finished.push((done, ts));
    }

    /// From now on it is kept who is owed a notice.
    pub(crate) fn tell(&mut self, owed: Owed) {
        self.owed = Some(owed);
    }

    /// Who is owed a notice, if users are told.
    pub(crate) const fn owed(&self) -> Option<&Owed> {
        self.owed.as_ref()
    }

    /// What became of a notice.
    pub(crate) fn notify(&mut self, notify: Notify<'_>) {
        let (line, state) = (notify.line, notify.state);
        self.log.append(&Body::Notify(notify));
        if let Some(owed) = &mut self.owed {
            owed.note(line, state);
        }
    }

    /// Puts everything gathered on disk.
    pub(crate) async fn commit(&mut self) -> io::Result<()> {
        failpoint::hit("commit_sealed");
        let sealed = match &mut self.sealed {
            Some(sealed) => sealed.commit().await,
            None => Ok(()),
        };
        failpoint::hit("commit_log");
        self.log.commit().await.map_err(|error| cannot_write("the audit log", &error))?;
        if !self.finished.is_empty() {
            let written = self.outcomes.append(&self.finished).await;
            if self.keeps_ends {
                self.settled.extend(self.finished.drain(..).map(|(done, _)| done));
            }
            self.finished.clear();
            written.map_err(|error| cannot_write("outcome.csv", &error))?;
        }
        // Whoever commits sends nothing then; what the log says of it is true.
        sealed.map_err(|error| cannot_write("generated.csv.age", &error))
    }

    /// From now on rows whose end is on disk are kept for whoever waits for them.
    pub(crate) const fn keep_ends(&mut self) {
        self.keeps_ends = true;
    }

    /// Rows whose end is on disk since this was last asked, if they are kept.
    pub(crate) fn settled_now(&mut self) -> impl Iterator<Item = Done> + '_ {
        self.settled.drain(..)
    }

    /// Rows that have ended since the last commit.
    pub(crate) const fn gathered(&self) -> usize {
        self.finished.len()
    }

    /// Claims an account for a row; the row that has it already, if another.
    pub(crate) fn claim(&mut self, user_id: &str, line: u64) -> Option<u64> {
        self.claims.claim(user_id, line, &self.ledger, &self.log)
    }

    /// The row has nothing to do with this account after all.
    pub(crate) fn release(&mut self, user_id: &str, line: u64) {
        self.claims.release(user_id, line);
    }

    /// Where a row stands.
    pub(crate) fn standing(&self, line: u64) -> Standing {
        self.ledger.standing(line)
    }

    /// The counts.
    pub(crate) const fn tally(&self) -> &Tally {
        self.ledger.tally()
    }

    /// The counts of rows that have their final outcome.
    pub(crate) const fn settled(&self) -> &Tally {
        self.ledger.settled()
    }

    /// The fold over the rows.
    pub(crate) const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Ends the record: where the rows stand, how far the log goes, and the lock, until which is
    /// dropped the folder is ours.
    pub(crate) fn close(self) -> Closed {
        let (end, course) = self.log.close();
        Closed { ledger: self.ledger, owed: self.owed, course, end, lock: self.lock }
    }

    /// Whether the disk has not answered, so that nothing more can be expected of it.
    pub(crate) fn is_stuck(&self) -> bool {
        self.log.is_stuck() || self.outcomes.is_stuck() || self.sealed.as_ref().is_some_and(Sealed::is_stuck)
    }

    /// The log.
    pub(crate) const fn log(&self) -> &Log {
        &self.log
    }
}

fn cannot_write(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what} cannot be written: {error}"))
}
