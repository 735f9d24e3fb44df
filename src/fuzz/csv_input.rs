//! A CSV file of anybody's making: every record is accounted for, on its line, with its own cells.

use std::collections::HashMap;
use std::io::{Seek as _, Write as _};

use super::csv_oracle::{count, decoded, holds, is_ours, line_starts, records};
use crate::domain::email::Email;
use crate::domain::phone::Phone;
use crate::domain::secret::Secret;
use crate::domain::target::{Defect, Row, Target};
use crate::input::{Input, InputError, Options, Survey};

/// The bytes as an input file, read as strictly and as leniently as it can be asked for.
pub fn csv_input(bytes: &[u8]) {
    read(bytes, Options::default());
    let lenient =
        Options { default_country: "DE".parse().ok(), passwords_generated: true, ..Options::default() };
    read(bytes, lenient);
}

fn read(bytes: &[u8], options: Options) {
    let mut input = opened(bytes);
    let survey = match input.survey(options.clone()) {
        Ok(survey) => survey,
        Err(InputError::Refused { line, reason }) => {
            assert!(is_ours(&reason), "{reason}");
            assert!(line.is_none_or(|line| line <= line_breaks(bytes)), "line {line:?}");
            assert!(matches!(input.survey(options), Err(InputError::Refused { .. })), "refused once only");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let rows = all(&mut input, &survey);
    let again = all(&mut input, &survey);
    assert!(rows.iter().map(shown).eq(again.iter().map(shown)), "two readings differ");
    check_account(&survey, &rows);
    check_cells(&decoded(bytes), &survey, &rows);
    check_users(&survey, &rows);
}

fn opened(bytes: &[u8]) -> Input {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    Input::over(file).unwrap()
}

fn all(input: &mut Input, survey: &Survey) -> Vec<Row> {
    input.rows(survey).unwrap().collect::<Result<_, _>>().unwrap()
}

fn line_breaks(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64 + 1
}

type Shown<'a> = (u64, &'a str, Option<&'a str>, Option<&'a str>);

fn shown(row: &Row) -> Shown<'_> {
    match row {
        Row::Sound(target) => (target.line, target.email.as_str(), password(target), phone(target)),
        Row::Bad(defect) => (defect.line, defect.email.as_deref().unwrap_or_default(), None, None),
    }
}

fn password(target: &Target) -> Option<&str> {
    target.password.value().map(Secret::expose)
}

fn phone(target: &Target) -> Option<&str> {
    target.phone.as_ref().map(Phone::expose)
}

/// Every record comes once, in order, as a row or as one of the defects that were told.
fn check_account(survey: &Survey, rows: &[Row]) {
    assert_eq!(survey.rows, rows.len() as u64);
    assert!(survey.rows > 0);
    assert!(rows.is_sorted_by(|a, b| a.line() < b.line()), "lines go up");
    assert_eq!(rows.last().map(Row::line), Some(survey.last_line));
    let bad = rows.iter().filter_map(|row| match row {
        Row::Bad(defect) => Some(defect),
        Row::Sound(_) => None,
    });
    assert!(bad.eq(&survey.defects), "the defects told are those that come");
    for Defect { email, reason, .. } in &survey.defects {
        assert!(is_ours(reason), "{reason}");
        assert!(email.as_deref().is_none_or(|email| Email::parse(email).is_some()));
    }
}

/// Each row has the cells that stand on its lines, and on no others.
fn check_cells(text: &[u8], survey: &Survey, rows: &[Row]) {
    let starts = line_starts(text);
    let start = |line: u64| starts[usize::try_from(line).unwrap() - 1];
    for (place, row) in rows.iter().enumerate() {
        let end = rows.get(place + 1).map_or(text.len(), |next| start(next.line()));
        let part = &text[start(row.line())..end];
        match row {
            Row::Bad(defect) => assert!(defect.email.as_deref().is_none_or(|email| holds(part, email))),
            Row::Sound(target) => check_sound(part, survey, target),
        }
    }
    if survey.defects.is_empty() {
        assert_eq!(count(text, survey.layout.delimiter), rows.len() + 1, "of a whole file as well");
    }
}

fn check_sound(part: &[u8], survey: &Survey, target: &Target) {
    let layout = &survey.layout;
    let alone = records(part, layout.delimiter);
    let [cells] = &alone[..] else {
        panic!("{} records where one row was read", alone.len());
    };
    assert_eq!(cells.len(), layout.width);
    let cell = |column: Option<usize>| column.map(|column| std::str::from_utf8(&cells[column]).unwrap());
    assert_eq!(cell(Some(layout.email)).map(str::trim), Some(target.email.as_str()));
    assert_eq!(cell(layout.password).filter(|text| !text.is_empty()), password(target));
    assert!(password(target).is_none_or(|password| holds(part, password) && !password.trim().is_empty()));
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let number = cell(layout.phone).map(str::trim).filter(|text| !text.is_empty());
    assert_eq!(number.is_some(), phone(target).is_some(), "a number is never dropped");
    if let Some((cell, phone)) = number.zip(phone(target)) {
        assert!(phone.starts_with('+') && phone.len() <= 16 && phone[1..] == digits(phone));
        assert!(!cell.starts_with('+') || digits(cell) == phone[1..], "the number is the one in the cell");
    }
}

/// No user is asked two things of, and copies say what they copy.
fn check_users(survey: &Survey, rows: &[Row]) {
    let mut first: HashMap<String, &Target> = HashMap::new();
    let mut copies = 0;
    for row in rows {
        let Row::Sound(target) = row else {
            continue;
        };
        let user = target.email.as_str().to_ascii_lowercase();
        match first.get(&user) {
            None => _ = first.insert(user, target),
            Some(earlier) => {
                copies += 1;
                assert_eq!(
                    survey.duplicates.get(&target.line),
                    Some(&earlier.line),
                    "a copy is known as one"
                );
                assert_eq!((password(target), phone(target)), (password(earlier), phone(earlier)));
            }
        }
    }
    assert_eq!(survey.duplicates.len(), copies);
}
