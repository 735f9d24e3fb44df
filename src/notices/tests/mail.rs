//! What a mail server hears, and what its answers mean.

use std::time::Duration;

use super::super::settings::Way;
use super::script::{ENDLESS, Private, SILENCE, Says, Server};
use super::*;

const FROM: &str = "from = \"IT <it@example.com>\"";
const CANARY: &str = "canary-4711-secret";

fn way(server: &Server, security: &str, more: &str) -> String {
    let root = certificate("root.pem");
    format!(
        "[notices.smtp]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"{security}\"\nca_file = {root:?}\n\
         timeout = \"5s\"\n{more}",
        server.port
    )
}

fn to(server: &Server, security: &str, more: &str) -> Postman {
    postman(FROM, &way(server, security, more), PasswordInMail::No)
}

/// A login whose password lies in a file that nobody else reads.
fn login() -> (tempfile::NamedTempFile, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{CANARY}\n")).unwrap();
    let toml = format!("username = \"it\"\npassword_file = {:?}", file.path());
    (file, toml)
}

const USUAL: Says = |_| None;

#[tokio::test]
async fn a_notice_arrives_over_each_kind_of_connection() {
    for (private, security) in
        [(Private::Never, "none"), (Private::OnRequest, "starttls"), (Private::FromTheStart, "tls")]
    {
        let (server, (_file, login)) = (Server::mail(private, "loopback.pem", USUAL), login());
        let postman = to(&server, security, &login);
        postman.send(&notice(&["password".to_owned()])).await.unwrap();
        postman.send(&notice(&[])).await.unwrap();
        let heard = server.heard();
        assert_eq!(server.connections(), 1, "the connection is kept: {heard:?}");
        let lines = |start: &str| heard.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!((lines("AUTH PLAIN "), lines("NOOP")), (1, 1), "{heard:?}");
        for line in [
            "MAIL FROM:<it@example.com>",
            "RCPT TO:<ann@example.com>",
            "From: IT <it@example.com>",
            "To: ann@example.com",
            "Subject: Your A & B account was changed",
            "Message-ID: <20261122T190000-000Z-1a2b.7@example.com>",
            "Auto-Submitted: auto-generated",
            "- the password",
        ] {
            assert!(heard.iter().any(|said| said == line), "{security}: no `{line}` in {heard:#?}");
        }
        assert!(lines("Date: ") == 2 && lines("Content-Type: multipart/alternative;") == 2, "{heard:#?}");
        assert!(heard.iter().any(|said| said.contains("A &amp; B")), "{heard:#?}");
    }
}

#[tokio::test]
async fn nothing_is_said_where_tls_is_missing_or_nobody_vouches_for_it() {
    let plain = Server::mail(Private::Never, "loopback.pem", USUAL);
    let stranger = Server::mail(Private::OnRequest, "elsewhere.pem", USUAL);
    let expired = Server::mail(Private::FromTheStart, "expired.pem", USUAL);
    for (server, security, why) in [
        (plain, "starttls", "the mail server offers no STARTTLS, so nothing was said"),
        (stranger, "starttls", "the mail server cannot show who it is (TLS)"),
        (expired, "tls", "the mail server cannot show who it is (TLS)"),
    ] {
        let (_file, login) = login();
        let failed = to(&server, security, &login).send(&notice(&[])).await.unwrap_err();
        assert_eq!((failed.permanent, failed.why.as_str()), (false, why));
        let heard = server.heard();
        assert!(!heard.iter().any(|line| line.contains('@') || line.contains("AUTH")), "{heard:?}");
    }
}

#[tokio::test]
async fn an_answer_says_whether_to_come_back() {
    let cases: [(Says, bool, &str); 8] = [
        (
            |line| line.starts_with("RCPT").then_some("550 5.1.1 no ann@example.com"),
            true,
            "the mail server refuses the notice (550)",
        ),
        (
            |line| line.starts_with("MAIL").then_some("451 later"),
            false,
            "the mail server puts the notice off (451)",
        ),
        (|line| (line == ".").then_some("554 spam"), true, "the mail server refuses the notice (554)"),
        (|line| (line == ".").then_some("452 full"), false, "the mail server puts the notice off (452)"),
        (|line| (line == ".").then_some(""), false, "the mail server hangs up, or does not speak SMTP"),
        (|line| line.is_empty().then_some("554 go away"), false, "the mail server turns us away (554)"),
        (|line| line.is_empty().then_some("421 busy"), false, "the mail server turns us away (421)"),
        (
            |line| line.is_empty().then_some("HTTP/1.1 400"),
            false,
            "the mail server hangs up, or does not speak SMTP",
        ),
    ];
    for (says, permanent, why) in cases {
        let server = Server::mail(Private::Never, "", says);
        let failed = to(&server, "none", "").send(&notice(&[])).await.unwrap_err();
        assert_eq!((failed.permanent, failed.why.as_str()), (permanent, why));
    }
}

#[tokio::test]
async fn nobody_there_and_no_answer_in_time_are_passing_faults() {
    let server = Server::mail(Private::Never, "", |line| line.starts_with("EHLO").then_some(SILENCE));
    let mut slow = settings(FROM, &way(&server, "none", ""), PasswordInMail::No).unwrap();
    if let Way::Mail(mail) = &mut slow.way {
        mail.timeout = Duration::from_millis(50);
    }
    let failed = Postman::new(slow).unwrap().send(&notice(&[])).await.unwrap_err();
    assert_eq!((failed.permanent, failed.why.as_str()), (false, "the mail server does not answer in time"));

    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = way(&server, "none", "").replace(&server.port.to_string(), &gone.to_string());
    let failed = postman(FROM, &nobody, PasswordInMail::No).send(&notice(&[])).await.unwrap_err();
    assert_eq!((failed.permanent, failed.why.as_str()), (false, "the mail server refuses the connection"));
}

#[tokio::test]
async fn a_line_without_an_end_is_not_listened_to_until_the_time_is_over() {
    let greeting: Says = |line| line.is_empty().then_some(ENDLESS);
    let later: Says = |line| line.starts_with("MAIL").then_some(ENDLESS);
    for (private, security, says) in [
        (Private::Never, "none", greeting),
        (Private::OnRequest, "starttls", greeting),
        (Private::FromTheStart, "tls", greeting),
        (Private::Never, "none", later),
        (Private::OnRequest, "starttls", later),
        (Private::FromTheStart, "tls", later),
    ] {
        let server = Server::mail(private, "loopback.pem", says);
        let failed = to(&server, security, "").send(&notice(&[])).await.unwrap_err();
        let why = "the mail server does not come to the end of its answer";
        assert_eq!((failed.permanent, failed.why.as_str()), (false, why), "{security}");
    }
}

#[tokio::test]
async fn a_refused_login_is_not_tried_again() {
    let server = Server::mail(Private::Never, "", |line| line.starts_with("AUTH").then_some("535 no"));
    let (_file, login) = login();
    let postman = to(&server, "none", &login);
    let first = postman.send(&notice(&[])).await.unwrap_err();
    let second = postman.send(&notice(&[])).await.unwrap_err();
    assert_eq!((first.permanent, first.why.as_str()), (false, "the mail server refuses our login (535)"));
    assert_eq!(
        (second.permanent, second.why.as_str()),
        (false, "the mail server has refused our login before")
    );
    assert_eq!(server.connections(), 1);
    assert!(!format!("{postman:?} {first:?}").contains(CANARY));
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_replaced() {
    let server = Server::mail(Private::Never, "", |line| line.starts_with("NOOP").then_some(""));
    let postman = to(&server, "none", "");
    postman.send(&notice(&[])).await.unwrap();
    postman.send(&notice(&[])).await.unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn an_address_that_could_be_read_as_two_goes_nowhere() {
    let server = Server::mail(Private::Never, "", USUAL);
    let postman = to(&server, "none", "");
    for hostile in [
        "ann@example.com\r\nBcc: eve@example.test",
        "ann@example.com\nRCPT TO:<eve@example.test>",
        "ann@example.com>\u{0}",
        "ann@example.com, eve@example.test",
        "Ann <eve@example.test>",
        "\"ann\r\n\"@example.com",
        "\"a b\"@example.com",
        "jörg@example.com",
        "ann@exämple.com",
        "ann@localhost",
        "-oQ/tmp",
        "",
    ] {
        let failed = postman.send(&Notice { to: hostile, ..notice(&[]) }).await.unwrap_err();
        assert!(failed.permanent && failed.why.contains("address"), "{hostile:?}: {failed:?}");
        assert!(!failed.why.contains("eve"), "{failed:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_dot_alone_and_words_from_elsewhere_stay_inside_the_mail() {
    let server = Server::mail(Private::Never, "", USUAL);
    let template = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(template.path(), "a\n.\nQUIT\n{{ attributes|join(' ') }}\n").unwrap();
    let more = format!("{FROM}\ntext_template = {:?}", template.path());
    let postman = postman(&more, &way(&server, "none", ""), PasswordInMail::No);
    postman.send(&notice(&["é\r\n.\r\nMAIL FROM:<eve@example.test>".to_owned()])).await.unwrap();
    let heard = server.heard();
    assert_eq!(heard.iter().filter(|line| line.starts_with("RCPT")).count(), 1, "{heard:?}");
    assert_eq!(heard.iter().filter(|line| *line == "QUIT").count(), 1, "{heard:?}");
    assert!(heard.iter().position(|line| line == "QUIT") > heard.iter().position(|line| line == "DATA"));
    assert!(heard.iter().all(|line| line.is_ascii()), "{heard:?}");
}

#[test]
fn one_notice_has_one_id_whatever_a_run_is_called() {
    assert_eq!(notice_id("20261122T190000.000Z-1a2b", 7), notice(&[]).id);
    assert_eq!(notice_id("a>\r\nBcc: é", 2), "a---Bcc---.2");
}
