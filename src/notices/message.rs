//! A notice, and the mail that it becomes.
//!
//! The recipient is an address that can be read in one way only, so nothing can slip into a header, an
//! envelope or a second mailbox. A notice that is sent twice bears the same Message-ID twice.

use std::time::SystemTime;

use jiff::Timestamp;
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};

use super::postman::Undelivered;
use super::template::Rendered;
use crate::domain::email::Email;
use crate::domain::secret::Secret;

/// What one user is to be told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notice<'a> {
    /// From [`notice_id`]: the same for the same notice however often it is sent.
    pub(crate) id: &'a str,
    /// The address that the directory shows.
    pub(crate) to: &'a str,
    /// Whose account it is.
    pub(crate) user_id: &'a str,
    /// When the service said yes.
    pub(crate) changed_at: Timestamp,
    /// What was changed, by name.
    pub(crate) attributes: &'a [String],
    /// The new password, where it is mailed with consent.
    pub(crate) password: Option<&'a Secret>,
}

/// The id of the notice about one line of one run.
pub(crate) fn notice_id(run_id: &str, line: u64) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
    format!("{}.{line}", run_id.chars().map(plain).collect::<String>())
}

/// A mail, ready to be handed over.
pub(super) struct Letter {
    pub(super) envelope: Envelope,
    /// Headers and body, which may hold a password.
    pub(super) bytes: Secret,
}

/// An address that every mail server reads alike: ASCII, and no quotes in it.
pub(super) fn address(text: &str) -> Result<Address, &'static str> {
    if text.chars().any(char::is_control) {
        return Err("the address holds a line break or another control character");
    }
    if !text.is_ascii() {
        return Err("the address is not plain ASCII");
    }
    if text.contains(['"', '\\', '<', '>', '(', ')', ',', ';', ':', ' ']) {
        return Err("the address is quoted, or more than an address");
    }
    Email::parse(text).and_then(|email| email.as_str().parse().ok()).ok_or("this is no address")
}

/// Puts a notice into a mail.
pub(super) fn letter(from: &Mailbox, notice: &Notice<'_>, words: &Rendered) -> Result<Letter, Undelivered> {
    let to = address(notice.to).map_err(Undelivered::for_good)?;
    let id = format!("<{}@{}>", notice.id, from.email.domain());
    let headers = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(&words.subject)
        .message_id(Some(id))
        .date(SystemTime::now())
        // No out-of-office reply answers it (RFC 3834).
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    let text = words.text.expose().to_owned();
    let mail = match &words.html {
        Some(html) => headers.multipart(MultiPart::alternative_plain_html(text, html.expose().to_owned())),
        None => headers.singlepart(SinglePart::plain(text)),
    };
    let unfit = || Undelivered::for_good("the notice makes no mail");
    // ASCII: what is not was encoded.
    let bytes = mail.ok().and_then(|mail| String::from_utf8(mail.formatted()).ok()).ok_or_else(unfit)?;
    let envelope = Envelope::new(Some(from.email.clone()), vec![to]).map_err(|_| unfit())?;
    Ok(Letter { envelope, bytes: Secret::new(bytes) })
}
