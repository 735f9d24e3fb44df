//! Appending to the log, and putting a group of lines on disk together.
//!
//! Invariant: when [`Log::commit`] returns `Ok`, every line appended before it survives a
//! power cut. After an error nothing more is written: a failed sync cannot be repeated, since
//! the kernel may have dropped what it could not write.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;

use jiff::Timestamp;

use super::chain::Head;
use super::record::Body;

/// A checkpoint stands after so many lines.
const CHECKPOINT_EVERY: u64 = 1000;

/// The open log of one run.
#[derive(Debug)]
pub(crate) struct Log {
    file: Arc<File>,
    run_id: String,
    head: Head,
    /// Bytes before `waiting`.
    len: u64,
    waiting: Vec<u8>,
    /// Checkpoints among `waiting`.
    checkpoints: Vec<Head>,
    broken: bool,
}

/// Where a line was put, and when.
#[derive(Debug)]
pub(crate) struct Stamp {
    /// Offset of its first byte.
    pub(crate) offset: u64,
    /// Its `ts`.
    pub(crate) ts: String,
}

impl Log {
    /// Goes on at the end of `file`, which holds `len` bytes that end in `head`.
    pub(crate) fn new(file: File, run_id: String, head: Head, len: u64) -> Self {
        Self {
            file: Arc::new(file),
            run_id,
            head,
            len,
            waiting: Vec::new(),
            checkpoints: Vec::new(),
            broken: false,
        }
    }

    /// Adds a line; it is on disk after the next [`Log::commit`].
    pub(crate) fn append(&mut self, body: &Body<'_>) -> Stamp {
        let stamp = self.seal(body);
        if self.head.seq.is_multiple_of(CHECKPOINT_EVERY) {
            self.seal(&Body::Checkpoint { records: self.head.seq });
            self.checkpoints.push(self.head.clone());
        }
        stamp
    }

    fn seal(&mut self, body: &Body<'_>) -> Stamp {
        let stamp = Stamp { offset: self.len + self.waiting.len() as u64, ts: now() };
        // Our own types of strings and numbers; serde_json has no way to fail on them.
        let body = serde_json::to_string(body).unwrap_or_else(|_| r#"{"kind":"lost"}"#.to_owned());
        self.head.seal(&stamp.ts, &self.run_id, &body, &mut self.waiting);
        stamp
    }

    /// Writes and syncs what waits. The runtime goes on meanwhile, so that answers that arrive
    /// during one sync share the next.
    pub(crate) async fn commit(&mut self) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("an earlier write failed"));
        }
        if self.waiting.is_empty() {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.waiting);
        let file = Arc::clone(&self.file);
        let length = lines.len() as u64;
        let written = tokio::task::spawn_blocking(move || {
            (&*file).write_all(&lines)?;
            file.sync_data()?;
            Ok(lines)
        });
        match written.await.map_err(io::Error::other).flatten() {
            Ok(mut lines) => {
                self.len += length;
                lines.clear();
                self.waiting = lines;
                // Only what is on disk may be asked for later.
                for Head { seq, hash } in self.checkpoints.drain(..) {
                    tracing::info!("audit log: checkpoint {hash} is record {seq}");
                }
                Ok(())
            }
            Err(error) => {
                self.broken = true;
                Err(error)
            }
        }
    }

    /// Whether a write has failed.
    pub(crate) const fn is_broken(&self) -> bool {
        self.broken
    }
}

/// This moment in RFC 3339, UTC, with milliseconds.
pub(crate) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use super::*;

    #[tokio::test]
    async fn a_line_that_cannot_be_synced_is_not_committed() {
        // A pipe takes what is written and cannot sync it, like a disk that has failed.
        let (_reader, writer) = io::pipe().unwrap();
        let file = File::from(OwnedFd::from(writer));
        let mut log = Log::new(file, "run".to_owned(), Head::default(), 0);
        log.append(&Body::Token { expires_in_s: 1 });
        assert!(log.commit().await.is_err() && log.is_broken());
        assert!(log.commit().await.is_err(), "a failed sync is not tried again");
    }
}
