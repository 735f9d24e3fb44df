//! Files that hold what was done to whom: 0600 in a 0700 folder whatever the umask, never
//! through a symbolic link, and replaced whole or not at all.

pub(crate) mod patience;
pub(crate) mod private;

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::process::geteuid;

/// Makes a folder for its owner only, with those above it that are missing. Its name survives a power
/// cut.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists()) {
        create_folder(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {
            fs::set_permissions(path, Permissions::from_mode(0o700))?;
            sync_folder(parent_of(path))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Why others could put something of theirs in a folder's place or into it, if they could.
///
/// Such a folder is no place to look for the past of a run. Root may do anything anyway.
pub(crate) fn exposed(folder: &Path) -> io::Result<Option<String>> {
    let others = |uid: u32| uid != geteuid().as_raw() && uid != 0;
    let (named, meant) = (fs::symlink_metadata(folder)?, fs::metadata(folder)?);
    let mode = meant.mode() & 0o7777;
    Ok(if others(named.uid()) {
        Some(format!("belongs to another user (uid {})", named.uid()))
    } else if others(meant.uid()) {
        Some(format!("leads to a folder of another user (uid {})", meant.uid()))
    } else if mode & 0o022 != 0 {
        Some(format!("can be written by others (mode {mode:o}): chmod go-w"))
    } else {
        None
    })
}

/// Opens a file for reading and appending, making it if it is missing.
pub(crate) fn open_append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600);
    let file = open_regular(path, &mut options, OFlags::NOFOLLOW)?;
    if file.metadata()?.nlink() != 1 {
        return Err(refused(path, "has another name elsewhere, whose owner would be surprised"));
    }
    // The mode above is cut by the umask, and an old file may be open to others.
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Opens a file for reading. What is no file could keep a reader waiting for ever.
pub(crate) fn open_read(path: &Path) -> io::Result<File> {
    open_regular(path, OpenOptions::new().read(true), OFlags::empty())
}

/// Opens a file of ours for reading: a link in its place is not followed.
pub(crate) fn open_own(path: &Path) -> io::Result<File> {
    open_regular(path, OpenOptions::new().read(true), OFlags::NOFOLLOW)
}

/// Opens what is a file, and no FIFO, device or folder; without waiting for the other end of a FIFO.
pub(crate) fn open_regular(path: &Path, options: &mut OpenOptions, flags: OFlags) -> io::Result<File> {
    let no_link = flags.contains(OFlags::NOFOLLOW);
    let flags = i32::try_from((flags | OFlags::NONBLOCK).bits()).map_err(io::Error::other)?;
    let file = options.custom_flags(flags).open(path).map_err(|error| {
        let is_link = fs::symlink_metadata(path).is_ok_and(|facts| facts.is_symlink());
        if no_link && is_link { refused(path, "is a symbolic link, which is not followed") } else { error }
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(refused(path, "is not a regular file")) }
}

fn refused(path: &Path, why: &str) -> io::Error {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    io::Error::new(io::ErrorKind::InvalidInput, format!("{name} {why}"))
}

/// Takes the disk space for these bytes of a file, whose length stays as it is. Where that cannot be done
/// ahead, nothing is; only a full disk is an error.
pub(crate) fn reserve(file: &File, bytes: Range<u64>) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;

        let done = fallocate(file, FallocateFlags::KEEP_SIZE, bytes.start, bytes.end - bytes.start);
        if let Err(error @ (Errno::NOSPC | Errno::DQUOT)) = done {
            return Err(error.into());
        }
    }
    let _ = (file, bytes);
    Ok(())
}

/// Reads a file to its end.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_read(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// How files begin that are not finished yet.
const ASIDE: &str = ".unfinished-";

/// Whether a file of this name was never finished.
pub(crate) fn is_unfinished(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(ASIDE.as_bytes())
}

/// Removes what a crash left of files that were never finished.
pub(crate) fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_unfinished(&entry.file_name()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Replaces a file by what `fill` writes: written aside, synced, renamed, and the folder synced.
pub(crate) fn replace(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    replace_as(0o600, path, fill)
}

/// The same, with a mode of its own.
pub(crate) fn replace_as(
    mode: u32,
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let folder = parent_of(path);
    let aside = tempfile::Builder::new().prefix(ASIDE).tempfile_in(folder)?;
    // Whatever the umask took away.
    aside.as_file().set_permissions(Permissions::from_mode(mode))?;
    let mut aside = io::BufWriter::with_capacity(1 << 16, aside);
    fill(&mut aside)?;
    let aside = aside.into_inner().map_err(io::IntoInnerError::into_error)?;
    aside.as_file().sync_all()?;
    aside.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Whether a file of ours could be put in this place: its folder takes one, and what is there by that name
/// is a file that begins like ours.
pub(crate) fn check_place(path: &Path, begins: &str) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
        Ok(facts) if !facts.is_file() => return Err(refused(path, "is not a regular file")),
        Ok(_) => {
            let mut start = Vec::new();
            open_own(path)?.take(begins.len() as u64).read_to_end(&mut start)?;
            if !start.is_empty() && start != begins.as_bytes() {
                return Err(refused(path, "is there already, and no such file"));
            }
        }
    }
    tempfile::tempfile_in(parent_of(path)).map(drop)
}

/// The folder that a file is in.
pub(crate) fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What kind of file system a folder is on, if what is synced there can be lost all the same, or if
/// locks may not hold there.
pub(crate) fn unreliable(folder: &Path) -> Option<&'static str> {
    #[cfg(target_os = "linux")]
    {
        // Of statfs(2); a type is 32 bits wide, however wide the field is.
        const KINDS: [(u32, &str); 6] = [
            (0x0102_1994, "tmpfs, which is gone after a restart"),
            (0x8584_58f6, "ramfs, which is gone after a restart"),
            (0x6969, "NFS, where locks and syncs may not hold"),
            (0x517b, "SMB, where locks and syncs may not hold"),
            (0xff53_4d42, "SMB, where locks and syncs may not hold"),
            (0xfe53_4d42, "SMB, where locks and syncs may not hold"),
        ];
        let kind = rustix::fs::statfs(folder).ok()?.f_type & 0xffff_ffff;
        KINDS.iter().find(|(magic, _)| i64::from(*magic) == kind).map(|(_, name)| *name)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        None
    }
}

/// Makes new names in a folder survive a power cut.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn everything_is_for_the_owner_only() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a/b");
        create_folder(&folder).unwrap();
        create_folder(&folder).unwrap();
        let file = folder.join("f");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        open_append(&file).unwrap().write_all(b"er").unwrap();
        assert_eq!((mode(&folder), mode(folder.parent().unwrap()), mode(&file)), (0o700, 0o700, 0o600));
        replace(&file, |out| out.write_all(b"new")).unwrap();
        assert_eq!((fs::read_to_string(&file).unwrap().as_str(), mode(&file)), ("new", 0o600));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn a_planted_link_is_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let (victim, link) = (home.path().join("victim"), home.path().join("link"));
        fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, &link).unwrap();
        assert!(open_append(&link).unwrap_err().to_string().contains("symbolic link"));
        replace(&link, |out| out.write_all(b"x")).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    }

    #[test]
    fn what_is_no_file_is_refused_and_not_waited_for() {
        let home = tempfile::tempdir().unwrap();
        let fifo = home.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
        for path in [&fifo, Path::new("/dev/zero"), home.path()] {
            assert!(open_append(path).is_err(), "{}", path.display());
            assert!(read(path).is_err(), "{}", path.display());
        }
    }

    #[test]
    fn a_file_with_a_second_name_keeps_its_mode() {
        let home = tempfile::tempdir().unwrap();
        let (victim, link) = (home.path().join("victim"), home.path().join("link"));
        fs::write(&victim, "precious").unwrap();
        fs::set_permissions(&victim, Permissions::from_mode(0o644)).unwrap();
        fs::hard_link(&victim, &link).unwrap();
        assert!(open_append(&link).unwrap_err().to_string().contains("another name"));
        assert_eq!(mode(&victim), 0o644);
    }

    #[test]
    fn a_folder_that_others_can_write_is_exposed() {
        let home = tempfile::tempdir().unwrap();
        let exposed_at = |mode| {
            fs::set_permissions(home.path(), Permissions::from_mode(mode)).unwrap();
            exposed(home.path()).unwrap().is_some()
        };
        assert_eq!([0o700, 0o755, 0o770, 0o702, 0o1777].map(exposed_at), [false, false, true, true, true]);
        fs::set_permissions(home.path(), Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
    fn a_failed_replacement_leaves_the_old_file() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("f");
        fs::write(&file, "old").unwrap();
        assert!(replace(&file, |_| Err(io::Error::other("no"))).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }
}
