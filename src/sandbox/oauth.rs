//! Owns the token endpoint: the client credentials grant (RFC 6749, section 4.4).

use percent_encoding::percent_decode_str;
use serde_json::json;

use super::base64;
use super::call::Call;
use super::options::Options;
use super::problem::oauth_error;
use super::reply::{JSON, Reply};
use super::tokens::Tokens;

const FORM: &str = "application/x-www-form-urlencoded";

/// How a client named itself.
struct Claim {
    id: String,
    secret: String,
    by_header: bool,
}

/// Why no token is granted (RFC 6749, section 5.2).
struct Refusal {
    status: u16,
    error: &'static str,
    description: &'static str,
}

/// Answers a token request, with a token if everything is right.
pub(super) fn answer(call: &Call, options: &Options, tokens: &mut Tokens) -> Reply {
    match judge(call, options) {
        Ok(()) => grant(call, options, tokens),
        Err(refusal) => refusal.reply(),
    }
}

fn judge(call: &Call, options: &Options) -> Result<(), Refusal> {
    if call.media_type().as_deref() != Some(FORM) {
        return Err(invalid_request("the body must be a form"));
    }
    let body = call.body.as_deref().unwrap_or_default();
    let form: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let claim = claim(call, &form)?;
    if claim.id != options.client_id || claim.secret != options.client_secret {
        return Err(invalid_client(claim.by_header));
    }
    match field(&form, "grant_type") {
        Some("client_credentials") => Ok(()),
        Some(_) => Err(Refusal {
            error: "unsupported_grant_type",
            ..invalid_request("only client_credentials is granted")
        }),
        None => Err(invalid_request("grant_type is missing")),
    }
}

fn grant(call: &Call, options: &Options, tokens: &mut Tokens) -> Reply {
    let life_ms = options.token_life_s.saturating_mul(1000);
    let again = tokens.again(call.at_ms).filter(|_| options.same_token);
    let body = json!({
        "access_token": again.unwrap_or_else(|| tokens.issue(call.at_ms, life_ms)),
        "token_type": "bearer",
        "expires_in": options.token_life_s,
    });
    Reply::json(200, JSON, body).header("cache-control", "no-store").header("pragma", "no-cache")
}

/// The client's name and secret, from one place only (RFC 6749, section 2.3).
fn claim(call: &Call, form: &[(String, String)]) -> Result<Claim, Refusal> {
    let header = call.header("authorization");
    let id = field(form, "client_id");
    let secret = field(form, "client_secret");
    match (header, id, secret) {
        (Some(header), None, None) => basic(header).ok_or_else(|| invalid_client(true)),
        (None, Some(id), Some(secret)) => {
            Ok(Claim { id: id.into(), secret: secret.into(), by_header: false })
        }
        (Some(_), ..) => Err(invalid_request("the client authenticates in two ways")),
        _ => Err(invalid_client(false)),
    }
}

/// HTTP Basic whose two halves were form-encoded first (RFC 6749, section 2.3.1).
fn basic(header: &str) -> Option<Claim> {
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(base64::decode(credentials.trim())?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some(Claim { id: form_decoded(id)?, secret: form_decoded(secret)?, by_header: true })
}

fn form_decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

fn field<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut fields = form.iter();
    fields.find_map(|(key, value)| (key == name).then_some(value.as_str()))
}

const fn invalid_request(description: &'static str) -> Refusal {
    Refusal { status: 400, error: "invalid_request", description }
}

/// 401 with a challenge to who used the header, 400 to others.
const fn invalid_client(by_header: bool) -> Refusal {
    Refusal {
        status: if by_header { 401 } else { 400 },
        error: "invalid_client",
        description: "client not found or secret wrong",
    }
}

impl Refusal {
    fn reply(&self) -> Reply {
        let reply = oauth_error(self.status, self.error, self.description);
        if self.status == 401 { reply.header("www-authenticate", "Basic realm=\"sandbox\"") } else { reply }
    }
}
