//! The judge of these tests is judged: it says nothing of a good run, and objects to every lie.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use scim_rekey::sandbox::Truth;

use crate::support::{Judge, Person, Stage, faults, sha256_hex};

/// A run with an outcome of every kind that matters, and its truth.
fn judged_run() -> (Stage, Truth) {
    let mut people = Person::many(6);
    people.push(Person::new("missing@example.com"));
    let stage = Stage::new(people, faults(""));
    stage.run().expect(3);
    let truth = stage.truth();
    (stage, truth)
}

/// Writes another log whose chain is right.
fn forge(log: &Path, alter: impl Fn(&str) -> Option<String>) {
    let text = fs::read_to_string(log).unwrap();
    let (mut forged, mut prev) = (String::new(), "0".repeat(64));
    for (place, line) in text.lines().filter_map(alter).enumerate() {
        let (sealed, _) = line.rsplit_once(",\"prev\":").unwrap();
        let (_, rest) = sealed.split_once(",\"ts\":").unwrap();
        let sealed = format!("{{\"v\":1,\"seq\":{},\"ts\":{rest},\"prev\":\"{prev}\"", place + 1);
        prev = sha256_hex(sealed.as_bytes());
        writeln!(forged, "{sealed},\"hash\":\"{prev}\"}}").unwrap();
    }
    fs::write(log, forged).unwrap();
}

/// Replaces the first of some words in a file.
fn reword(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{} holds {from}", file.display());
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

type Lie = fn(&Path, &mut Truth);

/// Each lie, and what the judge must say of it.
const LIES: [(&str, Lie); 16] = [
    ("not what was hashed", |dir, _| reword(&dir.join("audit.jsonl"), "\"ts\":\"2", "\"ts\":\"3")),
    ("does not follow", |dir, _| {
        let log = dir.join("audit.jsonl");
        let text = fs::read_to_string(&log).unwrap();
        fs::write(&log, text.split_inclusive('\n').skip(1).collect::<String>()).unwrap();
    }),
    ("torn line", |dir, _| {
        let log = dir.join("audit.jsonl");
        fs::write(&log, fs::read(&log).unwrap().split_last().unwrap().1).unwrap();
    }),
    ("0 declared", |dir, _| {
        forge(&dir.join("audit.jsonl"), |line| {
            (!line.contains("\"kind\":\"intent\"")).then(|| line.to_owned())
        });
    }),
    ("lost", |dir, _| {
        let file = dir.join("outcome.csv");
        let text = fs::read_to_string(&file).unwrap();
        let kept = text.split_inclusive('\n').filter(|line| !line.starts_with("4,")).collect::<String>();
        fs::write(&file, kept).unwrap();
    }),
    ("[] lost, ['4'] doubled", |dir, _| {
        let file = dir.join("outcome.csv");
        let text = fs::read_to_string(&file).unwrap();
        let line = text.split_inclusive('\n').find(|line| line.starts_with("4,")).unwrap();
        fs::write(&file, text.replacen(line, &line.repeat(2), 1)).unwrap();
    }),
    ("[] lost, [] doubled", |dir, _| {
        let file = dir.join("outcome.csv");
        let text = fs::read_to_string(&file).unwrap();
        let mut lines: Vec<_> = text.split_inclusive('\n').collect();
        lines.swap(2, 3);
        fs::write(&file, lines.concat()).unwrap();
    }),
    ("another user's", |dir, _| reword(&dir.join("outcome.csv"), "user1@", "user2@")),
    ("but the log says", |dir, _| reword(&dir.join("outcome.csv"), ",updated,,", ",failed,rejected,")),
    ("failed, but applied", |dir, _| {
        forge(&dir.join("audit.jsonl"), |line| {
            Some(line.replace(
                "\"outcome\":\"updated\",\"reason\":\"\"",
                "\"outcome\":\"failed\",\"reason\":\"conflict\"",
            ))
        });
        let file = dir.join("outcome.csv");
        fs::write(&file, fs::read_to_string(&file).unwrap().replace(",updated,,", ",failed,conflict,"))
            .unwrap();
    }),
    ("updated, but not applied", |_, truth| _ = truth.applied.pop()),
    ("not as asked", |_, truth| truth.applied[2].password = Some("another".to_owned())),
    ("not as asked", |_, truth| truth.applied[2].mfa = None),
    ("is in no row", |_, truth| truth.applied[2].user_name = "stranger@example.com".into()),
    ("summary.json counts", |dir, _| reword(&dir.join("summary.json"), "\"updated\": 6", "\"updated\": 7")),
    ("cannot be judged", |dir, _| fs::remove_file(dir.join("summary.json")).unwrap()),
];

#[test]
#[ignore = "needs python3"]
fn the_judge_objects_to_every_lie() {
    let judge = Judge::new();
    let (stage, truth) = judged_run();
    let good = stage.run_dir();
    let said =
        |dir: &Path, truth: &Truth, patches| judge.violations(&stage.input(), dir, truth, Some(patches));
    assert_eq!(said(&good, &truth, 6), Vec::<String>::new());
    assert!(said(&good, &truth, 5).concat().contains("6 changes sent, at most 5 allowed"));
    for (place, (words, lie)) in LIES.into_iter().enumerate() {
        let (dir, mut lied) = (stage.home.path().join(format!("lie{place}")), truth.clone());
        fs::create_dir(&dir).unwrap();
        for name in ["audit.jsonl", "outcome.csv", "summary.json"] {
            fs::copy(good.join(name), dir.join(name)).unwrap();
        }
        lie(&dir, &mut lied);
        let wrong = said(&dir, &lied, 6);
        assert!(
            wrong.iter().any(|wrong| wrong.contains(words)),
            "lie {place}: {words:?} is not in {wrong:#?}"
        );
    }
    println!("{} lies, all noticed", LIES.len() + 1);
}
