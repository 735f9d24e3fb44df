use std::time::{Duration, SystemTime};

use scim_rekey::sandbox::{Limit, Options, RetryAfterStyle, demo_faults};

use super::client::{Client, SCIM, script, token};

fn limited(limit: Limit) -> Client {
    Client::new(Options { limit: Some(limit), ..Options::default() })
}

#[test]
fn what_is_over_the_limit_is_refused_until_the_window_ends() {
    let client = limited(Limit::window(2, 1500));
    let good = client.find("a@example.com");
    assert_eq!(good.header("inin-ratelimit-allowed"), Some("2"));
    assert_eq!(good.header("inin-ratelimit-count"), Some("1"));
    assert_eq!(good.header("inin-ratelimit-reset"), Some("2"));
    assert_eq!(client.get(&format!("{SCIM}/ServiceProviderConfig")).status, 200);
    let refused = client.find("a@example.com");
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("2")));
    assert_eq!(refused.header("inin-ratelimit-count"), Some("3"));
    let body = refused.json();
    assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(429), Some("too.many.requests")));
    std::thread::sleep(Duration::from_millis(1600));
    assert_eq!(client.find("a@example.com").status, 200);
}

#[test]
fn every_token_has_a_limit_of_its_own() {
    let client = limited(Limit::window(1, 60_000));
    assert_eq!(client.find("a@example.com").status, 200);
    assert_eq!(client.find("a@example.com").status, 429);
    let token = token(&client.sandbox).unwrap().json()["access_token"].clone();
    let other = Client { token: token.as_str().unwrap().into(), ..client };
    assert_eq!(other.find("a@example.com").status, 200);
}

#[test]
fn a_limit_can_be_one_for_all_tokens_and_a_token_the_same_again() {
    let client = limited(Limit { shared: true, ..Limit::window(1, 60_000) });
    assert_eq!(client.find("a@example.com").status, 200);
    let token = token(&client.sandbox).unwrap().json()["access_token"].clone();
    let other = Client { token: token.as_str().unwrap().into(), ..client };
    assert_eq!(other.find("a@example.com").status, 429);
    let bore: Vec<_> = other.sandbox.truth().requests.iter().filter_map(|seen| seen.token).collect();
    assert_eq!(bore, [1, 2]);

    let same = Client::new(Options { same_token: true, ..Options::default() });
    let token = self::token(&same.sandbox).unwrap().json()["access_token"].clone();
    assert_eq!(token.as_str(), Some(&*same.token));
}

#[test]
fn the_wait_is_told_in_the_style_chosen() {
    let with = |retry_after| {
        let client = limited(Limit { retry_after, headers: false, ..Limit::window(1, 2000) });
        let good = client.find("a@example.com");
        assert_eq!(good.header("inin-ratelimit-count"), None);
        let refused = client.find("a@example.com");
        assert_eq!((refused.status, refused.header("inin-ratelimit-count")), (429, None));
        refused.header("retry-after").map(str::to_owned)
    };
    assert_eq!(with(RetryAfterStyle::None), None);
    assert_eq!(with(RetryAfterStyle::Seconds).as_deref(), Some("2"));
    let date = httpdate::parse_http_date(&with(RetryAfterStyle::HttpDate).unwrap()).unwrap();
    let wait = date.duration_since(SystemTime::now()).unwrap();
    assert!(wait > Duration::from_millis(1500) && wait < Duration::from_secs(4), "{wait:?}");
}

#[test]
fn a_bucket_lets_a_burst_through() {
    let client = limited(Limit::bucket(1, 60_000, 3));
    let replies = [(); 4].map(|()| client.find("a@example.com"));
    assert_eq!(replies.each_ref().map(|reply| reply.status), [200, 200, 200, 429]);
    let told = replies.iter().find_map(|reply| reply.header("inin-ratelimit-allowed"));
    assert_eq!(told, None, "the vendor's headers speak of windows");
}

#[test]
fn who_comes_back_too_early_is_seen() {
    let client = limited(Limit::window(1, 1000));
    let statuses = [(); 3].map(|()| client.find("a@example.com").status);
    assert_eq!(statuses, [200, 429, 429]);
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(client.find("a@example.com").status, 200);
    let truth = client.sandbox.truth();
    let early: Vec<bool> = truth.requests.iter().map(|seen| seen.during_hold).collect();
    assert_eq!(early, [false, false, false, true, false]);
    let (refused, early) = (&truth.requests[2], &truth.requests[3]);
    assert!(early.hold_announced_ms.unwrap() >= refused.at_ms);
    assert_eq!(truth.during_hold, 1);
}

#[test]
fn the_demonstration_has_a_few_hitches() {
    let client = Client::new(Options { faults: demo_faults(), ..Options::default() });
    let statuses: Vec<u16> = (0..40).map(|_| client.find("a@example.com").status).collect();
    assert_eq!(statuses.iter().filter(|&&status| status == 503).count(), 1);
    assert_eq!(statuses.iter().filter(|&&status| status == 429).count(), 2);
    assert_eq!(statuses[4], 503);
}

#[test]
fn what_is_refused_at_the_door_does_not_use_a_fault_up() {
    let client = Client::new(Options {
        limit: Some(Limit::window(1, 1000)),
        faults: script(r#"{"on":"lookup","skip":1,"do":{"status":500}}"#),
        ..Options::default()
    });
    assert_eq!(client.find("a@example.com").status, 200);
    assert_eq!(client.find("a@example.com").status, 429);
    let stranger = Client { token: "made-up".into(), ..client };
    assert_eq!(stranger.find("a@example.com").status, 401);
    let token = token(&stranger.sandbox).unwrap().json()["access_token"].clone();
    let client = Client { token: token.as_str().unwrap().into(), ..stranger };
    assert_eq!(client.find("a@example.com").status, 500);
}
