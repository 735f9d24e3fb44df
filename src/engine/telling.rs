//! Who is told of what, and what is written down of it.

use jiff::Timestamp;
use tokio::task::JoinError;

use super::Engine;
use super::post::Letter;
use crate::audit::log::Change;
use crate::audit::record::Notify;
use crate::domain::stop::Stop;
use crate::domain::target::{NewPassword, Row};
use crate::notices::Undelivered;
use crate::scim::chance::chance;
use crate::scim::identity::Ready;

impl Engine<'_> {
    /// The user of a change that is about to be put on disk is told when it is.
    pub(super) fn tell(&mut self, ready: Ready) {
        if !self.post.is_open() {
            return;
        }
        let attributes = owned(self.client.attributes(ready.target()));
        let (user_id, to) = (ready.id().to_owned(), ready.user_name().to_owned());
        let target = ready.into_target();
        // Whoever brought a password has it already; and a template can only show one with consent.
        let password = match target.password {
            NewPassword::Made { secret, .. } => Some(secret),
            NewPassword::Kept | NewPassword::Given(_) | NewPassword::Wanted => None,
        };
        let (line, changed_at) = (target.line, Timestamp::now());
        self.post.write(Letter { line, to, user_id, changed_at, attributes, password, attempts: 0 });
    }

    /// The user of a row that an earlier session changed is told now, if that session did not get so far.
    /// A password that was made then is known to nobody here.
    pub(super) fn tell_late(&mut self, row: &Row) {
        let line = row.line();
        let owed = self.post.is_open() && self.record.owed().is_some_and(|owed| owed.holds(line));
        if let Row::Sound(target) = row
            && owed
        {
            self.write_late(line, owned(self.client.attributes(target)));
        }
    }

    /// Whoever an earlier session of a service changed and did not tell is told now.
    pub(crate) fn tell_those_owed(&mut self) {
        let Some(owed) = self.record.owed().filter(|_| self.post.is_open()) else { return };
        let lines: Vec<_> = owed.lines().collect();
        for line in lines {
            self.write_late(line, vec!["password".to_owned()]);
        }
        self.post.release();
    }

    /// A letter about a change that the log tells of.
    fn write_late(&mut self, line: u64, attributes: Vec<String>) {
        let offset = self.record.ledger().offset(line);
        let change = offset.and_then(|offset| self.record.log().change_at(offset).ok().flatten());
        if let Some(Change { email: to, user_id, at: changed_at }) = change {
            let password = None;
            self.post.write(Letter { line, to, user_id, changed_at, attributes, password, attempts: 0 });
        }
    }

    /// An attempt is over.
    pub(super) fn told(&mut self, landed: Result<(Letter, Result<(), Undelivered>), JoinError>) {
        let Ok((letter, sent)) = landed else {
            return self.stop(Stop::Internal("a task of this program failed".to_owned()));
        };
        let attempt = self.post.landed(letter, sent, chance());
        tracing::info!("line {}: notice {:?} {}", attempt.line, attempt.delivery, attempt.why);
        self.record.notify(Notify {
            line: attempt.line,
            email: &attempt.email,
            state: attempt.delivery,
            attempt: attempt.number,
            why: &attempt.why,
        });
        self.tellings.push((attempt.line, attempt.delivery));
    }
}

fn owned(names: Vec<&str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}
