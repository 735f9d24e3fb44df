//! The list is older than the PATCH: whoever has changed since is caught, and not changed blindly.

use scim_rekey::sandbox::{Kind, Options, PatchReply, StaleMatch, User};

use super::{accounts, counts, known, known_but, listing, service, warning};
use crate::support::{Person, Stage, faults};

const ALL: [StaleMatch; 3] = [StaleMatch::PreconditionFailed, StaleMatch::InvalidVers, StaleMatch::Conflict];

/// Somebody renames Ann after the list is read and before her PATCH.
fn renamed(stale_match: StaleMatch) -> Stage {
    let people = vec![Person::new("ann@example.com"), Person::new("bob@example.com")];
    let users = vec![User::new("ann@example.com").id("a"), User::new("bob@example.com").id("b")];
    let rule = r#"{"on":"patch","user":"ann@example.com","do":{"rename":"ann.married@example.com"}}"#;
    Stage::new(people, Options { stale_match, faults: faults(rule).faults, ..service(users) })
}

#[test]
fn nobody_who_was_renamed_since_is_changed() {
    for stale_match in ALL {
        let stage = renamed(stale_match);
        stage.finish(listing(&stage).args(["--concurrency", "1"])).expect(3);
        stage.check_truth();
        let truth = stage.truth();
        assert_eq!(truth.applied.iter().map(|applied| applied.user_id.as_str()).collect::<Vec<_>>(), ["b"]);
        assert_eq!((stage.outcome(2).as_str(), stage.outcome(3).as_str()), ("failed/not_found", "updated"));
        assert_eq!(stage.outcomes()[0]["user_id"], "", "the account that was refused is not this row's");
        assert_eq!(counts(&stage), (1, 1), "the list, and then by name");
    }
}

#[test]
fn who_bears_the_name_now_is_changed() {
    // While Ann's PATCH is under way somebody else has taken the name: she is looked up by name.
    let people = vec![Person::new("ann@example.com")];
    let users = vec![User::new("ann@example.com").id("a"), User::new("heir@example.com").id("h")];
    let rules = r#"{"on":"patch","user":"a","do":{"rename":"ann.married@example.com"}},
                   {"on":"lookup","user":"ann@example.com","do":{"status":200,"body":{"totalResults":1,"Resources":[
                       {"id":"h","userName":"ann@example.com","active":true,"meta":{"version":"W/\"1\""}}]}}}"#;
    let silent = Options { patch_reply: PatchReply::NoContent, ..service(users) };
    let stage = Stage::new(people, Options { faults: faults(rules).faults, ..silent });
    stage.finish(listing(&stage)).expect(0);
    let truth = stage.truth();
    assert_eq!(truth.applied.iter().map(|applied| applied.user_id.as_str()).collect::<Vec<_>>(), ["h"]);
}

/// Some services list versions and take every PATCH, whatever its `If-Match` says.
#[test]
fn a_yes_that_shows_somebody_else_stops_the_run() {
    let people = vec![Person::new("ann@example.com"), Person::new("bob@example.com")];
    let users = vec![User::new("heir@example.com").id("h"), User::new("bob@example.com").id("b")];
    let rule = r#"{"on":"lookup","do":{"status":200,"body":{"totalResults":1,"Resources":[
        {"id":"h","userName":"ann@example.com","active":true,"meta":{"version":"W/\"1\""}}]}}}"#;
    let stage = Stage::new(people, Options { faults: faults(rule).faults, ..service(users) });
    stage.finish(listing(&stage).args(["--concurrency", "1"])).expect(78);
    assert_eq!(stage.truth().patch_requests, 1, "the first goes alone");
    assert_eq!(stage.outcome(2), "unknown/server_error");
}

/// The two rows are about one person, whose name has changed in between.
#[test]
fn an_account_that_a_row_had_to_leave_is_free_for_the_row_of_its_new_name() {
    let people = vec![Person::new("ann@example.com"), Person::new("ann.married@example.com")];
    let rules = r#"{"on":"patch","user":"a","do":{"rename":"ann.married@example.com"}}"#;
    let users = vec![User::new("ann@example.com").id("a")];
    let stage = Stage::new(people, Options { faults: faults(rules).faults, ..service(users) });
    stage.finish(listing(&stage).args(["--concurrency", "1"])).expect(3);
    stage.check_truth();
    assert_eq!((stage.outcome(2).as_str(), stage.outcome(3).as_str()), ("failed/not_found", "updated"));
    assert_eq!(stage.truth().applied.len(), 1);
}

#[test]
fn who_was_deactivated_since_is_left_alone() {
    let rules = r#"{"on":"patch","user":"user1@example.com","do":"deactivate"}"#;
    let stage = known_but(3, rules);
    stage.finish(listing(&stage)).expect(0);
    stage.check_truth();
    assert_eq!((stage.outcome(3).as_str(), stage.truth().applied.len()), ("skipped/inactive", 2));
}

#[test]
fn who_was_deleted_since_and_is_there_again_is_found_by_name() {
    let rule = r#"{"on":"lookup","do":{"status":200,"body":{"totalResults":2,"Resources":[
        {"id":"gone","userName":"ann@example.com","active":true,"meta":{"version":"W/\"9\""}},
        {"id":"gone.too","userName":"bob@example.com","active":true,"meta":{"version":"W/\"9\""}}]}}}"#;
    let people = vec![Person::new("ann@example.com"), Person::new("bob@example.com")];
    let users = vec![User::new("ann@example.com").id("new")];
    let stage = Stage::new(people, Options { faults: faults(rule).faults, ..service(users) });
    stage.finish(listing(&stage)).expect(3);
    stage.check_truth();
    assert_eq!((stage.outcome(2).as_str(), stage.outcome(3).as_str()), ("updated", "failed/not_found"));
    assert_eq!((counts(&stage), stage.truth().patch_requests), ((1, 2), 3));
}

#[test]
fn every_patch_after_the_list_bears_the_version() {
    let stage = known(5);
    stage.finish(listing(&stage)).expect(0);
    let patches = stage.truth().requests.into_iter().filter(|seen| seen.kind == Kind::Patch);
    let versions: Vec<_> = patches.map(|seen| seen.if_match).collect();
    assert_eq!(versions, vec![Some("W/\"1\"".to_owned()); 5]);
}

#[test]
fn a_change_in_doubt_is_looked_up_by_name() {
    let rules = r#"{"on":"patch","user":"user1@example.com","do":{"status_after":502}}"#;
    let stage = known_but(3, rules);
    stage.finish(listing(&stage)).expect(0);
    stage.check_truth();
    assert_eq!((counts(&stage), stage.truth().patch_requests), ((1, 1), 4));
}

#[test]
fn without_versions_everybody_is_looked_up_by_name() {
    let people = Person::many(120);
    let users = accounts(&people);
    let without = || Options { etag: false, ..service(users.clone()) };
    let stage = Stage::new(people.clone(), without());
    stage.finish(listing(&stage)).expect(0);
    stage.check_truth();
    assert_eq!(counts(&stage), (0, 120));
    assert!(warning(&stage).contains("versions (etag)"), "{}", warning(&stage));

    // Nobody asked for the list, so nothing is amiss without it.
    let stage = Stage::new(people, without());
    stage.run().expect(0);
    assert_eq!((counts(&stage), warning(&stage).as_str()), ((0, 120), ""));
}

#[test]
fn a_list_without_versions_is_not_read_on() {
    let user = |n: usize| format!(r#"{{"id":"{n}","userName":"user{n}@example.com","active":true}}"#);
    let users = (0..100).map(user).collect::<Vec<_>>().join(",");
    let rule = format!(
        r#"{{"on":"lookup","do":{{"status":200,"body":{{"totalResults":150,"Resources":[{users}]}}}}}}"#
    );
    let stage = known_but(150, &rule);
    stage.run().expect(0);
    stage.check_truth();
    assert_eq!(counts(&stage), (1, 150));
    assert!(warning(&stage).contains("meta.version"), "{}", warning(&stage));
}
