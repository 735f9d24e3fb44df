//! Who and where the service is: what the environment and credentials say, and what follows from the region.

use clap::FromArgMatches as _;
use serde_json::Value;

use super::{Asked, Setting, Source, value_of};
use crate::cli::ServiceArgs;
use crate::config::file::{ENVIRONMENT, PLACES};
use crate::config::{DEFAULT_REGION, Misconfigured, credential, places, wrong};

/// The secret, which is no flag, and the flag that names its file.
const SECRET: &str = "client_secret";
const SECRET_FILE: &str = "client_secret_file";

impl Asked<'_> {
    /// Completes what the flags say of the service, in the order in which a run looks.
    pub(super) fn find_service(&self, settings: &mut Vec<Setting>) -> Result<(), Misconfigured> {
        let Some(file) = settings.iter().position(|setting| setting.name == SECRET_FILE) else {
            return Ok(());
        };
        let mut secret = settings[file].clone();
        (secret.name, secret.value) = (SECRET.to_owned(), Value::Null);
        if secret.source != Source::Unset {
            (secret.hidden, secret.from) = (true, Some(SECRET_FILE.to_owned()));
        }
        settings.insert(file + 1, secret);
        if self.rehearses {
            settings.iter_mut().filter(|setting| is_place(&setting.name)).for_each(of_the_sandbox);
            return Ok(());
        }
        let flags = ServiceArgs::from_arg_matches(self.matches).map_err(|error| wrong(error.to_string()))?;
        let places = places(&flags)?;
        for setting in settings.iter_mut().filter(|setting| setting.source == Source::Unset) {
            if !from_environment(setting) && !from_credential(setting) {
                derive(setting, places.base.as_str(), places.token_url.as_str());
            }
        }
        Ok(())
    }
}

fn is_place(name: &str) -> bool {
    name == SECRET || PLACES.contains(&name.replace('_', "-").as_str())
}

fn of_the_sandbox(setting: &mut Setting) {
    (setting.hidden, setting.source, setting.from) = (true, Source::Derived, Some("--sandbox".to_owned()));
}

/// The variables of the secret are kept under the name of the flag that they take the place of.
fn from_environment(setting: &mut Setting) -> bool {
    let flag = if setting.name == SECRET { SECRET_FILE } else { &setting.name };
    let flag = flag.replace('_', "-");
    let variables = ENVIRONMENT.iter().find(|(name, _)| *name == flag && setting.name != SECRET_FILE);
    let mut variables = variables.map(|(_, variables)| *variables).unwrap_or_default().iter();
    let Some((variable, value)) = variables.find_map(|name| Some((*name, value_of(name)?))) else {
        return false;
    };
    (setting.source, setting.from) = (Source::Environment, Some(variable.to_owned()));
    if setting.name == SECRET {
        setting.hidden = true;
    } else {
        setting.value = value.into();
    }
    true
}

fn from_credential(setting: &mut Setting) -> bool {
    let name = setting.name.replace('_', "-");
    let known = [credential::CLIENT_ID, credential::CLIENT_SECRET].contains(&name.as_str());
    let Some(path) = credential::path(&name).filter(|_| known) else { return false };
    (setting.hidden, setting.source, setting.from) =
        (true, Source::Credential, Some(path.display().to_string()));
    true
}

fn derive(setting: &mut Setting, base: &str, token_url: &str) {
    let (source, value) = match setting.name.as_str() {
        "region" => (Source::Default, DEFAULT_REGION),
        "scim_url" => (Source::Derived, base),
        "token_url" => (Source::Derived, token_url),
        _ => return,
    };
    (setting.source, setting.value) = (source, value.into());
    setting.from = (source == Source::Derived).then(|| "region".to_owned());
}
