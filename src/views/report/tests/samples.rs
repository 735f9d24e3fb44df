//! Made-up runs, for tests and for the eye.

use std::fs;
use std::io::BufWriter;
use std::path::Path;

use jiff::Timestamp;

use super::HOSTILE;
use crate::domain::event::{Done, Ending, Trail};
use crate::domain::outcome::{Doubt, Fail, Mfa, Outcome, Skip};
use crate::domain::stop::Stop;
use crate::domain::tally::Tally;
use crate::views::facts::{Facts, Step, Timeline, Wait};
use crate::views::gathering::Gathering;
use crate::views::report::Page;
use crate::views::summary::{Requests, Summary};
use crate::views::verdict::{End, Verdict};

/// 2026-03-02 01:00 UTC.
const START: u64 = 1_772_413_200_000;

/// The facts of a run of so many rows, of which nothing else is known.
pub(super) fn facts(rows: u64) -> Facts {
    let tally = Tally::default();
    let (outcomes, reasons, mfa) = Summary::counts(&tally);
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
        verdict: Verdict {
            tally: &tally,
            untouched: rows,
            shard: None,
            dry_run: false,
            serves: false,
            end: End::Complete,
        }
        .sentence(),
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
        0..110 => (
            Outcome::Failed(Fail::NotFound),
            Some(200),
            "nobody bears this user name; a disabled account may be hidden, and to some services capitals matter",
        ),
        110..170 => (
            Outcome::Failed(Fail::Rejected),
            Some(400),
            "the service refuses the change (400) and speaks of password",
        ),
        170..185 => {
            (Outcome::Failed(Fail::Ambiguous), Some(200), "more than one account bears this user name")
        }
        185..196 => (Outcome::Unknown(Doubt::ReplyLost), None, "the PATCH left and no answer came"),
        196..420 => (Outcome::Skipped(Skip::Inactive), Some(200), "the account is not active"),
        420..470 => (Outcome::Skipped(Skip::Duplicate), None, "asks for the same as line 2"),
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
    let (mut chance, mut steps) = (Chance(42), vec![Step::default(); 192]);
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
        let ended = i64::try_from(START + slot * step_ms + chance.below(step_ms)).unwrap();
        rows.push((done, Timestamp::from_millisecond(ended).unwrap().to_string()));
    }
    for (slot, replies) in [(38, 40), (39, 260), (43, 90), (109, 310), (117, 25)] {
        steps[slot].throttled = replies;
    }
    let mut facts = facts(count);
    facts.timeline = Timeline { start_ms: START, step_ms, steps, waits };
    describe(&mut facts, &gathered(&rows), End::Complete);
    Run { rows, facts }
}

/// The words and the numbers that the program itself finds for these rows.
fn describe(facts: &mut Facts, gathering: &Gathering, end: End) {
    let step_ms = facts.timeline.step_ms;
    let tally = gathering.tally();
    facts.reasons = gathering.reasons();
    facts.latency = gathering.latency();
    (facts.summary.outcomes, facts.summary.reasons, facts.summary.mfa) = Summary::counts(tally);
    let count = facts.summary.rows;
    let (untouched, dry_run, shard) = (count - tally.total(), facts.summary.dry_run, None);
    facts.verdict = Verdict { tally, untouched, shard, dry_run, serves: false, end }.sentence();
    facts.summary.requests =
        Requests { token: 3, lookup: count + 725, patch: tally.of(Outcome::Updated) + 88, sessions: 0 };
    (facts.summary.throttled, facts.summary.waited_ms) = (725, 12 * step_ms);
    facts.summary.finished_at = i64::try_from(START + 192 * step_ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .map(|time| time.to_string());
    facts.summary.exit_code = Some(tally.exit_code());
    facts.summary.warnings = vec!["ignored columns: department, manager".to_owned()];
}

fn gathered(rows: &[(Done, String)]) -> Gathering {
    let mut gathering = Gathering::default();
    for (done, finished_at) in rows {
        gathering.row(done, finished_at);
    }
    gathering
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
    all_well.facts.summary.rows = all_well.rows.len() as u64;
    describe(&mut all_well.facts, &gathered(&all_well.rows), End::Complete);
    all_well.facts.summary.warnings.clear();
    write(&folder.join("well.html"), &all_well);
    let mut stopped = run(300, true);
    stopped.facts.summary.rows = 5_000;
    stopped.facts.complete = false;
    stopped.facts.stopped = Some(Stop::Deadline.sentence());
    describe(&mut stopped.facts, &gathered(&stopped.rows), End::Stopped);
    stopped.facts.summary.exit_code = Some(75);
    write(&folder.join("stopped.html"), &stopped);
    write(&folder.join("nothing.html"), &Run { rows: Vec::new(), facts: facts(0) });
}
