//! What is wrong on this side: settings, folder, locks.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use scim_rekey::sandbox::Options;

use super::{Expected, answer, found, is_about_memory, judge, program, stage};
use crate::support::{Program, sha256_hex};

/// What is done to a command line.
type Change = Box<dyn Fn(Program) -> Program>;

#[test]
fn each_thing_that_is_wrong_on_this_side_has_its_line_and_the_code_of_the_run() {
    let stage = stage(Options::default());
    let home = stage.home.path();
    let path = |name: &str| home.join(name).to_str().unwrap().to_owned();
    fs::create_dir(home.join("open")).unwrap();
    fs::set_permissions(home.join("open"), Permissions::from_mode(0o777)).unwrap();
    for (name, log) in [("torn", "no log at all\n"), ("held", "")] {
        fs::create_dir(home.join(name)).unwrap();
        fs::set_permissions(home.join(name), Permissions::from_mode(0o700)).unwrap();
        fs::write(home.join(name).join("audit.jsonl"), log).unwrap();
    }
    let held = File::create(home.join("held/run.lock")).unwrap();
    held.lock().unwrap();
    let with = |words: &[&str]| -> Change {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        Box::new(move |program| program.args(&words))
    };
    let env = |name: &'static str, value: &'static str| -> Change {
        Box::new(move |program| program.env(name, value))
    };
    let cases: [(Change, Expected<'_>); 15] = [
        (with(&["--readable"]), ("settings", "failed: --readable is about generated passwords", 2)),
        (with(&["--protect", &path("nobody.txt")]), ("protect", "failed: --protect", 78)),
        (env("GENESYS_CLIENT_SECRET", ""), ("configuration", "failed: no client secret", 78)),
        (
            env("GENESYS_SCIM_URL", "http://example.com/"),
            ("configuration", "failed: --scim-url is plain http", 78),
        ),
        (with(&["--run-dir", &path("users.csv/run")]), ("run-folder", "failed: ", 73)),
        (with(&["--run-dir", &path("open")]), ("run-folder", "can be written by others", 78)),
        (with(&["--run-dir", &path("torn")]), ("run-folder", "cannot be trusted", 65)),
        (
            with(&["--run-dir", &path("held")]),
            ("folder-lock", "failed: another process works in this run folder", 75),
        ),
        (with(&["--ca-file", &path("users.csv")]), ("tls", "failed: cannot set up TLS", 78)),
        (
            env("GENESYS_CLIENT_SECRET", "another"),
            ("token", "failed: the token endpoint does not know this client (invalid_client)", 77),
        ),
        (
            env("GENESYS_TOKEN_URL", "http://127.0.0.1:9/"),
            ("token-endpoint", "failed: 127.0.0.1:9 cannot be reached: the connection is refused", 69),
        ),
        (
            env("GENESYS_SCIM_URL", "http://127.0.0.1:9/api/v2/scim/v2"),
            ("service", "failed: 127.0.0.1:9 cannot be reached", 69),
        ),
        (
            env("GENESYS_SCIM_URL", "http://localhost:9/"),
            ("service", "failed: localhost:9 cannot be reached", 69),
        ),
        (
            with(&["--mfa-path", "other"]),
            ("attributes", "warning: the schemas of the service do not know other, where MFA", 0),
        ),
        (with(&["--token-auth", "body"]), ("token", "ok: granted", 0)),
    ];
    for (number, (change, expected)) in cases.iter().enumerate() {
        let done = stage.finish(change(program(&stage)).arg("--json"));
        judge(&number.to_string(), &done, *expected);
        // With three rows and one attempt for each, a service that is away makes a run of three failed rows.
        if expected.2 != 0 && expected.0 != "service" {
            let program = change(stage.program()).args(["--max-attempts", "1", "--max-outage", "0s"]);
            let run = stage.finish(program);
            assert_eq!(run.code(), expected.2, "{number}: the run itself: {}", run.stderr);
            let _ = fs::remove_dir_all(stage.run_dir());
        }
    }
    assert_eq!(stage.truth().applied.len(), 0);
    let told = answer(&stage.finish(cases[9].0(program(&stage)).arg("--json")));
    let token = told["checks"].as_array().unwrap().iter().find(|it| it["check"] == "token").unwrap();
    assert!(token["advice"].as_str().unwrap().starts_with("check the region first"), "{token}");
}

#[test]
fn what_does_not_depend_on_a_failure_is_checked_all_the_same() {
    let stage = stage(Options::default());
    let program = program(&stage).env("GENESYS_TOKEN_URL", "http://127.0.0.1:9/").arg("--json");
    let told = answer(
        &stage.finish(program.args(["--run-dir", stage.input().join("x").to_str().unwrap()])).expect(73),
    );
    for (check, starts) in [
        ("input", "ok"),
        ("run-folder", "failed"),
        ("disk", "ok"),
        ("token-endpoint", "failed"),
        ("token", "not_checked: not checked: "),
        ("service", "ok"),
        ("rights", "not_checked: not checked: there is no token"),
    ] {
        assert!(found(&told, check)[0].starts_with(starts), "{check} in {told}");
    }
}

#[test]
fn a_run_of_the_same_client_elsewhere_is_told_of() {
    let stage = stage(Options::default());
    let name = sha256_hex(format!("{}\nclient:1", stage.sandbox.0.scim_url()).as_bytes());
    let path = PathBuf::from(format!("/tmp/scim-rekey-{}.lock", &name[..16]));
    let lock = File::create(&path).unwrap();
    lock.lock().unwrap();
    let done = stage.finish(program(&stage).arg("--json"));
    fs::remove_file(path).unwrap();
    judge(
        "lock",
        &done,
        ("client-lock", "failed: another process works with this client on this service", 75),
    );
}

#[test]
fn the_run_in_the_folder_is_told_of() {
    let stage = stage(Options::default());
    let folder = |code| {
        let told = answer(&stage.finish(program(&stage).arg("--json")).expect(code));
        found(&told, "run-folder").remove(0)
    };
    stage.finish(stage.program().arg("--dry-run")).expect(0);
    assert!(folder(65).starts_with("failed: "), "a rehearsal is another kind of run");
    stage.run().expect(65);
    fs::remove_dir_all(stage.run_dir()).unwrap();
    stage.run().expect(0);
    let line = folder(0);
    assert!(line.contains("holds a run that is complete") || is_about_memory(&line), "{line}");
}
