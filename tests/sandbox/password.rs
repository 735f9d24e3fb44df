use scim_rekey::sandbox::{Options, User};

use super::client::{Client, Reply};

fn detail(reply: &Reply) -> String {
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["scimType"], "invalidValue");
    reply.json()["detail"].as_str().unwrap().to_owned()
}

#[test]
fn a_password_changed_a_moment_ago_is_locked() {
    let client = Client::everyday();
    let reply = client.set_password(&client.id("recent.one@example.com"), "new");
    let detail = detail(&reply);
    let until = detail.strip_prefix("password cannot be changed until ").unwrap();
    let until: jiff::Timestamp = until.parse().expect("RFC 3339");
    assert!(until > jiff::Timestamp::now());
    assert!(client.sandbox.truth().applied.is_empty());
}

#[test]
fn a_minimum_age_holds_after_each_change() {
    let client = Client::new(Options { min_password_age_s: 600, ..Options::default() });
    let id = client.id("ann@example.com");
    assert_eq!(client.set_password(&id, "one").status, 200);
    assert!(detail(&client.set_password(&id, "one")).contains("cannot be changed until"));
    assert_eq!(client.sandbox.truth().applied.len(), 1);
}

#[test]
fn a_policy_can_refuse_everything() {
    let client = Client::everyday();
    let reply = client.set_password(&client.id("refused@example.com"), "S3cret!");
    assert_eq!(detail(&reply), "password does not meet the policy");
    assert!(!reply.text().contains("S3cret!"));
}

#[test]
fn a_history_refuses_what_was_used_before() {
    let seed = vec![User::new("a@example.com").password("zero")];
    let client = Client::new(Options { seed, history: true, ..Options::default() });
    let id = client.id("a@example.com");
    assert_eq!(detail(&client.set_password(&id, "zero")), "password was used before");
    assert_eq!(client.set_password(&id, "one").status, 200);
    assert_eq!(client.set_password(&id, "two").status, 200);
    assert_eq!(client.set_password(&id, "one").status, 400);
    assert_eq!(client.set_password(&id, "two").status, 400);
    let client = Client::everyday();
    let id = client.id("a@example.com");
    assert_eq!(client.set_password(&id, "one").status, 200);
    assert_eq!(client.set_password(&id, "one").status, 200);
}
