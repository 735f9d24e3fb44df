use serde_json::{Value, json};

use super::client::{Client, SCIM, filter_path};

/// What a look-up of Ann is answered while this fault is on, and the client it went through.
fn struck(action: &str) -> (Value, Client) {
    let client = Client::scripted(&format!("{{\"on\":\"lookup\",\"do\":{action}}}"));
    let reply = client.find("ann@example.com");
    assert_eq!(reply.status, 200);
    let next = client.find("ann@example.com").json();
    assert_eq!((next["totalResults"].as_u64(), names(&next)), (Some(1), vec!["ann@example.com"]));
    (reply.json(), client)
}

fn names(list: &Value) -> Vec<&str> {
    let resources = list["Resources"].as_array().unwrap().iter();
    resources.map(|user| user["userName"].as_str().unwrap()).collect()
}

#[test]
fn a_stranger_can_be_patched_and_the_truth_shows_it() {
    let (list, client) = struck("\"wrong_user\"");
    assert_eq!(names(&list), ["somebody.else@example.com"]);
    assert_eq!(list["totalResults"], 1);
    let id = list["Resources"][0]["id"].as_str().unwrap();
    assert_eq!(client.set_password(id, "new").status, 200);
    let truth = client.sandbox.truth();
    assert_eq!(truth.applied[0].user_name, "somebody.else@example.com");
    assert!(truth.users.iter().any(|user| user.decoy && user.id == id));
}

#[test]
fn two_users_differ_by_id_and_the_same_twice_does_not() {
    let ids = |list: &Value| [0, 1].map(|n| list["Resources"][n]["id"].clone());
    let (two, _) = struck("\"two_users\"");
    assert_eq!(names(&two), ["ann@example.com"; 2]);
    assert_eq!(two["totalResults"], 2);
    assert_ne!(ids(&two)[0], ids(&two)[1]);
    let (same, _) = struck("\"same_user_twice\"");
    assert_eq!(same["totalResults"], 2);
    assert_eq!(ids(&same)[0], ids(&same)[1]);
}

#[test]
fn a_user_can_lack_an_id_or_have_any_name() {
    let (list, _) = struck("\"no_id\"");
    assert_eq!(list["Resources"][0].get("id"), None);
    for name in [json!(null), json!(["ann@example.com"]), json!("ann@example.com."), json!(7)] {
        let (list, _) = struck(&json!({"raw_user_name": name}).to_string());
        assert_eq!(list["Resources"][0]["userName"], name);
    }
    let rule = r#"{"on":"lookup","do":{"raw_user_name":"x"}}"#;
    let nobody = Client::scripted(rule).find("missing@example.com").json();
    assert_eq!((names(&nobody), nobody["totalResults"].as_u64()), (vec!["x"], Some(1)));
}

#[test]
fn the_total_can_be_a_lie() {
    let (list, _) = struck(r#"{"total_results":2}"#);
    assert_eq!((list["totalResults"].as_u64(), names(&list).len()), (Some(2), 1));
}

#[test]
fn filter_and_start_can_be_ignored() {
    let rules = r#"{"on":"lookup","skip":3,"do":"ignore_filter"},
        {"on":"lookup","skip":3,"do":"ignore_start_index"}"#;
    let client = Client::scripted(rules);
    for name in ["a", "b", "c"] {
        client.find(&format!("{name}@example.com"));
    }
    let all = client.get(&format!("{}&count=2", filter_path("d@example.com"))).json();
    assert_eq!(names(&all), ["a@example.com", "b@example.com"]);
    assert_eq!(all["totalResults"], 3);
    let first = client.get(&format!("{SCIM}/Users?startIndex=3&count=1")).json();
    assert_eq!((names(&first), first["startIndex"].as_u64()), (vec!["a@example.com"], Some(1)));
}

#[test]
fn somebody_can_deactivate_the_user_before_the_look_up() {
    let client = Client::scripted(r#"{"on":"lookup","do":"deactivate"}"#);
    let user = client.find("ann@example.com").json()["Resources"][0].clone();
    assert_eq!((user["active"].as_bool(), user["meta"]["version"].as_str()), (Some(false), Some("W/\"2\"")));
    assert!(client.sandbox.truth().applied.is_empty());
}

#[test]
fn a_rule_can_be_about_one_user_only() {
    let client = Client::scripted(r#"{"on":"any","user":"BOB@example.com","do":{"status":500}}"#);
    assert_eq!(client.find("ann@example.com").status, 200);
    assert_eq!(client.find("bob@example.com").status, 500);
    let by_id = r#"{"on":"lookup","user":"7","do":"no_id"}"#;
    let client = Client::scripted(by_id);
    client.sandbox.add_user(scim_rekey::sandbox::User::new("c@example.com").id("7"));
    assert_eq!(client.get(&format!("{SCIM}/Users/7")).json().get("id"), None);
}
