//! Owns the description of the attributes (RFC 7643, section 7), as `GET /Schemas` tells it.

use serde_json::{Value, json};

use super::discovery::list;
use super::options::Mfa;
use super::path::split_schema;
use super::problem::Problem;
use super::reply::Reply;
use super::schema::{CORE, ENTERPRISE, ENTERPRISE_ATTRIBUTES, GENESYS, GENESYS_ATTRIBUTES, USER_SCHEMA};
use super::world::World;

/// Attributes of several values.
const PLURAL: &[&str] = &[
    "addresses",
    "emails",
    "entitlements",
    "externalIds",
    "phoneNumbers",
    "photos",
    "roles",
    "routingLanguages",
    "routingSkills",
];

impl World {
    pub(super) fn schemas(&self) -> Reply {
        list(&self.all_schemas())
    }

    pub(super) fn schema(&self, urn: &str) -> Result<Reply, Problem> {
        let mut schemas = self.all_schemas().into_iter();
        let schema = schemas.find(|schema| schema["id"] == urn);
        schema.map(Reply::scim).ok_or_else(|| Problem::new(404, "no such schema"))
    }

    fn all_schemas(&self) -> Vec<Value> {
        let mut core: Vec<Value> = CORE.iter().map(|name| kept(name)).collect();
        core.push(attribute("userName", "string", "default"));
        core.push(attribute("active", "boolean", "default"));
        core.push(attribute("password", "string", "never"));
        let mut schemas = vec![
            schema(USER_SCHEMA, "User", &core),
            schema(ENTERPRISE, "EnterpriseUser", &all_kept(ENTERPRISE_ATTRIBUTES)),
            schema(GENESYS, "PurecloudUser", &all_kept(GENESYS_ATTRIBUTES)),
        ];
        if self.options.knows_mfa == Mfa::Stores {
            declare(&mut schemas, &self.options.mfa_path, mfa);
        }
        for full in &self.options.extra_attributes {
            declare(&mut schemas, full, kept);
        }
        schemas
    }
}

/// Adds an attribute to the schema its full path names.
fn declare(schemas: &mut Vec<Value>, full: &str, make: fn(&str) -> Value) {
    let (urn, name) = split_schema(full);
    let urn = urn.unwrap_or(USER_SCHEMA);
    match schemas.iter_mut().find(|schema| schema["id"] == urn) {
        Some(schema) => {
            if let Some(attributes) = schema["attributes"].as_array_mut() {
                attributes.push(make(name));
            }
        }
        None => schemas.push(schema(urn, name, &[make(name)])),
    }
}

fn schema(urn: &str, name: &str, attributes: &[Value]) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": urn,
        "name": name,
        "attributes": attributes,
    })
}

fn attribute(name: &str, kind: &str, returned: &str) -> Value {
    json!({
        "name": name,
        "type": kind,
        "multiValued": false,
        "required": name == "userName",
        "caseExact": false,
        "mutability": if returned == "never" { "writeOnly" } else { "readWrite" },
        "returned": returned,
        "uniqueness": if name == "userName" { "server" } else { "none" },
    })
}

fn all_kept(names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| kept(name)).collect()
}

fn kept(name: &str) -> Value {
    let plural = PLURAL.contains(&name);
    let Some(parts) = parts(name, plural) else {
        return attribute(name, "string", "default");
    };
    let mut kept = attribute(name, "complex", "default");
    kept["multiValued"] = plural.into();
    kept["subAttributes"] = parts.iter().map(|part| attribute(part, part_type(part), "default")).collect();
    kept
}

/// The sub-attributes of a complex attribute (RFC 7643, sections 4.1, 4.3 and 2.4; the vendor's own).
fn parts(name: &str, plural: bool) -> Option<&'static [&'static str]> {
    Some(match name {
        "name" => {
            &["formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix"]
        }
        "manager" => &["value", "displayName"],
        "addresses" => {
            &["formatted", "streetAddress", "locality", "region", "postalCode", "country", "type", "primary"]
        }
        "externalIds" => &["authority", "value"],
        "routingLanguages" | "routingSkills" => &["name", "proficiency"],
        _ if plural => &["value", "display", "type", "primary"],
        _ => return None,
    })
}

fn part_type(name: &str) -> &'static str {
    match name {
        "primary" => "boolean",
        "proficiency" => "decimal",
        _ => "string",
    }
}

fn mfa(name: &str) -> Value {
    let mut mfa = attribute(name, "complex", "default");
    mfa["subAttributes"] =
        json!([attribute("enabled", "boolean", "default"), kept("mfaType"), kept("phoneNumber"),]);
    mfa
}
