//! The words of a notice: templates in, text out.
//!
//! Variables: `email`, `user_id`, `organisation`, `changed_at` (UTC, as text), `attributes` (names),
//! `contact`, `claim_url` (if one is set), and, with consent only, `password` (if the notice has one).
//! What may be missing stands inside `{% if … %}`. HTML is escaped.
//!
//! Whatever can fail with a template fails before the first request: every name in it is looked up, and it
//! is rendered with sample values. The password leaves its [`Secret`] while a template is rendered, and
//! what comes out is a [`Secret`] again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, escape_formatter};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::check::endpoint;
use super::message::Notice;
use super::postman::Undelivered;
use super::settings::{PasswordInMail, Unfit};
use crate::domain::secret::Secret;
use crate::domain::text::{clean, is_dangerous};

/// What the templates are made from.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: Option<String>,
    pub(super) claim_url: Option<String>,
    pub(super) organisation: String,
    pub(super) contact: String,
}

/// Templates of which each has been rendered once.
#[derive(Debug)]
pub(super) struct Templates {
    environment: Environment<'static>,
    organisation: String,
    contact: String,
    has_html: bool,
    has_claim_url: bool,
    password: PasswordInMail,
}

/// The words of one notice. They may hold its password.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) subject: String,
    pub(super) text: Secret,
    pub(super) html: Option<Secret>,
}

/// The templates go by the key under which people know them.
const SUBJECT: &str = "subject";
const TEXT: &str = "text_template";
const HTML: &str = "html_template";
const CLAIM_URL: &str = "claim_url";
const PASSWORD: &str = "password";

/// What each template may mention.
const IN_URL: &[&str] = &["email", "user_id"];
const IN_SUBJECT: &[&str] = &["email", "organisation", "changed_at"];
const IN_BODY: &[&str] =
    &["email", "user_id", "organisation", "changed_at", "attributes", "contact", "claim_url"];

/// Stays as it is in a URL (RFC 3986 2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Templates {
    /// Reads the templates, and tries them.
    pub(super) fn new(sources: Sources, password: PasswordInMail) -> Result<Self, Unfit> {
        let Sources { subject, text, html, claim_url, organisation, contact } = sources;
        let (has_html, has_claim_url) = (html.is_some(), claim_url.is_some());
        let parts = [(SUBJECT, Some(subject)), (TEXT, Some(text)), (HTML, html), (CLAIM_URL, claim_url)];
        let mut environment = environment();
        for (name, source) in parts {
            let Some(source) = source else { continue };
            environment.add_template_owned(name, source).map_err(|error| fault(&error))?;
            look_up_names(&environment, name, password)?;
        }
        let made = Self { environment, organisation, contact, has_html, has_claim_url, password };
        made.rehearse()?;
        Ok(made)
    }

    /// Renders with sample values, with and without a password.
    fn rehearse(&self) -> Result<(), Unfit> {
        let attributes = ["password".to_owned(), "mfaSettings".to_owned()];
        let sample = Secret::new("sample".to_owned());
        let notice = Notice {
            id: "sample",
            to: "ann@example.com",
            user_id: "00000000-0000-0000-0000-000000000000",
            changed_at: Timestamp::UNIX_EPOCH,
            attributes: &attributes,
            password: None,
        };
        for password in [None, Some(&sample)] {
            let words = self.words(&Notice { password, ..notice }).map_err(|error| fault(&error))?;
            if words.subject.trim().is_empty() || words.text.expose().trim().is_empty() {
                return Err(Unfit("[notices] a subject and a text must say something".to_owned()));
            }
            if words.subject.chars().any(is_dangerous) {
                return Err(Unfit("[notices] subject holds a line break".to_owned()));
            }
        }
        if self.has_claim_url {
            let url = self.claim_url(&notice).map_err(|error| fault(&error))?;
            endpoint("[notices] claim_url", url.as_str().unwrap_or_default())?;
        }
        Ok(())
    }

    /// Whether there is a link where users set a password of their own.
    pub(super) const fn has_claim_url(&self) -> bool {
        self.has_claim_url
    }

    /// The words for one notice.
    pub(super) fn render(&self, notice: &Notice<'_>) -> Result<Rendered, Undelivered> {
        let words = self
            .words(notice)
            .map_err(|_| Undelivered::for_good("the notice's template cannot be rendered"))?;
        if words.subject.chars().any(is_dangerous) {
            return Err(Undelivered::for_good("the notice's subject would hold a line break"));
        }
        Ok(words)
    }

    fn words(&self, notice: &Notice<'_>) -> Result<Rendered, Error> {
        let values = self.values(notice)?;
        let render = |name| self.environment.get_template(name)?.render(values.clone());
        Ok(Rendered {
            subject: render(SUBJECT)?,
            text: Secret::new(render(TEXT)?),
            html: self.has_html.then(|| render(HTML)).transpose()?.map(Secret::new),
        })
    }

    fn values(&self, notice: &Notice<'_>) -> Result<Value, Error> {
        let mut values = BTreeMap::from([
            ("email", Value::from(notice.to)),
            ("user_id", Value::from(notice.user_id)),
            ("organisation", Value::from(self.organisation.as_str())),
            ("changed_at", Value::from(notice.changed_at.strftime("%Y-%m-%d %H:%M UTC").to_string())),
            ("attributes", Value::from(notice.attributes.to_vec())),
            ("contact", Value::from(self.contact.as_str())),
            (CLAIM_URL, self.claim_url(notice)?),
        ]);
        if self.password == PasswordInMail::WithConsent {
            // One more copy, which is wiped as well.
            let hidden = notice.password.map(|secret| Hidden(Secret::new(secret.expose().to_owned())));
            values.insert(PASSWORD, hidden.map_or_else(|| Value::from(()), Value::from_object));
        }
        Ok(Value::from(values))
    }

    /// The link, or none.
    fn claim_url(&self, notice: &Notice<'_>) -> Result<Value, Error> {
        if !self.has_claim_url {
            return Ok(Value::from(()));
        }
        let escaped = |text: &str| Value::from(utf8_percent_encode(text, ESCAPED).to_string());
        let values = BTreeMap::from([("email", escaped(notice.to)), ("user_id", escaped(notice.user_id))]);
        self.environment.get_template(CLAIM_URL)?.render(values).map(Value::from)
    }
}

/// A password that shows itself when a template is rendered.
#[derive(Debug)]
struct Hidden(Secret);

impl Object for Hidden {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.expose())
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    // It writes out all there is, which nobody wants to mail.
    environment.remove_global("debug");
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| match name {
        HTML => AutoEscape::Html,
        _ => AutoEscape::None,
    });
    // A line that holds nothing but a `{% … %}` leaves no line behind.
    let lines =
        SyntaxConfig::builder().keep_trailing_newline(true).trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(lines.unwrap_or_default());
    environment.set_formatter(|out, state, value| {
        if value.is_none() {
            let words = "printed although it may be missing: put it inside {% if … %}";
            return Err(Error::new(ErrorKind::InvalidOperation, words));
        }
        escape_formatter(out, state, value)
    });
    environment
}

/// Finds names that mean nothing, in whatever branch they stand, and a password without consent.
fn look_up_names(environment: &Environment<'_>, name: &str, password: PasswordInMail) -> Result<(), Unfit> {
    let is_body = matches!(name, TEXT | HTML);
    let mut known = match name {
        CLAIM_URL => IN_URL,
        SUBJECT => IN_SUBJECT,
        _ => IN_BODY,
    }
    .to_vec();
    if is_body && password == PasswordInMail::WithConsent {
        known.push(PASSWORD);
    }
    let template = environment.get_template(name).map_err(|error| fault(&error))?;
    let mut unknown: Vec<_> = template.undeclared_variables(false).into_iter().collect();
    unknown.retain(|word| {
        !known.contains(&word.as_str()) && environment.globals().all(|(global, _)| global != word)
    });
    match unknown.iter().min() {
        None => Ok(()),
        Some(word) if word == PASSWORD && is_body => Err(Unfit(format!(
            "[notices] {name} mentions the password, which is mailed only with --password-in-mail and consent"
        ))),
        Some(word) if word == PASSWORD => {
            Err(Unfit(format!("[notices] {name} mentions the password, which has no place there")))
        }
        Some(word) => Err(Unfit(format!(
            "[notices] {name}: there is no `{}`; known are {}",
            clean(word, 64),
            known.join(", ")
        ))),
    }
}

/// What is wrong with a template, and in which line.
fn fault(error: &Error) -> Unfit {
    let name = error.name().unwrap_or("template");
    let line = error.line().map_or_else(String::new, |line| format!(", line {line}"));
    let detail = error.detail().map_or_else(String::new, |detail| format!(": {}", clean(detail, 200)));
    Unfit(format!("[notices] {name}{line}: {}{detail}", error.kind()))
}
