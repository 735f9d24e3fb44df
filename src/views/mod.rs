//! What people read: made from the audit log, and made again from it at any time.
//!
//! * [`facts`]: what the report says beyond the rows
//! * [`gathering`]: what the rows come to, counted while they are written out
//! * [`latency`]: how long changes took
//! * [`verdict`]: how it went, in a sentence
//! * [`outcomes`]: `outcome.csv`, one line a row
//! * [`summary`]: `summary.json`, the counts
//! * [`metrics`]: the counts once more, for Prometheus
//! * [`progress`]: the bar, while it runs; [`bar`]: its text; [`pace`]: how fast it goes and how long it takes
//! * [`screen`]: the terminal that it is drawn on; [`paint`]: colours
//! * [`report`]: `report.html`, the same to look at

pub(crate) mod bar;
pub(crate) mod facts;
pub(crate) mod gathering;
mod latency;
pub(crate) mod metrics;
pub(crate) mod outcomes;
pub(crate) mod pace;
pub(crate) mod paint;
pub(crate) mod progress;
pub(crate) mod report;
pub(crate) mod screen;
pub(crate) mod summary;
pub(crate) mod verdict;
