//! A service that lies, errs or was broken into: more than a hundred replies to a look-up, each for
//! a person of its own, in one run.

mod injection;
mod one_account;
mod table;

use std::collections::BTreeSet;

use scim_rekey::sandbox::{Directory, Fault, Kind, On, Options, StatusReply, User};

use self::table::{Row, rows};
use crate::support::{Person, Stage};

/// The number of a row where it says `§`.
fn numbered(text: &str, number: usize) -> String {
    text.replace('§', &number.to_string())
}

/// The pages of a row, each for one request, and the last for all that may follow.
fn faults(row: &Row, number: usize) -> Vec<Fault> {
    let last = row.pages.len() - 1;
    let fault = |(place, page): (usize, &String)| {
        let body = Some(numbered(page, number).into());
        let reply = StatusReply { body, ..StatusReply::new(200) };
        let fault = Fault::new(On::Lookup, reply.into()).user(numbered(row.email, number));
        if place == last { fault.forever() } else { fault }
    };
    row.pages.iter().enumerate().map(fault).collect()
}

/// Those in the file, and for each somebody whom the replies try to pass off as them.
fn everybody(rows: &[Row]) -> Vec<User> {
    let of_row = |(number, row): (usize, &Row)| {
        let right = User::new(numbered(row.email, number)).id(numbered(row.id, number));
        let victim = User::new(format!("victim{number}@example.com")).id(format!("victim-{number}"));
        [right, victim]
    };
    rows.iter().enumerate().flat_map(|(number, row)| of_row((number, row))).collect()
}

/// All but the unreserved characters percent-encoded (RFC 3986 section 2.3).
fn encoded(id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    id.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[test]
fn no_reply_to_a_look_up_leads_to_anybody_else() {
    let rows = rows();
    assert!(rows.len() >= 60);
    let distinct: BTreeSet<_> = rows.iter().map(|row| (&row.pages, row.email)).collect();
    assert_eq!(distinct.len(), rows.len(), "no reply comes twice");
    let numbered_rows = || rows.iter().enumerate();
    let people = numbered_rows().map(|(number, row)| Person::new(numbered(row.email, number))).collect();
    let stage = Stage::new(
        people,
        Options {
            directory: Directory::Listed(everybody(&rows)),
            faults: numbered_rows().flat_map(|(number, row)| faults(row, number)).collect(),
            ..Options::default()
        },
    );
    stage.finish(stage.program().args(["--lookup", "filter"])).expect(3);

    let found: Vec<String> = (0..rows.len()).map(|number| stage.outcome(number + 2)).collect();
    let shown = |row: &Row| row.pages.join(" then ").chars().take(300).collect::<String>();
    let wrong = numbered_rows().zip(&found).filter(|((_, row), found)| row.expected != *found);
    let wrong: Vec<_> = wrong.map(|((_, row), found)| (row.expected, found, shown(row))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    stage.check_truth();

    let right = numbered_rows().filter(|(_, row)| row.expected == "updated");
    let right: BTreeSet<String> = right.map(|(number, row)| encoded(&numbered(row.id, number))).collect();
    let truth = stage.truth();
    let users = format!("{}/Users/", stage.sandbox.0.scim_url());
    let users = users.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..])).unwrap();
    let patched = truth.requests.iter().filter(|seen| seen.kind == Kind::Patch);
    let patched: Vec<String> =
        patched.map(|seen| seen.path.strip_prefix(users).unwrap().to_owned()).collect();
    assert_eq!(patched.len(), right.len(), "one PATCH for each of them");
    assert_eq!(BTreeSet::from_iter(patched), right, "and for nobody else");
}
