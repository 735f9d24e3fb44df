//! The tables of the file, one setting a line, and the secrets that belong to them.

use serde_json::Value;

use super::{Asked, Setting, Source, value_of};
use crate::cli::Tables;
use crate::config::{SMTP_PASSWORD, credential};

impl Asked<'_> {
    /// What the tables say, by dotted names.
    pub(super) fn tables(&self, tables: &Tables) -> Vec<Setting> {
        let all =
            [("attributes", &tables.attributes), ("notices", &tables.notices), ("serve", &tables.serve)];
        let mut settings = Vec::new();
        for (name, table) in all {
            let (Some(table), Some(origin)) = (table, self.origins.get(name)) else { continue };
            let (source, from) = self.origin(*origin);
            flatten(name, table, &mut |name, value| {
                let (value, hidden) = masked(&name, value);
                settings.push(Setting { name, value, hidden, source, from: from.clone() });
            });
        }
        let has = |name: &str| settings.iter().any(|setting| setting.name == name);
        let password = has("notices.smtp.username") && !has("notices.smtp.password_file");
        let authorization = settings.iter().any(|setting| setting.name.starts_with("notices.webhook."))
            && !has("notices.webhook.authorization_file");
        if password {
            let variable = value_of(SMTP_PASSWORD).map(|_| SMTP_PASSWORD);
            settings.push(secret("notices.smtp.password", variable, credential::SMTP_PASSWORD));
        }
        if authorization {
            settings.push(secret("notices.webhook.authorization", None, credential::WEBHOOK_AUTHORIZATION));
        }
        settings
    }
}

/// A secret that no file of the tables holds.
fn secret(name: &str, variable: Option<&str>, credential: &str) -> Setting {
    let found = variable.map(|variable| (Source::Environment, variable.to_owned()));
    let granted = || Some((Source::Credential, credential::path(credential)?.display().to_string()));
    let (source, from) = found.or_else(granted).unzip();
    Setting {
        name: name.to_owned(),
        value: Value::Null,
        hidden: source.is_some(),
        source: source.unwrap_or(Source::Unset),
        from,
    }
}

/// Each value below a table or a list of tables, with its name.
fn flatten(name: &str, value: &toml::Value, each: &mut impl FnMut(String, Value)) {
    match value {
        toml::Value::Table(table) => {
            table.iter().for_each(|(key, value)| flatten(&format!("{name}.{key}"), value, each));
        }
        toml::Value::Array(values) if values.iter().any(toml::Value::is_table) => {
            let values = values.iter().enumerate();
            values.for_each(|(place, value)| flatten(&format!("{name}[{place}]"), value, each));
        }
        plain => each(name.to_owned(), serde_json::to_value(plain).unwrap_or_default()),
    }
}

/// The value, unless it may be a secret: the address of a webhook often is one, from its host on; and what
/// keys are known by is nobody's to compare.
fn masked(name: &str, value: Value) -> (Value, bool) {
    let key = name.rsplit('.').next().unwrap_or_default();
    let secrets = ["password", "secret", "token", "authorization", "key_sha256"];
    let is_secret = name == "notices.webhook.url" || secrets.iter().any(|word| key.contains(word));
    if is_secret && !key.ends_with("_file") { (Value::Null, true) } else { (value, false) }
}
