//! Too few file descriptors, too little memory: the run ends in words and before any change, or does
//! its work.

use crate::support::{Program, Stage};

fn limited(stage: &Stage, limit: &str) -> i32 {
    let program = Program::below_shell(limit, stage.run_args());
    // Fully, for the allocator's last words otherwise recommend what we never want to read elsewhere.
    let program = stage.with_env(program).env("RUST_BACKTRACE", "full");
    stage.finish(program.args(["--max-outage", "1s"])).code()
}

#[test]
fn without_file_descriptors_nothing_is_changed() {
    for descriptors in [8, 10, 13, 16] {
        let stage = Stage::plain(3);
        let code = limited(&stage, &format!("ulimit -n {descriptors}"));
        let (truth, what) = (stage.truth(), format!("exit code {code} with {descriptors} descriptors"));
        match code {
            0 => stage.check_truth(),
            66 | 70 | 73 => assert!(truth.requests.is_empty(), "{what}"),
            69 => assert_eq!(truth.patch_requests, 0, "{what}"),
            _ => panic!("{what}"),
        }
        stage.run().expect(0);
        stage.check_truth();
    }
}

/// Where memory ends depends on the machine, so every amount is tried that some machine might need. The
/// allocator can only abort; what was sent is declared all the same.
#[test]
fn without_memory_nothing_is_lost() {
    let mut short = 0;
    for kibibytes in (24_000..48_000).step_by(6000) {
        let stage = Stage::plain(3);
        short += u64::from(limited(&stage, &format!("ulimit -v {kibibytes}")) != 0);
        stage.run().expect(0);
        stage.check_truth();
        assert!(stage.truth().patch_requests <= 3 + 3);
    }
    assert!(short > 0, "memory was never short");
}
