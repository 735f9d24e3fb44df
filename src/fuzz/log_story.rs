//! Sound logs from any bytes, and what may be done to them.

use crate::audit::chain::Head;
use crate::audit::record::{Actor, Body, RunEnd, RunStart, Told, Traffic};
use crate::domain::event::{Done, Ending, Intent, Trail};
use crate::domain::outcome::Outcome;

/// Rows of a run in a story.
const ROWS: u64 = 16;
/// Ends the story; what follows is done to it.
const END: u8 = 0;

/// A log that this program could have written, and the bytes that were not used up.
pub(super) fn story(bytes: &[u8]) -> (Vec<u8>, &[u8]) {
    let (mut head, mut log) = (Head::default(), Vec::new());
    seal(&mut head, &mut log, &Body::RunStart(&start()));
    // Whether the last process has ended, and if so, with every row settled.
    let mut ended = None;
    let mut rest = bytes;
    while let [what, row, tail @ ..] = rest {
        rest = tail;
        if *what == END {
            break;
        }
        match ended.take() {
            Some(true) => seal(&mut head, &mut log, &Body::RunStart(&start())),
            Some(false) => seal(&mut head, &mut log, &Body::Resume { actor: actor(), in_doubt: 1 }),
            None => ended = tell(&mut head, &mut log, *what, *row),
        }
    }
    (log, rest)
}

fn seal(head: &mut Head, log: &mut Vec<u8>, body: &Body<'_>) {
    let body = serde_json::to_string(body).unwrap();
    head.seal("2026-01-01T00:00:00.000Z", "20260101T000000Z-abcd", &body, log);
}

fn start() -> RunStart {
    RunStart {
        asks: String::new(),
        serves: false,
        notices: false,
        passwords_in_mail: false,
        input: "users.csv".to_owned(),
        input_fp: "00".to_owned(),
        rows: ROWS,
        last_line: ROWS + 1,
        dry_run: false,
        target: "https://api.example.com".to_owned(),
        client_id: "client".to_owned(),
        retry_of: None,
        shard: None,
        actor: actor(),
        version: "1".to_owned(),
        warnings: vec!["a \"quoted\" warning\n".to_owned()],
    }
}

fn actor() -> Actor {
    Actor { uid: 0, pid: 1, host: "host".to_owned() }
}

/// One thing that happens. When it is the end of a process: whether every row is settled.
fn tell(head: &mut Head, log: &mut Vec<u8>, what: u8, row: u8) -> Option<bool> {
    let line = u64::from(row) % ROWS + 2;
    let email = format!("u{row}@example.com");
    match what % 8 {
        0 => seal(head, log, &Body::Token { expires_in_s: u64::from(row) }),
        1 => seal(head, log, &Body::Resume { actor: actor(), in_doubt: 1 }),
        2 => {
            let traffic =
                Traffic { patch: u64::from(row), throttled: 1, waited_ms: 1000, ..Traffic::default() };
            let told = Told { traffic: (row > 99).then_some(traffic), hold_ms: (row > 199).then_some(500) };
            seal(head, log, &Body::Checkpoint { records: head.seq, told });
        }
        3 => {
            let end = RunEnd { complete: row > 127, ..RunEnd::default() };
            seal(head, log, &Body::RunEnd(&end));
            return Some(end.complete);
        }
        4 | 5 => {
            let intent = Intent {
                sealed: None,
                line,
                email: &email,
                user_id: &format!("id-{row}"),
                attributes: vec!["password"],
                attempts: u32::from(what),
                repeat: row > 127,
            };
            seal(head, log, &Body::intent(&intent));
        }
        _ => {
            let outcome = Outcome::ALL[usize::from(what) % Outcome::ALL.len()];
            let ending = Ending::new(outcome, "ä \"word\"");
            seal(head, log, &Body::done(&Done { line, email, trail: Trail::default(), ending }));
        }
    }
    None
}

/// What is done to a log.
#[derive(Debug)]
pub(super) enum Mutation<'a> {
    Flip(usize, u8),
    Cut(usize),
    Remove(usize, usize),
    Insert(usize, &'a [u8]),
    /// Lines by their numbers.
    Swap(usize, usize),
    Repeat(usize),
}

impl<'a> Mutation<'a> {
    /// What these bytes do to a log of that length.
    pub(super) fn from(bytes: &'a [u8], length: usize) -> Self {
        let number = |at: usize| {
            let pair = [bytes.get(at), bytes.get(at + 1)].map(|byte| byte.copied().unwrap_or_default());
            usize::from(u16::from_le_bytes(pair))
        };
        let place = number(1) % length;
        match bytes.first().copied().unwrap_or_default() % 6 {
            0 => Self::Flip(place, bytes.get(3).copied().unwrap_or(1)),
            1 => Self::Cut(place),
            2 => Self::Remove(place, number(3)),
            3 => Self::Insert(place, bytes.get(3..).unwrap_or_default()),
            4 => Self::Swap(number(1), number(3)),
            _ => Self::Repeat(number(1)),
        }
    }

    /// The log, so changed.
    pub(super) fn apply(&self, log: &[u8]) -> Vec<u8> {
        let mut bytes = log.to_vec();
        let mut lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
        let count = lines.len();
        match *self {
            Self::Flip(place, bits) => bytes[place] ^= bits,
            Self::Cut(place) => bytes.truncate(place),
            Self::Remove(place, length) => _ = bytes.drain(place..(place + length).min(log.len())),
            Self::Insert(place, new) => _ = bytes.splice(place..place, new.iter().copied()),
            Self::Swap(one, other) => {
                lines.swap(one % count, other % count);
                return lines.concat();
            }
            Self::Repeat(line) => {
                lines.insert(line % count, lines[line % count]);
                return lines.concat();
            }
        }
        bytes
    }
}
