//! What people read: made from the audit log, and made again from it at any time.
//!
//! * [`facts`]: what the report says beyond the rows
//! * [`outcomes`]: `outcome.csv`, one line a row
//! * [`summary`]: `summary.json`, the counts
//! * [`progress`]: the bar, while it runs; [`bar`]: its text; [`pace`]: how fast it goes and how long it takes
//! * [`screen`]: the terminal that it is drawn on; [`paint`]: colours

pub(crate) mod bar;
pub(crate) mod facts;
pub(crate) mod outcomes;
pub(crate) mod pace;
pub(crate) mod paint;
pub(crate) mod progress;
pub(crate) mod screen;
pub(crate) mod summary;
