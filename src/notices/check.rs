//! From the tables as people write them to settings that are fit for use.
//!
//! Everything that can be wrong with them is found here, before the first request. A sentence about it
//! names the key, and never a secret.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use lettre::message::Mailbox;
use reqwest::Url;

use super::held;
use super::message;
use super::settings::{
    Around, Login, Mail, NoticesTable, Security, Settings, SmtpTable, Unfit, Way, Webhook, WebhookTable,
};
use super::template::{Sources, Templates};
use crate::domain::secret::Secret;
use crate::domain::text::is_dangerous;

/// The default text and HTML, which are samples at the same time.
const TEXT: &str = include_str!("../../samples/notices/notice.txt");
const HTML: &str = include_str!("../../samples/notices/notice.html");
const SUBJECT: &str = "Your {{ organisation }} account was changed";

impl NoticesTable {
    /// Checks everything once, templates included.
    pub(crate) fn check(self, around: Around<'_>) -> Result<Settings, Unfit> {
        let Self { from, subject, text_template, html_template, organisation, contact, claim_url, .. } = self;
        let way = match (self.smtp, self.webhook) {
            (Some(smtp), None) => {
                Way::Mail(smtp.check(from, around.folder, around.smtp_password, around.smtp_credential)?)
            }
            (None, Some(webhook)) => {
                let idle = [("from", from.is_some()), ("html_template", html_template.is_some())];
                if let Some((key, _)) = idle.into_iter().find(|(_, given)| *given) {
                    return Err(Unfit(format!("[notices] {key} is for [notices.smtp], not for a webhook")));
                }
                Way::Webhook(webhook.check(around.folder, around.webhook_credential)?)
            }
            (Some(_), Some(_)) => return unfit("[notices.smtp] and [notices.webhook] exclude each other"),
            (None, None) => return unfit("[notices] needs one of [notices.smtp] and [notices.webhook]"),
        };
        let (text, html) = bodies(text_template, html_template, around.folder)?;
        let sources = Sources {
            subject: subject.unwrap_or_else(|| SUBJECT.to_owned()),
            text,
            html: html.filter(|_| matches!(way, Way::Mail(_))),
            claim_url,
            organisation: one_line("organisation", organisation)?,
            contact: one_line("contact", contact)?,
        };
        Ok(Settings { templates: Templates::new(sources, around.password)?, way })
    }
}

/// The templates of text and HTML: a text of one's own never travels with an HTML part of ours.
fn bodies(
    text: Option<PathBuf>,
    html: Option<PathBuf>,
    folder: &Path,
) -> Result<(String, Option<String>), Unfit> {
    let read = |key, path: PathBuf| held::text(key, &folder.join(path));
    match (text, html) {
        (None, None) => Ok((TEXT.to_owned(), Some(HTML.to_owned()))),
        (Some(text), None) => Ok((read("[notices] text_template", text)?, None)),
        (Some(text), Some(html)) => {
            Ok((read("[notices] text_template", text)?, Some(read("[notices] html_template", html)?)))
        }
        (None, Some(_)) => unfit("[notices] html_template needs a text_template that says the same"),
    }
}

impl SmtpTable {
    fn check(
        self,
        from: Option<String>,
        folder: &Path,
        password: Option<Secret>,
        credential: Option<PathBuf>,
    ) -> Result<Mail, Unfit> {
        let from = from.ok_or_else(|| Unfit("[notices] from is missing: who writes?".to_owned()))?;
        let host_like = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':');
        if self.host.is_empty() || !self.host.bytes().all(host_like) {
            return unfit("[notices.smtp] host is neither a name nor an address");
        }
        if self.security == Security::None && !is_loopback(&self.host) {
            return unfit(r#"[notices.smtp] security = "none" is accepted for loopback addresses only"#);
        }
        let usual = match self.security {
            Security::StartTls => 587,
            Security::Tls => 465,
            Security::None => 25,
        };
        Ok(Mail {
            from: sender(&from)?,
            login: login(
                self.username,
                self.password_file.map(|path| folder.join(path)),
                password,
                credential,
            )?,
            host: self.host,
            port: self.port.unwrap_or(usual),
            security: self.security,
            roots: roots("[notices.smtp] ca_file", self.ca_file, folder)?,
            timeout: timeout("[notices.smtp] timeout", self.timeout.as_deref())?,
        })
    }
}

impl WebhookTable {
    fn check(self, folder: &Path, credential: Option<PathBuf>) -> Result<Webhook, Unfit> {
        let key = "[notices.webhook] authorization_file";
        let file = self.authorization_file.map(|path| folder.join(path)).or(credential);
        let authorization = file.map(|path| held::secret(key, &path));
        Ok(Webhook {
            url: endpoint("[notices.webhook] url", &self.url)?,
            authorization: authorization.transpose()?,
            roots: roots("[notices.webhook] ca_file", self.ca_file, folder)?,
            timeout: timeout("[notices.webhook] timeout", self.timeout.as_deref())?,
        })
    }
}

fn roots(key: &str, path: Option<PathBuf>, folder: &Path) -> Result<Option<Vec<u8>>, Unfit> {
    path.map(|path| held::roots(key, &folder.join(path))).transpose()
}

/// The sender, whose address obeys the rules that a recipient's does.
fn sender(text: &str) -> Result<Mailbox, Unfit> {
    let wrong = |why: &str| Unfit(format!("[notices] from: {why}"));
    if text.chars().any(is_dangerous) {
        return Err(wrong("holds a control character"));
    }
    let mailbox = text.parse::<Mailbox>().map_err(|_| wrong("expected `Name <address>`"))?;
    message::address(mailbox.email.as_ref()).map_err(wrong)?;
    Ok(mailbox)
}

/// A user name comes with a password, and the other way round.
fn login(
    username: Option<String>,
    file: Option<PathBuf>,
    from_environment: Option<Secret>,
    credential: Option<PathBuf>,
) -> Result<Option<Login>, Unfit> {
    let Some(username) = username else {
        return if file.is_some() {
            unfit("[notices.smtp] password_file needs a username")
        } else {
            Ok(None)
        };
    };
    if username.is_empty() || username.chars().any(char::is_control) {
        return unfit("[notices.smtp] username is empty or holds a control character");
    }
    let password = match (file, from_environment, credential) {
        (Some(path), ..) => held::secret("[notices.smtp] password_file", &path)?,
        (None, Some(password), _) => held::sound_secret("SCIM_REKEY_SMTP_PASSWORD", password)?,
        (None, None, Some(path)) => held::secret("the credential smtp-password", &path)?,
        (None, None, None) => {
            return unfit("[notices.smtp] username needs a password_file, or SCIM_REKEY_SMTP_PASSWORD");
        }
    };
    Ok(Some(Login { username, password }))
}

/// `30s` if nothing is said; from a second to ten minutes.
fn timeout(key: &str, text: Option<&str>) -> Result<Duration, Unfit> {
    let Some(text) = text else { return Ok(Duration::from_secs(30)) };
    let span = text.parse::<SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
    span.filter(|span| (1..=600).contains(&span.as_secs()) && *span <= Duration::from_secs(600))
        .ok_or_else(|| Unfit(format!("{key}: expected a time from 1s to 10m, such as 30s")))
}

/// A sentence for people, in one line.
fn one_line(key: &str, text: String) -> Result<String, Unfit> {
    if text.trim().is_empty() || text.chars().any(is_dangerous) {
        return Err(Unfit(format!("[notices] {key} is empty or holds a line break")));
    }
    Ok(text)
}

/// Where secrets or people may be sent: https, or this machine.
pub(super) fn endpoint(key: &str, text: &str) -> Result<Url, Unfit> {
    let url = Url::parse(text).map_err(|_| Unfit(format!("{key} is no URL")))?;
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Unfit(format!("{key} holds a user name or a password")));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&host) => Ok(url),
        "http" => Err(Unfit(format!("{key} is plain http, which is accepted for loopback addresses only"))),
        _ => Err(Unfit(format!("{key}: expected https"))),
    }
}

/// Loopback by address, or by the one name that always means it.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn unfit<T>(words: &str) -> Result<T, Unfit> {
    Err(Unfit(words.to_owned()))
}
