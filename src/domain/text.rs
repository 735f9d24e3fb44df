//! Text from elsewhere, made fit for a terminal, a cell and a log.

use std::borrow::Cow;
use std::ops::Deref;

use serde::Deserialize;

/// Text of a JSON document, borrowed from it unless something in it is escaped. A `Cow` alone is borrowed
/// only as a member of a struct, and neither as the name of one nor in an `Option`.
#[derive(Debug, Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl Text<'_> {
    /// The text, copied if it is borrowed.
    pub(crate) fn into_owned(self) -> String {
        self.0.into_owned()
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Removes what could drive a terminal or reorder a line, and cuts at `limit` characters.
pub(crate) fn clean(text: &str, limit: usize) -> String {
    cleaned(text, limit).into_owned()
}

/// The same, borrowed where nothing is to be removed, as of nearly all text.
pub(crate) fn cleaned(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    text.chars().filter(|c| !is_dangerous(*c)).take(limit).collect()
}

/// The same text in one line of its own, with what could drive a terminal or reorder a line
/// written out, as `\u{1b}`: nothing of a file's name is lost.
pub(crate) fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut seen, c| {
        if is_dangerous(c) {
            seen.extend(c.escape_default());
        } else {
            seen.push(c);
        }
        seen
    })
}

/// Control characters (C0, C1, DEL), line separators, and the invisible ones that reorder text.
pub(crate) fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A name such as a `scimType` or a correlation id: short, and of harmless characters only.
///
/// Anything else is dropped whole, since a server may echo what it was sent.
pub(crate) fn token(text: &str) -> Option<&str> {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (!text.is_empty() && text.len() <= 64 && text.bytes().all(harmless)).then_some(text)
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits: Vec<_> = bytes.iter().map(|byte| hex_digits(*byte)).collect();
    // Digits are text.
    String::from_utf8(digits.into_flattened()).unwrap_or_default()
}

/// A byte in lower-case hex.
pub(crate) const fn hex_digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[(byte >> 4) as usize], DIGITS[(byte & 0xf) as usize]]
}

/// The bytes that such digits stand for.
pub(crate) fn unhex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16)?).ok();
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// What is said where serde does not name a setting.
pub(crate) const WRONG_KIND: &str = "has a value of the wrong kind";

/// Which setting is wrong, of what serde says about a table: the rest of it shows the value, which may be a
/// secret in the wrong place.
pub(crate) fn wrong_setting(said: &str) -> Option<String> {
    let named = |start: &str| said.strip_prefix(start)?.split_once('`').map(|(field, _)| field);
    if let Some(field) = named("missing field `") {
        return Some(format!("lacks a setting named {field}"));
    }
    let field = named("unknown field `").or_else(|| named("duplicate field `"))?;
    Some(format!("knows no setting named {field}"))
}

/// "1 row", "2 rows".
pub(crate) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_overlong_text_do_not_survive() {
        assert_eq!(clean("a\x1b]0;x\x07\r\n\u{202e}b\u{9b}c", 256), "a]0;xbc");
        assert_eq!(clean(&"é".repeat(300), 256).chars().count(), 256);
    }

    #[test]
    fn what_could_drive_a_terminal_is_written_out() {
        assert_eq!(printable("é=ö/a b"), "é=ö/a b");
        assert_eq!(
            printable("a\x1b[2J\r\n\t\0\u{202e}\u{61c}\u{9b}"),
            r"a\u{1b}[2J\r\n\t\u{0}\u{202e}\u{61c}\u{9b}"
        );
    }

    #[test]
    fn text_is_copied_only_where_something_is_escaped() {
        let is_borrowed = |json| matches!(serde_json::from_str(json).unwrap(), Some(Text(Cow::Borrowed(_))));
        assert!(is_borrowed(r#""ä b""#) && !is_borrowed(r#""a\"b""#));
    }

    #[test]
    fn a_token_is_a_plain_name_or_nothing() {
        assert_eq!(token("invalidValue"), Some("invalidValue"));
        for bad in ["", "a b", "<script>", "p@ss", "é", &"x".repeat(65)] {
            assert_eq!(token(bad), None, "{bad}");
        }
    }
}
