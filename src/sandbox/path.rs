//! Owns attribute paths (RFC 7644, section 3.10).
//!
//! A path is `attribute`, `attribute.sub`, `attribute[sub eq "value"]` or `attribute[…].sub`, all of
//! them optionally behind a schema URN and a colon. Attribute names are case-insensitive.

use serde_json::{Map, Value};

use super::schema::USER_SCHEMA;

/// A path taken apart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    /// The extension's URN; nothing for the core schema.
    pub(super) schema: Option<String>,
    pub(super) name: String,
    /// `[sub eq "value"]`
    pub(super) select: Option<(String, String)>,
    pub(super) sub: Option<String>,
}

impl Path {
    /// Takes a path apart; nothing if it does not have the form of one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (schema, rest) = split_schema(text);
        let (name, select, sub) = match rest.split_once('[') {
            Some((name, rest)) => {
                let (inner, after) = rest.rsplit_once(']')?;
                let sub = if after.is_empty() { None } else { Some(after.strip_prefix('.')?) };
                (name, Some(comparison(inner)?), sub)
            }
            None => match rest.split_once('.') {
                Some((name, sub)) => (name, None, Some(sub)),
                None => (rest, None, None),
            },
        };
        let words = [Some(name), sub];
        words.iter().flatten().all(|word| is_name(word)).then(|| Self {
            schema: schema.filter(|urn| !urn.eq_ignore_ascii_case(USER_SCHEMA)).map(Into::into),
            name: name.into(),
            select,
            sub: sub.map(Into::into),
        })
    }

    /// Whether this is the attribute that a full path names, or a part of it.
    pub(super) fn is(&self, full: &str) -> bool {
        let (schema, name) = split_schema(full);
        let same_schema = match (&self.schema, schema) {
            (None, None) => true,
            (Some(mine), Some(other)) => mine.eq_ignore_ascii_case(other),
            _ => false,
        };
        same_schema && self.name.eq_ignore_ascii_case(name)
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(urn) = &self.schema {
            write!(f, "{urn}:")?;
        }
        f.write_str(&self.name)?;
        if let Some((key, value)) = &self.select {
            write!(f, "[{key} eq \"{value}\"]")?;
        }
        self.sub.iter().try_for_each(|sub| write!(f, ".{sub}"))
    }
}

/// Cuts a schema URN off; the colons inside a `[…]` are not its own.
pub(super) fn split_schema(text: &str) -> (Option<&str>, &str) {
    let head = text.find('[').map_or(text, |end| &text[..end]);
    let is_urn = head.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
    match head.rfind(':') {
        Some(colon) if is_urn => (Some(&text[..colon]), &text[colon + 1..]),
        _ => (None, text),
    }
}

/// `sub eq "value"`
fn comparison(text: &str) -> Option<(String, String)> {
    let (name, rest) = text.trim().split_once(' ')?;
    let (operator, value) = rest.trim_start().split_once(' ')?;
    let value = serde_json::from_str(value.trim()).ok()?;
    (operator.eq_ignore_ascii_case("eq") && is_name(name)).then(|| (name.into(), value))
}

/// `ATTRNAME` of RFC 7643, section 2.1, and `$ref`.
fn is_name(word: &str) -> bool {
    let word = word.strip_prefix('$').unwrap_or(word);
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Puts a value at a full path of a resource.
pub(super) fn put(resource: &mut Map<String, Value>, full: &str, value: Value) {
    let (schema, name) = split_schema(full);
    match schema {
        Some(urn) => {
            let extension = resource.entry(urn).or_insert_with(|| Map::new().into());
            if let Value::Object(members) = extension {
                members.insert(name.into(), value);
            }
        }
        None => drop(resource.insert(name.into(), value)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::GENESYS;
    use super::*;

    fn path(text: &str) -> Path {
        Path::parse(text).unwrap()
    }

    #[test]
    fn paths_are_taken_apart() {
        let phone = path("phoneNumbers[type eq \"mobile\"].value");
        assert_eq!(phone.name, "phoneNumbers");
        assert_eq!(phone.select, Some(("type".into(), "mobile".into())));
        assert_eq!(phone.sub.as_deref(), Some("value"));
        let skill = path(&format!("{GENESYS}:routingSkills"));
        assert_eq!(skill.schema.as_deref(), Some(GENESYS));
        assert_eq!(path(&format!("{USER_SCHEMA}:title")), path("title"));
        for bad in ["", "a b", "a[", "a[x eq y]", "a.b.c", "a[x eq \"y\"]z", "1a"] {
            assert_eq!(Path::parse(bad), None, "{bad}");
        }
    }
}
