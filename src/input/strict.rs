//! A reader that passes on only those records which RFC 4180 lets no one misread.
//!
//! Owns the bytes between decoding and the `csv` crate. A faulty record is replaced by one
//! empty quoted cell, a blank line by nothing. Invariants: the n-th mark belongs to the n-th
//! record that `csv` finds, because what it gets leaves it no choice; and at most one record
//! of [`RECORD_LIMIT`] is held besides the buffers, because nothing is kept of a record once
//! it is known to be bad.

use std::collections::VecDeque;
use std::io::{self, Read};

use secrecy::zeroize::Zeroizing;

use super::fault::Mark;
use super::grammar::{Grammar, Step};
use super::open_record::RECORD_LIMIT;

const BUFFER: usize = if cfg!(fuzzing) { 64 } else { 32 * 1024 };
/// A record that is not passed on.
const REPLACEMENT: &[u8] = b"\"\"\n";

/// The reader.
pub(super) struct Strict<R> {
    inner: R,
    grammar: Grammar,
    input: Zeroizing<Vec<u8>>,
    /// Complete records, then the one in hand from `start` on.
    output: Zeroizing<Vec<u8>>,
    start: usize,
    given: usize,
    ended: bool,
    marks: VecDeque<Mark>,
}

impl<R: Read> Strict<R> {
    pub(super) fn new(inner: R, delimiter: u8) -> Self {
        Self {
            inner,
            grammar: Grammar::new(delimiter),
            input: Zeroizing::new(vec![0; BUFFER]),
            // A record in hand and what one filled buffer can become, so that it never moves and
            // leaves a copy behind: a bad record of two bytes is replaced by three.
            output: Zeroizing::new(Vec::with_capacity(RECORD_LIMIT + 2 * BUFFER)),
            start: 0,
            given: 0,
            ended: false,
            marks: VecDeque::new(),
        }
    }

    /// The mark of the next record.
    pub(super) fn next_mark(&mut self) -> Option<Mark> {
        self.marks.pop_front()
    }

    fn refill(&mut self) -> io::Result<()> {
        self.output.drain(..self.start);
        self.start = 0;
        self.given = 0;
        let mut input = std::mem::take(&mut self.input);
        let outcome = self.inner.read(&mut input);
        if let Ok(count) = outcome {
            self.take(&input[..count]);
        }
        self.input = input;
        if outcome? == 0 {
            self.finish();
        }
        Ok(())
    }

    fn take(&mut self, mut input: &[u8]) {
        while let Some(&byte) = input.first() {
            let run = self.grammar.plain(input);
            if run > 0 {
                self.keep(&input[..run]);
                input = &input[run..];
                continue;
            }
            match self.grammar.byte(byte) {
                Step::Keep => self.keep(&[byte]),
                Step::Drop => {}
                Step::End => self.end(),
                Step::EndBefore => {
                    self.end();
                    continue;
                }
            }
            input = &input[1..];
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if !self.grammar.faulty() {
            self.output.extend_from_slice(bytes);
        }
    }

    fn end(&mut self) {
        let Some(mark) = self.grammar.take_mark() else {
            return;
        };
        if mark.fault.is_some() {
            self.output.truncate(self.start);
            self.output.extend_from_slice(REPLACEMENT);
        } else {
            self.output.push(b'\n');
        }
        self.start = self.output.len();
        self.marks.push_back(mark);
    }

    fn finish(&mut self) {
        self.ended = true;
        self.grammar.finish();
        self.end();
    }
}

impl<R: Read> Read for Strict<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.start && !self.ended {
            self.refill()?;
        }
        let count = buffer.len().min(self.start - self.given);
        buffer[..count].copy_from_slice(&self.output[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What would move would leave passwords behind in freed memory.
    #[test]
    fn the_buffer_never_grows() {
        let long = vec!["\"\"\"\"".repeat(1000); 16].join(",");
        let inputs = [
            "\0\n".repeat(200_000),
            "\"\n\0".repeat(200_000),
            [&long[..], &"\n\0".repeat(50_000)].concat(),
            [&long[..], "\n"].concat().repeat(9),
            ",".repeat(1 << 20),
            "\"\"\"\"\n".repeat(100_000),
        ];
        for input in inputs {
            let mut strict = Strict::new(input.as_bytes(), b',');
            let capacity = strict.output.capacity();
            io::copy(&mut strict, &mut io::sink()).unwrap();
            assert_eq!(strict.output.capacity(), capacity);
        }
    }
}
