//! What is asked and answered, once the caller is known.

use super::super::answer::{Route, UNCHANGED, respond};
use super::super::routes::OPENAPI;
use super::*;
use crate::domain::outcome::{Doubt, Skip};

#[tokio::test]
async fn a_reset_is_asked_for_and_its_end_is_told() {
    let house = House::new().await;
    let reply = house.reset("Ann@EXAMPLE.com", "k1").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let words = ["operation", "outcome", "reason", "mfa", "user_id", "notice"].map(|name| reply.field(name));
    assert_eq!(words, ["desk-1", "updated", "", "", "id-1", "sent"]);
    assert_eq!(
        (reply.header("content-type"), reply.header("cache-control")),
        (Some("application/json"), Some("no-store"))
    );
    // Nothing more, and all of it described.
    let described: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
    let described = &described["components"]["schemas"]["Settled"]["properties"];
    let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    assert!(body.as_object().unwrap().keys().eq(described.as_object().unwrap().keys()), "{body}");
    let asked = house.desk.asked.lock().unwrap();
    let [reset] = asked.as_slice() else { panic!("{asked:?}") };
    assert!(matches!(&reset.who, Who::Email(email) if email.as_str() == "Ann@EXAMPLE.com"));
    assert_eq!((reset.caller.as_str(), reset.reason.as_str()), ("desk", "lost the phone"));
    assert_eq!((&*reset.domains, reset.source), (&["Example.com".to_owned()][..], [127, 0, 0, 1].into()));
}

#[tokio::test]
async fn the_same_key_brings_the_same_answer_and_no_other_reset() {
    let house = House::new().await;
    let first = house.reset("ann@example.com", "k1").await;
    // Quotes, blanks and order make no other request of it.
    let body = r#"{ "reason":"lost the phone", "email":"ann@example.com" }"#;
    let again = house.post("/v1/resets", &house.key, "\"k1\"", body).await;
    assert_eq!((first.body.as_str(), first.header("idempotency-replayed")), (again.body.as_str(), None));
    assert_eq!((again.status, again.header("idempotency-replayed")), (200, Some("true")));
    let other = house.reset("bob@example.com", "k1").await.refusal();
    assert_eq!(other, (422, "idempotency_key_reused".into()));
    assert_eq!(house.reset("ann@example.com", "").await.refusal(), (400, "missing_idempotency_key".into()));
    assert_eq!(house.asked(), 1);
    // The key of another caller is another key.
    let wish = wish("ann@example.test");
    assert_eq!(house.post("/v1/resets", &house.other_key, "k1", &wish).await.status, 200);
}

#[tokio::test]
async fn a_repeat_during_the_work_is_told_to_wait() {
    let house = House::new().await;
    let (first, second) = tokio::join!(house.reset("slow@example.com", "k1"), async {
        house.desk.waiting.notified().await;
        let second = house.reset("slow@example.com", "k1").await;
        house.desk.release.notify_one();
        second
    });
    assert_eq!(first.status, 200);
    assert_eq!((second.refusal(), second.header("retry-after")), ((409, "in_flight".into()), Some("2")));
    assert_eq!(house.asked(), 1);
}

#[tokio::test]
async fn who_is_out_of_bounds_looks_like_nobody() {
    let house = House::new().await;
    let stranger = house.reset("ann@example.test", "k1").await;
    let nobody = house.reset("gone@example.com", "k2").await;
    assert_eq!((stranger.status, &stranger.body), (404, &nobody.body));
    assert_eq!(house.asked(), 1);
    for wrong in ["ann@sub.example.com", "ann@example.com.test", "ann@xexample.com"] {
        assert_eq!(house.reset(wrong, "k3").await.refusal(), (404, "no_such_user".into()), "{wrong}");
    }
    let id = house.post("/api/users/gone/update", &house.key, "", r#"{"password":1}"#).await;
    assert_eq!(id.body, nobody.body);
}

#[tokio::test]
async fn an_operation_is_shown_to_its_caller_only() {
    let house = House::new().await;
    for email in ["ann@example.com", "running@example.com"] {
        house.reset(email, email).await;
    }
    let show = async |operation: &str, key: &str| house.get(&format!("/v1/resets/{operation}"), key).await;
    let own = show("desk-1", &house.key).await;
    assert_eq!((own.status, own.field("outcome")), (200, "updated".into()));
    let running = show("desk-2", &house.key).await;
    assert_eq!((running.status, running.field("reason")), (200, "in_progress".into()));
    for (operation, key) in [("desk-1", &house.other_key), ("desk-9", &house.key), ("a%2f%00b", &house.key)] {
        assert_eq!(show(operation, key).await.refusal(), (404, "no_such_operation".into()), "{operation}");
    }
}

#[tokio::test]
async fn what_takes_long_is_accepted_and_asked_for_later() {
    let house = House::new().await;
    let reply = house.reset("running@example.com", "k1").await;
    assert_eq!((reply.status, reply.field("outcome")), (202, "pending".into()));
    assert_eq!(reply.header("location"), Some("/v1/resets/desk-1"));
    assert!(reply.header("retry-after").is_some());
}

#[tokio::test]
async fn an_update_without_a_password_changes_nothing() {
    let house = House::new().await;
    for body in ["{}", r#"{"title":"x","unheard":{"of":[1]}}"#, r#"{"Password":"x"}"#] {
        let reply = house.post("/api/users/u-1/update", &house.key, "", body).await;
        assert_eq!((reply.status, reply.field("message")), (200, UNCHANGED.into()), "{body}");
    }
    assert_eq!(house.asked(), 0);
}

#[tokio::test]
async fn an_update_with_a_password_has_one_made() {
    let house = House::new().await;
    let update = async |key: &str, body: &str| {
        house.post("/api/users/u-1/update", &house.key, key, &body.replace("CANARY", CANARY)).await
    };
    let reply = update("k1", r#"{"password":"CANARY","title":"Dr"}"#).await;
    assert_eq!(reply.field("message"), "Temporary password set and notification sent");
    assert_eq!((reply.status, reply.field("operation")), (200, "desk-1".into()));
    {
        let asked = format!("{:?}", house.desk.asked.lock().unwrap());
        assert!(
            asked.contains(r#"UserId("u-1")"#) && asked.contains(r#"{"title": String("Dr")}"#),
            "{asked}"
        );
        assert!(!asked.contains(CANARY), "{asked}");
    }
    // The password that was sent is no part of the request: a repeat with another is the same.
    let again = update("k1", r#"{"title":"Dr","password":null}"#).await;
    assert_eq!((again.body, again.status), (reply.body, 200));
    let refused = update("", r#"{"password":"x","roles":["CANARY"]}"#).await;
    assert_eq!(refused.refusal(), (422, "attribute_not_allowed".into()));
    for odd in [r#"{"password":1,"title":null}"#, r#"{"password":1,"title":["x"]}"#, "[]"] {
        assert_eq!(update("", odd).await.refusal(), (422, "invalid_request".into()), "{odd}");
    }
    assert_eq!(house.asked(), 1);
}

#[tokio::test]
async fn the_update_route_says_what_is_true() {
    for (outcome, notice, message) in [
        (Outcome::Updated, Notice::Sent, "Temporary password set and notification sent"),
        (Outcome::Updated, Notice::Failed, "Temporary password set; the notification could not be sent"),
        (
            Outcome::Unknown(Doubt::ReplyLost),
            Notice::None,
            "It is not known whether the temporary password was set",
        ),
        (Outcome::Skipped(Skip::Protected), Notice::None, "The password was not changed"),
        (Outcome::Failed(Fail::TooSoon), Notice::None, "The password was not changed"),
    ] {
        let ended = Settled { outcome, notice, ..settled("x", "1".into()) };
        let response = respond(Route::Update, Answer::Settled(ended)).unwrap();
        let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["message"], &body["outcome"]), (&message.into(), &outcome.family().into()));
    }
}

#[tokio::test]
async fn figures_name_routes_and_outcomes_and_nobody() {
    let house = House::new().await;
    house.reset("ann@example.com", "k1").await;
    house.reset("ann@example.com", "k1").await;
    house.get("/nowhere", &house.key).await;
    let reply = house.get("/metrics", &house.key).await;
    for line in [
        r#"scim_rekey_requests_total{route="/v1/resets",status="200"} 2"#,
        r#"scim_rekey_requests_total{route="other",status="404"} 1"#,
        r#"scim_rekey_resets_total{outcome="updated"} 1"#,
        "scim_rekey_queue 0",
        "# EOF",
    ] {
        assert!(reply.body.lines().any(|seen| seen == line), "{line}\n{}", reply.body);
    }
    assert!(!reply.body.contains("ann") && !reply.body.contains("127.0.0.1"), "{}", reply.body);
}
