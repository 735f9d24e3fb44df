//! Secrets that systemd hands to a service (`LoadCredential=`, `systemd-creds`): files in the folder that
//! `$CREDENTIALS_DIRECTORY` names. They count where nothing else says what the setting is.

use std::env;
use std::path::{Path, PathBuf};

use super::{Misconfigured, wrong};
use crate::files::private::{CREDENTIALS, read_private, without_line_break};

/// The client id, which is no secret and often kept beside it.
pub(super) const CLIENT_ID: &str = "client-id";
/// The client secret.
pub(super) const CLIENT_SECRET: &str = "client-secret";
/// The password of `[notices.smtp]`.
pub(super) const SMTP_PASSWORD: &str = "smtp-password";
/// The whole value of the header that `[notices.webhook]` sends.
pub(super) const WEBHOOK_AUTHORIZATION: &str = "webhook-authorization";

/// Where this credential is, if there is one.
pub(super) fn path(name: &str) -> Option<PathBuf> {
    let path = Path::new(&env::var_os(CREDENTIALS)?).join(name);
    path.exists().then_some(path)
}

/// What it holds, without its one final line break.
pub(super) fn text(name: &str) -> Result<Option<String>, Misconfigured> {
    let Some(path) = path(name) else { return Ok(None) };
    let text = read_private(&path).map_err(|why| wrong(format!("the credential {why}")))?;
    Ok(Some(without_line_break(text)))
}
