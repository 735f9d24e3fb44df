//! What the list has shown, and what it comes to.
//!
//! Invariant: whoever is in the map was shown once, under one name and one id, active and with a version.

use super::map::Map;
use super::pages::MOST_USERS;
use super::seen::Seen;
use crate::domain::wanted::{Folding, Wanted};
use crate::scim::identity::Account;
use crate::scim::listing::User;

/// The users shown so far.
#[derive(Debug)]
pub(super) struct Shown {
    seen: Seen,
    map: Map,
}

impl Shown {
    /// Nobody yet, with room for so many who are wanted.
    pub(super) fn new(folding: &Folding, most: usize) -> Self {
        Self { seen: Seen::new(folding.clone()), map: Map::new(folding.clone(), most) }
    }

    /// Notes a user. True when no page has shown this one before.
    pub(super) fn note(&mut self, user: &User, wanted: &Wanted) -> bool {
        if let Some(name) = user.user_name.as_str()
            && wanted.may_include(name)
        {
            self.map.note(name, Account::of(user).as_ref());
        }
        match user.id.as_str() {
            Some(id) => self.seen.note(id),
            None => self.seen.note(&user.user_name.to_string()),
        }
    }

    /// Whether more were shown than any list should hold.
    pub(super) fn is_too_much(&self) -> bool {
        self.seen.len() as u64 > MOST_USERS
    }

    /// Those who are beyond doubt, when all pages have come.
    pub(super) fn settled(self) -> Map {
        let Self { seen, mut map } = self;
        if seen.repeats() {
            map.doubt(|id| seen.repeated(id));
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::email::Email;

    const NAMES: [&str; 3] = ["ann@example.com", "bob@example.com", "eve@example.com"];

    fn wanted() -> Wanted {
        let folding = Folding::new(RandomState::new());
        let mut hashes: Vec<_> = NAMES.iter().map(|name| folding.hash(name)).collect();
        hashes.sort_unstable();
        Wanted::new(folding, hashes)
    }

    /// The ids under which the users are found, in the order of their names.
    fn found(users: &[Value]) -> Vec<Option<String>> {
        let wanted = wanted();
        let mut shown = Shown::new(wanted.folding(), wanted.len());
        for user in users {
            shown.note(&serde_json::from_value(user.clone()).unwrap(), &wanted);
        }
        let map = shown.settled();
        NAMES.iter().map(|name| map.find(&Email::parse(name).unwrap()).map(|listed| listed.id)).collect()
    }

    /// The same, by a second reading that goes through everybody each time.
    fn beyond_doubt(users: &[Value], name: &str) -> Option<String> {
        let is = |user: &&Value, member: &str, text: &str| {
            user[member].as_str().is_some_and(|shown| shown.eq_ignore_ascii_case(text))
        };
        let named: Vec<_> = users.iter().filter(|user| is(user, "userName", name)).collect();
        let [user] = named[..] else { return None };
        let id = user["id"].as_str().filter(|id| !id.is_empty() && !id.contains('/'))?;
        let alone = users.iter().filter(|user| is(user, "id", id)).count() == 1;
        let tagged = user["meta"]["version"].as_str().is_some_and(|version| version != "*");
        (alone && tagged && user["active"] == true).then(|| id.to_owned())
    }

    fn user() -> impl Strategy<Value = Value> {
        let name = prop_oneof![
            4 => proptest::sample::select(NAMES.to_vec()).prop_map(Value::from),
            1 => proptest::sample::select(NAMES.to_vec()).prop_map(|name| name.to_ascii_uppercase().into()),
            1 => "[a-f]@example.com".prop_map(Value::from),
            1 => Just(Value::Null),
        ];
        let id = prop_oneof![
            6 => "[a-zA-Z]{2}".prop_map(Value::from),
            1 => "[a-c]|[A-C]|/x|".prop_map(Value::from),
            1 => Just(json!(7)),
        ];
        let active = prop_oneof![4 => Just(json!(true)), 1 => Just(json!(false)), 1 => Just(json!(0))];
        let version = prop_oneof![4 => Just(json!("W/\"1\"")), 1 => Just(json!("*")), 1 => Just(Value::Null)];
        (name, id, active, version).prop_map(
            |(name, id, active, version)| json!({"userName": name, "id": id, "active": active, "meta": {"version": version}}),
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn whoever_is_found_was_shown_once_and_without_a_doubt(users in proptest::collection::vec(user(), 0..6)) {
            let expected: Vec<_> = NAMES.iter().map(|name| beyond_doubt(&users, name)).collect();
            prop_assert_eq!(found(&users), expected);
        }
    }

    #[test]
    fn somebody_is_found() {
        let users = [
            json!({"userName": "ANN@example.com", "id": "a", "active": true, "meta": {"version": "1"}}),
            json!({"userName": "bob@example.com", "id": "b", "active": true, "meta": {"version": "1"}}),
            json!({"userName": "other@example.com", "id": "B", "active": true, "meta": {"version": "1"}}),
        ];
        assert_eq!(found(&users), [Some("a".to_owned()), None, None]);
    }
}
