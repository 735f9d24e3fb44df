//! From raw bytes to UTF-8, as far as a byte order mark says how.
//!
//! Owns the encoding. Nothing is guessed: without a mark the bytes pass as they are, and each
//! cell is checked where it is used, so that a wrong byte is told with its line. Invariant:
//! bytes that are no UTF-16 come out as U+FFFD and are refused later (see
//! [`Encoding::damaged`]); nothing is repaired.

use std::fmt;
use std::io;

use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};
use secrecy::zeroize::Zeroizing;

use super::chunks::Chunks;
use super::source::BLOCK;

/// How the text of an input is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Utf8WithMark,
    Utf16LittleEndian,
    Utf16BigEndian,
}

impl Encoding {
    fn of(start: &[u8]) -> Self {
        match start {
            [0xEF, 0xBB, 0xBF, ..] => Self::Utf8WithMark,
            [0xFF, 0xFE, ..] => Self::Utf16LittleEndian,
            [0xFE, 0xFF, ..] => Self::Utf16BigEndian,
            _ => Self::Utf8,
        }
    }

    /// Whether decoded text holds the sign of something that could not be decoded.
    ///
    /// Only UTF-16 is decoded. In UTF-8 a U+FFFD was written by whoever made the file, and
    /// wrong bytes are still there to be found.
    pub(super) fn damaged(self, decoded: &[u8]) -> bool {
        matches!(self, Self::Utf16LittleEndian | Self::Utf16BigEndian)
            && decoded.windows(3).any(|three| three == "\u{FFFD}".as_bytes())
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf8WithMark => "UTF-8 with byte order mark",
            Self::Utf16LittleEndian => "UTF-16 LE",
            Self::Utf16BigEndian => "UTF-16 BE",
        })
    }
}

/// A pass of decoded text.
pub(super) type Decoded<'a> = DecodeReaderBytes<Chunks<'a>, Zeroizing<Vec<u8>>>;

/// Reads the mark and decodes what follows it.
pub(super) fn decode(chunks: Chunks<'_>) -> io::Result<(Encoding, Decoded<'_>)> {
    let encoding = Encoding::of(chunks.peek());
    let buffer = Zeroizing::new(vec![0; BLOCK]);
    let decoded = DecodeReaderBytesBuilder::new()
        .utf8_passthru(true)
        .strip_bom(true)
        .build_with_buffer(chunks, buffer)?;
    Ok((encoding, decoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_utf16_is_checked_for_replacements() {
        let text = "p\u{FFFD}w".as_bytes();
        assert!(Encoding::Utf16BigEndian.damaged(text));
        assert!(!Encoding::Utf16LittleEndian.damaged(b"plain"));
        assert!(!Encoding::Utf8.damaged(text));
    }
}
