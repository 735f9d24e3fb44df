//! What is on disk before what: as the kernel is asked for it, in the order of a trace.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Call, Stage, Strace};

const CALLS: [&str; 11] = [
    "write",
    "writev",
    "sendto",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "mkdir",
    "mkdirat",
    "connect",
];

fn traced(rows: usize) -> (Stage, Vec<Call>) {
    let stage = Stage::plain(rows);
    let strace = Strace::of(&CALLS);
    stage.finish(strace.program(&stage, stage.run_args())).expect(0);
    let calls = Strace::calls(&stage).0;
    (stage, calls)
}

/// The quoted names in a call, as it was given them.
fn names(call: &Call) -> Vec<PathBuf> {
    call.text.split('"').skip(1).step_by(2).map(PathBuf::from).collect()
}

fn place(calls: &[Call], from: usize, what: &str, is_it: impl Fn(&Call) -> bool) -> usize {
    let found = calls[from..].iter().position(is_it);
    from + found.unwrap_or_else(|| panic!("no {what} after {}", calls[from].text))
}

#[test]
#[ignore = "needs strace"]
fn a_final_file_is_synced_then_named_and_its_name_is_synced() {
    let (stage, calls) = traced(20);
    let mut named = Vec::new();
    for (at, rename) in calls.iter().enumerate().filter(|(_, call)| call.name.starts_with("rename")) {
        let [aside, name] = names(rename).try_into().unwrap();
        let before = &calls[..at];
        let written = before.iter().rposition(|call| call.name == "write" && call.begins_on(&aside));
        let synced = before.iter().rposition(|call| call.name == "fsync" && call.begins_on(&aside));
        assert!(
            written.is_some() && synced > written && before[synced.unwrap()].is_done(),
            "{}",
            rename.text
        );
        let folder = name.parent().unwrap();
        let synced =
            place(&calls, at, "sync of the folder", |call| call.name == "fsync" && call.begins_on(folder));
        let next = calls[at + 1..].iter().position(|call| call.name.starts_with("rename"));
        assert!(next.is_none_or(|next| synced < at + 1 + next), "{} is synced before the next", rename.text);
        named.push(name.file_name().unwrap().to_owned());
    }
    assert_eq!(named, ["input.key", "outcome.csv", "outcome.csv", "report.html", "summary.json"]);
    println!("{} final files: synced < named < name synced", named.len());
    assert!(stage.run_dir().exists());
}

#[test]
#[ignore = "needs strace"]
fn the_run_folder_is_in_its_parent_on_disk_before_anything_is_sent() {
    let (stage, calls) = traced(3);
    let sent = place(&calls, 0, "connection", |call| call.name == "connect");
    let is_made = |call: &Call| call.name.starts_with("mkdir") && names(call) == [stage.run_dir()];
    let made = place(&calls, 0, "folder", is_made);
    let parent = stage.home.path();
    let synced =
        place(&calls, made, "sync of its parent", |call| call.name == "fsync" && call.begins_on(parent));
    assert!(synced < sent, "the folder's name is synced after the first connection");
}

/// How far the log was synced when a change left, against where its intent ends.
#[test]
#[ignore = "needs strace"]
fn no_change_leaves_before_its_intent_is_synced() {
    let (stage, calls) = traced(100);
    let log = stage.run_dir().join("audit.jsonl");
    let intents = intents(&log);
    let (mut written, mut synced, mut changes) = (0, 0, 0);
    // The log has one writer at a time, so its syncs need not be told apart.
    let mut syncing = None;
    for call in &calls {
        if call.name == "write" && call.begins_on(&log) {
            let (_, count) = call.text.rsplit_once("..., ").unwrap();
            written += count.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse::<usize>().unwrap();
        }
        if call.name == "fdatasync" {
            syncing = syncing.or(Some(written));
            if call.is_done() {
                synced = syncing.take().unwrap();
            }
        }
        if let Some((_, path)) = call.text.split_once("\"PATCH ") {
            let user = path.split([' ', '"']).next().unwrap().rsplit_once('/').unwrap().1;
            let (_, end) = intents.iter().find(|(id, _)| id == user).expect("an intent");
            assert!(*end <= synced, "{user} was changed when {synced} bytes were synced of {end}");
            changes += 1;
        }
    }
    println!("{changes} changes, 0 before their synced intent");
    assert_eq!(changes, 100);
}

/// Each intent's account, and the offset at which its line ends.
fn intents(log: &Path) -> Vec<(String, usize)> {
    let text = fs::read_to_string(log).unwrap();
    let mut end = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        end += line.len();
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        if record["kind"] == "intent" {
            found.push((record["user_id"].as_str().unwrap().to_owned(), end));
        }
    }
    found
}
