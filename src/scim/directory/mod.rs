//! The list of all users, read in pages before the first row: one request for a hundred users, where a
//! look-up by name is one for each.
//!
//! The list is a snapshot in pieces, taken while others go on working. So it never settles anything
//! alone: an entry leads to a PATCH only together with its version, and whoever is not in it, or not
//! beyond doubt, is asked for by name.
//!
//! | file | owns |
//! |---|---|
//! | `wish` | whether the list is read at all |
//! | `reading` | requests and replies |
//! | `pages` | what is left to ask for |
//! | `shown`, `seen` | who was shown, and who twice |
//! | `map`, `packed` | the accounts that the input asks for, in as few bytes as they need |

mod map;
mod packed;
mod pages;
mod reading;
mod seen;
mod shown;
mod wish;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::Value;

use self::map::Map;
pub(crate) use self::pages::size;
use self::reading::Unread;
pub(crate) use self::wish::{When, Wish, is_worth_reading};
use super::exchange::{Exchange, Fault};
use super::http::{Base, Reply};
use super::identity::Listed;
use crate::domain::email::Email;
use crate::domain::stop::Halt;

/// What is known from the list of users.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    wish: Mutex<Option<Wish>>,
    map: OnceLock<Map>,
    progress: Mutex<Option<(u64, u64)>>,
    warning: Mutex<Option<String>>,
}

/// What `ServiceProviderConfig` (RFC 7643 section 5) says that matters here.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Terms {
    /// Whether a PATCH can be held against a version.
    pub(crate) etag: bool,
    /// Users a page.
    pub(crate) max_results: Option<u64>,
}

impl Terms {
    /// What a reply says; nothing when it is no such configuration.
    pub(crate) fn of(reply: &Reply) -> Self {
        let body = reply.bytes().filter(|_| reply.status == 200);
        let config: Value = body.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
        Self {
            etag: config["etag"]["supported"] == true,
            max_results: config["filter"]["maxResults"].as_u64().filter(|most| *most > 0),
        }
    }
}

impl Directory {
    /// Has the list read before the first row, if that is wished.
    pub(crate) fn wish(&self, wish: Option<Wish>) {
        *lock(&self.wish) = wish;
    }

    /// Reads the list, if it is wished and may be used. What it cannot be had for is a warning; only what
    /// ends the run is an error.
    pub(crate) async fn prepare(
        &self,
        exchange: &Arc<Exchange>,
        base: &Base,
        terms: Terms,
    ) -> Result<(), Fault> {
        let Some(wish) = lock(&self.wish).take().filter(Wish::is_worth_a_question) else { return Ok(()) };
        if !terms.etag {
            if wish.when == When::Always {
                self.warn("the service does not say that it keeps versions (etag), so it could not tell if somebody has changed since");
            }
            return Ok(());
        }
        // A stop ends it at once: nothing depends on the pages under way.
        let read = tokio::select! {
            biased;
            () = exchange.pacer().closing() => Err(Unread::Fault(Halt::Already.into())),
            read = reading::read(exchange, base, &wish, terms.max_results, &self.progress) => read,
        };
        *lock(&self.progress) = None;
        match read {
            Ok(map) => _ = self.map.set(map),
            Err(Unread::Fault(fault)) => return Err(fault),
            Err(Unread::Dear) => tracing::info!("to look users up by name costs less than to read the list"),
            Err(Unread::Failed(why)) => self.warn(&why),
        }
        Ok(())
    }

    fn warn(&self, why: &str) {
        let warning = format!("users are looked up one by one, as the list of users cannot be used: {why}");
        tracing::warn!("{warning}");
        *lock(&self.warning) = Some(warning);
    }

    /// Whom the list shows under this name.
    pub(crate) fn find(&self, email: &Email) -> Option<Listed> {
        self.map.get()?.find(email)
    }

    /// Whether the list was read.
    pub(crate) fn is_read(&self) -> bool {
        self.map.get().is_some()
    }

    /// Why the list is not used although it was wished.
    pub(crate) fn warning(&self) -> Option<String> {
        lock(&self.warning).clone()
    }

    /// While it is read: how many pages are, and how many there are as far as one knows.
    pub(crate) fn progress(&self) -> Option<(u64, u64)> {
        *lock(&self.progress)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
