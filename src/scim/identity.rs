//! Who a look-up found. Only here is a [`Ready`] made, and only a [`Ready`] can be patched.
//!
//! Invariant: a `Ready` means that the service showed exactly one account whose `userName` is
//! the e-mail of the row (ASCII case aside), and that it may be touched. One from the list of all users,
//! which may be an hour old, has a version as well, so that the service refuses the PATCH if that
//! account has changed since.

use std::collections::HashSet;

use reqwest::header::HeaderValue;
use serde_json::Value;

use super::listing::{ListResponse, User};
use crate::domain::email::Email;
use crate::domain::outcome::{Fail, Outcome, Skip};
use crate::domain::secret::Secret;
use crate::domain::target::{NewPassword, Target};
use crate::domain::text;

/// A row whose account is known for certain.
#[derive(Debug)]
pub(crate) struct Ready {
    target: Target,
    user_name: String,
    id: String,
    version: Option<String>,
    from_list: bool,
}

/// Somebody whom the list of all users shows, when that is enough to go by.
#[derive(Debug)]
pub(crate) struct Account<'a> {
    /// Its id.
    pub(crate) id: &'a str,
    /// Its version.
    pub(crate) version: &'a str,
}

/// The same, as it was kept.
#[derive(Debug)]
pub(crate) struct Listed {
    /// The name under which it was shown.
    pub(crate) user_name: String,
    /// Its id.
    pub(crate) id: String,
    /// Its version.
    pub(crate) version: String,
}

impl<'a> Account<'a> {
    /// Nothing for whoever has to be asked for: one who is not active or contradicts itself, and one
    /// without a version that can be held against a PATCH.
    pub(crate) fn of(user: &'a User) -> Option<Self> {
        bearer_id(user).ok()?;
        let (id, version) = (user.id.as_str()?, version(user)?);
        (active(&user.active) == Some(true) && is_one_version(version)).then_some(Self { id, version })
    }
}

impl Ready {
    /// A row whose account was listed. The row comes back if it is about somebody else.
    pub(crate) fn listed(target: Target, listed: Listed) -> Result<Self, Target> {
        let Listed { user_name, id, version } = listed;
        if target.email.names(&user_name) {
            Ok(Self { target, user_name, id, version: Some(version), from_list: true })
        } else {
            Err(target)
        }
    }

    /// The row.
    pub(crate) const fn target(&self) -> &Target {
        &self.target
    }

    /// Takes a password that was made for this row, sealed under this number if it was.
    pub(crate) fn take_password(&mut self, secret: Secret, seal: Option<u64>) {
        self.target.password = NewPassword::Made { secret, seal };
    }

    /// Whether another account was asked for.
    pub(crate) fn is_another(&self) -> bool {
        self.target.account.as_deref().is_some_and(|account| account != self.id)
    }

    /// The account.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The name that the service shows: the row's, but for ASCII case.
    pub(crate) fn user_name(&self) -> &str {
        &self.user_name
    }

    /// Its version as looked up.
    pub(crate) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Whether it comes from the list of all users, which is older than a look-up by name would be.
    pub(crate) const fn is_from_list(&self) -> bool {
        self.from_list
    }

    /// The row again, when the account has to be looked up once more.
    pub(crate) fn into_target(self) -> Target {
        self.target
    }
}

/// Why a look-up leads to no account.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotReady {
    /// The row's outcome.
    pub(crate) outcome: Outcome,
    /// In words.
    pub(crate) why: &'static str,
}

const fn failed(fail: Fail, why: &'static str) -> NotReady {
    NotReady { outcome: Outcome::Failed(fail), why }
}

const NOT_A_LIST: NotReady = failed(Fail::BadReply, "the look-up was not answered with a list of users");

/// A list longer than this for one name is no answer.
const MAX_PAGES: u32 = 400;

/// One row's look-up, page by page.
#[derive(Debug, Default)]
pub(crate) struct Search {
    bearers: Vec<Bearer>,
    strangers: bool,
    stranger_ids: HashSet<String>,
    entries: u64,
    pages: u32,
    total: u64,
    seen: HashSet<String>,
}

/// A user who bears the name.
#[derive(Debug)]
struct Bearer {
    /// Its id, or why it cannot be told by one.
    id: Result<String, &'static str>,
    user_name: String,
    version: Option<String>,
    active: Option<bool>,
}

/// The one account that bears the name.
struct Bearing {
    id: String,
    user_name: String,
    version: Option<String>,
}

/// Whether another page is needed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// Ask from this `startIndex`.
    Next(u64),
    /// All that matters is known.
    Last,
}

impl Search {
    /// Takes a page into account.
    pub(crate) fn page(&mut self, body: &[u8], email: &Email) -> Result<Page, NotReady> {
        let list = ListResponse::read(body).ok_or(NOT_A_LIST)?;
        let users = match (list.resources, list.total_results) {
            (Some(users), _) => users,
            (None, Some(0)) => Vec::new(),
            (None, _) => return Err(NOT_A_LIST),
        };
        self.pages += 1;
        self.total = list.total_results.unwrap_or(self.entries + users.len() as u64);
        let brought = users.len() as u64;
        let new = users.into_iter().filter(|user| self.take(user, email)).count();
        // A page that only repeats is not counted: it shows nobody whom the total could mean.
        self.entries += if new > 0 { brought } else { 0 };
        if self.pages >= MAX_PAGES {
            return Err(failed(Fail::BadReply, "the list of users does not end"));
        }
        // A list of strangers is a filter not applied: go on until the user turns up. A list of
        // nobody but the user is a filter applied: whoever else it counts would be a namesake.
        let found = self.strangers && !self.bearers.is_empty();
        let more = self.entries < self.total && new > 0 && !found;
        Ok(if more { Page::Next(self.entries + 1) } else { Page::Last })
    }

    /// Notes a user. True when no page has shown this one before.
    fn take(&mut self, user: &User, email: &Email) -> bool {
        let id = usable_id(&user.id);
        if let Some(name) = user.user_name.as_str().filter(|name| email.names(name)) {
            let (version, user_name) = (version(user).map(str::to_owned), name.to_owned());
            self.bearers.push(Bearer {
                id: bearer_id(user),
                user_name,
                version,
                active: active(&user.active),
            });
        } else {
            self.strangers = true;
            self.stranger_ids.extend(id.clone());
        }
        self.seen.insert(id.unwrap_or_else(|| user.user_name.to_string()))
    }

    /// Who it is.
    #[expect(clippy::result_large_err, reason = "the row comes back")]
    pub(crate) fn verdict(self, target: Target, include_inactive: bool) -> Result<Ready, (Target, NotReady)> {
        match self.judge(include_inactive) {
            Ok(Bearing { id, user_name, version }) => {
                Ok(Ready { target, user_name, id, version, from_list: false })
            }
            Err(not_ready) => Err((target, not_ready)),
        }
    }

    fn judge(self, include_inactive: bool) -> Result<Bearing, NotReady> {
        let mut bearers = self.bearers.into_iter();
        let Some(first) = bearers.next() else {
            return Err(match (self.strangers, self.total) {
                (true, _) => failed(Fail::WrongUser, "the look-up was answered with somebody else"),
                (false, 0) => failed(
                    Fail::NotFound,
                    "nobody bears this user name; a disabled account may be hidden, and to some services capitals matter",
                ),
                (false, _) => failed(Fail::BadReply, "the service counts a user that it does not show"),
            });
        };
        let id = first.id.map_err(|why| failed(Fail::BadReply, why))?;
        let mut active = first.active;
        for twin in bearers {
            if twin.id.as_ref() != Ok(&id) {
                return Err(failed(Fail::Ambiguous, "more than one account bears this user name"));
            }
            active = active.zip(twin.active).map(|(sofar, also)| sofar && also);
        }
        if self.stranger_ids.contains(&id) {
            return Err(failed(
                Fail::Ambiguous,
                "the service shows this account under another user name as well",
            ));
        }
        if !self.strangers && self.entries < self.total {
            return Err(failed(Fail::Ambiguous, "the service counts more users of this name than it shows"));
        }
        match active {
            None => Err(failed(Fail::BadReply, "whether the account is active cannot be read")),
            Some(false) if !include_inactive => {
                Err(NotReady { outcome: Outcome::Skipped(Skip::Inactive), why: "the account is not active" })
            }
            Some(_) => Ok(Bearing { id, user_name: first.user_name, version: first.version }),
        }
    }
}

/// The id of a user who bears the name, unless what is shown contradicts itself.
fn bearer_id(user: &User) -> Result<String, &'static str> {
    if user.is_no_user() {
        return Err("what bears this user name calls itself something else than a user");
    }
    let id = usable_id(&user.id).ok_or("the user has no usable id")?;
    if user.is_elsewhere(&id) {
        return Err("the id and the location of the user are not the same");
    }
    Ok(id)
}

/// The version under which the account was shown.
pub(crate) fn version(user: &User) -> Option<&str> {
    user.meta.version.as_str()
}

/// Whether an `If-Match` with it lets a PATCH pass for this one version and no other: `*` is any version,
/// and a comma could begin another (RFC 9110 section 13.1.1).
fn is_one_version(version: &str) -> bool {
    let trimmed = version.trim();
    !trimmed.is_empty() && trimmed != "*" && !version.contains(',') && HeaderValue::from_str(version).is_ok()
}

/// An id that is one segment of a path for everybody on the way, also for those who decode it too
/// early or twice: `../7` must not become somebody else. A dot at the start is a place of the
/// protocol, such as `.search`, or of the path.
fn usable_id(id: &Value) -> Option<String> {
    let id = id.as_str()?;
    let sound = !id.is_empty()
        && id.len() <= 256
        && !id.starts_with('.')
        && !id.bytes().any(|byte| matches!(byte, b'/' | b'\\' | b'%'))
        // Nearly every id is plain.
        && (id.bytes().all(|byte| byte.is_ascii_graphic()) || !id.contains(text::is_dangerous));
    sound.then(|| id.to_owned())
}

/// `active` is optional (RFC 7643 section 4.1.1): an account without it counts as active. Some
/// servers send it as a string. Anything else cannot be read.
fn active(value: &Value) -> Option<bool> {
    match value {
        Value::Null => Some(true),
        Value::Bool(active) => Some(*active),
        Value::String(word) if word.eq_ignore_ascii_case("true") => Some(true),
        Value::String(word) if word.eq_ignore_ascii_case("false") => Some(false),
        Value::String(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::Secret;
    use crate::domain::target::NewPassword;
    use proptest::prelude::*;

    const NAME: &str = "ann@example.com";

    fn judged(pages: &[&str]) -> Result<String, &'static str> {
        let email = Email::parse(NAME).unwrap();
        let mut search = Search::default();
        for page in pages {
            if search.page(page.as_bytes(), &email).map_err(|bad| bad.outcome.reason())? == Page::Last {
                break;
            }
        }
        let target = Target {
            line: 2,
            email,
            password: NewPassword::Given(Secret::new("x".into())),
            phone: None,
            attributes: Box::default(),
            account: None,
        };
        match search.verdict(target, false) {
            Ok(ready) => Ok(ready.id),
            Err((_, bad)) => Err(bad.outcome.reason()),
        }
    }

    fn list(total: u64, users: &str) -> String {
        format!(r#"{{"totalResults":{total},"Resources":[{users}]}}"#)
    }

    #[test]
    fn exactly_one_bearer_of_the_name_is_ready() {
        let ann = r#"{"id":"1","userName":"ann@example.com","active":true}"#;
        let ann2 = r#"{"id":"2","userName":"ANN@example.com","active":true}"#;
        let bob = r#"{"id":"3","userName":"bob@example.com","active":true}"#;
        for (total, users, expected) in [
            (1, ann.to_owned(), Ok("1")),
            (2, format!("{ann},{ann}"), Ok("1")),
            (2, format!("{bob},{ann}"), Ok("1")),
            (2, format!("{},{ann}", bob.replace('3', "1")), Err("ambiguous")),
            (0, String::new(), Err("not_found")),
            (1, String::new(), Err("bad_reply")),
            (1, bob.to_owned(), Err("wrong_user")),
            (2, format!("{ann},{ann2}"), Err("ambiguous")),
            (2, ann.to_owned(), Err("ambiguous")),
            (1, ann.replace(r#""id":"1","#, ""), Err("bad_reply")),
            (1, ann.replace("true", "false"), Err("inactive")),
            (1, ann.replace("true", "\"False\""), Err("inactive")),
            (1, ann.replace("true", "\"True\""), Ok("1")),
            (1, ann.replace(r#","active":true"#, ""), Ok("1")),
            (1, ann.replace("true", "0"), Err("bad_reply")),
            (2, format!("{ann},{}", ann.replace("true", "false")), Err("inactive")),
        ] {
            let page = list(total, &users);
            let expected = expected.map(str::to_owned);
            assert_eq!(judged(&[&page, r#"{"totalResults":2,"Resources":[]}"#]), expected, "{page}");
        }
    }

    #[test]
    fn an_entry_of_the_list_is_nobody_elses() {
        let ready = |name: &str| {
            let email = Email::parse(NAME).unwrap();
            let target = Target {
                line: 2,
                email,
                password: NewPassword::Given(Secret::new("x".into())),
                phone: None,
                attributes: Box::default(),
                account: None,
            };
            let listed = Listed { user_name: name.to_owned(), id: "7".to_owned(), version: "1".to_owned() };
            Ready::listed(target, listed)
        };
        assert!(
            ready("ANN@example.com").is_ok_and(|ready| ready.version() == Some("1") && ready.id() == "7")
        );
        for other in ["", "ann@example.co", "xann@example.com", "аnn@example.com", "ann@example.com "] {
            assert!(ready(other).is_err(), "{other}");
        }
    }

    #[test]
    fn hostile_names_and_ids_lead_to_nobody() {
        for name in [
            "null",
            "1",
            "true",
            "[]",
            r#"["ann@example.com"]"#,
            r#"{"v":"ann@example.com"}"#,
            r#""""#,
            r#""ann@example.com.""#,
            r#"" ann@example.com""#,
            r#""ann+x@example.com""#,
            r#""ann@example.co""#,
            r#""xann@example.com""#,
            r#""аnn@example.com""#,
            r#""ann@exämple.com""#,
            r#""ann@example.com\u0000""#,
            r#""ann@example.com\u200b""#,
            r#""ＡNN@example.com""#,
        ] {
            let page = list(1, &format!(r#"{{"id":"1","userName":{name},"active":true}}"#));
            assert_eq!(judged(&[&page]), Err("wrong_user"), "{name}");
        }
        for id in [
            "null",
            "7",
            r#""""#,
            r#"".""#,
            r#""..""#,
            r#"".search""#,
            r#""../7""#,
            r#""7/x""#,
            r#""7\\x""#,
            r#""%2e%2e""#,
            r#""a\u0000b""#,
            r#""7\u202e""#,
            r#"{"v":"1"}"#,
        ] {
            let page = list(1, &format!(r#"{{"id":{id},"userName":"{NAME}"}}"#));
            assert_eq!(judged(&[&page]), Err("bad_reply"), "{id}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let twice = r#"{"totalResults":1,"Resources":[{"id":"1","id":"2","userName":"ann@example.com"}]}"#;
        for body in [
            "",
            "null",
            "[]",
            "{}",
            r#"[1,[["1","ann@example.com"]]]"#,
            "<html>",
            "{\"totalResults\":1}",
            "{\"Resources\":{}}",
            twice,
            &deep,
        ] {
            assert_eq!(judged(&[body]), Err("bad_reply"));
        }
    }

    #[test]
    fn pages_are_followed_until_found_or_until_nothing_new_comes() {
        let email = Email::parse(NAME).unwrap();
        let users = |from: u32| {
            let user = |n: u32| format!(r#"{{"id":"{n}","userName":"u{n}@example.com"}}"#);
            format!("{},{}", user(from), user(from + 1))
        };
        let page = |from: u32| list(1000, &users(from));
        let mut search = Search::default();
        assert_eq!(search.page(page(0).as_bytes(), &email), Ok(Page::Next(3)));
        assert_eq!(search.page(page(2).as_bytes(), &email), Ok(Page::Next(5)));
        assert_eq!(search.page(page(2).as_bytes(), &email), Ok(Page::Last));

        let mut endless = Search::default();
        let end = (0..)
            .step_by(2)
            .find_map(|from| endless.page(list(u64::MAX, &page(from)).as_bytes(), &email).err());
        assert!(end.is_some());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn nobody_but_the_bearer_is_ever_ready(
            users in proptest::collection::vec((".{0,3}", "(?i)ann@example\\.com|ann@example\\.com.|.{0,8}|bob@example\\.com"), 0..4),
            total in 0u64..5,
        ) {
            let rendered: Vec<_> = users.iter().map(|(id, name)| serde_json::json!({"id": id, "userName": name}).to_string()).collect();
            if let Ok(id) = judged(&[&list(total, &rendered.join(","))]) {
                let bearers: HashSet<_> = users.iter().filter(|(_, name)| name.eq_ignore_ascii_case(NAME)).map(|(id, _)| id).collect();
                prop_assert_eq!(bearers, HashSet::from([&id]));
            }
        }
    }
}
