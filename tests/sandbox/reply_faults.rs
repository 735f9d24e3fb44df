use super::client::{Client, Reply, SCIM};

fn struck(action: &str) -> Reply {
    let client = Client::scripted(&format!("{{\"on\":\"lookup\",\"do\":{action}}}"));
    client.find("ann@example.com")
}

#[test]
fn any_status_with_any_headers_and_body() {
    let plain = struck(r#"{"status":503,"retry_after":"soon"}"#);
    assert_eq!((plain.status, plain.header("retry-after")), (503, Some("soon")));
    assert_eq!(plain.json()["status"], "503");
    let text = struck(r#"{"status":418,"body":"short","headers":{"Content-Type":"text/x"}}"#);
    assert_eq!((text.text().as_str(), text.header("content-type")), ("short", Some("text/x")));
    let json = struck(r#"{"status":400,"body":{"a":1}}"#);
    assert_eq!(json.json()["a"], 1);
    let twice = struck(r#"{"status":429,"headers":{"Retry-After":["1","9"]}}"#);
    let values = twice.headers.iter().filter(|(name, _)| name == "retry-after");
    assert_eq!(values.count(), 2);
    assert_eq!(twice.json()["code"], "too.many.requests");
    let empty = struck(r#"{"status":401,"body":""}"#);
    assert_eq!((empty.status, empty.body.len()), (401, 0));
}

#[test]
fn redirections() {
    let reply = struck(r#"{"redirect":"http://127.0.0.1:9/x"}"#);
    assert_eq!((reply.status, reply.header("location")), (307, Some("http://127.0.0.1:9/x")));
    assert_eq!(struck(r#"{"redirect":"http://127.0.0.1:9/x","status":301}"#).status, 301);
}

#[test]
fn bodies_that_are_no_scim() {
    let garbage = struck("\"garbage\"");
    assert_eq!((garbage.status, garbage.header("content-type")), (200, Some("application/scim+json")));
    assert!(serde_json::from_slice::<serde_json::Value>(&garbage.body).is_err());
    let html = struck("\"html\"");
    assert_eq!((html.status, html.header("content-type")), (200, Some("text/html")));
    assert!(html.text().contains("<form"));
    let deep = struck(r#"{"deep":100000}"#).text();
    assert_eq!(deep.matches('[').count(), 100_000);
    assert!(deep.ends_with("]}"));
}

#[test]
fn a_huge_body_is_streamed_in_chunks() {
    for bytes in [111_usize, 65_536, 1_000_000] {
        let reply = struck(&format!("{{\"huge\":{bytes}}}"));
        assert_eq!((reply.status, reply.header("transfer-encoding")), (200, Some("chunked")));
        let body = dechunked(&reply.body);
        assert_eq!(body.len(), bytes);
        let list: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(list["totalResults"], 0);
    }
}

fn dechunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n").unwrap();
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        body.extend(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + size + 4..];
        if size == 0 {
            assert!(rest.is_empty());
            return body;
        }
    }
}

#[test]
fn other_endpoints_can_be_struck_too() {
    let client = Client::scripted(r#"{"on":"config","do":{"status":403}}"#);
    assert_eq!(client.find("ann@example.com").status, 200);
    assert_eq!(client.get("/api/v2/tokens/me").status, 403);
    assert_eq!(client.get(&format!("{SCIM}/Schemas")).status, 200);
}
