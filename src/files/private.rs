//! Secrets in files of the user's: read only where nobody else can read them.

use std::env;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

/// The text of a file, or why it is not read; the name is in it, unless it may be the secret itself, given
/// by mistake.
pub(crate) fn read_private(path: &Path) -> Result<String, String> {
    let failed = |error: io::Error| {
        let name =
            if path.exists() { path.display().to_string() } else { "(a path, not the secret)".to_owned() };
        format!("{name}: {error}")
    };
    let mut file = File::open(path).map_err(failed)?;
    let facts = file.metadata().map_err(failed)?;
    if facts.is_file() && facts.mode() & beyond_owner(path, &facts) != 0 {
        let (name, mode) = (path.display(), facts.mode() & 0o777);
        return Err(format!("{name} can be read by others (mode {mode:o}): chmod 600"));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// The variable in which systemd says where a service's credentials are.
pub(crate) const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// The bits of a mode that let somebody else read the file.
fn beyond_owner(path: &Path, facts: &Metadata) -> u32 {
    let granted =
        env::var_os(CREDENTIALS).map(PathBuf::from).filter(|folder| path.parent() == Some(folder.as_path()));
    let folder = granted.and_then(|folder| fs::metadata(folder).ok());
    let euid = geteuid().as_raw();
    if folder.is_some_and(|folder| is_granted([folder.uid(), facts.uid()], folder.mode(), euid)) {
        0o027
    } else {
        0o077
    }
}

/// Whether root made a credential for us, and let us in by an access control list, as systemd does where the
/// file system has such lists. `ls` and `stat` show the list's mask where the group's bits were (0440), so
/// those bits tell of us and not of a group. What is our own has no list, and needs none.
fn is_granted(owners: [u32; 2], folder_mode: u32, euid: u32) -> bool {
    owners == [0, 0] && euid != 0 && folder_mode & 0o027 == 0
}

/// The same text without its one final line break, which is no part of a secret.
pub(crate) fn without_line_break(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_of_roots_in_a_private_folder_is_granted_and_nothing_else() {
        assert!(is_granted([0, 0], 0o40_550, 1000) && is_granted([0, 0], 0o40_500, 1000));
        for (owners, folder, euid) in [
            ([0, 0], 0o40_555, 1000),
            ([0, 0], 0o40_770, 1000),
            ([0, 1000], 0o40_500, 1000),
            ([1000, 0], 0o40_500, 1000),
            ([1000, 1000], 0o40_500, 1000),
            ([7, 7], 0o40_500, 1000),
            ([0, 0], 0o40_500, 0),
        ] {
            assert!(!is_granted(owners, folder, euid), "{owners:?} {folder:o} {euid}");
        }
    }

    #[test]
    fn one_line_break_is_not_part_of_a_secret() {
        for (file, secret) in [("s", "s"), ("s\n", "s"), ("s\r\n", "s"), ("s\n\n", "s\n"), (" s ", " s ")] {
            assert_eq!(without_line_break(file.to_owned()), secret);
        }
    }
}
