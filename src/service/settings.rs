//! Owns the table `[serve]`: what can be set, the defaults, and what a service may not start with.
//!
//! One invariant: checked rules name at least one caller, and TLS wherever others could listen. What is
//! said of a wrong setting names its key and never its value.

use std::collections::{BTreeSet, HashSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::auth::Callers;
use super::caller::{Caller, CallerSettings};
use super::tls;
use crate::domain::text;

/// The table as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// `ADDRESS:PORT`.
    #[serde(default = "usual_address")]
    listen: SocketAddr,
    tls_certificate: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    /// Whose client certificates are believed.
    client_ca: Option<PathBuf>,
    /// Request fields of the update route that become attributes.
    #[serde(default)]
    attributes: BTreeSet<String>,
    #[serde(default)]
    caller: Vec<CallerSettings>,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    timeouts: Timeouts,
}

/// How much of everything, `[serve.limits]`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Resets of one user in an hour.
    pub(crate) per_target_per_hour: usize,
    /// Resets of all in a minute.
    pub(crate) global_per_minute: usize,
    /// Requests that wait for the desk.
    pub(crate) queue: usize,
    /// Open connections.
    pub(crate) connections: usize,
}

/// How long for what, in seconds: `[serve.timeouts]`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Timeouts {
    header: u64,
    body: u64,
    total: u64,
    idle: u64,
    drain: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_target_per_hour: 3, global_per_minute: 60, queue: 100, connections: 64 }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { header: 10, body: 10, total: 30, idle: 60, drain: 30 }
    }
}

impl Timeouts {
    /// From the first byte of a request, or the connection, to the end of its header; and for a handshake.
    pub(crate) const fn header(self) -> Duration {
        Duration::from_secs(self.header)
    }

    /// From the end of the header to the end of the body.
    pub(crate) const fn body(self) -> Duration {
        Duration::from_secs(self.body)
    }

    /// From the end of the header to the answer.
    pub(crate) const fn total(self) -> Duration {
        Duration::from_secs(self.total)
    }

    /// Between two requests.
    pub(crate) const fn idle(self) -> Duration {
        Duration::from_secs(self.idle)
    }

    /// From the signal to the end.
    pub(crate) const fn drain(self) -> Duration {
        Duration::from_secs(self.drain)
    }
}

/// Settings that a service can start with.
pub(crate) struct Rules {
    pub(super) listen: SocketAddr,
    pub(super) tls: Option<Arc<rustls::ServerConfig>>,
    pub(super) callers: Callers,
    pub(super) attributes: BTreeSet<String>,
    pub(super) limits: Limits,
    pub(super) timeouts: Timeouts,
}

impl Rules {
    /// Fields of a request that become attributes.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &String> {
        self.attributes.iter()
    }

    /// How many may wait for the desk.
    pub(crate) fn queue(&self) -> usize {
        self.limits.queue
    }
}

/// A setting that a service cannot start with: exit code 78.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} {why}")]
pub(crate) struct Misconfigured {
    key: String,
    why: String,
}

impl Misconfigured {
    pub(super) fn new(key: impl Into<String>, why: impl Into<String>) -> Self {
        Self { key: key.into(), why: why.into() }
    }
}

impl Settings {
    /// Reads the table. What serde says of a value shows the value, so it is not passed on.
    pub(crate) fn read(table: toml::Value) -> Result<Self, Misconfigured> {
        table.try_into().map_err(|error: toml::de::Error| match text::wrong_setting(error.message()) {
            Some(why) => Misconfigured::new("[serve]", why),
            None => Misconfigured::new(place(&error), text::WRONG_KIND),
        })
    }

    /// The same with paths that start at this folder.
    pub(crate) fn below(mut self, folder: &Path) -> Self {
        let paths = [&mut self.tls_certificate, &mut self.tls_key, &mut self.client_ca];
        paths.into_iter().flatten().for_each(|path| *path = folder.join(&*path));
        self
    }

    /// Checks what is written, and reads the certificates that it names.
    pub(crate) fn check(self) -> Result<Rules, Misconfigured> {
        let tls = self.tls()?;
        if tls.is_none() && !self.listen.ip().is_loopback() {
            return Err(Misconfigured::new(
                "serve.listen",
                "is no loopback address, which needs serve.tls_certificate and serve.tls_key",
            ));
        }
        self.limits.check()?;
        self.timeouts.check()?;
        let callers = callers(self.caller, self.client_ca.is_some())?;
        for name in &self.attributes {
            if name == "password" || text::token(name).is_none() {
                return Err(Misconfigured::new("serve.attributes", "names what cannot be an attribute"));
            }
        }
        Ok(Rules {
            listen: self.listen,
            tls,
            callers,
            attributes: self.attributes,
            limits: self.limits,
            timeouts: self.timeouts,
        })
    }

    fn tls(&self) -> Result<Option<Arc<rustls::ServerConfig>>, Misconfigured> {
        match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                tls::config(certificate, key, self.client_ca.as_deref()).map(Some)
            }
            (Some(_), None) => Err(Misconfigured::new("serve.tls_key", "is missing beside tls_certificate")),
            (None, Some(_)) => Err(Misconfigured::new("serve.tls_certificate", "is missing beside tls_key")),
            (None, None) if self.client_ca.is_some() => {
                Err(Misconfigured::new("serve.client_ca", "needs tls_certificate and tls_key"))
            }
            (None, None) => Ok(None),
        }
    }
}

/// Where in the table, as serde names it in the last line of what it says.
fn place(error: &toml::de::Error) -> String {
    let said = error.to_string();
    let path = said.lines().filter_map(|line| line.strip_prefix("in `")?.strip_suffix('`')).next_back();
    path.map_or_else(|| "[serve]".to_owned(), |path| format!("serve.{path}"))
}

fn callers(written: Vec<CallerSettings>, certificates: bool) -> Result<Callers, Misconfigured> {
    if written.is_empty() {
        return Err(Misconfigured::new("[[serve.caller]]", "is missing: nobody could be let in"));
    }
    let callers =
        written.into_iter().map(|caller| caller.check(certificates)).collect::<Result<Vec<_>, _>>()?;
    let (mut ids, mut digests) = (HashSet::new(), HashSet::new());
    for caller in &callers {
        if !ids.insert(&caller.id) {
            return Err(Misconfigured::new("serve.caller.id", "is given to two callers"));
        }
        if !caller.digests().all(|digest| digests.insert(digest)) {
            return Err(Misconfigured::new("serve.caller.key_sha256", "stands twice"));
        }
    }
    Ok(Callers::new(callers.into_iter().map(Arc::<Caller>::new).collect()))
}

impl Limits {
    fn check(self) -> Result<(), Misconfigured> {
        let all = [
            ("per_target_per_hour", self.per_target_per_hour),
            ("global_per_minute", self.global_per_minute),
            ("queue", self.queue),
            ("connections", self.connections),
        ];
        match all.into_iter().find(|(_, number)| !(1..=100_000).contains(number)) {
            Some((key, _)) => {
                Err(Misconfigured::new(format!("serve.limits.{key}"), "must be from 1 to 100000"))
            }
            None => Ok(()),
        }
    }
}

impl Timeouts {
    fn check(self) -> Result<(), Misconfigured> {
        let all = [
            ("header", self.header),
            ("body", self.body),
            ("total", self.total),
            ("idle", self.idle),
            ("drain", self.drain),
        ];
        match all.into_iter().find(|(_, seconds)| !(1..=3600).contains(seconds)) {
            Some((key, _)) => {
                Err(Misconfigured::new(format!("serve.timeouts.{key}"), "must be from 1 to 3600 seconds"))
            }
            None => Ok(()),
        }
    }
}

fn usual_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8480))
}
