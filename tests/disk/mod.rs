//! A disk that is full, slow, broken or not a disk: no change without its synced intent, what is in
//! the air lands, and the same command goes on when there is room again.

mod full;
mod injected;
mod limits;
mod nofile;
mod order;

use crate::support::{Finished, Stage};

/// A run that its disk has stopped: 73 means that nothing was sent, 74 that what was is declared.
#[track_caller]
fn stopped(stage: &Stage, done: &Finished, what: &str) -> bool {
    match done.code() {
        0 => return false,
        73 => assert!(stage.truth().requests.is_empty(), "{what}: sent and then {}", done.stderr),
        74 => {
            let last = done.last_line();
            let named = last.contains(stage.run_dir().to_str().unwrap()) && last.contains("go on with: ");
            assert!(named, "{what}: {}", done.stderr);
        }
        _ => panic!("{what}: {} {}", done.status, done.stderr),
    }
    true
}
