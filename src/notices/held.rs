//! What the settings point at: secrets, certificates and templates in files.
//!
//! A secret is read only from a file that nobody else can read.

use std::fs;
use std::path::Path;

use super::settings::Unfit;
use crate::domain::secret::Secret;
use crate::files::private::{read_private, without_line_break};

/// How a certificate begins in PEM (RFC 7468).
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// A secret without its one final line break.
pub(super) fn secret(key: &str, path: &Path) -> Result<Secret, Unfit> {
    let text = read_private(path).map_err(|why| Unfit(format!("{key} {why}")))?;
    let text = without_line_break(text);
    sound_secret(key, Secret::new(text))
}

/// No secret is empty, and none holds what would end a line of a protocol.
pub(super) fn sound_secret(key: &str, secret: Secret) -> Result<Secret, Unfit> {
    if secret.expose().is_empty() {
        return Err(Unfit(format!("{key}: the secret is empty")));
    }
    if secret.expose().chars().any(char::is_control) {
        return Err(Unfit(format!("{key}: the secret holds a line break or another control character")));
    }
    Ok(secret)
}

/// Further roots, PEM.
pub(super) fn roots(key: &str, path: &Path) -> Result<Vec<u8>, Unfit> {
    let pem = text(key, path)?;
    if !pem.contains(CERTIFICATE) {
        return Err(Unfit(format!("{key} {} holds no certificate in PEM", path.display())));
    }
    Ok(pem.into_bytes())
}

/// A file of text.
pub(super) fn text(key: &str, path: &Path) -> Result<String, Unfit> {
    fs::read_to_string(path).map_err(|error| Unfit(format!("{key} {}: {error}", path.display())))
}
