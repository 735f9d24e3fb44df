//! A tiny HTTP client that hides nothing: one connection a request, the reply as it came.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use scim_rekey::sandbox::{Fault, Options, Sandbox, parse_script};
use serde_json::{Value, json};

pub(crate) const SCIM: &str = "/api/v2/scim/v2";

/// A reply as it came over the wire.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find_map(|(key, value)| (key == name).then_some(value.as_str()))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// `Content-Length` as announced.
    pub(crate) fn announced(&self) -> Option<usize> {
        self.header("content-length")?.parse().ok()
    }
}

/// Sends bytes, reads until the server closes.
pub(crate) fn raw(sandbox: &Sandbox, request: &[u8]) -> io::Result<Reply> {
    let address = sandbox.base_url().replace("http://", "");
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parsed(&bytes).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn parsed(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Some(Reply { status, headers: lines.filter_map(header).collect(), body: bytes[end + 4..].to_vec() })
}

/// A request as bytes.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut lines = vec![format!("{method} {path} HTTP/1.1")];
    lines.extend(["host: 127.0.0.1".into(), "connection: close".into()]);
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    if !body.is_empty() {
        lines.push(format!("content-length: {}", body.len()));
    }
    format!("{}\r\n\r\n{body}", lines.join("\r\n")).into_bytes()
}

/// A sandbox and a token for it.
pub(crate) struct Client {
    pub(crate) sandbox: Sandbox,
    pub(crate) token: String,
}

impl Client {
    pub(crate) fn new(options: Options) -> Self {
        let sandbox = Sandbox::start(options).unwrap();
        let reply = token(&sandbox).unwrap();
        let token = reply.json()["access_token"].as_str().unwrap().to_owned();
        Self { sandbox, token }
    }

    pub(crate) fn everyday() -> Self {
        Self::new(Options::default())
    }

    /// A sandbox with a script of faults, which must be a good one.
    pub(crate) fn scripted(rules: &str) -> Self {
        Self::new(Options { faults: script(rules), ..Options::default() })
    }

    pub(crate) fn send(&self, request: &[u8]) -> io::Result<Reply> {
        raw(&self.sandbox, request)
    }

    pub(crate) fn try_get(&self, path: &str) -> io::Result<Reply> {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("user-agent", "test/1")];
        self.send(&request("GET", path, &headers, ""))
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.try_get(path).unwrap()
    }

    /// Looks up one user by name.
    pub(crate) fn find(&self, name: &str) -> Reply {
        self.get(&filter_path(name))
    }

    /// The id of the one user of this name.
    pub(crate) fn id(&self, name: &str) -> String {
        let found = self.find(name).json();
        found["Resources"][0]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn try_patch(&self, id: &str, extra: &[(&str, &str)], body: &str) -> io::Result<Reply> {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend([("content-type", "application/scim+json"), ("user-agent", "test/1")]);
        headers.extend(extra);
        self.send(&request("PATCH", &format!("{SCIM}/Users/{id}"), &headers, body))
    }

    /// Sends operations to one user.
    pub(crate) fn patch(&self, id: &str, operations: &Value) -> Reply {
        self.try_patch(id, &[], &patch_op(operations)).unwrap()
    }

    /// Sets a password and nothing else.
    pub(crate) fn set_password(&self, id: &str, password: &str) -> Reply {
        self.patch(id, &password_op(password))
    }
}

/// A script from its rules alone.
pub(crate) fn script(rules: &str) -> Vec<Fault> {
    parse_script(&format!("{{\"faults\":[{rules}]}}")).unwrap()
}

pub(crate) fn patch_op(operations: &Value) -> String {
    let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
    json!({"schemas": [schema], "Operations": operations}).to_string()
}

pub(crate) fn password_op(password: &str) -> Value {
    json!([{"op": "replace", "path": "password", "value": password}])
}

pub(crate) fn mfa_op() -> Value {
    let value = json!({"enabled": true, "mfaType": "phone", "phoneNumber": "+15550100199"});
    json!([{"op": "replace", "path": "mfaSettings", "value": value}])
}

pub(crate) fn filter_path(name: &str) -> String {
    let filter = format!("userName eq {}", Value::from(name));
    let query: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    format!("{SCIM}/Users?filter={query}")
}

/// Asks for a token the usual way.
pub(crate) fn token(sandbox: &Sandbox) -> io::Result<Reply> {
    let (id, secret) = (sandbox.client_id(), sandbox.client_secret());
    let body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    token_with(sandbox, &[], &body)
}

pub(crate) fn token_with(sandbox: &Sandbox, extra: &[(&str, &str)], body: &str) -> io::Result<Reply> {
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
    headers.extend(extra);
    raw(sandbox, &request("POST", "/oauth/token", &headers, body))
}
