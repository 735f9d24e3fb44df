//! A list that is refused, broken, endless or a lie costs requests, and changes nobody else.

use scim_rekey::sandbox::{Fault, Kind, On, Options, StatusReply, User};
use serde_json::{Value, json};

use super::{accounts, counts, known, known_but, known_with, listing, lookups, service, spans, warning};
use crate::support::{Finished, Person, Stage, faults};

/// The job for so many people, with the list of users and these faults.
fn job(count: usize, rules: &str, args: &[&str]) -> (Stage, Finished) {
    let stage = known_but(count, rules);
    let done = stage.finish(listing(&stage).args(args));
    (stage, done)
}

#[test]
fn large_pages_that_are_refused_are_asked_for_again_smaller() {
    let stage = known_with(130, |options| Options { busy_page_over: Some(40), ..options });
    stage.finish(listing(&stage)).expect(0);
    stage.check_truth();
    let (pages, names) = lookups(&stage);
    let mut asked = spans(&pages);
    assert_eq!(asked[..3], [(1, 100), (1, 50), (1, 25)]);
    asked[3..].sort_unstable();
    assert_eq!(asked[3..], [(26, 25), (51, 25), (76, 25), (101, 25), (126, 5)]);
    assert_eq!((names.len(), stage.summary()["throttled"].as_u64()), (0, Some(2)));
}

#[test]
fn a_page_that_is_too_long_to_be_read_is_asked_for_again_smaller() {
    let (stage, done) = job(60, r#"{"on":"lookup","do":{"huge":4000000}}"#, &[]);
    done.expect(0);
    stage.check_truth();
    assert_eq!((counts(&stage), warning(&stage).as_str()), ((3, 0), ""));
}

#[test]
fn a_list_that_cannot_be_had_is_done_without_and_that_is_said() {
    for (rule, args, pages, why) in [
        (r#"{"on":"lookup","do":{"status":403}}"#, &[][..], 1, "forbids it (403)"),
        (r#"{"on":"lookup","do":{"status":400}}"#, &[], 1, "refuses it (400)"),
        (r#"{"on":"lookup","do":"html"}"#, &[], 1, "not answered with a list"),
        (r#"{"on":"lookup","do":{"deep":100000}}"#, &[], 1, "not answered with a list"),
        (
            r#"{"on":"lookup","do":{"status":200,"body":{"totalResults":9}}}"#,
            &[],
            1,
            "not answered with a list",
        ),
        (
            r#"{"on":"lookup","do":{"status":200,"body":{"totalResults":9,"Resources":[]}}}"#,
            &[],
            1,
            "counts users that it does not show",
        ),
        (r#"{"on":"lookup","do":{"total_results":6000000}}"#, &[], 1, "too long"),
        (r#"{"on":"lookup","times":2,"do":{"status":500}}"#, &["--max-attempts", "2"], 2, "not served"),
        (
            r#"{"on":"lookup","times":4,"do":{"status":429,"retry_after":"1"}}"#,
            &["--max-attempts", "2"],
            4,
            "answered 429",
        ),
    ] {
        let (stage, done) = job(20, rule, args);
        let done = done.expect(0);
        stage.check_truth();
        assert_eq!((counts(&stage), stage.truth().applied.len()), ((pages, 20), 20), "{rule}");
        assert!(warning(&stage).contains(why), "{rule}: {}", warning(&stage));
        assert!(done.stderr.contains(why), "{rule}: {}", done.stderr);
    }
}

#[test]
fn a_page_in_the_middle_that_cannot_be_had_spoils_the_list() {
    let (stage, done) = job(450, r#"{"on":"lookup","skip":2,"do":{"status":403}}"#, &[]);
    done.expect(0);
    stage.check_truth();
    let (pages, names) = counts(&stage);
    assert!((3..=5).contains(&pages) && names == 450, "{pages} pages, {names} names");
}

#[test]
fn a_list_that_ends_before_its_count_proves_nobody() {
    let rule = r#"{"on":"lookup","skip":1,"do":{"status":200,"body":{"totalResults":130,"Resources":[]}}}"#;
    let (stage, done) = job(130, rule, &[]);
    done.expect(0);
    stage.check_truth();
    assert_eq!(counts(&stage), (2, 130), "whoever was not shown could be a namesake");
    assert!(warning(&stage).contains("counts users that it does not show"), "{}", warning(&stage));
}

#[test]
fn a_redirect_or_a_token_that_is_refused_stops_the_run_as_ever() {
    let (stage, done) =
        job(20, r#"{"on":"lookup","do":{"redirect":"http://127.0.0.1:9/","status":307}}"#, &[]);
    done.expect(78);
    assert_eq!((counts(&stage), stage.outcome(2).as_str()), ((1, 0), "pending/interrupted"));
    let (stage, done) = job(20, r#"{"on":"lookup","times":null,"do":{"status":401}}"#, &[]);
    done.expect(77);
    assert_eq!(stage.truth().patch_requests, 0);
    let (stage, done) = job(20, r#"{"on":"lookup","do":"expire_token"}"#, &[]);
    done.expect(0);
    stage.check_truth();
    assert_eq!((counts(&stage), stage.summary()["requests"]["token"].as_u64()), ((2, 0), Some(2)));
}

#[test]
fn a_service_that_ignores_where_a_page_begins_is_seen_through() {
    let rule = r#"{"on":"lookup","times":null,"do":"ignore_start_index"}"#;
    let (stage, done) = job(350, rule, &[]);
    done.expect(0);
    stage.check_truth();
    let (pages, names) = counts(&stage);
    assert!(pages <= 4 && names == 350, "{pages} pages, {names} names");
    assert!(warning(&stage).contains("repeats itself"), "{}", warning(&stage));
}

#[test]
fn a_service_that_shows_fewer_than_it_says_is_taken_by_its_deeds() {
    let rule = r#"{"on":"config","do":{"status":200,"body":{"etag":{"supported":true},"filter":{"maxResults":100}}}}"#;
    let stage = known_with(130, |options| Options { max_page: 30, faults: faults(rule).faults, ..options });
    stage.finish(listing(&stage)).expect(0);
    stage.check_truth();
    let (pages, names) = lookups(&stage);
    let mut asked = spans(&pages);
    asked.sort_unstable();
    assert_eq!((asked, names.len()), (vec![(1, 100), (31, 30), (61, 30), (91, 30), (121, 10)], 0));
}

#[test]
fn a_list_that_counts_users_without_end_ends() {
    let (stage, done) = job(130, r#"{"on":"lookup","do":{"total_results":3000000}}"#, &[]);
    done.expect(0);
    stage.check_truth();
    let (pages, names) = counts(&stage);
    assert!(pages <= 40 && names == 0, "{pages} pages, {names} names");
}

fn user(id: &str, name: &str) -> Value {
    json!({"id": id, "userName": name, "active": true, "meta": {"version": "W/\"1\""}})
}

/// The user with one member in the place of what was there.
fn but(mut user: Value, member: &str, value: Value) -> Value {
    user[member] = value;
    user
}

/// What a list shows of the people, from the second on: a lie about each.
fn lies(people: &[Person]) -> Vec<Value> {
    let name = |n: usize| people[n].email.as_str();
    let id = |n: usize| format!("id-{n}");
    let honest = |n: usize| user(&id(n), name(n));
    let version = |n: usize, version: &str| but(honest(n), "meta", json!({ "version": version }));
    vec![
        user("../id-0", name(1)),
        user(&people[2].password.0, name(2)),
        user(&format!("x-{}", people[3].phone.0.trim_start_matches('+')), name(3)),
        user("id\u{7}4", name(4)),
        user("%2e%2e", name(5)),
        // Somebody else's account under this name, who is shown as well.
        user("id-victim", name(6)),
        user("id-victim", "victim@example.com"),
        // Two accounts of one name.
        honest(7),
        user("id-victim-too", &name(7).to_ascii_uppercase()),
        but(honest(8), "active", json!("perhaps")),
        but(honest(9), "active", json!(false)),
        honest(10),
        but(honest(10), "active", json!(false)),
        version(11, "*"),
        version(12, r#"W/"1", W/"2""#),
        version(13, "1\r\nX-Other: 2"),
        but(honest(14), "meta", json!({})),
        but(honest(15), "meta", json!({"version": "W/\"1\"", "resourceType": "Group"})),
        but(honest(16), "meta", json!({"version": "W/\"1\"", "location": "https://x.example/Users/id-0"})),
        but(honest(17), "id", json!(17)),
        but(honest(18), "userName", json!(["user18@example.com"])),
        user(&id(19), &format!("{}\u{200b}", name(19))),
        user(&id(20), &name(20).replace('u', "\u{21b}")),
    ]
}

#[test]
fn a_list_of_lies_leads_to_nobody_else() {
    let people = Person::many(21);
    let lies = lies(&people);
    let mut users: Vec<_> = people
        .iter()
        .enumerate()
        .map(|(n, person)| User::new(person.email.as_str()).id(format!("id-{n}")))
        .collect();
    users.push(User::new("victim@example.com").id("id-victim"));
    users.push(User::new("victim.too@example.com").id("id-victim-too"));
    let mut shown = vec![user("id-0", "user0@example.com")];
    shown.extend(lies);
    let body = json!({"totalResults": shown.len(), "Resources": shown});
    let list = Fault::new(On::Lookup, StatusReply { body: Some(body), ..StatusReply::new(200) }.into());
    let stage = Stage::new(people, Options { faults: vec![list], ..service(users) });
    stage.finish(listing(&stage)).expect(0);
    stage.check_truth();
    let truth = stage.truth();
    assert_eq!((counts(&stage), truth.applied.len()), ((1, 20), 21), "only the first is beyond doubt");
    assert!(truth.applied.iter().all(|applied| !applied.user_name.starts_with("victim")));
    assert!(
        truth.requests.iter().all(|seen| seen.kind != Kind::Patch || seen.status == 200),
        "no PATCH astray"
    );
}

#[test]
fn an_attribute_that_comes_twice_makes_a_list_unreadable() {
    let twice = r#"{"totalResults":1,"Resources":[{"id":"a","ID":"b","userName":"user0@example.com"}]}"#;
    let body = StatusReply { body: Some(twice.into()), ..StatusReply::new(200) };
    let people = Person::many(1);
    let users = accounts(&people);
    let stage =
        Stage::new(people, Options { faults: vec![Fault::new(On::Lookup, body.into())], ..service(users) });
    stage.finish(listing(&stage)).expect(0);
    assert_eq!(counts(&stage), (1, 1));
}

#[test]
fn twins_are_told_by_name() {
    let people = Person::many(3);
    let mut users = accounts(&people);
    users.push(User::new("USER1@example.com").id("twin"));
    let stage = Stage::new(people, service(users));
    stage.finish(listing(&stage)).expect(3);
    stage.check_truth();
    assert_eq!((stage.outcome(3).as_str(), counts(&stage)), ("failed/ambiguous", (1, 1)));
}

#[test]
fn a_list_of_two_pages_that_overlap_is_settled_by_name() {
    let stage = known(4);
    let page = |numbers: &[usize]| {
        let shown: Vec<_> =
            numbers.iter().map(|n| user(&format!("id-{n}"), &format!("user{n}@example.com"))).collect();
        let body = json!({"totalResults": 4, "Resources": shown});
        Fault::new(On::Lookup, StatusReply { body: Some(body), ..StatusReply::new(200) }.into())
    };
    stage.sandbox.0.set_faults(vec![page(&[0, 1]), page(&[1, 2])]);
    stage.finish(listing(&stage)).expect(0);
    stage.check_truth();
    // The ids are none of the sandbox's, so a PATCH that rests on the list goes nowhere.
    let astray = stage.truth().requests.into_iter().filter(|seen| seen.status == 404);
    let mut astray: Vec<_> = astray.map(|seen| seen.path.split("/id-").nth(1).unwrap().to_owned()).collect();
    astray.sort_unstable();
    assert_eq!((astray, counts(&stage)), (vec!["0".to_owned(), "2".to_owned()], (2, 4)));
}
