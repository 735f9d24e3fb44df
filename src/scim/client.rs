//! The two things a row needs of the service: find the user, write the change; and what the
//! replies to them mean for the row.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::body::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue, IF_MATCH};
use secrecy::zeroize::Zeroizing;

use super::directory::{Directory, Terms};
use super::echo;
use super::endings::{failed, lookup_refused, prevents, refused};
use super::exchange::{Exchange, Fault};
use super::http::{Address, Base, Reply, Request};
use super::identity::{NotReady, Page, Ready, Search};
use super::listing::User;
use super::platform::Platform;
use super::retry::Op;
use super::shown::{Shown, shown};
use super::wire::{self, Refusal, SCIM_JSON, Wording};
use crate::domain::email::Email;
use crate::domain::event::{Ending, Trail};
use crate::domain::outcome::{Doubt, Fail, Mfa, Outcome};
use crate::domain::secret::Secret;
use crate::domain::stop::{Halt, Stop};
use crate::domain::target::Target;
use crate::failpoint;

/// What the client needs to know.
#[derive(Debug)]
pub(crate) struct Settings {
    /// SCIM base, to which `/Users` is appended.
    pub(crate) base: Base,
    /// How changes are written.
    pub(crate) wording: Wording,
    /// The vendor's API beside it.
    pub(crate) platform: Platform,
    /// Whether disabled accounts are changed too.
    pub(crate) include_inactive: bool,
}

/// The service, as the engine sees it.
#[derive(Debug)]
pub(crate) struct Client {
    settings: Settings,
    exchange: Arc<Exchange>,
    etag: AtomicBool,
    directory: Directory,
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

/// How often the account may change between look-up and PATCH.
const MAX_CONFLICTS: u32 = 3;
/// Users a page; the vendor's own default.
const PAGE_SIZE: u32 = 25;

/// RFC 3986 unreserved characters stay as they are.
pub(super) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Client {
    /// A client that has sent nothing yet.
    pub(crate) fn new(settings: Settings, exchange: Exchange) -> Self {
        let (etag, directory) = (AtomicBool::new(false), Directory::default());
        Self { settings, exchange: Arc::new(exchange), etag, directory }
    }

    /// What whoever reads of this run tomorrow should know.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.directory.warning().into_iter().chain(self.exchange.pacer().fewer_tokens()).collect()
    }

    /// What lies between requests and replies, to ask it what it did.
    pub(crate) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// The vendor's API beside the SCIM one.
    pub(super) const fn platform(&self) -> &Platform {
        &self.settings.platform
    }

    /// Where its resources are.
    pub(super) const fn base(&self) -> &Base {
        &self.settings.base
    }

    /// A password as it is written on the wire.
    pub(super) fn encoded(&self, password: &Secret) -> Zeroizing<String> {
        self.settings.wording.encoding.apply(password)
    }

    /// Names of the attributes that a row would change.
    pub(crate) fn attributes<'a>(&'a self, target: &'a Target) -> Vec<&'a str> {
        wire::attributes(target, &self.settings.wording)
    }

    /// Gets the token, asks once whether entity tags work, and reads the list of users if that is
    /// wished. A service that does not say is one without entity tags.
    pub(crate) async fn prepare(&self) -> Result<(), Halt> {
        let config = read_request(self.settings.base.join(format_args!("/ServiceProviderConfig")));
        let config = self.exchange.send(Op::Read, 0, &config, &mut Trail::default()).await;
        let terms = match config {
            Ok(reply) if reply.status == 404 => {
                self.refuse_nowhere().await?;
                Terms::default()
            }
            Ok(reply) => Terms::of(&reply),
            Err(fault) => prevents(fault).map_or(Ok(Terms::default()), Err)?,
        };
        self.etag.store(terms.etag, Ordering::Relaxed);
        self.read_policy().await?;
        let read = self.directory.prepare(&self.exchange, &self.settings.base, terms).await;
        read.or_else(|fault| prevents(fault).map_or(Ok(()), Err))
    }

    /// A base below which there is no `ServiceProviderConfig` may be none: then there are no users either, and
    /// every row would end as `not_found`.
    async fn refuse_nowhere(&self) -> Result<(), Halt> {
        let users = read_request(list_address(&self.settings.base, 1, 1));
        match self.exchange.send(Op::Read, 0, &users, &mut Trail::default()).await {
            Ok(reply) if reply.status == 404 => Err(Stop::Untrusted(
                "the service knows no /Users there (404): check --scim-url, or the region".to_owned(),
            )
            .into()),
            Ok(_) => Ok(()),
            Err(fault) => prevents(fault).map_or(Ok(()), Err),
        }
    }

    /// What is known from the list of users.
    pub(crate) const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Requests that a row should cost, if all goes well. Whoever is listed is not looked up.
    pub(crate) fn requests_a_row(&self, dry_run: bool, reads_list: bool) -> u64 {
        let lookups = u64::from(!reads_list && !self.directory.is_read());
        let changes = u64::from(!dry_run)
            + u64::from(!dry_run && self.settings.wording.password_apart)
            + u64::from(self.settings.platform.revokes_sessions);
        lookups + changes
    }

    /// Looks the user up and checks who it is.
    pub(crate) async fn find(&self, target: Target, trail: &mut Trail) -> Found {
        let target = match self.listed(target, trail) {
            Ok(ready) => return proven(ready, trail),
            Err(target) => target,
        };
        match self.search(&target, trail).await {
            Ok(search) => match search.verdict(target, self.settings.include_inactive) {
                Ok(ready) if ready.is_another() => {
                    let why = "the account has another id than the one that was asked for";
                    let not_ready = NotReady { outcome: Outcome::Failed(Fail::WrongUser), why };
                    Found::Ended(ready.into_target(), not_ready.end(trail))
                }
                Ok(ready) if self.shows_a_secret(&ready) => {
                    let why = "the user's id holds something secret that was sent";
                    let not_ready = NotReady { outcome: Outcome::Failed(Fail::BadReply), why };
                    Found::Ended(ready.into_target(), not_ready.end(trail))
                }
                Ok(ready) => proven(ready, trail),
                Err((target, not_ready)) => Found::Ended(target, not_ready.end(trail)),
            },
            Err(ended) => Found::Ended(target, ended),
        }
    }

    /// The account as the list showed it, when the row is looked up for the first time. After a conflict
    /// the list is known to be out of date, and after a doubt it could be.
    fn listed(&self, target: Target, trail: &Trail) -> Result<Ready, Target> {
        let is_first = trail.doubt.is_none() && trail.conflicts == 0;
        let listed = is_first.then(|| self.directory.find(&target.email)).flatten();
        let Some(listed) = listed else { return Err(target) };
        let ready = Ready::listed(target, listed)?;
        if self.shows_a_secret(&ready) { Err(ready.into_target()) } else { Ok(ready) }
    }

    /// The address of the user with this id, as the service shows it; nothing where there is none.
    pub(crate) async fn address_of(&self, id: &str) -> Result<Option<Email>, Halt> {
        let request = read_request(shown_address(&self.settings.base, id));
        let sent = self.exchange.send(Op::Read, 0, &request, &mut Trail::default()).await;
        match sent {
            Ok(reply) if reply.status == 200 => Ok(reply.bytes().and_then(|body| bearer_of(id, body))),
            Err(Fault::Halt(halt)) => Err(halt),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// An id would stand in the log and in the outcome file.
    fn shows_a_secret(&self, ready: &Ready) -> bool {
        let (id, auth) = (echo::Id::new(ready.id()), self.exchange.auth());
        echo::of_row_in_id(&id, ready.target()) || auth.any_credential(|credential| credential.is_in(&id))
    }

    /// What an error reply says, without what it echoes of our credentials.
    pub(super) fn refusal(&self, reply: &Reply) -> Refusal {
        let auth = self.exchange.auth();
        Refusal::read(reply).without(|name| auth.any_credential(|credential| credential.shares(name)))
    }

    async fn search(&self, target: &Target, trail: &mut Trail) -> Result<Search, Ended> {
        let mut search = Search::default();
        let mut start_index = 1;
        loop {
            let request =
                read_request(lookup_address(&self.settings.base, target.email.as_str(), start_index));
            let sent = self.exchange.send(Op::Read, target.line, &request, trail).await;
            let reply = sent.map_err(|fault| self.fails(fault, "look-up", target, trail))?;
            if reply.status != 200 {
                let refusal = self.refusal(&reply);
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

    /// Makes the change, and ends the user's sessions if that is wished.
    pub(crate) async fn write(&self, ready: &Ready, trail: &mut Trail) -> Written {
        let mut written = self.change(ready, trail).await;
        if let Written::Ended(ended) = &mut written
            && self.settings.platform.revokes_sessions
            && ended.ending.outcome == Outcome::Updated
        {
            self.end_sessions(ready, trail, ended).await;
        }
        written
    }

    /// One PATCH for all of a row, unless the password goes its own way: then that comes last, since it
    /// is what cannot be repeated at will.
    async fn change(&self, ready: &Ready, trail: &mut Trail) -> Written {
        let (target, wording) = (ready.target(), &self.settings.wording);
        if !wording.password_apart || !target.password.is_new() {
            return self.patch(ready, trail).await;
        }
        let mut patched = None;
        if wording.has_patch(target) {
            trail.spares_password |= trail.doubt.is_none();
            match self.patch(ready, trail).await {
                Written::Ended(Ended { ending, halt: None }) if ending.outcome == Outcome::Updated => {
                    patched = Some(ending.mfa);
                    if std::mem::take(&mut trail.spares_password) {
                        trail.doubt = None;
                    }
                }
                written => return written,
            }
        }
        self.set_password(ready, patched, trail).await
    }

    async fn patch(&self, ready: &Ready, trail: &mut Trail) -> Written {
        let request = self.patch_request(ready);
        match self.exchange.send(Op::Patch, ready.target().line, &request, trail).await {
            Ok(reply) => self.judge(&reply, ready, trail),
            Err(Fault::InDoubt(doubt)) => self.doubt(doubt, trail),
            Err(fault) => Written::Ended(self.fails(fault, "PATCH", ready.target(), trail)),
        }
    }

    /// The end of a row whose request has no reply that decides.
    pub(super) fn fails(&self, fault: Fault, what: &str, target: &Target, trail: &mut Trail) -> Ended {
        if let Fault::Throttled(reply) = &fault {
            trail.reference = self.refusal(reply).reference(Some(target));
        }
        fault.end(what, trail)
    }

    /// Something may have been done. Look again and send the same once more, as often as a
    /// request may be sent at all.
    pub(super) fn doubt(&self, doubt: Doubt, trail: &mut Trail) -> Written {
        trail.doubt = Some(doubt);
        if self.exchange.allows(trail.patches) {
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
        if matches!(reply.status, 200 | 204) {
            return self.taken(reply, ready, trail);
        }
        let refusal = self.refusal(reply);
        trail.reference = refusal.reference(Some(ready.target()));
        let version_conflict = refusal.is_version_conflict();
        match reply.status {
            201..=299 => return self.doubt(Doubt::ServerError, trail),
            409 | 412 => return conflict(trail),
            400 if version_conflict => return conflict(trail),
            // Somebody deleted since the list was read may be there again under another id.
            404 if ready.is_from_list() => return conflict(trail),
            _ => {}
        }
        refused(reply.status, &refusal, ready, &self.attributes(ready.target()), trail)
    }

    /// A yes, unless the reply itself says that it is about something else.
    fn taken(&self, reply: &Reply, ready: &Ready, trail: &mut Trail) -> Written {
        let shown = shown(reply, ready.id(), ready.target(), &self.settings.wording.mfa);
        if matches!(shown, Shown::AnotherAccount | Shown::Unreadable) {
            trail.reference = self.refusal(reply).reference(Some(ready.target()));
        }
        let mfa = match shown {
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

    fn patch_request(&self, ready: &Ready) -> Request {
        let scim = HeaderValue::from_static(SCIM_JSON);
        let mut headers = vec![(ACCEPT, scim.clone()), (CONTENT_TYPE, scim)];
        let version = ready.version().filter(|_| self.etag.load(Ordering::Relaxed));
        if let Some(version) = version.and_then(|version| HeaderValue::from_str(version).ok()) {
            headers.push((IF_MATCH, version));
        }
        let body = wire::patch_body(ready.target(), &self.settings.wording);
        let to = user_address(&self.settings.base, ready.id());
        Request { method: Method::PATCH, to, headers, body: body.into() }
    }
}

/// The address of a user that is shown under the id that was asked for.
fn bearer_of(id: &str, body: &[u8]) -> Option<Email> {
    let user: User = serde_json::from_slice(body).ok()?;
    let name = user.user_name.as_str().filter(|_| user.id == *id)?;
    Email::parse(name)
}

/// What is asked of a user.
const ATTRIBUTES: &str = "attributes=id,userName,active,meta";

/// Where a user is looked up: one page of the users that a filter finds.
pub(crate) fn lookup_address(base: &Base, email: &str, start_index: u64) -> Address {
    let filter = wire::user_filter(email);
    let filter = utf8_percent_encode(&filter, RESERVED);
    base.join(format_args!("/Users?filter={filter}&startIndex={start_index}&count={PAGE_SIZE}&{ATTRIBUTES}"))
}

/// Where all users are listed: so many from here on.
pub(crate) fn list_address(base: &Base, start_index: u64, count: u64) -> Address {
    base.join(format_args!("/Users?startIndex={start_index}&count={count}&{ATTRIBUTES}"))
}

/// Where a user is changed. The id is one segment, whatever it is.
pub(crate) fn user_address(base: &Base, id: &str) -> Address {
    base.join(format_args!("/Users/{}", utf8_percent_encode(id, RESERVED)))
}

/// Where a user is shown, as far as a look-up shows one.
fn shown_address(base: &Base, id: &str) -> Address {
    base.join(format_args!("/Users/{}?{ATTRIBUTES}", utf8_percent_encode(id, RESERVED)))
}

/// A request that changes nothing.
pub(crate) fn read_request(to: Address) -> Request {
    let headers = vec![(ACCEPT, HeaderValue::from_static(SCIM_JSON))];
    Request { method: Method::GET, to, headers, body: Bytes::new() }
}

fn proven(ready: Ready, trail: &mut Trail) -> Found {
    failpoint::hit("identity");
    trail.user_id = Some(ready.id().to_owned());
    Found::Ready(Box::new(ready))
}

/// Somebody else changed the account between look-up and PATCH.
fn conflict(trail: &mut Trail) -> Written {
    trail.conflicts += 1;
    if trail.doubt.is_none() {
        trail.user_id = None;
    }
    if trail.conflicts <= MAX_CONFLICTS {
        return Written::LookAgain;
    }
    Written::Ended(failed(trail, Fail::Conflict, "the account kept changing between look-up and PATCH"))
}
