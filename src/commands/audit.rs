//! `audit verify`: does the chain hold?

use std::fs::File;
use std::path::Path;

use super::{Failure, say};
use crate::audit::replay::{Damage, scan};
use crate::domain::text::count;
use crate::folder::run::LOG;

/// Checks the hash chain; 65 with the first bad sequence number.
pub(crate) fn verify(path: &Path) -> Result<u8, Failure> {
    let log = if path.is_dir() { path.join(LOG) } else { path.to_owned() };
    let name = log.display();
    let file = File::open(&log).map_err(|error| Failure::new(66, format!("{name}: {error}")))?;
    let mut ended = false;
    let end = scan(&file, |_, _, line| {
        ended = line.kind == "run_end";
        Ok(())
    })
    .map_err(|damage| match damage {
        Damage::Io(error) => Failure::new(66, format!("{name}: {error}")),
        Damage::Broken { .. } => Failure::new(65, format!("{name}: {damage}")),
    })?;
    if end.torn > 0 {
        let seq = end.head.seq + 1;
        let torn = count(end.torn, "byte");
        return Err(Failure::new(
            65,
            format!("{name}: record {seq} (byte {}): {torn} without an end, as a crash leaves it", end.len),
        ));
    }
    if end.head.seq == 0 {
        return Err(Failure::new(65, format!("{name}: record 1 is missing: the log is empty")));
    }
    say(format_args!(
        "{name}: {} in an unbroken chain, head {}",
        count(end.head.seq, "record"),
        end.head.hash
    ));
    if !ended {
        say("the last record is no run_end: the run goes on, or died, or its end was cut off");
    }
    Ok(0)
}
