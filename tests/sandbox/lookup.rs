use scim_rekey::sandbox::{Directory, Options, User};
use serde_json::json;

use super::client::{Client, SCIM, filter_path};

fn listed(users: Vec<User>) -> Options {
    Options { directory: Directory::Listed(users), ..Options::default() }
}

fn total(client: &Client, path: &str) -> u64 {
    client.get(path).json()["totalResults"].as_u64().unwrap()
}

#[test]
fn a_user_is_found_by_name_and_by_id() {
    let client = Client::new(listed(vec![User::new("Ann@example.com").id("7@x")]));
    let reply = client.find("ann@EXAMPLE.com");
    let found = reply.json();
    assert_eq!(reply.header("content-type"), Some("application/scim+json"));
    assert_eq!(found["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:ListResponse");
    assert_eq!((found["totalResults"].as_u64(), found["startIndex"].as_u64()), (Some(1), Some(1)));
    assert_eq!(found["itemsPerPage"], 1);
    let user = &found["Resources"][0];
    assert_eq!(user["userName"], "Ann@example.com");
    assert_eq!(user["active"], true);
    assert_eq!(user["meta"]["version"], "W/\"1\"");
    let path = format!("{SCIM}/Users/7%40x");
    assert_eq!(user["meta"]["location"], format!("{}/Users/7@x", client.sandbox.scim_url()));
    assert_eq!(client.get(&path).json(), *user);
    assert_eq!(client.get(&path).header("etag"), Some("W/\"1\""));
    assert_eq!(total(&client, &format!("{SCIM}/users?filter=id%20eq%20%227@x%22")), 1);
    assert_eq!(total(&client, &filter_path("bob@example.com")), 0);
}

#[test]
fn names_can_be_compared_exactly() {
    let users = vec![User::new("Ann@example.com")];
    let client = Client::new(Options { case_exact: true, ..listed(users) });
    assert_eq!(total(&client, &filter_path("ann@example.com")), 0);
    assert_eq!(total(&client, &filter_path("Ann@example.com")), 1);
}

#[test]
fn other_filters_are_refused() {
    let client = Client::everyday();
    for filter in ["userName+sw+%22a%22", "userName+eq+a@b.c", "x", "userName+eq+%22a%22+or+id+eq+%22b%22"] {
        let reply = client.get(&format!("{SCIM}/Users?filter={filter}"));
        assert_eq!(reply.status, 400, "{filter}");
        assert_eq!(reply.json()["scimType"], "invalidFilter");
    }
    let reply = client.get(&format!("{SCIM}/Users?startIndex=x"));
    assert_eq!(reply.json()["scimType"], "invalidValue");
}

#[test]
fn a_quote_in_a_name_stays_inside_it() {
    let name = "x\" or userName sw \"a\\";
    let client = Client::new(listed(vec![User::new(name), User::new("a@example.com")]));
    let found = client.find(name).json();
    assert_eq!(found["totalResults"], 1);
    assert_eq!(found["Resources"][0]["userName"], name);
}

#[test]
fn a_plus_that_is_not_encoded_is_a_space() {
    let client = Client::everyday();
    let plain = format!("{SCIM}/Users?filter=userName%20eq%20%22a+b@example.com%22");
    assert_eq!(total(&client, &plain), 0);
    assert_eq!(total(&client, &filter_path("a+b@example.com")), 1);
}

#[test]
fn a_list_shows_active_users_in_pages() {
    let mut users: Vec<User> = (0..130).map(|n| User::new(format!("u{n}@example.com"))).collect();
    users[3].active = false;
    let client = Client::new(listed(users));
    let names = |query: &str| -> (u64, Vec<String>) {
        let page = client.get(&format!("{SCIM}/Users{query}")).json();
        let resources = page["Resources"].as_array().unwrap();
        assert_eq!(page["itemsPerPage"], resources.len());
        let name = |user: &serde_json::Value| user["userName"].as_str().unwrap().to_owned();
        (page["totalResults"].as_u64().unwrap(), resources.iter().map(name).collect())
    };
    assert_eq!(names("").1.len(), 25);
    assert_eq!(names("?count=1000").1.len(), 100);
    let (total, page) = names("?startIndex=3&count=2");
    assert_eq!((total, page), (129, vec!["u2@example.com".into(), "u4@example.com".into()]));
    assert_eq!(names("?startIndex=130").1.len(), 0);
    assert_eq!(names("?startIndex=-5&count=1").1, ["u0@example.com"]);
    assert_eq!(names("?count=-1").1.len(), 0);
    assert_eq!(total_of(&client, "u3@example.com"), 1);
}

fn total_of(client: &Client, name: &str) -> u64 {
    total(client, &filter_path(name))
}

#[test]
fn inactive_users_can_be_hidden_from_look_ups() {
    let users = vec![User::new("a@example.com").inactive()];
    let client = Client::new(listed(users.clone()));
    assert_eq!(total_of(&client, "a@example.com"), 1);
    let client = Client::new(Options { hide_inactive: true, ..listed(users) });
    assert_eq!(total_of(&client, "a@example.com"), 0);
}

#[test]
fn only_the_attributes_asked_for_are_shown() {
    let client = Client::everyday();
    let path = filter_path("a@example.com");
    let user = |query: &str| client.get(&format!("{path}{query}")).json()["Resources"][0].clone();
    let some = user("&attributes=userName,meta.version");
    let keys: Vec<&String> = some.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "meta", "schemas", "userName"]);
    assert_eq!(some["meta"], json!({"version": "W/\"1\""}));
    assert!(user("&excludedAttributes=meta,id").get("meta").is_none());
}

#[test]
fn large_pages_can_be_too_much() {
    let client = Client::new(Options { busy_page_over: Some(25), ..Options::default() });
    assert_eq!(client.get(&format!("{SCIM}/Users?count=26")).status, 429);
    assert_eq!(client.get(&format!("{SCIM}/Users?count=25")).status, 200);
}

#[test]
fn on_demand_names_say_what_is_to_happen() {
    let client = Client::everyday();
    assert_eq!(total_of(&client, "missing.one@example.com"), 0);
    assert_eq!(total_of(&client, "not an address"), 0);
    assert_eq!(total_of(&client, "twins@example.com"), 2);
    let stranger = client.find("stranger@example.com").json();
    assert_eq!(stranger["Resources"][0]["userName"], "somebody.else@example.com");
    let inactive = client.find("inactive@example.com").json();
    assert_eq!(inactive["Resources"][0]["active"], false);
    let ann = client.id("ann@example.com");
    assert_eq!(client.id("ANN@example.com"), ann);
    assert_eq!(Client::everyday().id("ann@example.com"), ann);
    // Twins twice, the stranger and Ann: those that were asked for and are active.
    assert_eq!(total(&client, &format!("{SCIM}/Users")), 4);
}

#[test]
fn seeded_users_come_besides_the_directory() {
    let seed = vec![User::new("missing@example.com")];
    let client = Client::new(Options { seed, ..Options::default() });
    assert_eq!(total_of(&client, "missing@example.com"), 1);
    assert_eq!(total_of(&client, "other@example.com"), 1);
}
