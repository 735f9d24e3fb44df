//! Whatever is done to a log up to a checkpoint that was kept elsewhere is found.

use std::collections::BTreeMap;

use super::*;
use crate::audit::chain::{Head, sha256_hex};
use crate::figures::figure;

#[path = "../../../tests/support/forgery.rs"]
mod forgery;

use forgery::{Forger, Forgery};

/// A run that was stopped once: every kind of record but those of rows left alone.
fn log(run_id: &str, rows: u32) -> String {
    let mut bodies = vec![r#""kind":"run_start","rows":9"#.to_owned(), r#""kind":"token""#.to_owned()];
    for line in 0..rows {
        if line == rows / 2 {
            bodies.push(r#""kind":"run_end","complete":false,"exit_code":143"#.to_owned());
            bodies.push(r#""kind":"resume","in_doubt":0"#.to_owned());
        }
        let about = format!(r#""line":{line},"email":"user{line}@example.com","user_id":"{run_id}{line}""#);
        bodies.push(format!(r#""kind":"intent",{about},"attributes":["password"]"#));
        bodies.push(format!(r#""kind":"result",{about},"outcome":"updated","reason":"","mfa":"none""#));
    }
    bodies.push(r#""kind":"checkpoint","records":9"#.to_owned());
    bodies.push(r#""kind":"run_end","complete":true,"exit_code":0"#.to_owned());
    let (mut head, mut log) = (Head::default(), Vec::new());
    for body in bodies {
        head.seal("2026-11-22T09:00:00.000Z", run_id, format!("{{{body}}}"), &mut log);
    }
    String::from_utf8(log).unwrap()
}

fn judge(log: &[u8], checkpoints: &[String]) -> Result<(), String> {
    let proof = verify(log, checkpoints).map_err(|damage| damage.to_string())?;
    proof.defect(false).map_or(Ok(()), Err)
}

/// What the chain shows without a checkpoint, wherever it is done.
const BREAKS_THE_CHAIN: [&str; 9] = [
    "flip a bit",
    "change a byte",
    "repeat a record",
    "swap two records",
    "insert a forged record",
    "insert a record of another log",
    "append another log",
    "repeat the tail",
    "convert line ends",
];

#[test]
fn ten_thousand_forgeries_are_found() {
    let seed = std::env::var("SCIM_REKEY_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(rand::random);
    let (own, other) = (log("a", 5), log("b", 4));
    judge(own.as_bytes(), &[]).unwrap();
    judge(other.as_bytes(), &[]).unwrap();
    let mut forger = Forger::new(seed, &own, &other);
    let mut only_so: BTreeMap<_, usize> = BTreeMap::new();
    for turn in 0..10_000 {
        let Forgery { tool, bytes, checkpoint } = forger.forge(turn);
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        let verdict = judge(&bytes, &[checkpoint]);
        assert!(verdict.is_err(), "{tool} (seed {seed}, turn {turn}) was not found:\n{}", text());
        if verdict.is_err_and(|words| words.contains("checkpoint")) {
            *only_so.entry(tool).or_default() += 1;
            assert!(!BREAKS_THE_CHAIN.contains(&tool), "{tool} (seed {seed}, turn {turn}):\n{}", text());
        }
    }
    let alone = only_so.values().sum::<usize>();
    figure(&format!("10000 forgeries found, {alone} by the checkpoint alone (SCIM_REKEY_SEED={seed})"));
    assert!(only_so.len() >= 4, "{only_so:?}");
}
