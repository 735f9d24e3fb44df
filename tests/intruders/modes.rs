//! Whatever the umask, what a run writes is for its owner only, from the moment it exists.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use crate::support::{Person, Program, Stage, faults, until};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

const GATE: &str = r#"{"on":"lookup","skip":3,"times":null,"do":{"status":429,"retry_after":"1"}}"#;

/// The lock of a client at a service, which every user of the machine has to find.
fn client_lock(stage: &Stage) -> std::path::PathBuf {
    let pair = format!("{}\n{}", stage.sandbox.0.scim_url(), stage.sandbox.0.client_id());
    let name = crate::support::sha256_hex(pair.as_bytes());
    Path::new("/tmp").join(format!("scim-rekey-{}.lock", &name[..16]))
}

#[test]
fn every_file_is_private_during_a_run_and_after_it_whatever_the_umask() {
    for umask in ["0000", "0077", "0777", "0277"] {
        let stage = Stage::new(Person::many(8), faults(GATE));
        // The folders above are missing, too.
        let dir = stage.home.path().join("new/runs/one");
        let input = stage.input();
        let args =
            ["run", input.to_str().unwrap(), "--run-dir", dir.to_str().unwrap(), "--rate", "unlimited"];
        let program = Program::below_shell(&format!("umask {umask}"), args);
        let running = stage.with_env(program.args(["--max-attempts", "99"])).start();
        until("it waits at the gate", || stage.truth().statuses.contains_key(&429));
        let look = |names: &[&str]| {
            for folder in ["new", "new/runs", "new/runs/one"] {
                assert_eq!(mode(&stage.home.path().join(folder)), 0o700, "{umask}: {folder}");
            }
            let mut found: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap()).collect();
            found.sort_by_key(fs::DirEntry::file_name);
            for entry in &found {
                assert_eq!(mode(&entry.path()), 0o600, "{umask}: {:?}", entry.file_name());
            }
            assert_eq!(found.iter().map(fs::DirEntry::file_name).collect::<Vec<_>>(), names, "{umask}");
        };
        look(&["audit.jsonl", "input.key", "outcome.csv", "run.lock"]);
        assert_eq!(mode(&client_lock(&stage)), 0o644, "{umask}: whoever comes second may be another user");
        stage.sandbox.0.set_faults(Vec::new());
        stage.wait(running).expect(0);
        look(&["audit.jsonl", "input.key", "outcome.csv", "report.html", "summary.json"]);
        assert!(!client_lock(&stage).exists());
    }
}

#[test]
fn an_old_file_that_others_can_read_is_closed_to_them() {
    let stage = Stage::plain(3);
    stage.finish(stage.program().args(["--rate", "20/s", "--max-duration", "50ms"])).expect(75);
    for name in ["audit.jsonl", "outcome.csv", "summary.json"] {
        fs::set_permissions(stage.run_dir().join(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
    stage.run().expect(0);
    for name in ["audit.jsonl", "outcome.csv", "summary.json"] {
        assert_eq!(mode(&stage.run_dir().join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_folder_that_others_can_write_in_is_refused_before_anything_is_sent() {
    for bits in [0o770, 0o702, 0o777, 0o1777] {
        let stage = Stage::plain(2);
        let (dir, runs) = (stage.run_dir(), stage.home.path().join("users.runs"));
        for folder in [&dir, &runs] {
            fs::create_dir(folder).unwrap();
            fs::set_permissions(folder, fs::Permissions::from_mode(bits)).unwrap();
        }
        let finished = stage.run().expect(78);
        assert!(finished.last_line().contains("chmod go-w"), "{}", finished.stderr);
        let beside = Program::new(["run", stage.input().to_str().unwrap(), "--rate", "unlimited"]);
        stage.finish(stage.with_env(beside)).expect(78);
        assert!(stage.truth().requests.is_empty());
        for folder in [&dir, &runs] {
            assert_eq!((mode(folder), fs::read_dir(folder).unwrap().count()), (bits, 0), "left as it was");
        }
        fs::set_permissions(&dir, fs::Permissions::from_mode(bits & 0o755)).unwrap();
        stage.run().expect(0);
        stage.check_truth();
    }
}

/// A uid that is neither ours nor root's.
const SOMEBODY: u32 = 12345;

#[test]
#[ignore = "needs root"]
fn a_folder_or_a_link_of_somebody_else_is_refused_before_anything_is_sent() {
    assert_eq!(fs::metadata("/proc/self").unwrap().uid(), 0, "only root can give files away");
    let stage = Stage::plain(2);
    let (dir, theirs) = (stage.run_dir(), stage.home.path().join("theirs"));
    fs::create_dir(&theirs).unwrap();
    std::os::unix::fs::symlink(&theirs, &dir).unwrap();
    let refused = |why: &str| {
        let finished = stage.run().expect(78);
        assert!(finished.last_line().contains(why), "{}", finished.stderr);
        assert_eq!(fs::read_dir(&theirs).unwrap().count(), 0);
        assert!(stage.truth().requests.is_empty());
    };
    std::os::unix::fs::lchown(&dir, Some(SOMEBODY), None).unwrap();
    refused("belongs to another user (uid 12345)");
    std::os::unix::fs::lchown(&dir, Some(0), None).unwrap();
    std::os::unix::fs::chown(&theirs, Some(SOMEBODY), None).unwrap();
    refused("leads to a folder of another user (uid 12345)");
    std::os::unix::fs::chown(&theirs, Some(0), None).unwrap();
    stage.run().expect(0);
    stage.check_truth();
}

#[test]
fn an_input_that_others_can_read_is_a_warning() {
    for (bits, warned) in [(0o600, false), (0o640, true), (0o604, true)] {
        let stage = Stage::plain(1);
        fs::set_permissions(stage.input(), fs::Permissions::from_mode(bits)).unwrap();
        let check = stage.finish(Program::new(["check", stage.input().to_str().unwrap()])).expect(0);
        stage.run().expect(0);
        let warnings = stage.summary()["warnings"].to_string();
        let said = [check.stdout.contains("chmod 600"), warnings.contains("chmod 600")];
        assert_eq!(said, [warned, warned], "{bits:o}: {} {warnings}", check.stdout);
    }
}

/// The mode in which a call of strace's output makes something, and what.
fn made(line: &str) -> Option<(&str, u32)> {
    let is_made = line.contains("O_CREAT") || line.contains("mkdir");
    let name = line.split('"').nth(1).filter(|_| is_made && !line.contains("= -1"))?;
    let digits =
        line.rsplit_once(", 0").and_then(|(_, rest)| rest.split_once(')')).map(|(digits, _)| digits)?;
    Some((name, u32::from_str_radix(digits, 8).ok()?))
}

#[test]
#[ignore = "needs strace"]
fn nothing_is_ever_open_to_others_not_even_for_a_moment() {
    let stage = Stage::plain(3);
    let trace = stage.home.path().join("trace");
    let prelude = format!(
        "umask 000; exec strace -f -o '{}' -e trace=open,openat,creat,mkdir,mkdirat \"$0\" \"$@\"",
        trace.display()
    );
    stage.finish(stage.with_env(Program::below_shell(&prelude, stage.run_args()))).expect(0);
    let trace = fs::read_to_string(trace).unwrap();
    let home = stage.home.path().to_str().unwrap();
    let made: Vec<_> = trace.lines().filter_map(made).filter(|(name, _)| name.starts_with(home)).collect();
    assert!(made.len() >= 6, "{made:?}");
    assert!(made.iter().any(|(name, _)| name.contains(".unfinished-")), "{made:?}");
    for (name, mode) in made {
        assert_eq!(mode & 0o077, 0, "{name} is made with mode {mode:o}");
    }
}

#[test]
fn a_secret_file_may_be_a_link_or_a_pipe() {
    let stage = Stage::plain(2);
    let beside = tempfile::tempdir().unwrap();
    let (secret, link, pipe) =
        (beside.path().join("secret"), beside.path().join("link"), beside.path().join("pipe"));
    fs::write(&secret, stage.sandbox.0.client_secret()).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink(&secret, &link).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let with = |path: &Path| {
        stage
            .program()
            .arg("--again")
            .without_env("GENESYS_CLIENT_SECRET")
            .arg("--client-secret-file")
            .arg(path)
    };
    stage.finish(with(&link)).expect(0);
    let running = with(&pipe).start();
    fs::write(&pipe, format!("{}\n", stage.sandbox.0.client_secret())).unwrap();
    stage.wait(running).expect(0);
    // What the link leads to counts, not the link.
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o640)).unwrap();
    stage.finish(with(&link)).expect(78);
    stage.check_truth();
}
