//! An outage costs time and no row, and the service is not asked every second whether it is over.

use std::sync::Arc;
use std::time::Duration;

use super::judge::{Person, faults};
use super::network::{Shows, Weather};
use super::stage::Stage;
use crate::figures::figure;
use crate::sandbox::Options;

const OUTAGES: [Shows; 5] =
    [Shows::Refused, Shows::Silence, Shows::Status(500), Shows::Status(502), Shows::Status(503)];

/// A thousand rows, of which some hundreds are done when nothing works any more.
fn struck(shows: Shows, minutes: u64) -> Stage {
    let stage = Stage::new(Person::many(1000), Options::default(), Weather::calm(20), 1);
    let cable = Arc::clone(&stage.cable);
    stage.later(Duration::from_secs(80), move || {
        cable.fail_for(Duration::from_secs(60 * minutes), shows);
    });
    stage
}

#[test]
fn ten_minutes_of_outage_cost_no_row_and_few_requests() {
    for shows in OUTAGES {
        let stage = struck(shows, 10);
        assert_eq!(stage.run("--rate 10/s --max-outage 15m"), 0, "{shows:?}");
        assert_eq!(faults(&stage), [""; 0], "{shows:?}");
        let summary = stage.summary();
        assert_eq!(summary["outcomes"]["updated"], 1000, "{shows:?}: {summary}");
        let asked = stage.cable.seen().during_outage;
        figure(&format!("{asked} requests in ten minutes of outage ({shows:?})"));
        assert!((1..=25).contains(&asked), "{shows:?}: {asked} requests during the outage");
    }
}

#[test]
fn an_outage_longer_than_our_patience_leaves_rows_pending() {
    for shows in OUTAGES {
        let stage = struck(shows, 60);
        assert_eq!(stage.run("--rate 10/s"), 69, "{shows:?}");
        let outcomes = stage.summary()["outcomes"].clone();
        let count = |family: &str| outcomes[family].as_u64().unwrap_or_default();
        assert_eq!(count("failed"), 0, "{shows:?}: {outcomes}");
        assert!(count("updated") > 300 && count("pending") > 300, "{shows:?}: {outcomes}");
        // A PATCH may have been in the air when it began, or have been a probe.
        assert!(count("unknown") <= 16, "{shows:?}: {outcomes}");
        stage.settle();
        assert_eq!(stage.run("--rate 10/s"), 0, "{shows:?}");
        assert_eq!(faults(&stage), [""; 0], "{shows:?}");
        assert_eq!(stage.summary()["outcomes"]["updated"], 1000, "{shows:?}");
    }
}

#[test]
fn one_failure_in_five_is_no_outage() {
    let faults_in = r#"{"faults":[{"on":"scim","every":5,"times":null,"do":{"status":500}}]}"#;
    let faults_in = crate::sandbox::parse_script(faults_in).unwrap();
    let stage = Stage::new(
        Person::many(1000),
        Options { faults: faults_in, ..Options::default() },
        Weather::calm(20),
        2,
    );
    // Of a thousand rows it may well be one whose request fails five times.
    assert_eq!(stage.run("--rate 100/s --max-attempts 10"), 0);
    assert_eq!(faults(&stage), [""; 0]);
    let summary = stage.summary();
    let sent =
        summary["requests"]["lookup"].as_u64().unwrap() + summary["requests"]["patch"].as_u64().unwrap();
    assert_eq!(summary["outcomes"]["updated"], 1000);
    figure(&format!("{sent} requests for 1000 rows when one in five fails"));
    assert!(sent <= 3000, "{sent} requests for 1000 rows");
}
