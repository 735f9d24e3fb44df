//! Who is told what, and when.

use scim_rekey::sandbox::{Directory, Options, User};

use super::{Hook, TAKEN, configured, counted, notified};
use crate::support::{Listener, Person, Speaks, Stage, Stranger, ends, until};

#[test]
fn each_updated_user_is_told_once_at_the_address_that_the_directory_shows() {
    let names =
        ["ANN@example.com", "bob@Example.com", "gone@example.com", "idle@example.com", "no@example.com"];
    let people = names.map(Person::new).to_vec();
    let users = ["ann@example.com", "Bob@example.com"].map(User::new);
    let others = [User::new("idle@example.com").inactive(), User::new("no@example.com").refusing()];
    let users = users.into_iter().chain(others).collect();
    let stage = Stage::new(people, Options { directory: Directory::Listed(users), ..Options::default() });
    let hook = Hook::new();
    stage.finish(hook.program(&stage)).expect(3);
    until("both are told", || hook.told().len() == 2);
    assert_eq!(hook.addresses(), ["Bob@example.com", "ann@example.com"]);
    for told in hook.told() {
        assert_eq!(told.subject, "Your Example Ltd account was changed");
        for part in [&*told.to, "- the password\n", "- the phone", "UTC", "Object at once: +1 555 0100"] {
            assert!(told.body.contains(part), "no {part:?} in {}", told.body);
        }
    }
    let keys: Vec<_> = hook.told().into_iter().map(|told| told.key).collect();
    assert_ne!(keys[0], keys[1]);
    let mut lines = notified(&stage);
    lines.sort();
    assert_eq!(lines, ["2 sent 1", "3 sent 1"]);
    assert_eq!(counted(&stage), [2, 0, 0]);
    stage.finish(hook.program(&stage)).expect(0);
    assert_eq!(hook.told().len(), 2, "what is sent is not sent again");
}

#[test]
fn users_are_told_while_others_are_still_to_come() {
    let stage = Stage::plain(8);
    let hook = Hook::new();
    stage.finish(hook.program(&stage).args(["--rate", "40/s", "--concurrency", "1"])).expect(0);
    let audit = stage.audit();
    let first_told = audit.iter().position(|line| line["kind"] == "notify").unwrap();
    let last_done = audit.iter().rposition(|line| line["kind"] == "result").unwrap();
    assert!(first_told < last_done, "told at {first_told}, the last row was done at {last_done}");
    assert_eq!(counted(&stage), [8, 0, 0]);
}

#[test]
fn what_becomes_of_a_notice_touches_neither_its_row_nor_the_code() {
    let stage = Stage::plain(3);
    let tries = std::sync::atomic::AtomicU32::new(0);
    let hook = Hook::answering(move |said| {
        let first = || tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        match said {
            said if said.contains("user0@") => "HTTP/1.1 400 user0@example.com\r\nconnection: close\r\n\r\n",
            said if said.contains("user1@") && first() => "HTTP/1.1 503 x\r\nconnection: close\r\n\r\n",
            _ => TAKEN,
        }
    });
    // A run that waits for ever fails instead of hanging.
    let mut running = hook.program(&stage).start();
    ends(&mut running);
    stage.wait(running).expect(0);
    stage.check_truth();
    assert_eq!(stage.truth().patch_requests, 3);
    assert!(stage.outcomes().iter().all(|row| row["outcome"] == "updated" && row["detail"].is_empty()));
    let mut lines = notified(&stage);
    lines.sort();
    assert_eq!(
        lines,
        [
            "2 given_up 1 the webhook refuses the notice (400)",
            "3 failed 1 the webhook puts the notice off (503)",
            "3 sent 2",
            "4 sent 1",
        ]
    );
    assert_eq!(counted(&stage), [2, 1, 0]);
    let keys: Vec<_> = hook.told().into_iter().filter(|told| told.to.starts_with("user1@")).collect();
    assert_eq!(keys[0].key, keys[1].key, "a repeat can be recognised");
}

#[test]
fn nobody_is_told_where_nobody_was_changed() {
    let stage = Stage::plain(2);
    let hook = Hook::new();
    stage.finish(hook.program(&stage).arg("--dry-run")).expect(0);
    assert_eq!((hook.0.heard().len(), notified(&stage).len()), (0, 0));
}

#[test]
fn no_notices_means_none_then_and_later() {
    let stage = Stage::plain(2);
    let hook = Hook::new();
    stage.finish(hook.program(&stage).arg("--no-notices")).expect(0);
    assert!(stage.audit().iter().all(|line| line["kind"] != "notify"));
    stage.finish(hook.program(&stage)).expect(0);
    assert_eq!(hook.0.heard().len(), 0);
}

#[test]
fn a_rehearsal_with_the_settings_of_every_day_tells_nobody() {
    let stage = Stage::plain(2);
    let hook = Hook::new();
    stage.finish(hook.program(&stage).arg("--sandbox")).expect(0);
    assert_eq!((stage.outcome(2).as_str(), stage.truth().applied.len()), ("updated", 0));
    assert_eq!(hook.0.heard().len(), 0);
}

#[test]
fn notices_that_wait_are_told_of_where_nobody_watches() {
    let stage = Stage::plain(2);
    let hook = Hook::answering(|_| "HTTP/1.1 503 Busy\r\nretry-after: 3600\r\nconnection: close\r\n\r\n");
    let done = stage.finish(hook.program(&stage)).expect(0);
    let words = "every row is done, 2 notices still to be sent";
    assert!(done.stderr.contains(words) && done.stderr.contains("go on with: "), "{}", done.stderr);
}

#[test]
fn a_setting_that_cannot_be_used_is_refused_before_the_first_request() {
    let stage = Stage::plain(1);
    let stranger = Stranger::new();
    let hook = format!("[notices.webhook]\nurl = \"{}\"", stranger.url());
    for (more, way, sentence) in [
        ("", "", "[notices] needs one of"),
        ("", "[notices.webhook]\nurl = \"http://example.com\"", "loopback addresses only"),
        ("subject = \"{{ pasword }}\"", &*hook, "there is no `pasword`"),
        ("subject = \"{{ password }}\"", &*hook, "has no place there"),
        ("subject = \"{{\"", &*hook, "subject, line 1"),
        ("sender = \"x\"", &*hook, "knows no setting named sender"),
    ] {
        let done = stage.finish(configured(&stage, more, way)).expect(78);
        assert!(done.last_line().contains(sentence), "{}", done.stderr);
    }
    assert_eq!((stage.truth().token_requests, stranger.visitors()), (0, 0));
    assert!(!stage.run_dir().exists());
}

#[test]
fn a_notice_goes_to_the_webhook_and_not_where_it_points() {
    let stage = Stage::plain(1);
    let elsewhere = Listener::new(Speaks::Plain, TAKEN);
    let answer =
        format!("HTTP/1.1 307 x\r\nlocation: http://{}/\r\nconnection: close\r\n\r\n", elsewhere.address());
    let answer: &'static str = answer.leak();
    let hook = Hook::answering(move |_| answer);
    stage.finish(hook.program(&stage)).expect(0);
    assert_eq!(notified(&stage), ["2 given_up 1 the webhook sends us elsewhere, and we do not go (307)"]);
    assert_eq!(elsewhere.heard().len(), 0);
}
