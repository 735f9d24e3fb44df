//! The room on trial: its words alone, and its ways against servers that follow a script.

mod hook;
mod mail;
mod real;
mod samples;
mod script;
mod settings;
mod words;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::settings::Unfit;
use super::*;
use crate::domain::secret::Secret;

/// What most tests tell somebody.
fn notice(attributes: &[String]) -> Notice<'_> {
    Notice {
        id: "20261122T190000-000Z-1a2b.7",
        to: "ann@example.com",
        user_id: "5f0c/1?",
        changed_at: Timestamp::from_second(1_795_374_300).unwrap(),
        attributes,
        password: None,
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn certificate(name: &str) -> PathBuf {
    repository().join("fixtures/tls").join(name)
}

fn table(toml: &str) -> Result<NoticesTable, toml::de::Error> {
    #[derive(serde::Deserialize)]
    struct File {
        notices: NoticesTable,
    }
    toml::from_str::<File>(toml).map(|file| file.notices)
}

fn around(password: PasswordInMail) -> Around<'static> {
    Around {
        folder: Path::new(env!("CARGO_MANIFEST_DIR")),
        smtp_password: None,
        smtp_credential: None,
        webhook_credential: None,
        password,
    }
}

/// `[notices]` with what it cannot be without, and more lines; then a table for the way.
fn settings(more: &str, way: &str, password: PasswordInMail) -> Result<Settings, Unfit> {
    let toml = format!("[notices]\norganisation = \"A & B\"\ncontact = \"call 0100\"\n{more}\n{way}");
    table(&toml).unwrap().check(around(password))
}

fn postman(more: &str, way: &str, password: PasswordInMail) -> Postman {
    settings(more, way, password).and_then(Postman::new).unwrap()
}
