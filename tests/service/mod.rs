//! The service over real HTTP, from a caller to the account that is changed: who may ask, what is done once,
//! and what nobody reads.

mod asking;
mod lasting;
mod odd;
mod shutting;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Canary, Program, Running, Stage, until};

/// A service on this stage, and the one caller that it knows.
struct Served<'a> {
    stage: &'a Stage,
    address: String,
    key: String,
    running: Option<Running>,
}

/// What came back.
#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn field(&self, name: &str) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"));
        body[name].as_str().unwrap_or_default().to_owned()
    }
}

impl<'a> Served<'a> {
    fn new(stage: &'a Stage) -> Self {
        Self::with(stage, "", "")
    }

    /// With these settings above `[serve]`, and below everything.
    fn with(stage: &'a Stage, above: &str, below: &str) -> Self {
        let printed = Program::new(["serve", "--new-caller"]).run().expect(0).stdout;
        let word = |line: usize| printed.lines().nth(line).unwrap().split_whitespace().last().unwrap();
        let (key, digest) = (word(0), word(1));
        stage.keep_secret(&Canary(key.to_owned()));
        let address = free_address();
        let serve = format!(
            "{above}\n[serve]\nlisten = '{address}'\n[[serve.caller]]\nid = 'desk'\nkey_sha256 = ['{digest}']\n\
             domains = ['example.com']\nrequests_per_minute = 100000\n\
             [serve.limits]\nper_target_per_hour = 100000\nglobal_per_minute = 100000\nqueue = 1000\n{below}\n"
        );
        fs::write(config(stage), serve).unwrap();
        let mut served = Self { stage, address, key: key.to_owned(), running: None };
        served.open();
        served
    }

    /// Starts it, for the first time or once more.
    fn open(&mut self) {
        let running = program(self.stage).start();
        until("it listens", || TcpStream::connect(&self.address).is_ok());
        self.running = Some(running);
    }

    /// Ends it with this signal, and returns its exit code.
    fn end(&mut self, signal: &str) -> i32 {
        let running = self.running.take().unwrap();
        running.signal(signal);
        self.stage.wait(running).code()
    }

    fn say(&self, request: &str) -> Reply {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        // Sooner than a silent connection would be closed by its time limit, which is ten seconds.
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut said = String::new();
        // Whoever is killed does not take his leave.
        let _ = stream.read_to_string(&mut said);
        let (head, body) = said.split_once("\r\n\r\n").unwrap_or_default();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        Reply { status, head: head.to_owned(), body: body.to_owned() }
    }

    fn get(&self, path: &str) -> Reply {
        self.say(&request("GET", path, &self.key, "", ""))
    }

    fn reset(&self, email: &str, idempotency: &str) -> Reply {
        self.say(&request("POST", "/v1/resets", &self.key, idempotency, &wish(email)))
    }

    fn update_once(&self, id: &str, idempotency: &str) -> Reply {
        let path = format!("/api/users/{id}/update");
        self.say(&request("POST", &path, &self.key, idempotency, r#"{"password":"x"}"#))
    }

    fn update(&self, id: &str, body: &str) -> Reply {
        self.say(&request("POST", &format!("/api/users/{id}/update"), &self.key, "", body))
    }

    /// The passwords that the sandbox was given, each kept to be searched for in the end.
    fn passwords(&self) -> Vec<String> {
        let applied = self.stage.truth().applied.into_iter();
        let passwords: Vec<_> = applied.filter_map(|applied| applied.password).collect();
        for password in &passwords {
            self.stage.keep_secret(&Canary(password.clone()));
        }
        passwords
    }
}

fn wish(email: &str) -> String {
    format!(r#"{{"email":"{email}","reason":"lost the phone"}}"#)
}

fn request(method: &str, path: &str, key: &str, idempotency: &str, body: &str) -> String {
    let field = |name: &str, value: &str| match value {
        "" => String::new(),
        value => format!("{name}{value}\r\n"),
    };
    format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{}{}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        field("Authorization: Bearer ", key),
        field("Idempotency-Key: ", idempotency),
        body.len()
    )
}

/// An address that nobody has at the moment.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn config(stage: &Stage) -> PathBuf {
    stage.home.path().join("serve.toml")
}

/// `serve`, with the configuration of the stage, at full speed, as talkative as it gets.
fn program(stage: &Stage) -> Program {
    let path = |path: PathBuf| path.display().to_string();
    let to = age::x25519::Identity::generate().to_public().to_string();
    let (folder, config) = (path(stage.run_dir()), path(config(stage)));
    let args =
        ["serve", "--state-dir", &folder, "--config", &config, "--seal-to", &to, "--rate", "unlimited"];
    stage.with_env(Program::new(args)).arg("-vv")
}
