//! Replies of a service that errs or lies: they lead to nobody else, and nothing of them is said
//! that could harm a log, a terminal or a secret.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::json::Json;
use super::lookup;
use crate::domain::email::Email;
use crate::domain::phone::Phone;
use crate::domain::secret::Secret;
use crate::domain::target::{NewPassword, Target};
use crate::scim::auth;
use crate::scim::directory::Terms;
use crate::scim::http::{Body, Reply};
use crate::scim::shown::{Shown, shown};
use crate::scim::wire::{MfaAttribute, Refusal};

const NAME: &str = "ann@example.com";
const PASSWORD: &str = "Hunter2-long";
const PHONE: &str = "+15550100199";

/// The pages of a look-up lie between bytes 0xFF, which no JSON holds. The first page is also the
/// reply to everything else. A first line `#STATUS CORRELATION` gives that reply its head.
pub fn scim_replies(bytes: &[u8]) {
    let (status, correlation, rest) = head(bytes);
    let pages: Vec<&[u8]> = rest.split(|byte| *byte == 0xFF).take(8).collect();
    let active = lookup::check(&pages, NAME, false);
    let any = lookup::check(&pages, NAME, true);
    assert!(active.is_none() || active == any, "more are ready when inactive ones are");
    let reply = |status| {
        let name = HeaderName::from_static("inin-correlation-id");
        let headers: HeaderMap = correlation.iter().map(|id| (name.clone(), id.clone())).collect();
        Reply { status, headers, body: Body::Whole(pages[0].to_vec()) }
    };
    check_refusal(&reply(status));
    check_shown(&reply(200), pages[0]);
    check_token(reply(status));
    let config = serde_json::from_slice::<Json>(pages[0]).ok();
    let tagged = config.is_some_and(|config| *config.get("etag").get("supported") == Json::Bool(true));
    assert_eq!(Terms::of(&reply(200)).etag, tagged);
}

fn head(bytes: &[u8]) -> (u16, Option<HeaderValue>, &[u8]) {
    let line = bytes.strip_prefix(b"#").and_then(|rest| {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        Some((&rest[..end], &rest[end + 1..]))
    });
    let Some((line, rest)) = line else {
        return (200, None, bytes);
    };
    let (status, correlation) = line.split_at(line.len().min(3));
    let status = std::str::from_utf8(status).ok().and_then(|text| text.parse().ok());
    let status = status.filter(|status| (200..600).contains(status)).unwrap_or(400);
    (status, HeaderValue::from_bytes(correlation.trim_ascii()).ok(), rest)
}

fn target() -> Target {
    Target {
        line: 2,
        email: Email::parse(NAME).unwrap(),
        password: NewPassword::Given(Secret::new(PASSWORD.to_owned())),
        phone: Phone::parse(PHONE, None).ok(),
        attributes: Box::default(),
        account: None,
    }
}

/// What is said of a refusal: plain names, short, and nothing that was sent.
fn check_refusal(reply: &Reply) {
    let refusal = Refusal::read(reply);
    let said = refusal.reference(Some(&target()));
    assert!(is_plain(&said), "{said:?}");
    assert!(!said.contains(PASSWORD) && !said.contains(PHONE.trim_start_matches('+')), "{said:?}");
    assert!(is_plain(&refusal.reference(None)));
    if let Some(until) = refusal.until(&target()) {
        assert!(until.parse::<jiff::Timestamp>().is_ok() && is_plain(&until.replace(':', "")), "{until:?}");
    }
    let _ = (refusal.is_too_soon(), refusal.is_version_conflict(), refusal.is_about_form());
}

fn is_plain(said: &str) -> bool {
    said.len() <= 64 + ", correlation ".len() + 64
        && said.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_., ".contains(&b))
}

/// A setting counts as confirmed only where the reply shows all of it, and another account is told.
fn check_shown(reply: &Reply, body: &[u8]) {
    let mfa = MfaAttribute { path: "mfaSettings".to_owned(), kind: "phone".to_owned() };
    let shown = shown(reply, "7", &target(), &mfa);
    let user = serde_json::from_slice::<Json>(body).ok();
    let user = user.filter(|user| matches!(user, Json::Object(_)));
    let Some(user) = user else {
        let empty = body.iter().all(u8::is_ascii_whitespace);
        assert_eq!(shown, if empty { Shown::Nothing } else { Shown::Unreadable });
        return;
    };
    let has_id = user.all("id").any(|_| true);
    let is_renamed = user.get("userName").text().is_some_and(|name| !target().email.names(name));
    let set = user.get("mfaSettings");
    let as_asked = *set.get("enabled") == Json::Bool(true)
        && set.get("mfaType").text() == Some("phone")
        && set.get("phoneNumber").text() == Some(PHONE);
    match shown {
        Shown::MfaAsAsked => assert!(as_asked),
        Shown::AnotherAccount => assert!(has_id && user.get("id").text() != Some("7") || is_renamed),
        Shown::Other => assert!(!as_asked),
        Shown::Unreadable => assert!(*user.get("id") == Json::Null),
        Shown::Nothing => panic!("nothing shown in a user"),
    }
    if user.get("id").text().is_some_and(|id| id != "7") {
        assert_eq!(shown, Shown::AnotherAccount);
    }
}

/// A token lives for a sane time, and no words quote the endpoint.
fn check_token(reply: Reply) {
    let status = reply.status;
    match auth::comes_to(reply) {
        Ok(Some(life)) => assert!(status == 200 && (1..=31_536_000).contains(&life)),
        Ok(None) => assert!(matches!(status, 400 | 408 | 429 | 500..)),
        Err(words) => assert!(words.len() < 300 && !words.chars().any(char::is_control), "{words:?}"),
    }
}
