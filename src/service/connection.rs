//! Owns one connection's place and time: what it is doing, since when, and until when it may.
//!
//! One invariant: in every state there is a deadline, so no connection lasts by doing nothing, or little.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::caller::Sha256;
use super::settings::Timeouts;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The handshake, and then the header of a request, which may be slow in coming.
    Header,
    /// The body of a request, likewise.
    Body,
    /// A whole request is being worked on.
    Work,
    /// Nothing, after an answer.
    Idle,
    /// It gave its place to another.
    Closed,
}

/// One connection, as its task, its requests and the door know it.
#[derive(Debug)]
pub(super) struct Connection {
    /// Who connected.
    pub(super) source: IpAddr,
    timeouts: Timeouts,
    state: Mutex<(Phase, Instant)>,
    /// The deadline is another.
    changed: Notify,
}

/// What a request's connection is, beside the request.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) connection: Arc<Connection>,
    /// The SHA-256 of the certificate that was shown, which the authority of the settings has signed.
    pub(super) certificate: Option<Sha256>,
}

impl Connection {
    pub(super) fn new(source: IpAddr, timeouts: Timeouts) -> Self {
        Self { source, timeouts, state: Mutex::new((Phase::Header, Instant::now())), changed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, (Phase, Instant)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on to something else, unless the connection was closed meanwhile.
    pub(super) fn enter(&self, phase: Phase) -> bool {
        let mut state = self.state();
        let open = state.0 != Phase::Closed;
        if open {
            *state = (phase, Instant::now());
            self.changed.notify_one();
        }
        open
    }

    /// Since when nothing is lost if the connection is closed.
    pub(super) fn resting_since(&self) -> Option<Instant> {
        let (phase, since) = *self.state();
        (!matches!(phase, Phase::Work | Phase::Closed)).then_some(since)
    }

    /// Closes it, unless a whole request has come meanwhile.
    pub(super) fn close(&self) -> bool {
        let mut state = self.state();
        let resting = state.0 != Phase::Work;
        if resting {
            state.0 = Phase::Closed;
        }
        resting
    }

    /// Ends when the connection has been in one state for longer than that may last.
    pub(super) async fn overstayed(&self) {
        loop {
            let (phase, since) = *self.state();
            let deadline = since + self.longest(phase);
            if timeout_at(deadline, self.changed.notified()).await.is_err() {
                return;
            }
        }
    }

    /// Bodies and work have limits of their own, which are answered in words. Here is what holds all the same.
    fn longest(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Header => self.timeouts.header(),
            Phase::Body => self.timeouts.body() + Duration::from_secs(1),
            Phase::Work => self.timeouts.total() + Duration::from_secs(1),
            Phase::Idle => self.timeouts.idle(),
            Phase::Closed => Duration::ZERO,
        }
    }

    fn heard(&self) {
        let mut state = self.state();
        if state.0 == Phase::Idle {
            *state = (Phase::Header, Instant::now());
            self.changed.notify_one();
        }
    }
}

/// A stream that tells its connection when a next request begins.
pub(super) struct Watched<S> {
    pub(super) stream: S,
    pub(super) connection: Arc<Connection>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.connection.heard();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
