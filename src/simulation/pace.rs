//! When the service asks for a wait nothing leaves before it is over, and a limit that nobody told
//! us is found and used.

use serde_json::json;

use super::judge::{Person, faults};
use super::network::Weather;
use super::stage::Stage;
use crate::figures::figure;
use crate::sandbox::{Limit, Options, RetryAfterStyle, Seen, parse_script};

fn stage(rows: u64, options: Options) -> Stage {
    Stage::new(Person::many(rows), options, Weather { way_ms: 20..30, ..Weather::calm(0) }, 4)
}

#[test]
fn nothing_leaves_before_a_retry_after_is_over() {
    let in_half_a_minute =
        httpdate::fmt_http_date(std::time::SystemTime::now() + std::time::Duration::from_secs(40));
    for (value, least_s) in [
        (json!("7"), 7),
        (json!("0"), 1),
        (json!("120"), 120),
        (json!(["3", "9"]), 9),
        (json!(["9", "3", "soon"]), 9),
        (json!(in_half_a_minute), 30),
    ] {
        for status in [429, 503] {
            let rule = json!({ "on": "scim", "skip": 90, "every": 97, "times": 5,
                "do": { "status": status, "headers": { "Retry-After": value } } });
            let script = json!({ "faults": [rule] }).to_string();
            let stage = stage(500, Options { faults: parse_script(&script).unwrap(), ..Options::default() });
            assert_eq!(stage.run("--rate unlimited --concurrency 64"), 0, "{value}");
            assert_eq!(faults(&stage), [""; 0], "{value}");
            let summary = stage.summary();
            assert_eq!(summary["outcomes"]["updated"], 500, "{value}: {summary}");
            assert_eq!(stage.truth().statuses[&status], 5, "{value}");
            let waited_s = summary["waited_ms"].as_u64().unwrap() / 1000;
            assert!(waited_s >= least_s, "{value}: {waited_s} s");
        }
    }
}

#[test]
fn of_waits_that_overlap_the_longest_counts() {
    // Sixty-four are under way: the shorter ones are told before the longest and after it.
    let script = r#"{"faults":[
        {"on":"lookup","skip":100,"do":{"status":429,"retry_after":"30"}},
        {"on":"lookup","skip":101,"times":10,"do":{"status":429,"retry_after":"2"}},
        {"on":"lookup","skip":101,"times":10,"do":{"status":503,"retry_after":"5"}}]}"#;
    let stage = stage(300, Options { faults: parse_script(script).unwrap(), ..Options::default() });
    assert_eq!(stage.run("--rate unlimited --concurrency 64"), 0);
    assert_eq!(faults(&stage), [""; 0]);
    assert_eq!(stage.summary()["waited_ms"].as_u64().unwrap() / 1000, 30);
}

#[test]
fn a_wait_that_is_told_while_a_token_is_fetched_holds_those_who_wait_for_it() {
    let script = r#"{"faults":[
        {"on":"lookup","skip":100,"do":{"status":401}},
        {"on":"lookup","skip":105,"do":{"status":429,"retry_after":"20"}},
        {"on":"token","skip":1,"do":{"wait_after_ms":3000}}]}"#;
    let stage = stage(300, Options { faults: parse_script(script).unwrap(), ..Options::default() });
    assert_eq!(stage.run("--rate unlimited --concurrency 64"), 0);
    assert_eq!(faults(&stage), [""; 0]);
    assert_eq!(stage.truth().token_requests, 2);
    assert_eq!(stage.summary()["waited_ms"].as_u64().unwrap() / 1000, 20);
}

#[test]
fn what_is_no_wait_is_backed_off_from() {
    for value in ["-3", "1.5", "", "soon", "Sun, 06 Nov 1994 08:49:37 GMT", "+5", "0x10"] {
        let rule = json!({ "on": "scim", "skip": 50, "every": 10, "times": 20,
            "do": { "status": 429, "retry_after": value } });
        let script = json!({ "faults": [rule] }).to_string();
        let stage = stage(300, Options { faults: parse_script(&script).unwrap(), ..Options::default() });
        assert_eq!(stage.run("--rate unlimited --concurrency 64"), 0, "{value}");
        assert_eq!(faults(&stage), [""; 0], "{value}");
        assert_eq!(stage.summary()["outcomes"]["updated"], 300, "{value}");
        assert!(stage.summary()["waited_ms"].as_u64().unwrap() >= 100, "{value}");
    }
}

#[test]
fn a_wait_beyond_our_patience_ends_the_run_and_no_row() {
    let far = "Fri, 31 Dec 9999 23:59:59 GMT";
    for value in ["99999999999999999999", "18446744073709551615", "901", far] {
        let rule = json!({ "on": "scim", "skip": 50, "do": { "status": 429, "retry_after": value } });
        let script = json!({ "faults": [rule] }).to_string();
        let stage = stage(300, Options { faults: parse_script(&script).unwrap(), ..Options::default() });
        assert_eq!(stage.run("--rate unlimited --concurrency 64"), 75, "{value}");
        let outcomes = stage.summary()["outcomes"].clone();
        assert_eq!(outcomes["failed"], 0, "{value}: {outcomes}");
        assert!(outcomes["pending"].as_u64().unwrap() > 200, "{value}: {outcomes}");
        assert_eq!(stage.run("--rate unlimited"), 0, "{value}");
        assert_eq!(faults(&stage), [""; 0], "{value}");
    }
}

#[test]
fn a_limit_that_nobody_told_us_is_found_and_held() {
    let dated = Limit { retry_after: RetryAfterStyle::HttpDate, ..Limit::window(20, 1000) };
    let silent = Limit { retry_after: RetryAfterStyle::None, ..Limit::window(20, 1000) };
    for (rows, limit) in [
        (750, Limit::window(300, 60_000)),
        (1500, Limit::window(10, 1000)),
        (3000, Limit::window(50, 1000)),
        (3000, Limit::bucket(50, 1000, 10)),
        (2000, dated),
        (2000, silent),
    ] {
        let limit = Limit { headers: false, ..limit };
        let stage = stage(rows, Options { limit: Some(limit.clone()), ..Options::default() });
        let flags = "--rate unlimited --concurrency 64 --max-attempts 20";
        assert_eq!(stage.run(flags), 0, "{limit:?}");
        assert_eq!(faults(&stage), [""; 0], "{limit:?}");
        assert_eq!(stage.summary()["outcomes"]["updated"], rows);
        let (used, refused) = after_a_minute(&stage.truth().requests, &limit);
        figure(&format!(
            "{}/{} ms, {:?}, {:?}: used {used} %, answered 429 {refused} %",
            limit.requests, limit.per_ms, limit.style, limit.retry_after
        ));
        assert!(used >= 90 && refused < 5, "{limit:?}: used {used} %, refused {refused} %");
    }
}

/// How much of a limit was used after the first minute, and how much of that was refused, in percent.
fn after_a_minute(requests: &[Seen], limit: &Limit) -> (u64, u64) {
    let settled: Vec<_> = requests.iter().filter(|seen| seen.at_ms >= 60_000).collect();
    let count = |refused: bool| {
        settled.iter().filter(|seen| (seen.status == 429) == refused).fold(0, |count, _| count + 1)
    };
    let (good, refused): (u64, u64) = (count(false), count(true));
    let span_ms = settled.last().unwrap().at_ms - settled[0].at_ms;
    let allowed = u64::from(limit.requests) * span_ms / limit.per_ms;
    (good * 100 / allowed, refused * 100 / (good + refused))
}
