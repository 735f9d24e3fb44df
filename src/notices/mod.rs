//! Tells users that their account was changed: a mail over SMTP, or a message to a webhook.
//!
//! Owns the settings, the templates, the message and its way. It refuses a setting or a template that
//! could fail or leak later before the first request leaves, and an address that could be read as two.
//! When to send, when to try again and what to write down is the caller's.
//!
//! Invariant: what is said about a failure holds neither an address, nor a secret, nor a word of a server.

mod check;
mod held;
mod message;
mod postman;
mod retry;
mod settings;
mod smtp;
mod template;
mod webhook;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use message::{Notice, notice_id};
pub(crate) use postman::{Postman, Undelivered};
pub(crate) use retry::again_after;
pub(crate) use settings::{Around, NoticesTable, PasswordInMail, Settings};
