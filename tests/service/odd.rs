//! Doubts, races and a service behind it that misbehaves: nobody is shut out by what became of an earlier
//! request.

use std::thread;

use scim_rekey::sandbox::{Options, User};

use super::Served;
use crate::support::{Stage, faults, until};

#[test]
fn a_reset_of_which_nobody_knows_is_done_again_with_the_same_key() {
    let stage = Stage::new(Vec::new(), faults(r#"{"on":"patch","do":{"status":502}}"#));
    let mut served = Served::with(&stage, "max_attempts = 1", "");
    let doubt = served.reset("user0@example.com", "k1");
    assert_eq!((doubt.status, doubt.field("outcome")), (200, "unknown".into()), "{doubt:?}");
    let again = served.reset("user0@example.com", "k1");
    assert_eq!((again.status, again.field("outcome")), (200, "updated".into()), "{again:?}");
    assert!(!again.head.contains("idempotency-replayed"), "{again:?}");
    for _ in 0..2 {
        let replayed = served.reset("user0@example.com", "k1");
        assert_eq!((replayed.status, &replayed.body), (200, &again.body));
        served.end("KILL");
        served.open();
    }
    assert_eq!(served.passwords().len(), 1);
}

#[test]
fn two_equal_updates_whose_users_are_looked_up_at_once_are_one_reset() {
    let rule = |wait| format!(r#"{{"on":"lookup","user":"id-1","do":{{"wait_ms":{wait}}}}}"#);
    let options = Options {
        seed: vec![User::new("user1@example.com").id("id-1"), User::new("user2@example.com").id("id-2")],
        ..faults(&[rule(200), rule(1200)].join(","))
    };
    let stage = Stage::new(Vec::new(), options);
    let served = Served::new(&stage);
    let replies: Vec<_> = thread::scope(|scope| {
        let asking: Vec<_> = (0..2).map(|_| scope.spawn(|| served.update_once("id-1", "k1"))).collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    // Whichever comes first does it, and the other is told how it ended.
    assert!(replies.iter().all(|reply| reply.status == 200), "{replies:?}");
    assert_eq!(replies[0].field("operation"), replies[1].field("operation"));
    assert_eq!(served.update_once("id-1", "k1").status, 200);
    assert_eq!(served.update_once("id-2", "k1").status, 422, "the key is the other user's");
    assert_eq!(served.update_once("id-1", "k2").status, 200, "and nobody is shut out");
    assert_eq!(served.passwords().len(), 2);
}

#[test]
fn an_odd_answer_about_one_user_ends_no_service() {
    let rule = |user: &str, times: u32, action: &str| {
        format!(r#"{{"on":"patch","user":"{user}@example.com","times":{times},"do":{action}}}"#)
    };
    let rules = [
        rule("other", 1, r#"{"other_id":null}"#).replace(r#"{"other_id":null}"#, r#""other_id""#),
        rule("moved", 1, r#"{"redirect":"http://127.0.0.1:9/"}"#),
        rule("refused", 9, r#"{"status":401}"#),
    ];
    let stage = Stage::new(Vec::new(), faults(&rules.join(",")));
    let mut served = Served::with(&stage, "max_attempts = 2", "");
    for (user, outcome) in [("other", "unknown"), ("moved", "failed"), ("refused", "failed")] {
        let reply = served.reset(&format!("{user}@example.com"), user);
        assert_eq!((reply.status, reply.field("outcome")), (200, outcome.into()), "{user}: {reply:?}");
    }
    let sound = served.reset("user0@example.com", "k1");
    assert_eq!((sound.status, sound.field("outcome")), (200, "updated".into()), "{sound:?}");
    assert_eq!(served.end("TERM"), 0);
    served.passwords();
}

#[test]
#[ignore = "takes the eleven seconds for which those in the air are waited for"]
fn a_service_that_is_told_to_wait_for_long_ends_soon_all_the_same() {
    let held = r#"{"on":"patch","do":{"status":429,"retry_after":"3600"}}"#;
    let stage = Stage::new(Vec::new(), faults(held));
    let mut served = Served::with(&stage, "", "[serve.timeouts]\ndrain = 1");
    thread::scope(|scope| {
        let asking = scope.spawn(|| served.reset("user0@example.com", "k1"));
        until("it is told to wait", || stage.truth().patch_requests > 0);
        served.running.as_ref().unwrap().signal("TERM");
        asking.join().unwrap();
    });
    assert_eq!(stage.wait(served.running.take().unwrap()).code(), 143);
    assert_eq!(stage.truth().patch_requests, 1, "nothing before the wait is over");
    assert_eq!(stage.outcome(1), "pending/interrupted");
}
