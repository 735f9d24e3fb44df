//! A file as a series of messages: which are whole, which entries they hold, and where the next belongs.
//!
//! Before each message stands a line with the numbers of its entries and a digest, so that both can be
//! checked without a key:
//!
//! ```text
//! # scim-rekey 1: entries 0-15, sha256 6f0c…
//! -----BEGIN AGE ENCRYPTED FILE-----
//! …
//! -----END AGE ENCRYPTED FILE-----
//! ```
//!
//! Nothing is ever cut off. What a crash has cut short ends in `# torn`, which the next session writes
//! before its first message. Anything else that is no message is damage, and the series goes on at the
//! next line of the first kind.

use std::io::{self, BufRead, Read as _};
use std::mem;

use ring::digest::{Context, SHA256};

use crate::domain::text::hex;

/// What a session writes behind what the one before it could not finish, on the same line: where this is
/// cut short in its turn, that line still has no end.
pub(super) const MARK: &[u8] = b"# torn\n";
const END: &[u8] = b"-----END AGE ENCRYPTED FILE-----\n";
/// Longer than any line of a series.
const LINE_CAP: usize = 256;
/// Longer than any message.
const MESSAGE_CAP: usize = 1 << 28;

/// What stands in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A message as it was written.
    Message {
        /// Number of its first entry.
        first: u64,
        /// Number of its last entry.
        last: u64,
        /// The age file, armored.
        armor: Vec<u8>,
    },
    /// A message that was not finished.
    Torn,
    /// Something that was changed since it was written.
    Damaged(&'static str),
}

/// A message with the line before it. The empty line after it keeps them apart: a line break that is lost
/// damages one of them and not two.
pub(super) fn framed(first: u64, last: u64, armor: &[u8]) -> Vec<u8> {
    [&head(first, last, &digest(first, last, armor)), armor, b"\n"].concat()
}

fn head(first: u64, last: u64, digest: &str) -> Vec<u8> {
    format!("# scim-rekey 1: entries {first}-{last}, sha256 {digest}\n").into_bytes()
}

fn digest(first: u64, last: u64, armor: &[u8]) -> String {
    let mut context = Context::new(&SHA256);
    context.update(format!("{first}-{last}\n").as_bytes());
    context.update(armor);
    hex(context.finish().as_ref())
}

/// What the line before a message says.
struct Head {
    first: u64,
    last: u64,
    digest: String,
}

impl Head {
    /// Accepts the line only as it was written, to the byte.
    fn parse(line: &[u8]) -> Option<Self> {
        let text = str::from_utf8(line).ok()?.strip_prefix("# scim-rekey 1: entries ")?.trim_end();
        let (entries, digest) = text.split_once(", sha256 ")?;
        let (first, last) = entries.split_once('-')?;
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        let whole = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let sound = whole && first <= last && last < u64::MAX && head(first, last, digest) == line;
        sound.then(|| Self { first, last, digest: digest.to_owned() })
    }
}

/// The parts of a file, in order.
pub(super) struct Series<R> {
    reader: R,
    line: Vec<u8>,
    /// Whether `line` was read and not looked at yet.
    ahead: bool,
    /// Number that the next entry has.
    next: u64,
    /// Whether numbers may be missing, since what held them cannot be read.
    gap: bool,
    /// Whether the file ends in something unfinished, which nobody has marked.
    torn: bool,
}

impl<R: BufRead> Series<R> {
    pub(super) const fn new(reader: R) -> Self {
        Self { reader, line: Vec::new(), ahead: false, next: 0, gap: false, torn: false }
    }

    /// After the last part: the number of the next entry, and whether [`MARK`] has to be written first.
    pub(super) const fn end(&self) -> (u64, bool) {
        (self.next, self.torn)
    }

    /// Reads a line, of one that is too long only the end. `false`: there is none.
    fn read_line(&mut self) -> io::Result<bool> {
        if mem::take(&mut self.ahead) {
            return Ok(true);
        }
        self.line.clear();
        while self.reader.by_ref().take(LINE_CAP as u64).read_until(b'\n', &mut self.line)? > 0
            && !self.is_complete()
        {
            let kept = self.line.len().min(MARK.len());
            if self.line.len() >= LINE_CAP {
                self.line.drain(..self.line.len() - kept);
            }
        }
        Ok(!self.line.is_empty())
    }

    fn is_marked(&self) -> bool {
        self.line.ends_with(MARK)
    }

    fn is_complete(&self) -> bool {
        self.line.ends_with(b"\n")
    }

    fn read_part(&mut self) -> io::Result<Option<Part>> {
        while self.read_line()? {
            if self.line != b"\n" {
                let part = match Head::parse(&self.line) {
                    Some(head) => self.message(&head)?,
                    None => self.something_else()?,
                };
                self.gap |= !matches!(part, Part::Message { .. });
                return Ok(Some(part));
            }
        }
        Ok(None)
    }

    fn message(&mut self, head: &Head) -> io::Result<Part> {
        let expected = head.first == self.next || self.gap && head.first > self.next;
        let mut armor = Vec::new();
        while armor.len() < MESSAGE_CAP {
            if !self.read_line()? || self.is_marked() {
                self.torn = !self.is_marked();
                // Its numbers are not given to others, in case the disk has forgotten what it had synced.
                self.next = if expected { head.last + 1 } else { self.next };
                return Ok(Part::Torn);
            }
            if Head::parse(&self.line).is_some() {
                self.ahead = true;
                return Ok(Part::Damaged("its end is missing"));
            }
            armor.extend_from_slice(&self.line);
            if self.line == END {
                return Ok(self.judged(head, expected, armor));
            }
        }
        Ok(Part::Damaged("it is far too long"))
    }

    fn judged(&mut self, head: &Head, expected: bool, armor: Vec<u8>) -> Part {
        let Head { first, last, .. } = *head;
        if digest(first, last, &armor) != head.digest {
            return Part::Damaged("it is not as it was written");
        }
        let lost = first > self.next && !self.gap;
        self.next = self.next.max(last + 1);
        if expected {
            self.gap = false;
            Part::Message { first, last, armor }
        } else if lost {
            Part::Damaged("entries before it are missing")
        } else {
            Part::Damaged("its entries are there already")
        }
    }

    /// Passes over what is no message. It is torn if it never came to the end of a line, or if that is what
    /// the next session wrote there.
    fn something_else(&mut self) -> io::Result<Part> {
        let mut complete = self.is_complete();
        if self.is_marked() {
            return Ok(Part::Torn);
        }
        while self.read_line()? {
            if Head::parse(&self.line).is_some() {
                self.ahead = true;
                return Ok(Part::Damaged("this is no message"));
            }
            complete |= self.is_complete();
        }
        self.torn = !complete;
        Ok(if complete { Part::Damaged("this is no message") } else { Part::Torn })
    }
}

impl<R: BufRead> Iterator for Series<R> {
    type Item = io::Result<Part>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read_part().transpose()
    }
}
