//! Tables that others write are read back byte for byte, on the right lines.

use csv::{QuoteStyle, Terminator, WriterBuilder};
use proptest::prelude::*;

use super::{Plain, occurrences, read};
use crate::input::Options;

#[derive(Debug, Clone)]
struct Style {
    delimiter: u8,
    quotes: QuoteStyle,
    terminator: Terminator,
    encoding: usize,
    order: Vec<usize>,
}

fn style() -> impl Strategy<Value = Style> {
    let order = Just(vec![0, 1, 2, 3]).prop_shuffle();
    (0usize..3, 0usize..3, 0usize..3, 0usize..4, order).prop_map(|(d, q, t, encoding, order)| {
        let quotes = [QuoteStyle::Necessary, QuoteStyle::Always, QuoteStyle::NonNumeric];
        let ends = [Terminator::CRLF, Terminator::Any(b'\n'), Terminator::Any(b'\r')];
        Style { delimiter: b",;\t"[d], quotes: quotes[q], terminator: ends[t], encoding, order }
    })
}

/// A password: any text but NUL, line breaks and white space alone.
fn password() -> impl Strategy<Value = String> {
    let letter = prop_oneof![
        prop::sample::select(vec!['"', '"', ',', ';', '\t', ' ', '\'', '=', '\\', 'ä', '🔑']),
        any::<char>(),
    ];
    let text = prop::collection::vec(letter, 0..30).prop_map(String::from_iter);
    text.prop_map(|text| text.replace(['\0', '\n', '\r'], "x"))
        .prop_filter("blank", |text| text.is_empty() || !text.trim().is_empty())
}

/// A cell of a column that is ignored: line breaks and all.
fn note() -> impl Strategy<Value = String> {
    let letters = vec!['\n', '\r', '"', ',', ';', '\t', 'x', 'é', ' '];
    prop::collection::vec(prop::sample::select(letters), 0..12).prop_map(String::from_iter)
}

fn rows() -> impl Strategy<Value = Vec<(String, bool, String)>> {
    prop::collection::vec((password(), any::<bool>(), note()), 1..20)
}

/// Writes the table, and the line on which each record begins.
fn write(style: &Style, records: &[[String; 4]]) -> (Vec<u8>, Vec<u64>) {
    let (mut bytes, mut lines) = (Vec::new(), Vec::new());
    let end = match style.terminator {
        Terminator::Any(byte) => byte,
        _ => b'\n',
    };
    for record in records {
        lines.push(occurrences(&bytes, end) as u64 + 1);
        let mut writer = WriterBuilder::new()
            .delimiter(style.delimiter)
            .quote_style(style.quotes)
            .terminator(style.terminator)
            .from_writer(&mut bytes);
        let cells = style.order.iter().map(|column| &record[*column]);
        writer.write_record(cells).unwrap();
    }
    (bytes, lines)
}

fn encode(bytes: Vec<u8>, encoding: usize) -> Vec<u8> {
    let text = format!("\u{FEFF}{}", String::from_utf8(bytes).unwrap());
    let units = text.encode_utf16();
    match encoding {
        0 => text.as_bytes()["\u{FEFF}".len()..].to_vec(),
        1 => text.into_bytes(),
        2 => units.flat_map(u16::to_le_bytes).collect(),
        _ => units.flat_map(u16::to_be_bytes).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn tables_are_read_back(style in style(), rows in rows()) {
        let mut records = vec![["email", "password", "phone", "notes"].map(str::to_owned)];
        let mut expected = Vec::new();
        for (index, (password, phone, note)) in rows.into_iter().enumerate() {
            // A genuine U+FFFD cannot be told from a repair in UTF-16, and is refused there.
            let password = password.replace('\u{FFFD}', "?");
            let email = format!("user{index}@example.com");
            let phone = phone || password.is_empty();
            let phone = if phone { "+15550100199" } else { "" }.to_owned();
            records.push([email.clone(), password.clone(), phone.clone(), note]);
            let full = |text: String| (!text.is_empty()).then_some(text);
            expected.push(Plain { line: 0, email, password: full(password), phone: full(phone) });
        }
        let (bytes, lines) = write(&style, &records);
        for (row, line) in expected.iter_mut().zip(&lines[1..]) {
            row.line = *line;
        }
        let reading = read(&encode(bytes, style.encoding), Options::default()).unwrap();
        prop_assert_eq!(&reading.survey.defects, &[]);
        prop_assert_eq!(reading.sound, expected);
        prop_assert_eq!(reading.survey.last_line, *lines.last().unwrap());
    }
}
