//! `audit verify`: does the chain hold, and is it all there?

use std::fs::File;
use std::io::ErrorKind::NotFound;
use std::path::Path;

use super::status::no_run;
use super::{Failure, say};
use crate::audit::replay::Damage;
use crate::audit::verify::verify as prove;
use crate::domain::text::count;
use crate::files::parent_of;
use crate::folder::lock::{Lock, Standing, folder_lock};
use crate::folder::run::LOG;

/// Checks the hash chain; 65 with the first bad sequence number, or the checkpoint that is missing.
pub(crate) fn verify(path: &Path, checkpoints: &[String]) -> Result<u8, Failure> {
    let log = if path.is_dir() { path.join(LOG) } else { path.to_owned() };
    let name = log.display();
    let file = File::open(&log).map_err(|error| match error.kind() {
        NotFound if path.is_dir() => no_run(path),
        _ => Failure::new(66, format!("{name}: {error}")),
    })?;
    let proof = prove(file, checkpoints).map_err(|damage| match damage {
        Damage::Io(error) => Failure::new(66, format!("{name}: {error}")),
        Damage::Broken { .. } => Failure::new(65, format!("{name}: {damage}")),
    })?;
    let writing = proof.end.torn > 0 && is_written_now(&log);
    if let Some(defect) = proof.defect(writing) {
        return Err(Failure::new(65, format!("{name}: {defect}")));
    }
    let records = proof.end.head.seq;
    say(format_args!(
        "{name}: {} of {} in an unbroken chain, head {}",
        count(records, "record"),
        count(proof.runs, "run"),
        proof.end.head.hash
    ));
    if proof.vouched > 0 {
        let after = count(records - proof.vouched, "record");
        say(format_args!(
            "the checkpoints stand, the last as record {}, with {after} after it",
            proof.vouched
        ));
    }
    if !proof.ended {
        say("the last record is no run_end: the run goes on, or died, or its end was cut off");
    }
    Ok(0)
}

/// Whether a run is adding to the log, so that its last line may be on its way.
fn is_written_now(log: &Path) -> bool {
    matches!(Lock::standing(&folder_lock(parent_of(log))), Standing::Held(_))
}
