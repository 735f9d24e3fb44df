//! Secrets in files of the user's: read only where nobody else can read them.
//!
//! A file of root's that its group may read is for whoever is in that group: so Kubernetes hands out a secret
//! (`fsGroup`), and systemd a credential (an ACL, which shows as that mode). Nobody but root could make it
//! narrower.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

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
    let (mode, handed_out) = (facts.mode() & 0o777, facts.uid() == 0 && !geteuid().is_root());
    if facts.is_file() && is_for_others(mode, handed_out) {
        let name = path.display();
        return Err(format!("{name} can be read by others (mode {mode:o}): chmod 600"));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// The variable in which systemd says where a service's credentials are.
pub(crate) const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// Whether such a file can be read, or written, by more than those it is for.
const fn is_for_others(mode: u32, handed_out: bool) -> bool {
    mode & if handed_out { 0o037 } else { 0o077 } != 0
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
    fn only_root_may_hand_a_file_to_a_group() {
        for (mode, ours, handed_out) in [
            (0o600, true, true),
            (0o400, true, true),
            (0o440, false, true),
            (0o640, false, true),
            (0o660, false, false),
            (0o444, false, false),
            (0o441, false, false),
            (0o604, false, false),
        ] {
            assert_eq!(
                (!is_for_others(mode, false), !is_for_others(mode, true)),
                (ours, handed_out),
                "{mode:o}"
            );
        }
    }

    #[test]
    fn one_line_break_is_not_part_of_a_secret() {
        for (file, secret) in [("s", "s"), ("s\n", "s"), ("s\r\n", "s"), ("s\n\n", "s\n"), (" s ", " s ")] {
            assert_eq!(without_line_break(file.to_owned()), secret);
        }
    }
}
