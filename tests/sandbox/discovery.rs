use scim_rekey::sandbox::{ErrorShape, Mfa, Options};

use super::client::{Client, SCIM, request};

#[test]
fn the_service_describes_itself() {
    let client = Client::everyday();
    let config = client.get(&format!("{SCIM}/ServiceProviderConfig"));
    assert_eq!(config.header("content-type"), Some("application/scim+json"));
    assert_eq!(config.json()["etag"]["supported"], true);
    assert_eq!(config.json()["patch"]["supported"], true);
    let types = client.get("/scim/v2/ResourceTypes").json();
    assert_eq!(types["Resources"][0]["endpoint"], "/Users");
    assert_eq!(client.get("/scim/v2/ResourceTypes/User").json(), types["Resources"][0]);
    assert_eq!(client.get("/scim/v2/ResourceTypes/Group").status, 404);
    let me = client.get("/api/v2/tokens/me");
    assert_eq!(me.json()["organization"]["name"], "Sandbox");
    assert_eq!(me.json()["OAuthClient"]["id"], client.sandbox.client_id());
    assert_eq!(me.header("content-type"), Some("application/json"));
}

fn knows_mfa(knows_mfa: Mfa) -> bool {
    let client = Client::new(Options { knows_mfa, ..Options::default() });
    let text = client.get(&format!("{SCIM}/Schemas")).text();
    assert!(text.contains("\"password\"") && text.contains("\"writeOnly\""));
    text.contains("\"mfaSettings\"")
}

#[test]
fn the_schema_knows_mfa_only_where_it_is_kept() {
    assert!(knows_mfa(Mfa::Stores));
    assert!(!knows_mfa(Mfa::Ignores));
    assert!(!knows_mfa(Mfa::Refuses));
    let client = Client::everyday();
    let one = client.get(&format!("{SCIM}/Schemas/urn:ietf:params:scim:schemas:core:2.0:User"));
    assert_eq!(one.json()["name"], "User");
    assert_eq!(client.get(&format!("{SCIM}/Schemas/urn:nothing")).status, 404);
}

#[test]
fn complex_attributes_are_described_to_their_parts() {
    let schemas = Client::everyday().get(&format!("{SCIM}/Schemas")).json();
    let schemas = schemas["Resources"].as_array().unwrap();
    let attributes = schemas.iter().flat_map(|schema| schema["attributes"].as_array().unwrap());
    for attribute in attributes {
        let parts = attribute["subAttributes"].as_array();
        assert_eq!(
            attribute["type"] == "complex",
            parts.is_some_and(|parts| !parts.is_empty()),
            "{attribute}"
        );
        // Whoever asks for `attributes=id` gets no `userName`.
        assert_ne!(attribute["returned"], "always", "{attribute}");
    }
}

#[test]
fn unknown_paths_and_methods_are_refused() {
    let client = Client::everyday();
    assert_eq!(client.get("/api/v2/scim/v2/Groups").status, 404);
    let bearer = format!("Bearer {}", client.token);
    let headers = [("authorization", bearer.as_str())];
    let delete = client.send(&request("DELETE", "/scim/v2/Users/1", &headers, "")).unwrap();
    assert_eq!((delete.status, delete.header("allow")), (405, Some("GET, PATCH")));
}

#[test]
fn errors_have_the_shape_that_was_chosen() {
    let scim = Client::everyday().get("/scim/v2/Users/nobody");
    assert_eq!(scim.status, 404);
    assert_eq!(scim.json()["status"], "404");
    assert_eq!(scim.json()["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
    let options = Options { error_shape: ErrorShape::Platform, ..Options::default() };
    let platform = Client::new(options).get("/scim/v2/Users/nobody");
    let body = platform.json();
    assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(404), Some("not.found")));
    assert_eq!(body["contextId"].as_str(), platform.header("inin-correlation-id"));
    assert!(body["message"].is_string() && body["details"].is_array() && body["errors"].is_array());
}

#[test]
fn every_reply_has_a_correlation_id_of_its_own() {
    let client = Client::everyday();
    let ids = [client.find("a@example.com"), client.find("a@example.com"), client.get("/")];
    let ids = ids.each_ref().map(|reply| reply.header("inin-correlation-id").unwrap());
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
}
