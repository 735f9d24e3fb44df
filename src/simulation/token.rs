//! The token: one request for it, however many rows wait, and never a row that fails for it.

use std::time::Duration;

use super::judge::{Person, faults};
use super::network::Weather;
use super::stage::Stage;
use crate::figures::figure;
use crate::sandbox::{Options, parse_script};

fn stage(rows: u64, options: Options) -> Stage {
    Stage::new(Person::many(rows), options, Weather::calm(50), 3)
}

#[test]
fn sixty_four_401s_at_once_cost_one_token() {
    let stage = stage(1000, Options::default());
    let service = stage.service.clone();
    stage.later(Duration::from_millis(2_530), move || service.revoke_tokens());
    assert_eq!(stage.run("--rate unlimited --concurrency 64"), 0);
    assert_eq!(faults(&stage), [""; 0]);
    let truth = stage.truth();
    assert_eq!((truth.token_requests, truth.statuses[&401]), (2, 64), "one at first, one for all of them");
    assert_eq!(stage.summary()["outcomes"]["updated"], 1000);
}

#[test]
fn a_service_that_refuses_every_token_is_asked_for_two() {
    let script = r#"{"faults":[{"on":"lookup","times":null,"do":{"status":401}}]}"#;
    // All at once, and one after another, so that the second token is refused to a row of its own.
    for flags in ["--rate unlimited --concurrency 64", "--rate 20/s --concurrency 64"] {
        let stage = stage(200, Options { faults: parse_script(script).unwrap(), ..Options::default() });
        assert_eq!(stage.run(flags), 77, "{flags}");
        assert_eq!(stage.truth().token_requests, 2, "{flags}");
        let outcomes = stage.summary()["outcomes"].clone();
        assert_eq!((&outcomes["pending"], &outcomes["failed"]), (&200.into(), &0.into()), "{outcomes}");
    }
}

#[test]
fn a_token_that_lives_half_a_minute_fails_no_row_in_two_hours() {
    let stage = stage(1200, Options { token_life_s: 30, ..Options::default() });
    assert_eq!(stage.run("--rate 20/min --concurrency 64"), 0);
    assert_eq!(faults(&stage), [""; 0]);
    let truth = stage.truth();
    assert!(truth.requests.last().unwrap().at_ms >= 7_190_000, "two hours");
    assert_eq!(stage.summary()["outcomes"]["updated"], 1200);
    assert_eq!(truth.statuses.get(&401), None, "it is renewed before it ends");
    figure(&format!("{} tokens of 30 s in two hours, no 401, no failed row", truth.token_requests));
    // At half its life.
    assert!((240..=490).contains(&truth.token_requests), "{} tokens", truth.token_requests);
}

#[test]
fn a_stop_does_not_wait_for_a_token_and_leaves_no_row_in_doubt_for_it() {
    // Every PATCH is refused for its token, and the token endpoint takes a minute.
    let script = r#"{"faults":[{"on":"patch","skip":20,"every":1,"times":null,"do":"expire_token"},
        {"on":"token","skip":1,"times":null,"do":{"wait_ms":50000}}]}"#;
    let stage = stage(100, Options { faults: parse_script(script).unwrap(), ..Options::default() });
    assert_eq!(stage.run("--rate unlimited --concurrency 8 --max-duration 5s"), 75);
    let outcomes = stage.summary()["outcomes"].clone();
    assert_eq!((&outcomes["unknown"], &outcomes["failed"]), (&0.into(), &0.into()), "{outcomes}");
    assert!(outcomes["pending"].as_u64().unwrap() > 70, "{outcomes}");
    stage.service.set_faults(Vec::new());
    assert_eq!(stage.run("--rate unlimited"), 0);
    assert_eq!(faults(&stage), [""; 0]);
}
