//! The two things a row needs of the service: find the user, write the change.
//!
//! Each request takes the same path: token, gate, wire, and the retry table's verdict.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, IF_MATCH};
use reqwest::{Method, Url};
use tokio::time::Instant;

use super::auth::{Auth, Token, closed};
use super::breaker::Health;
use super::http::{Http, Lost, Reply, Request};
use super::identity::{NotReady, Page, Ready, Search};
use super::pacer::Pacer;
use super::retry::{Answer, Op, Verdict, backoff, decide, is_down, retry_after};
use super::wire::{self, MfaAttribute, Refusal, SCIM_JSON, Shown};
use crate::domain::event::{Ending, Trail};
use crate::domain::outcome::{Doubt, Fail, Mfa, Outcome, Pause};
use crate::domain::stop::{Halt, Stop};
use crate::domain::target::Target;

/// What the client needs to know.
#[derive(Debug)]
pub(crate) struct Settings {
    /// SCIM base, to which `/Users` is appended.
    pub(crate) base: Url,
    /// Where MFA is set.
    pub(crate) mfa: MfaAttribute,
    /// Whether disabled accounts are changed too.
    pub(crate) include_inactive: bool,
    /// Attempts per request.
    pub(crate) max_attempts: u32,
}

/// The service, as the engine sees it.
#[derive(Debug)]
pub(crate) struct Client {
    settings: Settings,
    http: Http,
    auth: Auth,
    pacer: Pacer,
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
    etag: bool,
}

/// What a look-up led to.
#[derive(Debug)]
pub(crate) enum Found {
    /// The account, proven.
    Ready(Box<Ready>),
    /// No account; the row ends.
    Ended(Target, Ended),
}

/// What a PATCH led to.
#[derive(Debug)]
pub(crate) enum Written {
    /// The row ends.
    Ended(Ended),
    /// In doubt, or the account changed meanwhile: look it up again.
    LookAgain,
}

/// The end of a row, and of the run where it comes to that.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The row's end.
    pub(crate) ending: Ending,
    /// Why no further row may be taken.
    pub(crate) halt: Option<Halt>,
}

/// Why a request has no reply that could be looked at.
#[derive(Debug)]
enum Fault {
    /// Something may have been done.
    InDoubt(Doubt),
    /// Asked as often as we may, and never served.
    Unavailable(Option<u16>),
    /// Asked as often as we may, and always told to wait.
    Throttled,
    /// Sent elsewhere.
    Redirected(u16),
    /// The run must stop, or is stopping.
    Halt(Halt),
}

/// How often the account may change between look-up and PATCH.
const MAX_CONFLICTS: u32 = 3;
/// Users a page; the vendor's own default.
const PAGE_SIZE: u32 = 25;

/// RFC 3986 unreserved characters stay as they are.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Client {
    /// A client that has sent nothing yet.
    pub(crate) fn new(settings: Settings, http: Http, auth: Auth, pacer: Pacer) -> Self {
        Self { settings, http, auth, pacer, counts: Mutex::default() }
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

    /// Names of the attributes that a row would change.
    pub(crate) fn attributes(&self, target: &Target) -> Vec<String> {
        wire::attributes(target, &self.settings.mfa)
    }

    /// Gets the token and asks once whether entity tags work. A service that does not say is
    /// one without them.
    pub(crate) async fn prepare(&self) -> Result<(), Halt> {
        let url = self.url(&["ServiceProviderConfig"], None);
        match self.send(Op::Read, 0, &read_request(url), &mut Trail::default()).await {
            Ok(reply) => {
                self.count(|counts| counts.etag = wire::supports_etag(&reply));
                Ok(())
            }
            Err(Fault::Redirected(status)) => Err(redirected(status).into()),
            Err(Fault::Halt(halt)) => Err(halt),
            Err(Fault::Throttled) => Err(Stop::Throttled.into()),
            Err(Fault::Unavailable(_) | Fault::InDoubt(_)) => Ok(()),
        }
    }

    /// Looks the user up and checks who it is.
    pub(crate) async fn find(&self, target: Target, trail: &mut Trail) -> Found {
        match self.search(&target, trail).await {
            Ok(search) => match search.verdict(target, self.settings.include_inactive) {
                Ok(ready) => {
                    trail.user_id = Some(ready.id().to_owned());
                    Found::Ready(Box::new(ready))
                }
                Err((target, not_ready)) => Found::Ended(target, not_ready.end(trail)),
            },
            Err(ended) => Found::Ended(target, ended),
        }
    }

    async fn search(&self, target: &Target, trail: &mut Trail) -> Result<Search, Ended> {
        let mut search = Search::default();
        let mut start_index = 1;
        loop {
            let url = self.lookup_url(target, start_index);
            let sent = self.send(Op::Read, target.line, &read_request(url), trail).await;
            let reply = sent.map_err(|fault| fault.end("look-up", trail))?;
            if reply.status != 200 {
                let refusal = Refusal::read(&reply);
                trail.reference = refusal.reference(Some(target));
                return Err(lookup_refused(reply.status).end(trail));
            }
            let Some(body) = reply.bytes() else {
                return Err(failed(trail, Fail::BadReply, "the reply to the look-up is longer than 1 MiB"));
            };
            match search.page(body, &target.email).map_err(|bad| bad.end(trail))? {
                Page::Next(index) => start_index = index,
                Page::Last => return Ok(search),
            }
        }
    }

    /// Sends the change.
    pub(crate) async fn write(&self, ready: &Ready, trail: &mut Trail) -> Written {
        let request = self.patch_request(ready);
        match self.send(Op::Patch, ready.target().line, &request, trail).await {
            Ok(reply) => self.judge(&reply, ready, trail),
            Err(Fault::InDoubt(doubt)) => self.doubt(doubt, trail),
            Err(fault) => Written::Ended(fault.end("PATCH", trail)),
        }
    }

    /// Something may have been done. Look again and send the same once more, as often as a
    /// request may be sent at all.
    fn doubt(&self, doubt: Doubt, trail: &mut Trail) -> Written {
        trail.doubt = Some(doubt);
        if trail.patches < self.settings.max_attempts {
            return Written::LookAgain;
        }
        let words = match doubt {
            Doubt::ReplyLost => "the PATCH left and no answer came",
            Doubt::ServerError | Doubt::ProbablyApplied => {
                "the service answered the PATCH with an error that does not say"
            }
        };
        Written::Ended(Ended::row(Ending::new(Outcome::Unknown(doubt), words)))
    }

    fn judge(&self, reply: &Reply, ready: &Ready, trail: &mut Trail) -> Written {
        let refusal = Refusal::read(reply);
        trail.reference = refusal.reference(Some(ready.target()));
        let version_conflict = refusal.is_version_conflict();
        match reply.status {
            200 | 204 => return self.taken(reply, ready, trail),
            201..=299 => return self.doubt(Doubt::ServerError, trail),
            409 | 412 => return conflict(trail),
            400 if version_conflict => return conflict(trail),
            _ => {}
        }
        let (fail, words) = patch_refused(reply.status, &refusal);
        if trail.doubt.is_some() && matches!(fail, Fail::Rejected | Fail::TooSoon) && !refusal.is_about_form()
        {
            let words = "after a PATCH without an answer, the same one is refused as if the first had taken";
            return Written::Ended(Ended::row(Ending::new(Outcome::Unknown(Doubt::ProbablyApplied), words)));
        }
        Written::Ended(failed(trail, fail, words))
    }

    /// A yes, unless the reply itself says that it is about something else.
    fn taken(&self, reply: &Reply, ready: &Ready, trail: &mut Trail) -> Written {
        let mfa = match wire::shown(reply, ready.id(), ready.target(), &self.settings.mfa) {
            Shown::AnotherAccount => {
                let words = "the reply to the PATCH speaks of another account";
                let ending = Ending::new(Outcome::Unknown(Doubt::ServerError), words);
                return Written::Ended(Ended {
                    ending,
                    halt: Some(Stop::Untrusted(words.to_owned()).into()),
                });
            }
            Shown::Unreadable => return self.doubt(Doubt::ServerError, trail),
            Shown::Nothing | Shown::Other | Shown::MfaAsAsked if ready.target().phone.is_none() => Mfa::None,
            Shown::MfaAsAsked => Mfa::Confirmed,
            Shown::Nothing | Shown::Other => Mfa::Accepted,
        };
        trail.reference.clear();
        Written::Ended(Ended::row(Ending { mfa, ..Ending::new(Outcome::Updated, "") }))
    }

    /// Sends a request until the retry table says that its reply decides.
    async fn send(&self, op: Op, line: u64, request: &Request, trail: &mut Trail) -> Result<Reply, Fault> {
        let mut tries = if op == Op::Patch { trail.patches } else { 0 };
        let mut refused: Option<Arc<Token>> = None;
        let mut not_before = trail.doubt.map(|_| Instant::now() + backoff(trail.patches, rand::random()));
        loop {
            let token = self.auth.token(&self.http, &self.pacer, refused.as_ref()).await?;
            let pass = self.pacer.admit(not_before.take()).await.map_err(closed)?;
            if token.is_old() {
                continue;
            }
            self.sent(op, trail);
            tries += 1;
            let (answer, reply) = answered(self.http.send(request.bearing(token.header())).await)?;
            trail.http_status = reply.as_ref().map(|reply| reply.status).or(trail.http_status);
            let verdict = decide(op, answer);
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
                (Verdict::Throttled, _) if tries >= self.settings.max_attempts => {
                    return Err(Fault::Throttled);
                }
                (Verdict::Throttled, _) => {}
                // An outage is not this row's fault: the gate lets it try again, as a probe.
                (_, reply) if tries >= self.settings.max_attempts && !self.pacer.is_down() => {
                    return Err(Fault::Unavailable(reply.map(|reply| reply.status)));
                }
                (Verdict::Again | Verdict::Take | Verdict::Redirected, _) => {
                    not_before = Some(Instant::now() + backoff(tries, rand::random()));
                }
            }
        }
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
        let wait = asked.or_else(|| throttled.then(|| backoff(tries, rand::random())));
        match wait {
            Some(wait) if !self.pacer.hold(wait) => Err(Stop::Throttled.into()),
            Some(_) | None => Ok(()),
        }
    }

    fn sent(&self, op: Op, trail: &mut Trail) {
        trail.attempts += 1;
        match op {
            Op::Read => self.count(|counts| counts.lookup += 1),
            Op::Patch => {
                trail.patches += 1;
                self.count(|counts| counts.patch += 1);
            }
        }
    }

    fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn lookup_url(&self, target: &Target, start_index: u64) -> Url {
        let filter = wire::user_filter(target.email.as_str());
        let filter = utf8_percent_encode(&filter, RESERVED);
        let query = format!(
            "filter={filter}&startIndex={start_index}&count={PAGE_SIZE}&attributes=id,userName,active,meta"
        );
        self.url(&["Users"], Some(&query))
    }

    fn patch_request(&self, ready: &Ready) -> Request {
        let mut headers = accept_scim();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(SCIM_JSON));
        let version = ready.version().filter(|_| self.counts().etag);
        if let Some(version) = version.and_then(|version| HeaderValue::from_str(version).ok()) {
            headers.insert(IF_MATCH, version);
        }
        let body = wire::patch_body(ready.target(), &self.settings.mfa);
        Request { method: Method::PATCH, url: self.url(&["Users", ready.id()], None), headers, body }
    }

    /// The base with these segments, each of them encoded whole.
    fn url(&self, segments: &[&str], query: Option<&str>) -> Url {
        let mut url = self.settings.base.clone();
        let encoded = segments.iter().map(|segment| utf8_percent_encode(segment, RESERVED).to_string());
        let path =
            encoded.fold(url.path().trim_end_matches('/').to_owned(), |path, segment| path + "/" + &segment);
        url.set_path(&path);
        url.set_query(query);
        url
    }
}

fn accept_scim() -> HeaderMap {
    HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(SCIM_JSON))])
}

fn read_request(url: Url) -> Request {
    Request { method: Method::GET, url, headers: accept_scim(), body: Vec::new() }
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

fn lookup_refused(status: u16) -> NotReady {
    let (fail, why) = match status {
        403 => (Fail::Forbidden, "the service forbids the look-up"),
        404 => (Fail::NotFound, "the service answers the look-up with 404; is --scim-url right?"),
        200..=299 => (Fail::BadReply, "the look-up was not answered with a list of users"),
        _ => (Fail::Rejected, "the service refuses the look-up"),
    };
    NotReady { outcome: Outcome::Failed(fail), why }
}

fn patch_refused(status: u16, refusal: &Refusal) -> (Fail, String) {
    match status {
        403 => (Fail::Forbidden, "the service forbids the change".to_owned()),
        404 => (Fail::NotFound, "the account is gone since it was looked up".to_owned()),
        _ if refusal.is_too_soon() => {
            let until = refusal.until().map_or_else(String::new, |until| format!(" until {until}"));
            (Fail::TooSoon, format!("the password cannot be changed yet{until}"))
        }
        status => (Fail::Rejected, format!("the service refuses the change ({status})")),
    }
}

/// Somebody else changed the account between look-up and PATCH.
fn conflict(trail: &mut Trail) -> Written {
    trail.conflicts += 1;
    if trail.conflicts <= MAX_CONFLICTS {
        return Written::LookAgain;
    }
    Written::Ended(failed(trail, Fail::Conflict, "the account kept changing between look-up and PATCH"))
}

fn redirected(status: u16) -> Stop {
    Stop::Untrusted(format!(
        "the service redirects ({status}), and redirects are never followed: check the region and --scim-url"
    ))
}

impl Ended {
    const fn row(ending: Ending) -> Self {
        Self { ending, halt: None }
    }
}

/// A row that certainly was not changed by its last request. If an earlier one is in doubt, that
/// doubt stays.
fn failed(trail: &Trail, fail: Fail, words: impl Into<String>) -> Ended {
    let outcome = trail.doubt.map_or(Outcome::Failed(fail), Outcome::Unknown);
    Ended::row(Ending::new(outcome, words))
}

impl NotReady {
    fn end(self, trail: &Trail) -> Ended {
        let outcome = trail.doubt.map_or(self.outcome, Outcome::Unknown);
        Ended::row(Ending::new(outcome, self.why))
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

impl Fault {
    /// The end of the row that the request was for.
    fn end(self, what: &str, trail: &Trail) -> Ended {
        let unfinished = |pause: Pause, words: &str| {
            let outcome = trail.doubt.map_or(Outcome::Pending(pause), Outcome::Unknown);
            Ending::new(outcome, words).left_open()
        };
        match self {
            Self::InDoubt(doubt) => Ended::row(Ending::new(Outcome::Unknown(doubt), "no clear answer came")),
            Self::Unavailable(status) => {
                let answer = status.map_or("none".to_owned(), |status| status.to_string());
                let words = format!("the service did not serve the {what} (last answer: {answer})");
                failed(trail, Fail::Unavailable, words)
            }
            Self::Throttled => Ended::row(unfinished(Pause::Throttled, "every attempt was answered 429")),
            Self::Redirected(status) => {
                let words = format!("the {what} was answered with a redirect ({status})");
                Ended { halt: Some(redirected(status).into()), ..failed(trail, Fail::BadReply, words) }
            }
            // The engine, which knows why the run stops, puts the right word for "interrupted".
            Self::Halt(halt) => Ended { ending: unfinished(Pause::Interrupted, ""), halt: Some(halt) },
        }
    }
}
