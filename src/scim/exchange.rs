//! One request's way: token, gate, wire, and the retry table's verdict, until its reply decides.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::auth::{Denied, Token, closed};
use super::breaker::Health;
use super::chance::chance;
use super::http::{Http, Lost, Reply, Request};
use super::keyring::{Key, Keyring};
use super::pacer::{Alone, Pacer, Pass, Why};
use super::retry::{Answer, Op, Verdict, backoff, decide, is_down, retry_after};
use crate::domain::event::Trail;
use crate::domain::outcome::Doubt;
use crate::domain::stop::{Halt, Stop};
use crate::failpoint;

/// Everything between a request and its reply.
#[derive(Debug)]
pub(crate) struct Exchange {
    http: Http,
    auth: Keyring,
    pacer: Pacer,
    max_attempts: u32,
    counts: Mutex<Counts>,
    /// The service refused a request, or asked for a wait.
    held: Notify,
}

/// Requests sent.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    /// Look-ups.
    pub(crate) lookup: u64,
    /// PATCH requests.
    pub(crate) patch: u64,
    /// Requests that end sessions.
    pub(crate) sessions: u64,
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
    /// Asked as often as we may, a page of the list once, and always told to wait, at last like this.
    Throttled(Box<Reply>),
    /// Sent elsewhere.
    Redirected(u16),
    /// The run must stop, or is stopping.
    Halt(Halt),
}

/// How often a request that ends sessions is sent.
const SESSION_TRIES: u32 = 2;

impl Exchange {
    /// Nothing is sent yet. A request is sent at most `max_attempts` times.
    pub(crate) fn new(http: Http, auth: Keyring, pacer: Pacer, max_attempts: u32) -> Self {
        Self { http, auth, pacer, max_attempts, counts: Mutex::default(), held: Notify::new() }
    }

    /// The gate, to close it or to ask why it is shut.
    pub(crate) const fn pacer(&self) -> &Pacer {
        &self.pacer
    }

    /// The tokens, to ask what was done for them.
    pub(crate) const fn auth(&self) -> &Keyring {
        &self.auth
    }

    /// Requests sent so far.
    pub(crate) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the service has refused a request or asked for a wait. For one who asks.
    pub(crate) async fn held_back(&self) {
        self.held.notified().await;
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
        // Lanes whose tokens were answered 401, one after another.
        let mut rejected: Vec<usize> = Vec::new();
        let mut not_before = trail.doubt.map(|_| Instant::now() + backoff(trail.patches, chance()));
        loop {
            // Never in the way of a change: not as a probe, and not for long.
            if op == Op::Sessions && (tries >= SESSION_TRIES || self.pacer.is_down()) {
                return Err(Fault::Unavailable(trail.http_status));
            }
            let pass = self.pacer.admit(not_before.take()).await.map_err(|why| closed(why, &self.http))?;
            let token = match self.auth.ready(pass.lane()) {
                Some(token) => token,
                // Rare, and large: it would make every request's task larger.
                None => match Box::pin(self.token(&pass)).await? {
                    Some(token) => token,
                    None => continue,
                },
            };
            self.count_sent(op, trail);
            tries += 1;
            failpoint::hit("send");
            let left = Instant::now();
            let (answer, reply) = answered(self.http.send(request.bearing(token.header())).await)?;
            if op == Op::Patch {
                trail.took_ms = reply.as_ref().map(|_| millis(left.elapsed()));
            }
            trail.http_status = reply.as_ref().map(|reply| reply.status).or(trail.http_status);
            failpoint::hit("answer");
            let verdict = decide(op, answer);
            tracing::debug!(line, ?op, tries, ?answer, ?verdict, "answered");
            let place = pass.lane();
            // What ends sessions may be down by itself.
            if op == Op::Sessions && is_down(answer) {
                drop(pass);
                not_before = Some(Instant::now() + backoff(tries, chance()));
                continue;
            }
            // The hold comes first: the pass gives way to the next request.
            let held = self.hold(&pass, verdict, reply.as_ref());
            pass.finish(health(line, answer), reply.as_ref().and_then(|reply| self.pacer.standing(reply)));
            held?;
            match verdict {
                Verdict::Renew => token.reject(),
                _ if reply.is_some() => {
                    token.accept();
                    rejected.clear();
                }
                _ => {}
            }
            match (verdict, reply) {
                (Verdict::Take, Some(reply)) => return Ok(reply),
                (Verdict::Redirected, Some(reply)) => return Err(Fault::Redirected(reply.status)),
                (Verdict::InDoubt(doubt), _) => return Err(Fault::InDoubt(doubt)),
                (Verdict::Renew, _) if rejected.contains(&place) => return Err(refuses_tokens().into()),
                (Verdict::Renew, _) => rejected.push(place),
                // A page can be made smaller, which nothing but the one who asked for it can do.
                (Verdict::Throttled, Some(reply)) if op == Op::Page => {
                    return Err(Fault::Throttled(Box::new(reply)));
                }
                // Each token may refuse it as often as one alone.
                (Verdict::Throttled, Some(reply))
                    if tries >= self.max_attempts.saturating_mul(self.tokens()) =>
                {
                    return Err(Fault::Throttled(Box::new(reply)));
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

    /// The token for this pass. Nothing when there is none to be had, or the service asked for a wait
    /// while it was fetched: then another pass is needed.
    async fn token(&self, pass: &Pass<'_>) -> Result<Option<Arc<Token>>, Halt> {
        let lane = pass.lane();
        let _shut = self.pacer.shut(lane);
        match self.auth.token(lane, &self.pacer).await {
            Ok(Key::Own(token)) => Ok(Some(token).filter(|_| !self.pacer.is_held(lane))),
            Ok(Key::Twin) => {
                tracing::warn!("the token endpoint gave one token twice: going on with one");
                self.pacer.go_on_alone(Alone::Same);
                Ok(None)
            }
            Err(Denied::NotGiven(_)) if self.pacer.retire(lane) => {
                tracing::warn!("the token endpoint gives no further token: going on with fewer");
                Ok(None)
            }
            Err(Denied::NotGiven(stop) | Denied::Stop(stop)) => Err(stop.into()),
            Err(Denied::Already) => Err(Halt::Already),
        }
    }

    fn tokens(&self) -> u32 {
        u32::try_from(self.pacer.tokens()).unwrap_or(u32::MAX)
    }

    /// Makes others wait when the reply asks for it.
    fn hold(&self, pass: &Pass<'_>, verdict: Verdict, reply: Option<&Reply>) -> Result<(), Halt> {
        let Some(reply) = reply else { return Ok(()) };
        let throttled = verdict == Verdict::Throttled;
        if throttled {
            self.count(|counts| counts.throttled += 1);
        } else if reply.status < 500 {
            return Ok(());
        }
        let asked = retry_after(reply.header_all("retry-after"), reply.header("date"), SystemTime::now());
        let (wait, why) = match (asked, throttled) {
            (Some(wait), true) => (wait, Why::Refused),
            (None, true) => (backoff(pass.refusals(), chance()), Why::RefusedWithoutAWord),
            (Some(wait), false) => (wait, Why::Down),
            (None, false) => return Ok(()),
        };
        let held = pass.hold(wait, why);
        self.held.notify_one();
        if held { Ok(()) } else { Err(Stop::Throttled.into()) }
    }

    fn count_sent(&self, op: Op, trail: &mut Trail) {
        trail.attempts += 1;
        match op {
            Op::Read | Op::Page => self.count(|counts| counts.lookup += 1),
            Op::Sessions => self.count(|counts| counts.sessions += 1),
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

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
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
