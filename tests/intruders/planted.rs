//! Links and pipes where the program is about to write: the file behind a link stays as it is, and
//! nobody is waited for at the other end of a pipe.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Finished, Person, Program, Stage, ends, faults};

/// A stage, and a file that is none of the program's business.
struct Scene {
    stage: Stage,
    victim: PathBuf,
}

const PRECIOUS: &str = "precious\n";

impl Scene {
    fn new() -> Self {
        let stage = Stage::new(Person::many(3), faults(""));
        let victim = stage.home.path().join("victim");
        fs::write(&victim, PRECIOUS).unwrap();
        fs::set_permissions(&victim, fs::Permissions::from_mode(0o604)).unwrap();
        Self { stage, victim }
    }

    /// The run folder, made beforehand.
    fn run_dir(&self) -> PathBuf {
        fs::create_dir(self.stage.run_dir()).unwrap();
        self.stage.run_dir()
    }

    /// As it was, whatever happened.
    #[track_caller]
    fn is_unharmed(&self) {
        let facts = fs::metadata(&self.victim).unwrap();
        assert_eq!(fs::read_to_string(&self.victim).unwrap(), PRECIOUS);
        assert_eq!((facts.mode() & 0o777, facts.is_file()), (0o604, true));
    }

    /// Ends with this code, saying so, and having sent nothing.
    #[track_caller]
    fn refused(&self, code: i32, why: &str) -> Finished {
        let mut running = self.stage.program().start();
        ends(&mut running);
        let finished = self.stage.wait(running).expect(code);
        assert!(finished.last_line().contains(why), "{}", finished.stderr);
        assert!(self.stage.truth().requests.is_empty());
        finished
    }

    /// The run goes on to its right end.
    #[track_caller]
    fn replaced(&self) {
        self.stage.run().expect(0);
        self.stage.check_truth();
        self.is_unharmed();
    }
}

#[test]
fn a_link_in_place_of_a_file_that_grows_is_refused() {
    for name in ["audit.jsonl", "run.lock"] {
        let scene = Scene::new();
        let planted = scene.run_dir().join(name);
        symlink(&scene.victim, &planted).unwrap();
        scene.refused(73, &format!("{name} is a symbolic link"));
        scene.is_unharmed();
        // A link to nowhere makes no file there.
        fs::remove_file(&planted).unwrap();
        symlink(scene.stage.home.path().join("nowhere"), &planted).unwrap();
        scene.refused(73, "is a symbolic link");
        assert!(!scene.stage.home.path().join("nowhere").exists());
        fs::remove_file(&planted).unwrap();
        scene.replaced();
    }
}

#[test]
fn a_link_in_place_of_a_file_that_is_replaced_is_replaced_itself() {
    for name in ["outcome.csv", "summary.json", "input.key", ".unfinished-abc123"] {
        let scene = Scene::new();
        let planted = scene.run_dir().join(name);
        symlink(&scene.victim, &planted).unwrap();
        scene.replaced();
        assert!(
            fs::symlink_metadata(&planted).map_or(name.starts_with('.'), |facts| facts.is_file()),
            "{name}"
        );
        // The same for a second name of the file.
        let scene = Scene::new();
        fs::hard_link(&scene.victim, scene.run_dir().join(name)).unwrap();
        scene.replaced();
        assert_eq!(fs::metadata(&scene.victim).unwrap().nlink(), 1, "{name}");
    }
}

#[test]
fn a_second_name_of_somebody_s_file_is_no_audit_log() {
    let scene = Scene::new();
    fs::hard_link(&scene.victim, scene.run_dir().join("audit.jsonl")).unwrap();
    scene.refused(73, "audit.jsonl has another name elsewhere");
    scene.is_unharmed();
    // Not even while it is empty, when there is nothing to tell that it is no log.
    let scene = Scene::new();
    let empty = scene.stage.home.path().join("empty");
    fs::write(&empty, "").unwrap();
    fs::hard_link(&empty, scene.run_dir().join("audit.jsonl")).unwrap();
    scene.refused(73, "audit.jsonl has another name elsewhere");
    assert_eq!(fs::read(&empty).unwrap(), b"");
}

#[test]
fn a_second_name_of_somebody_s_file_is_a_lock_that_is_not_written() {
    let scene = Scene::new();
    fs::hard_link(&scene.victim, scene.run_dir().join("run.lock")).unwrap();
    scene.replaced();
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_pipe_or_a_folder_in_place_of_a_file_is_refused_at_once() {
    for name in ["audit.jsonl", "run.lock"] {
        let scene = Scene::new();
        let dir = scene.run_dir();
        pipe(&dir.join(name));
        scene.refused(73, &format!("{name} is not a regular file"));
        // Whoever only looks does not wait either.
        fs::remove_file(dir.join(name)).unwrap();
        fs::create_dir(dir.join(name)).unwrap();
        scene.refused(73, "");
        // A pipe cannot be searched for secrets.
        fs::remove_dir(dir.join(name)).unwrap();
    }
    let scene = Scene::new();
    let runs = scene.stage.home.path().join("users.runs/20261122T093138.123Z-3fa9");
    fs::create_dir_all(&runs).unwrap();
    pipe(&runs.join("audit.jsonl"));
    let program = Program::new(["run", scene.stage.input().to_str().unwrap()]);
    let mut running = scene.stage.with_env(program).start();
    ends(&mut running);
    scene.stage.wait(running).expect(73);
    fs::remove_file(runs.join("audit.jsonl")).unwrap();
}

#[test]
fn the_lock_that_all_users_share_follows_no_link_and_waits_at_no_pipe() {
    let scene = Scene::new();
    let sandbox = &scene.stage.sandbox.0;
    let pair = format!("{}\n{}", sandbox.scim_url(), sandbox.client_id());
    let name = format!("scim-rekey-{}.lock", &crate::support::sha256_hex(pair.as_bytes())[..16]);
    let lock = Path::new("/tmp").join(&name);
    symlink(&scene.victim, &lock).unwrap();
    scene.refused(73, &format!("{name} is a symbolic link"));
    scene.is_unharmed();
    fs::remove_file(&lock).unwrap();
    pipe(&lock);
    scene.refused(73, &format!("{name} is not a regular file"));
    fs::remove_file(&lock).unwrap();
    // A second name of somebody's file can be locked, and is not written.
    fs::hard_link(&scene.victim, &lock).unwrap();
    scene.replaced();
    assert!(!lock.exists());
}

#[test]
fn a_folder_that_is_a_link_of_ours_is_where_we_want_it() {
    let scene = Scene::new();
    let elsewhere = scene.stage.home.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::copy(&scene.victim, elsewhere.join("other")).unwrap();
    symlink(&elsewhere, scene.stage.run_dir()).unwrap();
    scene.replaced();
    assert_eq!(fs::read_to_string(elsewhere.join("other")).unwrap(), PRECIOUS);
    let runs = scene.stage.home.path().join("users.runs");
    symlink(&elsewhere, &runs).unwrap();
    let program = Program::new(["run", scene.stage.input().to_str().unwrap(), "--rate", "unlimited"]);
    scene.stage.finish(scene.stage.with_env(program)).expect(0);
    assert_eq!(fs::read_to_string(elsewhere.join("other")).unwrap(), PRECIOUS);
    // A link that leads to no folder makes none.
    fs::remove_file(scene.stage.run_dir()).unwrap();
    symlink(scene.stage.home.path().join("nowhere"), scene.stage.run_dir()).unwrap();
    scene.stage.run().expect(73);
    assert!(!scene.stage.home.path().join("nowhere").exists());
}

#[test]
fn report_and_retry_follow_no_link_either() {
    let scene = Scene::new();
    scene.stage.run().expect(0);
    let dir = scene.stage.run_dir();
    for name in ["outcome.csv", "summary.json", "run.lock"] {
        let planted = dir.join(name);
        let _ = fs::remove_file(&planted);
        symlink(&scene.victim, &planted).unwrap();
        let code = if name == "run.lock" { 73 } else { 0 };
        scene.stage.finish(Program::new(["report", dir.to_str().unwrap()])).expect(code);
        scene.is_unharmed();
    }
    fs::remove_file(dir.join("run.lock")).unwrap();
    let planted = scene.stage.home.path().join("retried");
    fs::create_dir(&planted).unwrap();
    symlink(&scene.victim, planted.join("audit.jsonl")).unwrap();
    let input = scene.stage.input();
    let args = ["run", input.to_str().unwrap(), "--run-dir", planted.to_str().unwrap()];
    scene.stage.finish(scene.stage.with_env(Program::new(args))).expect(73);
    scene.is_unharmed();
}
