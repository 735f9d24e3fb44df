//! Stories by the hundred: each is told to its end, and judged.

use std::collections::BTreeMap;

use super::judge::faults;
use super::network::Weather;
use super::stage::Stage;
use super::story::Story;
use crate::figures::figure;

/// How many seeds plain `cargo test` tries; `SCIM_REKEY_SEEDS=10000` is for the night, and
/// `SCIM_REKEY_SEEDS=4711..4712` tells one story again.
const SEEDS: u64 = 200;

/// Sessions without trouble after which a run has come to its end.
const MANY: u32 = 100;

/// Tells a story to its end.
pub(super) fn tell(seed: u64) -> Stage {
    let Story { people, options, weather, flags, hasty, kills } = Story::of(seed);
    let stage = Stage::new(people, options, weather, seed);
    stage.cable.watch_log(stage.run_dir().join("audit.jsonl"));
    let hurried = [&flags[..], &hasty[..]].concat();
    for kill in kills {
        stage.session(&hurried, Some(kill));
        stage.note_open_intents();
    }
    stage.session(&hurried, None);
    // Then the trouble is over, and the same command comes to its end.
    stage.cable.set_weather(Weather::calm(5));
    stage.service.set_faults(Vec::new());
    stage.settle();
    // A row that may be tried once a session and meets a limit needs more than one.
    for _ in 0..MANY {
        stage.session(&flags, None);
        stage.settle();
        if stage.summary()["outcomes"]["pending"] == 0 {
            break;
        }
    }
    stage
}

fn wanted() -> std::ops::Range<u64> {
    let Ok(wanted) = std::env::var("SCIM_REKEY_SEEDS") else { return 0..SEEDS };
    match wanted.split_once("..") {
        Some((from, to)) => from.parse().unwrap()..to.parse().unwrap(),
        None => 0..wanted.parse().unwrap(),
    }
}

#[test]
fn whatever_goes_wrong_the_outcome_tells_the_truth() {
    let seeds = wanted();
    let mut ends: BTreeMap<String, u64> = BTreeMap::new();
    let lies: Vec<_> = seeds
        .clone()
        .filter_map(|seed| {
            let stage = tell(seed);
            for (end, rows) in stage.summary()["outcomes"].as_object().unwrap() {
                *ends.entry(end.clone()).or_default() += rows.as_u64().unwrap();
            }
            let wrong = faults(&stage);
            (!wrong.is_empty()).then(|| format!("SCIM_REKEY_SEEDS={seed}..{}: {wrong:#?}", seed + 1))
        })
        .collect();
    let told = seeds.end.saturating_sub(seeds.start);
    figure(&format!("{told} stories with faults and kills, {} of them with a lie: {ends:?}", lies.len()));
    // A single story need not have one of each.
    let full = ["updated", "failed", "skipped", "unknown"].iter().all(|end| ends[*end] > 0) || told < 100;
    assert!(full, "these stories try little: {ends:?}");
    assert!(!seeds.is_empty() && lies.is_empty(), "{}", lies.join("\n"));
}

#[test]
fn the_same_seed_is_the_same_story() {
    for seed in 0..20 {
        let requests = |stage: Stage| {
            let seen = stage.truth().requests.into_iter();
            seen.map(|seen| (seen.at_ms, seen.kind, seen.user, seen.status, seen.fault)).collect::<Vec<_>>()
        };
        assert_eq!(requests(tell(seed)), requests(tell(seed)), "seed {seed}");
    }
}
