//! Where the audit log should be, there is something else: nothing is sent, and nobody waits.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, Mode, mkfifoat};

use crate::support::{Program, Running, Stage, ends};

fn fifo(path: &Path) {
    mkfifoat(CWD, path, Mode::RWXU).unwrap();
}

/// Ends by itself with this code, and the service has seen nothing.
#[track_caller]
fn refused(stage: &Stage, mut running: Running, code: i32) {
    ends(&mut running);
    let done = stage.wait(running).expect(code);
    assert!(done.last_line().contains("audit.jsonl"), "{}", done.stderr);
    assert!(stage.truth().requests.is_empty());
}

#[test]
fn an_audit_log_that_is_no_file_means_that_nothing_is_sent() {
    let others: [fn(&Path); 4] = [
        fifo,
        |path| fs::create_dir(path).unwrap(),
        |path| symlink("/dev/full", path).unwrap(),
        |path| symlink(path.with_file_name("elsewhere"), path).unwrap(),
    ];
    for other in others {
        let stage = Stage::plain(3);
        fs::create_dir(stage.run_dir()).unwrap();
        other(&stage.run_dir().join("audit.jsonl"));
        refused(&stage, stage.program().start(), 73);
    }
}

#[test]
fn beside_the_input_a_log_that_is_no_file_stops_the_next_run_too() {
    let stage = Stage::plain(3);
    let folder = stage.home.path().join("users.runs/20260101T000000.000Z-0000");
    fs::create_dir_all(&folder).unwrap();
    fifo(&folder.join("audit.jsonl"));
    let input = stage.input();
    refused(&stage, stage.with_env(Program::new([Path::new("run"), &input])).start(), 73);
}

#[test]
fn commands_that_read_a_run_wait_for_no_fifo() {
    let stage = Stage::plain(3);
    stage.run().expect(0);
    let (log, summary) = (stage.run_dir().join("audit.jsonl"), stage.run_dir().join("summary.json"));
    fs::remove_file(&summary).unwrap();
    fifo(&summary);
    let mut running = stage.program().start();
    ends(&mut running);
    stage.wait(running).expect(0);
    assert_eq!(stage.summary()["outcomes"]["updated"], 3, "it is replaced");
    for name in ["run.lock", "input.key"] {
        let _ = fs::remove_file(stage.run_dir().join(name));
        fifo(&stage.run_dir().join(name));
        let mut running = stage.program().start();
        ends(&mut running);
        assert_ne!(stage.wait(running).code(), 0, "{name}");
        fs::remove_file(stage.run_dir().join(name)).unwrap();
    }
    fs::remove_file(&log).unwrap();
    fifo(&log);
    for verb in ["status", "report"] {
        let mut running = Program::new([Path::new(verb), &stage.run_dir()]).start();
        ends(&mut running);
        stage.wait(running).expect(66);
    }
}
