use scim_rekey::sandbox::{Options, PatchReply};
use serde_json::Value;

use super::client::{Client, password_op, patch_op, script};

fn on_patch(action: &str) -> Client {
    Client::scripted(&format!("{{\"on\":\"patch\",\"do\":{action}}}"))
}

#[test]
fn a_change_in_between_makes_the_version_stale() {
    let client = on_patch("\"bump_version\"");
    let id = client.id("ann@example.com");
    let patch = |tag| {
        let body = patch_op(&password_op("new"));
        client.try_patch(&id, &[("if-match", tag)], &body).unwrap().status
    };
    assert_eq!(patch("W/\"1\""), 412);
    assert_eq!(patch("W/\"2\""), 200);
    assert_eq!(client.sandbox.truth().applied.len(), 1);
}

#[test]
fn a_user_renamed_in_between_has_another_name_and_version() {
    let client = on_patch(r#"{"rename":"eve@example.com"}"#);
    let id = client.id("ann@example.com");
    let body = patch_op(&password_op("new"));
    assert_eq!(client.try_patch(&id, &[("if-match", "W/\"1\"")], &body).unwrap().status, 412);
    assert_eq!(client.id("eve@example.com"), id);
    assert!(client.sandbox.truth().applied.is_empty());
}

#[test]
fn a_user_deactivated_in_between_awakes() {
    let client = on_patch("\"deactivate\"");
    let reply = client.set_password(&client.id("ann@example.com"), "new");
    assert_eq!(reply.json()["active"], true);
    assert!(client.sandbox.truth().applied[0].reactivated);
}

#[test]
fn the_reply_can_speak_of_somebody_else() {
    let client = on_patch("\"other_id\"");
    let id = client.id("ann@example.com");
    let reply = client.set_password(&id, "new");
    assert_eq!(reply.status, 200);
    assert_ne!(reply.json()["id"], Value::from(id.clone()));
    assert_eq!(client.sandbox.truth().applied[0].user_id, id);
    let silent = Client::new(Options {
        patch_reply: PatchReply::NoContent,
        faults: script(r#"{"on":"patch","do":"other_id"}"#),
        ..Options::default()
    });
    assert!(silent.set_password(&silent.id("ann@example.com"), "new").json()["id"].is_string());
}

#[test]
fn replies_and_refusals_can_give_the_password_away() {
    let client = on_patch("\"echo_password\"");
    let reply = client.set_password(&client.id("ann@example.com"), "S3cret!");
    assert_eq!((reply.status, reply.json()["password"].as_str()), (200, Some("S3cret!")));
    let client = on_patch("\"echo_password\"");
    let reply = client.set_password(&client.id("refused@example.com"), "S3cret!");
    assert_eq!(reply.status, 400);
    assert!(reply.json()["detail"].as_str().unwrap().contains("S3cret!"));
}

#[test]
fn an_error_after_the_deed_is_not_a_refusal() {
    let client = on_patch(r#"{"status_after":502}"#);
    assert_eq!(client.set_password(&client.id("ann@example.com"), "new").status, 502);
    assert_eq!(client.sandbox.truth().applied.len(), 1);
}

#[test]
fn an_error_in_place_of_the_deed_is() {
    let client = on_patch(r#"{"status":502}"#);
    assert_eq!(client.set_password(&client.id("ann@example.com"), "new").status, 502);
    let truth = client.sandbox.truth();
    assert!(truth.applied.is_empty());
    assert_eq!(truth.faults["status"], 1);
    assert_eq!(truth.requests[2].fault.as_deref(), Some("status"));
}
