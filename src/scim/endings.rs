//! What a request that did not go well means for its row, and the words for it.
//!
//! Invariant: whatever comes after a PATCH in doubt, the row stays in doubt.

use std::time::Duration;

use super::client::{Ended, Written};
use super::exchange::Fault;
use super::http::Reply;
use super::identity::{NotReady, Ready};
use super::pacer::Standing;
use super::wire::Refusal;
use crate::domain::event::{Ending, Trail};
use crate::domain::outcome::{Doubt, Fail, Outcome, Pause};
use crate::domain::stop::{Halt, Stop};
use crate::domain::target::Target;

/// A look-up that was answered, but not with users.
pub(super) fn lookup_refused(status: u16) -> NotReady {
    let (fail, why) = match status {
        403 => (Fail::Forbidden, "the service forbids the look-up"),
        404 => (Fail::NotFound, "the service answers the look-up with 404; is --scim-url right?"),
        200..=299 => (Fail::BadReply, "the look-up was not answered with a list of users"),
        _ => (Fail::Rejected, "the service refuses the look-up"),
    };
    NotReady { outcome: Outcome::Failed(fail), why }
}

/// A change that the service refuses. After one without an answer that may say that the first has taken.
pub(super) fn refused(
    status: u16,
    refusal: &Refusal,
    ready: &Ready,
    sent: &[&str],
    trail: &Trail,
) -> Written {
    let (fail, words) = patch_refused(status, refusal, ready.target(), sent);
    if trail.doubt.is_some() && matches!(fail, Fail::Rejected | Fail::TooSoon) && !refusal.is_about_form() {
        let words = "after a PATCH without an answer, the same one is refused as if the first had taken";
        return Written::Ended(Ended::row(Ending::new(Outcome::Unknown(Doubt::ProbablyApplied), words)));
    }
    Written::Ended(failed(trail, fail, words))
}

fn patch_refused(status: u16, refusal: &Refusal, target: &Target, sent: &[&str]) -> (Fail, String) {
    match status {
        403 => (Fail::Forbidden, "the service forbids the change".to_owned()),
        404 => (Fail::NotFound, "the account is gone since it was looked up".to_owned()),
        _ if refusal.is_too_soon() => {
            let until = refusal.until(target).map_or_else(String::new, |until| format!(" until {until}"));
            (Fail::TooSoon, format!("the password cannot be changed yet{until}"))
        }
        status if refusal.is_about_path() => (Fail::Rejected, unknown_path(status, refusal, target, sent)),
        status => {
            let named = refusal.speaks_of(sent);
            let about = if named.is_empty() {
                format!(" of {}", listed(sent))
            } else {
                format!(" and speaks of {}", listed(&named))
            };
            (Fail::Rejected, format!("the service refuses the change ({status}){about}"))
        }
    }
}

/// Every service knows a password, so it is one of the other paths that this one does not know.
fn unknown_path(status: u16, refusal: &Refusal, target: &Target, sent: &[&str]) -> String {
    let mut others: Vec<_> = sent.iter().copied().filter(|path| *path != "password").collect();
    let named = refusal.speaks_of(&others);
    if !named.is_empty() {
        others = named;
    }
    let refuses = format!("the service refuses the change ({status})");
    // The MFA attribute comes before the further ones.
    match (others.as_slice(), target.phone.is_some()) {
        ([], _) => refuses,
        ([path], true) if sent.iter().find(|sent| **sent != "password") == Some(path) => format!(
            "{refuses}: it seems to have no such MFA attribute; leave the phones out, or name its own with --mfa-path"
        ),
        ([path], _) => {
            format!("{refuses}: it seems to have no attribute {}; see [[attributes]]", last_name(path))
        }
        (paths, _) => format!("{refuses}: it seems not to know one of {}", listed(paths)),
    }
}

/// Names of attributes, without the URNs before them.
fn listed(paths: &[&str]) -> String {
    paths.iter().map(|path| last_name(path)).collect::<Vec<_>>().join(", ")
}

fn last_name(path: &str) -> &str {
    path.rsplit(':').next().unwrap_or(path)
}

/// What keeps the run from beginning. A service that does not answer these questions may answer others.
pub(super) fn prevents(fault: Fault) -> Option<Halt> {
    match fault {
        Fault::Redirected(status) => Some(redirected(status).into()),
        Fault::Halt(halt) => Some(halt),
        Fault::Throttled(_) => Some(Stop::Throttled.into()),
        Fault::Unavailable(_) | Fault::InDoubt(_) => None,
    }
}

/// Why the run stops.
pub(super) fn redirected(status: u16) -> Stop {
    Stop::Untrusted(format!(
        "the service redirects ({status}), and redirects are never followed: check the region and --scim-url"
    ))
}

impl Ended {
    /// The end of one row, and of nothing else.
    pub(super) const fn row(ending: Ending) -> Self {
        Self { ending, halt: None }
    }
}

/// A row that certainly was not changed by its last request. If an earlier one is in doubt, that
/// doubt stays.
pub(super) fn failed(trail: &Trail, fail: Fail, words: impl Into<String>) -> Ended {
    let outcome = trail.outcome(Outcome::Failed(fail));
    Ended::row(Ending::new(outcome, words))
}

impl NotReady {
    /// The end of the row that it is about.
    pub(super) fn end(self, trail: &Trail) -> Ended {
        let outcome = trail.outcome(self.outcome);
        Ended::row(Ending::new(outcome, self.why))
    }
}

/// Which limit it was, as far as the reply says.
fn throttled(reply: &Reply) -> String {
    let limit = Standing::read(reply, Duration::MAX).map_or_else(
        || "no header of it says which limit".to_owned(),
        |standing| format!("by its headers {standing}"),
    );
    format!("every attempt was answered 429, {limit}")
}

impl Fault {
    /// The end of the row that the request was for.
    pub(super) fn end(self, what: &str, trail: &Trail) -> Ended {
        let unfinished = |pause: Pause, words: &str| {
            let outcome = trail.outcome(Outcome::Pending(pause));
            Ending::new(outcome, words).left_open()
        };
        match self {
            Self::InDoubt(doubt) => Ended::row(Ending::new(Outcome::Unknown(doubt), "no clear answer came")),
            Self::Unavailable(status) => {
                let answer = status.map_or("none".to_owned(), |status| status.to_string());
                let words = format!("the service did not serve the {what} (last answer: {answer})");
                failed(trail, Fail::Unavailable, words)
            }
            Self::Throttled(reply) => Ended::row(unfinished(Pause::Throttled, &throttled(&reply))),
            Self::Redirected(status) => {
                let words = format!("the {what} was answered with a redirect ({status})");
                Ended { halt: Some(redirected(status).into()), ..failed(trail, Fail::BadReply, words) }
            }
            // The engine, which knows why the run stops, puts the right word for "interrupted".
            Self::Halt(halt) => Ended { ending: unfinished(Pause::Interrupted, ""), halt: Some(halt) },
        }
    }
}
