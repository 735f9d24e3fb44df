//! Owns the door: who is let in, whose place is taken, and how all leave in good order.
//!
//! One invariant: there are never more connections than places, and a connection that does nothing, or
//! little, keeps nobody out: its place is given to the next who comes.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service as _;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::caller::sha256;
use super::connection::{Connection, Peer, Watched};
use super::metrics::Metrics;
use super::settings::Rules;

/// The listening socket, and everything that all connections share.
pub(super) struct Door {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    metrics: Arc<Metrics>,
    places: usize,
    timeouts: super::settings::Timeouts,
    /// An answer was given: its connection may be closed for another.
    answered: Arc<Notify>,
}

/// Who is inside, by the task that serves him.
type Seats = HashMap<Id, Seat>;

struct Seat {
    connection: Arc<Connection>,
    task: AbortHandle,
    /// How many came before.
    turn: u64,
}

impl Door {
    pub(super) fn new(
        listener: TcpListener,
        rules: &Rules,
        router: Router,
        metrics: Arc<Metrics>,
        answered: Arc<Notify>,
    ) -> Self {
        Self {
            listener,
            tls: rules.tls.clone().map(TlsAcceptor::from),
            router,
            metrics,
            places: rules.limits.connections,
            timeouts: rules.timeouts,
            answered,
        }
    }

    /// Lets people in until told to stop, then waits for those inside. Returns how many were cut off.
    pub(super) async fn keep(self, shutdown: impl Future<Output = ()>) -> usize {
        let (stop, stopped) = watch::channel(false);
        let (mut tasks, mut seats) = (JoinSet::new(), Seats::new());
        let (mut at_the_door, mut turn) = (None, 0);
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(ended) = tasks.join_next_with_id() => leave(&mut seats, ended),
                // Whoever has his answer may give way.
                () = self.answered.notified(), if at_the_door.is_some() => {}
                arrived = self.next(), if at_the_door.is_none() => at_the_door = arrived,
            }
            if at_the_door.is_some() && (seats.len() < self.places || self.shed(&mut seats)) {
                let Some((stream, source)) = at_the_door.take() else { continue };
                let connection = Arc::new(Connection::new(source, self.timeouts));
                let task = tasks.spawn(self.serving(stream, Arc::clone(&connection), &stopped));
                seats.insert(task.id(), Seat { connection, task, turn });
                turn += 1;
            }
            self.metrics.connections().set(i64::try_from(seats.len()).unwrap_or(i64::MAX));
        }
        drop(self.listener);
        stop.send_replace(true);
        drain(tasks, self.timeouts.drain()).await
    }

    async fn next(&self) -> Option<(TcpStream, IpAddr)> {
        if let Ok((stream, from)) = self.listener.accept().await {
            return Some((stream, from.ip()));
        }
        // Out of descriptors, most likely: some connection will end.
        sleep(Duration::from_millis(20)).await;
        None
    }

    fn serving(
        &self,
        stream: TcpStream,
        connection: Arc<Connection>,
        stopped: &watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + Send + use<> {
        // Answers are small: waiting to fill a segment would only delay them.
        let _ = stream.set_nodelay(true);
        serve(Watched { stream, connection }, self.tls.clone(), self.router.clone(), stopped.clone())
    }

    /// Closes the connection that has done nothing for the longest time.
    fn shed(&self, seats: &mut Seats) -> bool {
        let resting =
            seats.iter().filter_map(|(id, seat)| Some(((seat.connection.resting_since()?, seat.turn), *id)));
        let Some((_, id)) = resting.min_by_key(|(longest, _)| *longest) else { return false };
        if !seats.get(&id).is_some_and(|seat| seat.connection.close()) {
            return false;
        }
        if let Some(seat) = seats.remove(&id) {
            seat.task.abort();
        }
        self.metrics.shed();
        true
    }
}

fn leave(seats: &mut Seats, ended: Result<(Id, ()), tokio::task::JoinError>) {
    let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
    seats.remove(&id);
}

async fn drain(mut tasks: JoinSet<()>, patience: Duration) -> usize {
    let all = async { while tasks.join_next().await.is_some() {} };
    let _ = timeout(patience, all).await;
    let cut = tasks.len();
    tasks.shutdown().await;
    cut
}

/// Serves one connection, for as long as it keeps moving.
async fn serve(
    stream: Watched<TcpStream>,
    tls: Option<TlsAcceptor>,
    router: Router,
    stopped: watch::Receiver<bool>,
) {
    let connection = Arc::clone(&stream.connection);
    let conversation = async {
        let Some(acceptor) = tls else { return converse(stream, None, &connection, router, stopped).await };
        let mut impatient = stopped.clone();
        let secured = tokio::select! {
            secured = acceptor.accept(stream) => secured,
            _ = impatient.wait_for(|stopped| *stopped) => return,
        };
        if let Ok(secured) = secured {
            let shown = secured.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let certificate = shown.map(|certificate| sha256(certificate));
            converse(secured, certificate, &connection, router, stopped).await;
        }
    };
    tokio::select! {
        () = conversation => {}
        () = connection.overstayed() => {}
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    certificate: Option<[u8; 32]>,
    connection: &Arc<Connection>,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let peer = Peer { connection: Arc::clone(connection), certificate };
    let inner = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        inner.call(request)
    });
    // Its own timer for headers would count the time between two requests too: see `Connection`.
    let talk = http1::Builder::new().max_buf_size(32 * 1024).serve_connection(TokioIo::new(stream), service);
    let mut talk = pin!(talk);
    tokio::select! {
        _ = talk.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
    talk.as_mut().graceful_shutdown();
    let _ = talk.await;
}

/// Opens the socket.
pub(super) async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}
