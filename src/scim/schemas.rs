//! The attributes that a service says it has (`GET /Schemas`, RFC 7643 section 7), and whether a path leads to
//! one of them.
//!
//! Names have no case. A service that does not describe an attribute may know it all the same, so what is
//! found here is said and decides nothing.

use serde_json::Value;

/// Where paths without a URN lead.
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// What a service says of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// It has it.
    Yes,
    /// It has it, and lets nobody write it.
    ReadOnly,
    /// It does not describe it.
    No,
}

/// The schemas of a service.
#[derive(Debug)]
pub(crate) struct Schemas(Vec<Schema>);

#[derive(Debug)]
struct Schema {
    id: String,
    attributes: Vec<Value>,
}

impl Schemas {
    /// What a body says; nothing when it is no list of schemas.
    pub(crate) fn of(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let schemas = body["Resources"].as_array()?.iter().filter_map(|schema| {
            let attributes = schema["attributes"].as_array()?.clone();
            Some(Schema { id: schema["id"].as_str()?.to_owned(), attributes })
        });
        let schemas: Vec<_> = schemas.collect();
        (!schemas.is_empty()).then_some(Self(schemas))
    }

    /// Whether a path (RFC 7644 section 3.10) leads to an attribute.
    pub(crate) fn knows(&self, path: &str) -> Known {
        let Some((schema, name)) = self.schema_of(path) else { return Known::No };
        let mut attributes = &schema.attributes[..];
        let mut known = Known::No;
        for part in name.split('.') {
            let part = part.split('[').next().unwrap_or_default();
            let is_named = |attribute: &&Value| {
                attribute["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(part))
            };
            let Some(attribute) = attributes.iter().find(is_named) else { return Known::No };
            if known != Known::ReadOnly {
                known = if attribute["mutability"] == "readOnly" { Known::ReadOnly } else { Known::Yes };
            }
            attributes = attribute["subAttributes"].as_array().map(Vec::as_slice).unwrap_or_default();
        }
        known
    }

    /// The schema that a path begins with, and the rest of it.
    fn schema_of<'a>(&self, path: &'a str) -> Option<(&Schema, &'a str)> {
        let below = |schema: &&Schema| below(path, &schema.id).is_some();
        // The longest, as the name of one may begin like that of another.
        let named = self.0.iter().filter(below).max_by_key(|schema| schema.id.len());
        if let Some(schema) = named {
            return Some((schema, below_of(path, schema)));
        }
        let core = self.0.iter().find(|schema| schema.id.eq_ignore_ascii_case(CORE));
        core.filter(|_| !path.contains(':')).map(|schema| (schema, path))
    }
}

fn below_of<'a>(path: &'a str, schema: &Schema) -> &'a str {
    below(path, &schema.id).unwrap_or_default()
}

/// What stands behind the URN of a schema.
fn below<'a>(path: &'a str, id: &str) -> Option<&'a str> {
    let (start, rest) = path.split_at_checked(id.len())?;
    rest.strip_prefix(':').filter(|_| start.eq_ignore_ascii_case(id))
}

#[cfg(test)]
#[cfg(not(fuzzing))]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_an_attribute_or_nowhere() {
        let body = r#"{"Resources":[
            {"id":"urn:ietf:params:scim:schemas:core:2.0:User","attributes":[
                {"name":"title","mutability":"readWrite"}, {"name":"meta","mutability":"readOnly",
                "subAttributes":[{"name":"version"}]},
                {"name":"emails","subAttributes":[{"name":"value"}]}]},
            {"id":"urn:x:User","attributes":[{"name":"level"}]}, {"id":"urn:broken"}, 7]}"#;
        let schemas = Schemas::of(body.as_bytes()).unwrap();
        for (path, known) in [
            ("title", Known::Yes),
            ("TITLE", Known::Yes),
            ("urn:ietf:params:scim:schemas:core:2.0:user:title", Known::Yes),
            ("meta.version", Known::ReadOnly),
            ("emails[type eq \"work\"].value", Known::Yes),
            ("emails.display", Known::No),
            ("urn:x:User:level", Known::Yes),
            ("urn:x:User:title", Known::No),
            ("urn:x:User", Known::No),
            ("urn:y:User:level", Known::No),
            ("level", Known::No),
            ("", Known::No),
        ] {
            assert_eq!(schemas.knows(path), known, "{path}");
        }
        for none in ["", "[]", "{}", r#"{"Resources":[]}"#, r#"{"Resources":{}}"#, "<html>"] {
            assert!(Schemas::of(none.as_bytes()).is_none(), "{none}");
        }
    }
}
