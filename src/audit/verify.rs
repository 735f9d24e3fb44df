//! Whether a log holds, and whether it is all there.
//!
//! The chain shows that nothing was changed, moved, added or removed before the last record. It
//! cannot show that the last records were cut off, or that all of it was written anew: for that it
//! takes a checkpoint, the hash of any record, kept where whoever writes the log cannot change it.

use std::collections::BTreeSet;
use std::io::Read;

use super::replay::{Damage, End, scan};
use crate::domain::text::count;

/// What a log that holds has shown.
#[derive(Debug)]
pub(crate) struct Proof {
    /// How far it goes.
    pub(crate) end: End,
    /// Runs in it.
    pub(crate) runs: u64,
    /// Whether the last process ended in order.
    pub(crate) ended: bool,
    /// The last record that a checkpoint speaks for, 0 without one.
    pub(crate) vouched: u64,
    /// Checkpoints that are no record's hash.
    pub(crate) missing: BTreeSet<String>,
}

/// Reads the whole log. Checkpoints are hashes in lower-case hex.
pub(crate) fn verify(log: impl Read, checkpoints: &[String]) -> Result<Proof, Damage> {
    let mut missing: BTreeSet<_> = checkpoints.iter().cloned().collect();
    let (mut runs, mut ended, mut vouched) = (0, false, 0);
    let end = scan(log, |_, _, line| {
        runs += u64::from(line.kind == "run_start");
        // A checkpoint may stand after the end, and changes nothing.
        ended = line.kind == "run_end" || (ended && line.kind == "checkpoint");
        if missing.remove(&*line.hash) {
            vouched = line.seq;
        }
        Ok(())
    })?;
    Ok(Proof { end, runs, ended, vouched, missing })
}

impl Proof {
    /// What keeps the log from being evidence although its chain holds. While a run is `writing` to
    /// it, its last line may be on its way.
    pub(crate) fn defect(&self, writing: bool) -> Option<String> {
        let Self { end, vouched, missing, .. } = self;
        let records = end.head.seq;
        if end.torn > 0 && !writing {
            let (seq, torn) = (records + 1, count(end.torn, "byte"));
            return Some(format!(
                "record {seq} (byte {}): {torn} without an end, as a crash leaves it",
                end.len
            ));
        }
        if records == 0 {
            return Some("record 1 is missing: the log is empty".to_owned());
        }
        let lost = missing.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let (what, verb) = if missing.len() == 1 { ("checkpoint", "is") } else { ("checkpoints", "are") };
        let lost = format!("the {what} {lost} {verb} not in this log");
        match (missing.is_empty(), vouched) {
            (true, _) => None,
            // Nothing speaks for any record: all of it may be another log.
            (false, 0) => Some(format!("{lost}: records were cut after record {records}, or replaced")),
            (false, _) => Some(format!("{lost}: records were cut or replaced after record {vouched}")),
        }
    }
}

#[cfg(test)]
mod tests;
