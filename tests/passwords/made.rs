//! What is made, sent and printed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use scim_rekey::sandbox::Options;

use super::Office;
use crate::support::faults;

#[test]
fn the_holder_of_the_key_reads_what_each_user_was_given() {
    let office = Office::new(5, Options::default());
    office.run().expect(0);
    office.check_handed_over("a run");
    assert_eq!(fs::metadata(office.sealed()).unwrap().permissions().mode() & 0o777, 0o600);
    let (_, shown) = office.unsealed(office.stage.run_dir());
    for password in shown.iter().map(|shown| &shown.password) {
        let has = |class: fn(char) -> bool| password.contains(class);
        assert!(password.len() >= 20, "{} characters", password.len());
        assert!(has(|c| c.is_ascii_uppercase()) && has(|c| c.is_ascii_lowercase()));
        assert!(has(|c| c.is_ascii_digit()) && has(|c| !c.is_ascii_alphanumeric()));
    }
    // Once more: everybody has another one, and the old ones are not shown.
    let before = shown;
    office.stage.finish(office.program().arg("--again")).expect(0);
    office.check_handed_over("another run");
    let (_, after) = office.unsealed(office.stage.run_dir());
    assert!(before.iter().zip(&after).all(|(before, after)| before.password != after.password));
    let (_, all) = office.unsealed(office.sealed());
    assert_eq!(all.len(), 10, "the file by itself holds the old ones too");
}

#[test]
fn passwords_can_be_made_to_be_read_out() {
    let office = Office::new(2, Options::default());
    office.stage.finish(office.program().arg("--readable")).expect(0);
    office.check_handed_over("--readable");
    let (_, shown) = office.unsealed(office.stage.run_dir());
    assert!(
        shown.iter().all(|shown| !shown.password.contains(['0', 'O', '1', 'l', 'I', '5', 'S', '8', 'B']))
    );
    office.stage.finish(office.program().args(["--again", "--words", "7"])).expect(0);
    office.check_handed_over("--words");
    let (_, shown) = office.unsealed(office.stage.run_dir());
    assert!(shown.iter().all(|shown| shown.password.split('-').filter(|word| word.len() >= 3).count() == 7));
}

#[test]
fn a_password_of_which_nobody_knows_whether_it_took_is_shown_with_the_others_sent() {
    let lost = faults(r#"{"on":"patch","times":null,"do":{"reset":"after"}}"#);
    let office = Office::new(1, lost);
    office.stage.finish(office.program().args(["--max-attempts", "2"])).expect(4);
    let (done, shown) = office.unsealed(office.stage.run_dir());
    assert_eq!(done.code(), 0, "{}", done.stderr);
    assert!(shown.iter().all(|shown| shown.outcome == "unknown" && shown.line == 2), "{shown:?}");
    let truth = office.stage.truth();
    let sent = truth.applied.iter().map(|applied| applied.password.clone().unwrap());
    let shown = shown.into_iter().map(|shown| shown.password).collect::<Vec<_>>();
    let mut sent = sent.collect::<Vec<_>>();
    sent.dedup();
    assert!(!sent.is_empty() && sent.iter().all(|sent| shown.contains(sent)), "whichever took is among them");
}

#[test]
fn the_password_of_a_row_that_was_refused_is_left_out() {
    let refused = faults(r#"{"on":"patch","user":"user0@example.com","do":{"status":400}}"#);
    let office = Office::new(2, refused);
    office.run().expect(3);
    let (done, shown) = office.unsealed(office.stage.run_dir());
    assert_eq!(shown.iter().map(|shown| shown.line).collect::<Vec<_>>(), [3]);
    assert!(done.stderr.contains("1 password left out"), "{}", done.stderr);
    let (_, all) = office.unsealed(office.sealed());
    assert_eq!(all.len(), 2);
}
