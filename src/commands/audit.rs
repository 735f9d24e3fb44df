//! `audit verify`: does the chain hold?

use std::fs::File;
use std::path::Path;

use super::{Failure, say};
use crate::audit::replay::{Damage, scan};
use crate::domain::text::count;

/// Checks the hash chain; 65 with the first bad sequence number.
pub(crate) fn verify(path: &Path) -> Result<u8, Failure> {
    let name = path.display();
    let file = File::open(path).map_err(|error| Failure::new(66, format!("{name}: {error}")))?;
    let end = scan(&file, |_, _, _| Ok(())).map_err(|damage| match damage {
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
    say(format_args!(
        "{name}: {} in an unbroken chain, head {}",
        count(end.head.seq, "record"),
        end.head.hash
    ));
    Ok(0)
}
