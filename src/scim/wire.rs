//! The JSON on the wire: RFC 7644 messages, and error bodies read by shape.
//!
//! Invariant: no text of a server leaves this file except short names of harmless characters.

use serde::Serialize;
use serde_json::Value;

use super::echo;
use super::http::Reply;
use crate::domain::target::Target;
use crate::domain::text;

/// Media type of SCIM messages (RFC 7644 section 8.1).
pub(crate) const SCIM_JSON: &str = "application/scim+json";

/// Where and how MFA is set.
#[derive(Debug, Clone)]
pub(crate) struct MfaAttribute {
    /// Attribute path, `mfaSettings` by default.
    pub(crate) path: String,
    /// Value of `mfaType`, `phone` by default.
    pub(crate) kind: String,
}

#[derive(Serialize)]
struct PatchOp<'a> {
    schemas: [&'static str; 1],
    #[serde(rename = "Operations")]
    operations: Vec<Operation<'a>>,
}

#[derive(Serialize)]
struct Operation<'a> {
    op: &'static str,
    path: &'a str,
    value: OperationValue<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum OperationValue<'a> {
    Password(&'a str),
    Mfa(MfaValue<'a>),
}

#[derive(Serialize)]
struct MfaValue<'a> {
    enabled: bool,
    #[serde(rename = "mfaType")]
    kind: &'a str,
    #[serde(rename = "phoneNumber")]
    phone: &'a str,
}

/// The one PATCH body for all that a row asks for (RFC 7644 section 3.5.2).
pub(crate) fn patch_body(target: &Target, mfa: &MfaAttribute) -> Vec<u8> {
    let password = target.password.as_ref().map(|secret| Operation {
        op: "replace",
        path: "password",
        value: OperationValue::Password(secret.expose()),
    });
    let phone = target.phone.as_ref().map(|phone| Operation {
        op: "replace",
        path: &mfa.path,
        value: OperationValue::Mfa(MfaValue { enabled: true, kind: &mfa.kind, phone: phone.expose() }),
    });
    let operations = password.into_iter().chain(phone).collect();
    let body = PatchOp { schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], operations };
    // Strings and a bool: serde_json has no way to fail on them.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// Names of the attributes that a row asks for.
pub(crate) fn attributes(target: &Target, mfa: &MfaAttribute) -> Vec<String> {
    let password = target.password.as_ref().map(|_| "password".to_owned());
    password.into_iter().chain(target.phone.as_ref().map(|_| mfa.path.clone())).collect()
}

/// The filter that asks for exactly one `userName` (RFC 7644 section 3.4.2.2): the value is a
/// JSON string, so nothing in it can end it.
pub(crate) fn user_filter(email: &str) -> String {
    format!("userName eq {}", Value::from(email))
}

/// What an error reply says, read by shape: SCIM Error, the vendor's `ErrorBody`, OAuth error.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    /// `scimType`, `code` or `error`: a plain name.
    pub(crate) code: Option<String>,
    /// The id under which the server logged it.
    pub(crate) correlation: Option<String>,
    text: String,
}

impl Refusal {
    /// Reads an error reply. Anything may be missing.
    pub(crate) fn read(reply: &Reply) -> Self {
        let body: Value =
            reply.bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
        let name = |field: &str| body[field].as_str().and_then(text::token).map(str::to_owned);
        let header = reply.header("inin-correlation-id").and_then(text::token).map(str::to_owned);
        let texts = ["detail", "message", "error_description", "description", "code"];
        Self {
            code: name("scimType").or_else(|| name("code")).or_else(|| name("error")),
            correlation: header.or_else(|| name("contextId")),
            text: texts.iter().filter_map(|field| body[*field].as_str()).collect::<Vec<_>>().join("\n"),
        }
    }

    /// The same without the names of which this is so.
    pub(crate) fn without(mut self, is_echo: impl Fn(&str) -> bool) -> Self {
        self.code = self.code.filter(|name| !is_echo(name));
        self.correlation = self.correlation.filter(|name| !is_echo(name));
        self
    }

    /// The names in it, without any that shares something with what we sent.
    pub(crate) fn reference(&self, target: Option<&Target>) -> String {
        let kept = |name: &Option<String>| {
            name.clone().filter(|name| !target.is_some_and(|target| echo::of_row(name, target)))
        };
        let code = kept(&self.code);
        let correlation = kept(&self.correlation).map(|id| format!("correlation {id}"));
        code.into_iter().chain(correlation).collect::<Vec<_>>().join(", ")
    }

    /// Whether it speaks of a version that is not the current one (RFC 7644 section 3.14).
    pub(crate) fn is_version_conflict(&self) -> bool {
        self.code.as_deref().is_some_and(|code| code.eq_ignore_ascii_case("invalidVers"))
    }

    /// Whether the password may not be changed yet.
    pub(crate) fn is_too_soon(&self) -> bool {
        let text = self.text.to_ascii_lowercase();
        let soon = [
            "cannot be changed until",
            "too soon",
            "too recent",
            "minimum age",
            "minimum password age",
            "recently changed",
            "changed recently",
        ];
        text.contains("password") && soon.iter().any(|words| text.contains(words))
    }

    /// Until when it may not be changed: a time is the only thing quoted from a server's text, unless
    /// it is the password that looks like one.
    pub(crate) fn until(&self, target: &Target) -> Option<String> {
        let password = target.password.as_ref().map_or("", |password| password.expose());
        let sent = |word: &str| password.contains(word) || (!password.is_empty() && word.contains(password));
        let words = self.text.split_ascii_whitespace().map(|word| word.trim_end_matches(['.', ',', ')']));
        let time = words.filter(|word| !sent(word)).find_map(|word| word.parse::<jiff::Timestamp>().ok());
        // To the second, as a fraction could hold any number.
        time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    }

    /// Whether the request itself was wrong, so that the same one can never have taken.
    pub(crate) fn is_about_form(&self) -> bool {
        let form = ["invalidPath", "invalidSyntax", "invalidFilter", "noTarget", "mutability", "tooMany"];
        self.code.as_deref().is_some_and(|code| form.iter().any(|known| code.eq_ignore_ascii_case(known)))
    }

    /// Whether the path of an operation is not one of the service's (RFC 7644 section 3.12).
    pub(crate) fn is_about_path(&self) -> bool {
        self.code.as_deref().is_some_and(|code| code.eq_ignore_ascii_case("invalidPath"))
    }

    /// Whether the vendor's token endpoint says, as a 400, that it was asked too often.
    pub(crate) fn is_rate_limit(&self) -> bool {
        self.text.to_ascii_lowercase().contains("rate limit exceeded")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::email::Email;
    use crate::domain::phone::Phone;
    use crate::domain::secret::Secret;
    use crate::scim::http::Body;
    use proptest::prelude::*;

    fn target(password: Option<&str>, phone: Option<&str>) -> Target {
        Target {
            line: 2,
            email: Email::parse("a@example.com").unwrap(),
            password: password.map(|text| Secret::new(text.to_owned())),
            phone: phone.map(|cell| Phone::parse(cell, None).unwrap()),
        }
    }

    fn mfa() -> MfaAttribute {
        MfaAttribute { path: "mfaSettings".to_owned(), kind: "phone".to_owned() }
    }

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status,
            headers: reqwest::header::HeaderMap::new(),
            body: Body::Whole(body.as_bytes().to_vec()),
        }
    }

    #[test]
    fn a_row_becomes_one_patch_of_what_it_asks_for() {
        let both = patch_body(&target(Some(" p\"ä\n"), Some("+15550100199")), &mfa());
        assert_eq!(
            String::from_utf8(both).unwrap(),
            concat!(
                r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":["#,
                r#"{"op":"replace","path":"password","value":" p\"ä\n"},"#,
                r#"{"op":"replace","path":"mfaSettings","value":{"enabled":true,"mfaType":"phone","phoneNumber":"+15550100199"}}]}"#
            )
        );
        let phone_only: Value =
            serde_json::from_slice(&patch_body(&target(None, Some("+15550100199")), &mfa())).unwrap();
        assert_eq!(phone_only["Operations"].as_array().unwrap().len(), 1);
        assert_eq!(attributes(&target(Some("x"), None), &mfa()), ["password"]);
    }

    proptest! {
        #[test]
        fn a_filter_holds_exactly_its_value(email in "\\PC*|.*") {
            let filter = user_filter(&email);
            let value: String = serde_json::from_str(filter.strip_prefix("userName eq ").unwrap()).unwrap();
            prop_assert_eq!(value, email);
        }

        #[test]
        fn any_reply_is_read_without_a_panic(body in ".*") {
            let refusal = Refusal::read(&reply(400, &body));
            let target = target(Some("x"), None);
            let _ = (refusal.until(&target), refusal.is_too_soon(), refusal.reference(Some(&target)));
            let _ = serde_json::from_str::<crate::scim::listing::ListResponse>(&body);
        }
    }

    #[test]
    fn errors_are_read_by_shape_and_never_quoted() {
        let scim = Refusal::read(&reply(
            400,
            r#"{"status":"400","scimType":"invalidValue","detail":"password hunter2 cannot be changed until 2026-11-23T10:00:00Z."}"#,
        ));
        assert!(scim.is_too_soon() && !scim.is_version_conflict());
        assert_eq!(
            (scim.until(&target(None, None)).as_deref(), scim.reference(None).as_str()),
            (Some("2026-11-23T10:00:00Z"), "invalidValue")
        );
        let vendor = Refusal::read(&reply(
            429,
            r#"{"message":"x","code":"too.many.requests","status":429,"contextId":"c-1"}"#,
        ));
        assert_eq!(vendor.reference(None), "too.many.requests, correlation c-1");
        assert!(
            Refusal::read(&reply(
                400,
                r#"{"error":"invalid_request","description":"rate limit exceeded; wait"}"#
            ))
            .is_rate_limit()
        );
        for odd in ["", "<html>", "[]", "1", r#"{"detail":{}}"#] {
            assert_eq!(Refusal::read(&reply(400, odd)).reference(None), "");
        }
    }

    #[test]
    fn what_echoes_a_secret_is_dropped() {
        let row = target(Some("hunter2-long"), Some("+15550100199"));
        let echo = r#"{"scimType":"hunter2","contextId":"c-0100199"}"#;
        let refusal = || Refusal::read(&reply(400, echo));
        assert_eq!(refusal().reference(Some(&row)), "");
        assert_eq!(refusal().reference(None), "hunter2, correlation c-0100199");
        assert_eq!(refusal().without(|name| name.starts_with('c')).reference(None), "hunter2");
    }

    #[test]
    fn a_time_is_quoted_unless_it_is_the_password() {
        let refusal =
            Refusal::read(&reply(400, r#"{"detail":"password 2026-11-23T10:00:00.155501Z, soon"}"#));
        let until = |password: &str| refusal.until(&target(Some(password), None));
        assert_eq!(until("Summer2026").as_deref(), Some("2026-11-23T10:00:00Z"));
        for password in ["2026-11-23T10:00:00.155501Z", "x2026-11-23T10:00:00.155501Z", "2026-11-23"] {
            assert_eq!(until(password), None, "{password}");
        }
    }
}
