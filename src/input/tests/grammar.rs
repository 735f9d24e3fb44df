//! The strict grammar against the `csv` crate and against a slow, plain description.

use std::io::Read;

use proptest::prelude::*;

use super::{input, occurrences, read};
use crate::input::records::Records;
use crate::input::strict::Strict;
use crate::input::{InputError, Options};

const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Bytes most of which mean something to the grammar.
fn noisy() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => prop::sample::select(b"\"\"\",,;\t\n\n\r\0ab@ \xEF\xBB\xBF".to_vec()),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..200)
}

/// A delimiter and bytes without a fault: blank lines, empty cells and all.
fn tidy() -> impl Strategy<Value = (u8, Vec<u8>)> {
    let cells = [
        "",
        "a",
        "\u{FEFF}b",
        "'",
        " ",
        "\"\"",
        "\"x\"",
        "\"p\"\"q\"",
        "\"\"\"\"",
        "\"\n\"",
        "\"\r\"",
        "\"\r\n\"",
        "\"\n\n,;\t\"",
    ];
    let delimiter = prop::sample::select(DELIMITERS.to_vec());
    let ends = prop::sample::select(vec![["\n", "\n"], ["\r\n", "\n"], ["\r\n", "\r\n"], ["\r", "\r"]]);
    let parts = prop::collection::vec((prop::sample::select(cells.to_vec()), 0usize..5), 0..24);
    (delimiter, ends, parts).prop_map(|(delimiter, ends, parts)| {
        // The crate takes a byte order mark off the start, and only from there.
        let mut bytes = vec![b'h', delimiter];
        for (cell, what) in parts {
            bytes.extend_from_slice(cell.as_bytes());
            match ends.get(what) {
                Some(end) => bytes.extend_from_slice(end.as_bytes()),
                None => bytes.push(delimiter),
            }
        }
        (delimiter, bytes)
    })
}

/// A reader that gives a few bytes at a time, so that every edge of a buffer is met.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(buffer.len()).min(self.0.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

type Found = Vec<(u64, bool, Vec<Vec<u8>>)>;

fn records(from: impl Read, delimiter: u8) -> Found {
    let mut records = Records::new(from, delimiter);
    let mut found = Vec::new();
    while let Some(mark) = records.advance().expect("both readings agree") {
        let cells = records.cells().iter().map(<[u8]>::to_vec).collect();
        found.push((mark.line, mark.fault.is_none(), cells));
    }
    found
}

/// What `csv` makes of the bytes without any help: records and the offsets of their starts.
fn lenient(bytes: &[u8], delimiter: u8) -> Vec<(usize, Vec<Vec<u8>>)> {
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(bytes);
    let records = reader.byte_records().map(Result::unwrap);
    let start = |record: &csv::ByteRecord| {
        let from = usize::try_from(record.position().unwrap().byte()).unwrap();
        // The crate's positions are before blank lines.
        let blank = |byte: &u8| matches!(byte, b'\r' | b'\n');
        from + bytes[from..].iter().take_while(|byte| blank(byte)).count()
    };
    records.map(|record| (start(&record), record.iter().map(<[u8]>::to_vec).collect())).collect()
}

/// The byte that ends lines: decided by the first break outside quotes.
fn ending(bytes: &[u8]) -> u8 {
    let mut quoted = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\r' if !quoted && bytes.get(at + 1) != Some(&b'\n') => return b'\r',
            b'\r' | b'\n' if !quoted => return b'\n',
            _ => {}
        }
    }
    b'\n'
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// `Records` stops with an error when the two counts differ.
    #[test]
    fn both_readings_count_alike(bytes in noisy(), step in 1usize..9, d in 0usize..3) {
        let whole = records(bytes.as_slice(), DELIMITERS[d]);
        prop_assert_eq!(&whole, &records(Dribble(&bytes, step), DELIMITERS[d]));
        let lines: Vec<u64> = whole.iter().map(|record| record.0).collect();
        prop_assert!(lines.is_sorted_by(|a, b| a < b), "{:?}", lines);
    }

    /// Where the grammar has nothing to say, the crate alone reads the same cells, on the lines
    /// that counting line breaks gives.
    #[test]
    fn what_is_passed_is_not_changed((delimiter, bytes) in tidy()) {
        let strict = records(bytes.as_slice(), delimiter);
        let ending = ending(&bytes);
        let line = |start| occurrences(&bytes[..start], ending) as u64 + 1;
        let alone = lenient(&bytes, delimiter).into_iter();
        let alone: Found = alone.map(|(start, cells)| (line(start), true, cells)).collect();
        prop_assert_eq!(strict, alone);
    }

    /// Between faults, too, what goes on to `csv` is there in the input.
    #[test]
    fn nothing_is_made_up(bytes in noisy()) {
        let mut passed = Vec::new();
        Strict::new(bytes.as_slice(), b',').read_to_end(&mut passed).unwrap();
        for line in passed.split(|byte| *byte == b'\n') {
            let there = bytes.windows(line.len().max(1)).any(|part| part == line);
            prop_assert!(there || line.is_empty() || line == b"\"\"");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_bytes_make_it_panic(start in 0usize..6, bytes in noisy()) {
        let starts: [&[u8]; 6] = [
            b"", b"email,password\n", b"\xFF\xFEe\0m\0a\0i\0l\0,\0p\0h\0o\0n\0e\0\n\0",
            b"\xFE\xFF", b"\xEF\xBB\xBFemail;phone\r", b"email\tpassword\r\n",
        ];
        let bytes = [starts[start], &bytes].concat();
        if let Ok(reading) = read(&bytes, Options::default()) {
            let survey = &reading.survey;
            prop_assert_eq!(survey.rows, (reading.sound.len() + reading.bad.len()) as u64);
            prop_assert_eq!(&survey.defects, &reading.bad);
        }
    }
}

/// One cell of a gigabyte would be no different: nothing grows with it.
#[test]
fn an_endless_cell_is_not_kept() {
    for start in ["email,password\na,", "email,password\na,\"", "email,password\n"] {
        let endless = std::io::repeat(b'x').take(64 << 20);
        let mut strict = Strict::new(start.as_bytes().chain(endless), b',');
        let passed = std::io::copy(&mut strict, &mut std::io::sink()).unwrap();
        assert_eq!(passed, 15 + 3, "the header and a replacement");
    }
    let endless = std::io::repeat(b',').take(1 << 20);
    let mut strict = Strict::new(endless, b',');
    assert_eq!(std::io::copy(&mut strict, &mut std::io::sink()).unwrap(), 3);
}

/// The `csv` crate would take the second mark off, and with it a record on a line of its own.
#[test]
fn a_second_byte_order_mark_is_text() {
    let twice = |rest: &str| read(format!("\u{feff}\u{feff}{rest}").as_bytes(), Options::default());
    let reading = twice("email,password\na@example.com,p\n").unwrap();
    assert_eq!((reading.sound.len(), reading.sound[0].line), (1, 2));
    let Err(InputError::Refused { line: Some(1), .. }) = twice("\nemail,password\na@example.com,p\n") else {
        panic!("the first line is no header");
    };
    assert!(matches!(twice(""), Err(InputError::Refused { line: Some(1), .. })));
}

#[test]
fn a_pass_needs_no_row_to_be_sound() {
    let (_file, mut input) = input(b"email,password\n\"\n");
    let survey = input.survey(Options::default()).unwrap();
    assert_eq!((survey.rows, survey.last_line), (1, 2));
    assert_eq!(input.rows(&survey).unwrap().count(), 1);
}
