//! Who may ask, and what is done for whom.

use std::fs;

use super::{Served, config, program, request, wish};
use crate::support::{Canary, Stage};

#[test]
fn a_user_is_reset_with_a_password_that_nobody_reads() {
    let stage = Stage::plain(0);
    let mut served = Served::new(&stage);
    let reply = served.reset("user0@example.com", "k1");
    assert_eq!((reply.status, reply.field("outcome")), (200, "updated".into()), "{reply:?}");
    let truth = stage.truth();
    let [applied] = truth.applied.as_slice() else { panic!("{:?}", truth.applied) };
    assert_eq!(
        (&applied.user_name, &applied.user_id),
        (&"user0@example.com".into(), &reply.field("user_id"))
    );
    let passwords = served.passwords();
    assert!(passwords[0].chars().count() >= 20 && !reply.body.contains(&passwords[0]));
    let shown = served.get(&format!("/v1/resets/{}", reply.field("operation")));
    assert_eq!((shown.status, shown.field("outcome")), (200, "updated".into()));
    // The caller's word is in the log, beside what was done on it.
    let audit = stage.audit();
    let word = audit.iter().find(|line| line["kind"] == "serve_auth").unwrap();
    let word = word.to_string();
    assert!(word.contains("desk") && word.contains("127.0.0.1") && word.contains("lost the phone"), "{word}");
    assert_eq!(served.end("TERM"), 0);
    let page = fs::read_to_string(stage.run_dir().join("report.html")).unwrap();
    assert!(page.contains("<h1>The one user was changed.</h1>"), "a service that was closed is told as well");
}

#[test]
fn an_update_is_passed_or_comes_to_a_reset() {
    let stage = Stage::plain(0);
    let served = Served::new(&stage);
    let sent = Canary::password();
    stage.keep_secret(&sent);
    let id = served.reset("user0@example.com", "k1").field("user_id");
    let passed = served.update(&id, r#"{"title":"Dr"}"#);
    let message = "Update request processed without password change";
    assert_eq!((passed.status, passed.field("message")), (200, message.into()));
    assert_eq!(stage.truth().patch_requests, 1);
    let reset = served.update(&id, &serde_json::json!({ "password": sent.0 }).to_string());
    assert_eq!((reset.status, reset.field("outcome")), (200, "updated".into()), "{reset:?}");
    assert!(reset.field("message").starts_with("Temporary password set"));
    let passwords = served.passwords();
    assert!(passwords.len() == 2 && passwords[0] != passwords[1] && passwords[1] != sent.0);
}

#[test]
fn whoever_cannot_prove_himself_moves_nothing() {
    let stage = Stage::plain(0);
    let served = Served::new(&stage);
    let routes = ["/v1/resets", "/api/users/u-1/update", "/v1/resets/1", "/metrics", "/other"];
    for (path, method) in routes.iter().flat_map(|path| [(path, "POST"), (path, "GET")]) {
        let reply = served.say(&request(method, path, "", "k1", &wish("user0@example.com")));
        assert_eq!((reply.status, reply.field("code")), (401, "unauthorized".into()), "{method} {path}");
    }
    let truth = stage.truth();
    assert_eq!((truth.lookup_requests, truth.patch_requests), (0, 0));
}

#[test]
fn a_user_of_another_domain_looks_like_nobody_by_address_and_by_id() {
    let stage = Stage::plain(0);
    let served = Served::new(&stage);
    let stranger = served.reset("user0@example.test", "k1");
    assert_eq!((stranger.status, stranger.field("code")), (404, "no_such_user".into()));
    assert_eq!(stage.truth().lookup_requests, 0);
    let body = r#"{"password":"x"}"#;
    let nobody = served.update("0123-nobody", body);
    assert_eq!((nobody.status, &nobody.body), (404, &stranger.body));
    assert_eq!(stage.truth().patch_requests, 0);
}

#[test]
fn it_does_not_start_where_it_would_be_unsafe() {
    let stage = Stage::plain(0);
    let caller =
        format!("[[serve.caller]]\nid='a'\nkey_sha256=['{}']\ndomains=['example.com']\n", "ab".repeat(32));
    for (serve, said) in [
        (String::new(), "[serve]"),
        ("[serve]\n".into(), "[[serve.caller]]"),
        (format!("[serve]\nlisten='0.0.0.0:0'\n{caller}"), "serve.listen"),
        (format!("[serve]\nsecret='x'\n{caller}"), "no setting named secret"),
        (caller.replace("example.com", "*"), "serve.caller.domains"),
    ] {
        fs::write(config(&stage), &serve).unwrap();
        let done = stage.finish(program(&stage)).expect(78);
        assert!(done.last_line().contains(said), "{serve}: {}", done.stderr);
    }
    assert_eq!(stage.truth().token_requests, 0);
}
