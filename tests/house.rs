//! Imports go down only: what the map in `src/lib.rs` says of the house is true.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::rust_files;

/// Each room, and the rooms that it may import from.
const FLOORS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("files", &[]),
    ("failpoint", &[]),
    ("figures", &[]),
    ("sandbox", &[]),
    ("input", &["domain"]),
    ("audit", &["domain", "failpoint", "figures", "files"]),
    ("scim", &["domain", "failpoint", "figures"]),
    ("notices", &["domain", "files"]),
    ("service", &["domain", "files"]),
    ("stops", &["domain"]),
    ("views", &["domain", "failpoint", "files"]),
    ("handover", &["domain", "failpoint", "files"]),
    ("passwords", &["domain"]),
    ("plan", &["domain"]),
    ("fuzz", &["domain", "figures", "input", "audit", "scim"]),
    ("bench", &["domain", "audit", "input", "scim"]),
    ("folder", &["domain", "audit", "files"]),
    ("record", &["domain", "audit", "failpoint", "views", "folder", "handover"]),
    (
        "engine",
        &[
            "domain",
            "audit",
            "failpoint",
            "input",
            "notices",
            "passwords",
            "plan",
            "record",
            "scim",
            "stops",
            "views",
        ],
    ),
    ("reception", &["domain", "audit", "engine", "files", "scim", "service"]),
    ("cli", &["domain"]),
    ("config", &["domain", "cli", "files", "notices", "scim"]),
    (
        "commands",
        &[
            "domain",
            "audit",
            "cli",
            "config",
            "engine",
            "failpoint",
            "files",
            "folder",
            "handover",
            "input",
            "notices",
            "passwords",
            "plan",
            "record",
            "sandbox",
            "reception",
            "scim",
            "service",
            "stops",
            "views",
        ],
    ),
    ("simulation", &["domain", "figures", "cli", "commands", "config", "sandbox", "scim", "stops"]),
];

/// The room that a file is part of: the first name below `src`.
fn room(file: &Path, src: &Path) -> String {
    let first = file.strip_prefix(src).unwrap().components().next().unwrap();
    first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

#[test]
fn no_import_goes_up() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut imports = 0;
    for file in rust_files(&src) {
        let room = room(&file, &src);
        if room == "lib" || room == "main" {
            continue;
        }
        let (_, allowed) =
            FLOORS.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("{room} is on no floor"));
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            for import in line.split("crate::").skip(1) {
                let name: String =
                    import.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let comment = line.trim_start().starts_with("//");
                assert!(
                    comment || name == room || allowed.contains(&name.as_str()),
                    "{}:{}: {room} imports {name}",
                    file.display(),
                    number + 1
                );
                imports += usize::from(!comment);
            }
        }
    }
    assert!(imports > 100, "the search finds imports: {imports}");
}

#[test]
fn nothing_is_printed_below_the_commands() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    // The yard is no part of the program.
    for file in rust_files(&src).into_iter().filter(|file| room(file, &src) != "fuzz") {
        let text = fs::read_to_string(&file).unwrap();
        let printing =
            ["println!", "eprintln!", "print!(", "dbg!"].into_iter().find(|word| text.contains(word));
        assert_eq!(printing, None, "{}", file.display());
    }
}

fn text(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// The fuzzers have a lock file of their own. Where it falls behind: copy Cargo.lock over it, then run
/// `cargo metadata --manifest-path tests/fuzz/Cargo.toml`.
#[test]
fn what_is_fuzzed_is_built_from_what_the_program_is_built_from() {
    let versions = |lock: &str| -> BTreeSet<String> {
        let packages = lock.split("[[package]]\n").skip(1);
        packages.map(|package| package.lines().take(2).collect::<Vec<_>>().join(" ")).collect()
    };
    let (program, fuzzers) = (text("Cargo.lock"), text("tests/fuzz/Cargo.lock"));
    let own = ["arbitrary", "jobserver", "libfuzzer-sys", "scim-rekey-fuzz"];
    let is_own = |package: &String| own.iter().any(|name| package.contains(&format!("\"{name}\"")));
    let others = versions(&fuzzers).difference(&versions(&program)).cloned().collect::<Vec<_>>();
    assert_eq!(others.into_iter().filter(|package| !is_own(package)).collect::<Vec<_>>(), [""; 0]);

    let manifest = text("Cargo.toml");
    let needed = manifest.split("\n[").find_map(|part| part.strip_prefix("dependencies]\n")).unwrap();
    let needed: Vec<_> =
        needed.lines().filter_map(|line| line.split_once(" =")).map(|(name, _)| name).collect();
    assert!(needed.len() > 20, "{needed:?}");
    let known =
        fuzzers.split("[[package]]\n").find(|package| package.starts_with("name = \"scim-rekey\"")).unwrap();
    let missing = needed.iter().find(|name| !known.contains(&format!("\"{name}")));
    assert_eq!(missing, None, "in tests/fuzz/Cargo.lock");
}

/// The oldest Rust that is promised takes every dependency. That our own code keeps to it is for clippy
/// (`incompatible_msrv`, which reads the same line) and for a build with that Rust.
#[test]
fn no_dependency_needs_a_newer_rust_than_is_promised() {
    let args = ["metadata", "--format-version", "1", "--locked", "--offline"];
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let done = Command::new(env!("CARGO")).args(args).arg("--manifest-path").arg(manifest).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let metadata: Value = serde_json::from_slice(&done.stdout).unwrap();
    let minor = |package: &Value| {
        let version = package["rust_version"].as_str()?;
        Some(version.split('.').nth(1)?.parse::<u32>().unwrap())
    };
    let packages = metadata["packages"].as_array().unwrap();
    let name = |package: &Value| package["name"].as_str().unwrap().to_owned();
    let promised = packages.iter().find(|package| name(package) == "scim-rekey").and_then(minor).unwrap();
    let needing: Vec<_> =
        packages.iter().filter_map(|package| Some((name(package), minor(package)?))).collect();
    assert!(needing.len() > 100, "{needing:?}");
    assert_eq!(needing.iter().find(|(_, needed)| *needed > promised), None, "promised: 1.{promised}");
}
