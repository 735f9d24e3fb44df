//! What README.md shows is what the program does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Program, Stage, faults, rust_files};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The fenced block that begins with this line.
fn block(first: &str) -> String {
    let readme = readme();
    let (_, rest) =
        readme.split_once(&format!("```text\n{first}\n")).unwrap_or_else(|| panic!("no block {first}"));
    rest.split_once("\n```").unwrap().0.to_owned()
}

#[test]
fn the_help_is_what_the_program_prints() {
    for (first, args) in
        [("$ scim-rekey --help", &["--help"][..]), ("$ scim-rekey run --help", &["run", "--help"])]
    {
        let printed = Program::new(args).run().expect(0).stdout;
        assert_eq!(block(first).trim_end(), printed.trim_end(), "{first}");
    }
}

#[test]
fn the_first_command_does_the_whole_job() {
    let readme = readme();
    let first = readme.split_once("```sh\n").unwrap().1;
    let mut lines = first.lines();
    assert_eq!(lines.next(), Some("cargo run --release -- run samples/users.csv --sandbox"));
    assert_eq!(lines.next(), Some("cargo test"));

    let home = tempfile::tempdir().unwrap();
    let input = home.path().join("users.csv");
    fs::copy(root().join("samples/users.csv"), &input).unwrap();
    let program = Program::new(["run", input.to_str().unwrap(), "--sandbox", "--rate", "200/s"]);
    let done = program.run().expect(3);
    assert!(done.last_line().contains("20 updated, 2 skipped, 1 failed of 23 rows"), "{}", done.stderr);
    let folder = fs::read_dir(home.path().join("users.runs")).unwrap().next().unwrap().unwrap().path();
    assert!(done.last_line().contains(folder.to_str().unwrap()), "it says where the files are");
    for name in ["audit.jsonl", "outcome.csv", "summary.json"] {
        assert!(folder.join(name).is_file(), "{name}");
    }
    let summary: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("summary.json")).unwrap()).unwrap();
    assert!(summary["throttled"].as_u64().unwrap() >= 2, "a few 429s on the way: {summary}");
}

#[test]
fn every_guarantee_names_a_test_that_exists() {
    let readme = readme();
    let section = readme.split_once("## What is guaranteed").unwrap().1.split_once("\n## ").unwrap().0;
    let mut named = 0;
    let is_test = |word: &&str| word.contains(".rs") || word.ends_with('/') || word.starts_with("src/");
    for name in section.split('`').filter(is_test) {
        assert!(root().join("tests").join(name).exists() || root().join(name).exists(), "{name}");
        named += 1;
    }
    assert!(named >= 12, "{named}");
}

#[test]
fn exit_codes_of_the_help_are_in_the_table() {
    let help = Program::new(["--help"]).run().expect(0).stdout;
    let readme = readme();
    let table = readme.split_once("### Exit codes").unwrap().1.split_once("\n## ").unwrap().0;
    let listed = help.split_once("Exit codes:").unwrap().1;
    let codes: Vec<_> = listed
        .split_whitespace()
        .map(|word| word.trim_end_matches(','))
        .filter(|word| word.parse::<u8>().is_ok())
        .collect();
    assert!(codes.len() >= 15, "{codes:?}");
    for code in codes {
        assert!(
            table
                .lines()
                .any(|line| line.starts_with('|') && line.split(['|', ',', ' ']).any(|cell| cell == code)),
            "{code}"
        );
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let reasons = fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let section = manifest.split_once("[dependencies]").unwrap().1.split_once("\n[").unwrap().0;
    let tests = manifest.split_once("[dev-dependencies]").unwrap().1.split_once("\n[").unwrap().0;
    for line in section.lines().chain(tests.lines()).filter(|line| line.contains('=')) {
        let name = line.split_whitespace().next().unwrap();
        assert!(reasons.contains(name), "{name}");
    }
}

#[test]
fn each_sample_works() {
    let sample = |name: &str| root().join("samples").join(name);
    Program::new([Path::new("check"), &sample("users.csv")]).run().expect(0);

    let script = fs::read_to_string(sample("faults.json")).unwrap();
    let script = scim_rekey::sandbox::parse_script(&script).unwrap();
    let stage = Stage::new(Vec::new(), scim_rekey::sandbox::Options { faults: script, ..faults("") });
    fs::copy(sample("users.csv"), stage.input()).unwrap();
    let list = sample("protect.txt");
    let done = stage.finish(stage.program().arg("--protect").arg(&list)).expect(3);
    assert!(done.last_line().contains("19 updated, 3 skipped, 1 failed"), "{}", done.stderr);

    let mut names: Vec<_> = fs::read_dir(root().join("samples"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.retain(|name| Path::new(name).extension().is_none_or(|end| end != "runs"));
    names.sort();
    // Each is tried above; those of notices by `every_sample_can_be_used`.
    assert_eq!(names, ["faults.json", "notices", "protect.txt", "users.csv"]);
}

#[test]
fn the_sandbox_prints_what_a_run_needs() {
    let home = tempfile::tempdir().unwrap();
    let input = home.path().join("users.csv");
    fs::copy(root().join("samples/users.csv"), &input).unwrap();
    let script = r#"
        "$0" sandbox > env & pid=$!
        while ! grep -q truth env 2>/dev/null; do :; done
        set -a; . ./env; set +a
        "$0" run users.csv --rate unlimited; code=$?
        kill $pid
        exit $code"#;
    let status = Command::new("timeout")
        .args(["60", "sh", "-c", script, env!("CARGO_BIN_EXE_scim-rekey")])
        .current_dir(home.path())
        .output()
        .unwrap();
    assert_eq!(status.status.code(), Some(3), "{}", String::from_utf8_lossy(&status.stderr));
    let printed = String::from_utf8_lossy(&status.stderr).into_owned();
    assert!(printed.contains("20 updated"), "{printed}");
}

/// A filter of a test command, as it stands in the table, and the names it is made of.
fn filters(table: &str) -> Vec<String> {
    let commands = table.split('`').skip(1).step_by(2);
    let filter = |command: &str| {
        let ours = command.starts_with("T ") || command.starts_with("I ") || command.contains("cargo test");
        let mut words =
            command.split_whitespace().filter(|word| !word.starts_with('-') && !word.contains('='));
        let last = words.next_back().filter(|last| !["test", "promises"].contains(last))?;
        ours.then(|| last.to_owned())
    };
    commands.filter_map(filter).collect()
}

#[test]
fn every_figure_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let named = |path: &Path| format!("mod {}; mod {};", name(path), name(path.parent().unwrap()));
    let text = |path: &Path| format!("{}\n{}\n", named(path), fs::read_to_string(path).unwrap());
    let files = ["src", "tests"].into_iter().flat_map(|place| rust_files(&root.join(place)));
    let sources: String = files.map(|path| text(&path)).collect();
    let filters = filters(&fs::read_to_string(root.join("docs/reliability.md")).unwrap());
    assert!(filters.len() > 40, "{filters:?}");
    for filter in filters {
        for name in filter.split("::").filter(|name| !name.is_empty()) {
            let found =
                [format!("fn {name}"), format!("mod {name};")].iter().any(|text| sources.contains(text));
            assert!(found, "docs/reliability.md names {filter}, and there is no {name}");
        }
    }
}
