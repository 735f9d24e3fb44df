//! What people read is made from the audit log, and made again from it at any time.

use std::fs;
use std::path::Path;

use crate::support::{Person, Program, Stage, faults};

fn mixed() -> Stage {
    let mut people = Person::many(20);
    people.insert(3, Person::new("missing@example.com"));
    people.insert(7, Person::new("inactive@example.com"));
    people.insert(9, Person::new("recent@example.com"));
    Stage::new(
        people,
        faults(r#"{"on":"patch","user":"user5@example.com","times":null,"do":{"status":500}}"#),
    )
}

#[test]
fn report_makes_the_same_files_again() {
    let stage = mixed();
    stage.finish(stage.program().args(["--max-attempts", "2"])).expect(4);
    let dir = stage.run_dir();
    let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
    let (outcomes, summary, page) = (read("outcome.csv"), read("summary.json"), read("report.html"));
    for name in ["outcome.csv", "summary.json", "report.html"] {
        fs::remove_file(dir.join(name)).unwrap();
    }
    stage.finish(Program::new([Path::new("report"), &dir])).expect(0);
    assert_eq!((read("outcome.csv"), read("summary.json")), (outcomes, summary));
    assert!(read("report.html") == page, "the page is another");
}

#[test]
fn files_that_a_crash_left_behind_are_made_again_by_the_same_command() {
    let stage = mixed();
    stage.finish(stage.program().args(["--max-attempts", "2"])).expect(4);
    let read = |name: &str| fs::read_to_string(stage.run_dir().join(name)).unwrap();
    let whole = (read("outcome.csv"), read("summary.json"));
    let grown: Vec<_> = whole.0.lines().take(5).collect();
    fs::write(stage.run_dir().join("outcome.csv"), grown.join("\n")).unwrap();
    fs::remove_file(stage.run_dir().join("summary.json")).unwrap();
    stage.run().expect(4);
    assert_eq!((read("outcome.csv"), read("summary.json")), whole);
    stage.run().expect(0);
}

#[test]
fn counts_agree_with_the_lines() {
    let stage = mixed();
    stage.finish(stage.program().args(["--max-attempts", "2"])).expect(4);
    let (summary, rows) = (stage.summary(), stage.outcomes());
    for family in ["updated", "would_update", "skipped", "failed", "unknown", "pending"] {
        let lines = rows.iter().filter(|row| row["outcome"] == family).count();
        assert_eq!(summary["outcomes"][family], lines, "{family}");
    }
    for (name, count) in summary["reasons"].as_object().unwrap() {
        let lines =
            rows.iter().filter(|row| *name == format!("{}/{}", row["outcome"], row["reason"])).count();
        assert_eq!(count, lines, "{name}");
    }
    let attempts: u64 = rows.iter().map(|row| row["attempts"].parse::<u64>().unwrap()).sum();
    let requests = &summary["requests"];
    // One look-up more: the service's configuration is asked once.
    assert_eq!(requests["lookup"].as_u64().unwrap() + requests["patch"].as_u64().unwrap(), attempts + 1);
    let truth = stage.truth();
    assert_eq!(
        (&requests["token"], &requests["patch"]),
        (&truth.token_requests.into(), &truth.patch_requests.into())
    );
}

#[test]
fn status_says_where_a_run_stands() {
    let stage = Stage::plain(10);
    let dir = stage.run_dir();
    let status = || stage.finish(Program::new([Path::new("status"), &dir]));
    status().expect(66);
    stage.finish(stage.program().args(["--rate", "20/s", "--max-duration", "300ms"])).expect(75);
    let stopped = status().expect(0);
    assert!(
        stopped.stdout.contains("the time for this run is over")
            && stopped.stdout.contains("pending/deadline"),
        "{}",
        stopped.stdout
    );
    stage.run().expect(0);
    let complete = status().expect(0);
    assert!(
        complete.stdout.contains("complete, exit code 0")
            && complete.stdout.contains("10 of 10 rows settled: 10 updated"),
        "{}",
        complete.stdout
    );
}

#[test]
fn an_address_cannot_become_a_formula() {
    let stage = Stage::new(
        vec![
            Person::new("=cmd|calc@example.com"),
            Person::new("+1+2@example.com"),
            Person::new("-a@example.com"),
        ],
        faults(""),
    );
    stage.run().expect(0);
    let text = fs::read_to_string(stage.run_dir().join("outcome.csv")).unwrap();
    for line in text.lines().skip(1) {
        let cell = line.split(',').nth(1).unwrap();
        assert!(cell.starts_with('\''), "{line}");
    }
}

#[test]
fn text_of_the_service_drives_no_terminal_and_is_not_quoted() {
    let rule = r#"{"on":"patch","times":null,"do":{"status":400,"body":{"detail":"\u001b]0;owned\u0007\u202e=cmd","scimType":"\u001b[31mred"}}}"#;
    let stage = Stage::new(Person::many(1), faults(rule));
    let done = stage.run().expect(3);
    let text = fs::read_to_string(stage.run_dir().join("outcome.csv")).unwrap() + &done.stderr;
    for bad in ['\u{1b}', '\u{7}', '\u{202e}'] {
        assert!(!text.contains(bad), "{text:?}");
    }
    assert!(!text.contains("owned") && text.contains("(correlation "), "{text}");
}

#[test]
fn a_service_that_echoes_passwords_leaks_none() {
    for rule in [
        r#"{"on":"patch","times":null,"do":"echo_password"}"#,
        r#"{"on":"patch","user":"refused@example.com","times":null,"do":"echo_password"}"#,
    ] {
        let stage =
            Stage::new(vec![Person::new("a@example.com"), Person::new("refused@example.com")], faults(rule));
        stage.run();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_folder_that_a_restart_would_empty_is_warned_of() {
    let stage = Stage::plain(1);
    let memory = tempfile::tempdir_in("/dev/shm").unwrap();
    let (input, dir) = (stage.input(), memory.path().join("run"));
    let program = Program::new(["run", input.to_str().unwrap(), "--run-dir", dir.to_str().unwrap()]);
    stage.finish(stage.with_env(program)).expect(0);
    let summary: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.join("summary.json")).unwrap()).unwrap();
    assert!(summary["warnings"].to_string().contains("tmpfs"), "{summary}");
}
