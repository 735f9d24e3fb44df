//! How many requests it takes.

use scim_rekey::sandbox::{Directory, Kind, Options, User};

use super::{accounts, counts, known, known_with, listing, lookups, service, spans};
use crate::support::{Person, Stage};

/// A whole organisation of so many, found as the program likes.
#[track_caller]
fn whole_organisation(people: usize) {
    let stage = known(people);
    stage.run().expect(0);
    stage.check_truth();
    let truth = stage.truth();
    let requests = truth.requests.len();
    assert_eq!(stage.summary()["outcomes"]["updated"], people);
    assert_eq!(requests, people + people.div_ceil(100) + 2, "token, configuration, pages, changes");
    assert!(requests * 100 <= people * 102, "{requests} requests for {people} rows");
    let summary = stage.summary();
    assert_eq!(summary["requests"]["lookup"], truth.lookup_requests + 1, "pages are counted");
    assert!(stage.outcomes().iter().all(|row| row["attempts"] == "1"), "and are no row's attempts");
}

#[test]
fn a_whole_organisation_takes_hardly_more_than_a_request_a_row() {
    whole_organisation(1500);
}

#[test]
#[ignore = "the figure of the promise; the plain suite proves the same with fewer"]
fn a_whole_organisation_of_10_000_takes_at_most_1_02_requests_a_row() {
    whole_organisation(10_000);
}

#[test]
fn pages_are_as_large_as_the_service_says_and_ask_for_little() {
    let stage = known_with(130, |options| Options { max_page: 50, ..options });
    stage.finish(listing(&stage)).expect(0);
    stage.check_truth();
    let (pages, names) = lookups(&stage);
    let mut asked = spans(&pages);
    asked.sort_unstable();
    assert_eq!((asked, names.len()), (vec![(1, 50), (51, 50), (101, 30)], 0));
    assert!(
        pages.iter().all(|page| page.query.ends_with("&attributes=id,userName,active,meta")),
        "{pages:?}"
    );
    assert!(pages.iter().all(|page| page.accept.as_deref() == Some("application/scim+json")));
}

#[test]
fn who_is_not_in_the_list_is_asked_for_by_name() {
    let mut people = Person::many(40);
    people[3] = Person::new("nobody@example.com");
    people[5] = Person::new("away@example.com");
    let mut users = accounts(&people);
    users.remove(3);
    users[4].active = false;
    // Whom the input does not ask for.
    users.extend((0..70).map(|n| User::new(format!("other{n}@example.com"))));
    let stage = Stage::new(people, service(users));
    stage.finish(listing(&stage)).expect(3);
    stage.check_truth();
    let (_, names) = lookups(&stage);
    let mut names: Vec<_> = names.into_iter().filter_map(|seen| seen.user).collect();
    names.sort_unstable();
    assert_eq!(names, ["away@example.com", "nobody@example.com"]);
    assert_eq!(
        (stage.outcome(5).as_str(), stage.outcome(7).as_str()),
        ("failed/not_found", "skipped/inactive")
    );
    assert_eq!(stage.summary()["outcomes"]["updated"], 38);
    assert_eq!(stage.truth().patch_requests, 38);
}

#[test]
fn an_inactive_user_is_asked_for_even_where_such_are_changed() {
    let people = Person::many(2);
    let mut users = accounts(&people);
    users[1].active = false;
    let stage = Stage::new(people, service(users));
    stage.finish(listing(&stage).arg("--include-inactive")).expect(0);
    stage.check_truth();
    assert_eq!((counts(&stage), stage.truth().applied.len()), ((1, 1), 2));
}

/// What `auto` asks for with so many rows of an organisation of so many.
fn auto(rows: usize, users: usize) -> (usize, usize) {
    let everybody = Person::many(users);
    let stage = Stage::new(everybody[..rows].to_vec(), service(accounts(&everybody)));
    stage.run().expect(0);
    stage.check_truth();
    counts(&stage)
}

#[test]
fn auto_reads_the_list_where_that_takes_clearly_fewer_requests() {
    // Below a hundred rows nobody asks how long the list is.
    assert_eq!(auto(99, 99), (0, 99));
    assert_eq!(auto(100, 100), (1, 0));
    // 51 pages: the first says that 50 more would be half of what they could spare.
    assert_eq!(auto(100, 5100), (51, 0));
    // One page more is too many.
    assert_eq!(auto(100, 5101), (1, 100));
}

#[test]
fn a_filter_is_a_filter() {
    let stage = known(150);
    stage.finish(stage.program().args(["--lookup", "filter"])).expect(0);
    assert_eq!(counts(&stage), (0, 150));
    // Nobody is listed, so one request tells that the list is of no use.
    let stage =
        Stage::new(Person::many(150), Options { directory: Directory::OnDemand, ..Options::default() });
    stage.run().expect(0);
    assert_eq!(counts(&stage), (1, 150));
}

#[test]
fn a_rehearsal_uses_the_list_too() {
    let stage = known(120);
    stage.finish(listing(&stage).arg("--dry-run")).expect(0);
    stage.check_truth();
    assert_eq!((counts(&stage), stage.truth().patch_requests), ((2, 0), 0));
    assert_eq!(stage.summary()["outcomes"]["would_update"], 120);
    assert!(stage.outcomes().iter().all(|row| row["attempts"] == "0" && !row["user_id"].is_empty()));
}

#[test]
fn only_rows_that_are_still_open_count() {
    let people = Person::many(300);
    let stage = Stage::new(people.clone(), service(accounts(&people)));
    // Two thirds are done, and then the service is down for good.
    let rule = r#"{"on":"patch","skip":205,"times":null,"do":{"status":403}}"#;
    stage
        .sandbox
        .0
        .set_faults(scim_rekey::sandbox::parse_script(&format!("{{\"faults\":[{rule}]}}")).unwrap());
    stage.run().expect(77);
    let (before, done) = (counts(&stage), stage.truth().applied.len());
    assert_eq!((before, done), ((3, 0), 205));
    stage.sandbox.0.set_faults(Vec::new());
    stage.run();
    let after = counts(&stage);
    assert_eq!(after.0, 3, "for less than a hundred rows the list is not asked for: {after:?}");
    let left = stage.outcomes().iter().filter(|row| row["outcome"] != "failed").count() - done;
    assert_eq!(after.1, left, "each is looked up by name");
}

#[test]
fn rows_that_need_no_look_up_are_not_counted() {
    let mut people = Person::many(100);
    people.push(people[0].clone());
    let stage = Stage::new(people.clone(), service(accounts(&people[..100])));
    let list = stage.home.path().join("protect.txt");
    std::fs::write(&list, "user7@example.com\n").unwrap();
    stage.finish(stage.program().arg("--protect").arg(&list)).expect(0);
    assert_eq!(counts(&stage), (0, 99));
    assert!(stage.truth().requests.iter().all(|seen| seen.kind != Kind::Lookup || seen.status == 200));
}
