//! Each machine does its part: every row is in one, and every user too.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::support::{Finished, Person, Program, Stage, faults, outcomes_in};

/// A run of one shard, in a folder that it finds by itself.
fn shard(stage: &Stage, shard: &str, more: &[&str]) -> Program {
    let input = stage.input();
    let args = ["run", input.to_str().unwrap(), "--rate", "unlimited", "--shard", shard];
    stage.with_env(Program::new(args).args(more))
}

/// Run folders beside the input, by the shard that their log names.
fn folders(stage: &Stage) -> BTreeMap<String, PathBuf> {
    let runs = fs::read_dir(stage.home.path().join("users.runs")).unwrap();
    let by_shard = runs.map(|run| {
        let path = run.unwrap().path();
        let log = fs::read_to_string(path.join("audit.jsonl")).unwrap();
        let start: serde_json::Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
        (start["shard"].as_str().unwrap_or_default().to_owned(), path)
    });
    by_shard.collect()
}

fn summary(folder: &std::path::Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(folder.join("summary.json")).unwrap()).unwrap()
}

/// With copies, bad rows and somebody who does not exist.
fn people() -> Vec<Person> {
    let mut people = Person::many(40);
    let copy = Person { email: people[3].email.to_uppercase(), ..people[3].clone() };
    people.extend([copy, Person::new("missing@example.com"), Person::new("joe at example.com")]);
    people.push(Person { phone: crate::support::Canary("12".to_owned()), ..Person::new("bad@example.com") });
    people
}

#[test]
fn three_shards_do_every_row_once() {
    let stage = Stage::new(people(), faults(""));
    for part in ["1/3", "2/3", "3/3"] {
        let done = stage.finish(shard(&stage, part, &["--skip-bad-rows"]));
        assert!(matches!(done.code(), 0 | 3), "{}", done.stderr);
    }
    let truth = stage.truth();
    assert_eq!((truth.patch_requests, truth.applied.len()), (40, 40), "each user once");
    let folders = folders(&stage);
    assert_eq!(folders.keys().collect::<Vec<_>>(), ["1/3", "2/3", "3/3"]);
    let mut lines = Vec::new();
    for (name, folder) in &folders {
        let outcomes = outcomes_in(folder);
        assert!(outcomes.len() > 5, "{name}: {}", outcomes.len());
        assert_eq!(summary(folder)["rows"], outcomes.len());
        let nameless: Vec<_> = outcomes.iter().filter(|row| row["email"].is_empty()).collect();
        assert_eq!(nameless.len(), usize::from(name == "1/3"), "{name}");
        lines.extend(outcomes.into_iter().map(|row| row["line"].parse::<usize>().unwrap()));
    }
    lines.sort_unstable();
    assert_eq!(lines, (2..46).collect::<Vec<_>>(), "each row once");
    let of_warning = |warning: &serde_json::Value| -> Option<u64> {
        let (_, rows) = warning.as_str()?.split_once("left out as they cannot be run: ")?;
        rows.split(' ').next()?.parse().ok()
    };
    let warnings =
        folders.values().flat_map(|folder| summary(folder)["warnings"].as_array().unwrap().clone());
    assert_eq!(
        warnings.filter_map(|warning| of_warning(&warning)).sum::<u64>(),
        2,
        "each bad row warned of once"
    );
}

#[test]
fn a_shard_goes_on_only_with_its_own_run() {
    let stage = Stage::plain(12);
    let code = |part: &str, more: &[&str]| stage.finish(shard(&stage, part, more)).code();
    assert_eq!(code("1/2", &["--max-duration", "0s"]), 75);
    assert_eq!(code("2/2", &[]), 0);
    let others = stage.truth().patch_requests;
    assert!(others > 0 && others < 12);
    assert_eq!((code("1/2", &[]), folders(&stage).len()), (0, 2), "it went on");
    assert_eq!(stage.truth().patch_requests, 12);
    // All of it is another job, and so is another division.
    let run_dir = folders(&stage)["1/2"].display().to_string();
    for part in ["2/2", "1/3"] {
        let done = stage.finish(shard(&stage, part, &["--run-dir", &run_dir])).expect(65);
        assert!(done.last_line().contains("holds a run of shard 1/2"), "{}", done.stderr);
    }
    assert_eq!(stage.truth().patch_requests, 12);
}

#[test]
fn a_shard_of_nobody_is_done_at_once() {
    let stage = Stage::plain(2);
    let empty = (1..=40).map(|part| format!("{part}/40")).find(|part| {
        let done = stage.finish(shard(&stage, part, &["--dry-run"])).expect(0);
        assert!(done.stderr.lines().count() > 0, "the log lines of RUST_LOG=trace");
        summary(&folders(&stage)[part])["rows"] == 0
    });
    assert!(empty.is_some());
    assert_eq!(stage.truth().patch_requests, 0);
}

#[test]
fn a_retry_is_about_what_its_shard_was_about() {
    let stage = Stage::new(vec![Person::new("a@example.com"), Person::new("joe at example.com")], faults(""));
    stage.finish(shard(&stage, "1/3", &["--skip-bad-rows", "--run-dir", &run_dir(&stage)])).expect(3);
    // The address that it has now is in another shard, and yet nobody else would try it.
    let mut people = stage.people.clone();
    people[1] = Person { email: "user1@example.com".to_owned(), ..people[1].clone() };
    stage.write_input(&people);
    let input = stage.input();
    let retry = |more: &[&str]| -> Finished {
        let args = ["retry", &run_dir(&stage), input.to_str().unwrap(), "--rate", "unlimited"];
        stage.finish(stage.with_env(Program::new(args).args(more)))
    };
    let done = retry(&["--shard", "2/3"]).expect(2);
    assert!(done.last_line().contains("is about shard 1/3, and so is its retry"), "{}", done.stderr);
    retry(&[]).expect(0);
    assert_eq!(folders(&stage).keys().collect::<Vec<_>>(), ["1/3"]);
    let outcomes = outcomes_in(&folders(&stage)["1/3"]);
    assert_eq!((outcomes.len(), outcomes[0]["email"].as_str()), (1, "user1@example.com"));
}

fn run_dir(stage: &Stage) -> String {
    stage.run_dir().display().to_string()
}

#[test]
fn the_command_that_is_offered_has_no_shard() {
    let stage = Stage::new(vec![Person::new("missing@example.com")], faults(""));
    let done = (1..=2).map(|part| stage.finish(shard(&stage, &format!("{part}/2"), &[])));
    let done = done.into_iter().find(|done| done.code() == 3).unwrap();
    let (_, offered) = done.last_line().split_once("go on with: ").unwrap();
    assert!(offered.contains(" retry ") && !offered.contains("shard"), "{offered}");
}

#[test]
fn an_indexed_job_says_which_shard_it_is() {
    let stage = Stage::plain(6);
    let auto = |index: &str| {
        stage.finish(shard(&stage, "auto/2", &[]).env("JOB_COMPLETION_INDEX", index).without_env("RUST_LOG"))
    };
    auto("0").expect(0);
    auto("1").expect(0);
    assert_eq!(folders(&stage).keys().collect::<Vec<_>>(), ["1/2", "2/2"]);
    assert_eq!(stage.truth().patch_requests, 6);
    for wrong in ["2", "-1", "x", ""] {
        let done = auto(wrong).expect(78);
        assert!(done.last_line().contains("JOB_COMPLETION_INDEX"), "{}", done.stderr);
    }
}
