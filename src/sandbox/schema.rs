//! Owns which attributes a user has, and what each path therefore leads to.

use super::path::Path;

/// The core user schema (RFC 7643, section 4.1).
pub(super) const USER_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The enterprise extension (RFC 7643, section 4.3).
pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The vendor's extension.
pub(super) const GENESYS: &str = "urn:ietf:params:scim:schemas:extension:genesys:purecloud:2.0:User";

/// Attributes of the core schema that are kept as they come.
pub(super) const CORE: &[&str] = &[
    "addresses",
    "displayName",
    "emails",
    "entitlements",
    "externalId",
    "locale",
    "name",
    "nickName",
    "phoneNumbers",
    "photos",
    "preferredLanguage",
    "profileUrl",
    "roles",
    "timezone",
    "title",
    "userType",
];
pub(super) const ENTERPRISE_ATTRIBUTES: &[&str] =
    &["costCenter", "department", "division", "employeeNumber", "manager", "organization"];
pub(super) const GENESYS_ATTRIBUTES: &[&str] = &["externalIds", "routingLanguages", "routingSkills"];
const READ_ONLY: &[&str] = &["groups", "id", "meta", "schemas"];

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Password,
    UserName,
    Active,
    Mfa,
    Kept,
    ReadOnly,
    Unknown,
}

impl Path {
    /// What the path leads to. `mfa` and `extra` are full paths of the service's own.
    pub(super) fn place(&mut self, mfa: &str, extra: &[String]) -> Place {
        if self.is(mfa) {
            return Place::Mfa;
        }
        if extra.iter().any(|path| self.is(path)) {
            return Place::Kept;
        }
        if let Some(urn) = &self.schema {
            return extension_place(urn, &mut self.name);
        }
        match self.name.to_ascii_lowercase().as_str() {
            "password" => Place::Password,
            "username" => Place::UserName,
            "active" => Place::Active,
            _ if find(READ_ONLY, &self.name).is_some() => Place::ReadOnly,
            _ => kept(CORE, &mut self.name),
        }
    }
}

fn extension_place(urn: &str, name: &mut String) -> Place {
    if urn.eq_ignore_ascii_case(ENTERPRISE) {
        kept(ENTERPRISE_ATTRIBUTES, name)
    } else if urn.eq_ignore_ascii_case(GENESYS) {
        kept(GENESYS_ATTRIBUTES, name)
    } else {
        Place::Unknown
    }
}

/// Known names are kept in the schema's spelling, whatever the client's.
fn kept(known: &[&str], name: &mut String) -> Place {
    match find(known, name) {
        Some(canonical) => {
            canonical.clone_into(name);
            Place::Kept
        }
        None => Place::Unknown,
    }
}

fn find<'a>(known: &[&'a str], name: &str) -> Option<&'a str> {
    let mut known = known.iter().copied();
    known.find(|other| other.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        Path::parse(text).unwrap()
    }

    #[test]
    fn places_follow_the_schemas() {
        let place = |text: &str| path(text).place("mfaSettings", &["badge".into()]);
        assert_eq!(place("PASSWORD"), Place::Password);
        assert_eq!(place("mfasettings.enabled"), Place::Mfa);
        assert_eq!(place("badge"), Place::Kept);
        assert_eq!(place("id"), Place::ReadOnly);
        assert_eq!(place("shoeSize"), Place::Unknown);
        assert_eq!(place(&format!("{ENTERPRISE}:department")), Place::Kept);
        assert_eq!(place(&format!("{ENTERPRISE}:title")), Place::Unknown);
    }
}
