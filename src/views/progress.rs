//! The bar, while it runs. It is told things and draws; nothing depends on it.

use std::future::pending;
use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::domain::tally::Tally;

/// A bar on a terminal, and silence otherwise.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A bar for so many rows, if it is wanted and standard error is a terminal.
    pub(crate) fn new(wanted: bool, rows: u64) -> Self {
        if !wanted || !std::io::stderr().is_terminal() {
            return Self { bar: None };
        }
        let bar = ProgressBar::with_draw_target(Some(rows), ProgressDrawTarget::stderr_with_hz(10));
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {eta:>4} left  {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar: Some(bar) }
    }

    /// Shows the counts, and what is done or waited for instead of rows, if anything.
    pub(crate) fn show(&self, tally: &Tally, instead: &str) {
        let Some(bar) = &self.bar else { return };
        bar.set_position(tally.total());
        let counts = tally.sentence();
        // The counts come last: of a line too long for the terminal, the end is cut.
        bar.set_message(if instead.is_empty() { counts } else { format!("{instead} · {counts}") });
    }

    /// When to show again: five times a second with a bar, never without.
    pub(crate) async fn tick(&self) {
        match &self.bar {
            Some(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            None => pending().await,
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
