//! Further attributes that a row may set: only what the configuration names, and nothing that decides who
//! may do what, unless it says so in so many words.

/// How a value is written in the PATCH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A JSON string.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A whole number of at most 64 bits.
    Integer,
}

impl Kind {
    /// Whether a cell holds such a value; if not, why, without anything of the cell.
    pub(crate) fn check(self, cell: &str) -> Result<(), &'static str> {
        match self {
            Self::Text if cell.chars().any(char::is_control) => Err("a control character"),
            Self::Boolean if cell.parse::<bool>().is_err() => Err("neither true nor false"),
            Self::Integer if cell.parse::<i64>().is_err() => Err("not a whole number"),
            Self::Text | Self::Boolean | Self::Integer => Ok(()),
        }
    }
}

/// An attribute that a column sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    /// Name of the column.
    pub(crate) column: String,
    /// Attribute path (RFC 7644 section 3.10).
    pub(crate) path: String,
    /// How its values are written.
    pub(crate) kind: Kind,
}

/// What the names of the vendor's own attributes stand for.
const GENESYS: &str = "urn:ietf:params:scim:schemas:extension:genesys:purecloud:2.0:User:";
/// Attributes that say who somebody is or what somebody may do.
const SENSITIVE: [&str; 8] =
    ["roles", "active", "username", "groups", "emails", "entitlements", "externalid", "x509certificates"];
/// Attributes that have a way of their own here, or none at all.
const REFUSED: [&str; 4] = ["password", "id", "meta", "schemas"];

impl Attribute {
    /// A column for a path. `genesys:name` is short for the vendor's extension.
    pub(crate) fn new(column: &str, path: &str, kind: Kind, sensitive: bool) -> Result<Self, &'static str> {
        let path = match path.strip_prefix("genesys:") {
            Some(name) => format!("{GENESYS}{name}"),
            None => path.to_owned(),
        };
        if path.ends_with(':') || !is_path(&path) {
            return Err("the path is no attribute path");
        }
        let name = first_name(&path);
        if REFUSED.contains(&name.as_str()) {
            return Err("this attribute cannot be set from a column");
        }
        if SENSITIVE.contains(&name.as_str()) && !sensitive {
            return Err(
                "this attribute says who somebody is or what somebody may do: it needs sensitive = true",
            );
        }
        Ok(Self { column: column.trim().to_owned(), path, kind })
    }

    /// Whether a column of this name is meant.
    pub(crate) fn is_named(&self, column: &str) -> bool {
        self.column.to_lowercase() == column.trim().trim_start_matches('\u{feff}').to_lowercase()
    }
}

/// Whether this has the form of a path: names and URNs of plain characters, the first of them a letter,
/// and perhaps a filter in brackets. What a receiver might trim or unescape is no part of one.
fn is_path(path: &str) -> bool {
    let (name, filter) = path.split_once('[').map_or((path, None), |(name, filter)| (name, Some(filter)));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ":._-$".contains(c);
    let in_filter = |c: char| is_plain(c) || matches!(c, ' ' | '(' | ')' | ']');
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(is_plain)
        && filter.is_none_or(|filter| filter.contains(']') && filter.chars().all(in_filter))
}

/// The name of the attribute that a path leads to or into, in small letters, whatever its schema.
fn first_name(path: &str) -> String {
    let lower = path.to_ascii_lowercase();
    // A filter may hold colons, and a URN dots.
    let whole = lower.split('[').next().unwrap_or_default();
    let name = whole.rsplit(':').next().unwrap_or_default();
    name.split('.').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str, sensitive: bool) -> Result<String, &'static str> {
        Attribute::new("c", path, Kind::Text, sensitive).map(|attribute| attribute.path)
    }

    #[test]
    fn what_says_who_may_do_what_is_refused_unless_named_as_such() {
        for sensitive in [
            "roles",
            "Roles[value eq 1]",
            "roles[value eq x:title]",
            "active",
            "userName",
            "groups.value",
            "emails",
            "urn:ietf:params:scim:schemas:core:2.0:User:roles",
        ] {
            assert!(path(sensitive, false).is_err_and(|why| why.contains("sensitive")), "{sensitive}");
            assert_eq!(path(sensitive, true).as_deref(), Ok(sensitive));
        }
        for never in [
            "password",
            "PASSWORD",
            "id",
            "meta.version",
            "schemas",
            "",
            "a\"b",
            "urn:x:",
            " roles",
            "roles ",
            "/roles",
            "[x]",
        ] {
            assert!(path(never, true).is_err(), "{never}");
        }
        assert_eq!(path("title", false).as_deref(), Ok("title"));
        assert_eq!(path("name.familyName", false).as_deref(), Ok("name.familyName"));
    }

    #[test]
    fn the_vendors_names_are_short_for_its_extension() {
        let long = "urn:ietf:params:scim:schemas:extension:genesys:purecloud:2.0:User:routingLanguages";
        assert_eq!(path("genesys:routingLanguages", false).as_deref(), Ok(long));
        assert!(path("genesys:", false).is_err());
    }

    #[test]
    fn values_are_what_their_kind_says() {
        for (kind, good, bad) in
            [(Kind::Text, "x y", "x\ny"), (Kind::Boolean, "true", "yes"), (Kind::Integer, "-7", "7.0")]
        {
            assert_eq!((kind.check(good), kind.check(bad).is_err()), (Ok(()), true));
        }
    }

    #[test]
    fn columns_are_known_by_name_in_any_case() {
        let attribute = Attribute::new(" Department", "title", Kind::Text, false).unwrap();
        assert!(attribute.is_named("department ") && !attribute.is_named("dept"));
    }
}
