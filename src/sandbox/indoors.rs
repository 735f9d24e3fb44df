//! Owns the service without a network: a request is a call and time is the caller's, so that a test
//! can pause it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, Response};
use tokio::time::sleep;

use super::action::Action;
use super::call::Call;
use super::faults::Fault;
use super::options::Options;
use super::rules::Rules;
use super::server::{Shared, answered, lock};
use super::truth::Truth;
use super::world::World;

/// The service, within reach of a call. Clones share it.
#[derive(Clone)]
pub(crate) struct Indoors(Shared);

/// How an answer arrives.
pub(crate) enum Arrival {
    /// To its end.
    Whole(Response<Bytes>),
    /// Its head, and the connection breaks within its body.
    Cut(Response<Bytes>),
    /// More of it than anybody reads.
    TooLong,
    /// The connection breaks instead.
    Reset,
}

impl Indoors {
    /// A service whose time begins now. Its address is only a name.
    pub(crate) fn new(options: Options) -> Self {
        Self(Arc::new(Mutex::new(World::new(options, "http://127.0.0.1:9"))))
    }

    /// Does what is asked, with the faults of the script.
    pub(crate) async fn ask(&self, request: Request<Bytes>) -> Arrival {
        let call = Call::read(request.map(Body::from)).await;
        let correlation = call.correlation.clone();
        let Some(answer) = answered(Arc::clone(&self.0), call).await else { return Arrival::Reset };
        let fault = answer.fault.clone();
        let (response, length) = answer.reply.respond(&correlation);
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let whole = whole(response).await;
        match fault.as_deref() {
            Some(Action::Reset(_)) => return Arrival::Reset,
            Some(Action::Huge(_)) => return Arrival::TooLong,
            Some(Action::Truncate(_)) => return Arrival::Cut(whole),
            Some(Action::WaitAfterMs(ms)) => sleep(Duration::from_millis(*ms)).await,
            Some(Action::DripMs(ms) | Action::DripBodyMs(ms)) => {
                sleep(Duration::from_millis(*ms).saturating_mul(length)).await;
            }
            _ => {}
        }
        Arrival::Whole(whole)
    }

    /// Everything that happened so far.
    pub(crate) fn truth(&self) -> Truth {
        lock(&self.0).truth()
    }

    /// Replaces the script of faults.
    pub(crate) fn set_faults(&self, faults: Vec<Fault>) {
        lock(&self.0).rules = Rules::new(faults);
    }

    /// Makes all tokens issued so far void.
    pub(crate) fn revoke_tokens(&self) {
        lock(&self.0).tokens.revoke_all();
    }
}

async fn whole(response: Response<Body>) -> Response<Bytes> {
    let (parts, body) = response.into_parts();
    Response::from_parts(parts, to_bytes(body, usize::MAX).await.unwrap_or_default())
}
