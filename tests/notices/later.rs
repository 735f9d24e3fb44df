//! A run that ends before its users are told: the same command tells them, and changes nobody again.

use std::sync::mpsc;

use super::{Hook, TAKEN, counted, notified};
use crate::support::{Stage, ends, until};

/// A webhook that answers nothing until what comes with it is dropped.
fn closed() -> (Hook, mpsc::Sender<()>) {
    let (open, gate) = mpsc::channel();
    let hook = Hook::answering(move |_| {
        let _ = gate.recv();
        TAKEN
    });
    (hook, open)
}

fn results(stage: &Stage) -> usize {
    let log = std::fs::read_to_string(stage.run_dir().join("audit.jsonl")).unwrap_or_default();
    log.lines().filter(|line| line.contains("\"kind\":\"result\"")).count()
}

#[test]
fn after_a_kill_between_result_and_notice_the_same_command_sends_what_is_missing() {
    let stage = Stage::plain(4);
    let (hook, open) = closed();
    let mut running = hook.program(&stage).start();
    until("all rows are done", || results(&stage) == 4 || !running.is_alive());
    running.signal("KILL");
    ends(&mut running);
    stage.wait(running);
    assert_eq!((results(&stage), notified(&stage).len()), (4, 0));
    drop(open);

    stage.finish(hook.program(&stage)).expect(0);
    until("all are told", || {
        (0..4).all(|user| hook.addresses().contains(&format!("user{user}@example.com")))
    });
    assert_eq!(stage.truth().patch_requests, 4, "nobody is changed again");
    stage.check_truth();
    let mut lines = notified(&stage);
    lines.sort();
    assert_eq!(lines, ["2 sent 1", "3 sent 1", "4 sent 1", "5 sent 1"]);
    assert_eq!(counted(&stage), [4, 0, 0]);
    let told = hook.told();
    for one in &told {
        let again = told.iter().filter(|other| other.to == one.to);
        assert!(again.clone().all(|other| other.key == one.key), "one notice, one key: {told:?}");
    }
}

#[test]
fn a_notice_that_must_wait_for_long_is_left_to_the_same_command() {
    let stage = Stage::plain(2);
    let hook = Hook::answering(|_| "HTTP/1.1 429 x\r\nretry-after: 3600\r\nconnection: close\r\n\r\n");
    stage.finish(hook.program(&stage)).expect(0);
    let warned = || stage.summary()["warnings"].to_string().contains("still to be sent");
    assert_eq!((counted(&stage), warned()), ([0, 0, 2], true));

    let hook = Hook::new();
    stage.finish(hook.program(&stage)).expect(0);
    assert_eq!((counted(&stage), warned()), ([2, 0, 0], false));
    assert_eq!(stage.truth().patch_requests, 2);
}

#[test]
fn a_crash_of_a_notice_is_no_crash_of_its_row() {
    let stage = Stage::plain(2);
    let hook = Hook::new();
    stage.finish(hook.program(&stage).env("SCIM_REKEY_FAILPOINT", "notice")).expect(70);
    stage.finish(hook.program(&stage)).expect(0);
    stage.check_truth();
    assert_eq!(hook.addresses(), ["user0@example.com", "user1@example.com"]);
    assert_eq!(counted(&stage), [2, 0, 0]);
}
