//! The front through real sockets, with a desk that only pretends.

mod asking;
mod entering;
mod refusing;
mod sockets;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use ring::hmac;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::caller::new_key;
use super::desk::{Answer, Ask, Digest, Notice, Reset, Settled, Ticket, Who};
use super::settings::{Misconfigured, Rules, Settings};
use super::{Back, Listening};
use crate::domain::outcome::{Fail, Mfa, Outcome};

/// What a caller sends in vain.
const CANARY: &str = "Canary-7c1f-never-seen";

/// A route that only tests have.
pub(super) async fn panic() {
    panic!("a panic of a test: {CANARY}");
}

/// A service with two callers, and the desk behind it.
struct House {
    address: SocketAddr,
    key: String,
    other_key: String,
    desk: Arc<Pretender>,
    ready: watch::Sender<bool>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<usize>,
}

/// Pretends to carry resets out, and keeps what it was asked.
#[derive(Default)]
struct Pretender {
    asked: Mutex<Vec<Reset>>,
    known: Mutex<HashMap<Digest, (Digest, Option<Settled>)>>,
    /// Those who ask for `slow@` wait for this.
    release: Notify,
    /// Somebody asked for `slow@`.
    waiting: Notify,
}

impl House {
    async fn new() -> Self {
        Self::with("", "").await
    }

    /// With more in `[serve]`, and more behind it.
    async fn with(more: &str, tables: &str) -> Self {
        let ((key, digest), (other_key, other)) = (new_key().unwrap(), new_key().unwrap());
        let rules = rules(&format!(
            "listen = '127.0.0.1:0'\nattributes = ['title']\n{more}\n\
             [[caller]]\nid = 'desk'\nkey_sha256 = ['{digest}']\ndomains = ['Example.com']\n\
             requests_per_minute = 100000\n\
             [[caller]]\nid = 'other'\nkey_sha256 = ['{other}']\ndomains = ['example.test']\n{tables}"
        ));
        let rules = rules.unwrap();
        let (desk, asked) = mpsc::channel(rules.queue());
        let pretender = Arc::new(Pretender::default());
        tokio::spawn(Arc::clone(&pretender).work(asked));
        let (ready, watched) = watch::channel(true);
        let listening = Listening::bind(rules).await.unwrap();
        let address = listening.address;
        let back = Back { desk, ready: watched, key: hmac::Key::new(hmac::HMAC_SHA256, b"installation") };
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(listening.serve(back, async { _ = stopped.await }));
        let (key, other_key) = (key.expose().to_owned(), other_key.expose().to_owned());
        Self { address, key, other_key, desk: pretender, ready, stop: Some(stop), serving }
    }

    /// Sends these bytes and reads until the service hangs up.
    async fn say(&self, bytes: &str) -> Reply {
        converse(TcpStream::connect(self.address).await.unwrap(), bytes).await
    }

    async fn get(&self, path: &str, key: &str) -> Reply {
        self.say(&format!("GET {path} HTTP/1.1\r\n{}\r\n", credentials(key))).await
    }

    /// A POST with a key against repeats, unless that is empty.
    async fn post(&self, path: &str, key: &str, idempotency: &str, body: &str) -> Reply {
        self.say(&post(path, key, idempotency, body)).await
    }

    async fn reset(&self, email: &str, idempotency: &str) -> Reply {
        self.post("/v1/resets", &self.key, idempotency, &wish(email)).await
    }

    fn asked(&self) -> usize {
        self.desk.asked.lock().unwrap().len()
    }
}

/// The rules that `[serve]` with this in it stands for.
fn rules(table: &str) -> Result<Rules, Misconfigured> {
    Settings::read(toml::Value::Table(table.parse().unwrap()))?.check()
}

fn wish(email: &str) -> String {
    format!(r#"{{"email":"{email}","reason":"lost the phone"}}"#)
}

fn credentials(key: &str) -> String {
    let own = if key.is_empty() { String::new() } else { format!("Authorization: Bearer {key}\r\n") };
    format!("Host: x\r\nConnection: close\r\n{own}")
}

fn post(path: &str, key: &str, idempotency: &str, body: &str) -> String {
    let idempotency =
        if idempotency.is_empty() { String::new() } else { format!("Idempotency-Key: {idempotency}\r\n") };
    format!(
        "POST {path} HTTP/1.1\r\n{}{idempotency}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        credentials(key),
        body.len()
    )
}

/// What came back.
#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.into_iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn field(&self, name: &str) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        body[name].as_str().unwrap_or_default().to_owned()
    }

    /// Status and code of a refusal.
    fn refusal(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert!(!self.body.contains(CANARY), "{self:?}");
        (self.status, self.field("code"))
    }
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &str) -> Reply {
    // A service that refuses early may have hung up before the last byte is sent.
    let _ = stream.write_all(bytes.as_bytes()).await;
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
    let said = String::from_utf8(said).unwrap();
    let (head, body) = said.split_once("\r\n\r\n").unwrap_or((&said, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Reply { status, head: head.to_owned(), body: body.to_owned() }
}

impl Pretender {
    async fn work(self: Arc<Self>, mut asked: mpsc::Receiver<Ticket>) {
        while let Some((ask, answer)) = asked.recv().await {
            match ask {
                Ask::Reset(reset) => {
                    let desk = Arc::clone(&self);
                    tokio::spawn(async move { answer.send(desk.reset(*reset).await) });
                }
                Ask::Show { caller, operation } => _ = answer.send(self.show(&caller, &operation)),
            }
        }
    }

    async fn reset(&self, reset: Reset) -> Answer {
        if let Some(earlier) = reset.idempotency.and_then(|key| self.known.lock().unwrap().get(&key).cloned())
        {
            return match earlier {
                (fingerprint, _) if fingerprint != reset.fingerprint => Answer::Mismatch,
                (_, None) => Answer::InFlight,
                (_, Some(settled)) => Answer::Settled(Settled { replayed: true, ..settled }),
            };
        }
        let name = name_of(&reset).to_owned();
        let (key, fingerprint, caller) = (reset.idempotency, reset.fingerprint, reset.caller.clone());
        let number = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(reset);
            asked.len()
        };
        if let Some(key) = key {
            self.known.lock().unwrap().insert(key, (fingerprint, None));
        }
        match name.split('@').next().unwrap_or_default() {
            "running" => return Answer::Running { operation: format!("{caller}-{number}") },
            "slow" => {
                self.waiting.notify_one();
                self.release.notified().await;
            }
            _ => {}
        }
        let settled = settled(&name, format!("{caller}-{number}"));
        if let Some(key) = key {
            self.known.lock().unwrap().insert(key, (fingerprint, Some(settled.clone())));
        }
        Answer::Settled(settled)
    }

    fn show(&self, caller: &str, operation: &str) -> Answer {
        let number = operation.rsplit('-').next().and_then(|number| number.parse::<usize>().ok());
        let asked = self.asked.lock().unwrap();
        let reset = number.and_then(|number| asked.get(number.checked_sub(1)?));
        match reset.filter(|reset| reset.caller == caller).map(name_of) {
            Some("running@example.com") => Answer::Running { operation: operation.to_owned() },
            Some(name) => Answer::Settled(settled(name, operation.to_owned())),
            None => Answer::Unknown,
        }
    }
}

fn name_of(reset: &Reset) -> &str {
    match &reset.who {
        Who::Email(email) => email.as_str(),
        Who::UserId(id) => id,
    }
}

fn settled(name: &str, operation: String) -> Settled {
    let gone = name.starts_with("gone");
    Settled {
        operation,
        outcome: if gone { Outcome::Failed(Fail::NotFound) } else { Outcome::Updated },
        mfa: Mfa::NotSent,
        user_id: (!gone).then(|| "id-1".to_owned()),
        notice: Notice::Sent,
        replayed: false,
    }
}
