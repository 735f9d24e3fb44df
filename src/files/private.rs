//! Secrets in files of the user's: read only where nobody else can read them.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

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
    if facts.is_file() && facts.mode() & 0o077 != 0 {
        let (name, mode) = (path.display(), facts.mode() & 0o777);
        return Err(format!("{name} can be read by others (mode {mode:o}): chmod 600"));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    Ok(text)
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
    fn one_line_break_is_not_part_of_a_secret() {
        for (file, secret) in [("s", "s"), ("s\n", "s"), ("s\r\n", "s"), ("s\n\n", "s\n"), (" s ", " s ")] {
            assert_eq!(without_line_break(file.to_owned()), secret);
        }
    }
}
