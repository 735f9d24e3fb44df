//! Appending to the log, and putting a group of lines on disk together.
//!
//! Invariant: when [`Log::commit`] returns `Ok`, every line appended before it survives a
//! power cut. After an error of a write or a sync nothing more is written: a failed sync cannot be
//! repeated, since the kernel may have dropped what it could not write. A disk that does not answer
//! has failed too.
//!
//! Room for what a line leads to is taken before it counts: when the disk is full, what is in the air
//! can still be recorded.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::chain::Head;
use super::clock::Clock;
pub(crate) use super::clock::now;
use super::course::Course;
use super::record::{Body, Line, Told, Traffic};
use super::replay::End;
use crate::domain::text::Text;
use crate::failpoint;
use crate::files::patience::{PATIENCE, State, within};
use crate::files::reserve;

/// A checkpoint stands after so many lines.
const CHECKPOINT_EVERY: u64 = 1000;
/// Disk space that is ours ahead of what is written: the ends of as many rows as can be in the air.
const ROOM: u64 = 1 << 20;
/// More than any line of a row takes.
const LONGEST_LINE: usize = 1 << 13;

/// The open log of one run.
#[derive(Debug)]
pub(crate) struct Log {
    file: Arc<File>,
    run_id: String,
    head: Head,
    clock: Clock,
    /// Bytes before `waiting`.
    len: u64,
    waiting: Vec<u8>,
    /// Where a line's own fields are written first.
    body: Vec<u8>,
    /// Checkpoints among `waiting`.
    checkpoints: Vec<Head>,
    /// What this process has sent so far, for the next of them.
    traffic: Option<Traffic>,
    course: Course,
    /// Whether what waits leads to more lines.
    leads_on: bool,
    /// Up to which byte the disk space is ours.
    room: u64,
    patience: Duration,
    state: State,
}

/// Where a line was put, and when.
#[derive(Debug)]
pub(crate) struct Stamp {
    /// Offset of its first byte.
    pub(crate) offset: u64,
    /// Its `ts`.
    pub(crate) ts: String,
}

/// A change, as a line of the log tells of it.
#[derive(Debug)]
pub(crate) struct Change {
    /// Whose.
    pub(crate) email: String,
    /// Which account it was.
    pub(crate) user_id: String,
    /// When it was written down.
    pub(crate) at: Timestamp,
}

impl Log {
    /// Goes on at the end of `file`, which holds `len` bytes that end in `head`.
    pub(crate) fn new(file: File, run_id: String, head: Head, len: u64) -> Self {
        Self {
            file: Arc::new(file),
            run_id,
            head,
            clock: Clock::default(),
            len,
            waiting: Vec::new(),
            body: Vec::new(),
            checkpoints: Vec::new(),
            traffic: None,
            course: Course::default(),
            leads_on: false,
            room: len,
            patience: PATIENCE,
            state: State::Sound,
        }
    }

    /// Adds a line; it is on disk after the next [`Log::commit`].
    pub(crate) fn append(&mut self, body: &Body<'_>) -> Stamp {
        self.leads_on |= matches!(body, Body::RunStart(_) | Body::Resume { .. } | Body::Intent { .. });
        let stamp = self.seal(body);
        // Nothing comes after the end.
        if self.head.seq.is_multiple_of(CHECKPOINT_EVERY) && !matches!(body, Body::RunEnd(_)) {
            self.checkpoint(None);
        }
        stamp
    }

    /// Goes on with what is known of the traffic from before.
    pub(crate) fn go_on(&mut self, course: Course) {
        self.course = course;
    }

    /// What this process has sent so far. The next checkpoint tells it.
    pub(crate) const fn note_traffic(&mut self, traffic: Traffic) {
        self.traffic = Some(traffic);
    }

    /// Adds a checkpoint; `hold_ms` says for how long nothing will leave.
    pub(crate) fn checkpoint(&mut self, hold_ms: Option<u64>) {
        let told = Told { traffic: self.traffic, hold_ms };
        self.seal(&Body::Checkpoint { records: self.head.seq, told });
        self.checkpoints.push(self.head.clone());
    }

    fn seal(&mut self, body: &Body<'_>) -> Stamp {
        let stamp = Stamp { offset: self.len + self.waiting.len() as u64, ts: self.clock.now() };
        self.course.follow(&stamp.ts, body);
        self.body.clear();
        if serde_json::to_writer(&mut self.body, body).is_err() {
            // Our own types of strings and numbers; serde_json has no way to fail on them.
            self.body = br#"{"kind":"lost"}"#.to_vec();
        }
        self.head.seal(&stamp.ts, &self.run_id, &self.body, &mut self.waiting);
        stamp
    }

    /// Writes and syncs what waits. The runtime goes on meanwhile, so that answers that arrive
    /// during one sync share the next.
    ///
    /// Without room for what the lines lead to it is an error as well, but the lines are on disk, and
    /// so will be those that end what was begun before.
    pub(crate) async fn commit(&mut self) -> io::Result<()> {
        if self.is_broken() {
            return Err(io::Error::other("an earlier write failed"));
        }
        if self.waiting.is_empty() {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.waiting);
        let (from, end) = (self.len, self.len + lines.len() as u64);
        let short = std::mem::take(&mut self.leads_on) && self.room < end + ROOM;
        let room = end + 2 * ROOM;
        let file = Arc::clone(&self.file);
        let written = within(self.patience, move || {
            let reserved = if short { reserve(&file, from..room) } else { Ok(()) };
            failpoint::hit("append");
            (&*file).write_all(&lines)?;
            failpoint::hit("sync");
            file.sync_data()?;
            Ok((lines, reserved))
        });
        match written.await {
            Ok((mut lines, reserved)) => {
                self.len = end;
                lines.clear();
                self.waiting = lines;
                // Only what is on disk may be asked for later.
                for Head { seq, hash } in self.checkpoints.drain(..) {
                    tracing::info!("audit log: checkpoint {hash} is record {seq}");
                }
                if short && reserved.is_ok() {
                    self.room = room;
                }
                reserved
            }
            Err(error) => {
                self.state = State::after(&error);
                Err(error)
            }
        }
    }

    /// The account that a line speaks of, on disk already or not.
    pub(crate) fn account_at(&self, offset: u64) -> io::Result<Option<String>> {
        self.line_at(offset, |line| line.user_id.map(Text::into_owned))
    }

    /// The change that a line speaks of.
    pub(crate) fn change_at(&self, offset: u64) -> io::Result<Option<Change>> {
        self.line_at(offset, |line| {
            let (email, user_id) = (line.email?.into_owned(), line.user_id?.into_owned());
            Some(Change { email, user_id, at: line.ts.parse().ok()? })
        })
    }

    fn line_at<T>(&self, offset: u64, read: impl FnOnce(Line<'_>) -> T) -> io::Result<T> {
        let mut bytes = vec![0; LONGEST_LINE];
        let from = usize::try_from(offset.saturating_sub(self.len)).map_err(io::Error::other)?;
        let length = if offset < self.len {
            self.file.read_at(&mut bytes, offset)?
        } else {
            self.waiting.get(from..).unwrap_or_default().read(&mut bytes)?
        };
        let line = bytes[..length].split(|byte| *byte == b'\n').next().unwrap_or_default();
        Ok(read(Line::read(line).map_err(io::Error::other)?))
    }

    /// Gives back the room that was not needed. Returns how far the log goes, and how the traffic went.
    pub(crate) fn close(self) -> (End, Course) {
        if self.state == State::Sound && self.room > self.len {
            let _ = self.file.set_len(self.len);
        }
        (End { head: self.head, len: self.len, torn: 0 }, self.course)
    }

    /// Name of the run.
    pub(crate) fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Whether a write has failed.
    pub(crate) fn is_broken(&self) -> bool {
        self.state != State::Sound
    }

    /// Whether a write has not returned, so that no other can be expected to.
    pub(crate) fn is_stuck(&self) -> bool {
        self.state == State::Stuck
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use super::*;
    #[cfg(target_os = "linux")]
    use crate::audit::record::Actor;
    use crate::audit::record::RunEnd;

    #[tokio::test]
    async fn a_line_that_cannot_be_synced_is_not_committed() {
        // A pipe takes what is written and cannot sync it, like a disk that has failed.
        let (_reader, writer) = io::pipe().unwrap();
        let file = File::from(OwnedFd::from(writer));
        let mut log = Log::new(file, "run".to_owned(), Head::default(), 0);
        log.append(&Body::Token { expires_in_s: 1 });
        assert!(log.commit().await.is_err() && log.is_broken());
        assert!(log.commit().await.is_err(), "a failed sync is not tried again");
        assert!(!log.is_stuck());
    }

    #[tokio::test]
    async fn a_write_that_hangs_has_failed_after_a_while() {
        // Nobody reads, so the pipe is full after 64 KiB and the write waits.
        let (reader, writer) = io::pipe().unwrap();
        let mut log = Log::new(File::from(OwnedFd::from(writer)), "run".to_owned(), Head::default(), 0);
        log.patience = Duration::from_millis(100);
        for _ in 0..1000 {
            log.append(&Body::Token { expires_in_s: 1 });
        }
        assert_eq!(log.commit().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(log.is_stuck() && log.is_broken() && log.commit().await.is_err());
        // Lets the thread that waits go, which the runtime waits for.
        drop(reader);
    }

    #[tokio::test]
    async fn the_account_of_a_line_is_known_before_and_after_it_is_on_disk() {
        let mut log = Log::new(tempfile::tempfile().unwrap(), "run".to_owned(), Head::default(), 0);
        let mut intent = |user_id| {
            let attributes = &[];
            let line = Body::Intent {
                line: 2,
                email: "a@b.test",
                user_id,
                attributes,
                attempts: 1,
                repeat: false,
                sealed: None,
            };
            (log.append(&line).offset, user_id)
        };
        let accounts = [intent("one"), intent("another"), intent("a third")];
        let known = |log: &Log| accounts.map(|(offset, _)| log.account_at(offset).unwrap().unwrap());
        let expected = accounts.map(|(_, user_id)| user_id);
        assert_eq!(known(&log), expected);
        log.commit().await.unwrap();
        assert_eq!(known(&log), expected);
        assert!(log.account_at(1).is_err() && log.account_at(1 << 30).is_err());
    }

    #[tokio::test]
    async fn the_end_is_the_last_line() {
        let mut log = Log::new(tempfile::tempfile().unwrap(), "run".to_owned(), Head::default(), 0);
        for _ in 0..CHECKPOINT_EVERY - 1 {
            log.append(&Body::Token { expires_in_s: 1 });
        }
        log.append(&Body::RunEnd(&RunEnd::default()));
        assert_eq!(log.close().0.head.seq, CHECKPOINT_EVERY);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn room_is_taken_ahead_and_given_back() {
        use std::os::unix::fs::MetadataExt as _;

        let file = tempfile::tempfile().unwrap();
        let mut log = Log::new(file.try_clone().unwrap(), "run".to_owned(), Head::default(), 0);
        let allocated = || file.metadata().unwrap().blocks() * 512;
        log.checkpoint(None);
        log.commit().await.unwrap();
        assert!(allocated() < ROOM, "this line leads to nothing");
        log.append(&Body::Resume { actor: Actor { uid: 0, pid: 0, host: String::new() }, in_doubt: 0 });
        log.commit().await.unwrap();
        assert_eq!(file.metadata().unwrap().len(), log.len);
        assert!(allocated() >= ROOM, "{}", allocated());
        log.close();
        assert!(allocated() < ROOM, "{}", allocated());
    }
}
