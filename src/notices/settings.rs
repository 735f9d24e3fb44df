//! The tables `[notices]`, `[notices.smtp]` and `[notices.webhook]` as people write them, and what is
//! left of them once they are checked: words only.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::Mailbox;
use reqwest::Url;
use serde::Deserialize;

use super::template::Templates;
use crate::domain::secret::Secret;

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unfit(pub(crate) String);

/// `[notices]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoticesTable {
    /// Sender of mails, `Name <address>`.
    pub(super) from: Option<String>,
    /// Template of the subject.
    pub(super) subject: Option<String>,
    /// File with the template of the text; the built-in one if there is none.
    pub(super) text_template: Option<PathBuf>,
    /// File with the template of the HTML part. With a text of one's own and none for HTML there is no
    /// such part.
    pub(super) html_template: Option<PathBuf>,
    /// Whose accounts these are.
    pub(super) organisation: String,
    /// How to object.
    pub(super) contact: String,
    /// Where to fetch a new password.
    pub(super) claim_url: Option<String>,
    pub(super) smtp: Option<SmtpTable>,
    pub(super) webhook: Option<WebhookTable>,
}

/// `[notices.smtp]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SmtpTable {
    pub(super) host: String,
    pub(super) port: Option<u16>,
    #[serde(default)]
    pub(super) security: Security,
    pub(super) username: Option<String>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) timeout: Option<String>,
}

/// `[notices.webhook]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookTable {
    pub(super) url: String,
    pub(super) authorization_file: Option<PathBuf>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) timeout: Option<String>,
}

/// How a connection to a mail server is kept private.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Security {
    /// TLS before the first word of a mail: without it, nothing is said.
    #[default]
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None: on this machine only.
    None,
}

/// Whether a notice may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PasswordInMail {
    /// No: a template that mentions it is refused.
    No,
    /// Somebody has said so in so many words.
    WithConsent,
}

/// What the settings need to know of where they are read.
pub(crate) struct Around<'a> {
    /// Paths start here: the folder of the config file.
    pub(crate) folder: &'a Path,
    /// `SCIM_REKEY_SMTP_PASSWORD`, for want of a file.
    pub(crate) smtp_password: Option<Secret>,
    /// A systemd credential with that password, for want of both.
    pub(crate) smtp_credential: Option<PathBuf>,
    /// One with what the webhook is authorized by, for want of a file.
    pub(crate) webhook_credential: Option<PathBuf>,
    /// Whether a notice may hold a password.
    pub(crate) password: PasswordInMail,
}

/// The settings, fit for use.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(super) templates: Templates,
    pub(super) way: Way,
}

impl Settings {
    /// Whether users are told where they set a password of their own.
    pub(crate) const fn claims(&self) -> bool {
        self.templates.has_claim_url()
    }
}

/// How notices leave.
#[derive(Debug)]
pub(super) enum Way {
    Mail(Mail),
    Webhook(Webhook),
}

/// A mail server and who writes.
#[derive(Debug)]
pub(super) struct Mail {
    pub(super) from: Mailbox,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) login: Option<Login>,
    pub(super) roots: Option<Vec<u8>>,
    pub(super) timeout: Duration,
}

/// Who we are to a mail server.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: Secret,
}

/// A webhook.
#[derive(Debug)]
pub(super) struct Webhook {
    pub(super) url: Url,
    pub(super) authorization: Option<Secret>,
    pub(super) roots: Option<Vec<u8>>,
    pub(super) timeout: Duration,
}
