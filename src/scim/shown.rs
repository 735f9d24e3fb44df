//! What the reply to a PATCH shows: a yes, and perhaps the setting as asked.

use std::fmt;

use serde::de::{Deserializer as _, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Deserializer, Map, Value};

use super::http::Reply;
use super::wire::MfaAttribute;
use crate::domain::target::Target;
use crate::domain::text::Text;

/// What a reply to a PATCH shows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// No body: a plain yes.
    Nothing,
    /// A body that is no user: no JSON object, too long for one, or an error after all.
    Unreadable,
    /// The user, with the MFA setting as asked.
    MfaAsAsked,
    /// A JSON object without it.
    Other,
    /// Another account.
    AnotherAccount,
}

/// Reads the reply to a PATCH of `id`.
pub(crate) fn shown(reply: &Reply, id: &str, target: &Target, mfa: &MfaAttribute) -> Shown {
    let Some(bytes) = reply.bytes() else {
        return Shown::Unreadable;
    };
    if bytes.trim_ascii().is_empty() {
        return Shown::Nothing;
    }
    let Some(user) = members(bytes, &mfa.path) else {
        return Shown::Unreadable;
    };
    match user.get("id") {
        Some(shown) if *shown != *id => return Shown::AnotherAccount,
        None if is_error(&user) => return Shown::Unreadable,
        Some(_) | None => {}
    }
    // The account may have become somebody else's since it was found.
    if user.get("userName").and_then(Value::as_str).is_some_and(|name| !target.email.names(name)) {
        return Shown::AnotherAccount;
    }
    let asked = target.phone.as_ref().map(|phone| (mfa.kind.as_str(), phone.expose()));
    match (attribute(&user, &mfa.path), asked) {
        (Some(set), Some((kind, phone)))
            if set["enabled"] == true && set["mfaType"] == kind && set["phoneNumber"] == phone =>
        {
            Shown::MfaAsAsked
        }
        _ => Shown::Other,
    }
}

/// The members of a user that count here. Services send many more, all of them in each reply.
struct Members<'a> {
    mfa_path: &'a str,
}

/// `serde_json`'s own limit.
const MOST_DEPTH: usize = 127;

/// What tells a user from an error, in any letters: RFC 7643 section 2.1.
const TELLING: [&str; 10] =
    ["id", "userName", "schemas", "status", "error", "errors", "code", "message", "detail", "scimType"];

impl Members<'_> {
    /// The name under which a member counts, if it does.
    fn counts<'n>(&self, name: &'n str) -> Option<&'n str> {
        let urn = self.mfa_path.rsplit_once(':').map(|(urn, _)| urn);
        if name == self.mfa_path || Some(name) == urn {
            return Some(name);
        }
        TELLING.into_iter().find(|telling| telling.eq_ignore_ascii_case(name))
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a user")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Map::new();
        while let Some(Text(name)) = map.next_key()? {
            let Some(name) = self.counts(&name) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            // Which of the two is meant, nobody can know.
            if members.insert(name.to_owned(), map.next_value()?).is_some() {
                return Err(A::Error::custom("a member stands there twice"));
            }
        }
        Ok(members)
    }
}

/// The object in a body, as far as it counts; nothing when the body is anything else.
fn members(bytes: &[u8], mfa_path: &str) -> Option<Map<String, Value>> {
    // What is left out is not looked at more closely, so this is looked at before.
    let text = str::from_utf8(bytes).ok().filter(|text| !is_deep(text))?;
    let mut json = Deserializer::from_str(text);
    let members = json.deserialize_map(Members { mfa_path }).ok()?;
    json.end().ok()?;
    Some(members)
}

/// Whether something is nested deeper than `serde_json` would read if it had to keep it.
fn is_deep(json: &str) -> bool {
    // Most have too few brackets for that, wherever they stand.
    if json.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() <= MOST_DEPTH {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    json.bytes().any(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MOST_DEPTH
    })
}

/// An error that came with a status of success, as from a gateway: SCIM Error, the vendor's
/// `ErrorBody`, OAuth error.
fn is_error(body: &Map<String, Value>) -> bool {
    let status =
        body.get("status").and_then(|status| status.as_f64().or_else(|| status.as_str()?.parse().ok()));
    let schemas = body.get("schemas").and_then(Value::as_array).into_iter().flatten();
    let mut schemas = schemas.filter_map(Value::as_str);
    let mut words = ["code", "message", "detail", "scimType", "errors"].iter();
    status.is_some_and(|status| status >= 400.0)
        || body.contains_key("error")
        || schemas.any(|schema| schema.ends_with(":Error"))
        || (words.any(|field| body.contains_key(*field))
            && !body.get("userName").is_some_and(Value::is_string))
}

/// The value at an attribute path: a name, or an extension's URN, a colon and a name.
fn attribute<'a>(user: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    user.get(path).or_else(|| {
        let (urn, name) = path.rsplit_once(':')?;
        user.get(urn)?.get(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::email::Email;
    use crate::domain::phone::Phone;
    use crate::domain::target::NewPassword;
    use crate::scim::http::Body;
    use proptest::prelude::*;

    fn shown_in(body: &str, path: &str) -> Shown {
        let phone = Phone::parse("+15550100199", None);
        let email = Email::parse("a@example.com").unwrap();
        let target = Target {
            line: 2,
            email,
            password: NewPassword::Kept,
            phone: phone.ok(),
            attributes: Box::default(),
            account: None,
        };
        let body = Body::Whole(body.as_bytes().to_vec());
        let reply = Reply { status: 200, headers: reqwest::header::HeaderMap::new(), body };
        shown(&reply, "7", &target, &MfaAttribute { path: path.to_owned(), kind: "phone".to_owned() })
    }

    #[test]
    fn a_setting_is_confirmed_only_as_asked() {
        let seen = |body: &str| shown_in(body, "mfaSettings");
        let full =
            r#"{"id":"7","mfaSettings":{"enabled":true,"mfaType":"phone","phoneNumber":"+15550100199"}}"#;
        assert_eq!(seen(full), Shown::MfaAsAsked);
        assert_eq!(seen(&full.replace("0199", "0198")), Shown::Other);
        assert_eq!(seen(&full.replace("true", "false")), Shown::Other);
        assert_eq!(seen(&full.replace(r#""id":"7""#, r#""id":"8""#)), Shown::AnotherAccount);
        assert_eq!(
            (seen(""), seen("<html>"), seen("[]")),
            (Shown::Nothing, Shown::Unreadable, Shown::Unreadable)
        );
        for error in [
            r#"{"status":"400"}"#,
            r#"{"code":"no","status":403}"#,
            r#"{"error":"x"}"#,
            r#"{"message":"x"}"#,
            r#"{"Message":"x"}"#,
            r#"{"Status":403.0}"#,
            r#"{"errors":[{"status":400}]}"#,
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"]}"#,
            r#"{"userName":null,"code":"no"}"#,
            r#"{"id":"8","id":"7"}"#,
            r#"{"id":"7","ID":"7"}"#,
        ] {
            assert_eq!(seen(error), Shown::Unreadable, "{error}");
        }
        assert_eq!((seen("{}"), seen(r#"{"userName":"a@example.com"}"#)), (Shown::Other, Shown::Other));
    }

    #[test]
    fn a_setting_is_found_in_an_extension_among_much_else() {
        let set = r#"{"enabled":true,"mfaType":"phone","phoneNumber":"+15550100199"}"#;
        let body =
            format!(r#"{{"emails":[{{"x":[[1e9,"\u00e4"]]}}],"id":"7","urn:x:2.0:User":{{"mfa":{set}}}}}"#);
        assert_eq!(shown_in(&body, "urn:x:2.0:User:mfa"), Shown::MfaAsAsked);
        assert_eq!(shown_in(&body, "urn:y:2.0:User:mfa"), Shown::Other);
        for broken in [body.replace("1e9", "1e"), body.replace("\"}}}", ""), format!("{body} x")] {
            assert_eq!(shown_in(&broken, "urn:x:2.0:User:mfa"), Shown::Unreadable, "{broken}");
        }
    }

    #[test]
    fn what_is_nested_without_an_end_is_no_user() {
        let nested = |depth: usize| {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            shown_in(&format!(r#"{{"id":"7","x":{open}"[{{\"["{close}}}"#), "mfaSettings")
        };
        assert_eq!((nested(100), nested(126)), (Shown::Other, Shown::Other));
        assert_eq!((nested(127), nested(100_000)), (Shown::Unreadable, Shown::Unreadable));
    }

    #[test]
    fn an_account_of_another_name_is_another_account() {
        let seen = |name: &str| shown_in(&format!(r#"{{"id":"7","userName":{name}}}"#), "mfaSettings");
        assert_eq!((seen(r#""A@Example.com""#), seen("null")), (Shown::Other, Shown::Other));
        assert_eq!(seen(r#""gone@example.com""#), Shown::AnotherAccount);
        assert_eq!(shown_in(r#"{"ID":"8"}"#, "mfaSettings"), Shown::AnotherAccount);
        assert_eq!(shown_in(r#"{"USERNAME":"gone@example.com"}"#, "mfaSettings"), Shown::AnotherAccount);
    }

    proptest! {
        #[test]
        fn any_reply_is_read_without_a_panic(body in ".*") {
            let _ = shown_in(&body, "mfaSettings");
        }
    }
}
