//! What is refused: settings, requests, and what no request should do.

use super::super::problem::Kind;
use super::super::routes::OPENAPI;
use super::*;

#[test]
fn a_service_does_not_start_with_settings_like_these() {
    let digest = "ab".repeat(32);
    let caller = format!("[[caller]]\nid = 'a'\nkey_sha256 = ['{digest}']\ndomains = ['example.com']\n");
    assert!(rules(&caller).is_ok());
    for (table, said) in [
        (String::new(), "[[serve.caller]] is missing"),
        (format!("listen = '0.0.0.0:1'\n{caller}"), "serve.listen is no loopback address"),
        (format!("listen = '[::]:1'\n{caller}"), "serve.listen is no loopback address"),
        (format!("tls_key = '/nowhere'\n{caller}"), "serve.tls_certificate is missing"),
        (format!("tls_certificate = '/nowhere'\n{caller}"), "serve.tls_key is missing"),
        (format!("client_ca = '/nowhere'\n{caller}"), "serve.client_ca needs"),
        (
            format!("tls_certificate = '/nowhere'\ntls_key = '/nowhere'\n{caller}"),
            "serve.tls_certificate cannot be read",
        ),
        (format!("{caller}{caller}"), "serve.caller.id is given to two"),
        (format!("{caller}{}", caller.replace("'a'", "'b'")), "serve.caller.key_sha256 stands twice"),
        (caller.replace(&digest, &digest[1..]), "serve.caller.key_sha256 must be"),
        (caller.replace(&digest, CANARY), "serve.caller.key_sha256 must be"),
        (caller.replace(&format!("['{digest}']"), "[]"), "serve.caller.key_sha256 is missing"),
        (caller.replace("example.com", "*.example.com"), "serve.caller.domains must be"),
        (caller.replace("['example.com']", "[]"), "serve.caller.domains must be"),
        (caller.replace("'a'", "'a b'"), "serve.caller.id must be"),
        (format!("{caller}expires = 'soon'"), "serve.caller.expires must be"),
        (format!("{caller}requests_per_minute = 0"), "serve.caller.requests_per_minute must be"),
        (
            format!("{caller}client_certificate_sha256 = ['{digest}']"),
            "serve.caller.client_certificate_sha256 needs",
        ),
        (format!("{caller}[limits]\nqueue = 0"), "serve.limits.queue must be"),
        (format!("{caller}[timeouts]\nbody = 0"), "serve.timeouts.body must be"),
        (format!("attributes = ['password']\n{caller}"), "serve.attributes names"),
        (format!("{caller}password = '{CANARY}'"), "[serve] knows no setting named password"),
        (format!("{caller}[limits]\nqueue = '{CANARY}'"), "serve.limits.queue has a value"),
        (caller.replace("domains", "domain"), "[serve] knows no setting named domain"),
    ] {
        let words = rules(&table).err().unwrap_or_else(|| panic!("{table}")).to_string();
        assert!(words.starts_with(said), "{words} for {table}");
        assert!(!words.contains(CANARY) && !words.contains(&digest[1..]), "{words}");
    }
}

#[tokio::test]
async fn a_request_that_is_not_as_it_should_be_reaches_nobody() {
    let house = House::new().await;
    let whole = wish("ann@example.com");
    let deep = format!("{{\"email\":{}1{}}}", "[".repeat(20), "]".repeat(20));
    for (body, status, code) in [
        (format!("{whole}{}", " ".repeat(16 * 1024)), 413, "too_large"),
        (deep, 400, "too_deep"),
        ("{".into(), 400, "invalid_json"),
        (whole.replace('}', &format!(",\"password\":\"{CANARY}\"}}")), 422, "invalid_request"),
        (whole.replace("ann@example.com", CANARY), 422, "invalid_request"),
        (whole.replace("lost", "\\u001b"), 422, "invalid_request"),
        (whole.replace("lost the phone", ""), 422, "invalid_request"),
        (whole.replace("lost", &"x".repeat(257)), 422, "invalid_request"),
    ] {
        let reply = house.post("/v1/resets", &house.key, "k1", &body).await;
        assert_eq!(reply.refusal(), (status, code.into()), "{body:.80}");
    }
    let request = post("/v1/resets", &house.key, "k1", &whole);
    for (from, to, status, code) in [
        ("application/json", "text/plain", 415, "not_json"),
        ("Content-Type", "X-Type", 415, "not_json"),
        ("Host: x", "Host: x\r\nContent-Encoding: gzip", 415, "not_json"),
        ("Idempotency-Key: k1", "Idempotency-Key: a b", 400, "invalid_idempotency_key"),
        ("POST", "PUT", 405, "method_not_allowed"),
        ("/v1/resets", "/v1/resets/", 404, "not_found"),
    ] {
        let reply = house.say(&request.replacen(from, to, 1)).await;
        assert_eq!(reply.refusal(), (status, code.into()), "{from} {to}");
        assert!(status != 405 || reply.header("allow") == Some("POST"), "{reply:?}");
    }
    assert_eq!(house.asked(), 0);
    // All of it was the request's fault.
    assert_eq!(house.say(&request).await.status, 200);
}

#[tokio::test]
async fn a_body_without_a_length_is_counted_as_it_comes() {
    let house = House::new().await;
    let head =
        post("/v1/resets", &house.key, "k1", "").replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
    let reply = house.say(&format!("{head}{}0\r\n\r\n", chunk.repeat(5))).await;
    assert_eq!(reply.refusal(), (413, "too_large".into()));
    // Without an end, it is not waited for.
    let endless = house.say(&format!("{head}{}", chunk.repeat(257))).await;
    assert_eq!(endless.refusal(), (413, "too_large".into()));
    let whole = wish("ann@example.com");
    let reply = house.say(&format!("{head}{:x}\r\n{whole}\r\n0\r\n\r\n", whole.len())).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn a_panic_is_an_answer_and_the_next_request_finds_all_in_order() {
    let house = House::new().await;
    assert_eq!(house.get("/panic", "").await.refusal(), (500, "internal".into()));
    assert_eq!(house.get("/healthz", "").await.body, "ok\n");
}

#[tokio::test]
async fn a_service_that_takes_no_resets_says_so() {
    let house = House::new().await;
    house.ready.send_replace(false);
    let reply = house.get("/readyz", "").await;
    assert_eq!(reply.refusal(), (503, "not_ready".into()));
    assert_eq!(house.get("/healthz", "").await.status, 200);
}

#[test]
fn the_description_names_every_refusal_and_every_outcome() {
    let description: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
    let schemas = &description["components"]["schemas"];
    let listed = |values: &serde_json::Value| {
        let values = values["enum"].as_array().unwrap().iter();
        values.map(|value| value.as_str().unwrap().to_owned()).collect::<std::collections::BTreeSet<_>>()
    };
    let codes = Kind::ALL.iter().map(|kind| kind.words().1.to_owned()).collect();
    assert_eq!(listed(&schemas["Problem"]["properties"]["code"]), codes);
    let settled = &schemas["Settled"]["properties"];
    let served = Outcome::ALL.iter().filter(|outcome| !matches!(outcome, Outcome::WouldUpdate));
    assert_eq!(listed(&settled["outcome"]), served.clone().map(|known| known.family().to_owned()).collect());
    assert_eq!(listed(&settled["reason"]), served.map(|known| known.reason().to_owned()).collect());
    assert_eq!(listed(&settled["mfa"]), Mfa::ALL.iter().map(|known| known.word().to_owned()).collect());
    let statuses: std::collections::BTreeSet<_> =
        Kind::ALL.iter().map(|kind| kind.words().0.to_string()).filter(|status| status != "405").collect();
    let post = description["paths"]["/v1/resets"]["post"]["responses"].as_object().unwrap();
    assert_eq!(statuses.iter().find(|status| !post.contains_key(*status)), None);
}
