//! Completions and manual pages: taken by the shells and readers that they are for.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::Program;

fn completions(shell: &str) -> String {
    Program::new(["completions", shell]).run().expect(0).stdout
}

/// Runs a script of this shell, which must not complain.
#[track_caller]
fn takes(shell: &str, args: &[&str], script: &str) -> String {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("script");
    fs::write(&file, script).unwrap();
    let done = Command::new(shell).args(args).arg(&file).output().unwrap();
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && stderr.is_empty(), "{shell}: {stderr}");
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn bash_completes_flags_and_commands() {
    let complete = |words: &str| {
        let ask = format!(
            "\nCOMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); COMPREPLY=(); \
             _scim__rekey scim-rekey \"${{COMP_WORDS[COMP_CWORD]}}\" x; echo \"${{COMPREPLY[@]}}\""
        );
        takes("bash", &[], &(completions("bash") + &ask)).trim().to_owned()
    };
    assert_eq!(complete("scim-rekey run --client-s"), "--client-secret-file");
    assert_eq!(complete("scim-rekey comp"), "completions");
    assert_eq!(complete("scim-rekey config sh"), "show");
}

#[test]
#[ignore = "needs zsh and fish"]
fn zsh_and_fish_take_their_completions() {
    takes("zsh", &["-n"], &completions("zsh"));
    let ask = "\ncomplete --do-complete 'scim-rekey run --client-s'";
    let found = takes("fish", &["--no-config"], &(completions("fish") + ask));
    assert!(found.starts_with("--client-secret-file"), "{found}");
}

#[test]
fn every_shell_is_told_of_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = completions(shell);
        for word in ["retry", "unseal", "seal-to", "max-outage"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

/// A reader who leaves early is no error, and nobody is told of one.
#[test]
fn a_closed_pipe_is_no_error() {
    for args in [&["completions", "zsh"][..], &["man"], &["config", "show"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_scim-rekey"))
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn every_command_has_a_page_and_the_main_one_names_the_exit_codes() {
    let home = tempfile::tempdir().unwrap();
    Program::new(["man", "--output"]).arg(home.path()).run().expect(0);
    let main = fs::read_to_string(home.path().join("scim-rekey.1")).unwrap();
    assert_eq!(Program::new(["man"]).run().expect(0).stdout, main);
    let codes = main.split_once(".SH \"EXIT STATUS\"").unwrap().1;
    assert!(codes.contains("75 try later"), "{codes}");
    let commands = main.lines().filter_map(|line| line.strip_suffix("(1)"));
    let commands: Vec<_> = commands.map(|name| name.replace('\\', "")).collect();
    assert!(commands.len() > 8, "{commands:?}");
    for command in commands {
        let page = fs::read_to_string(home.path().join(format!("{command}.1"))).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        let title = format!(".TH \"{command}\" 1 \"\" \"scim-rekey {version}\" \"User Commands\"\n");
        assert!(page.starts_with(&title), "{page}");
    }
    let page = fs::read_to_string(home.path().join("scim-rekey-run.1")).unwrap();
    assert!(page.contains(r"\-\-client\-secret\-file"), "{page}");
    Program::new(["man", "--output", "/dev/null/x"]).run().expect(73);
}

#[test]
#[ignore = "needs mandoc"]
fn mandoc_finds_no_fault_in_a_page() {
    let home = tempfile::tempdir().unwrap();
    Program::new(["man", "--output"]).arg(home.path()).run().expect(0);
    let mut pages = 0;
    for page in fs::read_dir(home.path()).unwrap() {
        let path = page.unwrap().path();
        let done = Command::new("mandoc").args(["-T", "lint", "-W", "error"]).arg(&path).output().unwrap();
        assert!(done.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&done.stdout));
        let shown = shown(&path);
        assert!(shown.contains("NAME") && shown.contains("User Commands"), "{shown}");
        assert!(shown.trim_end().lines().last().unwrap().contains(env!("CARGO_PKG_VERSION")), "{shown}");
        pages += 1;
    }
    assert!(pages > 10, "{pages}");
}

#[test]
fn what_a_package_holds_is_there_or_made_by_the_script() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let assets = manifest["package"]["metadata"]["deb"]["assets"].as_array().unwrap().clone();
    let script = read(".ci/package");
    let mut made = 0;
    for source in assets.iter().map(|asset| asset[0].as_str().unwrap()) {
        let (folder, name) = source.rsplit_once('/').unwrap_or((".", source));
        if let Some(shared) = folder.strip_prefix("target/package/shared") {
            let place = if name.contains('*') {
                format!("$shared{shared}")
            } else {
                format!("$shared{shared}/{name}\"")
            };
            assert!(script.contains(&place), "{source}");
            made += 1;
        } else if !folder.starts_with("target/") {
            let end = name.rsplit('*').next().unwrap();
            let mut names = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
            assert!(names.any(|name| name.to_str().unwrap().ends_with(end)), "{source}");
        }
    }
    assert!(made == 4 && assets.len() > 8, "{assets:?}");
}

/// The page as a reader sees it.
fn shown(path: &Path) -> String {
    let done = Command::new("mandoc").args(["-T", "utf8"]).arg(path).output().unwrap();
    String::from_utf8(done.stdout).unwrap()
}
