//! Owns changing one attribute that is kept as it comes (RFC 7644, sections 3.5.2.1 to 3.5.2.3).

use serde_json::{Map, Value};

use super::patch::{Op, Operation};
use super::problem::Problem;

/// Changes the attribute among its siblings.
pub(super) fn change(home: &mut Map<String, Value>, operation: &Operation) -> Result<(), Problem> {
    let path = &operation.path;
    match (&path.select, &path.sub) {
        (None, None) => whole(home, &path.name, operation),
        (None, Some(sub)) => {
            let parent = home.entry(path.name.clone());
            let parent = parent.or_insert_with(|| Map::new().into());
            let members = parent.as_object_mut().ok_or_else(no_target)?;
            whole(members, sub, operation);
        }
        (Some((key, wanted)), sub) => {
            let values = home.get_mut(&path.name).and_then(Value::as_array_mut);
            let values = values.ok_or_else(no_target)?;
            selected(values, key, wanted, sub.as_deref(), operation)?;
        }
    }
    Ok(())
}

/// `add` joins several values to those that are there; `replace` puts the new in their place. Of one
/// complex value both leave the sub-attributes that they do not name as they were.
fn whole(home: &mut Map<String, Value>, name: &str, operation: &Operation) {
    let value = operation.value.clone();
    match operation.op {
        Op::Remove => drop(home.remove(name)),
        op => match (home.get_mut(name), value) {
            (Some(Value::Array(old)), Value::Array(new)) if op == Op::Add => old.extend(new),
            (Some(Value::Object(old)), Value::Object(new)) => old.extend(new),
            (_, value) => drop(home.insert(name.into(), value)),
        },
    }
}

fn selected(
    values: &mut Vec<Value>,
    key: &str,
    wanted: &str,
    sub: Option<&str>,
    operation: &Operation,
) -> Result<(), Problem> {
    let matches = |value: &Value| value[key].as_str() == Some(wanted);
    if !values.iter().any(matches) {
        return Err(no_target());
    }
    if operation.op == Op::Remove && sub.is_none() {
        values.retain(|value| !matches(value));
        return Ok(());
    }
    for value in values.iter_mut().filter(|value| matches(value)) {
        match (sub, value.as_object_mut()) {
            (Some(sub), Some(members)) => whole(members, sub, operation),
            _ => *value = operation.value.clone(),
        }
    }
    Ok(())
}

fn no_target() -> Problem {
    Problem::new(400, "the path leads to no value").scim_type("noTarget")
}
