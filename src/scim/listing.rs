//! A page of users as it stands on the wire (RFC 7644 section 3.4.2), as lenient as the wrong
//! servers out there need.
//!
//! Names of attributes have no case (RFC 7643 section 2.1). A name that comes twice could mean
//! either value, so such an object cannot be read; nor can an array in place of an object, which
//! derived code would take for one.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Value;

use crate::domain::text::Text;

/// A page of users.
#[derive(Debug)]
pub(crate) struct ListResponse {
    /// How many match, all pages together.
    pub(crate) total_results: Option<u64>,
    /// Those on this page.
    pub(crate) resources: Option<Vec<User>>,
}

impl ListResponse {
    /// Reads a body; nothing when it is no list.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        match str::from_utf8(body) {
            // Then no string of it has to be looked at again.
            Ok(text) => serde_json::from_str(text).ok(),
            // What nobody asked for may be in any encoding.
            Err(_) => serde_json::from_slice(body).ok(),
        }
    }
}

/// A user, with every attribute as whatever the server sent.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "`userName` is the name on the wire")]
pub(crate) struct User {
    /// Unique id.
    pub(crate) id: Value,
    /// The name that must be the one asked for.
    pub(crate) user_name: Value,
    /// Whether the account is enabled.
    pub(crate) active: Value,
    /// Holds `version`, `resourceType` and `location`.
    pub(crate) meta: Meta,
    /// What kinds of resource it is.
    pub(crate) schemas: Value,
}

/// What of `meta` counts here; null where there is none of it.
#[derive(Debug, Default)]
pub(crate) struct Meta {
    /// Which state of the account it is.
    pub(crate) version: Value,
    resource_type: Value,
    location: Value,
}

impl User {
    /// Whether it says of itself that it is something else, such as a group.
    pub(crate) fn is_no_user(&self) -> bool {
        let kind = self.meta.resource_type.as_str();
        let schemas = self.schemas.as_array().map(Vec::as_slice).unwrap_or_default();
        kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("User"))
            || schemas.iter().filter_map(Value::as_str).any(|urn| urn.ends_with(":core:2.0:Group"))
    }

    /// Whether its own location is that of another id.
    pub(crate) fn is_elsewhere(&self, id: &str) -> bool {
        let location = self.meta.location.as_str().unwrap_or_default();
        let mut places = location.as_bytes().windows(USERS.len());
        let last = places.rposition(|place| place.eq_ignore_ascii_case(USERS));
        let Some(shown) = last.and_then(|at| location.get(at + USERS.len()..)) else {
            return false;
        };
        let shown = shown.trim_end_matches('/');
        !shown.eq_ignore_ascii_case(id)
            && !percent_decode_str(shown).decode_utf8_lossy().eq_ignore_ascii_case(id)
    }
}

/// What stands in front of an id in a location.
const USERS: &[u8] = b"/users/";

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = ListResponse;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of users")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ListResponse, A::Error> {
        let (mut total, mut resources) = (None, None);
        while let Some(place) = map.next_key_seed(Among(&["totalResults", "Resources"]))? {
            match place {
                Some(0) => once(&mut total, map.next_value()?)?,
                Some(_) => once(&mut resources, map.next_value()?)?,
                None => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(ListResponse { total_results: total.flatten(), resources: resources.flatten() })
    }
}

struct UserVisitor;

impl<'de> Visitor<'de> for UserVisitor {
    type Value = User;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a user")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<User, A::Error> {
        let (mut members, mut meta): ([Option<Value>; 4], _) = (Default::default(), None);
        while let Some(place) = map.next_key_seed(Among(&["id", "userName", "active", "schemas", "meta"]))? {
            match place {
                Some(META) => once(&mut meta, map.next_value()?)?,
                Some(place) => once(&mut members[place], map.next_value()?)?,
                None => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        let [id, user_name, active, schemas] = members.map(Option::unwrap_or_default);
        let meta = meta.unwrap_or_default();
        Ok(User { id, user_name, active, meta, schemas })
    }
}

/// The place of `meta` among the attributes of a user, behind those that are kept as they are.
const META: usize = 4;

/// Whatever stands there, as in the other attributes; only an object has members that count. Their names
/// do have a case here, and the last one of a name counts.
struct MetaVisitor;

impl<'de> Visitor<'de> for MetaVisitor {
    type Value = Meta;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Meta, A::Error> {
        let mut meta = Meta::default();
        while let Some(Text(name)) = map.next_key()? {
            match &*name {
                "version" => meta.version = map.next_value()?,
                "resourceType" => meta.resource_type = map.next_value()?,
                "location" => meta.location = map.next_value()?,
                // Read as if it counted: what is nested without an end is no user.
                _ => _ = map.next_value::<Value>()?,
            }
        }
        Ok(meta)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Meta, A::Error> {
        while seq.next_element::<Value>()?.is_some() {}
        Ok(Meta::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Meta, E> {
        Ok(Meta::default())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Meta, E> {
        Ok(Meta::default())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Meta, E> {
        Ok(Meta::default())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Meta, E> {
        Ok(Meta::default())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Meta, E> {
        Ok(Meta::default())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Meta, E> {
        Ok(Meta::default())
    }
}

impl<'de> Deserialize<'de> for Meta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MetaVisitor)
    }
}

/// Reads an attribute's name as its place among these.
struct Among<'a>(&'a [&'a str]);

impl<'de> DeserializeSeed<'de> for Among<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Among<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an attribute")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| known.eq_ignore_ascii_case(name)))
    }
}

fn once<T, E: Error>(member: &mut Option<T>, value: T) -> Result<(), E> {
    match member.replace(value) {
        None => Ok(()),
        // The name is not shown: errors of this kind are never printed, and need not be.
        Some(_) => Err(E::custom("an attribute twice")),
    }
}

impl<'de> Deserialize<'de> for ListResponse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ListVisitor)
    }
}

impl<'de> Deserialize<'de> for User {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UserVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(json: &str) -> Option<User> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn names_of_attributes_have_no_case_and_come_once() {
        let page = r#"{"TOTALRESULTS":1,"resources":[{"ID":"7","username":"ann@example.com"}]}"#;
        let page: ListResponse = serde_json::from_str(page).unwrap();
        let users = page.resources.unwrap();
        assert_eq!((page.total_results, users[0].id.as_str()), (Some(1), Some("7")));
        assert_eq!(users[0].user_name.as_str(), Some("ann@example.com"));
        for twice in [
            r#"{"id":"1","id":"1"}"#,
            r#"{"id":"1","Id":"2"}"#,
            r#"{"userName":"a","username":"b"}"#,
            r#"{"active":false,"ACTIVE":true}"#,
        ] {
            assert!(user(twice).is_none(), "{twice}");
        }
        assert!(user(r#"{"name":1,"name":2,"uſerName":"a"}"#).is_some_and(|user| user.user_name.is_null()));
        assert!(serde_json::from_str::<ListResponse>(r#"{"Resources":[],"resources":[]}"#).is_err());
    }

    #[test]
    fn what_nobody_asked_for_may_be_in_any_encoding() {
        let page = |name: &[u8]| [br#"{"Resources":[{"id":"7",""#, name, b"\":\"J\xf6rg\"}]}"].concat();
        assert!(ListResponse::read(&page(b"nickName")).is_some());
        assert!(ListResponse::read(&page(b"userName")).is_none());
    }

    #[test]
    fn an_array_is_no_object() {
        assert!(user(r#"["7","ann@example.com",true,{}]"#).is_none());
        assert!(serde_json::from_str::<ListResponse>("[1,[]]").is_err());
    }

    #[test]
    fn any_meta_is_read_and_only_an_object_says_something() {
        for odd in ["null", "true", "-1", "1", "1.5", "\"x\"", "[1,[2]]", "{}", r#"{"version":7,"x":[{}]}"#] {
            let user = user(&format!(r#"{{"id":"7","meta":{odd}}}"#)).unwrap();
            assert!(user.meta.version.as_str().is_none() && !user.is_no_user(), "{odd}");
        }
        let nested = "[".repeat(200) + &"]".repeat(200);
        for deep in [nested.clone(), format!(r#"{{"x":{nested}}}"#)] {
            assert!(user(&format!(r#"{{"id":"7","meta":{deep}}}"#)).is_none());
        }
        let last = user(r#"{"meta":{"VERSION":"1","version":"2","version":"3"}}"#).unwrap();
        assert_eq!(last.meta.version.as_str(), Some("3"));
    }

    #[test]
    fn what_calls_itself_a_group_is_no_user() {
        let group = |json: &str| user(json).unwrap().is_no_user();
        assert!(group(r#"{"meta":{"resourceType":"Group"}}"#));
        assert!(group(r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}"#));
        assert!(!group(r#"{"meta":{"resourceType":"user"},"schemas":"odd"}"#));
        assert!(!group("{}"));
    }

    #[test]
    fn a_location_of_another_id_is_elsewhere() {
        let elsewhere = |location: &str, id: &str| {
            user(&format!(r#"{{"meta":{{"location":"{location}"}}}}"#)).unwrap().is_elsewhere(id)
        };
        assert!(elsewhere("https://x.example/scim/v2/Users/8", "7"));
        assert!(elsewhere("https://x.example/Users/7/v2/users/8", "7"));
        assert!(!elsewhere("https://x.example/scim/v2/users/7/", "7"));
        assert!(!elsewhere("https://x.example/scim/v2/Users/a%20b", "a b"));
        assert!(!elsewhere("https://x.example/scim/v2/Users/A-F", "a-f"));
        for says_nothing in ["", "7", "https://x.example/people/8"] {
            assert!(!elsewhere(says_nothing, "7"), "{says_nothing}");
        }
    }
}
