//! What preflight says of INPUT, and of the run that it would be.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use scim_rekey::sandbox::{Limit, Options};

use super::{answer, found, judge, program, stage};
use crate::support::{Person, Stage};

#[test]
fn bad_lines_are_counted_and_a_file_that_is_not_there_is_missed() {
    let stage = stage(Options::default());
    let mut text = fs::read_to_string(stage.input()).unwrap();
    text.push_str("nobody,x,\nann@example.com,,,,\n");
    fs::write(stage.input(), text).unwrap();
    let preflight = |args: &[&str]| stage.finish(program(&stage).arg("--json").args(args));
    judge(
        "bad",
        &preflight(&[]),
        ("input", "5 rows, comma between cells, UTF-8; 2 lines cannot be run (line 5, 6)", 65),
    );
    judge("left out", &preflight(&["--skip-bad-rows"]), ("input", "warning: ", 0));
    fs::set_permissions(stage.input(), Permissions::from_mode(0o644)).unwrap();
    judge("readable", &preflight(&["--skip-bad-rows"]), ("input", "can be read by others", 0));
    fs::remove_file(stage.input()).unwrap();
    judge("missing", &preflight(&[]), ("input", "failed: ", 66));
}

#[test]
fn a_run_is_reckoned_at_the_rate_that_it_would_have() {
    let options = Options { limit: Some(Limit::window(600, 60_000)), ..Options::default() };
    let stage = stage(options);
    let words = |args: &[&str]| {
        let told = answer(&stage.finish(program(&stage).arg("--json").args(args)).expect(0));
        (found(&told, "rate").remove(0), found(&told, "duration").remove(0))
    };
    let (rate, time) = words(&["--rate", "1000/s"]);
    assert!(rate.starts_with("warning: 1000/s for each token; the service allows 600 in a window"), "{rate}");
    assert!(time.starts_with("ok: 3 rows: 6 requests by filter in about 1 s"), "{time}");
    let (rate, _) = words(&["--rate", "auto"]);
    assert!(rate.starts_with("ok: as much as it allows"), "{rate}");
    let (_, time) = words(&["--rate", "1000/s", "--max-duration", "500ms"]);
    assert!(
        time.starts_with("warning: 3 rows: ") && time.ends_with("the time for it is over in 0 s"),
        "{time}"
    );
}

#[test]
fn passwords_that_nobody_could_make_are_told_of() {
    let wants = serde_json::json!({"minimumLength": 500});
    let stage = stage(Options { password_requirements: Some(wants), ..Options::default() });
    fs::write(stage.input(), "email\nann@example.com\n").unwrap();
    fs::set_permissions(stage.input(), Permissions::from_mode(0o600)).unwrap();
    let key = age::x25519::Identity::generate().to_public().to_string();
    let makes = ["--generate-passwords", "--seal-to", &key];
    let done = stage.finish(program(&stage).arg("--json").args(makes)).expect(78);
    assert!(found(&answer(&done), "password-policy")[1].starts_with("failed: "), "{done:?}");
    let run = stage.finish(stage.program().args(makes));
    assert_eq!(run.code(), 78, "the run itself: {}", run.stderr);
}

#[test]
fn somebody_who_is_missing_or_disabled_is_told_of() {
    for (name, says) in [
        ("missing@example.com", "warning: the user on line 2: "),
        ("inactive@example.com", "ok: the user on line 2 is found, disabled, and would be skipped"),
    ] {
        let stage = Stage::new(vec![Person::new(name)], Options::default());
        let told = answer(&stage.finish(program(&stage).arg("--json")).expect(0));
        let line = found(&told, "first-row").remove(0);
        assert!(line.starts_with(says) && !line.contains(name), "{line}");
        let rights = found(&told, "rights").remove(0);
        let is_nobody = rights.starts_with("warning: the service shows no users at all");
        assert_eq!(is_nobody, name.starts_with("missing"), "{rights}");
    }
}
