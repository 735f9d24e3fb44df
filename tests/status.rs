//! Where a run stands: said truly at every moment of a run, in words and in JSON.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Finished, Person, Program, Stage, faults, until};

/// A finished run, one row after the other: its beginning, a token, then intent and result of each row, its end.
fn finished() -> (Stage, Vec<String>) {
    let stage = Stage::new(Person::many(3), faults(""));
    stage.finish(stage.program().args(["--concurrency", "1"])).expect(0);
    let log = fs::read_to_string(log(&stage)).unwrap();
    (stage, log.lines().map(|line| format!("{line}\n")).collect())
}

fn log(stage: &Stage) -> PathBuf {
    stage.run_dir().join("audit.jsonl")
}

/// The log up to the first line of this kind, which may be left out.
fn cut(stage: &Stage, lines: &[String], kind: &str, with: bool) {
    let name = format!("\"kind\":\"{kind}\"");
    let place = lines.iter().position(|line| line.contains(&name)).unwrap() + usize::from(with);
    fs::write(log(stage), lines[..place].concat()).unwrap();
}

/// What a process that works in the folder does to its lock.
fn held(stage: &Stage) -> File {
    let path = stage.run_dir().join("run.lock");
    let pid = std::process::id();
    let holder = format!(r#"{{"pid":{pid},"since":"2026-11-22T09:31:38.000Z","run_dir":"run"}}"#);
    fs::write(&path, holder).unwrap();
    let file = File::open(path).unwrap();
    file.lock().unwrap();
    file
}

fn status(stage: &Stage, args: &[&str]) -> Finished {
    stage.finish(Program::new(["status"]).arg(stage.run_dir()).args(args))
}

fn said(stage: &Stage) -> String {
    status(stage, &[]).expect(0).stdout
}

fn json(stage: &Stage) -> Value {
    serde_json::from_str(&status(stage, &["--json"]).expect(0).stdout).unwrap()
}

#[test]
fn a_patch_in_doubt_is_named_and_the_command_to_go_on_with() {
    let (stage, lines) = finished();
    cut(&stage, &lines, "intent", true);
    let words = said(&stage);
    assert!(words.contains("died") && words.contains("0 of 3 rows settled\n"), "{words}");
    assert!(words.contains("3 rows to go: 1 with a PATCH in doubt, 2 not begun"), "{words}");
    assert!(words.contains("\nat least 0 look-ups, 0 changes sent; "), "{words}");
    let next = format!("scim-rekey run {} --run-dir {}", stage.input().display(), stage.run_dir().display());
    assert!(
        words.ends_with(&format!("go on with the command that began it: its settings, and {next}\n")),
        "{words}"
    );
    let json = json(&stage);
    assert_eq!((&json["state"], &json["in_doubt"], &json["settled"]), (&"died".into(), &1.into(), &0.into()));
    assert_eq!((json["next"].as_str(), &json["exit_code"]), (Some(&*next), &Value::Null));
    status(&stage, &["--watch"]).expect(70);

    // What it says to go on with does go on.
    let words: Vec<_> = next.split(' ').skip(1).collect();
    stage.finish(stage.with_env(Program::new(words))).expect(0);
    assert_eq!(json_state(&stage), "complete");
}

fn json_state(stage: &Stage) -> String {
    json(stage)["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_running_run_is_watched_until_its_end() {
    let (stage, lines) = finished();
    cut(&stage, &lines, "result", true);
    let lock = held(&stage);
    let words = said(&stage);
    let pid = std::process::id();
    assert!(words.contains(&format!("going on since 2026-11-22T09:31:38.000Z (process {pid})")), "{words}");
    assert!(words.contains("1 of 3 rows settled: 1 updated\n2 rows to go: 2 not begun\n"), "{words}");
    assert!(words.contains("\nat least ") && !words.contains("go on with"), "{words}");
    let json = json(&stage);
    assert_eq!((&json["state"], &json["pid"], &json["next"]), (&"running".into(), &pid.into(), &Value::Null));

    let printed = stage.home.path().join("printed");
    let dir = stage.run_dir().display().to_string();
    let watch = Program::below("sh", ["-c", r#"exec "$0" "$@" > printed"#], ["status", "--watch", &dir]);
    let watch = watch.in_folder(stage.home.path());
    let running = watch.start();
    until("it has said where the run stands", || {
        fs::read_to_string(&printed).is_ok_and(|text| text == "1 of 3 rows settled: 1 updated\n")
    });
    fs::write(log(&stage), lines.concat()).unwrap();
    drop(lock);
    stage.wait(running).expect(0);
    let printed = fs::read_to_string(&printed).unwrap();
    assert_eq!(printed.lines().last(), Some("3 of 3 rows settled: 3 updated; complete, exit code 0"));
    assert_eq!(printed.lines().count(), 2);
}

#[test]
fn a_watch_leaves_with_the_exit_code_of_the_run_and_a_look_with_0() {
    let mut people = Person::many(1);
    people.push(Person::new("missing@example.com"));
    let stage = Stage::new(people, faults(""));
    stage.run().expect(3);
    status(&stage, &["--watch"]).expect(3);
    status(&stage, &["--watch", "--json"]).expect(3);
    let words = status(&stage, &[]).expect(0).stdout;
    assert!(words.contains("\n3 look-ups, 1 change sent; "), "{words}");
    let next = format!("scim-rekey retry {} {}", stage.run_dir().display(), stage.input().display());
    assert!(
        words.contains("      1  failed/not_found\n") && words.ends_with(&format!("with: {next}\n")),
        "{words}"
    );
}

#[test]
fn the_names_in_json_are_those_that_programs_rely_on() {
    let (stage, lines) = finished();
    let json = json(&stage);
    let names = "audit_head dry_run exit_code in_doubt input last_record_at next outcomes pid reasons records rows \
                 run_dir run_id settled started_at state stopped target waits_until";
    let found: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(found.join(" "), names);
    let head: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!((&json["audit_head"], &json["records"]), (&head["hash"], &head["seq"]));
    assert_eq!(json["outcomes"], stage.summary()["outcomes"]);
}

#[test]
fn what_is_no_run_folder_leads_to_those_near_it() {
    let (stage, _) = finished();
    let runs = stage.home.path().join("users.runs");
    fs::create_dir(&runs).unwrap();
    fs::rename(stage.run_dir(), runs.join("x")).unwrap();
    let ask = |path: &Path| stage.finish(Program::new(["status"]).arg(path)).expect(66);
    for path in [stage.input(), runs, stage.home.path().to_owned()] {
        let done = ask(&path);
        assert!(
            done.last_line().ends_with(&format!("scim-rekey runs {}", path.display())),
            "{}",
            done.stderr
        );
        let (path, input) = (path.to_str().unwrap(), stage.input());
        for args in [&["retry", path, input.to_str().unwrap()][..], &["unseal", path, "--identity", "x"]] {
            // Passwords of their own stand in a file.
            if args[0] == "unseal" && !Path::new(path).is_dir() {
                continue;
            }
            let other = stage.finish(stage.with_env(Program::new(args))).expect(66);
            assert_eq!(other.last_line(), done.last_line());
        }
        if Path::new(path).is_dir() {
            let other = stage.finish(Program::new(["audit", "verify", path])).expect(66);
            assert_eq!(other.last_line(), done.last_line());
        }
    }
    let run = stage.home.path().join("users.runs/x");
    let swapped = Program::new(["retry"]).arg(stage.input()).arg(&run);
    let done = stage.finish(stage.with_env(swapped)).expect(66);
    let ending = format!("scim-rekey retry {} {}", run.display(), stage.input().display());
    assert!(done.last_line().ends_with(&ending), "{}", done.stderr);
    let done = stage.finish(Program::new(["unseal"]).arg(&run).args(["--identity", "x"])).expect(66);
    assert!(done.last_line().contains("that run made no passwords"), "{}", done.stderr);
    assert!(!ask(&stage.home.path().join("nowhere")).last_line().contains("runs"));
}
