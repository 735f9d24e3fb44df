//! Tests over the whole of the part.

mod corpus;
mod expectation;
mod grammar;
mod sources;
mod tables;

use std::io::Write;

use tempfile::NamedTempFile;

use super::{Input, InputError, Options, Survey};
use crate::domain::target::{Defect, Row};

/// A file of these bytes, opened as an input. The file goes when the first value does.
fn input(bytes: &[u8]) -> (NamedTempFile, Input) {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let input = Input::open(file.path()).unwrap();
    (file, input)
}

/// How often a byte comes.
fn occurrences(bytes: &[u8], byte: u8) -> usize {
    bytes.split(|other| *other == byte).count() - 1
}

/// A row with everything exposed, so that it can be compared and printed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Plain {
    line: u64,
    email: String,
    password: Option<String>,
    phone: Option<String>,
}

/// What a file comes to: its survey, and the rows of the second pass.
struct Reading {
    survey: Survey,
    sound: Vec<Plain>,
    bad: Vec<Defect>,
}

fn read(bytes: &[u8], options: Options) -> Result<Reading, InputError> {
    let (_file, mut input) = input(bytes);
    let survey = input.survey(options)?;
    let (mut sound, mut bad) = (Vec::new(), Vec::new());
    for row in input.rows(&survey)? {
        match row? {
            Row::Sound(target) => sound.push(Plain {
                line: target.line,
                email: target.email.as_str().to_owned(),
                password: target.password.value().map(|secret| secret.expose().to_owned()),
                phone: target.phone.map(|phone| phone.expose().to_owned()),
            }),
            Row::Bad(defect) => bad.push(defect),
        }
    }
    Ok(Reading { survey, sound, bad })
}
