//! Who a look-up may lead to, by a second reading of the same pages.

use super::json::Json;
use crate::domain::email::Email;
use crate::domain::secret::Secret;
use crate::domain::target::{NewPassword, Target};
use crate::scim::identity::{Page, Search};

/// What is read of a user.
const OF_USERS: [&str; 5] = ["id", "userName", "active", "meta", "schemas"];

/// Gives pages to a look-up until it has seen enough; the account it leads to, if any, is held to
/// the oracle.
pub(super) fn check(pages: &[&[u8]], name: &str, include_inactive: bool) -> Option<String> {
    let email = Email::parse(name).unwrap();
    let mut search = Search::default();
    let mut asked = 1;
    for (place, page) in pages.iter().enumerate() {
        match search.page(page, &email) {
            Err(_) => return None,
            Ok(Page::Next(start)) => {
                assert!(start > asked, "each page is asked for further on");
                asked = start;
            }
            Ok(Page::Last) => {
                let target = Target {
                    line: 2,
                    email,
                    password: NewPassword::Given(Secret::new("x".to_owned())),
                    phone: None,
                    attributes: Box::default(),
                    account: None,
                };
                let id = search.verdict(target, include_inactive).ok()?.id().to_owned();
                let objection = objection(&pages[..=place], name, &id, include_inactive);
                assert_eq!(objection, None, "{id:?} is ready for {name}");
                return Some(id);
            }
        }
    }
    None
}

/// Why these pages do not show that `id` is the one account of that name.
fn objection(pages: &[&[u8]], name: &str, id: &str, include_inactive: bool) -> Option<&'static str> {
    let lists: Vec<Json> =
        pages.iter().map(|page| serde_json::from_slice(page)).collect::<Result<_, _>>().ok()?;
    let users: Vec<&Json> = lists.iter().flat_map(users).collect();
    let bears = |user: &&&Json| one(user, "userName").text().is_some_and(|shown| same_name(shown, name));
    let bearers: Vec<&&Json> = users.iter().filter(bears).collect();
    let strangers: Vec<&&Json> = users.iter().filter(|user| !bears(user)).collect();
    let total = lists.last().map(|list| one(list, "totalResults"));
    let counted = matches!(total, Some(Json::Number(total)) if *total > shown_at_most(&lists));
    let objections = [
        (
            lists.iter().any(|list| is_ambiguous(list, &["totalResults", "Resources"])),
            "a list has a member twice",
        ),
        (
            users.iter().any(|user| is_ambiguous(user, &OF_USERS)),
            "a user has an attribute twice, or is no object",
        ),
        (bearers.is_empty(), "nobody bears the name"),
        (
            bearers.iter().any(|user| one(user, "id").text() != Some(id)),
            "a bearer of the name has another id",
        ),
        (strangers.iter().any(|user| one(user, "id").text() == Some(id)), "the id bears another name"),
        (bearers.iter().any(|user| !may_be_touched(user, include_inactive)), "a bearer may not be touched"),
        (bearers.iter().any(|user| is_something_else(user, id)), "a bearer is something else"),
        (strangers.is_empty() && counted, "more of the name are counted than shown"),
        (!is_one_segment(id), "the id is no segment of a path"),
    ];
    objections.into_iter().find(|(holds, _)| *holds).map(|(_, why)| why)
}

fn users(list: &Json) -> Vec<&Json> {
    let resources = if let Json::Array(users) = one(list, "Resources") { users.as_slice() } else { &[] };
    resources.iter().collect()
}

fn shown_at_most(lists: &[Json]) -> f64 {
    lists.iter().map(|list| users(list).iter().map(|_| 1.0).sum::<f64>()).sum()
}

/// The one member of that name, or null.
fn one<'a>(object: &'a Json, name: &'a str) -> &'a Json {
    object.all(name).next().unwrap_or(&Json::Null)
}

fn is_ambiguous(object: &Json, names: &[&str]) -> bool {
    !matches!(object, Json::Object(_)) || names.iter().any(|name| object.all(name).nth(1).is_some())
}

/// Equal, but for the case of the 26 letters.
fn same_name(shown: &str, name: &str) -> bool {
    let folded = |text: &str| {
        text.chars().map(|c| if c.is_ascii() { c.to_ascii_lowercase() } else { c }).collect::<String>()
    };
    folded(shown) == folded(name)
}

fn may_be_touched(user: &Json, include_inactive: bool) -> bool {
    match one(user, "active") {
        Json::Null | Json::Bool(true) => true,
        Json::Bool(false) => include_inactive,
        Json::String(word) => {
            let word = word.to_ascii_lowercase();
            word == "true" || (include_inactive && word == "false")
        }
        Json::Number(_) | Json::Array(_) | Json::Object(_) => false,
    }
}

fn is_something_else(user: &Json, id: &str) -> bool {
    let meta = one(user, "meta");
    let kind = meta.get("resourceType").text().is_some_and(|kind| !kind.eq_ignore_ascii_case("user"));
    let place = meta.get("location").text().is_some_and(|place| {
        let place = place.strip_suffix('/').unwrap_or(place);
        let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let lower = place.to_ascii_lowercase();
        plain
            && lower.contains("/users/")
            && place.bytes().all(|b| b.is_ascii_graphic() && b != b'%')
            && !place.ends_with('/')
            && !lower.ends_with(&format!("/users/{}", id.to_ascii_lowercase()))
    });
    kind || place
}

fn is_one_segment(id: &str) -> bool {
    let sound = |c: char| {
        !c.is_control() && !matches!(c, '/' | '\\' | '%' | '\u{202a}'..='\u{202e}' | '\u{200b}'..='\u{200f}')
    };
    (1..=256).contains(&id.len()) && !id.starts_with('.') && id.chars().all(sound)
}
