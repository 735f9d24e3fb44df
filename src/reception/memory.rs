//! What was asked for, by number and by key, for as long as a key counts.

use std::collections::{HashMap, VecDeque};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use crate::audit::record::{Delivery, ServeAuth};
use crate::audit::replay::{Damage, scan};
use crate::domain::event::Done;
use crate::domain::outcome::Outcome;
use crate::domain::text::unhex;
use crate::files;
use crate::service::desk::{Digest, Notice, Settled};

/// So long a key counts. More than a day, so that "tomorrow at the same time" is within.
const KEPT: SignedDuration = SignedDuration::from_hours(25);

/// A reset that was asked for.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) number: u64,
    at: Timestamp,
    caller: String,
    key: Option<Digest>,
    pub(super) fingerprint: Digest,
    /// How it ended, if it has.
    pub(super) settled: Option<Settled>,
}

/// The resets of the last day.
#[derive(Debug, Default)]
pub(super) struct Memory {
    known: HashMap<u64, Known>,
    keys: HashMap<Digest, u64>,
    by_age: VecDeque<(Timestamp, u64)>,
    last: u64,
}

impl Memory {
    /// What the log tells.
    pub(super) fn read(log: &Path, tells: bool) -> Result<Self, Damage> {
        let mut memory = Self::default();
        scan(files::open_read(log)?, |_, bytes, line| {
            let at = line.ts.parse().unwrap_or(Timestamp::UNIX_EPOCH);
            memory.last = memory.last.max(line.line.unwrap_or_default());
            if line.kind == "serve_auth" {
                let word = serde_json::from_slice(bytes).map_err(|_| "not a serve_auth")?;
                memory.note(at, &word);
            } else if let (Some(number), Some(delivery)) = (line.line, line.state) {
                memory.told(number, delivery);
            } else if matches!(&*line.kind, "result" | "skip")
                && let Some(done) = line.done()
            {
                memory.settled(done.line, settled_as(&done, tells));
            }
            Ok(())
        })?;
        memory.forget(Timestamp::now());
        Ok(memory)
    }

    /// The number of the next reset. Numbers begin with 1 and never come again.
    pub(super) const fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// A reset is begun, or begun again.
    pub(super) fn begun(&mut self, word: &ServeAuth) {
        let now = Timestamp::now();
        self.forget(now);
        self.note(now, word);
    }

    fn note(&mut self, at: Timestamp, word: &ServeAuth) {
        let number = word.line;
        let key = word.idempotency.as_deref().and_then(digest);
        let fingerprint = digest(&word.fingerprint).unwrap_or_default();
        self.keys.extend(key.map(|key| (key, number)));
        self.by_age.push_back((at, number));
        let caller = word.caller.clone();
        self.known.insert(number, Known { number, at, caller, key, fingerprint, settled: None });
    }

    fn forget(&mut self, now: Timestamp) {
        let Ok(oldest) = now.checked_sub(KEPT) else { return };
        while let Some((at, number)) = self.by_age.front().copied().filter(|(at, _)| *at < oldest) {
            self.by_age.pop_front();
            // Begun again since: then it is younger.
            let is_same = self.known.get(&number).is_some_and(|known| known.at == at);
            if let Some(key) =
                is_same.then(|| self.known.remove(&number)).flatten().and_then(|known| known.key)
            {
                self.keys.remove(&key);
            }
        }
    }

    /// How a reset ended.
    pub(super) fn settled(&mut self, number: u64, settled: Settled) {
        if let Some(known) = self.known.get_mut(&number) {
            known.settled = Some(settled);
        }
    }

    /// What became of an attempt to tell the user.
    pub(super) fn told(&mut self, number: u64, delivery: Delivery) {
        let settled = self.known.get_mut(&number).and_then(|known| known.settled.as_mut());
        if let Some(settled) = settled {
            settled.notice = match delivery {
                Delivery::Sent => Notice::Sent,
                Delivery::Failed => Notice::Queued,
                Delivery::GivenUp => Notice::Failed,
            };
        }
    }

    /// What was asked with this key.
    pub(super) fn by_key(&self, key: &Digest) -> Option<&Known> {
        self.known.get(self.keys.get(key)?)
    }

    /// This caller's reset, if there is one of this number.
    pub(super) fn of(&self, caller: &str, number: u64) -> Option<&Known> {
        self.known.get(&number).filter(|known| known.caller == caller)
    }
}

/// A reset's end as an answer.
pub(super) fn settled_as(done: &Done, tells: bool) -> Settled {
    Settled {
        operation: done.line.to_string(),
        outcome: done.ending.outcome,
        mfa: done.ending.mfa,
        user_id: done.trail.user_id.clone(),
        notice: if tells && done.ending.outcome == Outcome::Updated { Notice::Queued } else { Notice::None },
        replayed: false,
    }
}

fn digest(text: &str) -> Option<Digest> {
    unhex(text)?.try_into().ok()
}
