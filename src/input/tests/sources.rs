//! Where the bytes come from, and that they stay the same.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::thread;

use super::{Input, InputError, Options, input, occurrences};

/// Rows enough for several blocks.
fn table(rows: usize) -> Vec<u8> {
    let mut text = String::from("email,password\n");
    for row in 0..rows {
        text += &["user", &row.to_string(), "@example.com,pw-", &row.to_string(), "\n"].concat();
    }
    text.into_bytes()
}

/// Rows handed out before the end or the error.
fn count(input: &mut Input, survey: &super::Survey) -> (usize, Option<InputError>) {
    let mut rows = match input.rows(survey) {
        Ok(rows) => rows,
        Err(error) => return (0, Some(error)),
    };
    let mut sound = 0;
    for row in rows.by_ref() {
        match row {
            Ok(_) => sound += 1,
            Err(error) => {
                assert!(rows.next().is_none(), "nothing comes after an error");
                return (sound, Some(error));
            }
        }
    }
    (sound, None)
}

fn is_changed(error: Option<&InputError>) -> bool {
    matches!(error, Some(InputError::Changed))
}

#[test]
fn no_row_of_a_changed_block_is_handed_out() {
    let bytes = table(10_000);
    for at in [3, 20, 70_000, 150_000, bytes.len() - 2] {
        let (file, mut input) = input(&bytes);
        let survey = input.survey(Options::default()).unwrap();
        assert_eq!(count(&mut input, &survey).0, 10_000);
        file.as_file().write_all_at(b"#", at as u64).unwrap();
        let (sound, error) = count(&mut input, &survey);
        assert!(is_changed(error.as_ref()), "{at}: {error:?}");
        // Only rows that lie wholly in blocks before the changed one.
        let before = &bytes[..at / 65_536 * 65_536];
        let lines = occurrences(before, b'\n');
        assert!(sound <= lines.saturating_sub(1), "{at}: {sound}");
    }
}

#[test]
fn another_length_is_noticed() {
    let bytes = table(10_000);
    for length in [0, 5, 65_536, bytes.len() - 1, bytes.len() + 1] {
        let (file, mut input) = input(&bytes);
        let survey = input.survey(Options::default()).unwrap();
        file.as_file().set_len(length as u64).unwrap();
        let error = count(&mut input, &survey).1;
        assert!(is_changed(error.as_ref()), "{length}: {error:?}");
    }
}

/// A whole block that vanishes or appears leaves the digests of the others as they were.
#[test]
fn another_number_of_blocks_is_noticed() {
    let mut bytes = table(10_000);
    bytes.truncate(2 * 65_536);
    let (file, mut input) = input(&bytes);
    let survey = input.survey(Options::default()).unwrap();
    file.as_file().set_len(65_536).unwrap();
    assert!(is_changed(count(&mut input, &survey).1.as_ref()));
    file.as_file().write_all_at(&bytes[65_536..], 65_536).unwrap();
    assert!(count(&mut input, &survey).1.is_none());
    file.as_file().write_all_at(b"z@example.com,x\n", 2 * 65_536).unwrap();
    assert!(is_changed(count(&mut input, &survey).1.as_ref()));
}

#[test]
fn a_file_moved_to_the_same_name_is_not_seen() {
    let (file, mut input) = input(&table(5));
    let survey = input.survey(Options::default()).unwrap();
    let other = file.path().with_extension("other");
    fs::write(&other, table(9)).unwrap();
    fs::rename(&other, file.path()).unwrap();
    let (sound, error) = count(&mut input, &survey);
    assert_eq!(sound, 5);
    assert!(error.is_none());
}

#[test]
fn a_pipe_is_read_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    let bytes = table(10_000);
    let (sent, to) = (bytes.clone(), path.clone());
    let writer = thread::spawn(move || {
        let mut pipe = OpenOptions::new().write(true).open(to).unwrap();
        pipe.write_all(&sent).unwrap();
    });
    let mut input = Input::open(&path).unwrap();
    writer.join().unwrap();
    let survey = input.survey(Options::default()).unwrap();
    assert_eq!(survey.rows, 10_000);
    assert!(!input.readable_by_others());
    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
    assert_eq!(digest.as_ref(), survey.sha256);
    let (sound, error) = count(&mut input, &survey);
    assert_eq!(sound, 10_000);
    assert!(error.is_none());
}

#[test]
fn a_redirected_file_starts_where_it_stands() {
    let (file, _) = input(&[b"read by another program\n".as_slice(), &table(3)].concat());
    let mut handle = File::open(file.path()).unwrap();
    handle.seek(SeekFrom::Start(24)).unwrap();
    let mut input = Input::over(handle).unwrap();
    let survey = input.survey(Options::default()).unwrap();
    assert_eq!((survey.rows, survey.last_line), (3, 4));
    assert_eq!(count(&mut input, &survey).0, 3);
}

#[test]
fn modes_that_let_others_read_are_told() {
    let (file, _) = input(b"");
    for (mode, shared) in [(0o600, false), (0o640, true), (0o604, true), (0o622, false)] {
        fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
        let input = Input::open(file.path()).unwrap();
        assert_eq!(input.readable_by_others(), shared, "{mode:o}");
    }
}

#[test]
fn what_cannot_be_opened_is_an_error() {
    assert!(Input::open(Path::new("/nonexistent/file")).is_err());
    assert!(Input::open(Path::new("/")).is_err());
    let mut nothing = Input::open(Path::new("/dev/null")).unwrap();
    let error = nothing.survey(Options::default()).unwrap_err();
    assert_eq!(error.to_string(), "the input is empty");
}
