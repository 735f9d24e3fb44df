//! Owns misbehaviour on the wire, below HTTP: cuts, resets, drips and floods.
//!
//! hyper writes whole, well-formed responses; a [`Conn`] that was told to misbehave hands on less
//! of one, or slower, or something else instead. Told or not is one atomic load a write.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::remote::{Manner, Remote};

/// A connection that misbehaves when told to.
pub(super) struct Conn {
    stream: TcpStream,
    remote: Remote,
    /// Bytes of the present response that may pass freely, once its head was seen.
    free: Option<usize>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Conn {
    pub(super) fn new(stream: TcpStream, remote: Remote) -> Self {
        Self { stream, remote, free: None, timer: None }
    }

    fn write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn misbehave(
        &mut self,
        manner: &mut Manner,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match manner {
            Manner::Reset => {
                // Without lingering, closing sends RST.
                let _ = self.stream.set_zero_linger();
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
            Manner::Cut { body } => match self.pass(cx, buf, *body) {
                Some(written) => written,
                None => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
            },
            Manner::Drip { every, head_at_once } => {
                let (every, free_head) = (*every, *head_at_once);
                if free_head && let Some(written) = self.pass(cx, buf, 0) {
                    return written;
                }
                self.drip(cx, buf, every)
            }
            Manner::Flood(flood) => flood.pour(&mut self.stream, cx),
        }
    }

    /// Passes the head and `body` bytes; nothing once they are through. hyper offers a response
    /// from its first byte and never two at once, so the first write holds the end of the head.
    fn pass(&mut self, cx: &mut Context<'_>, buf: &[u8], body: usize) -> Option<Poll<io::Result<usize>>> {
        let free = *self.free.get_or_insert_with(|| head_length(buf) + body);
        if free == 0 {
            return None;
        }
        let written = self.write(cx, &buf[..free.min(buf.len())]);
        if let Poll::Ready(Ok(count)) = written {
            self.free = Some(free - count);
        }
        Some(written)
    }

    fn drip(&mut self, cx: &mut Context<'_>, buf: &[u8], every: Duration) -> Poll<io::Result<usize>> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(every)));
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.timer = None;
        self.write(cx, &buf[..buf.len().min(1)])
    }
}

fn head_length(buf: &[u8]) -> usize {
    let mut windows = buf.windows(4);
    windows.position(|window| window == b"\r\n\r\n").map_or(buf.len(), |end| end + 4)
}

impl AsyncWrite for Conn {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if !this.remote.armed() {
            (this.free, this.timer) = (None, None);
            return this.write(cx, buf);
        }
        let Some(mut manner) = this.remote.manner().take() else {
            return this.write(cx, buf);
        };
        let written = this.misbehave(&mut manner, cx, buf);
        *this.remote.manner() = Some(manner);
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Conn {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}
