//! Owns which attributes of a resource are shown (RFC 7644, section 3.9).

use serde_json::{Map, Value};

/// Which attributes are wanted (RFC 7644, section 3.9).
#[derive(Clone, Debug, Default)]
pub(super) struct Projection {
    pub(super) attributes: Vec<String>,
    pub(super) excluded: Vec<String>,
}

impl Projection {
    /// The projection in a query without a filter or a page.
    pub(super) fn parse(query: &str) -> Self {
        let mut projection = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "attributes" => projection.attributes = names(&value),
                "excludedAttributes" => projection.excluded = names(&value),
                _ => {}
            }
        }
        projection
    }

    /// Drops what was not asked for; `id` and `schemas` are always returned.
    pub(super) fn apply(&self, resource: &mut Value) {
        let Value::Object(map) = resource else { return };
        if !self.attributes.is_empty() {
            map.retain(|key, value| always(key) || self.keeps(key, value));
        } else if !self.excluded.is_empty() {
            map.retain(|key, _| always(key) || !contains(&self.excluded, key));
        }
    }

    fn keeps(&self, key: &str, value: &mut Value) -> bool {
        if contains(&self.attributes, key) {
            return true;
        }
        let subs = self.attributes.iter().filter_map(|name| {
            let (head, sub) = name.split_at_checked(key.len())?;
            let sub = sub.strip_prefix(['.', ':'])?;
            head.eq_ignore_ascii_case(key).then_some(sub)
        });
        let subs: Vec<&str> = subs.collect();
        if let Value::Object(map) = value {
            only(map, &subs);
        }
        !subs.is_empty()
    }
}

fn only(map: &mut Map<String, Value>, subs: &[&str]) {
    map.retain(|key, _| subs.iter().any(|sub| sub.eq_ignore_ascii_case(key)));
}

fn always(key: &str) -> bool {
    key == "id" || key == "schemas"
}

fn contains(names: &[String], key: &str) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(key))
}

pub(super) fn names(list: &str) -> Vec<String> {
    list.split(',').map(|name| name.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projection_keeps_what_was_asked_for_and_the_id() {
        let mut user = serde_json::json!({"id": 1, "active": true, "name": {"a": 1, "b": 2}, "x": 0});
        Projection::parse("attributes=Active,name.b").apply(&mut user);
        assert_eq!(user, serde_json::json!({"id": 1, "active": true, "name": {"b": 2}}));
    }
}
