//! What single parts cost for 10 000 rows: `cargo bench --features bench`.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::io::Write as _;

use divan::Bencher;
use divan::counter::ItemsCount;
use reqwest::Url;
use scim_rekey::bench::{self, AuditLog};
use tempfile::NamedTempFile;

const ROWS: u32 = 10_000;
/// Lines that share a sync when 64 rows are in flight.
const GROUP: u32 = 64;

fn main() {
    divan::main();
}

fn email(row: u32) -> String {
    format!("u{row:012}@example.com")
}

fn users() -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    let mut text = b"email,password,mfa_phone\n".to_vec();
    for row in 1..=ROWS {
        let phone = 100 + row % 100;
        writeln!(text, "{},Pw-{row:09}-{},+1 555 010-{phone:04}", email(row), row * 7919).unwrap();
    }
    file.write_all(&text).unwrap();
    file
}

#[divan::bench]
fn csv_survey(bencher: Bencher) {
    let file = users();
    bencher
        .counter(ItemsCount::new(ROWS))
        .bench(|| assert_eq!(bench::survey_csv(file.path()), u64::from(ROWS)));
}

#[divan::bench]
fn csv_survey_and_rows(bencher: Bencher) {
    let file = users();
    bencher
        .counter(ItemsCount::new(ROWS))
        .bench(|| assert_eq!(bench::read_csv(file.path()), u64::from(ROWS)));
}

#[divan::bench]
fn audit_append(bencher: Bencher) {
    let new = || AuditLog::new(tempfile::tempfile().unwrap());
    bencher.counter(ItemsCount::new(ROWS)).with_inputs(new).bench_values(|mut log| {
        log.append(ROWS);
        log
    });
}

#[divan::bench(sample_count = 20)]
fn audit_append_and_sync(bencher: Bencher) {
    let new = || AuditLog::new(tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
    bencher.counter(ItemsCount::new(ROWS)).with_inputs(new).bench_values(|mut log| {
        for _ in 0..ROWS.div_ceil(GROUP) {
            log.append(GROUP);
            log.commit();
        }
        log
    });
}

#[divan::bench]
fn filter(bencher: Bencher) {
    bencher
        .counter(ItemsCount::new(1u32))
        .with_inputs(|| email(4711))
        .bench_refs(|email| bench::filter(email));
}

#[divan::bench]
fn lookup_address(bencher: Bencher) {
    let base = Url::parse("https://api.mypurecloud.example/api/v2/scim/v2").unwrap();
    let of = |email: &mut String| bench::lookup_address(&base, email);
    bencher.counter(ItemsCount::new(1u32)).with_inputs(|| email(4711)).bench_refs(of);
}

#[divan::bench]
fn lookup_reply(bencher: Bencher) {
    let email = email(4711);
    let id = "5c1f0e2a-77d4-4b2e-9a01-000000004711";
    let body = format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":1,"startIndex":1,"itemsPerPage":1,"Resources":[{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"{id}","userName":"{email}","active":true,"meta":{{"resourceType":"User","location":"https://api.mypurecloud.example/api/v2/scim/v2/Users/{id}","version":"W/\"7\""}}}}]}}"#
    );
    bencher.counter(ItemsCount::new(1u32)).bench(|| assert!(bench::read_reply(body.as_bytes(), &email)));
}
