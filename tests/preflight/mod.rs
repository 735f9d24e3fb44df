//! `preflight`: whatever would keep a run from going through is said before it, by its own line and with the
//! run's own exit code, and nothing is changed.

mod here;
mod notices;
mod rows;
mod service;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use scim_rekey::sandbox::Options;
use serde_json::Value;

use crate::support::{Finished, Person, Program, Stage};

/// People in a file that nobody else may read.
fn stage(options: Options) -> Stage {
    let stage = Stage::new(Person::many(3), options);
    fs::set_permissions(stage.input(), Permissions::from_mode(0o600)).unwrap();
    stage
}

/// The same arguments as those of a run.
fn program(stage: &Stage) -> Program {
    let args = stage.run_args();
    stage.with_env(Program::new(["preflight"]).args(&args[1..])).args(["--max-attempts", "1"])
}

fn answer(done: &Finished) -> Value {
    let answer: Value =
        serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"));
    assert_eq!((&answer["exit_code"], &answer["ok"]), (&done.code().into(), &(done.code() == 0).into()));
    answer
}

/// All findings of a check, as `result: found`.
fn found(answer: &Value, check: &str) -> Vec<String> {
    let of_check = answer["checks"].as_array().unwrap().iter().filter(|it| it["check"] == check);
    of_check
        .map(|it| format!("{}: {}", it["result"].as_str().unwrap(), it["found"].as_str().unwrap()))
        .collect()
}

/// Where the tests' folder is on a disk in memory, that is warned of.
fn is_about_memory(line: &str) -> bool {
    line.contains("tmpfs")
}

#[test]
fn all_is_well_and_nothing_is_changed() {
    let stage = stage(Options::default());
    let done = stage.finish(program(&stage).arg("--json")).expect(0);
    let answer = answer(&done);
    let checks = answer["checks"].as_array().unwrap();
    let names: Vec<_> = checks.iter().map(|it| it["check"].as_str().unwrap()).collect();
    let expected = [
        "input",
        "configuration",
        "client-lock",
        "run-folder",
        "folder-lock",
        "disk",
        "token-endpoint",
        "token",
        "service",
        "features",
        "clock",
        "rate",
        "organisation",
        "attributes",
        "password-policy",
        "rights",
        "first-row",
        "duration",
        "notices",
    ];
    assert_eq!(names, expected);
    for it in checks.iter().filter(|it| !is_about_memory(&it.to_string())) {
        assert_eq!((&it["result"], &it["advice"]), (&"ok".into(), &Value::Null), "{it}");
    }
    let truth = stage.truth();
    assert_eq!((truth.applied.len(), truth.patch_requests, truth.token_requests), (0, 0, 1));
    assert!(truth.requests.iter().all(|seen| seen.method == "GET" || seen.path == "/oauth/token"));
    assert!(truth.requests.len() > 5);
    let left = fs::read_dir(stage.home.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["users.csv"], "nothing is made");
}

#[test]
fn people_read_a_line_for_each_check_and_only_what_matters_if_they_like() {
    let stage = stage(Options::default());
    let done = stage.finish(program(&stage)).expect(0);
    assert!(
        done.stdout.lines().all(|line| line.starts_with('\u{2713}') || is_about_memory(line)),
        "{done:?}"
    );
    assert!(!done.stdout.contains('\u{1b}') && done.stdout.lines().count() == 19, "{done:?}");
    let quiet = stage.finish(program(&stage).arg("--quiet")).expect(0);
    assert!(quiet.stdout.lines().all(is_about_memory), "{quiet:?}");
    let quiet = stage.finish(program(&stage).args(["--quiet", "--mfa-path", "other"])).expect(0);
    let lines: Vec<_> = quiet.stdout.lines().filter(|line| !is_about_memory(line)).collect();
    assert!(lines.len() == 1 && lines[0].starts_with("! attributes      the schemas"), "{lines:?}");
    assert!(lines[0].contains("; try it with one user first"), "{lines:?}");
}

#[test]
fn without_input_nothing_is_said_about_rows() {
    let stage = stage(Options::default());
    let bare = || stage.with_env(Program::new(["preflight", "--json", "--rate", "unlimited"]));
    let told = answer(&stage.finish(bare()).expect(0));
    for check in ["input", "first-row", "duration", "run-folder"] {
        assert_eq!(found(&told, check), [""; 0], "{check}");
    }
    assert_eq!(found(&told, "token").len(), 1);
    let told = answer(&stage.finish(bare().env("GENESYS_CLIENT_SECRET", "")).expect(78));
    assert_eq!(
        found(&told, "token"),
        ["not_checked: not checked: the configuration does not say whom to ask"]
    );
    let done =
        stage.finish(Program::new(["preflight", "--sandbox", "--json", "--rate", "unlimited"])).expect(0);
    assert_eq!(found(&answer(&done), "organisation").len(), 1);
}

/// A check that does not say yes: its name, what it says, and the exit code.
type Expected<'a> = (&'a str, &'a str, i32);

/// What programs find in each answer, whatever is wrong.
const ALWAYS: [&str; 11] = [
    "configuration",
    "token-endpoint",
    "token",
    "service",
    "features",
    "clock",
    "rate",
    "organisation",
    "attributes",
    "password-policy",
    "rights",
];

/// What is expected of one answer; every other check says yes or could not be made.
#[track_caller]
fn judge(case: &str, done: &Finished, (check, says, code): Expected<'_>) {
    assert_eq!(done.code(), code, "{case}: {done:?}");
    let told = answer(done);
    let lines = found(&told, check);
    assert!(lines.iter().any(|line| line.contains(says)), "{case}: {lines:?} in {told}");
    let others = told["checks"].as_array().unwrap().iter();
    let mut others =
        others.filter(|it| it["check"] != check && it["result"] != "ok" && it["result"] != "not_checked");
    let other = others.find(|it| !is_about_memory(&it.to_string()));
    assert!(other.is_none(), "{case}: {}", other.unwrap());
    assert!(ALWAYS.iter().all(|check| !found(&told, check).is_empty()), "{case}: {told}");
    for it in told["checks"].as_array().unwrap() {
        let has_advice = it["advice"].as_str().is_some_and(|advice| !advice.is_empty());
        assert_eq!(has_advice, it["result"] == "warning" || it["result"] == "failed", "{case}: {it}");
    }
}
