//! The vendor's platform API beside its SCIM one: a password by a route of its own, the end of a user's
//! sessions, and what the organisation asks of passwords.
//!
//! The same token, pace and retry table serve it. Invariant: nothing here is sent for an account that the
//! identity check has not proven.

use std::fmt;
use std::sync::OnceLock;

use percent_encoding::{PercentEncode, utf8_percent_encode};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use serde::Serialize;

use super::client::{Client, Ended, RESERVED, Written};
use super::endings::refused;
use super::exchange::Fault;
use super::http::{Base, Request};
use super::identity::Ready;
use super::retry::Op;
use crate::domain::event::{Ending, Trail};
use crate::domain::outcome::{Doubt, Mfa, Outcome};
use crate::domain::stop::Halt;
use crate::failpoint;

/// What is used of the platform API, where there is one.
#[derive(Debug, Default)]
pub(crate) struct Platform {
    /// Its base, to which `/api/v2/…` is appended.
    pub(crate) base: Option<Base>,
    /// Whether sessions end after a change (`DELETE /api/v2/tokens/{userId}`).
    pub(crate) revokes_sessions: bool,
    /// Whether to ask what the organisation wants of passwords.
    pub(crate) reads_policy: bool,
    /// What it answered.
    pub(crate) policy: OnceLock<Vec<u8>>,
}

const JSON: &str = "application/json";
/// Where the organisation says what it asks of passwords.
pub(super) const SETTINGS: &str = "organizations/authentication/settings";

#[derive(Serialize)]
struct NewPassword<'a> {
    #[serde(rename = "newPassword")]
    new_password: &'a str,
}

impl Platform {
    /// The platform API beside a SCIM base of the vendor's: `…/api/v2/scim/v2`, or without its last part.
    pub(crate) fn beside(scim: &Url) -> Option<Url> {
        let path = scim.path().trim_end_matches('/');
        let path = path.strip_suffix("/api/v2/scim/v2").or_else(|| path.strip_suffix("/api/v2/scim"))?;
        let mut base = scim.clone();
        base.set_path(path);
        Some(base)
    }

    /// A request to it, if it is there; `path` goes behind `/api/v2/`.
    pub(super) fn request(&self, method: Method, path: fmt::Arguments<'_>, body: Vec<u8>) -> Option<Request> {
        let mut headers = vec![(ACCEPT, HeaderValue::from_static(JSON))];
        if !body.is_empty() {
            headers.push((CONTENT_TYPE, HeaderValue::from_static(JSON)));
        }
        let to = self.base.as_ref()?.join(format_args!("/api/v2/{path}"));
        Some(Request { method, to, headers, body: body.into() })
    }
}

impl Client {
    /// What the organisation asks of passwords, as it says it itself; nothing when it was not asked or
    /// would not say.
    pub(crate) fn policy(&self) -> Option<&[u8]> {
        self.platform().policy.get().map(Vec::as_slice)
    }

    /// Asks for it. A service that does not say, or forbids it, is one that has not said.
    pub(super) async fn read_policy(&self) -> Result<(), Halt> {
        let request = self.platform().request(Method::GET, format_args!("{SETTINGS}"), Vec::new());
        let Some(request) = request.filter(|_| self.platform().reads_policy) else { return Ok(()) };
        match self.exchange().send(Op::Read, 0, &request, &mut Trail::default()).await {
            Ok(reply) if reply.status == 200 => {
                let _ = reply.bytes().map(|bytes| self.platform().policy.set(bytes.to_vec()));
                Ok(())
            }
            Err(Fault::Halt(halt)) => Err(halt),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Sets the password (`POST /api/v2/users/{id}/password`), after a PATCH of everything else if there
    /// was one, of which `patched` tells what its reply said about MFA.
    pub(super) async fn set_password(
        &self,
        ready: &Ready,
        patched: Option<Mfa>,
        trail: &mut Trail,
    ) -> Written {
        let encoded = ready.target().password.value().map(|secret| self.encoded(secret));
        let new_password = encoded.as_ref().map_or("", |encoded| encoded.as_str());
        let body = serde_json::to_vec(&NewPassword { new_password }).unwrap_or_default();
        let id = segment(ready.id());
        let request = self.platform().request(Method::POST, format_args!("users/{id}/password"), body);
        let Some(request) = request else {
            return Written::Ended(Ended::row(Ending::new(
                Outcome::Unknown(Doubt::ServerError),
                "no platform API",
            )));
        };
        let sent = self.exchange().send(Op::Patch, ready.target().line, &request, trail).await;
        let written = match sent {
            Ok(reply) if matches!(reply.status, 200 | 202 | 204) => {
                trail.reference.clear();
                let mfa = patched.unwrap_or(Mfa::None);
                Written::Ended(Ended::row(Ending { mfa, ..Ending::new(Outcome::Updated, "") }))
            }
            Ok(reply) => {
                let refusal = self.refusal(&reply);
                trail.reference = refusal.reference(Some(ready.target()));
                match reply.status {
                    201..=299 => self.doubt(Doubt::ServerError, trail),
                    status => refused(status, &refusal, ready, &["password"], trail),
                }
            }
            Err(Fault::InDoubt(doubt)) => self.doubt(doubt, trail),
            Err(fault) => Written::Ended(self.fails(fault, "change of the password", ready.target(), trail)),
        };
        told_with(written, patched)
    }

    /// Ends the user's sessions after a change. Whether that works changes nothing about the change.
    pub(super) async fn end_sessions(&self, ready: &Ready, trail: &mut Trail, ended: &mut Ended) {
        let request = self.platform().request(
            Method::DELETE,
            format_args!("tokens/{}", segment(ready.id())),
            Vec::new(),
        );
        let Some(request) = request else { return };
        failpoint::hit("sessions");
        let changed = trail.http_status;
        let sent = self.exchange().send(Op::Sessions, ready.target().line, &request, trail).await;
        let status = trail.http_status;
        trail.http_status = changed;
        ended.ending.detail = match sent {
            Ok(reply) if matches!(reply.status, 200..=299) => "sessions ended".to_owned(),
            Ok(reply) if reply.status == 404 => "there were no sessions to end".to_owned(),
            Ok(reply) => format!("SESSIONS NOT ENDED ({})", reply.status),
            Err(fault) => {
                if let Fault::Halt(halt) = fault {
                    ended.halt = Some(halt);
                }
                let status = status.filter(|status| *status >= 400);
                let status = status.map_or_else(String::new, |status| format!(" ({status})"));
                format!("SESSIONS NOT ENDED{status}")
            }
        };
    }
}

/// An id as one segment of a path, whatever it is.
fn segment(id: &str) -> PercentEncode<'_> {
    utf8_percent_encode(id, RESERVED)
}

/// The end of a password's own request, with what is known of the PATCH before it.
fn told_with(written: Written, patched: Option<Mfa>) -> Written {
    match (written, patched) {
        (Written::Ended(mut ended), Some(mfa)) => {
            ended.ending.mfa = mfa;
            if ended.ending.outcome != Outcome::Updated {
                let why = std::mem::take(&mut ended.ending.detail);
                ended.ending.detail = format!("everything but the password was changed: {why}");
            }
            Written::Ended(ended)
        }
        (written, _) => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platform_api_lies_beside_the_vendors_scim() {
        let beside = |url: &str| Platform::beside(&Url::parse(url).unwrap()).map(|url| url.to_string());
        for scim in ["https://api.mypurecloud.de/api/v2/scim/v2", "https://api.mypurecloud.de/api/v2/scim/"] {
            assert_eq!(beside(scim).as_deref(), Some("https://api.mypurecloud.de/"));
        }
        assert_eq!(beside("http://127.0.0.1:1/x/api/v2/scim/v2").as_deref(), Some("http://127.0.0.1:1/x"));
        assert_eq!(beside("https://scim.example.com/v2"), None);
    }
}
