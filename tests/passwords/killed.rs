//! Killed between any two steps, the same command comes to its end, and what `unseal` prints is what each
//! user has.

use std::fs;
use std::path::PathBuf;

use scim_rekey::sandbox::Options;

use super::Office;
use crate::support::{Strace, two_at_a_time};

const ROWS: usize = 6;
/// What leaves a trace on disk, or at the service.
const CALLS: [&str; 8] = ["write", "writev", "sendto", "fdatasync", "fsync", "rename", "ftruncate", "fchmod"];

#[test]
fn wherever_it_stops_each_user_has_the_one_password_that_is_printed() {
    let places = [
        "seal-append:2",
        "seal-sync:2",
        "seal:2",
        "intent:2",
        "write:2",
        "answer:5",
        "commit_log:3",
        "result:2",
    ];
    let tried = two_at_a_time(places.into_iter(), |place| {
        let office = Office::new(3, Options::default());
        let program = office.program().args(["--concurrency", "1"]).env("SCIM_REKEY_FAILPOINT", place);
        office.stage.finish(program).expect(70);
        office.check_sealed_first(place);
        office.run().expect(0);
        office.check_handed_over(place);
        1
    });
    assert_eq!(tried, places.len() as u64);
}

#[test]
fn a_seal_that_was_cut_short_is_stepped_over() {
    let office = Office::new(3, Options::default());
    let stopped = office.program().args(["--concurrency", "1"]).env("SCIM_REKEY_FAILPOINT", "intent:3");
    office.stage.finish(stopped).expect(70);
    let whole = fs::read(office.sealed()).unwrap();
    // As a crash leaves the next one, whose intent is not on record then.
    let torn = [&whole[..], &whole[..200]].concat();
    fs::write(office.sealed(), &torn).unwrap();
    office.run().expect(0);
    assert!(fs::read(office.sealed()).unwrap().starts_with(&torn), "nothing is ever cut off");
    office.check_handed_over("torn");
}

/// Every point that a run passes: the call, its number, and the file on which it counts.
fn points(file: Option<&str>) -> Vec<(&'static str, usize)> {
    let office = Office::new(ROWS, Options::default());
    office.stage.finish(watching(&office, &CALLS, file).program(&office.stage, args(&office))).expect(0);
    office.check_handed_over("left alone");
    let most = Strace::calls(&office.stage).most();
    let of_call = |call: &&'static str| (*call, most.get(*call).copied().unwrap_or_default());
    CALLS
        .iter()
        .map(of_call)
        .flat_map(|(call, times)| (1..=times).map(move |number| (call, number)))
        .collect()
}

fn args(office: &Office) -> Vec<String> {
    office.args().into_iter().chain(["--concurrency".to_owned(), "2".to_owned()]).collect()
}

fn watching(office: &Office, calls: &[&str], file: Option<&str>) -> Strace {
    let path = |name| -> PathBuf { office.stage.run_dir().join(name) };
    let strace = Strace::of(calls);
    file.map_or(strace.clone(), |name| strace.on(path(name)))
}

#[test]
#[ignore = "needs strace and two minutes"]
fn killed_at_every_call_each_user_has_the_one_password_that_is_printed() {
    let files = [None, Some("generated.csv.age"), Some("audit.jsonl")];
    let cases = files.iter().flat_map(|file| points(*file).into_iter().map(move |point| (*file, point)));
    let cases = cases.collect::<Vec<_>>();
    let tried = cases.len();
    let kills = two_at_a_time(cases.into_iter(), |(file, (call, number))| {
        let office = Office::new(ROWS, Options::default());
        let strace = watching(&office, &[call], file).inject(&format!("{call}:signal=KILL:when={number}"));
        let done = office.stage.finish(strace.program(&office.stage, args(&office)));
        let what = format!("killed before {call} {number} of {}", file.unwrap_or("all"));
        assert!([0, -1].contains(&done.code()), "{what}: {}", done.stderr);
        if done.code() == -1 {
            office.check_sealed_first(&what);
            office.run().expect(0);
        }
        office.check_handed_over(&what);
        u64::from(done.code() == -1)
    });
    println!("{kills} kills at {tried} points, every user has the one password that is printed");
    assert!(kills > 60, "{kills} kills at {tried} points");
}
