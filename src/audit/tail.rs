//! The last line of a log, without what stands before it: enough to tell whether what was made from the
//! log is what the log says now.
//!
//! One invariant: a line that is not whole, or not what was hashed, is no last line.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use super::chain::Head;
use super::record::{Line, RunEnd};

/// So far back it is looked for. Ours are below 2 KiB, but for the warnings of a run's end.
const REACH: u64 = 1 << 16;

/// The last line.
#[derive(Debug)]
pub(crate) struct Tail {
    /// Its hash.
    pub(crate) hash: String,

    /// What it says, if it ends a process.
    pub(crate) end: Option<RunEnd>,
}

/// Reads the last line; nothing when a crash left less than a line there, or more has to be read to know.
pub(crate) fn tail(log: &mut File) -> io::Result<Option<Tail>> {
    let start = log.metadata()?.len().saturating_sub(REACH);
    log.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    log.take(REACH).read_to_end(&mut bytes)?;
    let Some(bytes) = bytes.strip_suffix(b"\n") else { return Ok(None) };
    let last = match bytes.iter().rposition(|byte| *byte == b'\n') {
        Some(before) => &bytes[before + 1..],
        None if start == 0 => bytes,
        None => return Ok(None),
    };
    Ok(whole(last))
}

fn whole(bytes: &[u8]) -> Option<Tail> {
    let line: Line<'_> = serde_json::from_slice(bytes).ok()?;
    let mut head = Head { seq: line.seq.checked_sub(1)?, hash: line.prev.to_string() };
    head.follow(bytes, line.seq, &line.prev).ok()?;
    let end = if line.kind == "run_end" { Some(serde_json::from_slice(bytes).ok()?) } else { None };
    Some(Tail { hash: head.hash, end })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn tail_of(bytes: &[u8]) -> Option<Tail> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        tail(&mut file).unwrap()
    }

    #[test]
    fn the_last_line_is_found_and_what_is_none_is_not() {
        let (mut head, mut bytes) = (Head::default(), Vec::new());
        for _ in 0..2000 {
            head.seal("2026-01-01T00:00:00.000Z", "run", r#"{"kind":"token","expires_in_s":7}"#, &mut bytes);
        }
        assert!(bytes.len() as u64 > REACH);
        assert!(tail_of(&bytes).is_some_and(|tail| tail.hash == head.hash && tail.end.is_none()));
        let one = bytes.split_inclusive(|byte| *byte == b'\n').next().unwrap();
        assert!(tail_of(one).is_some());

        for cut in 1..one.len() {
            assert!(tail_of(&one[..cut]).is_none(), "cut at {cut}");
        }
        let last = bytes.len() - 2;
        for place in [last, last - 3, last - 70, last - 100] {
            let mut altered = bytes.clone();
            altered[place] ^= 1;
            assert!(tail_of(&altered).is_none(), "byte {place}");
        }
        assert!(tail_of(b"").is_none());
        assert!(tail_of(&[b"x".repeat(1 << 17), b"\n".to_vec()].concat()).is_none());
    }
}
