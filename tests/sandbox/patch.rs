use scim_rekey::sandbox::{Mfa, Options, PatchReply, StaleMatch, User};
use serde_json::{Value, json};

use super::client::{Client, SCIM, mfa_op, password_op, patch_op, request};

const GENESYS: &str = "urn:ietf:params:scim:schemas:extension:genesys:purecloud:2.0:User";

#[test]
fn password_and_mfa_are_set_in_one_request() {
    let client = Client::everyday();
    let id = client.id("ann@example.com");
    let mut operations = password_op("N3w! pass");
    operations.as_array_mut().unwrap().extend(mfa_op().as_array().unwrap().clone());
    let reply = client.patch(&id, &operations);
    assert_eq!((reply.status, reply.header("etag")), (200, Some("W/\"2\"")));
    assert_eq!(reply.json()["mfaSettings"]["phoneNumber"], "+15550100199");
    assert!(!reply.text().contains("N3w!"), "a password is never returned");
    let truth = client.sandbox.truth();
    let applied = &truth.applied[0];
    assert_eq!((applied.seq, truth.applied.len(), truth.applied_total), (1, 1, 1));
    assert_eq!((&applied.user_id, applied.user_name.as_str()), (&id, "ann@example.com"));
    assert_eq!(applied.password.as_deref(), Some("N3w! pass"));
    assert_eq!(applied.mfa.as_ref().unwrap()["mfaType"], "phone");
    assert_eq!(applied.version, 2);
    assert_eq!(truth.users[0].password.as_deref(), Some("N3w! pass"));
}

#[test]
fn a_patch_is_all_or_nothing() {
    let client = Client::everyday();
    let id = client.id("ann@example.com");
    let mut operations = password_op("new");
    let bad = json!({"op": "replace", "path": "shoeSize", "value": 42});
    operations.as_array_mut().unwrap().push(bad);
    let reply = client.patch(&id, &operations);
    assert_eq!((reply.status, reply.json()["scimType"].as_str()), (400, Some("invalidPath")));
    let truth = client.sandbox.truth();
    assert!(truth.applied.is_empty() && truth.users[0].password.is_none());
    assert_eq!(truth.users[0].version, 1);
}

#[test]
fn what_a_replacement_does_not_name_stays_as_it_was() {
    let client = Client::everyday();
    let id = client.id("ann@example.com");
    client.patch(&id, &mfa_op());
    let off = json!([{"op": "replace", "path": "mfaSettings", "value": {"enabled": false}}]);
    let shown = client.patch(&id, &off).json()["mfaSettings"].clone();
    assert_eq!((&shown["enabled"], &shown["phoneNumber"]), (&json!(false), &json!("+15550100199")));
    let set = |emails: Value| json!([{"op": "replace", "path": "emails", "value": emails}]);
    client.patch(&id, &set(json!([{"value": "a@example.com"}, {"value": "b@example.com"}])));
    let one = json!([{"value": "c@example.com"}]);
    assert_eq!(client.patch(&id, &set(one.clone())).json()["emails"], one, "several values are replaced");
}

#[test]
fn an_extension_can_be_removed_as_a_whole() {
    let client = Client::everyday();
    let id = client.id("ann@example.com");
    let skills = json!([{"name": "Spanish", "proficiency": 5.0}]);
    let set = json!([{"op": "add", "path": GENESYS, "value": {"routingSkills": skills}}]);
    assert_eq!(client.patch(&id, &set).json()[GENESYS]["routingSkills"], skills);
    let reply = client.patch(&id, &json!([{"op": "remove", "path": GENESYS}]));
    assert_eq!((reply.status, reply.json().get(GENESYS)), (200, None));
    assert_eq!(reply.json()["schemas"].as_array().unwrap().len(), 1);
    let core = json!([{"op": "remove", "path": "urn:ietf:params:scim:schemas:core:2.0:User"}]);
    assert_eq!(client.patch(&id, &core).status, 400);
}

#[test]
fn a_success_can_be_silent() {
    let client = Client::new(Options { patch_reply: PatchReply::NoContent, ..Options::default() });
    let reply = client.set_password(&client.id("ann@example.com"), "new");
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert_eq!(reply.header("etag"), Some("W/\"2\""));
}

#[test]
fn services_differ_in_what_they_make_of_mfa() {
    let with = |knows_mfa| Client::new(Options { knows_mfa, ..Options::default() });
    let ignores = with(Mfa::Ignores);
    let reply = ignores.patch(&ignores.id("ann@example.com"), &mfa_op());
    assert_eq!(reply.status, 200);
    assert!(reply.json().get("mfaSettings").is_none());
    assert!(ignores.sandbox.truth().applied.is_empty(), "nothing was changed");
    let refuses = with(Mfa::Refuses);
    let reply = refuses.patch(&refuses.id("ann@example.com"), &mfa_op());
    assert_eq!((reply.status, reply.json()["scimType"].as_str()), (400, Some("invalidPath")));
}

#[test]
fn the_mfa_attribute_may_live_elsewhere() {
    let mfa_path = format!("{GENESYS}:mfa");
    let client = Client::new(Options { mfa_path: mfa_path.clone(), ..Options::default() });
    let id = client.id("ann@example.com");
    let phone = json!([{"op": "add", "path": format!("{mfa_path}.phoneNumber"), "value": "+15550100199"}]);
    let reply = client.patch(&id, &phone).json();
    assert_eq!(reply[GENESYS]["mfa"]["phoneNumber"], "+15550100199");
    assert!(reply["schemas"].as_array().unwrap().contains(&GENESYS.into()));
    assert_eq!(client.patch(&id, &mfa_op()).status, 400);
}

#[test]
fn malformed_values_are_refused() {
    let client = Client::everyday();
    let id = client.id("ann@example.com");
    let refused = |operation: Value| {
        let reply = client.patch(&id, &json!([operation]));
        assert_eq!(reply.status, 400, "{operation}");
        reply.json()["scimType"].as_str().unwrap().to_owned()
    };
    let set = |path: &str, value: Value| json!({"op": "replace", "path": path, "value": value});
    assert_eq!(refused(set("password", json!(""))), "invalidValue");
    assert_eq!(refused(set("password", json!(1))), "invalidValue");
    assert_eq!(refused(set("active", json!("false"))), "invalidValue");
    assert_eq!(refused(set("mfaSettings", json!({"phoneNumber": "0123"}))), "invalidValue");
    assert_eq!(refused(set("mfaSettings.enabled", json!("yes"))), "invalidValue");
    assert_eq!(refused(set("id", json!("x"))), "mutability");
    assert_eq!(refused(set("a b", json!("x"))), "invalidPath");
    assert_eq!(refused(set("emails[type eq \"work\"].value", json!("x"))), "noTarget");
    assert_eq!(refused(json!({"op": "move", "path": "title"})), "invalidSyntax");
    assert_eq!(refused(json!({"op": "remove"})), "noTarget");
    assert!(client.sandbox.truth().applied.is_empty());
}

#[test]
fn messages_and_media_types_are_checked() {
    let client = Client::everyday();
    let id = client.id("ann@example.com");
    for body in ["", "{", "[]", "{\"schemas\":[],\"Operations\":[]}", "{\"Operations\":[{}]}"] {
        let reply = client.try_patch(&id, &[], body).unwrap();
        assert_eq!(reply.json()["scimType"], "invalidSyntax", "{body}");
    }
    let bearer = format!("Bearer {}", client.token);
    let status = |media: &str| {
        let headers = [("authorization", bearer.as_str()), ("content-type", media)];
        let body = patch_op(&password_op("new"));
        let request = request("PATCH", &format!("{SCIM}/Users/{id}"), &headers, &body);
        client.send(&request).unwrap().status
    };
    assert_eq!(status("text/plain"), 415);
    assert_eq!(status("application/json; charset=utf-8"), 200);
    assert_eq!(status("Application/SCIM+json"), 200);
    assert_eq!(client.set_password("nobody", "new").status, 404);
    let long = client.set_password(&id, &"x".repeat(1 << 20));
    assert_eq!(long.status, 413);
}

#[test]
fn other_attributes_are_added_replaced_and_removed() {
    let client = Client::everyday();
    let id = client.id("ann@example.com");
    let phone = |kind: &str, value: &str| json!({"type": kind, "value": value});
    let reply = client.patch(
        &id,
        &json!([
            {"op": "replace", "value": {"title": "Chief", GENESYS: {"routingSkills": ["a"]}}},
            {"op": "add", "path": "phoneNumbers", "value": [phone("mobile", "1")]},
            {"op": "add", "path": "phoneNumbers", "value": [phone("work", "2")]},
            {"op": "replace", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "3"},
            {"op": "add", "path": "name.familyName", "value": "Lee"},
        ]),
    );
    let user = reply.json();
    assert_eq!(user["title"], "Chief");
    assert_eq!(user[GENESYS]["routingSkills"], json!(["a"]));
    assert_eq!(user["phoneNumbers"], json!([phone("mobile", "3"), phone("work", "2")]));
    assert_eq!(user["name"]["familyName"], "Lee");
    let reply = client.patch(
        &id,
        &json!([
            {"op": "remove", "path": "TITLE"},
            {"op": "remove", "path": "phoneNumbers[type eq \"work\"]"},
        ]),
    );
    assert_eq!(reply.json().get("title"), None);
    assert_eq!(reply.json()["phoneNumbers"].as_array().unwrap().len(), 1);
    let attributes = &client.sandbox.truth().applied[1].attributes;
    assert_eq!(attributes["title"], Value::Null);
}

#[test]
fn names_change_but_never_to_one_that_is_taken() {
    let client = Client::everyday();
    let (ann, _bob) = (client.id("ann@example.com"), client.id("bob@example.com"));
    let rename =
        |name: &str| client.patch(&ann, &json!([{"op": "replace", "path": "userName", "value": name}]));
    let taken = rename("BOB@example.com");
    assert_eq!((taken.status, taken.json()["scimType"].as_str()), (409, Some("uniqueness")));
    assert_eq!(rename("ann.lee@example.com").status, 200);
    assert_eq!(client.id("ann.lee@example.com"), ann);
    let old = client.find("ann@example.com").json();
    assert_eq!(old["totalResults"], 0, "nobody bears the old name");
}

#[test]
fn unknown_paths_can_be_dropped_or_made_known() {
    let shoes = json!([{"op": "replace", "path": "shoeSize", "value": 42}]);
    let client = Client::new(Options { ignore_unknown_paths: true, ..Options::default() });
    assert_eq!(client.patch(&client.id("ann@example.com"), &shoes).status, 200);
    assert!(client.sandbox.truth().applied.is_empty());
    let extra_attributes = vec!["shoeSize".into()];
    let client = Client::new(Options { extra_attributes, ..Options::default() });
    let reply = client.patch(&client.id("ann@example.com"), &shoes);
    assert_eq!(reply.json()["shoeSize"], 42);
}

fn stale(options: Options) -> (u16, Value) {
    let client = Client::new(options);
    let id = client.id("ann@example.com");
    let with = |tag: &str| {
        let body = patch_op(&password_op("new"));
        client.try_patch(&id, &[("if-match", tag)], &body).unwrap()
    };
    assert_eq!(with("W/\"1\"").status, 200);
    assert_eq!(with("*").status, 200);
    assert_eq!(with("\"0\", \"3\"").status, 200);
    let reply = with("W/\"1\"");
    (reply.status, reply.json())
}

#[test]
fn a_stale_version_is_a_conflict_of_the_chosen_kind() {
    let with = |stale_match| stale(Options { stale_match, ..Options::default() });
    assert_eq!(with(StaleMatch::PreconditionFailed).0, 412);
    let (status, body) = with(StaleMatch::InvalidVers);
    assert_eq!((status, body["scimType"].as_str()), (400, Some("invalidVers")));
    assert_eq!(with(StaleMatch::Conflict).0, 409);
}

#[test]
fn versions_can_be_unknown_to_the_service() {
    let (status, user) = stale(Options { etag: false, ..Options::default() });
    assert_eq!(status, 200);
    assert!(user["meta"].get("version").is_none());
}

#[test]
fn an_inactive_user_is_patched_and_awakes() {
    let seed = || vec![User::new("a@example.com").inactive()];
    let client = Client::new(Options { seed: seed(), ..Options::default() });
    let reply = client.set_password(&client.id("a@example.com"), "new");
    assert_eq!(reply.json()["active"], true);
    assert!(client.sandbox.truth().applied[0].reactivated);
    let options = Options { seed: seed(), reactivates: false, ..Options::default() };
    let client = Client::new(options);
    let reply = client.set_password(&client.id("a@example.com"), "new");
    assert_eq!(reply.json()["active"], false);
}
