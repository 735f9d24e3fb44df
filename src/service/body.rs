//! Owns what a request may say: JSON of a few fields, small and shallow, with a key against repeats.
//!
//! One invariant: a password that somebody sends is not kept, not even until the end of the request's
//! parsing; it is looked at only to be passed over.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::{HeaderMap, header};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;
use tokio::time::timeout;

use super::problem::Kind;
use crate::domain::text;

/// As many bytes may a body have.
const MOST: usize = 16 * 1024;
/// As many are read to their end, and thrown away, of a body that is too large: a client that is still
/// sending would not hear why it is refused.
const PATIENCE: usize = 1024 * 1024;
/// So deep may it be nested.
const DEEPEST: usize = 16;

/// The body of `POST /v1/resets`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    pub(super) email: String,
    pub(super) reason: String,
}

/// The body of the update route: whether there is a password, and everything else.
pub(super) struct Update {
    pub(super) password: bool,
    pub(super) fields: BTreeMap<String, Value>,
}

impl<'de> Deserialize<'de> for Update {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Update;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Update, A::Error> {
                let mut update = Update { password: false, fields: BTreeMap::new() };
                while let Some(name) = map.next_key::<String>()? {
                    let twice = if name == "password" {
                        map.next_value::<IgnoredAny>()?;
                        std::mem::replace(&mut update.password, true)
                    } else {
                        let value = map.next_value::<Value>()?;
                        update.fields.insert(name, value).is_some()
                    };
                    if twice {
                        return Err(A::Error::custom("a field is given twice"));
                    }
                }
                Ok(update)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// Reads a body of JSON to its end.
pub(super) async fn read(headers: &HeaderMap, body: Body, patience: Duration) -> Result<Vec<u8>, Kind> {
    if !is_json(headers) || headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Kind::NotJson);
    }
    timeout(patience, gather(body)).await.unwrap_or(Err(Kind::BodyTimeout))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

async fn gather(body: Body) -> Result<Vec<u8>, Kind> {
    let mut body = pin!(body);
    // Said ahead, it need not be read.
    if body.size_hint().lower() > PATIENCE as u64 {
        return Err(Kind::TooLarge);
    }
    let (mut bytes, mut length) = (Vec::new(), 0_usize);
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let Ok(data) = frame.map_err(|_| Kind::InvalidJson)?.into_data() else { continue };
        length += data.len();
        if length > PATIENCE {
            return Err(Kind::TooLarge);
        } else if length <= MOST {
            bytes.extend_from_slice(&data);
        }
    }
    if length > MOST { Err(Kind::TooLarge) } else { Ok(bytes) }
}

/// What the bytes say, if they say it in the expected form. Serde's own words hold values of the body.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Kind> {
    if depth(bytes) > DEEPEST {
        return Err(Kind::TooDeep);
    }
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        Category::Data => Kind::InvalidRequest,
        Category::Syntax | Category::Eof | Category::Io => Kind::InvalidJson,
    })
}

/// How deep brackets are nested, outside strings.
fn depth(bytes: &[u8]) -> usize {
    let (mut open, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                open += 1;
                deepest = deepest.max(open);
            }
            b'}' | b']' if !quoted => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The key against repeats, if there is one. The draft writes it as a quoted string; many write it bare,
/// and both mean the same.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Kind> {
    let mut given = headers.get_all("idempotency-key").iter();
    let Some(value) = given.next() else { return Ok(None) };
    let key = value.to_str().map_err(|_| Kind::InvalidKey)?;
    let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    let sound = (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if sound && given.next().is_none() { Ok(Some(key)) } else { Err(Kind::InvalidKey) }
}

/// Whether this can stand as a reason: a line of text.
pub(super) fn is_reason(text: &str) -> bool {
    (1..=256).contains(&text.chars().count()) && !text.contains(text::is_dangerous)
}

/// Whether this can be the id of a user or an operation: no server makes others, and nothing else has a
/// place in a path.
pub(super) fn is_id(text: &str) -> bool {
    text::token(text).is_some() && !text.starts_with('.')
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn brackets_count_outside_strings_only() {
        assert_eq!(depth(br#"{"a":[{}],"b":"[[[[\"[["}"#), 3);
        assert_eq!(depth(&[b'['; 1000]), 1000);
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse::<Value>(nested(DEEPEST).as_bytes()).is_ok());
        assert_eq!(parse::<Value>(nested(DEEPEST + 1).as_bytes()), Err(Kind::TooDeep));
    }

    #[test]
    fn a_field_that_is_unknown_or_given_twice_is_refused() {
        let wish = |text: &str| parse::<Wish>(text.as_bytes()).map(|wish| (wish.email, wish.reason));
        assert_eq!(wish(r#"{"email":"a","reason":"b"}"#), Ok(("a".into(), "b".into())));
        for wrong in [
            r#"{"email":"a"}"#,
            r#"{"email":"a","reason":"b","password":"c"}"#,
            r#"{"email":"a","reason":"b","email":"c"}"#,
            r#"{"email":1,"reason":"b"}"#,
            "[]",
            "{}",
        ] {
            assert_eq!(wish(wrong), Err(Kind::InvalidRequest), "{wrong}");
        }
        for broken in ["", "{", r#"{"email":"a","reason":"b"} x"#, "\u{feff}{}"] {
            assert_eq!(wish(broken), Err(Kind::InvalidJson), "{broken}");
        }
    }

    #[test]
    fn a_password_is_noticed_and_not_kept() {
        let update = |text: &str| parse::<Update>(text.as_bytes());
        let seen = update(r#"{"title":"x","password":{"a":["hunter2"]}}"#).unwrap();
        assert!(seen.password && !format!("{:?}", seen.fields).contains("hunter2"));
        assert!(!update(r#"{"Password":1,"a":null}"#).unwrap().password);
        for wrong in [r#"{"password":1,"password":2}"#, r#"{"a":1,"a":2}"#, "[]", "1", "null"] {
            assert_eq!(update(wrong).err(), Some(Kind::InvalidRequest), "{wrong}");
        }
    }

    #[test]
    fn a_key_is_the_same_with_quotes_and_without() {
        let key = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("idempotency-key", HeaderValue::from_static(value));
            }
            idempotency_key(&headers).map(|key| key.map(str::to_owned))
        };
        assert_eq!((key(&["\"a-1\""]), key(&["a-1"])), (Ok(Some("a-1".into())), Ok(Some("a-1".into()))));
        assert_eq!(key(&[]), Ok(None));
        for wrong in [&["\"\""] as &[_], &[""], &["a b"], &["a", "a"]] {
            assert_eq!(key(wrong), Err(Kind::InvalidKey), "{wrong:?}");
        }
    }
}
