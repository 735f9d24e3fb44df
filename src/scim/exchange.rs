//! One request's way: token, gate, wire, and the retry table's verdict, until its reply decides.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio::time::Instant;

use super::auth::{Auth, Token, closed};
use super::breaker::Health;
use super::chance::chance;
use super::http::{Http, Lost, Reply, Request};
use super::pacer::Pacer;
use super::retry::{Answer, Op, Verdict, backoff, decide, is_down, retry_after};
use crate::domain::event::Trail;
use crate::domain::outcome::Doubt;
use crate::domain::stop::{Halt, Stop};
use crate::failpoint;

/// Everything between a request and its reply.
#[derive(Debug)]
pub(crate) struct Exchange {
    http: Http,
    auth: Auth,
    pacer: Pacer,
    max_attempts: u32,
    counts: Mutex<Counts>,
}

/// Requests sent.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    /// Look-ups.
    pub(crate) lookup: u64,
    /// PATCH requests.
    pub(crate) patch: u64,
    /// Replies with 429.
    pub(crate) throttled: u64,
}

/// Why a request has no reply that could be looked at.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Something may have been done.
    InDoubt(Doubt),
    /// Asked as often as we may, and never served.
    Unavailable(Option<u16>),
    /// Asked as often as we may, a page of the list once, and always told to wait.
    Throttled,
    /// Sent elsewhere.
    Redirected(u16),
    /// The run must stop, or is stopping.
    Halt(Halt),
}

impl Exchange {
    /// Nothing is sent yet. A request is sent at most `max_attempts` times.
    pub(crate) fn new(http: Http, auth: Auth, pacer: Pacer, max_attempts: u32) -> Self {
        Self { http, auth, pacer, max_attempts, counts: Mutex::default() }
    }

    /// The gate, to close it or to ask why it is shut.
    pub(crate) const fn pacer(&self) -> &Pacer {
        &self.pacer
    }

    /// The token keeper, to ask what it did.
    pub(crate) const fn auth(&self) -> &Auth {
        &self.auth
    }

    /// Requests sent so far.
    pub(crate) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request until the retry table says that its reply decides.
    pub(crate) async fn send(
        &self,
        op: Op,
        line: u64,
        request: &Request,
        trail: &mut Trail,
    ) -> Result<Reply, Fault> {
        let mut tries = if op == Op::Patch { trail.patches } else { 0 };
        let mut refused: Option<Arc<Token>> = None;
        let mut not_before = trail.doubt.map(|_| Instant::now() + backoff(trail.patches, chance()));
        loop {
            let pass = self.pacer.admit(not_before.take()).await.map_err(|why| closed(why, &self.http))?;
            let token = self.auth.token(&self.pacer, refused.as_ref()).await?;
            // While a new token was fetched, the service may have asked for a wait.
            if self.pacer.is_held() {
                continue;
            }
            self.count_sent(op, trail);
            tries += 1;
            failpoint::hit("send");
            let (answer, reply) = answered(self.http.send(request.bearing(token.header())).await)?;
            trail.http_status = reply.as_ref().map(|reply| reply.status).or(trail.http_status);
            failpoint::hit("answer");
            let verdict = decide(op, answer);
            tracing::debug!(line, ?op, tries, ?answer, ?verdict, "answered");
            // The hold comes first: the pass gives way to the next request.
            let held = self.hold(verdict, reply.as_ref(), tries);
            pass.finish(health(line, answer));
            held?;
            if verdict != Verdict::Renew && reply.is_some() {
                token.accept();
                refused = None;
            }
            match (verdict, reply) {
                (Verdict::Take, Some(reply)) => return Ok(reply),
                (Verdict::Redirected, Some(reply)) => return Err(Fault::Redirected(reply.status)),
                (Verdict::InDoubt(doubt), _) => return Err(Fault::InDoubt(doubt)),
                (Verdict::Renew, _) if refused.is_some() => return Err(refuses_tokens().into()),
                (Verdict::Renew, _) => refused = Some(token),
                (Verdict::Throttled, _) if op == Op::Page || tries >= self.max_attempts => {
                    return Err(Fault::Throttled);
                }
                (Verdict::Throttled, _) => {}
                // An outage is not this row's fault: the gate lets it try again, as a probe.
                (_, reply) if tries >= self.max_attempts && !self.pacer.is_down() => {
                    return Err(Fault::Unavailable(reply.map(|reply| reply.status)));
                }
                (Verdict::Again | Verdict::Take | Verdict::Redirected, _) => {
                    not_before = Some(Instant::now() + backoff(tries, chance()));
                }
            }
        }
    }

    /// Whether a row that has sent so many PATCH requests may send another.
    pub(crate) const fn allows(&self, patches: u32) -> bool {
        patches < self.max_attempts
    }

    /// Makes everybody wait when the reply asks for it.
    fn hold(&self, verdict: Verdict, reply: Option<&Reply>, tries: u32) -> Result<(), Halt> {
        let Some(reply) = reply else { return Ok(()) };
        let throttled = verdict == Verdict::Throttled;
        if throttled {
            self.count(|counts| counts.throttled += 1);
        } else if reply.status < 500 {
            return Ok(());
        }
        let asked = retry_after(reply.header_all("retry-after"), reply.header("date"), SystemTime::now());
        let wait = asked.or_else(|| throttled.then(|| backoff(tries, chance())));
        match wait {
            Some(wait) if !self.pacer.hold(wait, throttled) => Err(Stop::Throttled.into()),
            Some(_) | None => Ok(()),
        }
    }

    fn count_sent(&self, op: Op, trail: &mut Trail) {
        trail.attempts += 1;
        match op {
            Op::Read | Op::Page => self.count(|counts| counts.lookup += 1),
            Op::Patch => {
                trail.patches += 1;
                self.count(|counts| counts.patch += 1);
            }
        }
    }

    fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// What came back, as the table and the rest want it. A server that cannot show who it is ends
/// the run.
fn answered(reply: Result<Reply, Lost>) -> Result<(Answer, Option<Reply>), Fault> {
    match reply {
        Ok(reply) => Ok((reply.answer(), Some(reply))),
        Err(Lost::Silence) => Ok((Answer::Silence, None)),
        Err(Lost::NotSent) => Ok((Answer::NotSent, None)),
        Err(Lost::Tls(why)) => Err(Stop::Untrusted(format!("TLS to the service failed: {why}")).into()),
    }
}

fn refuses_tokens() -> Stop {
    Stop::Refused("the service refuses a new token as well (401)".to_owned())
}

const fn health(line: u64, answer: Answer) -> Health {
    match answer {
        Answer::NotSent => Health::Unreachable,
        Answer::Status(429, _) => Health::Throttled,
        _ if is_down(answer) => Health::Failed(line),
        Answer::Status(..) | Answer::Silence => Health::Up,
    }
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Self {
        Self::Halt(Halt::Because(stop))
    }
}

impl From<Halt> for Fault {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}
