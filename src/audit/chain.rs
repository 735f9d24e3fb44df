//! The hash chain: each line carries the hash of the line before it and its own.
//!
//! `hash` is the hex SHA-256 of the line's bytes from its start up to, not including,
//! `,"hash":`; `prev` is the hash of the line before, 64 zeros at first.

use std::io::Write as _;

use ring::digest::{SHA256, digest};

use crate::domain::text::hex;

/// Version of the line format.
pub(crate) const FORMAT: u32 = 1;

const HASH_FIELD: &str = ",\"hash\":\"";
const HEX_LEN: usize = 64;

/// The end of a chain, to which the next line is tied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// Sequence number of the last line, 0 when there is none.
    pub(crate) seq: u64,
    /// Its hash, 64 zeros when there is none.
    pub(crate) hash: String,
}

impl Default for Head {
    fn default() -> Self {
        Self { seq: 0, hash: "0".repeat(HEX_LEN) }
    }
}

impl Head {
    /// Writes the next line, with its line feed, and moves on to it.
    ///
    /// `body` is a JSON object with at least one field; its fields come between the chain's own.
    pub(crate) fn seal(&mut self, ts: &str, run_id: &str, body: impl AsRef<[u8]>, out: &mut Vec<u8>) {
        let body = body.as_ref();
        debug_assert!(body.len() > 2 && body.starts_with(b"{") && body.ends_with(b"}"));
        self.seq += 1;
        let start = out.len();
        // A vector takes all that is written to it.
        let _ = write!(out, r#"{{"v":{FORMAT},"seq":{},"ts":""#, self.seq);
        for part in [ts, r#"","run_id":""#, run_id, r#"","#] {
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(&body[1..body.len() - 1]);
        for part in [r#","prev":""#, &self.hash, "\""] {
            out.extend_from_slice(part.as_bytes());
        }
        self.hash = sha256_hex(&out[start..]);
        for part in [HASH_FIELD, &self.hash, "\"}\n"] {
            out.extend_from_slice(part.as_bytes());
        }
    }

    /// Checks that `line` (without its line feed) is the next one, and moves on to it.
    pub(crate) fn follow(&mut self, line: &[u8], seq: u64, prev: &str) -> Result<(), &'static str> {
        let (sealed, hash) = split(line).ok_or("the line does not end in its hash")?;
        if sha256_hex(sealed).as_bytes() != hash {
            return Err("the line is not what was hashed");
        }
        if seq != self.seq + 1 {
            return Err("the sequence number does not follow");
        }
        if prev != self.hash {
            return Err("the line does not follow the one before it");
        }
        self.seq = seq;
        self.hash = String::from_utf8_lossy(hash).into_owned();
        Ok(())
    }
}

/// What was hashed, and the hash as hex.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = line.strip_suffix(b"\"}")?;
    let (head, hash) = rest.split_at_checked(rest.len().checked_sub(HEX_LEN)?)?;
    Some((head.strip_suffix(HASH_FIELD.as_bytes())?, hash))
}

/// Whether bytes without a line feed hold more than a whole line. A write that was cut short leaves
/// less: then it is the line feed itself that was altered.
pub(crate) fn oversteps(tail: &[u8]) -> bool {
    let field = tail.windows(HASH_FIELD.len()).position(|bytes| bytes == HASH_FIELD.as_bytes());
    field.is_some_and(|at| tail.len() > at + HASH_FIELD.len() + HEX_LEN + 2)
}

/// SHA-256 in lower-case hex.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> (Vec<u8>, Vec<u8>) {
        let mut head = Head::default();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        head.seal("t", "r", r#"{"kind":"token"}"#, &mut first);
        head.seal("t", "r", r#"{"kind":"note","nested":{"a":1}}"#, &mut second);
        (first, second)
    }

    #[test]
    fn the_hash_is_that_of_the_bytes_before_its_field() {
        let (first, second) = sealed();
        let text = String::from_utf8(second).unwrap();
        let (sealed, rest) = text.trim_end().split_once(",\"hash\":").unwrap();
        assert_eq!(rest, format!("\"{}\"}}", sha256_hex(sealed.as_bytes())));
        assert!(serde_json::from_slice::<serde_json::Value>(&first).is_ok());
        assert!(sealed.contains(r#""nested":{"a":1},"prev":""#));
    }

    #[test]
    fn lines_follow_in_order_only() {
        let (first, second) = sealed();
        let prev = |line: &[u8]| {
            serde_json::from_slice::<serde_json::Value>(line).unwrap()["prev"].as_str().unwrap().to_owned()
        };
        let mut head = Head::default();
        assert!(head.clone().follow(second.trim_ascii_end(), 2, &prev(&second)).is_err());
        head.follow(first.trim_ascii_end(), 1, &prev(&first)).unwrap();
        head.follow(second.trim_ascii_end(), 2, &prev(&second)).unwrap();
        assert_eq!(head.seq, 2);
    }

    #[test]
    fn any_flipped_byte_is_noticed() {
        let (first, _) = sealed();
        let line = first.trim_ascii_end();
        for place in 0..line.len() {
            let mut bad = line.to_vec();
            bad[place] ^= 1;
            assert!(Head::default().follow(&bad, 1, &"0".repeat(64)).is_err(), "byte {place}");
        }
    }
}
