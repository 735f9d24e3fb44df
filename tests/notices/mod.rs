//! Users are told that they were changed: once each if nothing breaks, at least once if something does, and
//! never at the cost of the change itself.

mod later;
mod passwords;
mod real;
mod told;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Listener, Program, Speaks, Stage};

const TAKEN: &str = "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// A webhook that takes notices.
struct Hook(Listener);

/// One notice, as the webhook has heard it.
#[derive(Debug, PartialEq)]
struct Told {
    key: String,
    to: String,
    subject: String,
    body: String,
}

impl Hook {
    /// One that takes every notice.
    fn new() -> Self {
        Self::answering(|_| TAKEN)
    }

    /// One that answers a request as it likes.
    fn answering(answer: impl Fn(&str) -> &'static str + Send + 'static) -> Self {
        Self(Listener::answering(Speaks::Plain, move |said| answer(said).into()))
    }

    /// The program of the stage, with this webhook in its configuration file.
    fn program(&self, stage: &Stage) -> Program {
        self.program_with(stage, "")
    }

    /// The same with more keys in `[notices]`.
    fn program_with(&self, stage: &Stage, more: &str) -> Program {
        let way = format!("[notices.webhook]\nurl = \"http://{}/told\"", self.0.address());
        configured(stage, more, &way)
    }

    /// What it was told so far, in order.
    fn told(&self) -> Vec<Told> {
        self.0.heard().iter().filter_map(|said| Told::parse(said)).collect()
    }

    /// The addresses that were written to, sorted.
    fn addresses(&self) -> Vec<String> {
        let mut addresses: Vec<_> = self.told().into_iter().map(|told| told.to).collect();
        addresses.sort();
        addresses
    }
}

impl Told {
    fn parse(said: &str) -> Option<Self> {
        let (head, body) = said.split_once("\r\n\r\n")?;
        let key = head.lines().find_map(|line| line.strip_prefix("idempotency-key: "))?.to_owned();
        let json: Value = serde_json::from_str(body).ok()?;
        let text = |name: &str| json[name].as_str().unwrap().to_owned();
        Some(Self { key, to: text("to"), subject: text("subject"), body: text("body") })
    }
}

/// The program of the stage with a configuration file that holds `[notices]`.
fn configured(stage: &Stage, more: &str, way: &str) -> Program {
    let file = stage.home.path().join("config.toml");
    write_config(&file, more, way);
    stage.program().arg("--config").arg(file)
}

fn write_config(file: &Path, more: &str, way: &str) {
    let toml =
        format!("[notices]\norganisation = \"Example Ltd\"\ncontact = \"+1 555 0100\"\n{more}\n{way}\n");
    fs::write(file, toml).unwrap();
}

/// The lines of kind `notify`, as `line state attempt why`.
fn notified(stage: &Stage) -> Vec<String> {
    let lines = stage.audit().into_iter().filter(|line| line["kind"] == "notify");
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let words = lines.map(|line| {
        assert!(line["email"].as_str().is_some_and(|email| email.contains('@')), "{line}");
        let why = line.get("why").map(|why| format!(" {}", word(why))).unwrap_or_default();
        format!("{} {} {}{why}", line["line"], word(&line["state"]), line["attempt"])
    });
    words.collect()
}

/// `sent`, `failed` and `pending` of the summary.
fn counted(stage: &Stage) -> [u64; 3] {
    let summary = stage.summary();
    ["sent", "failed", "pending"].map(|name| {
        summary["notices"][name].as_u64().unwrap_or_else(|| panic!("no notices.{name}: {summary}"))
    })
}
