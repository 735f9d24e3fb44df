//! What must be on disk first, and who may fail.
//!
//! Events are gathered, then [`Record::commit`] puts them into the audit log with one sync, and
//! only then into everything that people read. Nothing may be done that needs a record before
//! `commit` has returned.

mod claims;

use std::io;

use self::claims::Claims;
use crate::audit::accounts::Accounts;
use crate::audit::ledger::Ledger;
use crate::audit::log::{Log, Stamp};
use crate::audit::record::Body;
use crate::audit::replay::End;
use crate::domain::event::{Done, Intent};
use crate::domain::outcome::Standing;
use crate::domain::secret::Secret;
use crate::domain::tally::Tally;
use crate::domain::target::Target;
use crate::failpoint;
use crate::folder::lock::Lock;
use crate::handover::sealed::{Entry, Sealed};
use crate::views::outcomes::OutcomeFile;

/// The record of one run, while it is written.
#[derive(Debug)]
pub(crate) struct Record {
    log: Log,
    ledger: Ledger,
    claims: Claims,
    outcomes: OutcomeFile,
    sealed: Option<Sealed>,
    finished: Vec<(Done, String)>,
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
        Self { log, ledger, claims: Claims::new(accounts), outcomes, sealed, finished: Vec::new(), lock }
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

    /// Declares a PATCH. It may leave after the next commit.
    pub(crate) fn intent(&mut self, intent: &Intent) {
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
        self.finished.push((done, ts));
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
            self.finished.clear();
            written.map_err(|error| cannot_write("outcome.csv", &error))?;
        }
        // Whoever commits sends nothing then; what the log says of it is true.
        sealed.map_err(|error| cannot_write("generated.csv.age", &error))
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
    pub(crate) fn close(self) -> (Ledger, End, Lock) {
        (self.ledger, self.log.close(), self.lock)
    }

    /// Whether the disk has not answered, so that nothing more can be expected of it.
    pub(crate) fn is_stuck(&self) -> bool {
        self.log.is_stuck() || self.outcomes.is_stuck()
    }

    /// The log.
    pub(crate) const fn log(&self) -> &Log {
        &self.log
    }
}

fn cannot_write(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what} cannot be written: {error}"))
}
