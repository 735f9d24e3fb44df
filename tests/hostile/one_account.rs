//! One account is changed by one row, and a protected one by none, however it is spelt.

use std::fs;

use scim_rekey::sandbox::{Directory, Fault, On, Options, StatusReply, User};
use serde_json::json;

use crate::support::{Person, Stage, until};

const UUID: &str = "2819c223-7f76-453a-919d-413861904646";

/// The look-up of this address shows this id.
fn leads_to(email: &str, id: &str) -> Fault {
    let user = json!({"id": id, "userName": email, "active": true});
    let body = json!({"totalResults": 1, "Resources": [user]});
    Fault::new(On::Lookup, StatusReply { body: Some(body), ..StatusReply::new(200) }.into())
        .user(email)
        .forever()
}

fn listed(users: Vec<User>, faults: Vec<Fault>) -> Options {
    Options { directory: Directory::Listed(users), faults, ..Options::default() }
}

#[test]
fn of_64_addresses_that_lead_to_one_account_one_changes_it() {
    let people = Person::many(64);
    let faults = people.iter().map(|person| leads_to(&person.email, UUID)).collect();
    let stage = Stage::new(people, listed(vec![User::new("user0@example.com").id(UUID)], faults));
    stage.finish(stage.program().args(["--concurrency", "64"])).expect(3);
    assert_eq!((stage.truth().patch_requests, stage.truth().applied.len()), (1, 1));
    let ends: Vec<_> = (2..66).map(|line| stage.outcome(line)).collect();
    let count = |what: &str| ends.iter().filter(|end| *end == what).count();
    assert_eq!((count("updated"), count("failed/ambiguous")), (1, 63), "{ends:?}");
}

/// The first row's PATCH has left when the program is killed. The second row comes back from its
/// look-up first, and still finds the account taken.
#[test]
fn an_account_stays_with_its_row_across_a_kill() {
    use scim_rekey::sandbox::Action;
    let people = vec![Person::new("ann@example.com"), Person::new("ann.two@example.com")];
    let slow = |on, skip| Fault::new(on, Action::WaitMs(700)).user("ann@example.com").skip(skip);
    let faults = vec![
        Fault::new(On::Patch, Action::WaitAfterMs(60_000)),
        slow(On::Lookup, 1),
        leads_to("ann.two@example.com", "the-one"),
    ];
    let stage = Stage::new(people, listed(vec![User::new("ann@example.com").id("the-one")], faults));
    let first = stage.program().args(["--concurrency", "1"]).start();
    until("the PATCH is applied", || stage.truth().applied.len() == 1);
    first.signal("KILL");
    stage.wait(first);
    stage.finish(stage.program().args(["--concurrency", "64"])).expect(3);
    assert_eq!((stage.outcome(2).as_str(), stage.outcome(3).as_str()), ("updated", "failed/ambiguous"));
    let truth = stage.truth();
    assert_eq!((truth.patch_requests, truth.lookup_requests), (2, 3));
    let first = stage.people[0].password.0.as_str();
    assert!(truth.applied.iter().all(|applied| applied.password.as_deref() == Some(first)));
}

#[test]
fn a_uuid_in_either_case_is_one_account() {
    let upper = UUID.to_ascii_uppercase();
    let people = vec![Person::new("ann@example.com"), Person::new("ann.two@example.com")];
    let users = vec![User::new("ann@example.com").id(UUID), User::new("ann.two@example.com").id(&upper)];
    let stage = Stage::new(people, listed(users, Vec::new()));
    stage.finish(stage.program().args(["--concurrency", "1"])).expect(3);
    assert_eq!((stage.outcome(2).as_str(), stage.outcome(3).as_str()), ("updated", "failed/ambiguous"));
    assert_eq!(stage.truth().patch_requests, 1);
}

/// RFC 7643 section 3.1: ids are compared letter by letter.
#[test]
fn other_ids_that_differ_in_case_are_two_accounts() {
    let people = vec![Person::new("ann@example.com"), Person::new("bob@example.com")];
    let users =
        vec![User::new("ann@example.com").id("0051aAbC"), User::new("bob@example.com").id("0051aaBc")];
    let stage = Stage::new(people, listed(users, Vec::new()));
    stage.run().expect(0);
    stage.check_truth();
    assert_eq!(stage.truth().applied.len(), 2);
}

#[test]
fn a_protected_user_is_left_alone_however_the_name_is_spelt_and_whatever_else_is_asked_for() {
    let spelt =
        ["Boss@EXAMPLE.com", "JÖRG@example.com", "\u{212a}im@example.com", "inactive.chief@example.com"];
    let people = spelt.iter().copied().chain(["c@example.com"]).map(Person::new).collect();
    let users = spelt.iter().copied().chain(["c@example.com"]).map(User::new).collect();
    let stage = Stage::new(people, listed(users, Vec::new()));
    let list = stage.home.path().join("protect.txt");
    fs::write(
        &list,
        "\u{feff}boss@example.com\r\n  jörg@Example.com\t\nKIM@example.com\nINACTIVE.chief@example.com",
    )
    .unwrap();
    stage.finish(stage.program().arg("--include-inactive").arg("--protect").arg(&list)).expect(0);
    for line in 2..6 {
        assert_eq!(stage.outcome(line), "skipped/protected", "line {line}");
    }
    assert_eq!((stage.outcome(6).as_str(), stage.truth().lookup_requests), ("updated", 1));
}
