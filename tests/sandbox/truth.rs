use scim_rekey::sandbox::{Kind, Options, Sandbox, Truth};

use super::client::{Client, SCIM, password_op, patch_op};

#[test]
fn requests_are_kept_in_order_of_arrival() {
    let client = Client::everyday();
    let id = client.id("ann@example.com");
    let body = patch_op(&password_op("new"));
    client.try_patch(&id, &[("if-match", "W/\"1\""), ("accept", "x/y")], &body).unwrap();
    client.get(&format!("{SCIM}/Schemas?x=1"));
    let truth = client.sandbox.truth();
    let kinds: Vec<Kind> = truth.requests.iter().map(|seen| seen.kind).collect();
    assert_eq!(kinds, [Kind::Token, Kind::Lookup, Kind::Patch, Kind::Other]);
    let patch = &truth.requests[2];
    assert_eq!((patch.method.as_str(), patch.status), ("PATCH", 200));
    assert_eq!(patch.path, format!("{SCIM}/Users/{id}"));
    assert_eq!(patch.user.as_deref(), Some("ann@example.com"));
    assert_eq!(patch.authorization.as_deref(), Some("Bearer"));
    assert_eq!(patch.if_match.as_deref(), Some("W/\"1\""));
    assert_eq!(patch.content_type.as_deref(), Some("application/scim+json"));
    assert_eq!(patch.accept.as_deref(), Some("x/y"));
    assert_eq!(patch.user_agent.as_deref(), Some("test/1"));
    let lookup = &truth.requests[1];
    assert_eq!((lookup.user.as_deref(), lookup.content_type.as_deref()), (Some("ann@example.com"), None));
    assert!(lookup.query.starts_with("filter=userName"));
    assert_eq!(truth.requests[3].query, "x=1");
    assert!(truth.requests.is_sorted_by_key(|seen| seen.at_ms));
}

#[test]
fn counts_go_on_where_entries_end() {
    let options = Options { keep_requests: 3, keep_changes: 1, ..Options::default() };
    let client = Client::new(options);
    let id = client.id("ann@example.com");
    for _ in 0..3 {
        client.set_password(&id, "new");
    }
    let truth = client.sandbox.truth();
    assert_eq!((truth.requests.len(), truth.requests_not_kept), (3, 2));
    assert_eq!((truth.applied.len(), truth.applied_total), (1, 3));
    assert_eq!((truth.token_requests, truth.lookup_requests, truth.patch_requests), (1, 1, 3));
    assert_eq!(truth.statuses[&200], 5);
}

#[test]
fn the_truth_survives_being_written_down() {
    let client = Client::everyday();
    client.set_password(&client.id("recent@example.com"), "new");
    client.set_password(&client.id("ann@example.com"), "new");
    let truth = client.sandbox.truth();
    let text = serde_json::to_string(&truth).unwrap();
    assert!(!text.contains(&client.token), "no token is kept");
    assert_eq!(serde_json::from_str::<Truth>(&text).unwrap(), truth);
}

#[test]
fn sandboxes_do_not_know_each_other() {
    let (one, two) = (Client::everyday(), Client::everyday());
    assert_ne!(one.sandbox.client_secret(), two.sandbox.client_secret());
    one.find("ann@example.com");
    assert_eq!(two.sandbox.truth().lookup_requests, 0);
    let port = one.sandbox.base_url().rsplit(':').next().unwrap().parse().unwrap();
    let taken = Sandbox::start(Options { port, ..Options::default() });
    assert!(taken.is_err());
    one.sandbox.stop();
    let again = Sandbox::start(Options { port, ..Options::default() });
    assert!(again.is_ok(), "the port is free again");
}
