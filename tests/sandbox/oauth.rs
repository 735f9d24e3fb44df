use std::time::Duration;

use scim_rekey::sandbox::{Options, Sandbox};

use super::client::{Client, SCIM, raw, request, script, token, token_with};

fn strange_client() -> Sandbox {
    let options =
        Options { client_id: "my id".into(), client_secret: "s+c:r%t/ü".into(), ..Options::default() };
    Sandbox::start(options).unwrap()
}

const GRANT: &str = "grant_type=client_credentials";

#[test]
fn basic_credentials_are_form_encoded_first() {
    let sandbox = strange_client();
    // printf 'my+id:s%%2Bc%%3Ar%%25t%%2F%%C3%%BC' | base64
    let good = "Basic bXkraWQ6cyUyQmMlM0FyJTI1dCUyRiVDMyVCQw==";
    let reply = token_with(&sandbox, &[("authorization", good)], GRANT).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["token_type"], "bearer");
    assert_eq!(reply.json()["expires_in"], 86_400);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    // printf 'my id:s+c:r%%t/ü' | base64: what a client sends that forgets the encoding
    let plain = "Basic bXkgaWQ6cytjOnIldC/DvA==";
    let reply = token_with(&sandbox, &[("authorization", plain)], GRANT).unwrap();
    assert_eq!((reply.status, reply.json()["error"].as_str()), (401, Some("invalid_client")));
    assert!(reply.header("www-authenticate").unwrap().starts_with("Basic"));
}

#[test]
fn credentials_in_the_form_work_too_but_not_both() {
    let sandbox = strange_client();
    let form = format!("{GRANT}&client_id=my+id&client_secret=s%2Bc%3Ar%25t%2F%C3%BC");
    assert_eq!(token_with(&sandbox, &[], &form).unwrap().status, 200);
    let both = token_with(&sandbox, &[("authorization", "Basic Og==")], &form).unwrap();
    assert_eq!((both.status, both.json()["error"].as_str()), (400, Some("invalid_request")));
    let wrong = token_with(&sandbox, &[], &format!("{GRANT}&client_id=a&client_secret=b")).unwrap();
    assert_eq!((wrong.status, wrong.json()["error"].as_str()), (400, Some("invalid_client")));
}

#[test]
fn other_grants_methods_and_bodies_are_refused() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let (id, secret) = (sandbox.client_id(), sandbox.client_secret());
    let body = format!("grant_type=password&client_id={id}&client_secret={secret}");
    let reply = token_with(&sandbox, &[], &body).unwrap();
    assert_eq!(reply.json()["error"], "unsupported_grant_type");
    let json = request("POST", "/oauth/token", &[("content-type", "application/json")], "{}");
    assert_eq!(raw(&sandbox, &json).unwrap().json()["error"], "invalid_request");
    let get = raw(&sandbox, &request("GET", "/oauth/token", &[], "")).unwrap();
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
}

#[test]
fn a_good_token_is_needed_everywhere() {
    let client = Client::everyday();
    let path = format!("{SCIM}/Users");
    let bare = client.send(&request("GET", &path, &[], "")).unwrap();
    assert_eq!(bare.status, 401);
    assert!(!bare.header("www-authenticate").unwrap().contains("error"));
    let wrong = [("authorization", "Bearer made-up")];
    let wrong = client.send(&request("GET", &path, &wrong, "")).unwrap();
    assert!(wrong.header("www-authenticate").unwrap().contains("invalid_token"));
    assert_eq!(client.get(&path).status, 200);
    client.sandbox.revoke_tokens();
    assert_eq!(client.get(&path).status, 401);
}

#[test]
fn tokens_expire() {
    let client = Client::new(Options { token_life_s: 1, ..Options::default() });
    assert_eq!(client.get(&format!("{SCIM}/Users")).status, 200);
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(client.get(&format!("{SCIM}/Users")).status, 401);
}

#[test]
fn a_fault_revokes_all_tokens_or_just_one() {
    let client = Client::scripted(r#"{"on":"lookup","do":"expire_token"}"#);
    let second = token(&client.sandbox).unwrap().json();
    assert_eq!(client.find("a@example.com").status, 401);
    assert_eq!(client.find("a@example.com").status, 401);
    let other = Client { token: second["access_token"].as_str().unwrap().into(), ..client };
    assert_eq!(other.find("a@example.com").status, 200);
    other.sandbox.set_faults(script(r#"{"on":"any","do":"revoke_tokens"}"#));
    assert_eq!(other.find("a@example.com").status, 401);
    assert_eq!(other.find("a@example.com").status, 401);
}

#[test]
fn the_token_endpoint_has_a_limit_and_errors_of_its_own() {
    let client = Client::everyday();
    let rules = r#"{"on":"token","do":"rate_limit_exceeded"},
        {"on":"token","do":{"status":503,"retry_after":"7"}}"#;
    client.sandbox.set_faults(script(rules));
    let limited = token(&client.sandbox).unwrap();
    assert_eq!((limited.status, limited.json()["error"].as_str()), (400, Some("invalid_request")));
    let description = limited.json()["error_description"].as_str().unwrap().to_owned();
    assert!(description.starts_with("rate limit exceeded;"), "{description}");
    let down = token(&client.sandbox).unwrap();
    assert_eq!(down.json()["error"], "temporarily_unavailable");
    assert_eq!((down.status, down.header("retry-after")), (503, Some("7")));
    assert_eq!(token(&client.sandbox).unwrap().status, 200);
    assert!(client.sandbox.truth().requests[3].during_hold);
}
