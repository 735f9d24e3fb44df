//! Made-up runs, for tests and for the eye.

use std::fs;
use std::io::BufWriter;
use std::path::Path;

use jiff::Timestamp;

use super::HOSTILE;
use crate::domain::event::{Done, Ending, Trail};
use crate::domain::outcome::{Doubt, Fail, Mfa, Outcome, Skip};
use crate::domain::tally::Tally;
use crate::views::facts::{Facts, Latency, Reason, Step, Timeline, Wait};
use crate::views::report::Page;
use crate::views::summary::{Requests, Summary};

/// 2026-03-02 01:00 UTC.
const START: u64 = 1_772_413_200_000;

/// The facts of a run of so many rows, of which nothing else is known.
pub(super) fn facts(rows: u64) -> Facts {
    let (outcomes, reasons, mfa) = Summary::counts(&Tally::default());
    Facts {
        summary: Summary {
            run_id: "20260302T010000Z-7f3a".to_owned(),
            input: "leavers-2026-03.csv".to_owned(),
            shard: None,
            dry_run: false,
            started_at: "2026-03-02T01:00:00.000Z".to_owned(),
            finished_at: None,
            exit_code: None,
            rows,
            outcomes,
            reasons,
            mfa,
            requests: Requests { token: 1, lookup: 0, patch: 0, sessions: 0 },
            throttled: 0,
            waited_ms: 0,
            notices: None,
            warnings: Vec::new(),
            audit_head: "5b1f3e0c9d".repeat(6) + "ab12",
            merged: Vec::new(),
        },
        target: "https://api.mypurecloud.de/api/v2/scim/v2".to_owned(),
        version: "0.1.0".to_owned(),
        complete: true,
        stopped: None,
        verdict: format!("{rows} rows were read."),
        merged: Vec::new(),
        reasons: Vec::new(),
        latency: None,
        timeline: Timeline::default(),
    }
}

/// Numbers that look like chance and are always the same.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

const NAMES: [&str; 12] =
    ["amara", "bela", "chidi", "dilara", "emre", "freya", "goran", "hana", "ilse", "jonas", "kavya", "leif"];
const SURNAMES: [&str; 12] = [
    "okafor",
    "nagy",
    "weber",
    "kaya",
    "lindqvist",
    "moreau",
    "rossi",
    "santos",
    "tanaka",
    "novak",
    "byrne",
    "dahl",
];

/// How a made-up row ended.
fn ending(chance: &mut Chance) -> (Outcome, Option<u16>, &'static str) {
    match chance.below(10_000) {
        0..110 => (Outcome::Failed(Fail::NotFound), Some(200), "no account has this name"),
        110..170 => {
            (Outcome::Failed(Fail::Rejected), Some(400), "the service refused the change (invalidValue)")
        }
        170..185 => (Outcome::Failed(Fail::Ambiguous), Some(200), "2 accounts have this name"),
        185..196 => {
            (Outcome::Unknown(Doubt::ReplyLost), None, "the connection broke after the change had left")
        }
        196..420 => (Outcome::Skipped(Skip::Inactive), Some(200), "the account is disabled"),
        420..470 => (Outcome::Skipped(Skip::Duplicate), None, "the same as an earlier line"),
        _ => (Outcome::Updated, Some(200), ""),
    }
}

fn row(at: u64, hostile: bool, chance: &mut Chance) -> Done {
    let (outcome, http_status, detail) = ending(chance);
    let part = |chance: &mut Chance, of: [&'static str; 12]| of[usize::try_from(chance.below(12)).unwrap()];
    let email = match HOSTILE.get(usize::try_from(at).unwrap() / 7).filter(|_| hostile && at % 7 == 5) {
        Some(hostile) => (*hostile).to_owned(),
        None if hostile && at == 8 => "=1+1@example.com".to_owned(),
        None => format!("{}.{}{at}@example.com", part(chance, NAMES), part(chance, SURNAMES)),
    };
    let id = chance.below(1 << 30);
    let found = !matches!(
        outcome,
        Outcome::Failed(Fail::NotFound | Fail::Ambiguous) | Outcome::Skipped(Skip::Duplicate)
    );
    let changed = matches!(outcome, Outcome::Updated | Outcome::Failed(Fail::Rejected));
    let mfa = if outcome == Outcome::Updated { Mfa::Confirmed } else { Mfa::NotSent };
    let trail = Trail {
        attempts: if http_status.is_some() { 2 } else { 1 },
        http_status,
        took_ms: changed.then(|| u32::try_from(90 + chance.below(120) * chance.below(14)).unwrap()),
        user_id: found.then(|| format!("{id:08x}-5c3e-4b1d-9a70-{:012x}", id * 7919)),
        ..Trail::default()
    };
    Done { line: at + 2, email, trail, ending: Ending { mfa, ..Ending::new(outcome, detail) } }
}

/// Rows and facts that belong together: two hours of work, with waits in them.
struct Run {
    rows: Vec<(Done, String)>,
    facts: Facts,
}

fn run(count: u64, hostile: bool) -> Run {
    let (mut chance, mut tally, mut steps) = (Chance(42), Tally::default(), vec![Step::default(); 192]);
    let step_ms = (count * 400 / 192).max(20);
    let waits: Vec<Wait> = [(40, 43), (44, 46), (110, 117)]
        .map(|(from, to)| Wait { from_ms: START + from * step_ms, to_ms: START + to * step_ms })
        .into();
    let pauses =
        |slot: u64| (40..43).contains(&slot) || (44..46).contains(&slot) || (110..117).contains(&slot);
    let mut rows = Vec::new();
    for at in 0..count {
        let done = row(at, hostile, &mut chance);
        let even = at * 192 / count;
        let mut slot = (even + chance.below(5)) % 192;
        while pauses(slot) {
            slot += 1 + chance.below(9);
        }
        let step = &mut steps[usize::try_from(slot).unwrap()];
        match done.ending.outcome {
            Outcome::Skipped(_) => step.skipped += 1,
            Outcome::Failed(_) => step.failed += 1,
            Outcome::Unknown(_) => step.unknown += 1,
            _ => step.updated += 1,
        }
        tally.add(done.ending.outcome, done.ending.mfa);
        let ended = i64::try_from(START + slot * step_ms + chance.below(step_ms)).unwrap();
        rows.push((done, Timestamp::from_millisecond(ended).unwrap().to_string()));
    }
    for (slot, replies) in [(38, 40), (39, 260), (43, 90), (109, 310), (117, 25)] {
        steps[slot].throttled = replies;
    }
    let mut facts = facts(count);
    facts.timeline = Timeline { start_ms: START, step_ms, steps, waits };
    describe(&mut facts, &tally, step_ms);
    Run { rows, facts }
}

fn describe(facts: &mut Facts, tally: &Tally, step_ms: u64) {
    let rows = |outcome| tally.of(outcome);
    let reason = |outcome: Outcome, means, advice| Reason {
        outcome: outcome.family(),
        reason: outcome.reason(),
        rows: rows(outcome),
        means,
        advice,
    };
    facts.reasons = vec![
        reason(
            Outcome::Failed(Fail::NotFound),
            "Nobody in the organisation has this name.",
            "Look for a changed address or a typing error, correct the line and run it again.",
        ),
        reason(
            Outcome::Failed(Fail::Rejected),
            "The service refused the change.",
            "The detail says which rule it named; a password that the policy allows settles most of them.",
        ),
        reason(
            Outcome::Failed(Fail::Ambiguous),
            "More than one account has this name, and none was touched.",
            "Settle in the service who is meant, then run these lines again.",
        ),
        reason(
            Outcome::Unknown(Doubt::ReplyLost),
            "The change left and no answer came: the account may have the new password or the old one.",
            "Look at the account, or set a fresh password with `retry --reason reply_lost`.",
        ),
    ];
    facts.reasons.retain(|reason| reason.rows > 0);
    (facts.summary.outcomes, facts.summary.reasons, facts.summary.mfa) = Summary::counts(tally);
    let count = facts.summary.rows;
    facts.summary.requests =
        Requests { token: 3, lookup: count + 725, patch: tally.of(Outcome::Updated) + 88, sessions: 0 };
    (facts.summary.throttled, facts.summary.waited_ms) = (725, 12 * step_ms);
    facts.summary.finished_at = i64::try_from(START + 192 * step_ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .map(|time| time.to_string());
    facts.summary.exit_code = Some(4);
    facts.summary.warnings = vec!["The clock of this machine is 4 s behind the service's.".to_owned()];
    let open = tally.family("failed") + tally.family("unknown");
    facts.verdict = format!(
        "{} of {count} passwords were changed; {open} rows need somebody, {} of them because nobody can know.",
        tally.of(Outcome::Updated),
        tally.family("unknown")
    );
    facts.latency = Some(Latency { rows: count, p50_ms: 412, p90_ms: 1_180, p99_ms: 1_540, max_ms: 1_637 });
}

fn write(path: &Path, run: &Run) {
    let mut page =
        Page::begin(BufWriter::new(fs::File::create(path).unwrap()), &run.facts.summary.run_id).unwrap();
    for (done, finished_at) in &run.rows {
        page.row(done, finished_at).unwrap();
    }
    page.finish(&run.facts).unwrap();
}

#[test]
#[ignore = "writes pages for the tests in a browser, into the folder that REPORT_PAGES names"]
fn pages_for_a_browser() {
    let folder = std::env::var_os("REPORT_PAGES").unwrap();
    let folder = Path::new(&folder);
    write(&folder.join("some.html"), &run(2_400, true));
    write(&folder.join("many.html"), &run(100_000, true));
    write(&folder.join("picture.html"), &run(18_000, false));
    let mut all_well = run(40, true);
    all_well.rows.retain(|(done, _)| done.ending.outcome == Outcome::Updated);
    let mut tally = Tally::default();
    all_well.rows.iter().for_each(|(done, _)| tally.add(done.ending.outcome, done.ending.mfa));
    all_well.facts.summary.rows = tally.total();
    describe(&mut all_well.facts, &tally, 20);
    all_well.facts.verdict = format!("All {} passwords were changed.", tally.total());
    all_well.facts.summary.warnings.clear();
    write(&folder.join("well.html"), &all_well);
    let mut stopped = run(300, true);
    stopped.facts.summary.rows = 5_000;
    stopped.facts.complete = false;
    stopped.facts.stopped = Some("Stopped after 300 rows: the deadline of 06:00 was reached.".to_owned());
    stopped.facts.verdict =
        "4 700 of 5 000 rows are still to be done; the same command goes on with them.".to_owned();
    stopped.facts.summary.exit_code = Some(75);
    write(&folder.join("stopped.html"), &stopped);
    write(&folder.join("nothing.html"), &Run { rows: Vec::new(), facts: facts(0) });
}
