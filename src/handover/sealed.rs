//! Appending sealed passwords to a file, and putting a group of them on disk together.
//!
//! Invariant: when [`Sealed::commit`] returns `Ok`, every entry added before it survives a power cut, and
//! can be opened by each of the recipients. After an error of a write or a sync nothing more is written.
//! Numbers of entries are never given twice.

use std::fs::File;
use std::io::{self, BufReader, Write as _};
use std::mem;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use age::armor::{ArmoredWriter, Format};

use super::recipients::Recipients;
use super::series::{MARK, Part, Series, framed};
use super::table::Table;
use crate::domain::secret::Secret;
use crate::failpoint;
use crate::files::patience::{PATIENCE, State, within};
use crate::files::{open_append, parent_of, sync_folder};

/// A password, and whose it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// Line of the input on which the record begins.
    pub(crate) line: u64,
    /// The address in the input.
    pub(crate) email: &'a str,
    /// The account that gets it.
    pub(crate) user_id: &'a str,
    /// What it gets.
    pub(crate) password: &'a Secret,
}

/// The open file of one run.
#[derive(Debug)]
pub(crate) struct Sealed {
    file: Arc<File>,
    recipients: Arc<Recipients>,
    /// Entries from `first` up to, not including, `next`.
    gathered: Table,
    first: u64,
    next: u64,
    /// Whether the file ends in what an earlier session could not finish.
    torn: bool,
    patience: Duration,
    state: State,
}

impl Sealed {
    /// Opens the file, making it if it is missing, and goes on after the last entry. A file with a
    /// damaged message is refused as it is: it may hold the only copy of a password.
    pub(crate) fn open(path: &Path, recipients: Recipients) -> io::Result<Self> {
        let file = open_append(path)?;
        let mut series = Series::new(BufReader::with_capacity(1 << 16, &file));
        for (number, part) in (1_u64..).zip(series.by_ref()) {
            if let Part::Damaged(why) = part? {
                let words = format!("message {number} is damaged: {why}");
                return Err(io::Error::new(io::ErrorKind::InvalidData, words));
            }
        }
        let (next, torn) = series.end();
        sync_folder(parent_of(path))?;
        Ok(Self {
            file: Arc::new(file),
            recipients: Arc::new(recipients),
            gathered: Table::default(),
            first: next,
            next,
            torn,
            patience: PATIENCE,
            state: State::Sound,
        })
    }

    /// Adds an entry and returns its number in the file; it is on disk after the next
    /// [`Sealed::commit`].
    pub(crate) fn add(&mut self, entry: Entry<'_>) -> u64 {
        let seal = self.next;
        self.gathered.push(seal, &entry);
        self.next += 1;
        seal
    }

    /// Seals, writes and syncs what was added, as one message. The runtime goes on meanwhile.
    pub(crate) async fn commit(&mut self) -> io::Result<()> {
        if self.is_broken() {
            return Err(io::Error::other("an earlier write failed"));
        }
        if self.gathered.is_empty() {
            return Ok(());
        }
        let (table, first) = (mem::take(&mut self.gathered), mem::replace(&mut self.first, self.next));
        let (last, mark) = (self.next - 1, if self.torn { MARK } else { b"" });
        let (file, recipients) = (Arc::clone(&self.file), Arc::clone(&self.recipients));
        let written = within(self.patience, move || {
            let armor = sealed(&recipients, &table)?;
            drop(table);
            let message = [mark, &framed(first, last, &armor)].concat();
            failpoint::hit("seal-append");
            (&*file).write_all(&message)?;
            failpoint::hit("seal-sync");
            file.sync_data()
        });
        let written = written.await;
        match &written {
            Ok(()) => self.torn = false,
            Err(error) => self.state = State::after(error),
        }
        written
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

fn sealed(recipients: &Recipients, table: &Table) -> io::Result<Vec<u8>> {
    let encryptor = recipients.encryptor().map_err(|_| io::Error::other("sealing passwords failed"))?;
    let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
    let mut writer = encryptor.wrap_output(armor)?;
    writer.write_all(table.bytes())?;
    writer.finish()?.finish()
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use super::*;

    fn over(file: File) -> Sealed {
        let key = age::x25519::Identity::generate().to_public().to_string();
        Sealed {
            file: Arc::new(file),
            recipients: Arc::new(Recipients::parse(&[key]).unwrap()),
            gathered: Table::default(),
            first: 0,
            next: 0,
            torn: false,
            patience: Duration::from_millis(100),
            state: State::Sound,
        }
    }

    fn add(sealed: &mut Sealed, password: &str) -> u64 {
        let password = Secret::new(password.to_owned());
        sealed.add(Entry { line: 2, email: "a@b.test", user_id: "id", password: &password })
    }

    #[tokio::test]
    async fn an_entry_that_cannot_be_synced_is_not_committed() {
        let (_reader, writer) = io::pipe().unwrap();
        let mut sealed = over(File::from(OwnedFd::from(writer)));
        assert!(sealed.commit().await.is_ok(), "nothing was added");
        assert_eq!((add(&mut sealed, "x"), add(&mut sealed, "y")), (0, 1));
        assert!(sealed.commit().await.is_err() && sealed.is_broken());
        assert!(sealed.commit().await.is_err(), "a failed sync is not tried again");
        assert!(!sealed.is_stuck());
    }

    #[tokio::test]
    async fn a_write_that_hangs_has_failed_after_a_while() {
        // Nobody reads, so the pipe is full after 64 KiB and the write waits.
        let (reader, writer) = io::pipe().unwrap();
        let mut sealed = over(File::from(OwnedFd::from(writer)));
        add(&mut sealed, &"x".repeat(100_000));
        assert_eq!(sealed.commit().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(sealed.is_stuck() && sealed.is_broken() && sealed.commit().await.is_err());
        drop(reader);
    }
}
