//! What the settings point at: secrets, certificates and templates in files.
//!
//! A secret is read only from a file that nobody else can read.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::settings::Unfit;
use crate::domain::secret::Secret;

/// How a certificate begins in PEM (RFC 7468).
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// A secret without its one final line break.
pub(super) fn secret(key: &str, path: &Path) -> Result<Secret, Unfit> {
    let failed = |error: std::io::Error| {
        // What is no file may be the secret itself, given by mistake.
        let name = if path.exists() { path.display().to_string() } else { "(a path, not the secret)".into() };
        Unfit(format!("{key} {name}: {error}"))
    };
    let mut file = File::open(path).map_err(failed)?;
    let facts = file.metadata().map_err(failed)?;
    if facts.is_file() && facts.mode() & 0o077 != 0 {
        let (name, mode) = (path.display(), facts.mode() & 0o777);
        return Err(Unfit(format!("{key} {name} can be read by others (mode {mode:o}): chmod 600")));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
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
