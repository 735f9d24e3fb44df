//! Owns the very long response: valid JSON of any length, chunked (RFC 9112, section 7.1), in
//! constant memory.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

/// Bytes of the body in a whole chunk.
const CHUNK: u64 = 65_536;
const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/scim+json\r\n\
    transfer-encoding: chunked\r\nconnection: close\r\n\r\n";
const START: &str = "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:ListResponse\"],\
    \"totalResults\":0,\"Resources\":[],\"padding\":\"";
const END: &str = "\"}";

/// A response of a given length, part of it written.
pub(super) struct Flood {
    /// What is being written, and how much of it is.
    present: Vec<u8>,
    written: usize,
    /// Whole chunks still to come, and the end after them.
    chunks: u64,
    chunk: Vec<u8>,
    end: Option<Vec<u8>>,
}

impl Flood {
    /// A response whose body has so many bytes, or a few more if they are too few for its frame.
    pub(super) fn new(bytes: u64) -> Self {
        let frame = (START.len() + END.len()) as u64;
        let filler = bytes.saturating_sub(frame);
        let rest = usize::try_from(filler % CHUNK).unwrap_or(0);
        let end = format!("{}{END}", "x".repeat(rest));
        Self {
            present: format!("{HEAD}{}", framed(START)).into_bytes(),
            written: 0,
            chunks: filler / CHUNK,
            chunk: framed(&"x".repeat(65_536)).into_bytes(),
            end: Some(format!("{}0\r\n\r\n", framed(&end)).into_bytes()),
        }
    }

    /// Writes as much as the socket takes. Never done but by an error, so that the response that
    /// hyper holds is dropped with the connection.
    pub(super) fn pour(&mut self, stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        loop {
            if self.written == self.present.len() && !self.next() {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            let part = &self.present[self.written..];
            match Pin::new(&mut *stream).poll_write(cx, part) {
                Poll::Ready(Ok(count)) => self.written += count,
                other => return other,
            }
        }
    }

    fn next(&mut self) -> bool {
        self.written = 0;
        if self.chunks > 0 {
            self.chunks -= 1;
            self.present.clone_from(&self.chunk);
            return true;
        }
        let end = self.end.take();
        self.present = end.unwrap_or_default();
        !self.present.is_empty()
    }
}

fn framed(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}
