//! The files under `fixtures/input`.

use super::expectation::{Expectation, corpus};
use super::{Plain, Reading, read};
use crate::input::InputError;

#[test]
fn good_files_are_read_as_expected() {
    let files = corpus("good");
    assert!(files.len() >= 40);
    for file in files {
        let name = &file.name;
        let reading = read(&file.bytes, file.options.clone()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(reading.survey.defects, [], "{name}");
        let expected: Vec<Plain> = file.lines.iter().map(|line| plain(line)).collect();
        assert_eq!(reading.sound, expected, "{name}");
        assert_eq!(reading.survey.last_line, expected.last().unwrap().line);
        check_counts(&file, &reading);
        check_layout(&file, &reading);
    }
}

#[test]
fn bad_files_are_refused_as_expected() {
    let files = corpus("bad");
    assert!(files.len() >= 30);
    for file in files {
        let name = &file.name;
        match read(&file.bytes, file.options.clone()) {
            Ok(reading) => {
                check_defects(&file, &reading);
                check_counts(&file, &reading);
                assert_eq!(reading.bad, reading.survey.defects, "{name}");
            }
            Err(InputError::Refused { line, reason }) => {
                assert_eq!(file.lines.len(), 1, "{name}: refused as a whole, {reason}");
                let [what, at, fragment] = &file.lines[0][..] else {
                    panic!("{name}: {reason}");
                };
                assert_eq!(what.as_deref(), Some("file"), "{name}: {reason}");
                assert_eq!(line, number(at.as_ref()), "{name}: {reason}");
                assert!(reason.contains(fragment.as_ref().unwrap()), "{name}: {reason}");
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

/// Every secret of a bad file holds `canary` or is a phone number.
#[test]
fn no_text_shows_anything_of_a_cell() {
    for file in corpus("bad") {
        let mut texts = Vec::new();
        match read(&file.bytes, file.options.clone()) {
            Ok(mut reading) => {
                texts.extend(reading.bad.iter().map(|defect| defect.reason.clone()));
                // Names of columns are shown and sound addresses kept; all else must be clean.
                reading.survey.layout.ignored.clear();
                texts.push(format!("{:?}", reading.survey.layout));
                texts.push(format!("{:?}", reading.bad));
                texts.push(format!("{:?}", reading.survey.defects));
            }
            Err(error) => texts.extend([error.to_string(), format!("{error:?}")]),
        }
        for text in texts {
            assert!(is_clean(&text), "{}: {text}", file.name);
        }
    }
}

fn is_clean(text: &str) -> bool {
    let digits = text.split(|c: char| !c.is_ascii_digit());
    !text.to_lowercase().contains("canary") && digits.map(str::len).all(|length| length < 5)
}

fn check_defects(file: &Expectation, reading: &Reading) {
    let name = &file.name;
    let expected: Vec<_> = file.lines.iter().filter(|l| is(l, "row")).collect();
    let found: Vec<_> = reading.bad.iter().map(|d| (d.line, &d.reason)).collect();
    assert_eq!(found.len(), expected.len(), "{name}: {found:?}");
    for (defect, line) in reading.bad.iter().zip(expected) {
        assert_eq!(Some(defect.line), number(line[1].as_ref()), "{name}: {defect:?}");
        assert_eq!(defect.email, line[2], "{name}: {defect:?}");
        let fragment = line[3].as_ref().unwrap();
        assert!(defect.reason.contains(fragment), "{name}: {defect:?}");
    }
    let sound: Vec<_> = reading.sound.iter().map(|row| Some(row.line)).collect();
    let expected = file.lines.iter().filter(|l| is(l, "sound"));
    let expected: Vec<_> = expected.map(|line| number(line[1].as_ref())).collect();
    assert_eq!(sound, expected, "{name}");
}

fn check_counts(file: &Expectation, reading: &Reading) {
    let count = reading.sound.len() + reading.bad.len();
    assert_eq!(reading.survey.rows, u64::try_from(count).unwrap());
    let copies = file.setting("copy").into_iter().map(|copy| {
        let (line, first) = copy.split_once(' ').unwrap();
        (line.parse().unwrap(), first.parse().unwrap())
    });
    assert_eq!(reading.survey.duplicates, copies.collect(), "{}", file.name);
}

fn check_layout(file: &Expectation, reading: &Reading) {
    let layout = &reading.survey.layout;
    for delimiter in file.setting("delimiter") {
        assert_eq!(layout.delimiter_name(), delimiter, "{}", file.name);
    }
    for encoding in file.setting("encoding") {
        assert_eq!(layout.encoding.to_string(), encoding, "{}", file.name);
    }
    let ignored = file.setting("ignored");
    if !ignored.is_empty() {
        assert_eq!(layout.ignored, ignored, "{}", file.name);
    }
}

fn is(line: &[Option<String>], what: &str) -> bool {
    line[0].as_deref() == Some(what)
}

fn number(cell: Option<&String>) -> Option<u64> {
    cell.map(|text| text.parse().unwrap())
}

fn plain(line: &[Option<String>]) -> Plain {
    let [at, email, password, phone] = line else {
        panic!("a good row has four cells: {line:?}");
    };
    Plain {
        line: number(at.as_ref()).unwrap(),
        email: email.clone().unwrap(),
        password: password.clone(),
        phone: phone.clone(),
    }
}
