//! Text from elsewhere, made fit for a terminal, a cell and a log.

/// Removes what could drive a terminal or reorder a line, and cuts at `limit` characters.
pub(crate) fn clean(text: &str, limit: usize) -> String {
    text.chars().filter(|c| !is_dangerous(*c)).take(limit).collect()
}

/// Control characters (C0, C1, DEL), line separators, and the invisible ones that reorder text.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A name such as a `scimType` or a correlation id: short, and of harmless characters only.
///
/// Anything else is dropped whole, since a server may echo what it was sent.
pub(crate) fn token(text: &str) -> Option<&str> {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (!text.is_empty() && text.len() <= 64 && text.bytes().all(harmless)).then_some(text)
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
    fn a_token_is_a_plain_name_or_nothing() {
        assert_eq!(token("invalidValue"), Some("invalidValue"));
        for bad in ["", "a b", "<script>", "p@ss", "é", &"x".repeat(65)] {
            assert_eq!(token(bad), None, "{bad}");
        }
    }
}
