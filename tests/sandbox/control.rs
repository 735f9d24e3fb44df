use scim_rekey::sandbox::{Seen, Truth, User};

use super::client::{Client, Reply, SCIM, request};

fn send(client: &Client, method: &str, name: &str, body: &str) -> Reply {
    let headers = [("content-type", "application/json")];
    client.send(&request(method, &format!("/_sandbox/{name}"), &headers, body)).unwrap()
}

#[test]
fn the_truth_is_served_to_anybody_on_the_machine() {
    let client = Client::everyday();
    client.set_password(&client.id("ann@example.com"), "S3cret!");
    let truth: Truth = serde_json::from_slice(&send(&client, "GET", "truth", "").body).unwrap();
    assert_eq!(truth.applied[0].password.as_deref(), Some("S3cret!"));
    assert_eq!((truth.token_requests, truth.patch_requests), (1, 1));
    let seen: Vec<Seen> = serde_json::from_slice(&send(&client, "GET", "requests", "").body).unwrap();
    assert_eq!(seen.len(), 3, "requests to the sandbox itself are not the service's");
    let users: Vec<User> = serde_json::from_slice(&send(&client, "GET", "users", "").body).unwrap();
    assert_eq!(users[0].user_name, "ann@example.com");
}

#[test]
fn users_are_added_at_run_time() {
    let client = Client::everyday();
    let one = r#"{"user_name":"missing@example.com","id":"7","active":false}"#;
    assert_eq!(send(&client, "POST", "users", one).json()["ids"][0], "7");
    assert_eq!(client.id("missing@example.com"), "7");
    let two = r#"[{"user_name":"b@example.com"},{"user_name":"b@example.com"}]"#;
    assert_eq!(send(&client, "POST", "users", two).status, 201);
    assert_eq!(client.find("b@example.com").json()["totalResults"], 2);
    let wrong = send(&client, "POST", "users", r#"{"userName":"x"}"#);
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("user_name"), "{}", wrong.text());
}

#[test]
fn the_script_is_replaced_at_run_time() {
    let client = Client::everyday();
    let script = r#"{"faults":[{"on":"lookup","times":null,"do":{"status":500}}]}"#;
    assert_eq!(send(&client, "PUT", "faults", script).json()["faults"], 1);
    assert_eq!(client.find("ann@example.com").status, 500);
    assert_eq!(send(&client, "PUT", "faults", r#"{"faults":[]}"#).status, 200);
    assert_eq!(client.find("ann@example.com").status, 200);
    let wrong = send(&client, "PUT", "faults", r#"{"faults":[{"on":"x","do":"html"}]}"#);
    assert!(wrong.status == 400 && wrong.text().contains("fault 1"), "{}", wrong.text());
}

#[test]
fn pages_in_a_browser_do_not_reach_it() {
    let client = Client::everyday();
    let foreign = b"GET /_sandbox/truth HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
    assert_eq!(client.send(foreign).unwrap().status, 403);
    let form = [("content-type", "text/plain")];
    let form = request("PUT", "/_sandbox/faults", &form, "{\"faults\":[]}");
    assert_eq!(client.send(&form).unwrap().status, 415);
    assert_eq!(send(&client, "GET", "nothing", "").status, 404);
    assert_eq!(client.get(&format!("{SCIM}/Users")).status, 200);
}
