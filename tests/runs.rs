//! The list of runs: the newest first, believed no further than the log goes.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Finished, Person, Program, Stage, faults};

/// A rehearsal and a run beside the input, as people make them.
fn two_runs() -> Stage {
    let mut people = Person::many(2);
    people.push(Person::new("missing@example.com"));
    let stage = Stage::new(people, faults(""));
    for args in [&["--dry-run"][..], &[]] {
        let run = Program::new(["run", "--rate", "unlimited"]).arg(stage.input()).args(args);
        stage.finish(stage.with_env(run)).expect(3);
    }
    stage
}

fn runs(stage: &Stage, args: &[&str]) -> Finished {
    stage.finish(Program::new(["runs"]).args(args).in_folder(stage.home.path())).expect(0)
}

fn list(stage: &Stage) -> Vec<Value> {
    serde_json::from_str(&runs(stage, &["--json"]).stdout).unwrap()
}

fn folder(stage: &Stage, run: &Value) -> PathBuf {
    stage.home.path().join(run["run_dir"].as_str().unwrap())
}

#[test]
fn runs_are_listed_with_their_verdicts_the_newest_first() {
    let stage = two_runs();
    let found = list(&stage);
    let dry: Vec<_> = found.iter().map(|run| run["dry_run"].as_bool().unwrap()).collect();
    assert_eq!(dry, [false, true]);
    for run in &found {
        let summary = fs::read(folder(&stage, run).join("summary.json")).unwrap();
        let summary: Value = serde_json::from_slice(&summary).unwrap();
        for name in ["run_id", "input", "started_at", "exit_code", "rows", "outcomes", "audit_head"] {
            assert_eq!(run[name], summary[name], "{name}");
        }
        assert_eq!((&run["state"], &run["error"]), (&"complete".into(), &Value::Null));
    }
    let table = runs(&stage, &[]).stdout;
    let lines: Vec<_> = table.lines().collect();
    assert_eq!((lines.len(), lines[0].split_whitespace().next()), (3, Some("BEGAN")), "{table}");
    assert!(lines[1].contains("complete (3): 2 updated, 1 failed"), "{table}");
    assert!(lines[2].contains("dry run complete (3): 2 would_update, 1 failed"), "{table}");
    // By any of their names.
    let run = found[0]["run_dir"].as_str().unwrap();
    assert_eq!(runs(&stage, &["users.csv"]).stdout, table);
    assert_eq!(runs(&stage, &["users.runs", "."]).stdout, table);
    let one = runs(&stage, &[run]).stdout;
    assert!(one.lines().count() == 2 && one.contains(run), "{one}");
}

#[test]
fn a_summary_that_is_not_current_is_not_believed() {
    let stage = two_runs();
    let found = list(&stage);
    let log = folder(&stage, &found[0]).join("audit.jsonl");
    let whole = fs::read_to_string(&log).unwrap();
    let lines: Vec<_> = whole.split_inclusive('\n').collect();
    // As if it had died before its last record, with the summary of its first session beside it.
    fs::write(&log, lines[..lines.len() - 1].concat()).unwrap();
    let run = &list(&stage)[0];
    assert_eq!((&run["state"], &run["exit_code"]), (&"died".into(), &Value::Null));
    // A line that is not what was hashed is no last line, whatever the summary says.
    let altered = whole.replace("\"exit_code\":3", "\"exit_code\":0");
    assert_ne!(altered, whole);
    fs::write(&log, altered).unwrap();
    let run = list(&stage).into_iter().find(|run| run["run_dir"] == found[0]["run_dir"]).unwrap();
    assert!(run["error"].as_str().unwrap().contains("cannot be trusted"), "{run}");
}

/// What is before the last line is not read where the summary speaks for it.
#[test]
fn a_long_log_is_not_read_for_what_its_summary_says() {
    let stage = two_runs();
    let found = list(&stage);
    let log = folder(&stage, &found[0]).join("audit.jsonl");
    let mut bytes = fs::read(&log).unwrap();
    bytes[1] = b'!';
    fs::write(&log, bytes).unwrap();
    assert_eq!(list(&stage), found);
}

#[test]
fn broken_and_foreign_folders_are_listed_as_such() {
    let stage = two_runs();
    let runs_dir = stage.home.path().join("users.runs");
    for (name, text) in [("broken", Some("{\"x\":1}\n")), ("foreign", None), ("unborn", Some(""))] {
        fs::create_dir(runs_dir.join(name)).unwrap();
        if let Some(text) = text {
            fs::write(runs_dir.join(name).join("audit.jsonl"), text).unwrap();
        }
    }
    let found = list(&stage);
    let errors: Vec<_> = found.iter().skip(2).map(|run| run["error"].as_str().unwrap()).collect();
    assert_eq!((found.len(), errors.len()), (5, 3));
    for (error, words) in
        errors.iter().zip(["cannot be trusted: record 1", "no run folder", "holds no run yet"])
    {
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(runs(&stage, &[]).stdout.lines().count(), 6);
}

#[test]
fn no_runs_is_an_answer_and_no_folder_is_an_error() {
    let stage = Stage::plain(1);
    let done = runs(&stage, &["."]);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("", "no runs here\n"));
    assert_eq!(runs(&stage, &["users.csv", "--json"]).stdout, "[]\n");
    stage.finish(Program::new(["runs", "nowhere"]).in_folder(stage.home.path())).expect(66);
}
