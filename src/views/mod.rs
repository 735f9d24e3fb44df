//! What people read: made from the audit log, and made again from it at any time.
//!
//! * [`facts`]: what the report says beyond the rows
//! * [`outcomes`]: `outcome.csv`, one line a row
//! * [`summary`]: `summary.json`, the counts
//! * [`metrics`]: the counts once more, for Prometheus
//! * [`progress`]: the bar, while it runs

pub(crate) mod facts;
pub(crate) mod metrics;
pub(crate) mod outcomes;
pub(crate) mod progress;
pub(crate) mod summary;
