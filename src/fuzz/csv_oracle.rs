//! A second reading of an input: the file cut at its line breaks, each record read for itself, and
//! every sentence that may be said of a row.

/// An input as text, when its byte order mark says how.
pub(super) fn decoded(bytes: &[u8]) -> Vec<u8> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, odd) = bytes.as_chunks::<2>();
        let mut text = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect::<String>();
        text.extend((!odd.is_empty()).then_some(char::REPLACEMENT_CHARACTER));
        text.into_bytes()
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => rest.to_vec(),
        _ => bytes.to_vec(),
    }
}

/// Where each line of a text begins, by the line break that ends its first record.
///
/// Only for a text whose header is sound: then quotes pair up as far as that.
pub(super) fn line_starts(text: &[u8]) -> Vec<usize> {
    let end = ending(text);
    let after = text.iter().enumerate().filter(|(_, byte)| **byte == end).map(|(at, _)| at + 1);
    std::iter::once(0).chain(after).collect()
}

fn ending(text: &[u8]) -> u8 {
    let mut quoted = false;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\r' if !quoted && text.get(at + 1) != Some(&b'\n') => return b'\r',
            b'\r' | b'\n' if !quoted => return b'\n',
            _ => {}
        }
    }
    b'\n'
}

/// How many records the `csv` crate alone finds.
pub(super) fn count(text: &[u8], delimiter: u8) -> usize {
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.delimiter(delimiter).has_headers(false).flexible(true).from_reader(text);
    reader.into_byte_records().map(Result::unwrap).count()
}

/// The records of a text in which quotes pair up, read as RFC 4180 has it and no more.
pub(super) fn records(text: &[u8], delimiter: u8) -> Vec<Vec<Vec<u8>>> {
    let (mut records, mut cells, mut cell) = (Vec::new(), Vec::new(), Vec::new());
    let (mut quoted, mut begun) = (false, false);
    let mut rest = text.iter().copied().chain([b'\n']).peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' if quoted && rest.next_if_eq(&b'"').is_some() => cell.push(b'"'),
            b'"' => quoted = !quoted,
            b'\r' | b'\n' if !quoted => {
                if std::mem::take(&mut begun) {
                    cells.push(std::mem::take(&mut cell));
                    records.push(std::mem::take(&mut cells));
                }
                continue;
            }
            _ if byte == delimiter && !quoted => cells.push(std::mem::take(&mut cell)),
            _ => cell.push(byte),
        }
        begun = true;
    }
    records
}

/// Whether a text holds this value, its quotes doubled or not.
pub(super) fn holds(text: &[u8], value: &str) -> bool {
    let there = |value: &str| text.windows(value.len().max(1)).any(|part| part == value.as_bytes());
    there(value) || there(&value.replace('"', "\"\""))
}

/// All that may be said of a row or of a file, each number as `#`. What is not here could hold a
/// part of a cell.
const SENTENCES: [&str; 45] = [
    "the input is empty",
    "the header has no row under it",
    "no column is named email",
    "no column is named password or mfa_phone: nothing is asked for",
    "no known column name: is the header (email,password,mfa_phone) missing?",
    "the header is damaged UTF-#",
    "the header is not UTF-#: save the file as CSV UTF-#",
    "the header holds NUL characters: UTF-# without a byte order mark, or no text at all",
    "save the file as CSV UTF-#",
    "header: COLUMN: a quote inside a cell that is not quoted",
    "header: COLUMN: text after a closing quote",
    "header: COLUMN: half a line break outside quotes",
    "header: COLUMN: longer than # KiB",
    "header: longer than # KiB in all",
    "header: the quote opened on line # is never closed",
    "columns # and # have one name",
    "columns # and # mean the same",
    "COLUMN: a quote inside a cell that is not quoted",
    "COLUMN: text after a closing quote",
    "COLUMN: a NUL character",
    "COLUMN: half a line break outside quotes",
    "COLUMN: longer than # KiB",
    "longer than # KiB in all",
    "the quote opened on line # is never closed",
    "lines # to # are not read",
    "# cell where the header has #",
    "# cells where the header has #",
    "damaged UTF-#",
    "COLUMN: not valid UTF-# (save as CSV UTF-#)",
    "COLUMN: a line break inside the cell",
    "COLUMN: empty",
    "COLUMN: more than one @",
    "COLUMN: an invisible character",
    "COLUMN: not an e-mail address",
    "COLUMN: other rows inside the cell, as between two stray quotes",
    "COLUMN: nothing but white space",
    "COLUMN: the phone number holds something other than digits",
    "COLUMN: the phone number does not start with + and its country code (--default-country says which is meant)",
    "COLUMN: not a phone number",
    "COLUMN: the phone number is too short or too long for its country",
    "COLUMN: a trunk prefix such as (#) stands after the country code",
    "asks for nothing (--generate-passwords would make a password)",
    "asks for something else than line # for the same user",
    "line # for the same user cannot be read",
    "half a line break outside quotes",
];

/// Whether every part of a reason is a sentence of ours.
pub(super) fn is_ours(reason: &str) -> bool {
    let mut plain = String::new();
    for c in reason.chars() {
        match c {
            '0'..='9' if plain.ends_with('#') => {}
            '0'..='9' => plain.push('#'),
            c => plain.push(c),
        }
    }
    let of_column = |part: &str| {
        let named = ["email: ", "password: ", "mfa_phone: ", "column #: "];
        let bare = part.strip_prefix("header: ").unwrap_or(part);
        let words =
            named.iter().find_map(|name| bare.strip_prefix(name)).map(|words| format!("COLUMN: {words}"));
        words.map(|words| if part == bare { words } else { format!("header: {words}") })
    };
    plain.split("; ").all(|part| {
        let part = of_column(part).unwrap_or_else(|| part.to_owned());
        SENTENCES.contains(&part.as_str()) || is_hint(&part)
    })
}

/// `column 2 is named login, should that be email?`: a short word of letters, in a sentence of ours.
fn is_hint(part: &str) -> bool {
    let rest = part.strip_prefix("column # is named ");
    let Some((word, meaning)) = rest.and_then(|rest| rest.split_once(", should that be ")) else {
        return false;
    };
    let is_word = word.len() <= 19 && word.chars().all(|c| c.is_ascii_lowercase() || c == ' ');
    is_word && ["email?", "password?", "mfa_phone?"].contains(&meaning)
}
