//! A checkpoint that is kept elsewhere shows what no chain can: that the tail was cut, or that all
//! of it was written anew.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::support::{Finished, Forger, Forgery, Person, Program, Stage, faults};

fn log(stage: &Stage) -> PathBuf {
    stage.run_dir().join("audit.jsonl")
}

fn verify(stage: &Stage, file: &Path, checkpoints: &[&str]) -> Finished {
    let program = Program::new([Path::new("audit"), Path::new("verify"), file]);
    stage.finish(checkpoints.iter().fold(program, |program, hash| program.args(["--checkpoint", hash])))
}

/// The log's records as lines, and the hash of each.
fn records(stage: &Stage) -> (Vec<String>, Vec<String>) {
    let lines = fs::read_to_string(log(stage)).unwrap().lines().map(str::to_owned).collect();
    (lines, stage.audit().iter().map(|line| line["hash"].as_str().unwrap().to_owned()).collect())
}

/// A run of eight rows that was stopped once and has come to its end.
fn finished() -> Stage {
    let stage = Stage::plain(8);
    stage.finish(stage.program().args(["--rate", "20/s", "--max-duration", "300ms"])).expect(75);
    stage.run().expect(0);
    stage
}

#[test]
fn a_cut_tail_is_found_by_any_checkpoint_that_stood_in_it() {
    let stage = finished();
    let (lines, hashes) = records(&stage);
    let last = lines.len() - 1;
    for hash in [&hashes[0], &hashes[last / 2], &hashes[last]] {
        verify(&stage, &log(&stage), &[hash]).expect(0);
        verify(&stage, &log(&stage), &[&hash.to_uppercase()]).expect(0);
    }
    let said = verify(&stage, &log(&stage), &[&hashes[2], &hashes[last - 1]]).expect(0).stdout;
    assert!(said.contains(&format!("the last as record {last}, with 1 record after it")), "{said}");

    let cut = stage.home.path().join("cut.jsonl");
    for left in 1..=last {
        fs::write(&cut, lines[..left].join("\n") + "\n").unwrap();
        verify(&stage, &cut, &[]).expect(0);
        let words = verify(&stage, &cut, &[&hashes[last]]).expect(65).stderr;
        let expected = format!("the checkpoint {} is not in this log: records were cut after", hashes[last]);
        assert!(words.contains(&expected) && words.contains(&format!("record {left},")), "{words}");
    }
    let words = verify(&stage, &cut, &[&hashes[last], &hashes[1]]).expect(65).stderr;
    assert!(words.contains("cut or replaced after record 2"), "{words}");
}

#[test]
fn what_is_no_hash_is_no_checkpoint() {
    let stage = finished();
    let (_, hashes) = records(&stage);
    let hash = &hashes[0];
    for wrong in ["", "head", &hash[1..], &format!("{hash}0"), &hash.replacen(&hash[..1], "g", 1)] {
        verify(&stage, &log(&stage), &[wrong]).expect(2);
    }
    verify(&stage, &log(&stage), &[&"0".repeat(64)]).expect(65);
}

#[test]
fn fifty_forgeries_are_found() {
    let (stage, other) = (finished(), finished());
    let text = |stage: &Stage| fs::read_to_string(log(stage)).unwrap();
    let seed = rand::random();
    let mut forger = Forger::new(seed, &text(&stage), &text(&other));
    let file = stage.home.path().join("forged.jsonl");
    for turn in 0..50 {
        let Forgery { tool, bytes, checkpoint } = forger.forge(turn);
        fs::write(&file, &bytes).unwrap();
        let done = verify(&stage, &file, &[&checkpoint]);
        assert_eq!(done.code(), 65, "{tool}, seed {seed}, turn {turn}: {}{}", done.stdout, done.stderr);
        assert!(done.stderr.contains("record "), "it says where: {}", done.stderr);
    }
}

#[test]
fn runs_in_one_file_are_told_apart() {
    let stage = finished();
    stage.finish(stage.program().arg("--again")).expect(0);
    let said = verify(&stage, &log(&stage), &[]).expect(0).stdout;
    assert!(said.contains("of 2 runs in an unbroken chain"), "{said}");

    let (lines, _) = records(&stage);
    let altered = stage.home.path().join("altered.jsonl");
    let second = lines.iter().rposition(|line| line.contains("\"run_start\"")).unwrap();
    let check = |lines: &[String], end: &str, place: usize| {
        fs::write(&altered, lines.join(end) + end).unwrap();
        let done = verify(&stage, &altered, &[]).expect(65);
        assert!(done.last_line().contains(&format!("record {place} ")), "{}", done.stderr);
    };
    check(&lines[second..], "\n", 1);
    check(&lines[1..], "\n", 1);
    check(&[&lines[..], &lines[..]].concat(), "\n", lines.len() + 1);
    check(&[&lines[..], &lines[second..]].concat(), "\n", lines.len() + 1);
    check(&lines, "\r\n", 1);
}

/// The log's last hash, as everything that tells it tells it.
#[test]
fn the_head_is_told_at_the_end_and_on_the_way() {
    let stage = Stage::new(Person::many(600), faults(""));
    let done = stage.finish(stage.program().without_env("RUST_LOG").arg("-v")).expect(0);
    let (_, hashes) = records(&stage);
    let head = hashes.last().unwrap();
    let told = format!("audit log: {} records, head {head}; kept elsewhere", hashes.len());
    assert!(done.stderr.contains(&told), "{}", done.stderr);
    let status = stage.finish(Program::new([Path::new("status"), &stage.run_dir()])).expect(0);
    assert!(status.stdout.contains(&format!("head {head}")), "{}", status.stdout);
    assert_eq!(stage.summary()["audit_head"], head.as_str());
    let checkpoint = stage.audit().into_iter().find(|line| line["kind"] == "checkpoint").unwrap();
    let (hash, seq) = (checkpoint["hash"].as_str().unwrap(), &checkpoint["seq"]);
    let logged = format!("checkpoint {hash} is record {seq}");
    assert!(done.stderr.contains(&logged), "{logged}: {}", done.stderr);
    verify(&stage, &log(&stage), &[head, hash]).expect(0);
}

#[test]
fn a_run_that_succeeds_unwatched_is_silent() {
    let stage = Stage::plain(2);
    let done = stage.finish(stage.program().without_env("RUST_LOG")).expect(0);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("", ""));
}

#[test]
fn a_run_that_stops_tells_its_head_as_well() {
    let stage = Stage::plain(20);
    let program = stage.program().args(["-v", "--rate", "20/s", "--max-duration", "300ms"]);
    let done = stage.finish(program).expect(75);
    let head = records(&stage).1.pop().unwrap();
    assert!(done.stderr.contains(&format!("head {head}")), "{}", done.stderr);
    stage.run().expect(0);
    verify(&stage, &log(&stage), &[&head]).expect(0);
}

#[test]
#[ignore = "needs script(1)"]
fn a_terminal_is_told_the_head() {
    let stage = Stage::plain(2);
    let typed = format!("'{}' {} --yes", env!("CARGO_BIN_EXE_scim-rekey"), stage.run_args().join(" "));
    let shell = Program::below_shell(&format!("exec script -qec \"{typed}\" /dev/null"), [""; 0]);
    let done = stage.finish(stage.with_env(shell).without_env("RUST_LOG")).expect(0);
    let head = records(&stage).1.pop().unwrap();
    assert!(done.stdout.contains(&format!("head {head}")), "{}", done.stdout);
}

#[test]
fn a_line_on_its_way_is_no_damage_while_a_run_writes() {
    let stage = finished();
    let text = fs::read_to_string(log(&stage)).unwrap();
    fs::write(log(&stage), &text[..text.len() - 40]).unwrap();
    let writer = File::create(stage.run_dir().join("run.lock")).unwrap();
    writer.lock().unwrap();
    verify(&stage, &log(&stage), &[]).expect(0);
    drop(writer);
    verify(&stage, &log(&stage), &[]).expect(65);
}
