//! What tests measure, for `docs/reliability.md`.

use std::io::Write as _;

/// Shows a figure, whether its test passes or not.
pub(crate) fn figure(sentence: &str) {
    let _ = writeln!(std::io::stdout(), "measured: {sentence}");
}
