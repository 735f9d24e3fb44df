//! What README.md shows is what the program does.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Program, Stage, faults, rust_files};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The page of commands with each block as the program prints it now. `SCIM_REKEY_WRITE=1` writes it.
#[test]
fn the_help_is_what_the_program_prints() {
    let path = root().join("docs/commands.md");
    let page = fs::read_to_string(&path).unwrap();
    let mut blocks = page.split("```text\n$ scim-rekey ");
    let mut renewed = blocks.next().unwrap().to_owned();
    let mut shown = Vec::new();
    for block in blocks {
        let (line, rest) = block.split_once('\n').unwrap();
        let after = rest.split_once("\n```").unwrap().1;
        let printed = Program::new(line.split_whitespace()).run().expect(0).stdout;
        let printed = printed.trim_end();
        renewed.extend(["```text\n$ scim-rekey ", line, "\n", printed, "\n```", after]);
        shown.push(line);
    }
    assert!(shown.len() >= 2 && shown.starts_with(&["--help", "run --help"]), "{shown:?}");
    if std::env::var_os("SCIM_REKEY_WRITE").is_some() {
        fs::write(&path, &renewed).unwrap();
        return;
    }
    assert_eq!(page, renewed);
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
    // Each is tried above or below; those of notices by `every_sample_can_be_used`, those of schedulers by
    // `unattended::samples` and `tests/samples/run`.
    let tried = [
        "Dockerfile",
        "Dockerfile.dockerignore",
        "attributes.csv",
        "config.toml",
        "crontab",
        "faults.json",
        "kubernetes",
        "notices",
        "protect.txt",
        "recipients.txt",
        "systemd",
        "users.csv",
    ];
    assert_eq!(names, tried);
}

/// A stage with the sample of a configuration and what it names, at the same places.
fn configured() -> (Stage, PathBuf) {
    let stage = Stage::new(Vec::new(), faults(""));
    let here = stage.home.path().join("samples");
    fs::create_dir_all(here.join("notices")).unwrap();
    for name in ["config.toml", "protect.txt", "recipients.txt", "notices/notice.txt"] {
        fs::copy(root().join("samples").join(name), here.join(name)).unwrap();
    }
    let config = here.join("config.toml");
    (stage, config)
}

#[test]
fn the_sample_of_a_configuration_is_one() {
    let (stage, config) = configured();
    let with_config = |program: Program| program.arg("--config").arg(&config);
    let attributes = root().join("samples/attributes.csv");
    let done = with_config(Program::new(["check"]).arg(&attributes)).run().expect(0);
    assert!(
        !done.stdout.contains("ignored") && !done.stdout.contains("no column is named"),
        "{}",
        done.stdout
    );

    // Mail leaves for a server that is not on this machine.
    fs::copy(root().join("samples/users.csv"), stage.input()).unwrap();
    let night = || with_config(stage.program()).args(["--profile", "night", "--no-notices"]);
    let done = stage.finish(night()).expect(3);
    // Without the profile's policy the password on line 7 is only warned of.
    assert!(done.last_line().contains("18 updated, 3 skipped, 2 failed"), "{}", done.stderr);
    assert_eq!((stage.truth().sessions_ended.len(), stage.outcome(7).as_str()), (18, "failed/invalid_row"));
    // The notices themselves are fit to be sent.
    let rehearsal = with_config(stage.with_env(Program::new(["run", "--dry-run"])).arg(stage.input()));
    stage.finish(rehearsal.args(["--rate", "unlimited"])).expect(3);

    let run_dir = stage.home.path().join("attributes");
    let run = stage.with_env(Program::new(["run", "--rate", "unlimited", "--no-notices"]).arg(&attributes));
    stage.finish(with_config(run).arg("--run-dir").arg(run_dir)).expect(0);
    let set = stage.truth().applied.into_iter().skip(18).map(|applied| applied.attributes);
    let set: Vec<_> = set.map(|attributes| attributes.len()).collect();
    assert_eq!(set.iter().sum::<usize>(), 4, "{set:?}");
}

#[test]
fn the_sample_seals_to_nobody_by_accident_and_lets_nobody_in_unseen() {
    let (stage, config) = configured();
    fs::write(stage.input(), "email\nann@example.com\n").unwrap();
    let generate =
        || stage.program().arg("--config").arg(&config).args(["--generate-passwords", "--no-notices"]);
    let done = stage.finish(generate()).expect(78);
    assert!(done.last_line().contains("0 recipients"), "{}", done.stderr);
    assert_eq!(stage.truth().requests.len(), 0);

    let recipients = config.with_file_name("recipients.txt");
    let public = age::x25519::Identity::generate().to_public();
    let text = format!("{}{public}\n", fs::read_to_string(&recipients).unwrap());
    fs::write(&recipients, text).unwrap();
    stage.finish(generate()).expect(0);
    assert_eq!(stage.outcome(2), "updated");

    // A service of any free port, and with a certificate beside it: its settings are read before it listens
    // to signals.
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.contains("127.0.0.1:8480\""));
    let tls = "127.0.0.1:0\"\ntls_certificate = \"loopback.pem\"\ntls_key = \"key.pem\"";
    fs::write(&config, text.replace("127.0.0.1:8480\"", tls)).unwrap();
    for name in ["loopback.pem", "key.pem"] {
        let copy = config.with_file_name(name);
        fs::copy(root().join("fixtures/tls").join(name), &copy).unwrap();
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let folder = stage.home.path().join("state");
    let serve = Program::new(["serve", "--sandbox", "--no-notices", "--state-dir"]).arg(folder);
    let mut running = serve.arg("--config").arg(&config).start();
    running.listens(15);
    running.signal("TERM");
    assert!([0, 143].contains(&stage.wait(running).code()));
}

#[test]
fn every_configuration_shown_is_one() {
    let pages = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|end| end == "md"));
    let pages: String = pages.map(|path| fs::read_to_string(path).unwrap()).collect();
    let blocks: Vec<_> =
        pages.split("```toml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    assert!(blocks.len() >= 3, "{blocks:?}");
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config.toml");
    for block in blocks {
        fs::write(&config, block).unwrap();
        let check = Program::new(["check"]).arg(root().join("samples/attributes.csv"));
        // Without the table that maps its columns, a row of this sample asks for nothing.
        let code = if block.contains("[[attributes]]") { 0 } else { 65 };
        check.arg("--config").arg(&config).run().expect(code);
    }
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
