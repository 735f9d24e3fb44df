//! One token for however many wait, renewed in time, and nobody's secret in the wrong place.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use scim_rekey::sandbox::{Kind, Options, Seen};

use crate::support::{Listener, Person, Program, Speaks, Stage, ends, faults};

const REFUSAL: &str = "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\
    Connection: close\r\n\r\n{\"error\":\"invalid_client\"}";

fn of_kind(stage: &Stage, kind: Kind) -> Vec<Seen> {
    stage.truth().requests.into_iter().filter(|seen| seen.kind == kind).collect()
}

#[test]
fn sixty_four_rows_at_once_share_one_token_request() {
    let stage = Stage::new(Person::many(64), faults(r#"{"on":"token","do":{"wait_ms":100}}"#));
    stage.finish(stage.program().args(["--concurrency", "64"])).expect(0);
    stage.check_truth();
    assert_eq!(stage.truth().token_requests, 1);
    assert_eq!(stage.summary()["requests"]["token"], 1);
}

#[test]
fn a_token_that_ends_early_is_renewed_once_however_many_wait() {
    for (on, action) in [
        ("lookup", "revoke_tokens"),
        ("lookup", "expire_token"),
        ("patch", "revoke_tokens"),
        ("patch", "expire_token"),
    ] {
        // The new token takes its time, so that all the others are refused meanwhile.
        let rules = format!(
            r#"{{"on":"{on}","skip":1,"do":"{action}"}},{{"on":"token","skip":1,"do":{{"wait_ms":300}}}}"#
        );
        let stage = Stage::new(Person::many(64), faults(&rules));
        stage.finish(stage.program().args(["--concurrency", "64"])).expect(0);
        stage.check_truth();
        let truth = stage.truth();
        assert_eq!((truth.token_requests, truth.applied.len()), (2, 64), "{on} {action}");
        assert!(truth.statuses[&401] > 1, "{:?}", truth.statuses);
    }
}

#[test]
fn a_service_that_refuses_every_token_is_asked_for_two_at_most() {
    for on in ["scim", "lookup", "patch"] {
        let rule = format!(r#"{{"on":"{on}","times":null,"do":{{"status":401}}}}"#);
        let stage = Stage::new(Person::many(30), faults(&rule));
        let finished = stage.run().expect(77);
        assert!(finished.last_line().contains("401"), "{}", finished.stderr);
        let truth = stage.truth();
        assert_eq!((truth.token_requests, truth.applied.len()), (2, 0), "{on}");
        assert_eq!(stage.outcome(31), "pending/interrupted");
        assert!(truth.requests.len() < 2 + 2 + 3 * 30, "{on}: {}", truth.requests.len());
    }
}

#[test]
fn a_short_lived_token_is_renewed_before_it_ends() {
    let stage = Stage::new(Person::many(40), Options { token_life_s: 2, ..Options::default() });
    stage.finish(stage.program().args(["--rate", "30/s"])).expect(0);
    stage.check_truth();
    let truth = stage.truth();
    assert!(!truth.statuses.contains_key(&401), "nobody used a token that had ended: {:?}", truth.statuses);
    assert!((2..=5).contains(&truth.token_requests), "{}", truth.token_requests);
    let renewals = stage.audit().iter().filter(|line| line["kind"] == "token").count() as u64;
    assert_eq!(renewals, truth.token_requests);
}

#[test]
fn the_client_shows_itself_by_basic_unless_told_otherwise() {
    // The stage's secret holds every character that form encoding and Basic trip over.
    let stage = Stage::plain(1);
    for sign in [':', '/', '+', '&', '=', '%', 'ü', ' '] {
        assert!(stage.sandbox.0.client_secret().contains(sign));
    }
    stage.run().expect(0);
    let token = of_kind(&stage, Kind::Token).remove(0);
    assert_eq!((token.method.as_str(), token.authorization.as_deref()), ("POST", Some("Basic")));
    assert_eq!(token.content_type.as_deref(), Some("application/x-www-form-urlencoded"));
    assert_eq!((token.path.as_str(), token.query.as_str()), ("/oauth/token", ""));

    let stage = Stage::plain(1);
    stage.finish(stage.program().args(["--token-auth", "body"])).expect(0);
    assert_eq!(of_kind(&stage, Kind::Token).remove(0).authorization, None);
}

/// The token request as it went over the wire, and the code that its refusal led to.
fn token_request(args: &[&str]) -> String {
    let endpoint = Listener::new(Speaks::Plain, REFUSAL);
    let stage = Stage::plain(1);
    let program = stage.program().env("GENESYS_TOKEN_URL", format!("http://{}/token", endpoint.address()));
    let program = program.env("GENESYS_CLIENT_ID", "a:b").env("GENESYS_CLIENT_SECRET", "p/+&=%ä x");
    stage.finish(program.args(args)).expect(77);
    assert!(stage.truth().requests.is_empty());
    let [request] = endpoint.heard().try_into().unwrap();
    request
}

#[test]
fn the_token_request_is_what_rfc_6749_says() {
    let request = token_request(&[]);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /token HTTP/1.1\r\n"), "{head}");
    // The base64 of `a%3Ab:p%2F%2B%26%3D%25%C3%A4+x`.
    let basic = "basic YSUzQWI6cCUyRiUyQiUyNiUzRCUyNSVDMyVBNCUyMHg=";
    assert!(head.to_lowercase().contains(&basic.to_lowercase()) && head.contains(&basic[6..]), "{head}");
    assert_eq!(body, "grant_type=client_credentials");

    let request = token_request(&["--token-auth", "body"]);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(!head.to_lowercase().contains("authorization:"), "{head}");
    let mut fields: Vec<_> = body.split('&').collect();
    fields.sort_unstable();
    let secret = "client_secret=p%2F%2B%26%3D%25%C3%A4+x";
    assert_eq!(fields, ["client_id=a%3Ab", secret, "grant_type=client_credentials"]);
}

#[test]
fn a_scope_is_sent_where_one_is_asked_for() {
    let request = token_request(&["--scope", "users:write a&b"]);
    assert!(request.ends_with("grant_type=client_credentials&scope=users%3Awrite+a%26b"), "{request}");
}

#[test]
fn an_unknown_client_is_told_to_look_at_the_region_first() {
    for auth in ["basic", "body"] {
        let stage = Stage::plain(3);
        let program = stage.program().env("GENESYS_CLIENT_SECRET", "not the secret");
        let finished = stage.finish(program.args(["--token-auth", auth])).expect(77);
        assert!(finished.last_line().contains("region first"), "{}", finished.stderr);
        let truth = stage.truth();
        assert_eq!((truth.token_requests, truth.requests.len()), (1, 1), "asked once, and nobody else");
        assert_eq!(stage.outcome(4), "pending/interrupted");
        stage.run().expect(0);
        stage.check_truth();
    }
}

#[test]
fn a_token_endpoint_that_is_rationed_is_waited_for() {
    let vendor = r#"{"on":"token","do":"rate_limit_exceeded"}"#;
    let told = r#"{"on":"token","do":{"status":400,"retry_after":"1",
        "body":{"error":"invalid_request","description":"rate limit exceeded; try again later"}}}"#;
    let plain = r#"{"on":"token","do":{"status":429,"retry_after":"1"}}"#;
    for (rule, least_ms) in [(vendor, 100), (told, 1000), (plain, 1000)] {
        let stage = Stage::new(Person::many(2), faults(rule));
        stage.run().expect(0);
        stage.check_truth();
        let tokens = of_kind(&stage, Kind::Token);
        assert_eq!(tokens.len(), 2);
        assert!(tokens[1].at_ms - tokens[0].at_ms >= least_ms, "{tokens:?}");
    }
}

#[test]
fn a_token_endpoint_that_asks_for_too_long_a_wait_ends_the_run() {
    for status in ["400", "429"] {
        let rule = format!(
            r#"{{"on":"token","times":null,"do":{{"status":{status},"retry_after":"3600",
                "body":{{"error":"invalid_request","description":"rate limit exceeded"}}}}}}"#
        );
        let stage = Stage::new(Person::many(2), faults(&rule));
        let mut running = stage.program().start();
        ends(&mut running);
        stage.wait(running).expect(75);
        assert_eq!(stage.outcome(3), "pending/throttled", "{status}");
    }
}

/// The stage's secret in a file of this mode, with this after it.
fn with_secret_file(stage: &Stage, mode: u32, after: &str) -> Program {
    let path = stage.home.path().join("secret");
    fs::write(&path, format!("{}{after}", stage.sandbox.0.client_secret())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    let program = stage.program().without_env("GENESYS_CLIENT_SECRET");
    program.arg("--client-secret-file").arg(path)
}

#[test]
fn a_secret_can_come_from_a_private_file_less_its_last_line_break() {
    for (mode, after) in [(0o600, ""), (0o600, "\n"), (0o600, "\r\n"), (0o400, "\n")] {
        let stage = Stage::plain(2);
        stage.finish(with_secret_file(&stage, mode, after)).expect(0);
        stage.check_truth();
    }
    let stage = Stage::plain(2);
    stage.finish(with_secret_file(&stage, 0o600, "\n\n")).expect(77);
}

#[test]
fn a_secret_file_that_others_can_read_is_refused() {
    for mode in [0o644, 0o640, 0o604, 0o660] {
        let stage = Stage::plain(1);
        let finished = stage.finish(with_secret_file(&stage, mode, "\n")).expect(78);
        assert!(finished.last_line().contains("chmod 600"), "{}", finished.stderr);
        assert!(stage.truth().requests.is_empty() && !stage.run_dir().exists());
    }
}

#[test]
fn a_secret_can_come_from_standard_input_unless_input_does() {
    let stage = Stage::plain(2);
    let from_stdin = |program: Program| {
        let program = program.without_env("GENESYS_CLIENT_SECRET").args(["--client-secret-file", "-"]);
        program.stdin(format!("{}\n", stage.sandbox.0.client_secret()))
    };
    stage.finish(from_stdin(stage.program())).expect(0);
    stage.check_truth();
    let both = Program::new(["run", "-", "--run-dir", stage.home.path().join("other").to_str().unwrap()]);
    let both = stage.with_env(both).args(["--client-secret-file", "-"]);
    stage.finish(both.stdin(fs::read(stage.input()).unwrap())).expect(78);
}

#[test]
fn a_token_endpoint_that_is_down_leaves_every_row_pending() {
    let stage = Stage::plain(3);
    let gone = "http://127.0.0.1:1/oauth/token";
    let program = stage.program().env("GENESYS_TOKEN_URL", gone).args(["--max-attempts", "2"]);
    let done = stage.finish(program).expect(69);
    assert!(done.last_line().contains("the connection is refused"), "{}", done.stderr);
    assert!(stage.truth().requests.is_empty());
    assert_eq!(stage.outcome(4), "pending/outage");
    stage.run().expect(0);
    stage.check_truth();

    let stage = Stage::new(Person::many(3), faults(r#"{"on":"token","times":null,"do":{"status":503}}"#));
    stage.finish(stage.program().args(["--max-attempts", "2"])).expect(69);
    let truth = stage.truth();
    assert_eq!((truth.token_requests, truth.requests.len()), (2, 2));
    assert_eq!(stage.outcome(4), "pending/outage");
}
