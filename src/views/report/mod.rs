//! `report.html`: the run to look at, in one file that asks nobody for anything.
//!
//! * [`rows`]: the rows, as data for the table
//! * [`page`]: everything around them, from `page.html`, `page.css` and `page.js`
//! * [`plot`]: outcomes over time, as SVG
//!
//! Rows are written as they come and the facts after them, so that memory does not grow with the rows.
//! Whatever came from elsewhere gets into the page escaped, and only ever becomes text there: the page's
//! own policy lets no script run but the one that was put into it here.

mod page;
mod plot;
mod rows;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

pub(super) use self::page::grouped;
use self::rows::{Kept, Rows};
use super::facts::Facts;
use crate::domain::event::Done;

/// Name of the file in the run folder.
pub(crate) const NAME: &str = "report.html";

/// A page while it is written: first its rows, then the facts.
#[derive(Debug)]
pub(crate) struct Page<W> {
    out: W,
    rows: Rows,
}

impl<W: Write> Page<W> {
    /// Begins a page.
    pub(crate) fn begin(mut out: W, run_id: &str) -> io::Result<Self> {
        page::head(&mut out, run_id)?;
        let rows = Rows::begin(&mut out)?;
        Ok(Self { out, rows })
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, done: &Done, finished_at: &str) -> io::Result<()> {
        self.rows.add(&mut self.out, done, finished_at)
    }

    /// Ends the page.
    pub(crate) fn finish(mut self, facts: &Facts) -> io::Result<()> {
        let Kept { shown, left_out } = self.rows.end(&mut self.out)?;
        page::body(&mut self.out, facts, shown, left_out)?;
        self.out.flush()
    }
}
