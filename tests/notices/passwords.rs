//! Passwords in mail: only for those who say so three times, and only there.

use std::fs;

use age::secrecy::ExposeSecret as _;

use super::{Hook, configured};
use crate::support::{Canary, Person, Stage, Stranger, until};

const TEMPLATE: &str =
    "{{ email }}: {% if password %}<{{ password }}>{% else %}none{% endif %} {{ contact }}\n";

fn template(stage: &Stage) -> String {
    let file = stage.home.path().join("notice.txt");
    fs::write(&file, TEMPLATE).unwrap();
    format!("text_template = \"{}\"", file.display())
}

fn recipient() -> String {
    let identity = age::x25519::Identity::generate();
    assert!(!identity.to_string().expose_secret().is_empty());
    identity.to_public().to_string()
}

/// People without a password in the file.
fn empty_handed(count: usize) -> Stage {
    let stage = Stage::new(Person::many(count), scim_rekey::sandbox::Options::default());
    let lines = stage.people.iter().map(|person| format!("{},,{}\n", person.email, person.phone.0));
    fs::write(stage.input(), format!("email,password,mfa_phone\n{}", lines.collect::<String>())).unwrap();
    stage
}

#[test]
fn with_consent_a_user_is_mailed_the_password_that_was_set() {
    let stage = empty_handed(2);
    let hook = Hook::new();
    let program = hook.program_with(&stage, &template(&stage));
    let to = recipient();
    let flags = ["--generate-passwords", "--seal-to", &to, "--password-in-mail"];
    stage.finish(program.args(flags).arg("--consent-to-passwords-in-mail")).expect(0);
    until("both are told", || hook.told().len() == 2);
    for applied in stage.truth().applied {
        let password = applied.password.unwrap();
        let told = hook.told().into_iter().find(|told| told.to == applied.user_name).unwrap();
        assert!(told.body.contains(&format!("<{password}>")), "{}", told.body);
        assert!(!told.subject.contains(&password));
        // Looked for in everything that the program leaves behind.
        stage.keep_secret(&Canary(password));
    }
    let start = stage.audit().into_iter().find(|line| line["kind"] == "run_start").unwrap();
    assert_eq!(start["passwords_in_mail"], true, "{start}");
}

#[test]
fn without_any_of_the_flags_no_password_is_mailed() {
    let stage = empty_handed(1);
    let stranger = Stranger::new();
    let way = format!("[notices.webhook]\nurl = \"{}\"", stranger.url());
    let (template, to) = (template(&stage), recipient());
    let all =
        ["--generate-passwords", "--seal-to", &to, "--password-in-mail", "--consent-to-passwords-in-mail"];
    for left_out in ["--generate-passwords", "--seal-to", "--consent-to-passwords-in-mail"] {
        let mut flags = all.to_vec();
        let at = flags.iter().position(|flag| *flag == left_out).unwrap();
        flags.drain(at..at + if left_out == "--seal-to" { 2 } else { 1 });
        stage.finish(configured(&stage, &template, &way).args(flags)).expect(2);
    }
    // The template mentions it, and nobody asked for it.
    let quiet = configured(&stage, &template, &way).args(&all[..3]);
    let done = stage.finish(quiet).expect(78);
    assert!(done.last_line().contains("mentions the password"), "{}", done.stderr);
    assert_eq!((stage.truth().token_requests, stranger.visitors()), (0, 0));
}

#[test]
fn a_password_from_the_file_is_not_mailed_even_with_consent() {
    let stage = Stage::plain(1);
    let hook = Hook::new();
    let to = recipient();
    let flags =
        ["--generate-passwords", "--seal-to", &to, "--password-in-mail", "--consent-to-passwords-in-mail"];
    stage.finish(hook.program_with(&stage, &template(&stage)).args(flags)).expect(0);
    until("the user is told", || hook.told().len() == 1);
    assert_eq!(hook.told()[0].body, "user0@example.com: none +1 555 0100\n");
}
