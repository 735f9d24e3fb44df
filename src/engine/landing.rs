//! What becomes of a row when its request comes back, or never does.
//!
//! Invariant: every row that was taken leaves here with exactly one end, even if its task failed.

use tokio::task::{Id, JoinError};
use tokio::time::Instant;

use super::source::{Next, Source};
use super::{Engine, First, Flight, Landed, MAX_FORBIDDEN};
use crate::domain::event::{Done, Ending, Trail};
use crate::domain::outcome::{Doubt, Fail, Outcome, Pause, Standing};
use crate::domain::stop::{Halt, Stop};
use crate::domain::target::Target;
use crate::failpoint;
use crate::plan::Step;
use crate::scim::client::{Ended, Found, Written};
use crate::scim::identity::Ready;
use crate::stops::GRACE;

/// After a stop no answer waits for the next sync, so that rows are named in larger groups.
const REST: usize = 1 << 14;

impl Engine<'_> {
    pub(super) fn land(&mut self, landed: Result<(Id, Landed), JoinError>) {
        match landed {
            Ok((id, landed)) => {
                self.flights.remove(&id);
                match landed {
                    Landed::Found(Found::Ready(ready), trail) => self.found(ready, trail),
                    Landed::Found(Found::Ended(target, ended), trail) => self.end(&target, ended, trail),
                    Landed::Written(ready, written, trail) => self.written(*ready, written, trail),
                }
            }
            Err(error) => self.crashed(&error),
        }
    }

    fn found(&mut self, ready: Box<Ready>, trail: Trail) {
        let target = ready.target();
        let taken = if self.limits.again { None } else { self.record.claim(ready.id(), target.line) };
        if let Some(first) = taken {
            let words = format!("leads to the same account as line {first}");
            let outcome = trail.outcome(Outcome::Failed(Fail::Ambiguous));
            self.done(done(target, trail, Ending::new(outcome, words)));
        } else if self.limits.dry_run {
            self.forbidden = 0;
            self.done(done(target, trail, Ending::new(Outcome::WouldUpdate, "")));
        } else {
            self.ready.push_back((ready, trail));
        }
    }

    fn written(&mut self, ready: Ready, written: Written, trail: Trail) {
        let forbidden = trail.http_status == Some(403);
        self.first = if forbidden && self.first == First::InAir { First::NotSent } else { First::Answered };
        match written {
            Written::Ended(ended) => {
                let updated = ended.ending.outcome == Outcome::Updated;
                self.end(ready.target(), ended, trail);
                if updated {
                    self.tell(ready);
                }
            }
            Written::LookAgain if self.stop.is_none() => {
                // Refused for certain: the account may be somebody else's by now.
                if trail.doubt.is_none() {
                    self.record.release(ready.id(), ready.target().line);
                }
                let mut target = ready.into_target();
                if trail.doubt.is_none() {
                    target.password.unmake();
                }
                self.find(target, trail);
            }
            Written::LookAgain => self.leave(ready.target(), trail),
        }
    }

    /// A row has ended, and perhaps the run with it.
    fn end(&mut self, target: &Target, ended: Ended, trail: Trail) {
        let Ended { mut ending, halt } = ended;
        match &halt {
            Some(Halt::Because(stop)) if self.limits.again && is_about_one(stop) => {
                tracing::error!("line {}: {}", target.line, stop.sentence());
                if ending.outcome == Outcome::Pending(Pause::Interrupted) {
                    ending = Ending::new(Outcome::Failed(Fail::Unavailable), stop.sentence());
                }
            }
            Some(Halt::Because(stop)) => self.stop(stop.clone()),
            Some(Halt::Already) | None => {}
        }
        match ending.outcome {
            Outcome::Updated | Outcome::WouldUpdate => self.forbidden = 0,
            Outcome::Failed(Fail::Forbidden) => self.weigh_refusal(&mut ending, &trail),
            Outcome::Pending(Pause::Interrupted) if halt.is_some() => {
                return self.leave(target, trail);
            }
            Outcome::Failed(_) | Outcome::Skipped(_) | Outcome::Unknown(_) | Outcome::Pending(_) => {}
        }
        self.done(done(target, trail, ending));
    }

    /// A 403 before anything ever worked is about us and not about the row; so are five in a row.
    fn weigh_refusal(&mut self, ending: &mut Ending, trail: &Trail) {
        let tally = self.record.tally();
        let nothing_worked = tally.of(Outcome::Updated) + tally.of(Outcome::WouldUpdate) == 0;
        self.forbidden += 1;
        // Callers must not be able to stop a service by asking for whom it may not touch.
        if self.limits.again {
            return;
        }
        if nothing_worked || self.forbidden >= MAX_FORBIDDEN {
            let reference =
                if trail.reference.is_empty() { String::new() } else { format!(", {}", trail.reference) };
            self.stop(Stop::Refused(format!(
                "the service forbids it (403{reference}): does the OAuth client have the right role?"
            )));
        }
        if nothing_worked {
            *ending = Ending::new(Outcome::Pending(Pause::Interrupted), "the service forbids it (403)");
        }
    }

    /// A row that a stop keeps from its end. A PATCH in doubt stays in doubt.
    pub(super) fn leave(&mut self, target: &Target, trail: Trail) {
        let ending = self.unfinished(&trail);
        self.done(done(target, trail, ending));
    }

    fn unfinished(&self, trail: &Trail) -> Ending {
        let pause = self.stop.as_ref().map_or(Pause::Interrupted, Stop::pause);
        let outcome = trail.outcome(Outcome::Pending(pause));
        Ending::new(outcome, "the same command goes on with this row").left_open()
    }

    pub(super) fn done(&mut self, done: Done) {
        failpoint::hit("result");
        let (outcome, line) = (done.ending.outcome, done.line);
        tracing::info!("line {line}: {} {}", outcome.family(), outcome.reason());
        let failed = matches!(outcome, Outcome::Failed(_));
        self.record.done(done);
        self.failed += u64::from(failed);
        if failed && self.limits.max_failures.is_some_and(|most| self.failed >= most) {
            self.stop(Stop::Failures);
        }
    }

    /// The first reason to stop counts. The gate is closed, so whoever waits there comes back.
    pub(super) fn stop(&mut self, stop: Stop) {
        if self.stop.is_none() {
            tracing::warn!("stopping: {}", stop.sentence());
            self.client.exchange().pacer().close();
            self.post.stop();
            self.grace = Some(Instant::now() + GRACE);
            self.stop = Some(stop);
        }
    }

    /// The grace is over: what is still in the air will not be waited for.
    pub(super) fn abandon(&mut self) {
        self.air.abort_all();
        self.air.detach_all();
        for (_, flight) in std::mem::take(&mut self.flights) {
            self.lost(flight);
        }
        self.post.abandon();
        self.grace = None;
    }

    /// A task failed. Its row is named, and the run ends.
    fn crashed(&mut self, error: &JoinError) {
        self.stop(Stop::Internal("a task of this program failed".to_owned()));
        if let Some(flight) = self.flights.remove(&error.id()) {
            self.lost(flight);
        }
    }

    /// A row whose request never came back to us.
    fn lost(&mut self, flight: Flight) {
        let Flight { line, email, mut trail, writes } = flight;
        if writes {
            trail.doubt = trail.doubt.or(Some(Doubt::ReplyLost));
        }
        let ending = self.unfinished(&trail);
        self.done(Done { line, email, trail, ending });
    }

    /// After a stop every row that was not taken is named too.
    pub(super) async fn name_the_rest(&mut self, rows: &mut impl Source) {
        let Some(stop) = self.stop.clone() else {
            return;
        };
        if matches!(stop, Stop::LogLost(_) | Stop::InputChanged) {
            return;
        }
        while let Next::Row(row, _) = rows.next() {
            let standing = self.record.standing(row.line());
            match self.plan.step(row, standing) {
                Some(Step::Decided(done)) => self.record.done(done),
                Some(Step::Do(target)) if standing != Standing::InDoubt => {
                    let trail = self.earlier.remove(&target.line).unwrap_or_default();
                    let ending = Ending::new(Outcome::Pending(stop.pause()), "");
                    self.record.done(done(&target, trail, ending));
                }
                Some(Step::Do(_)) | None => {}
            }
            if self.record.gathered() >= REST {
                self.commit().await;
            }
        }
        self.commit().await;
    }
}

/// Whether a service goes on, since no caller must be able to stop it by asking for somebody.
const fn is_about_one(stop: &Stop) -> bool {
    matches!(stop, Stop::Refused(_) | Stop::Untrusted(_) | Stop::Throttled)
}

pub(super) fn done(target: &Target, trail: Trail, ending: Ending) -> Done {
    Done { line: target.line, email: target.email.as_str().to_owned(), trail, ending }
}
