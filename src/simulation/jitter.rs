//! `--start-jitter` against the clock: it takes its time, and leaves enough for the work.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{ToSpan as _, Zoned};

use super::judge::{Person, faults};
use super::network::Weather;
use super::stage::Stage;
use crate::sandbox::Options;

/// Seconds until the first request.
fn waited(flags: &str, seed: u64) -> f64 {
    let stage = Stage::new(Person::many(3), Options::default(), Weather::calm(25), seed);
    assert_eq!(stage.run(flags), 0, "{flags}");
    assert_eq!(faults(&stage), [""; 0], "{flags}");
    Duration::from_millis(stage.truth().requests[0].at_ms).as_secs_f64()
}

#[test]
fn each_machine_waits_for_a_time_of_its_own() {
    let waits: Vec<_> = (0..20).map(|seed| waited("--start-jitter 1h", seed)).collect();
    assert!(waits.iter().all(|wait| *wait < 3601.0), "{waits:?}");
    assert!(waits.iter().any(|wait| *wait < 900.0) && waits.iter().any(|wait| *wait > 2700.0), "{waits:?}");
    let minutes: BTreeSet<_> = waits.iter().map(|wait| (wait / 60.0).to_bits()).collect();
    assert_eq!(minutes.len(), 20, "{waits:?}");
    assert!(waited("", 1) < 1.0);
}

#[test]
fn the_time_for_the_work_begins_after_the_wait() {
    let wait = waited("--start-jitter 5h --max-duration 1m", 4);
    assert!(wait > 60.0, "{wait}");
}

#[test]
fn half_of_the_time_to_the_deadline_is_left_for_the_work() {
    for seed in 0..10 {
        let then = Zoned::now() + 20.minutes();
        let wait = waited(&format!("--start-jitter 100h --deadline {}", then.strftime("%H:%M")), seed);
        assert!(wait < 601.0, "{wait}");
    }
}
