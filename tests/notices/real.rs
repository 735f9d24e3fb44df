//! A whole run against a mail server that others wrote.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{configured, counted};
use crate::support::{Canary, Stage, certificate};

#[test]
#[ignore = "needs aiosmtpd: tests/notices/install"]
fn a_run_mails_its_users_over_starttls() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let stage = Stage::plain(5);
    let password = Canary(format!("canary-{:016x}", rand::random::<u64>()));
    let mut server = Command::new(root.join("target/tools/mailserver/bin/python"))
        .arg(root.join("tests/notices/mailserver.py"))
        .args([Path::new("starttls"), &certificate("loopback.pem"), &certificate("key.pem")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = server.stdin.take().unwrap();
    writeln!(stdin, "{}", password.0).unwrap();
    let mut said = BufReader::new(server.stdout.take().unwrap());
    let mut port = String::new();
    said.read_line(&mut port).unwrap();

    let way = format!(
        "[notices.smtp]\nhost = \"127.0.0.1\"\nport = {}\nusername = \"it\"\nca_file = {:?}",
        port.trim(),
        certificate("root.pem")
    );
    let program = configured(&stage, "from = \"IT <it@example.com>\"", &way);
    stage.keep_secret(&password);
    stage.finish(program.env("SCIM_REKEY_SMTP_PASSWORD", &password.0)).expect(0);
    assert_eq!(counted(&stage), [5, 0, 0]);

    // The server ends with its input; what it took is all there then.
    drop(stdin);
    let mut mails = String::new();
    said.read_to_string(&mut mails).unwrap();
    server.wait().unwrap();
    assert_eq!(mails.lines().count(), 5, "{mails}");
    for person in &stage.people {
        let to = format!("[\"{}\"]", person.email);
        assert!(mails.lines().any(|mail| mail.contains(&to) && mail.contains("\"tls\": true")), "{mails}");
        assert!(!mails.contains(&person.password.0));
    }
    // The search of the stage sees the mailbox as well.
    fs::write(stage.home.path().join("mailbox"), mails).unwrap();
}
