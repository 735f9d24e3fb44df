//! Owns the record of what arrived and what was applied.
//!
//! Every request passes here, so an entry costs little: what most requests have in common (their
//! client's headers) is kept once, and entries end at a bound while the counts go on.

use std::sync::Arc;

use axum::http::Method;

use super::call::Call;
use super::truth::{Applied, Kind, Seen, Truth};

/// The record; its truth carries the counts, its entries wait to become [`Seen`].
pub(super) struct Ledger {
    entries: Vec<Entry>,
    truth: Truth,
    senders: [Arc<Sender>; Kind::ALL.len()],
    keep_requests: usize,
    keep_changes: usize,
}

struct Entry {
    at_ms: u64,
    kind: Kind,
    method: Method,
    path: Box<str>,
    query: Box<str>,
    user: Option<Box<str>>,
    token: Option<u64>,
    if_match: Option<Box<str>>,
    status: u16,
    hold_announced_ms: Option<u64>,
    fault: Option<&'static str>,
    sender: Arc<Sender>,
}

/// The headers by which a client's requests resemble each other.
#[derive(Default)]
struct Sender([Option<String>; 4]);

const SENDER: [&str; 4] = ["user-agent", "authorization", "content-type", "accept"];

impl Ledger {
    pub(super) fn new(keep_requests: usize, keep_changes: usize) -> Self {
        Self {
            entries: Vec::new(),
            truth: Truth::default(),
            senders: Default::default(),
            keep_requests,
            keep_changes,
        }
    }

    /// Records an arrival; its place is needed to record the answer.
    pub(super) fn open(
        &mut self,
        call: &Call,
        user: Option<&str>,
        token: Option<u64>,
        hold_announced_ms: Option<u64>,
    ) -> Option<usize> {
        let counter = match call.kind {
            Kind::Token => &mut self.truth.token_requests,
            Kind::Lookup => &mut self.truth.lookup_requests,
            Kind::Patch => &mut self.truth.patch_requests,
            Kind::Other => &mut self.truth.other_requests,
        };
        *counter += 1;
        self.truth.during_hold += u64::from(hold_announced_ms.is_some());
        if self.entries.len() >= self.keep_requests {
            self.truth.requests_not_kept += 1;
            return None;
        }
        let sender = self.sender_of(call);
        self.entries.push(Entry {
            at_ms: call.at_ms,
            kind: call.kind,
            method: call.method.clone(),
            path: call.uri.path().into(),
            query: call.uri.query().unwrap_or("").into(),
            user: user.map(Into::into),
            token,
            if_match: call.header("if-match").map(Into::into),
            status: 0,
            hold_announced_ms,
            fault: None,
            sender,
        });
        Some(self.entries.len() - 1)
    }

    /// Records the answer.
    pub(super) fn close(&mut self, entry: Option<usize>, status: u16, fault: Option<&'static str>) {
        *self.truth.statuses.entry(status).or_default() += 1;
        if let Some(name) = fault {
            *self.truth.faults.entry(name.into()).or_default() += 1;
        }
        if let Some(entry) = entry.and_then(|place| self.entries.get_mut(place)) {
            (entry.status, entry.fault) = (status, fault);
        }
    }

    /// Records a change really applied.
    pub(super) fn applied(&mut self, mut change: Applied) {
        self.truth.applied_total += 1;
        change.seq = self.truth.applied_total;
        if self.truth.applied.len() < self.keep_changes {
            self.truth.applied.push(change);
        }
    }

    /// A user's sessions were ended.
    pub(super) fn sessions_ended(&mut self, id: &str) {
        if self.truth.sessions_ended.len() < self.keep_changes {
            self.truth.sessions_ended.push(id.to_owned());
        }
    }

    /// The counts and the changes, without the single requests.
    pub(super) fn truth(&self) -> Truth {
        self.truth.clone()
    }

    pub(super) fn requests(&self) -> Vec<Seen> {
        self.entries.iter().map(Entry::seen).collect()
    }

    /// The headers of this request, shared with the last request of its kind if they are the same.
    fn sender_of(&mut self, call: &Call) -> Arc<Sender> {
        let headers = SENDER.map(|name| {
            let value = call.header(name)?;
            let scheme = value.split(' ').next().unwrap_or("");
            Some(if name == "authorization" { scheme } else { value })
        });
        let last = &mut self.senders[call.kind as usize];
        let mut pairs = headers.iter().zip(&last.0);
        if !pairs.all(|(new, old)| *new == old.as_deref()) {
            let owned = headers.map(|value| value.map(str::to_owned));
            *last = Arc::new(Sender(owned));
        }
        Arc::clone(last)
    }
}

impl Entry {
    fn seen(&self) -> Seen {
        let [user_agent, authorization, content_type, accept] = self.sender.0.clone();
        Seen {
            at_ms: self.at_ms,
            kind: self.kind,
            method: self.method.to_string(),
            path: self.path.to_string(),
            query: self.query.to_string(),
            user: self.user.as_deref().map(Into::into),
            token: self.token,
            status: self.status,
            during_hold: self.hold_announced_ms.is_some(),
            hold_announced_ms: self.hold_announced_ms,
            fault: self.fault.map(Into::into),
            user_agent,
            if_match: self.if_match.as_deref().map(Into::into),
            authorization,
            content_type,
            accept,
        }
    }
}
