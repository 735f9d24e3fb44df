//! An audit log that somebody wrote to: whatever is not as it was written is refused, and nothing
//! that it claims makes its reader fail.

use std::fs::File;
use std::io::{Seek as _, Write as _};

use super::log_story::{Mutation, story};
use crate::audit::chain::Head;
use crate::audit::replay::{Damage, Past, rows, scan};

/// The first byte chooses: the bytes as a log; bodies of records, each sealed as if it were ours;
/// or a story from which a sound log is made, and what is done to it then.
pub fn audit_replay(bytes: &[u8]) {
    match bytes.split_first() {
        Some((b'#', rest)) => check_forged(rest),
        Some((b'!', rest)) => check_mutation(rest),
        _ => _ = read(bytes),
    }
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

/// Reads a log in every way there is; how far its chain goes, if all of it is sound.
fn read(bytes: &[u8]) -> Option<u64> {
    let mut lines = 0;
    let scanned = scan(&file(bytes), |offset, line, _| {
        let start = usize::try_from(offset).unwrap();
        assert_eq!(&bytes[start..start + line.len()], line, "each line comes with its place");
        lines += 1;
        Ok(())
    });
    let past = Past::of(&file(bytes));
    let end = match scanned {
        Ok(end) => end,
        Err(Damage::Io(error)) => panic!("{error}"),
        Err(Damage::Broken { seq, offset, .. }) => {
            assert_eq!((seq, offset <= bytes.len() as u64), (lines + 1, true), "the first bad line is named");
            assert!(past.is_err(), "what does not hold is no past");
            return None;
        }
    };
    assert_eq!(
        (end.head.seq, end.len + end.torn),
        (lines, bytes.len() as u64),
        "every byte is accounted for"
    );
    if let Ok(Some(past)) = past {
        check_past(&past, bytes);
    }
    Some(end.len)
}

/// The ledger of a past leads back to lines that speak of rows, each of another one.
fn check_past(past: &Past, bytes: &[u8]) {
    let offsets: Vec<u64> = past.ledger.offsets().collect();
    let found: Vec<u64> = rows(file(bytes), offsets.iter().copied()).map(|row| row.unwrap().0.line).collect();
    assert!(found.is_sorted_by(|a, b| a < b), "rows come in the order of the input");
    assert!(past.ledger.tally().total() <= found.len() as u64);
    assert!(
        past.ledger.in_doubt() <= found.len() as u64 && past.ledger.settled_offsets().count() <= found.len()
    );
}

/// Lines with any body and sound hashes, as only somebody with the program's source writes them.
fn check_forged(bytes: &[u8]) {
    let (mut head, mut log) = (Head::default(), Vec::new());
    for body in bytes.split(|byte| *byte == b'\n').filter_map(|body| std::str::from_utf8(body).ok()) {
        if body.len() > 2 && body.starts_with('{') && body.ends_with('}') {
            head.seal("2026-01-01T00:00:00.000Z", "r", body, &mut log);
        }
    }
    read(&log);
}

/// A sound log is read whole; after any change to it, all before the last line feed is as it was
/// written, or the log is refused.
fn check_mutation(bytes: &[u8]) {
    let (log, rest) = story(bytes);
    assert_eq!(read(&log), Some(log.len() as u64), "a sound log is read");
    let mutated = Mutation::from(rest, log.len()).apply(&log);
    let whole = mutated.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    match read(&mutated) {
        Some(len) => {
            assert_eq!(len, whole as u64);
            assert!(log.starts_with(&mutated[..whole]), "a changed log is taken for sound");
        }
        None => assert!(!log.starts_with(&mutated), "a log cut at its end is still a log"),
    }
}
