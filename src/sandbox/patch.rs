//! Owns reading a `PatchOp` message (RFC 7644, section 3.5.2) into single operations on single paths.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::path::Path;
use super::problem::Problem;
use super::schema::{ENTERPRISE, ENTERPRISE_ATTRIBUTES, GENESYS, GENESYS_ATTRIBUTES, USER_SCHEMA};

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// One change of one attribute.
#[derive(Debug, PartialEq)]
pub(super) struct Operation {
    pub(super) op: Op,
    pub(super) path: Path,
    /// Present unless the attribute is removed.
    pub(super) value: Value,
}

/// The operations of RFC 7644, section 3.5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Op {
    Add,
    Replace,
    Remove,
}

#[derive(Deserialize)]
struct Message {
    schemas: Vec<String>,
    #[serde(rename = "Operations")]
    operations: Vec<Raw>,
    /// No part of RFC 7644: attributes as some receivers want them.
    #[serde(rename = "Extensions", default)]
    extensions: Vec<Extension>,
}

#[derive(Deserialize)]
struct Extension {
    name: String,
    value: Value,
}

#[derive(Deserialize)]
struct Raw {
    op: Op,
    path: Option<String>,
    value: Option<Value>,
}

/// Reads the message. Errors never quote it: it holds a password.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Operation>, Problem> {
    let message: Message = serde_json::from_slice(body).map_err(|_| syntax("it cannot be read"))?;
    if !message.schemas.iter().any(|urn| urn == PATCH_OP) {
        return Err(syntax("schemas does not name it"));
    }
    if message.operations.is_empty() && message.extensions.is_empty() {
        return Err(syntax("Operations is empty"));
    }
    let replace = |Extension { name, value }| Raw { op: Op::Replace, path: Some(name), value: Some(value) };
    let mut operations = Vec::new();
    for raw in message.operations.into_iter().chain(message.extensions.into_iter().map(replace)) {
        operations.extend(single(raw)?);
    }
    Ok(operations)
}

/// The password in a message, wherever it stands; for faults that give it away.
pub(super) fn password_in(body: &[u8]) -> Option<String> {
    let operations = parse(body).ok()?;
    let mut passwords = operations.iter().filter(|o| o.path.name.eq_ignore_ascii_case("password"));
    Some(passwords.next()?.value.as_str()?.to_owned())
}

fn syntax(why: &str) -> Problem {
    Problem::new(400, format!("the body is not a PatchOp message: {why}")).scim_type("invalidSyntax")
}

fn single(raw: Raw) -> Result<Vec<Operation>, Problem> {
    let Some(path) = raw.path else {
        return without_path(raw.op, raw.value);
    };
    let value = match (raw.op, raw.value) {
        (Op::Remove, _) => Value::Null,
        (_, Some(value)) => value,
        (_, None) => {
            return Err(Problem::new(400, "an operation has no value").scim_type("invalidValue"));
        }
    };
    match (extension(&path), &value) {
        (Some(urn), Value::Object(members)) => return members_of(raw.op, Some(urn), members.clone()),
        (Some(urn), _) if raw.op == Op::Remove && urn != USER_SCHEMA => return Ok(removals(urn)),
        _ => {}
    }
    let path = Path::parse(&path).ok_or_else(bad_path)?;
    Ok(vec![Operation { op: raw.op, path, value }])
}

/// To remove an extension is to remove whatever of it there is.
fn removals(urn: &str) -> Vec<Operation> {
    let names = if urn == ENTERPRISE { ENTERPRISE_ATTRIBUTES } else { GENESYS_ATTRIBUTES };
    let path = |name: &&str| Path { schema: Some(urn.into()), name: (*name).into(), select: None, sub: None };
    let remove = |path| Operation { op: Op::Remove, path, value: Value::Null };
    names.iter().map(path).map(remove).collect()
}

/// Without a path the value is a partial resource; there is nothing to remove then.
fn without_path(op: Op, value: Option<Value>) -> Result<Vec<Operation>, Problem> {
    match (op, value) {
        (Op::Remove, _) => Err(Problem::new(400, "a remove operation needs a path").scim_type("noTarget")),
        (_, Some(Value::Object(members))) => members_of(op, None, members),
        _ => Err(Problem::new(400, "an operation without a path needs an object as its value")
            .scim_type("invalidValue")),
    }
}

fn members_of(op: Op, schema: Option<&str>, members: Map<String, Value>) -> Result<Vec<Operation>, Problem> {
    let mut operations = Vec::new();
    for (name, value) in members {
        match (extension(&name), value) {
            (Some(urn), Value::Object(inner)) if schema.is_none() => {
                operations.extend(members_of(op, Some(urn), inner)?);
            }
            (_, value) => {
                let full = schema.map_or_else(|| name.clone(), |urn| format!("{urn}:{name}"));
                let path = Path::parse(&full).ok_or_else(bad_path)?;
                operations.push(Operation { op, path, value });
            }
        }
    }
    Ok(operations)
}

/// Whether a path is the URN of a whole schema.
fn extension(path: &str) -> Option<&'static str> {
    let mut schemas = [USER_SCHEMA, ENTERPRISE, GENESYS].into_iter();
    schemas.find(|urn| urn.eq_ignore_ascii_case(path))
}

fn bad_path() -> Problem {
    Problem::new(400, "a path has not the form of one").scim_type("invalidPath")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(operations: &str) -> Result<Vec<Operation>, Problem> {
        let text = format!("{{\"schemas\":[\"{PATCH_OP}\"],\"Operations\":{operations}}}");
        parse(text.as_bytes())
    }

    fn refused(operations: &str) -> Option<&'static str> {
        message(operations).unwrap_err().scim_type
    }

    #[test]
    fn a_partial_resource_becomes_single_operations() {
        let partial = r#"[{"op":"replace","value":{"active":true,"title":"x"}}]"#;
        let paths = message(partial).unwrap();
        let names: Vec<&str> = paths.iter().map(|o| o.path.name.as_str()).collect();
        assert_eq!(names, ["active", "title"]);
    }

    #[test]
    fn what_is_no_message_is_refused_by_keyword() {
        assert_eq!(refused("[]"), Some("invalidSyntax"));
        assert_eq!(refused(r#"[{"op":"Replace","path":"title","value":1}]"#), Some("invalidSyntax"));
        assert_eq!(refused(r#"[{"op":"replace","path":"title"}]"#), Some("invalidValue"));
        assert_eq!(refused(r#"[{"op":"replace","path":"a b","value":1}]"#), Some("invalidPath"));
        assert_eq!(refused(r#"[{"op":"remove"}]"#), Some("noTarget"));
        let other = br#"{"schemas":[],"Operations":[{"op":"remove","path":"title"}]}"#;
        assert_eq!(parse(other).unwrap_err().scim_type, Some("invalidSyntax"));
    }
}
