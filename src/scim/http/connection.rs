//! One connection of HTTP/1.1 or HTTP/2, and one request with its reply on it.
//!
//! A connection of HTTP/1.1 has no task of its own: whoever waits for a reply drives it, so that an answer
//! wakes one task and not two.
//!
//! Invariant: a request is handed back only if nothing of it was ever written.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use http_body_util::Full;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::{Request, Response};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::client::legacy::connect::Connection as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::{BODY_CAP, Body};

/// What carries bytes.
pub(super) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
/// A request as it is sent.
pub(super) type Outgoing = Request<Full<Bytes>>;
/// What many requests share.
pub(super) type Shared = http2::SendRequest<Full<Bytes>>;

/// A connection in the hand of whoever uses it.
pub(super) enum Connection {
    /// One request after the other. Boxed, as it comes and goes.
    One(Box<One>),
    /// Many at a time.
    Many(Shared),
}

/// A connection of HTTP/1.1.
#[derive(Debug)]
pub(super) struct One {
    sender: http1::SendRequest<Full<Bytes>>,
    wire: Wire,
    /// When the last request on it began.
    pub(super) used: Instant,
}

/// What a connection of HTTP/1.1 is driven by; nothing once it is over. Boxed, as there is none where
/// HTTP/2 is spoken.
type Wire = Option<Box<http1::Connection<Stream, Full<Bytes>>>>;

/// What a request led to.
pub(super) enum Answer {
    /// The head of a reply.
    Came(Response<Incoming>),
    /// The connection was over before anything of the request was written. It is where it was.
    Unused,
    /// It broke, and the request may have arrived.
    Broken,
    /// Time is up, and the request may have arrived.
    Late,
}

impl Connection {
    /// What the handshake led to.
    pub(super) async fn over(stream: Stream) -> hyper::Result<Self> {
        if stream.connected().is_negotiated_h2() {
            let (sender, wire) = http2::handshake(TokioExecutor::new(), stream).await?;
            // It ends by itself when the last sender is gone.
            tokio::spawn(wire);
            return Ok(Self::Many(sender));
        }
        let (sender, wire) = http1::handshake(stream).await?;
        Ok(Self::One(Box::new(One { sender, wire: Some(Box::new(wire)), used: Instant::now() })))
    }

    /// Whether it speaks HTTP/2.
    pub(super) const fn is_shared(&self) -> bool {
        matches!(self, Self::Many(_))
    }

    /// Sends a request and waits for the head of its reply.
    ///
    /// It is taken from where it lies, and nothing of its size is passed on: what is kept while an answer is
    /// waited for is kept for each row.
    pub(super) async fn send(&mut self, request: &mut Option<Outgoing>, clock: Pin<&mut Sleep>) -> Answer {
        let Some(outgoing) = request.take() else { return Answer::Broken };
        let answer = match self {
            Self::One(one) => {
                let answer = pin!(one.sender.try_send_request(outgoing));
                head(answer, &mut one.wire, clock).await
            }
            Self::Many(sender) => {
                let answer = pin!(sender.try_send_request(outgoing));
                head(answer, &mut None, clock).await
            }
        };
        match answer {
            Some(Ok(response)) => Answer::Came(response),
            Some(Err(mut error)) => {
                *request = error.take_message();
                if request.is_some() { Answer::Unused } else { Answer::Broken }
            }
            None => Answer::Late,
        }
    }

    /// Reads the rest of a reply, up to the cap.
    pub(super) async fn read(&mut self, mut body: Incoming, mut clock: Pin<&mut Sleep>) -> Body {
        let wire = match self {
            Self::One(one) => &mut one.wire,
            Self::Many(_) => &mut None,
        };
        let mut bytes = Vec::new();
        loop {
            let frame = poll_fn(|cx| {
                if let Poll::Ready(frame) = Pin::new(&mut body).poll_frame(cx) {
                    return Poll::Ready(Some(frame));
                }
                drive(wire, cx);
                match Pin::new(&mut body).poll_frame(cx) {
                    Poll::Ready(frame) => Poll::Ready(Some(frame)),
                    Poll::Pending => clock.as_mut().poll(cx).map(|()| None),
                }
            });
            match frame.await {
                Some(Some(Ok(frame))) => {
                    let chunk = frame.into_data().unwrap_or_default();
                    if bytes.len() + chunk.len() > BODY_CAP {
                        return Body::TooLong;
                    }
                    bytes.extend_from_slice(&chunk);
                }
                Some(None) => return Body::Whole(bytes),
                Some(Some(Err(_))) | None => return Body::Cut,
            }
        }
    }
}

impl One {
    /// Whether another request can be sent, when the reply to the last one has come whole.
    pub(super) fn is_reusable(&mut self) -> bool {
        if !self.sender.is_ready() {
            drive(&mut self.wire, &mut Context::from_waker(Waker::noop()));
        }
        self.wire.is_some() && self.sender.is_ready()
    }
}

/// Waits for the head of a reply, as long as the clock allows, and drives the connection meanwhile.
async fn head(
    mut answer: Pin<&mut (dyn Future<Output = Result<Response<Incoming>, TrySendError<Outgoing>>> + Send)>,
    wire: &mut Wire,
    mut clock: Pin<&mut Sleep>,
) -> Option<Result<Response<Incoming>, TrySendError<Outgoing>>> {
    poll_fn(|cx| {
        drive(wire, cx);
        match answer.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => clock.as_mut().poll(cx).map(|()| None),
        }
    })
    .await
}

/// Lets a connection do what it can. One that is over is dropped, which answers whoever waits for it.
fn drive(wire: &mut Wire, cx: &mut Context<'_>) {
    if let Some(open) = wire
        && Pin::new(open).poll(cx).is_ready()
    {
        *wire = None;
    }
}
