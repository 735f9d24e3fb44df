//! Single parts, opened for `benches/micro.rs` and for nobody else: what each does for many rows.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a benchmark that cannot go on has failed"
)]

use std::fs::File;
use std::path::Path;

use reqwest::Url;
use tokio::runtime::{Builder, Runtime};

use crate::audit::chain::Head;
use crate::audit::log::Log;
use crate::audit::record::Body;
use crate::domain::email::Email;
use crate::domain::event::Intent;
use crate::input::{Input, Options};
use crate::scim::client;
use crate::scim::http::Base;
use crate::scim::identity::{Page, Search};
use crate::scim::wire;

/// Surveys a CSV file, then reads its rows: what `run` does with its input. The number of rows.
#[must_use]
pub fn read_csv(path: &Path) -> u64 {
    let mut input = Input::open(path).unwrap();
    let survey = input.survey(Options::default()).unwrap();
    input.rows(&survey).unwrap().map(|row| row.map(|_| 1).unwrap()).sum()
}

/// Surveys a CSV file: what `check` does. The number of rows.
#[must_use]
pub fn survey_csv(path: &Path) -> u64 {
    Input::open(path).unwrap().survey(Options::default()).unwrap().rows
}

/// An audit log, and the line that it gets again and again.
pub struct AuditLog {
    log: Log,
    intent: Intent<'static>,
    runtime: Runtime,
}

impl AuditLog {
    /// A log in an empty file.
    #[must_use]
    pub fn new(file: File) -> Self {
        let intent = Intent {
            sealed: None,
            line: 4711,
            email: "u000000004711@example.com",
            user_id: "5c1f0e2a-77d4-4b2e-9a01-000000004711",
            attributes: vec!["password", "mfaSettings"],
            attempts: 1,
            repeat: false,
        };
        let log = Log::new(file, "20261122T120000.000Z-4711".to_owned(), Head::default(), 0);
        Self { log, intent, runtime: Builder::new_current_thread().enable_all().build().unwrap() }
    }

    /// Chains so many lines, in memory.
    pub fn append(&mut self, lines: u32) {
        for _ in 0..lines {
            self.log.append(&Body::intent(&self.intent));
        }
    }

    /// Puts what was chained on disk.
    pub fn commit(&mut self) {
        self.runtime.block_on(self.log.commit()).unwrap();
    }
}

/// The filter that finds one user.
#[must_use]
pub fn filter(email: &str) -> String {
    wire::user_filter(email)
}

/// The length of the address at which one user is looked up.
#[must_use]
pub fn lookup_address(base: &Url, email: &str) -> usize {
    let base = Base::of(base).unwrap();
    client::lookup_address(&base, email, 1).uri().map_or(0, |uri| uri.to_string().len())
}

/// Reads the reply to a look-up. Whether it asks for no further page.
#[must_use]
pub fn read_reply(body: &[u8], email: &str) -> bool {
    let email = Email::parse(email).unwrap();
    Search::default().page(body, &email).is_ok_and(|page| page == Page::Last)
}
