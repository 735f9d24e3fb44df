//! What a webhook hears, and what its answers mean.

use std::time::Duration;

use super::super::retry::ATTEMPTS;
use super::super::settings::Way;
use super::script::{SILENCE, Server};
use super::*;

fn way(server: &Server, more: &str) -> String {
    format!("[notices.webhook]\nurl = \"http://127.0.0.1:{}/mail?x=1\"\n{more}", server.port)
}

#[tokio::test]
async fn three_keys_and_a_key_for_repeats_are_posted() {
    let server = Server::web("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "Bearer canary-4711\n").unwrap();
    let more = format!("authorization_file = {:?}", file.path());
    let postman = postman("", &way(&server, &more), PasswordInMail::No);
    postman.send(&notice(&["password".to_owned()])).await.unwrap();
    let said = &server.heard()[1];
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    for line in [
        "POST /mail?x=1 HTTP/1.1",
        "authorization: Bearer canary-4711",
        "content-type: application/json",
        "idempotency-key: 20261122T190000-000Z-1a2b.7",
    ] {
        assert!(head.lines().any(|header| header == line), "no `{line}` in {head}");
    }
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    let keys: Vec<_> = json.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["body", "subject", "to"]);
    assert_eq!(json["to"], "ann@example.com");
    assert_eq!(json["subject"], "Your A & B account was changed");
    assert!(json["body"].as_str().unwrap().contains("- the password\n"), "{body}");
    assert!(!format!("{postman:?}").contains("canary-4711"));
}

#[tokio::test]
async fn an_answer_says_whether_to_come_back() {
    let soon = Some(Duration::from_secs(7));
    for (answer, permanent, retry_after, why) in [
        ("HTTP/1.1 400 x\r\n\r\n", true, None, "the webhook refuses the notice (400)"),
        ("HTTP/1.1 404 x\r\n\r\n", true, None, "the webhook refuses the notice (404)"),
        ("HTTP/1.1 401 x\r\n\r\n", false, None, "the webhook refuses our authorization (401)"),
        ("HTTP/1.1 429 x\r\nretry-after: 7\r\n\r\n", false, soon, "the webhook puts the notice off (429)"),
        ("HTTP/1.1 503 x\r\nretry-after: x\r\n\r\n", false, None, "the webhook puts the notice off (503)"),
        ("HTTP/1.1 500 x\r\n\r\n", false, None, "the webhook puts the notice off (500)"),
        (
            "HTTP/1.1 307 x\r\nlocation: http://127.0.0.1:9/\r\n\r\n",
            true,
            None,
            "the webhook sends us elsewhere, and we do not go (307)",
        ),
        ("", false, None, "the connection to the webhook broke"),
        (SILENCE, false, None, "the webhook does not answer in time"),
    ] {
        let server = Server::web(answer);
        let mut settings = settings("", &way(&server, ""), PasswordInMail::No).unwrap();
        if let (SILENCE, Way::Webhook(webhook)) = (answer, &mut settings.way) {
            webhook.timeout = Duration::from_millis(50);
        }
        let postman = Postman::new(settings).unwrap();
        let failed = postman.send(&notice(&[])).await.unwrap_err();
        assert_eq!(failed, Undelivered { permanent, why: why.to_owned(), retry_after });
        assert_eq!(server.connections(), 1);
        assert_eq!(again_after(1, &failed, 0.0).is_none(), permanent);
        assert_eq!(again_after(ATTEMPTS, &failed, 0.0), None);
    }
}
