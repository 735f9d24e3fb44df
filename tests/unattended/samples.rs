//! The command lines of `samples/`, as they stand there: no flag in a sample can go stale.
//!
//! Paths lead into the test's folder, the service is the sandbox, and nobody waits for a jitter.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use crate::support::{Finished, Program, Stage};

fn sample(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)).unwrap()
}

/// What a sample starts: the words after the program's name, and the environment.
struct Started {
    words: Vec<String>,
    environment: Vec<(String, String)>,
}

const PROGRAM: &str = "/usr/local/bin/scim-rekey ";

fn variable(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once('=')?;
    let plain = |b: u8| b.is_ascii_uppercase() || b == b'_';
    name.bytes().all(plain).then(|| (name.to_owned(), value.to_owned()))
}

fn words(command: &str) -> Vec<String> {
    command.split_whitespace().map(str::to_owned).collect()
}

/// Each command of the crontab, as cron hands it to a shell.
fn of_crontab() -> Vec<Started> {
    let text = sample("crontab");
    let lines = || text.lines().filter(|line| !line.starts_with('#'));
    let commands = lines().filter_map(|line| line.split_once(PROGRAM));
    commands
        .map(|(_, command)| {
            assert!(!command.replace(r"\%", "").contains('%'), "cron would cut it there: {command}");
            Started {
                words: words(&command.replace(r"\%", "%")),
                environment: lines().filter_map(variable).collect(),
            }
        })
        .collect()
}

fn of_service(home: &Path) -> Started {
    let text = sample("systemd/scim-rekey.service").replace("\\\n", " ");
    let command =
        text.lines().find_map(|line| line.strip_prefix("ExecStart=")?.strip_prefix(PROGRAM)).unwrap();
    assert!(!command.replace("%%", "").contains('%'), "systemd would expand it: {command}");
    let credentials = home.display().to_string();
    let command = command.replace("%%", "%").replace("${CREDENTIALS_DIRECTORY}", &credentials);
    let environment = text.lines().filter_map(|line| line.strip_prefix("Environment=")).filter_map(variable);
    Started { words: words(&command), environment: environment.collect() }
}

/// The items below `args:`, and the names and values below `env:`. Both lists hold plain words.
fn of_manifest(name: &str) -> Started {
    let text = sample(name);
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.starts_with('#')).collect();
    let below = |key: &'static str| lines.iter().skip_while(move |line| **line != key).skip(1);
    let item = |line: &&str| line.strip_prefix("- ").map(|word| word.trim_matches('"').to_owned());
    let args = below("args:").map_while(item).collect();
    let pairs: Vec<_> = below("env:").copied().take_while(|line| !line.ends_with(':')).collect();
    let pairs = pairs.chunks(2).map(|pair| {
        let name = pair[0].strip_prefix("- name: ").unwrap();
        (name.to_owned(), pair[1].strip_prefix("value: ").unwrap().to_owned())
    });
    Started { words: args, environment: pairs.collect() }
}

/// So much is not as on the machine that the sample is for.
fn here(word: &str, before: Option<&String>, home: &Path) -> String {
    let hour = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() / 3600;
    match before.map(String::as_str) {
        Some("--start-jitter") => return "1ms".to_owned(),
        Some("--deadline") => return format!("{:02}:00", (hour + 3) % 24),
        _ => {}
    }
    let folders = ["/srv/scim-rekey", "/var/lib/scim-rekey", "/run/secrets/scim-rekey", "/work"];
    let folders = folders.into_iter().chain(["/var/lib/prometheus/node-exporter"]);
    let home = home.display().to_string();
    let word = folders.fold(word.to_owned(), |word, folder| {
        word.strip_prefix(folder).map(|rest| format!("{home}{rest}")).unwrap_or(word)
    });
    if word.ends_with("/client-secret") { format!("{home}/secret") } else { word }
}

#[track_caller]
fn runs(stage: &Stage, started: &Started) -> Finished {
    let home = stage.home.path();
    let before = std::iter::once(None).chain(started.words.iter().map(Some));
    let args: Vec<_> =
        started.words.iter().zip(before).map(|(word, before)| here(word, before, home)).collect();
    assert!(args.len() > 5 && args[0] == "run", "{args:?}");
    let names: Vec<_> = started.environment.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"GENESYS_CLIENT_ID") && names.contains(&"GENESYS_REGION"), "{names:?}");
    let program = started
        .environment
        .iter()
        .fold(Program::new(args), |program, (name, value)| program.env(name, value));
    let program = stage.with_env(program).without_env("GENESYS_CLIENT_SECRET").without_env("RUST_LOG");
    let program = program.env("TZ", "UTC").env("JOB_COMPLETION_INDEX", "0").args(["--rate", "unlimited"]);
    let done = stage.finish(program).expect(0);
    assert_eq!(done.stderr, "");
    done
}

fn stage() -> Stage {
    use std::os::unix::fs::PermissionsExt as _;
    let stage = Stage::plain(4);
    let secret = stage.home.path().join("secret");
    fs::write(&secret, format!("{}\n", stage.sandbox.0.client_secret())).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    stage
}

fn has_told(stage: &Stage) {
    let summary = fs::read_to_string(stage.home.path().join("last.json")).unwrap();
    assert!(summary.contains("\"updated\": 4"), "{summary}");
    let metrics = fs::read_to_string(stage.home.path().join("scim-rekey.prom")).unwrap();
    assert!(metrics.contains("scim_rekey_exit_code{name=\"scim-rekey\"} 0"), "{metrics}");
    assert_eq!(stage.truth().patch_requests, 4);
}

#[test]
fn the_lines_of_the_crontab_run() {
    let stage = stage();
    let started = of_crontab();
    assert_eq!(started.len(), 2);
    for line in &started {
        runs(&stage, line);
        has_told(&stage);
    }
}

#[test]
fn the_service_of_systemd_runs() {
    let stage = stage();
    runs(&stage, &of_service(stage.home.path()));
    has_told(&stage);
}

#[test]
fn the_jobs_of_kubernetes_run() {
    for (name, is_part) in [("kubernetes/cronjob.yaml", false), ("kubernetes/indexed-job.yaml", true)] {
        let stage = stage();
        let done = runs(&stage, &of_manifest(name));
        let summary: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        let rows = summary["outcomes"]["updated"].as_u64().unwrap();
        assert_eq!((rows < 4, rows), (is_part, stage.truth().patch_requests), "{name}");
    }
}

/// A job of so many pods divides by the same number.
#[test]
fn the_indexed_job_has_as_many_pods_as_shards() {
    let text = sample("kubernetes/indexed-job.yaml");
    let number = |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key)).unwrap().to_owned();
    assert_eq!(number("completions: "), number("- auto/"));
    assert_eq!(number("parallelism: "), number("- auto/"));
}
