//! What `report.html` says is what the log says; several runs are told as one, or refused.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Finished, Person, Program, Stage, ends, faults, outcomes_in, until};

fn page(dir: &Path) -> String {
    fs::read_to_string(dir.join("report.html")).unwrap().replace('\u{202f}', " ").replace("&#x2f;", "/")
}

/// The sentence at the top of the page.
#[track_caller]
fn verdict(dir: &Path) -> String {
    let page = page(dir);
    let (_, rest) = page.split_once("<h1>").unwrap();
    rest.split_once("</h1>").unwrap().0.to_owned()
}

fn report<'a>(stage: &Stage, words: impl IntoIterator<Item = &'a Path>) -> Finished {
    stage.finish(Program::new(std::iter::once(Path::new("report")).chain(words)))
}

/// A run of another file of the same stage, into a folder of its own.
fn run_of(stage: &Stage, folder: &str, people: &[Person], more: &[&str]) -> (PathBuf, Finished) {
    let home = stage.home.path().join(folder);
    fs::create_dir_all(&home).unwrap();
    // Known as INPUT, which is not searched for secrets.
    stage.write_input(people);
    let (input, dir) = (stage.input(), home.join("run"));
    let words = ["run", input.to_str().unwrap(), "--run-dir", dir.to_str().unwrap(), "--rate", "unlimited"];
    (dir.clone(), stage.finish(stage.with_env(Program::new(words)).args(more)))
}

fn summary(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("summary.json")).unwrap()).unwrap()
}

fn outcomes(dir: &Path) -> BTreeMap<String, String> {
    let rows = outcomes_in(dir).into_iter();
    rows.map(|row| (format!("{} {}", row["line"], row["email"]), row["outcome"].clone())).collect()
}

#[test]
fn the_page_says_what_the_log_says() {
    let mut people = Person::many(3);
    people.push(Person::new("missing.a@example.com"));
    people.push(Person::new("missing.b@example.com"));
    people.push(Person::new("inactive@example.com"));
    let lost = r#"{"on":"patch","user":"user1@example.com","times":null,"do":{"status":500}}"#;
    let stage = Stage::new(people, faults(lost));
    let dir = stage.run_dir();
    stage.finish(stage.program().args(["--max-attempts", "2"])).expect(4);
    assert_eq!(
        verdict(&dir),
        "2 of 6 users were changed; 2 failed, 1 is unknown and 1 was left alone: look at the unknown first."
    );
    let page = page(&dir);
    for words in
        ["Nobody in the directory has this user name.", "Until then count the old password", "is disabled"]
    {
        assert!(page.contains(words), "{words}");
    }
    assert_eq!(fs::metadata(dir.join("report.html")).unwrap().permissions().mode() & 0o777, 0o600);
    // The sentences of the most frequent reason come first.
    assert!(page.find("<code>not_found</code>") < page.find("<code>server_error</code>"));
}

#[test]
fn a_page_is_part_of_a_run_that_is_told() {
    let stage = Stage::plain(3);
    stage.run().expect(0);
    let dir = stage.run_dir();
    let whole = page(&dir);
    assert_eq!(verdict(&dir), "All 3 users were changed.");
    fs::remove_file(dir.join("report.html")).unwrap();
    stage.run().expect(0);
    assert_eq!(page(&dir), whole);
    fs::remove_file(dir.join("report.html")).unwrap();
    let said = report(&stage, [&*dir]).expect(0).stdout;
    assert!(said.lines().any(|line| line.ends_with("run/report.html")), "{said}");
    assert_eq!((page(&dir), stage.truth().applied.len()), (whole, 3));
}

#[test]
fn runs_that_did_not_end_say_so() {
    let slow = faults(r#"{"on":"patch","skip":1,"times":null,"do":{"wait_ms":600000}}"#);
    let stage = Stage::new(Person::many(4), slow);
    let dir = stage.run_dir();
    let mut running = stage.program().args(["--concurrency", "1"]).start();
    until("the second change is sent", || stage.truth().patch_requests == 2);
    running.signal("KILL");
    ends(&mut running);
    stage.wait(running);
    report(&stage, [&*dir]).expect(0);
    assert_eq!(
        verdict(&dir),
        "The run died: 1 of 4 users was changed; 1 is unknown and 2 are still to be done: the same command goes on."
    );
    assert!(page(&dir).contains("the process died before its end"));

    // Before its first row.
    let log = dir.join("audit.jsonl");
    let first = fs::read_to_string(&log).unwrap().lines().next().unwrap().to_owned() + "\n";
    fs::write(&log, first).unwrap();
    report(&stage, [&*dir]).expect(0);
    assert!(
        verdict(&dir).starts_with("The run died: none of 4 users was changed; 4 are still"),
        "{}",
        verdict(&dir)
    );
    assert_eq!(outcomes(&dir).len(), 0);

    let stage = Stage::plain(4);
    stage.finish(stage.program().args(["--rate", "10/s", "--max-duration", "150ms"])).expect(75);
    let said = verdict(&stage.run_dir());
    assert!(
        said.starts_with("The run stopped early: ") && said.ends_with(": the same command goes on."),
        "{said}"
    );
    assert!(page(&stage.run_dir()).contains("the time for this run is over"));
}

#[test]
fn a_rehearsal_says_what_would_be() {
    let stage = Stage::plain(2);
    stage.finish(stage.program().arg("--dry-run")).expect(0);
    assert_eq!(verdict(&stage.run_dir()), "All 2 users would be changed; nothing was changed.");
}

/// One file in two parts that share a row, each run by itself.
#[test]
fn parts_of_one_file_are_told_as_one() {
    let mut people = Person::many(5);
    people[1] = Person::new("missing@example.com");
    let refused = r#"{"on":"patch","skip":1,"times":1,"do":{"status":429,"retry_after":"0"}}"#;
    let stage = Stage::new(people.clone(), faults(refused));
    let gap = |people: &[Person], left_out: &[usize]| {
        stage.write_input(people);
        let text = fs::read_to_string(stage.input()).unwrap();
        // What is left out of a part is an empty line: the others keep their numbers.
        let kept = |(place, text)| if left_out.contains(&(place + 1)) { "" } else { text };
        text.lines().enumerate().map(kept).collect::<Vec<_>>().join("\n") + "\n"
    };
    let run = |folder: &str, left_out: &[usize], code| {
        fs::write(stage.input(), gap(&people, left_out)).unwrap();
        let dir = stage.home.path().join(folder);
        let (input, dir_word) = (stage.input(), dir.to_str().unwrap().to_owned());
        let words = ["run", input.to_str().unwrap(), "--run-dir", &dir_word, "--rate", "unlimited"];
        stage.finish(stage.with_env(Program::new(words))).expect(code);
        dir
    };
    let (one, two) = (run("one", &[4, 5], 3), run("two", &[2, 3], 0));
    let all = stage.home.path().join("all");
    report(&stage, [&*one, &two, Path::new("--output"), &all]).expect(0);
    let expected: BTreeMap<_, _> = [
        ("2 user0@example.com", "updated"),
        ("3 missing@example.com", "failed"),
        ("4 user2@example.com", "updated"),
        ("5 user3@example.com", "updated"),
        ("6 user4@example.com", "updated"),
    ]
    .map(|(row, outcome)| (row.to_owned(), outcome.to_owned()))
    .into();
    assert_eq!(outcomes(&all), expected);
    let lines: Vec<_> = outcomes_in(&all).into_iter().map(|row| row["line"].clone()).collect();
    assert_eq!(lines, ["2", "3", "4", "5", "6"]);
    let (first, second, both) = (summary(&one), summary(&two), summary(&all));
    for count in ["/requests/token", "/requests/lookup", "/requests/patch", "/throttled", "/waited_ms"] {
        let of = |summary: &Value| summary.pointer(count).unwrap().as_u64().unwrap();
        assert_eq!(of(&both), of(&first) + of(&second), "{count}");
    }
    assert_eq!((&both["rows"], &both["exit_code"], &both["audit_head"]), (&5.into(), &3.into(), &"".into()));
    assert_eq!(both["outcomes"]["updated"], 4);
    assert_eq!(both["merged"][1]["audit_head"], second["audit_head"]);
    assert_eq!((&both["started_at"], &both["finished_at"]), (&first["started_at"], &second["finished_at"]));
    assert_eq!(both["warnings"][0], "1 row is in more than one of these runs: the later outcome counts");
    assert_eq!(verdict(&all), "4 of 5 users were changed; 1 failed: look first at not_found.");
    assert_eq!(fs::metadata(&all).unwrap().permissions().mode() & 0o777, 0o700);
    // Of the row that both have, the later outcome: whichever folder is named first.
    let shared = |dir: &Path| outcomes_in(dir).pop().unwrap();
    assert_eq!(shared(&all), shared(&two));
    assert_ne!(shared(&one), shared(&two));
    report(&stage, [&*two, &one, Path::new("--output"), &all]).expect(0);
    assert_eq!((outcomes(&all), shared(&all)), (expected, shared(&two)));
}

#[test]
fn a_shard_that_is_missing_is_told() {
    let people = Person::many(12);
    let stage = Stage::new(people.clone(), faults(""));
    let shard = |number: u8| {
        let (dir, done) = run_of(&stage, &number.to_string(), &people, &["--shard", &format!("{number}/3")]);
        done.expect(0);
        dir
    };
    let shards = [1, 2, 3].map(shard);
    let warnings = |dirs: &[&Path], to: &str| {
        let to = stage.home.path().join(to);
        report(&stage, dirs.iter().copied().chain([Path::new("--output"), &to])).expect(0);
        let warnings = summary(&to)["warnings"].as_array().unwrap().clone();
        let shards = warnings.into_iter().filter(|warning| warning.as_str().unwrap().starts_with("shard"));
        (summary(&to)["rows"].as_u64().unwrap(), shards.collect::<Vec<_>>())
    };
    let [one, two, three] = shards.each_ref().map(PathBuf::as_path);
    assert_eq!(warnings(&[three, one, two], "all"), (12, Vec::new()));
    let missing = "shard 2/3 of the file is in none of these runs: rows are missing here";
    assert_eq!(warnings(&[three, one], "some").1, [missing]);
}

#[test]
fn a_shard_is_told_as_a_part_of_its_input() {
    let people = Person::many(12);
    let stage = Stage::new(people.clone(), faults(""));
    let [one, two] = ["1", "2"].map(|number| {
        let (dir, done) = run_of(&stage, number, &people, &["--shard", &format!("{number}/2")]);
        done.expect(0);
        dir
    });
    let rows = summary(&one)["rows"].as_u64().unwrap();
    assert!((2..11).contains(&rows), "{rows}");
    assert_eq!(verdict(&one), format!("All {rows} users of shard 1/2 were changed."));
    assert_eq!((&summary(&one)["shard"], &summary(&two)["shard"]), (&"1/2".into(), &"2/2".into()));
    assert!(page(&one).contains(", shard 1/2</dd>") && page(&one).contains(">of shard 1/2<"));
    // Together they are the whole file again.
    let all = stage.home.path().join("all");
    report(&stage, [&*one, &two, Path::new("--output"), &all]).expect(0);
    assert_eq!(verdict(&all), "All 12 users were changed.");
    assert!(summary(&all).get("shard").is_none() && page(&all).contains(">of the input<"));
}

/// A run, its retry over a file that was mended, and the retry's retry.
#[test]
fn a_run_and_its_retries_are_told_as_one() {
    let mut people = vec![Person::new("no address"), Person::new("user0@example.com")];
    people.extend([Person::new("recent@example.com"), Person::new("inactive@example.com")]);
    people.push(Person::new("missing.b@example.com"));
    let down = r#"{"on":"patch","user":"recent@example.com","times":1,"do":{"status":400}}"#;
    let stage = Stage::new(people.clone(), faults(down));
    stage.finish(stage.program().arg("--skip-bad-rows")).expect(3);
    let retry = |of: &Path, folder: &str, people: &[Person], code| {
        stage.write_input(people);
        let (dir, input) = (stage.home.path().join(folder), stage.input());
        let words = [Path::new("retry"), of, &input, Path::new("--run-dir"), &dir];
        stage.finish(stage.with_env(Program::new(words)).args(["--rate", "unlimited"])).expect(code);
        dir
    };
    // One address is mended on its line, a user who has left is taken out, so that lines move up.
    people[0].email = "mended@example.com".to_owned();
    let second = retry(&stage.run_dir(), "second", &people, 3);
    people.remove(3);
    let third = retry(&second, "third", &people, 3);
    let all = stage.home.path().join("all");
    report(&stage, [&*third, &stage.run_dir(), &second, Path::new("--output"), &all]).expect(0);
    let expected: BTreeMap<_, _> = [
        ("2 mended@example.com", "updated"),
        ("3 user0@example.com", "updated"),
        ("4 recent@example.com", "failed"),
        ("5 inactive@example.com", "skipped"),
        ("5 missing.b@example.com", "failed"),
    ]
    .map(|(row, outcome)| (row.to_owned(), outcome.to_owned()))
    .into();
    assert_eq!(outcomes(&all), expected);
    let both = summary(&all);
    assert_eq!((&both["rows"], &both["exit_code"]), (&5.into(), &3.into()), "{both}");
    assert_eq!(both["warnings"][0], "5 rows are in more than one of these runs: the later outcome counts");
    assert_eq!(both["run_id"], format!("{}+2", stage.summary()["run_id"].as_str().unwrap()));
}

#[test]
fn runs_that_do_not_belong_together_are_refused() {
    let (stage, other) = (Stage::plain(2), Stage::plain(2));
    stage.run().expect(0);
    other.run().expect(0);
    let first = stage.run_dir();
    let all = stage.home.path().join("all");
    let refused = |dirs: &[&Path], code, why: &str| {
        let output = [Path::new("--output"), &all];
        let done = report(&stage, dirs.iter().copied().chain(output)).expect(code);
        assert!(done.last_line().contains(why), "{}", done.stderr);
        assert!(!all.exists(), "nothing is made");
    };
    refused(&[&first, &other.run_dir()], 65, "different services");
    let (rehearsed, _) = run_of(&stage, "rehearsed", &stage.people, &["--dry-run"]);
    refused(&[&first, &rehearsed], 65, "one is a rehearsal");
    let (longer, _) = run_of(&stage, "longer", &Person::many(3), &[]);
    refused(&[&first, &longer], 65, "different INPUT");
    refused(&[&first, &first], 75, "named twice");
    refused(&[&first, stage.home.path()], 66, "no run folder");
    let log = longer.join("audit.jsonl");
    fs::write(&log, fs::read_to_string(&log).unwrap().replacen("user1", "user9", 1)).unwrap();
    refused(&[&first, &longer], 65, "cannot be trusted");
    assert!(report(&stage, [&*first, &rehearsed]).expect(2).last_line().contains("--output DIR is needed"));
    // A run folder, or any other with something in it, is no place for it.
    for dir in [&first, stage.home.path()] {
        let done = report(&stage, [&*first, Path::new("--output"), dir]).expect(73);
        assert!(done.last_line().contains("which no report is made of"), "{}", done.stderr);
    }
}

/// Found when the rows are read: what was there stays.
#[test]
fn two_users_on_one_line_are_of_two_files() {
    let stage = Stage::plain(2);
    stage.run().expect(0);
    let others = [Person::new("user0@example.com"), Person::new("somebody@example.com")];
    let (dir, done) = run_of(&stage, "other", &others, &[]);
    done.expect(0);
    let all = stage.home.path().join("all");
    report(&stage, [&*stage.run_dir(), Path::new("--output"), &all]).expect(0);
    let before = page(&all);
    let done = report(&stage, [&*stage.run_dir(), &dir, Path::new("--output"), &all]).expect(65);
    assert!(done.last_line().contains("line 3 is about another user in each"), "{}", done.stderr);
    assert_eq!((page(&all), fs::read_dir(&all).unwrap().count()), (before, 3));
    for person in others {
        stage.keep_secret(&person.password);
    }
}
