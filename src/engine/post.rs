//! Notices on their way: written when a change is on disk, tried again apart from it.
//!
//! Nothing that becomes of a notice touches its row. What is not sent when the run ends stays owed on the
//! log, and the same command goes on with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use crate::audit::record::Delivery;
use crate::domain::secret::Secret;
use crate::failpoint;
use crate::notices::{Notice, Postman, Undelivered, again_after, notice_id};

/// Notices in the air at once.
const IN_AIR: usize = 4;
/// More than these are left to the next session, so that a mail server that is down costs no memory.
const MOST: usize = 10_000;
/// So long the end of a run waits for a notice's next attempt.
const LINGER: Duration = Duration::from_secs(30);

/// The notices of one session.
#[derive(Debug, Default)]
pub(crate) struct Post {
    postman: Option<Arc<Postman>>,
    run_id: String,
    /// About changes that are not on disk yet.
    written: Vec<Letter>,
    /// By when they are due.
    waiting: BTreeMap<(Instant, u64), Letter>,
    air: JoinSet<(Letter, Result<(), Undelivered>)>,
}

/// What one user is to be told.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) line: u64,
    /// The address that the directory shows.
    pub(super) to: String,
    pub(super) user_id: String,
    pub(super) changed_at: Timestamp,
    /// What was changed, by name.
    pub(super) attributes: Vec<String>,
    /// Where it is mailed with consent.
    pub(super) password: Option<Secret>,
    pub(super) attempts: u32,
}

/// What became of an attempt.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) line: u64,
    pub(super) email: String,
    pub(super) delivery: Delivery,
    pub(super) number: u32,
    pub(super) why: String,
}

impl Post {
    /// Notices by this postman; nothing: nobody is told.
    pub(crate) fn new(postman: Option<Arc<Postman>>, run_id: &str) -> Self {
        Self { postman, run_id: run_id.to_owned(), ..Self::default() }
    }

    /// Whether anybody is told at all.
    pub(super) const fn is_open(&self) -> bool {
        self.postman.is_some()
    }

    /// Takes a letter whose change is about to be put on disk.
    pub(super) fn write(&mut self, letter: Letter) {
        if self.is_open() && self.waiting.len() + self.written.len() < MOST {
            self.written.push(letter);
        }
    }

    /// What was written may leave: the changes are on disk.
    pub(super) fn release(&mut self) {
        let now = Instant::now();
        self.waiting.extend(self.written.drain(..).map(|letter| ((now, letter.line), letter)));
    }

    /// Sends what is due.
    pub(super) fn deliver(&mut self) {
        let Some(postman) = &self.postman else { return };
        let now = Instant::now();
        while self.air.len() < IN_AIR
            && let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= now)
        {
            let (letter, postman) = (first.remove(), Arc::clone(postman));
            let id = notice_id(&self.run_id, letter.line);
            self.air.spawn(async move {
                failpoint::hit("notice");
                let sent = postman.send(&letter.notice(&id)).await;
                (letter, sent)
            });
        }
    }

    /// Waits until an attempt is over, or the next is due.
    pub(super) async fn next(&mut self) -> Option<Result<(Letter, Result<(), Undelivered>), JoinError>> {
        let due =
            self.waiting.first_key_value().map(|((due, _), _)| *due).filter(|_| self.air.len() < IN_AIR);
        tokio::select! {
            Some(landed) = self.air.join_next() => Some(landed),
            () = crate::stops::until(due) => None,
        }
    }

    /// What became of an attempt. A letter that may arrive another time waits for it.
    pub(super) fn landed(&mut self, letter: Letter, sent: Result<(), Undelivered>, chance: f64) -> Attempt {
        let number = letter.attempts + 1;
        let (line, email) = (letter.line, letter.to.clone());
        let (delivery, why) = match sent {
            Ok(()) => (Delivery::Sent, String::new()),
            Err(failure) if failure.permanent => (Delivery::GivenUp, failure.why),
            Err(failure) => {
                let letter = Letter { attempts: number, ..letter };
                let due =
                    again_after(number, &failure, chance).and_then(|wait| Instant::now().checked_add(wait));
                self.waiting.extend(due.map(|due| ((due, line), letter)));
                (Delivery::Failed, failure.why)
            }
        };
        Attempt { line, email, delivery, number, why }
    }

    /// Whether nothing waits and nothing is in the air.
    pub(super) fn is_idle(&self) -> bool {
        self.air.is_empty() && self.waiting.is_empty() && self.written.is_empty()
    }

    /// The rows are done: what would have to wait for long is left to the next session.
    pub(super) fn hurry(&mut self) {
        let last = Instant::now() + LINGER;
        self.waiting.retain(|(due, _), _| *due <= last);
    }

    /// The run stops: nothing more is sent. What is in the air may land.
    pub(super) fn stop(&mut self) {
        self.waiting.clear();
        self.written.clear();
    }

    /// What is in the air is not waited for any more.
    pub(super) fn abandon(&mut self) {
        self.stop();
        self.air.abort_all();
        self.air.detach_all();
    }

    /// Notices that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len() + self.air.len()
    }
}

impl Letter {
    fn notice<'a>(&'a self, id: &'a str) -> Notice<'a> {
        Notice {
            id,
            to: &self.to,
            user_id: &self.user_id,
            changed_at: self.changed_at,
            attributes: &self.attributes,
            password: self.password.as_ref(),
        }
    }
}
