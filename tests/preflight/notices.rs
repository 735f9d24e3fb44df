//! The way of notices, on which nothing is sent.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use scim_rekey::sandbox::Options;

use super::{answer, found, program, stage};
use crate::support::{Listener, Speaks};

/// A mail server for one visitor, that says yes to everything.
struct MailServer {
    port: u16,
    thread: JoinHandle<Vec<String>>,
}

impl MailServer {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { port, thread: std::thread::spawn(move || Self::converse(&listener.accept().unwrap().0)) }
    }

    fn converse(mut stream: &TcpStream) -> Vec<String> {
        stream.write_all(b"220 mail.example.com\r\n").unwrap();
        let mut said = Vec::new();
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            stream.write_all(b"250 mail.example.com\r\n").unwrap();
            said.push(line);
        }
        said
    }
}

#[test]
fn nobody_is_told_and_whoever_would_tell_is_knocked_at() {
    let stage = stage(Options::default());
    let settings = stage.home.path().join("settings.toml");
    let hook = Listener::new(Speaks::Plain, "");
    let mail = MailServer::new();
    let webhook = |address: &str| format!("[notices.webhook]\nurl = 'http://{address}/told'\n");
    let smtp = |port: &str| {
        format!(
            "from = 'a@example.com'\n[notices.smtp]\nhost = '127.0.0.1'\nport = {port}\nsecurity = 'none'\n"
        )
    };
    for (way, says) in [
        (webhook(hook.address()), "ok: by a webhook, which answers; none was sent"),
        (webhook("127.0.0.1:9"), "warning: by a webhook: no connection to the webhook"),
        (smtp("9"), "warning: by mail: the mail server refuses the connection"),
        (smtp(&mail.port.to_string()), "ok: by mail, which answers; none was sent"),
    ] {
        let text = format!("[notices]\norganisation = 'Example'\ncontact = 'help@example.com'\n{way}");
        fs::write(&settings, text).unwrap();
        let done = stage.finish(program(&stage).arg("--json").arg("--config").arg(&settings)).expect(0);
        let line = found(&answer(&done), "notices").remove(0);
        assert!(line.starts_with(says), "{line}");
    }
    assert!(hook.heard().iter().all(String::is_empty), "nothing is said to it");
    let said = mail.thread.join().unwrap();
    assert!(said[0].starts_with("EHLO ") && said[1] == "QUIT" && said.len() == 2, "{said:?}");
}
