//! Against a mail server that others wrote.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::*;

const PASSWORD: &str = "canary-4711-secret";

/// aiosmtpd, as `tests/notices/install` puts it there. It ends with its standard input.
struct Mailserver {
    process: Child,
    _stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    port: u64,
}

impl Mailserver {
    fn new(mode: &str) -> Self {
        let python = repository().join("target/tools/mailserver/bin/python");
        let mut process = Command::new(python)
            .args(["-W", "ignore"])
            .arg(repository().join("tests/notices/mailserver.py"))
            .args([
                mode.as_ref(),
                certificate("loopback.pem").as_os_str(),
                certificate("key.pem").as_os_str(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = process.stdin.take().unwrap();
        writeln!(stdin, "{PASSWORD}").unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut server = Self { process, _stdin: stdin, lines, port: 0 };
        server.port = server.next().as_u64().unwrap();
        server
    }

    fn next(&mut self) -> serde_json::Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }

    fn postman(&self, mode: &str, password: &str) -> Postman {
        let (root, port) = (certificate("root.pem"), self.port);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), password).unwrap();
        let way = format!(
            "[notices.smtp]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"{mode}\"\nca_file = {root:?}\n\
             username = \"it\"\npassword_file = {:?}",
            file.path()
        );
        postman("from = \"Jörg <it@example.com>\"", &way, PasswordInMail::No)
    }
}

impl Drop for Mailserver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
#[ignore = "needs aiosmtpd: tests/notices/install"]
async fn a_real_server_takes_notices_over_tls_and_after_a_login() {
    for mode in ["starttls", "tls"] {
        let mut server = Mailserver::new(mode);
        let postman = server.postman(mode, PASSWORD);
        let attributes = ["password".to_owned()];
        let mut peers = Vec::new();
        for _ in 0..2 {
            postman.send(&notice(&attributes)).await.unwrap();
            let mail = server.next();
            assert_eq!((&mail["from"], &mail["tls"]), (&"it@example.com".into(), &true.into()));
            assert_eq!(mail["to"], serde_json::json!(["ann@example.com"]));
            let text = mail["mail"].as_str().unwrap();
            for part in ["From: =?utf-8?b?SsO2cmc=?= <it@example.com>\r\n", "\r\n- the password\r\n"] {
                assert!(text.contains(part), "no {part:?} in {text}");
            }
            assert!(!text.contains(PASSWORD));
            peers.push(mail["peer"].clone());
        }
        assert_eq!(peers[0], peers[1], "one connection for both");
    }
}

#[tokio::test]
#[ignore = "needs aiosmtpd: tests/notices/install"]
async fn a_real_server_is_tried_with_a_wrong_password_once() {
    let server = Mailserver::new("starttls");
    let postman = server.postman("starttls", "wrong");
    for why in ["the mail server refuses our login (535)", "the mail server has refused our login before"] {
        let failed = postman.send(&notice(&[])).await.unwrap_err();
        assert_eq!((failed.permanent, failed.why.as_str()), (false, why));
    }
}

#[tokio::test]
#[ignore = "needs aiosmtpd: tests/notices/install"]
async fn twenty_at_once_share_four_connections() {
    let mut server = Mailserver::new("starttls");
    let postman = std::sync::Arc::new(server.postman("starttls", PASSWORD));
    let mut all = tokio::task::JoinSet::new();
    for line in 0..20 {
        let postman = std::sync::Arc::clone(&postman);
        all.spawn(async move {
            let id = notice_id("run", line);
            postman.send(&Notice { id: &id, ..notice(&[]) }).await
        });
    }
    assert!(all.join_all().await.iter().all(Result::is_ok));
    let mails: Vec<_> = (0..20).map(|_| server.next()).collect();
    let peers: std::collections::BTreeSet<_> = mails.iter().map(|mail| mail["peer"].as_u64()).collect();
    assert!((1..=4).contains(&peers.len()), "{peers:?}");
    let all_there =
        |line| mails.iter().any(|mail| mail["mail"].as_str().unwrap().contains(&format!("<run.{line}@")));
    assert!((0..20).all(all_there));
}
