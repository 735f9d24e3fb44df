//! `--summary` and `--metrics`: however a run ends, a monitor finds a fresh file.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Person, Program, Stage, faults};

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The value of a series, by its name and the labels after that of the file.
fn value(path: &Path, series: &str) -> Option<f64> {
    let text = fs::read_to_string(path).unwrap();
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let stem = path.file_stem().unwrap().to_str().unwrap();
    let labels = if labels.is_empty() { "}".to_owned() } else { format!(",{labels}") };
    let start = format!("scim_rekey_{name}{{name=\"{stem}\"{labels} ");
    text.lines().find_map(|line| line.strip_prefix(&start)).map(|value| value.parse().unwrap())
}

fn files(stage: &Stage) -> (PathBuf, PathBuf) {
    (stage.home.path().join("last.json"), stage.home.path().join("nightly.prom"))
}

fn monitored(stage: &Stage, program: Program) -> Program {
    let (summary, metrics) = files(stage);
    program.arg("--summary").arg(summary).arg("--metrics").arg(metrics).without_env("RUST_LOG")
}

#[test]
fn a_success_and_then_a_failure_are_told() {
    let stage = Stage::new(vec![Person::new("a@example.com"), Person::new("b@example.com")], faults(""));
    let (summary, metrics) = files(&stage);
    let done = stage.finish(monitored(&stage, Program::below_shell("umask 077", stage.run_args())));
    assert_eq!(done.code(), 78, "without credentials: {}", done.stderr);
    let done = stage.finish(monitored(&stage, stage.program())).expect(0);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("", ""));
    assert_eq!(fs::read(&summary).unwrap(), fs::read(stage.run_dir().join("summary.json")).unwrap());
    assert_eq!((mode(&summary), mode(&metrics)), (0o600, 0o644));
    let success = value(&metrics, "last_success_timestamp_seconds").unwrap();
    assert_eq!(value(&metrics, "last_run_timestamp_seconds"), Some(success));
    for (series, expected) in [
        ("exit_code", 0.0),
        ("dry_run", 0.0),
        ("rows{outcome=\"updated\"}", 2.0),
        ("rows{outcome=\"failed\"}", 0.0),
        ("requests{kind=\"patch\"}", 2.0),
        ("throttled_replies", 0.0),
        ("waited_seconds", 0.0),
    ] {
        assert_eq!(value(&metrics, series), Some(expected), "{series}");
    }
    stage.write_input(&[Person::new("missing@example.com")]);
    let args = ["run", stage.input().to_str().unwrap(), "--rate", "unlimited"].map(str::to_owned);
    let done = stage.finish(monitored(&stage, stage.with_env(Program::new(args)))).expect(3);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    assert_eq!((&json(&summary)["exit_code"], &json(&summary)["rows"]), (&3.into(), &1.into()));
    assert_eq!(value(&metrics, "exit_code"), Some(3.0));
    assert_eq!(value(&metrics, "last_success_timestamp_seconds"), Some(success));
    assert!(value(&metrics, "last_run_timestamp_seconds") > Some(success));
    // Nothing to do is no success, where what was done is none.
    let args = ["run", stage.input().to_str().unwrap(), "--rate", "unlimited"].map(str::to_owned);
    stage.finish(monitored(&stage, stage.with_env(Program::new(args)))).expect(0);
    assert_eq!(value(&metrics, "exit_code"), Some(3.0));
    assert_eq!(value(&metrics, "last_success_timestamp_seconds"), Some(success));
}

#[test]
fn a_failure_before_there_is_a_folder_is_told() {
    let stage = Stage::plain(2);
    let (summary, metrics) = files(&stage);
    let bad = stage.home.path().join("bad.csv");
    fs::write(&bad, "email,password\nnobody,x\n").unwrap();
    let held = |code: u8, program: Program| {
        _ = fs::remove_file(&summary);
        let done = stage.finish(monitored(&stage, program)).expect(code.into());
        assert_eq!(json(&summary)["exit_code"], code);
        let error = json(&summary)["error"].as_str().unwrap().to_owned();
        assert!(!error.is_empty() && done.last_line().ends_with(&error), "{error} {}", done.stderr);
        assert_eq!(value(&metrics, "exit_code"), Some(code.into()));
        assert_eq!(value(&metrics, "rows{outcome=\"updated\"}"), None);
        assert_eq!(value(&metrics, "last_success_timestamp_seconds"), Some(0.0));
    };
    let run = |input: &Path| stage.with_env(Program::new(["run", input.to_str().unwrap()]));
    held(65, run(&bad));
    held(66, run(&stage.home.path().join("none.csv")));
    held(78, run(&stage.input()).args(["--region", "nowhere"]));
    held(78, run(&stage.input()).without_env("GENESYS_CLIENT_ID"));
    held(73, run(&stage.input()).args(["--run-dir", "/dev/null/x"]));
    let retry = ["retry", "/nowhere", stage.input().to_str().unwrap()].map(str::to_owned);
    held(66, stage.with_env(Program::new(retry)));
    assert!(stage.truth().requests.is_empty());
    // The service refuses us: there is a folder, and a summary in it.
    let program = stage.program().env("GENESYS_CLIENT_SECRET", "wrong");
    let done = stage.finish(monitored(&stage, program)).expect(77);
    assert_eq!((&json(&summary)["exit_code"], done.stderr.lines().count()), (&77.into(), 1));
    assert_eq!(json(&summary)["outcomes"]["pending"], 2);
}

#[test]
fn standard_output_takes_the_summary() {
    let stage = Stage::plain(2);
    let done = stage.finish(stage.program().args(["--summary", "-"])).expect(0);
    assert_eq!(done.stdout.as_bytes(), fs::read(stage.run_dir().join("summary.json")).unwrap());
    // There is nothing to do, and that is told of the run that did it.
    let again = stage.finish(stage.program().args(["--summary", "-"])).expect(0);
    assert_eq!(again.stdout, done.stdout);
    stage.finish(stage.program().args(["--metrics", "-"])).expect(2);
}

#[test]
fn no_other_file_is_taken_for_one_of_these() {
    let stage = Stage::plain(1);
    let home = stage.home.path();
    let (other, link, folder) = (home.join("precious"), home.join("link"), home.join("folder"));
    fs::write(&other, "precious").unwrap();
    symlink(&other, &link).unwrap();
    fs::create_dir(&folder).unwrap();
    let input = stage.input();
    for place in [&input, &other, &link, &folder, &home.join("none/x"), &PathBuf::from("/dev/null")] {
        for flag in ["--summary", "--metrics"] {
            let before = fs::read(&input).unwrap();
            let done = stage.finish(stage.program().arg(flag).arg(place)).expect(73);
            assert!(done.last_line().contains(flag), "{}", done.stderr);
            assert_eq!(
                (fs::read(&input).unwrap(), fs::read_to_string(&other).unwrap()),
                (before, "precious".into())
            );
        }
    }
    assert!(stage.truth().requests.is_empty() && !stage.run_dir().exists());
    // Nor a run's evidence, by whatever name, or somebody else's object.
    let (log, mine) = (home.join("run.jsonl"), home.join("my.json"));
    stage.run().expect(0);
    fs::copy(stage.run_dir().join("audit.jsonl"), &log).unwrap();
    fs::write(&mine, "{\"mine\":1}").unwrap();
    let evidence = fs::read(&log).unwrap();
    let beside = home.join("audit.jsonl");
    for place in [&stage.run_dir().join("audit.jsonl"), &log, &mine, &beside] {
        stage.finish(stage.program().arg("--summary").arg(place)).expect(73);
    }
    assert!(fs::read(stage.run_dir().join("audit.jsonl")).unwrap() == evidence && !beside.exists());
    assert!(fs::read(&log).unwrap() == evidence);
}

#[test]
fn warnings_leave_a_success_silent() {
    let stage = Stage::plain(2);
    let text = fs::read_to_string(stage.input()).unwrap();
    let lines =
        text.lines().enumerate().map(|(n, line)| format!("{line},{}", if n == 0 { "room" } else { "x" }));
    fs::write(stage.input(), lines.collect::<Vec<_>>().join("\n")).unwrap();
    let done = stage.finish(stage.program().without_env("RUST_LOG")).expect(0);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("", ""));
    assert!(stage.summary()["warnings"].to_string().contains("ignored columns: room"));
}
