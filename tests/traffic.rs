//! What was sent and waited for is on record while it goes on, so that it counts whatever becomes of the
//! process.

use serde_json::Value;

use crate::support::{Person, Program, Stage, ends, faults, until};

/// The records of a kind, as far as whole lines go.
fn records(stage: &Stage, kind: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(stage.run_dir().join("audit.jsonl")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["kind"] == kind).collect()
}

/// A service that takes two changes and asks for ten minutes' patience at the third.
fn waiting() -> (Stage, crate::support::Running) {
    let patience = faults(r#"{"on":"patch","skip":2,"times":1,"do":{"status":429,"retry_after":"600"}}"#);
    let stage = Stage::new(Person::many(4), patience);
    let running = stage.program().args(["--concurrency", "1"]).start();
    until("the wait is on record", || !records(&stage, "checkpoint").is_empty());
    (stage, running)
}

#[test]
fn a_wait_is_on_record_as_soon_as_it_begins() {
    let (stage, running) = waiting();
    let checkpoint = records(&stage, "checkpoint").remove(0);
    let left = checkpoint["hold_ms"].as_u64().unwrap();
    assert!((500_000..=600_000).contains(&left), "{checkpoint}");
    assert_eq!(checkpoint["traffic"]["throttled"], 1, "{checkpoint}");
    let status = stage.finish(Program::new(["status", stage.run_dir().to_str().unwrap()])).expect(0);
    assert!(status.stdout.contains("waiting until 20") && status.stdout.contains(": the service asked"));
    assert!(status.stdout.contains("3 changes") && status.stdout.contains("1 answered 429"), "{status:?}");
    running.signal("TERM");
    stage.wait(running).expect(143);
    let end = records(&stage, "run_end").remove(0);
    assert_eq!(stage.audit().last().unwrap()["kind"], "run_end", "nothing comes after the end");
    assert_eq!(end["traffic"]["throttled"], 1);
    assert_eq!(stage.summary()["throttled"], 1, "what a checkpoint told is not counted twice");
}

#[test]
fn what_a_killed_process_sent_counts() {
    let (stage, mut running) = waiting();
    running.signal("KILL");
    ends(&mut running);
    stage.wait(running);
    let sent = stage.truth().patch_requests;
    stage.finish(Program::new(["report", stage.run_dir().to_str().unwrap()])).expect(0);
    let killed = stage.summary();
    assert_eq!((&killed["requests"]["patch"], &killed["throttled"]), (&sent.into(), &1.into()), "{killed}");
    assert_eq!((&killed["finished_at"], &killed["requests"]["token"]), (&Value::Null, &1.into()));
    // The fault is over; what both processes sent is what the service has seen.
    stage.run().expect(0);
    let (whole, truth) = (stage.summary(), stage.truth());
    assert_eq!(whole["requests"]["patch"], truth.patch_requests, "{whole}");
    assert_eq!((&whole["requests"]["token"], &whole["throttled"]), (&2.into(), &1.into()));
}

#[test]
fn how_long_a_change_took_is_on_record() {
    let slow = faults(r#"{"on":"patch","user":"user1@example.com","do":{"wait_ms":60}}"#);
    let mut people = Person::many(2);
    people.push(Person::new("missing@example.com"));
    let stage = Stage::new(people, slow);
    stage.run().expect(3);
    let results = records(&stage, "result");
    let took = |name: &str| {
        let of = results.iter().find(|result| result["email"] == format!("{name}@example.com")).unwrap();
        of["took_ms"].as_u64()
    };
    assert!(took("user1").unwrap() >= 60 && took("user0").is_some(), "{results:?}");
    assert_eq!(took("missing"), None, "nothing was sent to change nobody");
}
