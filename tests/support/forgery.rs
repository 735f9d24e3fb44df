//! What somebody who can write to an audit log might do to it, from a flipped bit to a whole new
//! chain. Knows the chain from the contract alone.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::sha256_hex;

/// Alters logs at random, the same way for the same seed.
pub(crate) struct Forger {
    rng: StdRng,
    own: Vec<String>,
    other: Vec<String>,
}

/// An altered log.
pub(crate) struct Forgery {
    /// With which tool.
    pub(crate) tool: &'static str,
    /// The whole file.
    pub(crate) bytes: Vec<u8>,
    /// A record's hash that was kept elsewhere: of one that stood at the first change or after it.
    pub(crate) checkpoint: String,
}

type Tool = fn(&mut Forger) -> Vec<u8>;

/// Each tool with its name.
const TOOLS: [(&str, Tool); 24] = [
    ("flip a bit", flip_a_bit),
    ("change a byte", change_a_byte),
    ("add a byte", add_a_byte),
    ("take a byte", take_a_byte),
    ("delete records", delete),
    ("delete records and hash anew", delete_and_rehash),
    ("repeat a record", repeat),
    ("swap two records", swap),
    ("swap two records and hash anew", swap_and_rehash),
    ("insert a forged record", insert),
    ("insert a forged record and hash anew", insert_and_rehash),
    ("insert a record of another log", insert_foreign),
    ("cut out of the middle", cut_out),
    ("cut the tail at a line's end", cut_tail),
    ("cut the tail within a line", cut_within),
    ("cut the first records", cut_head),
    ("cut the first records and hash anew", cut_head_and_rehash),
    ("alter a field and hash its line anew", alter),
    ("alter a field and hash everything after it anew", alter_and_rehash),
    ("go on with another log", splice),
    ("put another log in its place", replace),
    ("append another log", concatenate),
    ("repeat the tail", repeat_tail),
    ("convert line ends", convert),
];

impl Forger {
    /// Works on `own`, with `other` at hand.
    pub(crate) fn new(seed: u64, own: &str, other: &str) -> Self {
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        Self { rng: StdRng::seed_from_u64(seed), own: lines(own), other: lines(other) }
    }

    /// Uses one tool after the other. What it makes is never the original.
    pub(crate) fn forge(&mut self, turn: usize) -> Forgery {
        let (tool, make) = TOOLS[turn % TOOLS.len()];
        let original = file(&self.own);
        let bytes = loop {
            let bytes = make(self);
            if bytes != original {
                break bytes;
            }
        };
        let lines = |bytes: &[u8]| {
            bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        let (forged, whole) = (lines(&bytes), lines(&original));
        let same = forged.iter().zip(&whole).take_while(|(a, b)| a == b).count();
        let last = self.own.len() - 1;
        let at = self.rng.random_range(same.min(last)..=last);
        Forgery { tool, bytes, checkpoint: hash_of(&self.own[at]).to_owned() }
    }

    fn place(&mut self) -> usize {
        self.rng.random_range(0..self.own.len())
    }

    /// A place in the file, in bytes.
    fn byte(&mut self) -> usize {
        self.rng.random_range(0..file(&self.own).len())
    }

    /// A stretch of records, never all of them.
    fn stretch(&mut self) -> std::ops::Range<usize> {
        let start = self.place();
        let most = (self.own.len() - start).min(self.own.len() - 1);
        start..start + self.rng.random_range(1..=most.clamp(1, 5))
    }

    /// A record about a row, with something in it that was not so.
    fn forged(&mut self) -> String {
        loop {
            let place = self.place();
            if self.own[place].contains("\"kind\":\"result\"")
                || self.own[place].contains("\"kind\":\"intent\"")
            {
                return altered(&mut self.rng, &self.own[place]);
            }
        }
    }
}

fn file(lines: &[String]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.as_bytes(), b"\n"]).flatten().copied().collect()
}

fn hash_of(line: &str) -> &str {
    &line[line.len() - 66..line.len() - 2]
}

/// The line as a link of a chain: with this number, after that hash.
fn sealed(line: &str, seq: usize, prev: &str) -> String {
    let body = &line[..line.rfind(",\"prev\":\"").unwrap()];
    let (start, rest) = body.split_once("\"seq\":").unwrap();
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    let content = format!("{start}\"seq\":{seq}{rest},\"prev\":\"{prev}\"");
    format!("{content},\"hash\":\"{}\"}}", sha256_hex(content.as_bytes()))
}

/// Seals the lines from this place on, so that the chain holds.
fn rehash(lines: &mut [String], from: usize) {
    for place in from..lines.len() {
        let prev =
            place.checked_sub(1).map_or_else(|| "0".repeat(64), |before| hash_of(&lines[before]).to_owned());
        lines[place] = sealed(&lines[place], place + 1, &prev);
    }
}

/// One letter or digit between the chain's own fields is another.
fn altered(rng: &mut StdRng, line: &str) -> String {
    let (start, end) = (line.find("\"kind\"").unwrap(), line.rfind(",\"prev\":\"").unwrap());
    let mut bytes = line.as_bytes().to_vec();
    loop {
        let place = rng.random_range(start..end);
        let new = b"abcdefghijklmnopqrstuvwxyz0123456789"[rng.random_range(0..36)];
        if bytes[place].is_ascii_alphanumeric() && bytes[place] != new {
            bytes[place] = new;
            return String::from_utf8(bytes).unwrap();
        }
    }
}

fn flip_a_bit(forger: &mut Forger) -> Vec<u8> {
    let (mut bytes, place) = (file(&forger.own), forger.byte());
    bytes[place] ^= 1 << forger.rng.random_range(0..8);
    bytes
}

fn change_a_byte(forger: &mut Forger) -> Vec<u8> {
    let (mut bytes, place) = (file(&forger.own), forger.byte());
    bytes[place] = forger.rng.random();
    bytes
}

fn add_a_byte(forger: &mut Forger) -> Vec<u8> {
    let (mut bytes, place) = (file(&forger.own), forger.byte());
    let byte = [b' ', b'\n', b'\r', b'0', 0, 0xff][forger.rng.random_range(0..6)];
    bytes.insert(place, byte);
    bytes
}

fn take_a_byte(forger: &mut Forger) -> Vec<u8> {
    let (mut bytes, place) = (file(&forger.own), forger.byte());
    bytes.remove(place);
    bytes
}

fn delete(forger: &mut Forger) -> Vec<u8> {
    let (mut lines, stretch) = (forger.own.clone(), forger.stretch());
    lines.drain(stretch);
    file(&lines)
}

fn delete_and_rehash(forger: &mut Forger) -> Vec<u8> {
    let (mut lines, stretch) = (forger.own.clone(), forger.stretch());
    let from = stretch.start;
    lines.drain(stretch);
    rehash(&mut lines, from);
    file(&lines)
}

fn repeat(forger: &mut Forger) -> Vec<u8> {
    let (mut lines, from, to) = (forger.own.clone(), forger.place(), forger.place() + 1);
    lines.insert(to, forger.own[from].clone());
    file(&lines)
}

fn swap(forger: &mut Forger) -> Vec<u8> {
    let (mut lines, one, two) = (forger.own.clone(), forger.place(), forger.place());
    lines.swap(one, two);
    file(&lines)
}

fn swap_and_rehash(forger: &mut Forger) -> Vec<u8> {
    let (mut lines, one, two) = (forger.own.clone(), forger.place(), forger.place());
    lines.swap(one, two);
    rehash(&mut lines, one.min(two));
    file(&lines)
}

/// The lines with a forged one among them that follows the one before it.
fn with_forged(forger: &mut Forger, line: &str) -> (Vec<String>, usize) {
    let (mut lines, place) = (forger.own.clone(), forger.place() + 1);
    let prev = hash_of(&lines[place - 1]).to_owned();
    lines.insert(place, sealed(line, place + 1, &prev));
    (lines, place)
}

fn insert(forger: &mut Forger) -> Vec<u8> {
    let line = forger.forged();
    file(&with_forged(forger, &line).0)
}

fn insert_and_rehash(forger: &mut Forger) -> Vec<u8> {
    let line = forger.forged();
    let (mut lines, place) = with_forged(forger, &line);
    rehash(&mut lines, place);
    file(&lines)
}

fn insert_foreign(forger: &mut Forger) -> Vec<u8> {
    // The last one ends a run, and may not stand after ours; the first could begin the next.
    let from = forger.rng.random_range(1..forger.other.len());
    let line = forger.other[from].clone();
    file(&with_forged(forger, &line).0)
}

fn cut_out(forger: &mut Forger) -> Vec<u8> {
    let (mut bytes, one, two) = (file(&forger.own), forger.byte(), forger.byte());
    bytes.drain(one.min(two)..one.max(two));
    bytes
}

fn cut_tail(forger: &mut Forger) -> Vec<u8> {
    let place = forger.place();
    file(&forger.own[..place])
}

fn cut_within(forger: &mut Forger) -> Vec<u8> {
    let (mut bytes, place) = (file(&forger.own), forger.byte());
    bytes.truncate(place);
    bytes
}

fn cut_head(forger: &mut Forger) -> Vec<u8> {
    let place = forger.place();
    file(&forger.own[place..])
}

fn cut_head_and_rehash(forger: &mut Forger) -> Vec<u8> {
    let place = forger.place();
    let mut lines = forger.own[place..].to_vec();
    rehash(&mut lines, 0);
    file(&lines)
}

fn alter(forger: &mut Forger) -> Vec<u8> {
    let (mut lines, place) = (forger.own.clone(), forger.place());
    lines[place] = altered(&mut forger.rng, &lines[place]);
    rehash(&mut lines[..=place], place);
    file(&lines)
}

fn alter_and_rehash(forger: &mut Forger) -> Vec<u8> {
    let (mut lines, place) = (forger.own.clone(), forger.place());
    lines[place] = altered(&mut forger.rng, &lines[place]);
    rehash(&mut lines, place);
    file(&lines)
}

/// The same numbers, another run's records.
fn splice(forger: &mut Forger) -> Vec<u8> {
    let place = forger.rng.random_range(0..forger.own.len().min(forger.other.len()));
    let mut lines = forger.own[..place].to_vec();
    lines.extend_from_slice(&forger.other[place..]);
    if forger.rng.random() {
        rehash(&mut lines, place);
    }
    file(&lines)
}

fn replace(forger: &mut Forger) -> Vec<u8> {
    file(&forger.other)
}

fn concatenate(forger: &mut Forger) -> Vec<u8> {
    let (own, other) = (forger.own.clone(), forger.other.clone());
    file(&if forger.rng.random() { [own, other].concat() } else { [other, own].concat() })
}

fn repeat_tail(forger: &mut Forger) -> Vec<u8> {
    let place = forger.place();
    file(&[&forger.own[..], &forger.own[place..]].concat())
}

fn convert(forger: &mut Forger) -> Vec<u8> {
    let place = forger.place();
    let mut lines = forger.own.clone();
    lines[place..].iter_mut().for_each(|line| line.push('\r'));
    file(&lines)
}
