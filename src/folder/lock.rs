//! Who works on what, on this machine. The kernel frees a lock when its holder dies.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use crate::audit::chain::sha256_hex;

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
    // Closing it frees the lock, so it is kept though nobody reads it.
    _file: File,
}

/// Why a lock is not ours.
#[derive(Debug)]
pub(crate) enum Unlocked {
    /// Somebody holds it.
    Held(Option<Holder>),
    /// It cannot be made.
    Io(io::Error),
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

impl Lock {
    /// Takes the lock, trying for as long as `patience`.
    pub(crate) fn take(file: &LockFile, holder: &Holder, patience: Duration) -> Result<Self, Unlocked> {
        let start = Instant::now();
        loop {
            match Self::try_take(file, holder) {
                Err(Unlocked::Held(_)) if start.elapsed() < patience => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                other => return other,
            }
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
            let text = serde_json::to_string(holder).unwrap_or_default();
            // Only for the message of whoever comes second. A file of another user, or one that has
            // another name elsewhere, stays as it is.
            if locked.uid() == rustix::process::geteuid().as_raw() && locked.nlink() == 1 {
                let _ = file.set_len(0).and_then(|()| file.write_all(text.as_bytes()));
            }
            return Ok(Self { path: path.clone(), _file: file });
        }
        Self::try_take(lock_file, holder)
    }

    /// Who holds it, without taking it.
    pub(crate) fn holder(file: &LockFile) -> Option<Holder> {
        let mut file = File::open(&file.path).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => read_holder(&mut file),
            Ok(()) | Err(TryLockError::Error(_)) => None,
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
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).map_err(io::Error::other)?;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags);
    options.clone().write(true).create(true).truncate(false).mode(*mode).open(path).or_else(|error| {
        if error.kind() == io::ErrorKind::PermissionDenied { options.open(path) } else { Err(error) }
    })
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(4096).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_and_the_next_is_told_who() {
        let home = tempfile::tempdir().unwrap();
        let path = folder_lock(home.path());
        let holder = Holder { pid: 42, since: "now".into(), run_dir: "d".into() };
        let first = Lock::take(&path, &holder, Duration::ZERO).unwrap();
        assert_eq!(fs::metadata(&path.path).unwrap().mode() & 0o777, 0o600);
        match Lock::take(&path, &holder, Duration::ZERO) {
            Err(Unlocked::Held(Some(seen))) => assert_eq!(seen.pid, 42),
            other => panic!("{other:?}"),
        }
        assert_eq!(Lock::holder(&path).unwrap().pid, 42);
        drop(first);
        assert!(!path.path.exists() && Lock::holder(&path).is_none());
        drop(Lock::take(&path, &holder, Duration::ZERO).unwrap());
    }

    #[test]
    fn a_file_left_by_a_dead_process_is_free() {
        let home = tempfile::tempdir().unwrap();
        let path = folder_lock(home.path());
        fs::write(&path.path, "{\"pid\":1,\"since\":\"\",\"run_dir\":\"\"}").unwrap();
        let holder = Holder { pid: 42, since: String::new(), run_dir: String::new() };
        assert!(Lock::take(&path, &holder, Duration::ZERO).is_ok());
    }
}
