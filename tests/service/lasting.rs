//! What was asked once is done once: at the same time, later, and after a crash.

use std::thread;

use super::Served;
use crate::support::{Stage, faults, until};

#[test]
fn a_hundred_equal_requests_at_once_are_one_reset() {
    let stage = Stage::plain(0);
    let served = Served::new(&stage);
    let replies: Vec<_> = thread::scope(|scope| {
        let ask = || served.reset("user0@example.com", "k1");
        // As many as there are places: whoever is still sending may have to give way to the next.
        let asking: Vec<_> = (0..60).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    assert!(replies.iter().all(|reply| matches!(reply.status, 200 | 409)), "{replies:?}");
    assert!(replies.iter().any(|reply| reply.status == 200), "{replies:?}");
    assert_eq!(served.passwords().len(), 1);
}

#[test]
fn a_key_counts_after_a_restart_too() {
    let stage = Stage::plain(0);
    let mut served = Served::new(&stage);
    let first = served.reset("user0@example.com", "k1");
    for signal in ["KILL", "TERM"] {
        served.end(signal);
        served.open();
        let again = served.reset("user0@example.com", "k1");
        assert_eq!((again.status, &again.body), (200, &first.body), "after {signal}");
        assert!(again.head.contains("idempotency-replayed: true"), "{again:?}");
        let other = served.reset("user1@example.com", "k1");
        assert_eq!((other.status, other.field("code")), (422, "idempotency_key_reused".into()));
    }
    assert_eq!(served.passwords().len(), 1);
}

#[test]
fn a_reset_that_a_crash_cut_off_is_finished_when_it_is_asked_for_again() {
    let slow = faults(r#"{"on":"patch","do":{"wait_after_ms":600000}}"#);
    let stage = Stage::new(Vec::new(), slow);
    let mut served = Served::new(&stage);
    thread::scope(|scope| {
        let lost = scope.spawn(|| served.reset("user0@example.com", "k1"));
        until("the change is made", || !stage.truth().applied.is_empty());
        served.running.as_ref().unwrap().signal("KILL");
        assert_eq!(lost.join().unwrap().status, 0);
    });
    stage.wait(served.running.take().unwrap());
    served.open();
    let again = served.reset("user0@example.com", "k1");
    assert_eq!((again.status, again.field("outcome")), (200, "updated".into()), "{again:?}");
    // One, and the one that was in doubt.
    assert_eq!(served.passwords().len(), 2);
}
