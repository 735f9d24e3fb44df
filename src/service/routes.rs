//! Owns the routes: what each takes, and what it asks at the desk.
//!
//! One invariant: a reset goes to the desk at most once a request, whole, within the caller's domains and
//! within all limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;

use super::answer::{Route, UNCHANGED, json_response, respond};
use super::body::{self, Update, Wish};
use super::caller::Caller;
use super::connection::{Peer, Phase};
use super::desk::{Answer, Ask, Reset, Ticket, Who};
use super::front::{Due, Front, guarded, watched};
use super::metrics::MEDIA_TYPE;
use super::problem::{Kind, Problem};
use crate::domain::email::Email;

/// What the service says of itself.
pub(super) const OPENAPI: &str = include_str!("openapi.json");

/// What stands as the reason where a route has no field for one.
const UPDATE_REASON: &str = "asked for over the update route";

/// All routes. Whatever is not named here is behind the guard, too.
pub(super) fn router(front: &Arc<Front>) -> Router {
    let behind = Router::new()
        .route("/v1/resets", post(reset))
        .route("/v1/resets/{operation}", get(show))
        .route("/api/users/{userId}/update", post(update))
        .route("/metrics", get(metrics))
        .fallback(async || Problem::from(Kind::NotFound))
        .method_not_allowed_fallback(async || Problem::from(Kind::MethodNotAllowed));
    let open = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/openapi.json", get(openapi))
        .method_not_allowed_fallback(async || Problem::from(Kind::MethodNotAllowed));
    let all = guarded(behind, front).merge(open);
    #[cfg(test)]
    let all = all.route("/panic", get(super::tests::panic));
    watched(all, front).with_state(Arc::clone(front))
}

async fn ready(State(front): State<Arc<Front>>) -> Result<&'static str, Problem> {
    if *front.ready.borrow() && !front.desk.is_closed() { Ok("ready\n") } else { Err(Kind::NotReady.into()) }
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], OPENAPI).into_response()
}

async fn metrics(State(front): State<Arc<Front>>) -> Response {
    let queue = front.desk.max_capacity() - front.desk.capacity();
    ([(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))], front.metrics.text(queue))
        .into_response()
}

async fn reset(
    State(front): State<Arc<Front>>,
    Extension(caller): Extension<Arc<Caller>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let key = body::idempotency_key(&parts.headers)?.ok_or(Kind::MissingKey)?;
    let bytes = body::read(&parts.headers, body, front.rules.timeouts.body()).await?;
    let wish: Wish = body::parse(&bytes)?;
    let email = Email::parse(&wish.email).ok_or(Kind::InvalidRequest)?;
    if !body::is_reason(&wish.reason) {
        return Err(Kind::InvalidRequest.into());
    }
    // Nobody is looked up: that the address is out of bounds says nothing about whether it exists.
    if !caller.may_reset(email.as_str()) {
        return Err(Kind::NoSuchUser.into());
    }
    let said = json!([wish.email, wish.reason]);
    let order = Order { who: Who::Email(email), reason: wish.reason, attributes: BTreeMap::new() };
    front.order(&caller, &parts, Some(key), &said, order, Route::Reset).await
}

async fn update(
    State(front): State<Arc<Front>>,
    Extension(caller): Extension<Arc<Caller>>,
    user: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let id = user.map_or_else(|_| String::new(), |Path(id)| id);
    if !body::is_id(&id) {
        return Err(Kind::NoSuchUser.into());
    }
    let (parts, body) = request.into_parts();
    let key = body::idempotency_key(&parts.headers)?;
    let bytes = body::read(&parts.headers, body, front.rules.timeouts.body()).await?;
    let update: Update = body::parse(&bytes)?;
    if !update.password {
        return Ok(json_response(StatusCode::OK, &json!({ "message": UNCHANGED })));
    }
    front.check_attributes(&update.fields)?;
    let said = json!(update.fields);
    let order = Order { who: Who::UserId(id), reason: UPDATE_REASON.to_owned(), attributes: update.fields };
    front.order(&caller, &parts, key, &said, order, Route::Update).await
}

async fn show(
    State(front): State<Arc<Front>>,
    Extension(caller): Extension<Arc<Caller>>,
    Extension(peer): Extension<Peer>,
    operation: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let operation = operation.map_or_else(|_| String::new(), |Path(operation)| operation);
    if !body::is_id(&operation) {
        return Err(Kind::NoSuchOperation.into());
    }
    let ask = Ask::Show { caller: caller.id.clone(), operation };
    let place = front.desk.try_reserve().map_err(refusal)?;
    respond(Route::Show, asked(place, ask, &peer).await?)
}

/// What is to be done for whom.
struct Order {
    who: Who,
    reason: String,
    attributes: BTreeMap<String, Value>,
}

impl Front {
    fn check_attributes(&self, fields: &BTreeMap<String, Value>) -> Result<(), Problem> {
        if fields.keys().any(|name| !self.rules.attributes.contains(name)) {
            return Err(Kind::NotAllowedAttribute.into());
        }
        let plain = |value: &Value| match value {
            Value::String(text) => body::is_reason(text),
            Value::Bool(_) | Value::Number(_) => true,
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        };
        if fields.values().all(plain) { Ok(()) } else { Err(Kind::InvalidRequest.into()) }
    }

    /// Takes an order to the desk, if no limit is in its way, and brings the answer.
    async fn order(
        &self,
        caller: &Caller,
        parts: &Parts,
        key: Option<&str>,
        said: &Value,
        order: Order,
        route: Route,
    ) -> Result<Response, Problem> {
        let (Some(peer), Some(Due(due))) = (parts.extensions.get::<Peer>(), parts.extensions.get::<Due>())
        else {
            return Err(Kind::Internal.into());
        };
        let idempotency = key.map(|key| self.digest(&[b"key", caller.id.as_bytes(), key.as_bytes()]));
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        let fingerprint =
            self.digest(&[b"request", method.as_bytes(), path.as_bytes(), said.to_string().as_bytes()]);
        // A place first: who finds none has spent nothing of what he may ask for.
        let place = self.desk.try_reserve().map_err(refusal)?;
        self.limits.reset(self.target(&order.who), idempotency).map_err(|met| self.met(met))?;
        let ask = Ask::Reset(Box::new(Reset {
            caller: caller.id.clone(),
            domains: Arc::clone(&caller.domains),
            source: peer.connection.source,
            idempotency,
            fingerprint,
            who: order.who,
            reason: order.reason,
            attributes: order.attributes,
            answer_by: *due - self.rules.timeouts.total() / 10,
        }));
        let answer = asked(place, ask, peer).await?;
        self.count(&answer);
        respond(route, answer)
    }

    /// What a user is counted by.
    fn target(&self, who: &Who) -> [u8; 32] {
        match who {
            Who::Email(email) => self.digest(&[b"email", email.likeness().as_bytes()]),
            Who::UserId(id) => self.digest(&[b"id", id.as_bytes()]),
        }
    }

    fn count(&self, answer: &Answer) {
        match answer {
            Answer::Settled(settled) if !settled.replayed => self.metrics.reset(settled.outcome.family()),
            Answer::Running { .. } => self.metrics.reset("running"),
            _ => {}
        }
    }
}

/// Asks, and waits for the answer. From here on the connection is not closed for another.
async fn asked(
    place: tokio::sync::mpsc::Permit<'_, Ticket>,
    ask: Ask,
    peer: &Peer,
) -> Result<Answer, Problem> {
    if !peer.connection.enter(Phase::Work) {
        return Err(Kind::Stopping.into());
    }
    let (answer, answered) = oneshot::channel();
    place.send((ask, answer));
    // Whoever drops a question may have begun it.
    answered.await.map_err(|_| Kind::NoAnswerYet.into())
}

fn refusal(error: TrySendError<()>) -> Problem {
    match error {
        TrySendError::Full(()) => Kind::Busy.into(),
        TrySendError::Closed(()) => Kind::Stopping.into(),
    }
}
