//! Owns what every request passes before and after its route: time, panics, proof, limits, and the line in
//! the log.
//!
//! One invariant: no byte of a body is read, and nothing is asked at the desk, before the caller is known.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, MatchedPath, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use ring::hmac;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};
use tower_http::catch_panic::CatchPanicLayer;

use super::auth::Claim;
use super::caller::Caller;
use super::connection::{Peer, Phase};
use super::desk::{Desk, Digest};
use super::limits::{Limits, Met};
use super::metrics::Metrics;
use super::problem::{Kind, Problem};
use super::settings::Rules;

/// Everything that requests share.
pub(super) struct Front {
    pub(super) rules: Rules,
    pub(super) desk: Desk,
    pub(super) ready: watch::Receiver<bool>,
    pub(super) limits: Limits,
    pub(super) metrics: Arc<Metrics>,
    pub(super) answered: Arc<Notify>,
    key: hmac::Key,
}

/// When the answer is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due(pub(super) Instant);

impl Front {
    pub(super) fn new(rules: Rules, desk: Desk, ready: watch::Receiver<bool>, key: hmac::Key) -> Self {
        let limits = Limits::new(rules.limits);
        let (metrics, answered) = (Arc::new(Metrics::new()), Arc::new(Notify::new()));
        Self { rules, desk, ready, limits, metrics, answered, key }
    }

    /// HMAC of these parts, none of which can pass for a part of another.
    pub(super) fn digest(&self, parts: &[&[u8]]) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut digest = Digest::default();
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }

    /// A limit that was met, counted.
    pub(super) fn met(&self, met: Met) -> Problem {
        self.metrics.limit(met.limit);
        Problem::wait(met.wait)
    }

    fn admit(&self, request: &Request, peer: &Peer) -> Result<Arc<Caller>, Problem> {
        let source = peer.connection.source;
        match self.rules.callers.judge(request.headers(), peer.certificate.as_ref()) {
            Claim::Proven(caller) => {
                self.limits.request(&caller).map_err(|met| self.met(met))?;
                Ok(caller)
            }
            Claim::None => Err(Kind::Unauthorized.into()),
            Claim::Wrong => {
                tracing::warn!(%source, "a caller could not prove who he is");
                self.limits.failure(source).map_err(|met| self.met(met))?;
                Err(Kind::Unauthorized.into())
            }
        }
    }
}

/// Puts the proof of who calls before these routes.
pub(super) fn guarded(router: Router<Arc<Front>>, front: &Arc<Front>) -> Router<Arc<Front>> {
    router.layer(from_fn_with_state(Arc::clone(front), guard))
}

async fn guard(
    State(front): State<Arc<Front>>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = front.admit(&request, &peer)?;
    request.extensions_mut().insert(Arc::clone(&caller));
    let mut response = next.run(request).await;
    response.extensions_mut().insert(caller);
    Ok(response)
}

/// Puts around all routes what all of them need.
pub(super) fn watched(router: Router<Arc<Front>>, front: &Arc<Front>) -> Router<Arc<Front>> {
    router
        .layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| {
            Problem::from(Kind::Internal).into_response()
        }))
        .layer(from_fn_with_state(Arc::clone(front), watch))
}

async fn watch(
    State(front): State<Arc<Front>>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    peer.connection.enter(Phase::Body);
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let began = Instant::now();
    let due = began + front.rules.timeouts.total();
    request.extensions_mut().insert(Due(due));
    let done = timeout_at(due, next.run(request)).await;
    let mut response = done.unwrap_or_else(|_| Problem::from(Kind::NoAnswerYet).into_response());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let (route, status) = (matched.as_ref().map_or("other", MatchedPath::as_str), response.status().as_u16());
    front.metrics.request(route, status);
    let caller = response.extensions().get::<Arc<Caller>>().map_or("", |caller| caller.id.as_str());
    let (source, took) = (peer.connection.source, began.elapsed());
    tracing::info!(route, status, caller, %source, ?took, "answered");
    peer.connection.enter(Phase::Idle);
    front.answered.notify_one();
    response
}
