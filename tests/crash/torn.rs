//! The log ends in the middle of a record, as a crash leaves it: the rest is cut, and the run goes on.

use std::fs;
use std::path::Path;

use crate::support::{Finished, Program, Stage, number};

fn verify(stage: &Stage, log: &Path) -> Finished {
    stage.finish(Program::new([Path::new("audit"), Path::new("verify"), log]))
}

/// So many places from `from` up to the end of `whole`, which is none of them.
fn places(from: usize, whole: usize, usual: u64) -> impl Iterator<Item = usize> {
    let trials = usize::try_from(number("SCIM_REKEY_TRIALS", usual)).unwrap();
    (from..whole).step_by((whole - from).div_ceil(trials))
}

/// With `SCIM_REKEY_TRIALS=10000` at every byte of the last two records.
#[test]
fn a_torn_tail_is_cut_and_the_run_goes_on() {
    let stage = Stage::plain(6);
    stage.finish(stage.program().args(["--rate", "20/s", "--max-duration", "400ms"])).expect(75);
    let log = stage.run_dir().join("audit.jsonl");
    let whole = fs::read(&log).unwrap();
    let ends: Vec<_> =
        whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    let last_two = ends[ends.len() - 3];
    for torn in places(last_two + 1, whole.len(), 9) {
        fs::write(&log, &whole[..torn]).unwrap();
        verify(&stage, &log).expect(if ends.contains(&torn) { 0 } else { 65 });
        stage.finish(stage.program().args(["--rate", "20/s", "--max-duration", "1ms"])).expect(75);
        verify(&stage, &log).expect(0);
        assert!(
            fs::read(&log).unwrap().starts_with(&whole[..*ends.iter().rfind(|end| **end <= torn).unwrap()])
        );
    }
    stage.run().expect(0);
    stage.check_truth();
}

/// A rehearsal changes nobody, so its log may be cut wherever one likes.
#[test]
fn wherever_a_rehearsal_s_log_is_cut_every_row_has_one_outcome_in_the_end() {
    let stage = Stage::plain(6);
    stage.finish(stage.program().arg("--dry-run")).expect(0);
    let log = stage.run_dir().join("audit.jsonl");
    let key = stage.run_dir().join("input.key");
    let (whole, its_key) = (fs::read(&log).unwrap(), fs::read(&key).unwrap());
    for torn in places(0, whole.len(), 12) {
        fs::write(&log, &whole[..torn]).unwrap();
        // A log without its first record gets another key.
        fs::write(&key, &its_key).unwrap();
        stage.finish(stage.program().arg("--dry-run")).expect(0);
        stage.check_truth();
        assert_eq!(stage.summary()["outcomes"]["would_update"], 6, "cut at {torn}");
    }
    assert_eq!(stage.truth().patch_requests, 0);
}
