//! Where the raw bytes come from.
//!
//! Owns the open file, or the copy in memory of what can be read only once. Refuses a pipe
//! that does not end within [`MOST_IN_MEMORY`]. Invariant: every reading starts at the byte at
//! which the first one started.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;

use secrecy::zeroize::Zeroizing;

/// Bytes per block: the unit of reading and of verification.
pub(super) const BLOCK: usize = if cfg!(fuzzing) { 256 } else { 64 * 1024 };

/// The most that a pipe may bring, so that an endless one fails instead of the machine.
const MOST_IN_MEMORY: usize = 256 * 1024 * 1024;

/// A sequence of bytes that can be read from its start any number of times.
pub(super) struct Source {
    bytes: Bytes,
    shared: bool,
}

enum Bytes {
    /// A regular file, and where in it the input begins: standard input may have been read
    /// from already.
    File { file: File, start: u64 },
    /// Blocks, all full but the last, and the one to read next. One large buffer would have to
    /// grow, and growing leaves copies behind that nobody wipes.
    Memory { blocks: Vec<Zeroizing<Vec<u8>>>, next: usize },
}

impl Source {
    /// Takes an open file of any kind; reads it to its end unless it is a regular file.
    pub(super) fn new(mut file: File) -> io::Result<Self> {
        let facts = file.metadata()?;
        let bytes = if facts.is_file() {
            let start = file.stream_position()?;
            Bytes::File { file, start }
        } else {
            let blocks = read_all(&mut file, MOST_IN_MEMORY)?;
            Bytes::Memory { blocks, next: 0 }
        };
        let shared = facts.is_file() && facts.mode() & 0o044 != 0;
        Ok(Self { bytes, shared })
    }

    /// Whether the mode lets group or others read the file. A pipe keeps nothing to read.
    pub(super) fn readable_by_others(&self) -> bool {
        self.shared
    }

    /// Goes back to where the input begins.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        match &mut self.bytes {
            Bytes::File { file, start } => file.seek(SeekFrom::Start(*start)).map(drop),
            Bytes::Memory { next, .. } => {
                *next = 0;
                Ok(())
            }
        }
    }

    /// Fills a buffer of [`BLOCK`] bytes; fewer come only at the end.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.bytes {
            Bytes::File { file, .. } => read_full(file, buffer),
            Bytes::Memory { blocks, next } => {
                let Some(block) = blocks.get(*next) else {
                    return Ok(0);
                };
                *next += 1;
                buffer[..block.len()].copy_from_slice(block);
                Ok(block.len())
            }
        }
    }
}

fn read_all(from: &mut impl Read, most: usize) -> io::Result<Vec<Zeroizing<Vec<u8>>>> {
    let mut blocks = Vec::new();
    loop {
        let mut block = Zeroizing::new(vec![0; BLOCK]);
        let length = read_full(from, &mut block)?;
        if length == 0 {
            return Ok(blocks);
        }
        block.truncate(length);
        blocks.push(block);
        if blocks.len() * BLOCK > most {
            let advice = "more than 256 MiB from a pipe: save it as a file first";
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, advice));
        }
    }
}

/// Reads until the buffer is full or the input ends.
fn read_full(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_pipe_fails() {
        let error = read_all(&mut io::repeat(b'x'), 3 * BLOCK).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        let blocks = read_all(&mut io::repeat(b'x').take(70_000), 3 * BLOCK).unwrap();
        assert_eq!(blocks.iter().map(|b| b.len()).sum::<usize>(), 70_000);
    }
}
