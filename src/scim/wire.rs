//! The JSON on the wire: RFC 7644 messages, and error bodies read by shape.
//!
//! Invariant: no text of a server leaves this file except short names of harmless characters.

use std::sync::Arc;

use ring::digest::{SHA256, digest};
use secrecy::zeroize::Zeroizing;
use serde::Serialize;
use serde_json::Value;

use super::echo;
use super::http::Reply;
use crate::domain::attribute::{Attribute, Kind};
use crate::domain::secret::Secret;
use crate::domain::target::Target;
use crate::domain::text::{self, hex};

/// Media type of SCIM messages (RFC 7644 section 8.1).
pub(crate) const SCIM_JSON: &str = "application/scim+json";

/// How changes are written.
#[derive(Debug, Clone)]
pub(crate) struct Wording {
    /// Where MFA is set.
    pub(crate) mfa: MfaAttribute,
    /// How the password is written.
    pub(crate) encoding: Encoding,
    /// The further attributes that rows may set.
    pub(crate) attributes: Arc<[Attribute]>,
    /// Where they stand.
    pub(crate) style: Style,
    /// Whether the password goes its own way and not into the PATCH.
    pub(crate) password_apart: bool,
}

/// How a password is written on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As it is.
    Plain,
    /// The lower-case hex SHA-256 of its bytes, for receivers that declare it.
    Sha256Hex,
}

/// Where further attributes stand in a PATCH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Operations like the others, the extension's URN in their paths (RFC 7644 section 3.10).
    Paths,
    /// An `Extensions` array beside `Operations`, of `{"name": path, "value": value}`.
    Extensions,
}

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
    #[serde(rename = "Extensions", skip_serializing_if = "Vec::is_empty")]
    extensions: Vec<Extension<'a>>,
}

#[derive(Serialize)]
struct Extension<'a> {
    name: &'a str,
    value: OperationValue<'a>,
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
    Text(&'a str),
    Boolean(bool),
    Integer(i64),
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
pub(crate) fn patch_body(target: &Target, wording: &Wording) -> Vec<u8> {
    let Wording { mfa, encoding, attributes, style, password_apart } = wording;
    let password = target.password.value().filter(|_| !password_apart);
    let encoded = password.map(|secret| encoding.apply(secret));
    let replace = |path, value| Operation { op: "replace", path, value };
    let password = encoded.as_ref().map(|text| replace("password", OperationValue::Text(text)));
    let phone = target.phone.as_ref().map(|phone| {
        let value = MfaValue { enabled: true, kind: &mfa.kind, phone: phone.expose() };
        replace(&mfa.path, OperationValue::Mfa(value))
    });
    let mut operations: Vec<_> = password.into_iter().chain(phone).collect();
    let mut extensions = Vec::new();
    for value in &target.attributes {
        let Attribute { path, kind, .. } = &attributes[value.attribute];
        let value = typed(*kind, value.text.expose());
        match style {
            Style::Paths => operations.push(replace(path, value)),
            Style::Extensions => extensions.push(Extension { name: path, value }),
        }
    }
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"];
    // Strings, numbers and bools: serde_json has no way to fail on them.
    serde_json::to_vec(&PatchOp { schemas, operations, extensions }).unwrap_or_default()
}

/// A cell that its kind accepts.
fn typed(kind: Kind, text: &str) -> OperationValue<'_> {
    let typed = match kind {
        Kind::Text => None,
        Kind::Boolean => text.parse().ok().map(OperationValue::Boolean),
        Kind::Integer => text.parse().ok().map(OperationValue::Integer),
    };
    typed.unwrap_or(OperationValue::Text(text))
}

impl Encoding {
    /// The password as it is written.
    pub(crate) fn apply(self, password: &Secret) -> Zeroizing<String> {
        Zeroizing::new(match self {
            Self::Plain => password.expose().to_owned(),
            Self::Sha256Hex => hex(digest(&SHA256, password.expose().as_bytes()).as_ref()),
        })
    }
}

/// Names of the attributes that a row asks for.
pub(crate) fn attributes<'a>(target: &'a Target, wording: &'a Wording) -> Vec<&'a str> {
    let password = target.password.is_new().then_some("password");
    let phone = target.phone.as_ref().map(|_| wording.mfa.path.as_str());
    let further = target.attributes.iter().map(|value| wording.attributes[value.attribute].path.as_str());
    password.into_iter().chain(phone).chain(further).collect()
}

impl Wording {
    /// Whether a row has something to send in a PATCH.
    pub(crate) fn has_patch(&self, target: &Target) -> bool {
        let password = target.password.is_new() && !self.password_apart;
        password || target.phone.is_some() || !target.attributes.is_empty()
    }
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
        let details = ["details", "errors"].iter().filter_map(|list| body[*list].as_array()).flatten();
        let fields = details.filter_map(|detail| detail["fieldName"].as_str());
        Self {
            code: name("scimType").or_else(|| name("code")).or_else(|| name("error")),
            correlation: header.or_else(|| name("contextId")),
            text: texts
                .iter()
                .filter_map(|field| body[*field].as_str())
                .chain(fields)
                .collect::<Vec<_>>()
                .join("\n"),
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

    /// Those of our own paths that it names, if it does not name them all: what it says itself is not shown.
    pub(crate) fn speaks_of<'a>(&self, sent: &[&'a str]) -> Vec<&'a str> {
        let text = self.text.to_lowercase();
        let is_named = |path: &&&str| {
            let name = path.rsplit(':').next().unwrap_or(path).to_lowercase();
            let mut words = text.split(|c: char| !c.is_alphanumeric() && !"._-[]".contains(c));
            words.any(|word| word.trim_matches('.') == name)
        };
        let named: Vec<_> = sent.iter().filter(is_named).copied().collect();
        if named.len() == sent.len() && sent.len() > 1 { Vec::new() } else { named }
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
        let password = target.password.value().map_or("", |password| password.expose());
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
    use crate::domain::target::NewPassword;
    use crate::scim::http::Body;
    use proptest::prelude::*;

    fn target(password: Option<&str>, phone: Option<&str>) -> Target {
        Target {
            line: 2,
            email: Email::parse("a@example.com").unwrap(),
            password: password
                .map_or(NewPassword::Kept, |text| NewPassword::Given(Secret::new(text.to_owned()))),
            phone: phone.map(|cell| Phone::parse(cell, None).unwrap()),
            attributes: Box::default(),
            account: None,
        }
    }

    fn wording() -> Wording {
        Wording {
            mfa: MfaAttribute { path: "mfaSettings".to_owned(), kind: "phone".to_owned() },
            encoding: Encoding::Plain,
            attributes: ["title", "urn:x:y:User:level", "urn:x:y:User:remote"]
                .into_iter()
                .zip([Kind::Text, Kind::Integer, Kind::Boolean])
                .map(|(path, kind)| Attribute::new(path, path, kind, false).unwrap())
                .collect(),
            style: Style::Paths,
            password_apart: false,
        }
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
        let both = patch_body(&target(Some(" p\"ä\n"), Some("+15550100199")), &wording());
        assert_eq!(
            String::from_utf8(both).unwrap(),
            concat!(
                r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":["#,
                r#"{"op":"replace","path":"password","value":" p\"ä\n"},"#,
                r#"{"op":"replace","path":"mfaSettings","value":{"enabled":true,"mfaType":"phone","phoneNumber":"+15550100199"}}]}"#
            )
        );
        let phone_only: Value =
            serde_json::from_slice(&patch_body(&target(None, Some("+15550100199")), &wording())).unwrap();
        assert_eq!(phone_only["Operations"].as_array().unwrap().len(), 1);
        assert_eq!(attributes(&target(Some("x"), None), &wording()), ["password"]);
    }

    #[test]
    fn further_attributes_are_written_as_their_kind_says() {
        let cells = ["Lead \"x\"", "-3", "true"];
        let values = cells.iter().enumerate().map(|(attribute, text)| crate::domain::target::Value {
            attribute,
            text: Secret::new((*text).to_owned()),
        });
        let target = Target { attributes: values.collect(), ..target(None, None) };
        let sent =
            |wording: &Wording| -> Value { serde_json::from_slice(&patch_body(&target, wording)).unwrap() };
        let paths = sent(&wording());
        let values: Vec<_> = paths["Operations"].as_array().unwrap().iter().map(|op| &op["value"]).collect();
        assert_eq!(values, [&Value::from("Lead \"x\""), &Value::from(-3), &Value::from(true)]);
        assert_eq!(paths["Operations"][1]["path"], "urn:x:y:User:level");
        assert!(paths.get("Extensions").is_none());
        let apart = sent(&Wording { style: Style::Extensions, ..wording() });
        assert_eq!(apart["Operations"].as_array().map(Vec::len), Some(0));
        assert_eq!(apart["Extensions"][1], serde_json::json!({"name": "urn:x:y:User:level", "value": -3}));
        assert_eq!(attributes(&target, &wording()), ["title", "urn:x:y:User:level", "urn:x:y:User:remote"]);
    }

    #[test]
    fn a_password_is_a_digest_only_where_that_is_asked_for() {
        let hashed = Wording { encoding: Encoding::Sha256Hex, ..wording() };
        let body: Value = serde_json::from_slice(&patch_body(&target(Some("abc"), None), &hashed)).unwrap();
        // FIPS 180-2, appendix B.1.
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(body["Operations"][0]["value"], digest);
        let apart = Wording { password_apart: true, ..wording() };
        assert!(
            !apart.has_patch(&target(Some("abc"), None)) && wording().has_patch(&target(Some("abc"), None))
        );
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
