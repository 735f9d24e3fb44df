//! Takes notices to where they go, one at a time each, four at the same time at most.
//!
//! It tries once and says how it went; [`again_after`](super::again_after) says when to come back.

use std::time::Duration;

use lettre::message::Mailbox;
use tokio::sync::Semaphore;

use super::message::{self, Notice};
use super::settings::{Settings, Unfit, Way};
use super::smtp::Smtp;
use super::template::Templates;
use super::webhook::Hook;

/// Connections at the same time.
const CONNECTIONS: usize = 4;

/// Sends notices.
#[derive(Debug)]
pub(crate) struct Postman {
    templates: Templates,
    round: Round,
    seats: Semaphore,
}

#[derive(Debug)]
enum Round {
    Mail(Mailbox, Smtp),
    Webhook(Hook),
}

/// Why a notice did not arrive, or may not have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Undelivered {
    /// The same notice would be refused again.
    pub(crate) permanent: bool,
    /// In our words, with a status code where there is one.
    pub(crate) why: String,
    /// The least time that the server wants to be left alone.
    pub(crate) retry_after: Option<Duration>,
}

impl Undelivered {
    /// It will not arrive.
    pub(super) fn for_good(why: impl Into<String>) -> Self {
        Self { permanent: true, why: why.into(), retry_after: None }
    }

    /// It may arrive another time.
    pub(super) fn for_now(why: impl Into<String>) -> Self {
        Self { permanent: false, why: why.into(), retry_after: None }
    }
}

impl Postman {
    /// Nothing is connected yet.
    pub(crate) fn new(settings: Settings) -> Result<Self, Unfit> {
        let round = match settings.way {
            Way::Mail(mail) => Round::Mail(mail.from.clone(), Smtp::new(mail)?),
            Way::Webhook(webhook) => Round::Webhook(Hook::new(webhook)?),
        };
        Ok(Self { templates: settings.templates, round, seats: Semaphore::new(CONNECTIONS) })
    }

    /// How notices would leave, in a word, and whether somebody opens. Nothing is sent.
    pub(crate) async fn knock(&self) -> (&'static str, Result<(), Undelivered>) {
        match &self.round {
            Round::Mail(_, smtp) => ("mail", smtp.greet().await),
            Round::Webhook(hook) => ("a webhook", hook.connect().await),
        }
    }

    /// Sends one notice, once.
    pub(crate) async fn send(&self, notice: &Notice<'_>) -> Result<(), Undelivered> {
        message::address(notice.to).map_err(Undelivered::for_good)?;
        let words = self.templates.render(notice)?;
        // Never closed.
        let _seat = self.seats.acquire().await;
        match &self.round {
            Round::Mail(from, smtp) => smtp.send(&message::letter(from, notice, &words)?).await,
            Round::Webhook(hook) => hook.send(notice, &words).await,
        }
    }
}
