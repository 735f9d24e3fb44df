//! Who works on what, on this machine. The kernel frees a lock when its holder dies.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

use crate::audit::chain::sha256_hex;
use crate::domain::text::clean;
use crate::files;

/// Who holds a lock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Holder {
    /// Process number.
    pub(crate) pid: u32,
    /// Since when, RFC 3339 UTC.
    pub(crate) since: String,
    /// Its run folder.
    pub(crate) run_dir: String,
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    // Closing it frees the lock.
    file: File,
    /// Whether it is nobody else's file.
    is_ours: bool,
}

/// Why a lock is not ours.
#[derive(Debug)]
pub(crate) enum Unlocked {
    /// Somebody holds it.
    Held(Option<Holder>),
    /// It cannot be made.
    Io(io::Error),
}

/// How a lock stands.
#[derive(Debug)]
pub(crate) enum Standing {
    /// Nobody holds it.
    Free,
    /// Somebody does, and may have said who.
    Held(Option<Holder>),
}

/// A file that is locked, and who may read it.
#[derive(Debug)]
pub(crate) struct LockFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    mode: u32,
}

/// The lock of a run folder.
pub(crate) fn folder_lock(run_dir: &Path) -> LockFile {
    LockFile { path: run_dir.join("run.lock"), mode: 0o600 }
}

/// The lock of one client at one service, where every user of this machine finds it.
pub(crate) fn client_lock(scim_base: &str, client_id: &str) -> LockFile {
    let name = sha256_hex(format!("{scim_base}\n{client_id}").as_bytes());
    // Readable by all: whoever comes second may be another user, and needs no more to lock it.
    LockFile { path: Path::new("/tmp").join(format!("scim-rekey-{}.lock", &name[..16])), mode: 0o644 }
}

/// How long a lock may be held by somebody who is not named: by a run that has it and is about to
/// write down who it is, or by a look at it.
const UNNAMED: Duration = Duration::from_millis(200);

/// How long a lock is waited for, and who is told when that begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// So long.
    pub(crate) wait: Duration,
    /// Is told once, and who holds it.
    pub(crate) tell: fn(Duration, Option<&Holder>),
}

impl From<Duration> for Patience {
    /// Nobody is told.
    fn from(wait: Duration) -> Self {
        Self { wait, tell: |_, _| {} }
    }
}

impl Lock {
    /// Takes the lock, trying for as long as `patience`.
    pub(crate) fn take(
        file: &LockFile,
        holder: &Holder,
        patience: impl Into<Patience>,
    ) -> Result<Self, Unlocked> {
        let (start, patience) = (Instant::now(), patience.into());
        let mut is_told = patience.wait.is_zero();
        loop {
            let held_by = match Self::try_take(file, holder) {
                Err(Unlocked::Held(held_by)) => held_by,
                other => return other,
            };
            let (least, pause) = if held_by.is_some() { (Duration::ZERO, 100) } else { (UNNAMED, 10) };
            let left = patience.wait.max(least).saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(Unlocked::Held(held_by));
            }
            if !is_told && (held_by.is_some() || start.elapsed() >= UNNAMED) {
                (patience.tell)(patience.wait, held_by.as_ref());
                is_told = true;
            }
            std::thread::sleep(left.min(Duration::from_millis(pause)));
        }
    }

    fn try_take(lock_file: &LockFile, holder: &Holder) -> Result<Self, Unlocked> {
        let path = &lock_file.path;
        let mut file = open(lock_file).map_err(Unlocked::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Unlocked::Held(read_holder(&mut file))),
            Err(TryLockError::Error(error)) => return Err(Unlocked::Io(error)),
        }
        // The former holder removes the file before it lets go: a lock on a file without a name
        // is no lock.
        let (locked, named) = (file.metadata().map_err(Unlocked::Io)?, fs::metadata(path));
        if named.is_ok_and(|named| named.ino() == locked.ino() && named.dev() == locked.dev()) {
            let is_ours = locked.uid() == rustix::process::geteuid().as_raw() && locked.nlink() == 1;
            let mut lock = Self { path: path.clone(), file, is_ours };
            lock.name(holder);
            if is_ours {
                // The umask may have taken away what the next one needs to find it locked.
                let _ = lock.file.set_permissions(Permissions::from_mode(lock_file.mode));
            }
            return Ok(lock);
        }
        Self::try_take(lock_file, holder)
    }

    /// Writes down who holds it, for whoever comes second. A file of another user, or one that has another
    /// name elsewhere, stays as it is.
    pub(crate) fn name(&mut self, holder: &Holder) {
        let text = serde_json::to_string(holder).unwrap_or_default();
        if self.is_ours {
            let emptied = self.file.set_len(0).and_then(|()| self.file.rewind());
            let _ = emptied.and_then(|()| self.file.write_all(text.as_bytes()));
        }
    }

    /// Whether somebody holds it, without taking it.
    pub(crate) fn standing(file: &LockFile) -> Standing {
        let opened = files::open_own(&file.path);
        match opened.map(|file| (file.try_lock_shared(), file)) {
            Ok((Err(TryLockError::WouldBlock), mut file)) => Standing::Held(read_holder(&mut file)),
            Ok((Ok(()) | Err(TryLockError::Error(_)), _)) | Err(_) => Standing::Free,
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Locking needs no right to write, so a file that another user left behind will do.
fn open(LockFile { path, mode }: &LockFile) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    let mut made = options.clone();
    made.write(true).create(true).truncate(false).mode(*mode);
    files::open_regular(path, &mut made, OFlags::NOFOLLOW).or_else(|error| {
        let not_ours = error.kind() == io::ErrorKind::PermissionDenied;
        if not_ours { files::open_regular(path, &mut options, OFlags::NOFOLLOW) } else { Err(error) }
    })
}

/// Who says to hold it. A name that a dead process left behind is nobody's.
fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(1 << 14).read_to_string(&mut text).ok()?;
    let Holder { pid, since, run_dir } = serde_json::from_str(&text).ok()?;
    let (since, run_dir) = (clean(&since, 40), clean(&run_dir, 4096));
    lives(pid).then_some(Holder { pid, since, run_dir })
}

fn lives(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

#[cfg(test)]
mod tests;
