//! What is refused, before anything is sent.

use std::fs;

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;
use scim_rekey::sandbox::Options;

use super::Office;
use crate::support::{Canary, Program, faults};

#[test]
fn a_password_that_nobody_would_know_is_not_made() {
    let office = Office::new(1, Options::default());
    let args = office.stage.run_args().into_iter().chain(["--generate-passwords".to_owned()]);
    let done = office.stage.finish(office.stage.with_env(Program::new(args))).expect(2);
    assert!(done.last_line().contains("--seal-to"), "{}", done.stderr);
    // What would stop the run stops its rehearsal.
    let args =
        office.stage.run_args().into_iter().chain(["--generate-passwords", "--dry-run"].map(str::to_owned));
    office.stage.finish(office.stage.with_env(Program::new(args))).expect(2);
    let nobody = office.program().args(["--dry-run", "--seal-to", "age1notquite"]);
    office.stage.finish(nobody).expect(78);
    assert!(office.stage.truth().requests.is_empty());
    assert!(!office.sealed().exists());
}

#[test]
fn a_key_that_nothing_can_be_sealed_to_is_refused_and_a_secret_one_not_repeated() {
    let office = Office::new(1, Options::default());
    let key = Identity::generate().to_string();
    office.stage.keep_secret(&Canary(key.expose_secret().to_owned()));
    let file = office.stage.home.path().join("secret");
    fs::write(&file, key.expose_secret()).unwrap();
    for (recipient, words) in [
        (key.expose_secret(), "secret key"),
        (file.to_str().unwrap(), "secret key"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW", "ssh keys are not supported"),
        ("/nowhere", "neither a recipient"),
        ("age1notquite", "not a recipient"),
    ] {
        let program = office.program().args(["--seal-to", recipient]);
        let done = office.stage.finish(program).expect(78);
        assert!(done.last_line().contains(words), "{}", done.stderr);
    }
    assert!(office.stage.truth().requests.is_empty());
}

#[test]
fn the_wrong_key_and_a_damaged_file_are_told() {
    let office = Office::new(2, Options::default());
    office.run().expect(0);
    office.check_handed_over("a run");
    let key = fs::read(office.key()).unwrap();
    fs::write(office.key(), Identity::generate().to_string().expose_secret()).unwrap();
    let (done, shown) = office.unsealed(office.stage.run_dir());
    assert_eq!((done.code(), shown.len()), (65, 0));
    assert!(done.stderr.contains("sealed to another key"), "{}", done.stderr);

    fs::write(office.key(), key).unwrap();
    let mut bytes = fs::read(office.sealed()).unwrap();
    bytes[150] ^= 1;
    fs::write(office.sealed(), &bytes).unwrap();
    let (done, _) = office.unsealed(office.sealed());
    assert_eq!(done.code(), 65);
    assert!(done.stderr.contains("message 1 is damaged"), "{}", done.stderr);
    // Nor is anything written behind it.
    let patches = office.stage.truth().patch_requests;
    let done = office.stage.finish(office.program().arg("--again"));
    assert!(done.code() != 0 && done.stderr.contains("message 1 is damaged"), "{}", done.stderr);
    assert_eq!((office.stage.truth().patch_requests, fs::read(office.sealed()).unwrap()), (patches, bytes));
}

#[test]
fn what_was_begun_with_passwords_made_is_not_continued_without() {
    let held = faults(r#"{"on":"patch","skip":1,"do":{"status":429,"retry_after":"3600"}}"#);
    let office = Office::new(3, held);
    office.stage.finish(office.program().arg("--max-wait").arg("1s")).expect(75);
    let changed = office.stage.truth().applied.len();
    let refused = office.stage.finish(office.stage.program()).expect(65);
    let words = "was begun with generated passwords, and this command asks for nothing but its columns";
    assert!(refused.stderr.contains(words), "{}", refused.stderr);
    assert_eq!(office.stage.truth().applied.len(), changed);
}

#[test]
fn words_of_which_too_few_are_asked_for_are_refused_before_there_is_a_folder() {
    let office = Office::new(1, Options::default());
    office.stage.finish(office.program().arg("--words").arg("3")).expect(2);
    assert!(!office.stage.run_dir().exists());
}

#[test]
fn what_is_left_of_a_run_that_made_passwords_is_not_retried_without() {
    let office = Office::new(2, faults(r#"{"on":"patch","user":"user1@example.com","do":{"status":400}}"#));
    office.stage.finish(office.program()).expect(3);
    let stage = &office.stage;
    let again =
        ["retry".to_owned(), stage.run_dir().display().to_string(), stage.input().display().to_string()];
    let refused = stage.finish(stage.with_env(Program::new(again))).expect(2);
    assert!(refused.stderr.contains("needs --generate-passwords"), "{}", refused.stderr);
    assert_eq!(stage.truth().applied.len(), 1);
}
