//! Owns the server: accepting connections, and the path of each request through the [`World`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::handler::Handler;
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::action::{Action, When};
use super::answer::Answer;
use super::call::{Call, Route};
use super::control;
use super::flood::Flood;
use super::remote::{Manner, Remote};
use super::wire::Conn;
use super::world::{Admission, World};

/// The state, shared with whoever asks for the truth.
pub(super) type Shared = Arc<Mutex<World>>;

/// A panic in one request leaves the state usable for the next.
pub(super) fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves until dropped.
pub(super) async fn serve(listener: TcpListener, world: Shared) {
    let service = handle.with_state(world);
    let service = service.into_make_service_with_connect_info::<Remote>();
    // It never ends by itself: accept errors are waited out below.
    let _ = axum::serve(Door(listener), service).await;
}

async fn handle(
    State(world): State<Shared>,
    ConnectInfo(remote): ConnectInfo<Remote>,
    request: Request,
) -> Response {
    remote.disarm();
    let call = Call::read(request).await;
    if let Route::Control(name) = &call.route {
        let reply = control::answer(name, &call, &world);
        return reply.respond(&call.correlation).0;
    }
    let correlation = call.correlation.clone();
    match answered(world, call).await {
        Some(answer) => deliver(answer, &remote, &correlation).await,
        None => Response::default(),
    }
}

/// Judges a request and answers it, in good time or late.
pub(super) async fn answered(world: Shared, mut call: Call) -> Option<Answer> {
    let admission = lock(&world).admit(&mut call);
    match admission.fault.as_deref() {
        Some(Action::WaitMs(ms)) => late(world, call, *ms, admission).await,
        _ => Some(lock(&world).answer(&call, admission)),
    }
}

/// Answers after a while, in a task of its own: a service that has read a request carries it out
/// even if the client has hung up in the meantime.
async fn late(world: Shared, call: Call, wait_ms: u64, admission: Admission) -> Option<Answer> {
    let task = tokio::spawn(async move {
        sleep(Duration::from_millis(wait_ms)).await;
        lock(&world).answer(&call, admission)
    });
    task.await.ok()
}

/// Sends the answer the way the fault has it.
async fn deliver(answer: Answer, remote: &Remote, correlation: &str) -> Response {
    let (response, length) = answer.reply.respond(correlation);
    let manner = match answer.fault.as_deref() {
        Some(Action::WaitAfterMs(ms)) => {
            sleep(Duration::from_millis(*ms)).await;
            return response;
        }
        Some(Action::Reset(When::Before | When::After)) => Manner::Reset,
        Some(Action::Truncate(_)) => Manner::Cut { body: length / 2 },
        Some(Action::DripMs(ms)) => drip(*ms, false),
        Some(Action::DripBodyMs(ms)) => drip(*ms, true),
        Some(Action::Huge(bytes)) => Manner::Flood(Flood::new(*bytes)),
        _ => return response,
    };
    remote.arm(manner);
    response
}

fn drip(ms: u64, head_at_once: bool) -> Manner {
    let every = Duration::from_millis(ms);
    Manner::Drip { every, head_at_once }
}

/// The listening socket, whose connections can misbehave.
struct Door(TcpListener);

impl Listener for Door {
    type Io = Conn;
    type Addr = Remote;

    async fn accept(&mut self) -> (Conn, Remote) {
        loop {
            match self.0.accept().await {
                Ok((stream, _)) => {
                    // Replies are small: waiting to fill a segment would only delay them.
                    let _ = stream.set_nodelay(true);
                    let remote = Remote::default();
                    return (Conn::new(stream, remote.clone()), remote);
                }
                // Out of descriptors, most likely: some connection will end.
                Err(_) => sleep(Duration::from_millis(20)).await,
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Remote> {
        Ok(Remote::default())
    }
}

impl Connected<IncomingStream<'_, Door>> for Remote {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.remote_addr().clone()
    }
}
