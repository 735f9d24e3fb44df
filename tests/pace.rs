//! The service decides how fast it is asked: by its limits, by Retry-After, and by what it was
//! agreed that it can take.

use std::time::{Duration, SystemTime};

use scim_rekey::sandbox::{Fault, Kind, Limit, On, Options, RetryAfterStyle, Seen, StatusReply};

use crate::support::{Person, Stage};

/// Look-ups and changes in order of arrival.
fn paced(stage: &Stage) -> Vec<Seen> {
    let paced = |seen: &Seen| matches!(seen.kind, Kind::Lookup | Kind::Patch);
    stage.truth().requests.into_iter().filter(paced).collect()
}

fn told_to_wait(on: On, status: u16, retry_after: impl Into<String>) -> Fault {
    Fault::new(on, StatusReply::new(status).retry_after(retry_after).into())
}

#[test]
fn nothing_is_sent_before_a_retry_after_is_over() {
    let in_seconds = |_: SystemTime| "1".to_owned();
    let as_date = |now: SystemTime| httpdate::fmt_http_date(now + Duration::from_secs(4));
    let mut runs = Vec::new();
    for (on, status) in [(On::Lookup, 429), (On::Patch, 429), (On::Lookup, 503), (On::Patch, 503)] {
        for retry_after in [&in_seconds as &dyn Fn(_) -> String, &as_date] {
            let faults = vec![told_to_wait(on, status, retry_after(SystemTime::now())).skip(3)];
            let stage = Stage::new(Person::many(8), Options { faults, ..Options::default() });
            // One row at a time: nothing is under way when the wait is announced.
            let running = stage.program().args(["--concurrency", "1"]).start();
            runs.push((on, status, stage, running));
        }
    }
    for (on, status, stage, running) in runs {
        stage.wait(running).expect(0);
        stage.check_truth();
        let (truth, summary) = (stage.truth(), stage.summary());
        assert_eq!((truth.statuses[&status], truth.during_hold), (1, 0), "{on:?} {status}");
        assert_eq!(summary["throttled"], u64::from(status == 429));
        assert!(summary["waited_ms"].as_u64().unwrap() >= 1000, "{summary}");
    }
}

#[test]
fn a_retry_after_holds_the_rows_of_everybody() {
    let faults = vec![told_to_wait(On::Lookup, 429, "2").skip(40)];
    let stage = Stage::new(Person::many(60), Options { faults, ..Options::default() });
    stage.run().expect(0);
    stage.check_truth();
    // What was under way may arrive yet; a second later nothing is under way any more.
    let late = |seen: &&Seen| seen.hold_announced_ms.is_some_and(|announced| seen.at_ms - announced > 1000);
    let requests = stage.truth().requests;
    assert_eq!(requests.iter().find(late), None);
    let announced = requests.iter().find(|seen| seen.status == 429).unwrap().at_ms;
    assert!(requests.iter().any(|seen| seen.at_ms >= announced + 2000), "and then it goes on");
    assert!(requests.iter().filter(|seen| seen.during_hold).count() <= 16, "no more than were under way");
}

#[test]
fn a_longer_wait_is_not_cut_short_by_a_shorter_one() {
    // Of several headers the longest counts, and what is no wait is none.
    let mut reply = StatusReply::new(429);
    let values = ["1", "2", "soon"].map(str::to_owned).to_vec();
    reply.headers.insert("retry-after".to_owned(), scim_rekey::sandbox::Values::Many(values));
    let faults = vec![Fault::new(On::Lookup, reply.into()).skip(2)];
    let stage = Stage::new(Person::many(4), Options { faults, ..Options::default() });
    stage.finish(stage.program().args(["--concurrency", "1"])).expect(0);
    let seen = paced(&stage);
    let refused = seen.iter().position(|seen| seen.status == 429).unwrap();
    assert!(seen[refused + 1].at_ms >= seen[refused].at_ms + 2000, "{seen:?}");
}

#[test]
fn a_service_slower_than_us_gets_every_row_in_the_end() {
    for retry_after in [RetryAfterStyle::Seconds, RetryAfterStyle::HttpDate] {
        let limit = Some(Limit { retry_after, headers: false, ..Limit::window(40, 1000) });
        let stage = Stage::new(Person::many(60), Options { limit, ..Options::default() });
        stage.finish(stage.program().args(["--concurrency", "32"])).expect(0);
        stage.check_truth();
        let (truth, summary) = (stage.truth(), stage.summary());
        assert_eq!((&summary["outcomes"]["updated"], truth.applied.len()), (&60.into(), 60));
        assert_eq!(summary["throttled"], truth.statuses[&429], "every 429 is counted");
        assert!(summary["waited_ms"].as_u64().unwrap() >= 1000, "{summary}");
    }
}

#[test]
fn a_429_without_a_retry_after_is_backed_off_from() {
    let limit = Some(Limit { retry_after: RetryAfterStyle::None, headers: false, ..Limit::window(20, 500) });
    let stage = Stage::new(Person::many(20), Options { limit, ..Options::default() });
    stage.finish(stage.program().args(["--max-attempts", "20"])).expect(0);
    stage.check_truth();
    let (truth, summary) = (stage.truth(), stage.summary());
    assert_eq!(summary["throttled"], truth.statuses[&429]);
    assert!(summary["waited_ms"].as_u64().unwrap() >= 100, "{summary}");
    assert!(truth.statuses[&429] < 100, "and not hammered: {:?}", truth.statuses);
}

#[test]
fn a_run_that_is_never_told_to_wait_says_so() {
    let stage = Stage::plain(5);
    stage.run().expect(0);
    let summary = stage.summary();
    assert_eq!((&summary["throttled"], &summary["waited_ms"]), (&0.into(), &0.into()));
}

/// The most arrivals within any such time.
fn most_within(seen: &[Seen], ms: u64) -> usize {
    let from =
        |place: usize| seen[place..].iter().take_while(move |later| later.at_ms < seen[place].at_ms + ms);
    (0..seen.len()).map(|place| from(place).count()).max().unwrap_or_default()
}

#[test]
fn look_ups_and_patches_together_keep_to_the_rate() {
    let stage = Stage::plain(30);
    stage.finish(stage.program().args(["--rate", "30/s", "--concurrency", "32"])).expect(0);
    stage.check_truth();
    let seen = paced(&stage);
    assert_eq!(seen.len(), 60);
    // 30 and a burst of 3, and as many again that a busy machine may have delivered late.
    let most = most_within(&seen, 1000);
    assert!(most <= 45, "{most} within a second");
    let most = most_within(&seen, 200);
    assert!(most <= 20, "{most} within a fifth of a second");
}

#[test]
fn without_a_word_the_rate_is_300_a_minute() {
    let stage = Stage::plain(4);
    let args = stage.run_args();
    let rate = args.iter().position(|arg| arg == "--rate").unwrap();
    let program = crate::support::Program::new(&args[..rate]);
    stage.finish(stage.with_env(program)).expect(0);
    let seen = paced(&stage);
    // Eight requests, a fifth of a second apart: never four within a third of a second.
    assert!(most_within(&seen, 333) <= 4, "{seen:?}");
    assert!(seen[7].at_ms - seen[0].at_ms >= 1000, "{seen:?}");
}
