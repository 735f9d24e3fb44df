//! What others on the machine can see of a running program: its command line, its environment, its
//! memory.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Canary, Person, Program, Running, Search, Stage, faults, until};

/// Look-ups wait, so that the run stands still with everything in memory.
const GATE: &str = r#"{"on":"lookup","skip":2,"times":null,"do":{"status":429,"retry_after":"1"}}"#;

fn standing_still(program: impl FnOnce(&Stage) -> Program) -> (Stage, Running) {
    let stage = Stage::new(Person::many(5), faults(GATE));
    let running = program(&stage).start();
    until("it waits at the gate", || stage.truth().statuses.contains_key(&429));
    (stage, running)
}

fn released(stage: &Stage, running: Running) {
    stage.sandbox.0.set_faults(Vec::new());
    stage.wait(running).expect(0);
    stage.check_truth();
}

fn of_process(running: &Running, file: &str) -> Vec<u8> {
    fs::read(format!("/proc/{}/{file}", running.pid())).unwrap()
}

/// Every secret of a stage.
fn secrets(stage: &Stage) -> Search {
    let of_people = stage.people.iter().flat_map(|person| [person.password.clone(), person.phone.clone()]);
    let tokens = stage.sandbox.0.issued_tokens().into_iter().map(Canary);
    let secret = Canary(stage.sandbox.0.client_secret().to_owned());
    Search::new(of_people.chain(tokens).chain([secret]))
}

#[test]
fn a_secret_from_a_file_is_neither_in_the_command_line_nor_in_the_environment() {
    let (stage, running) = standing_still(|stage| {
        let path = stage.home.path().join("secret");
        fs::write(&path, stage.sandbox.0.client_secret()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let program = stage.program().args(["--max-attempts", "99"]).without_env("GENESYS_CLIENT_SECRET");
        program.arg("--client-secret-file").arg(path)
    });
    let (line, environment) = (of_process(&running, "cmdline"), of_process(&running, "environ"));
    assert!(line.starts_with(b"/") && environment.windows(17).any(|name| name == b"GENESYS_CLIENT_ID"));
    let found = [secrets(&stage).text("cmdline", &line), secrets(&stage).text("environ", &environment)];
    assert_eq!(found.concat(), Vec::<String>::new());
    released(&stage, running);
}

#[test]
fn a_secret_from_the_environment_stays_there() {
    let (stage, running) = standing_still(|stage| stage.program().args(["--max-attempts", "99"]));
    let environment = secrets(&stage).text("environ", &of_process(&running, "environ"));
    assert_eq!(environment.len(), 1, "where the operator put it: {environment:?}");
    let line = of_process(&running, "cmdline");
    assert_eq!(secrets(&stage).text("cmdline", &line), Vec::<String>::new());
    released(&stage, running);
}

/// A pipe that nobody writes to: whoever opens it stands still.
fn pipe(folder: &Path) -> PathBuf {
    let path = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

fn core_limit(pid: u32) -> String {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max core file size"));
    line.unwrap_or_default().split_whitespace().skip(4).take(2).collect::<Vec<_>>().join(" ")
}

/// Commands that read secrets, each standing still.
fn commands(stage: &Stage, pipe: &Path) -> Vec<Vec<String>> {
    let (pipe, dir) = (pipe.display().to_string(), stage.run_dir().display().to_string());
    let other = stage.home.path().join("other").display().to_string();
    stage.run().expect(3);
    vec![
        vec!["run".into(), pipe.clone(), "--run-dir".into(), other.clone()],
        vec!["check".into(), pipe.clone()],
        vec!["retry".into(), dir, pipe, "--run-dir".into(), other],
        vec!["sandbox".into()],
    ]
}

#[test]
fn no_command_leaves_a_core_file_however_it_is_killed() {
    let stage = Stage::new(vec![Person::new("missing@example.com")], faults(""));
    let (cwd, beside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let pipe = pipe(beside.path());
    let prelude = format!("cd '{}'; ulimit -c unlimited", cwd.path().display());
    let shell = Command::new("sh").arg("-c").arg(format!("{prelude}; kill -ABRT $$")).status().unwrap();
    for args in commands(&stage, &pipe) {
        for signal in ["ABRT", "SEGV"] {
            let mut running = stage.with_env(Program::below_shell(&prelude, &args)).start();
            until("core files are off", || core_limit(running.pid()) == "0 0");
            // The first SIGSEGV is taken by Rust's look-out for stack overflows, the next one is not.
            until("it dies", || {
                running.signal(signal);
                std::thread::sleep(std::time::Duration::from_millis(5));
                !running.is_alive()
            });
            let finished = running.wait();
            assert!(finished.status.signal().is_some(), "{args:?}: {finished:?}");
            assert!(!finished.status.core_dumped(), "{args:?} {signal}");
        }
    }
    // Where a shell leaves one under the same limits, none was left but the shell's.
    let left = fs::read_dir(cwd.path()).unwrap().count();
    assert!(left <= usize::from(shell.core_dumped()), "{left} files");
}

/// Starts this below the uid of nobody if we are root, since root may look at everything.
fn as_nobody(program: &Path, args: &[&str]) -> std::process::Child {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command
        .args(args)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn nobody_but_root_can_look_into_the_memory() {
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = home.path().join("scim-rekey");
    fs::copy(env!("CARGO_BIN_EXE_scim-rekey"), &program).unwrap();
    // The kernel gives what belongs to a process to root when it may not be looked into.
    let owner = |pid: u32| fs::metadata(format!("/proc/{pid}/environ")).map_or(u32::MAX, |facts| facts.uid());
    let mut other = as_nobody(Path::new("cat"), &[]);
    until("the other has become nobody", || owner(other.id()) != 0);
    let mut ours = as_nobody(&program, &["check", "-"]);
    until("nobody can look into it", || {
        assert!(ours.try_wait().unwrap().is_none(), "it waits for its input");
        core_limit(ours.id()) == "0 0" && owner(ours.id()) == 0
    });
    for child in [&mut other, &mut ours] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// The commands that a help text names, and the flags with the name of their value.
fn help(words: &[String]) -> (Vec<String>, Vec<(String, String)>) {
    let text = Program::new(words.iter().map(String::as_str).chain(["--help"])).run().expect(0).stdout;
    let list = text.split("Commands:\n").nth(1).unwrap_or_default();
    let names = list.lines().take_while(|line| line.starts_with("  "));
    let names =
        names.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    let flags = text.lines().filter_map(|line| {
        let (_, flag) =
            line.split_once("--").filter(|(before, _)| before.len() <= 6 && !before.contains("  -x"))?;
        let mut words = flag.split_whitespace();
        let name = words.next()?;
        // What is no value is the first word of what is said of a switch.
        let value = words.next().filter(|word| word.starts_with(['<', '['])).unwrap_or_default();
        Some((name.to_owned(), value.trim_end_matches("...").to_owned()))
    });
    (names.filter(|name| *name != "help").map(str::to_owned).collect(), flags.collect())
}

#[test]
fn no_flag_takes_a_secret() {
    let mut open = vec![Vec::new()];
    let (mut commands, mut seen) = (0, Vec::new());
    while let Some(words) = open.pop() {
        let (below, flags) = help(&words);
        commands += 1;
        open.extend(below.into_iter().map(|name| [words.clone(), vec![name]].concat()));
        seen.extend(flags);
    }
    assert!(
        commands >= 8 && seen.iter().any(|(name, _)| name == "client-secret-file"),
        "{commands} {seen:?}"
    );
    for (name, value) in seen {
        let about = ["secret", "password", "token", "key", "credential", "phone", "seal"];
        let harmless =
            ["<FILE>", "<URL>", "<SECONDS>", "<HOW>", "<RECIPIENT|FILE>", "<WHOSE>", "<ROUTE>", "<N>", ""];
        let is_about = about.iter().any(|word| name.contains(word));
        assert!(!is_about || harmless.contains(&value.as_str()), "--{name} {value}");
    }
}
