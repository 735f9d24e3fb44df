//! Time and memory for a million rows. Run one at a time, in release:
//! `cargo test --release -- --ignored --nocapture --exact input::tests::figures::NAME`.

use std::fs;
use std::io::{BufWriter, Write};
use std::time::Instant;

use tempfile::NamedTempFile;

use crate::input::{Input, Options};

const ROWS: u64 = 1_000_000;

/// Writes a row for each number and tells what reading them takes.
fn measure(name: &str, mut row: impl FnMut(&mut dyn Write, u64)) {
    let file = NamedTempFile::new().unwrap();
    let mut out = BufWriter::new(file.as_file());
    writeln!(out, "email,password,mfa_phone").unwrap();
    for number in 0..ROWS {
        row(&mut out, number);
    }
    out.flush().unwrap();
    drop(out);
    let mut input = Input::open(file.path()).unwrap();
    let before = peak_kib();
    let start = Instant::now();
    let survey = input.survey(Options::default()).unwrap();
    let surveyed = start.elapsed();
    let peak = peak_kib();
    let start = Instant::now();
    assert_eq!(input.rows(&survey).unwrap().count() as u64, survey.rows);
    println!(
        "{name}: {} bytes, {} rows, {} defects, {} copies: survey {surveyed:.2?}, rows {:.2?}, \
         peak {} MiB (before {} MiB)",
        file.path().metadata().unwrap().len(),
        survey.rows,
        survey.defects.len(),
        survey.duplicates.len(),
        start.elapsed(),
        peak / 1024,
        before / 1024,
    );
}

/// The highest resident size of this process so far.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
#[ignore = "a measurement"]
fn with_phones() {
    measure("with phones", |out, n| {
        writeln!(out, "user{n}@example.com,Pw-{n}-x!,+155501001{:02}", n % 100).unwrap();
    });
}

#[test]
#[ignore = "a measurement"]
fn without_phones() {
    measure("without phones", |out, n| {
        writeln!(out, "user{n}@example.com,Pw-{n}-x!,").unwrap();
    });
}

#[test]
#[ignore = "a measurement"]
fn a_few_copies() {
    measure("1 % copies", |out, n| {
        let user = if n % 100 == 0 { n / 200 } else { n };
        writeln!(out, "user{user}@example.com,Pw-{user}-x!,").unwrap();
    });
}

#[test]
#[ignore = "a measurement"]
fn all_copies() {
    measure("all copies", |out, n| {
        writeln!(out, "user{0}@example.com,Pw-{0}-x!,", n / 2).unwrap();
    });
}

#[test]
#[ignore = "a measurement"]
fn all_bad() {
    measure("all bad", |out, n| {
        writeln!(out, "user{n}@example.com,Pw-{n}-x!,none").unwrap();
    });
}
