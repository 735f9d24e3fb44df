//! The stage on which promises are tried: the real program, a sandbox, a folder of its own, and
//! secrets that nobody else has, which are looked for in everything the program leaves behind.

mod canary;
mod forgery;
mod judge;
mod listener;
mod program;
mod stage;
mod strace;
mod terminal;
mod trials;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use canary::{Canary, Search};
pub(crate) use forgery::{Forger, Forgery};
pub(crate) use judge::Judge;
pub(crate) use listener::{Listener, Speaks, Stranger, certificate};
pub(crate) use program::{Finished, Program, Running};
pub(crate) use stage::{Person, Stage, outcomes_in};
pub(crate) use strace::{Call, Strace};
pub(crate) use terminal::{Seat, seen};
pub(crate) use trials::{trials, tried};

/// SHA-256 in lower-case hex, computed apart from the program.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The script of faults, as people write it.
pub(crate) fn faults(rules: &str) -> scim_rekey::sandbox::Options {
    let faults = scim_rekey::sandbox::parse_script(&format!("{{\"faults\":[{rules}]}}")).unwrap();
    scim_rekey::sandbox::Options { faults, ..Default::default() }
}

/// A number from the environment, so that a big machine can try more.
pub(crate) fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// Tries every case, two at a time, and adds up what they say.
pub(crate) fn two_at_a_time<T: Send>(
    cases: impl Iterator<Item = T> + Send,
    try_one: impl Fn(T) -> u64 + Sync,
) -> u64 {
    let (cases, sum) = (Mutex::new(cases), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                // The guard must not outlive this line, or the two would wait for each other.
                while let Some(case) = { cases.lock().unwrap().next() } {
                    sum.fetch_add(try_one(case), Ordering::Relaxed);
                }
            });
        }
    });
    sum.into_inner()
}

/// Waits until something is so. Half a minute at most, so that a broken promise fails instead of
/// hanging.
#[track_caller]
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !so() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Ends a process that should have ended by itself, if it takes half a minute.
#[track_caller]
pub(crate) fn ends(running: &mut Running) {
    until("the program ends", || !running.is_alive());
}

/// All files of Rust below a folder.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
