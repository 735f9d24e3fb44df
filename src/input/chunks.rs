//! Raw bytes with a memory: what the first pass saw is what every later pass gets.
//!
//! Owns the digests of a pass. Refuses, before a single byte of it is handed out, a block
//! that differs from the one surveyed, and an input that has become shorter or longer.
//! Invariant: a verified pass yields a prefix of the surveyed bytes, and all of them unless it
//! ends in an error. The price is 16 bytes of memory for each 64 KiB of input.

use std::fmt;
use std::io::{self, Read};

use ring::digest::{Context, SHA256, digest};
use secrecy::zeroize::Zeroizing;

use super::error::ChangedBytes;
use super::source::{BLOCK, Source};

type Print = [u8; 16];

/// What the first pass saw.
pub(super) struct Digests {
    /// SHA-256 of all bytes.
    pub(super) whole: [u8; 32],
    blocks: Vec<Print>,
}

/// A digest of bytes that hold passwords is nothing to print.
impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digests of {} blocks", self.blocks.len())
    }
}

/// Digests in the making.
pub(super) struct Recorder {
    whole: Context,
    blocks: Vec<Print>,
}

impl Recorder {
    pub(super) fn new() -> Self {
        Self { whole: Context::new(&SHA256), blocks: Vec::new() }
    }

    /// Closes the first pass. Only what was read up to the end of the input is covered.
    pub(super) fn finish(self) -> Digests {
        Digests { whole: first(self.whole.finish().as_ref()), blocks: self.blocks }
    }
}

/// Whether a pass takes the digests or is held to them.
pub(super) enum Ledger<'a> {
    Record(&'a mut Recorder),
    Verify(&'a Digests),
}

impl Ledger<'_> {
    fn enter(&mut self, index: usize, block: &[u8]) -> io::Result<()> {
        let print: Print = first(digest(&SHA256, block).as_ref());
        match self {
            Self::Record(recorder) => {
                recorder.whole.update(block);
                recorder.blocks.push(print);
                Ok(())
            }
            Self::Verify(digests) => agree(digests.blocks.get(index) == Some(&print)),
        }
    }

    fn close(&self, count: usize) -> io::Result<()> {
        match self {
            Self::Record(_) => Ok(()),
            Self::Verify(digests) => agree(digests.blocks.len() == count),
        }
    }
}

fn agree(same: bool) -> io::Result<()> {
    if same {
        return Ok(());
    }
    Err(io::Error::other(ChangedBytes))
}

fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    std::array::from_fn(|index| bytes[index])
}

/// One pass over a source.
pub(super) struct Chunks<'a> {
    source: &'a mut Source,
    ledger: Ledger<'a>,
    block: Zeroizing<Vec<u8>>,
    /// The part of `block` that has not been handed out.
    unread: std::ops::Range<usize>,
    entered: usize,
    ended: bool,
}

impl<'a> Chunks<'a> {
    /// Starts a pass at the beginning of the source.
    pub(super) fn new(source: &'a mut Source, ledger: Ledger<'a>) -> io::Result<Self> {
        source.rewind()?;
        let mut chunks = Self {
            source,
            ledger,
            block: Zeroizing::new(vec![0; BLOCK]),
            unread: 0..0,
            entered: 0,
            ended: false,
        };
        chunks.advance()?;
        Ok(chunks)
    }

    /// The bytes of the current block that were not handed out; at first, the whole block.
    pub(super) fn peek(&self) -> &[u8] {
        &self.block[self.unread.clone()]
    }

    fn advance(&mut self) -> io::Result<()> {
        let length = self.source.fill(&mut self.block)?;
        if length == 0 {
            self.ended = true;
            return self.ledger.close(self.entered);
        }
        self.ledger.enter(self.entered, &self.block[..length])?;
        self.entered += 1;
        self.unread = 0..length;
        Ok(())
    }
}

impl Read for Chunks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() && !self.ended {
            self.advance()?;
        }
        let count = self.unread.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.peek()[..count]);
        self.unread.start += count;
        Ok(count)
    }
}
