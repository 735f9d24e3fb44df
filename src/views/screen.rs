//! Standard error as a terminal: whether one can draw on it and in colours, how wide it is, and who writes
//! on it while the bar is there.
//!
//! Invariant: while the bar is drawn the cursor stands at the beginning of its line, the last of the screen.
//! So whatever is to be taken away is behind the cursor, also when the window has been made narrower since.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use tracing_subscriber::fmt::MakeWriter;

/// Takes away what stands on the cursor's line.
pub(crate) const ERASE: &str = "\r\u{1b}[K";
/// Where nobody says how wide a terminal is.
const USUAL_WIDTH: u16 = 80;
/// How often it is drawn at the most.
const PER_SECOND: u8 = 10;

/// Whether standard error is a terminal that takes escape codes.
pub(crate) fn is_drawable() -> bool {
    let knows = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    knows && io::stderr().is_terminal()
}

/// Whether colours are wanted there (<https://no-color.org>).
pub(crate) fn is_colourful() -> bool {
    is_drawable() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Columns of the terminal.
pub(crate) fn width() -> u16 {
    let columns = rustix::termios::tcgetwinsize(io::stderr()).map_or(0, |size| size.ws_col);
    if columns == 0 { USUAL_WIDTH } else { columns }
}

/// What whoever prints a line shares with the bar.
#[derive(Debug, Clone, Default)]
pub(crate) struct Screen(Arc<Mutex<Option<ProgressBar>>>);

impl Screen {
    /// A bar of one line, until it is taken away.
    pub(super) fn bar(&self) -> ProgressBar {
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(BottomLine::default()), PER_SECOND);
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar()));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
        bar
    }

    /// The bar is gone.
    pub(super) fn clear(&self) {
        let bar = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
    }

    /// Prints whole lines, above the bar if there is one.
    pub(crate) fn above<R>(&self, print: impl FnOnce() -> R) -> R {
        let bar = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

/// Log lines go to standard error, each of them whole.
impl<'a> MakeWriter<'a> for Screen {
    type Writer = Lines<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Lines(self)
    }
}

/// Writes log lines.
#[derive(Debug)]
pub(crate) struct Lines<'a>(&'a Screen);

impl io::Write for Lines<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.above(|| io::stderr().write_all(line)).map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// The last line of the screen, as the bar is drawn on it: at once, and with the cursor back at its beginning.
#[derive(Debug, Default)]
struct BottomLine(Mutex<Drawing>);

#[derive(Debug, Default)]
struct Drawing {
    line: String,
    /// Columns that the line before takes.
    before: usize,
}

impl BottomLine {
    fn drawing(&self) -> MutexGuard<'_, Drawing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes away a line that was drawn from the cursor on. On a terminal that has been made narrower since, its
/// rest is now in the lines below.
fn erase(drawn: usize, columns: usize) -> String {
    let below = drawn.saturating_sub(1) / columns.max(1);
    let each = "\u{1b}[1B\u{1b}[K".repeat(below);
    let back = if below > 0 { format!("\u{1b}[{below}A") } else { String::new() };
    format!("{ERASE}{each}{back}")
}

/// Columns that a line takes, which holds nothing wide and no codes but colours.
fn columns_of(line: &str) -> usize {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().map_or(0, |text| text.chars().count());
    first + parts.map(|part| part.split_once('m').map_or(0, |(_, text)| text.chars().count())).sum::<usize>()
}

impl TermLike for BottomLine {
    fn width(&self) -> u16 {
        width()
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.drawing().line.push_str(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.drawing().line.clear();
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let mut drawing = self.drawing();
        let line = std::mem::take(&mut drawing.line);
        let line = line.trim_matches(['\r', ' ']);
        let erase = erase(drawing.before, width().into());
        drawing.before = columns_of(line);
        io::stderr().write_all(format!("{erase}{line}\r").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_narrower_terminal_has_wrapped_is_taken_away_too() {
        assert_eq!(erase(79, 80), ERASE);
        assert_eq!(erase(80, 80), ERASE);
        assert_eq!(erase(0, 0), ERASE);
        let row = "\u{1b}[1B\u{1b}[K";
        assert_eq!(erase(79, 40), format!("{ERASE}{row}\u{1b}[1A"));
        assert_eq!(erase(81, 40), format!("{ERASE}{row}{row}\u{1b}[2A"));
    }

    #[test]
    fn colours_take_no_columns() {
        assert_eq!(columns_of("\u{1b}[1m3/4\u{1b}[0m · \u{1b}[1;31m1 failed\u{1b}[0m"), 14);
        assert_eq!(columns_of(""), 0);
    }
}
