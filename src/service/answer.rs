//! Owns what an answer of the desk is in HTTP.
//!
//! One invariant: a user whom the caller may not reset is answered like one who does not exist.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::desk::{Answer, Notice, Settled};
use super::problem::{Kind, Problem};
use crate::domain::outcome::{Fail, Outcome};

/// What the update route says where nothing is changed.
pub(super) const UNCHANGED: &str = "Update request processed without password change";

/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What a route was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// `POST /v1/resets`
    Reset,
    /// `GET /v1/resets/{operation}`
    Show,
    /// `POST /api/users/{userId}/update`
    Update,
}

/// Turns an answer into a response.
pub(super) fn respond(route: Route, answer: Answer) -> Result<Response, Problem> {
    match answer {
        Answer::Settled(settled) if route != Route::Show && is_absent(&settled) => Err(absent(route)),
        Answer::Settled(settled) => Ok(ended(route, &settled)),
        Answer::Running { operation } => Ok(running(route, &operation)),
        Answer::Unknown => Err(absent(route)),
        Answer::InFlight => Err(Kind::InFlight.into()),
        Answer::Mismatch => Err(Kind::KeyReused.into()),
        Answer::Stopping => Err(Kind::Stopping.into()),
    }
}

fn is_absent(settled: &Settled) -> bool {
    settled.outcome == Outcome::Failed(Fail::NotFound)
}

fn absent(route: Route) -> Problem {
    if route == Route::Show { Kind::NoSuchOperation.into() } else { Kind::NoSuchUser.into() }
}

fn ended(route: Route, settled: &Settled) -> Response {
    let mut body = json!({
        "operation": settled.operation,
        "outcome": settled.outcome.family(),
        "reason": settled.outcome.reason(),
        "mfa": settled.mfa.word(),
        "user_id": settled.user_id,
        "notice": settled.notice.word(),
    });
    if route == Route::Update {
        body["message"] = message(settled).into();
    }
    let mut response = json_response(StatusCode::OK, &body);
    if settled.replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// The tutorial's sentence where it is true, and what is true elsewhere.
fn message(settled: &Settled) -> &'static str {
    match (settled.outcome, settled.notice) {
        (Outcome::Updated, Notice::Sent) => "Temporary password set and notification sent",
        (Outcome::Updated, Notice::Queued) => "Temporary password set; the notification is on its way",
        (Outcome::Updated, Notice::Failed) => "Temporary password set; the notification could not be sent",
        (Outcome::Updated, Notice::None) => "Temporary password set; no notification is due",
        (Outcome::Unknown(_), _) => "It is not known whether the temporary password was set",
        _ => "The password was not changed",
    }
}

fn running(route: Route, operation: &str) -> Response {
    let status = if route == Route::Show { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut body = json!({ "operation": operation, "outcome": "pending", "reason": "in_progress" });
    if route == Route::Update {
        body["message"] = "The temporary password is being set".into();
    }
    let mut response = json_response(status, &body);
    if route != Route::Show
        && let Ok(place) = HeaderValue::from_str(&format!("/v1/resets/{operation}"))
    {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
    response
}

/// A body of JSON.
pub(super) fn json_response(status: StatusCode, body: &Value) -> Response {
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (status, json, body.to_string()).into_response()
}
