//! Owns the account as the service keeps it, and how it is shown as a SCIM resource.
//!
//! The password is kept for the truth only: no resource ever shows it (RFC 7643, section 4.1.1,
//! `returned: never`).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::options::Options;
use super::rfc3339;
use super::schema::USER_SCHEMA;

/// One account, secrets included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Derived from the name when left empty.
    #[serde(default)]
    pub id: String,
    /// What people sign in with.
    pub user_name: String,
    /// Whether the account may be used.
    #[serde(default = "yes")]
    pub active: bool,
    /// The present password, when one was ever set.
    #[serde(default)]
    pub password: Option<String>,
    /// Passwords used before, oldest first.
    #[serde(default)]
    pub past_passwords: Vec<String>,
    /// When the password was last changed; nothing means long ago.
    #[serde(default, with = "rfc3339")]
    pub password_changed_at: Option<Timestamp>,
    /// The password cannot be changed before this instant.
    #[serde(default, with = "rfc3339")]
    pub password_locked_until: Option<Timestamp>,
    /// Whether no password ever meets the policy.
    #[serde(default)]
    pub refuses_passwords: bool,
    /// The MFA settings as stored.
    #[serde(default)]
    pub mfa: Option<Value>,
    /// All other attributes; those of an extension lie in an object under its URN.
    #[serde(default)]
    pub attributes: Map<String, Value>,
    /// Grows by one with each change.
    #[serde(default = "first")]
    pub version: u64,
    /// When the account was last changed; nothing means before the start.
    #[serde(default, with = "rfc3339")]
    pub last_modified: Option<Timestamp>,
    /// Whether the account exists only to be confused with another: found by id alone, never listed.
    #[serde(default)]
    pub decoy: bool,
}

const fn yes() -> bool {
    true
}

const fn first() -> u64 {
    1
}

impl User {
    /// An active account whose password was set long ago.
    pub fn new(user_name: impl Into<String>) -> Self {
        Self {
            id: String::new(),
            user_name: user_name.into(),
            active: true,
            password: None,
            past_passwords: Vec::new(),
            password_changed_at: None,
            password_locked_until: None,
            refuses_passwords: false,
            mfa: None,
            attributes: Map::new(),
            version: 1,
            last_modified: None,
            decoy: false,
        }
    }

    /// The same account with this id.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// The same account, inactive.
    #[must_use]
    pub fn inactive(mut self) -> Self {
        self.active = false;
        self
    }

    /// The same account with this password.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// The same account, its password changed at this instant.
    #[must_use]
    pub fn changed_at(mut self, instant: Timestamp) -> Self {
        self.password_changed_at = Some(instant);
        self
    }

    /// The same account, its password locked until this instant.
    #[must_use]
    pub fn locked_until(mut self, instant: Timestamp) -> Self {
        self.password_locked_until = Some(instant);
        self
    }

    /// The same account, refusing every password by policy.
    #[must_use]
    pub fn refusing(mut self) -> Self {
        self.refuses_passwords = true;
        self
    }

    /// Marks a change: a new version, modified now.
    pub(super) fn touch(&mut self) {
        self.version += 1;
        self.last_modified = Some(Timestamp::now());
    }

    /// The entity tag of the present version, weak as in RFC 7644, section 3.14.
    pub(super) fn etag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }

    /// The account as a SCIM resource.
    pub(super) fn resource(&self, base: &str, options: &Options) -> Value {
        let mut resource = self.attributes.clone();
        if let Some(mfa) = &self.mfa {
            super::path::put(&mut resource, &options.mfa_path, mfa.clone());
        }
        let extensions = resource.keys().filter(|key| key.starts_with("urn:"));
        let schemas: Vec<Value> =
            std::iter::once(USER_SCHEMA.into()).chain(extensions.map(|urn| urn.clone().into())).collect();
        resource.insert("schemas".into(), schemas.into());
        resource.insert("id".into(), self.id.clone().into());
        resource.insert("userName".into(), self.user_name.clone().into());
        resource.insert("active".into(), self.active.into());
        resource.insert("meta".into(), self.meta(base, options));
        Value::Object(resource)
    }

    fn meta(&self, base: &str, options: &Options) -> Value {
        let mut meta = json!({
            "resourceType": "User",
            "location": format!("{base}/Users/{}", self.id),
        });
        if let Some(instant) = self.last_modified {
            meta["lastModified"] = instant.to_string().into();
        }
        if options.etag {
            meta["version"] = self.etag().into();
        }
        meta
    }
}
