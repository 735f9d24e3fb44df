//! The configuration file: what counts before what, and what it cannot say.

use std::fs;

use scim_rekey::sandbox::Options;

use crate::support::{Canary, Finished, Person, Program, Stage};

/// Writes the file into the stage's home, and names it on the command line.
fn with_config(stage: &Stage, program: Program, text: &str) -> Program {
    let file = stage.home.path().join("settings.toml");
    fs::write(&file, text).unwrap();
    program.arg("--config").arg(file)
}

#[track_caller]
fn refused(stage: &Stage, text: &str, args: &[&str]) -> Finished {
    let done = stage.finish(with_config(stage, stage.program(), text).args(args)).expect(78);
    assert_eq!((stage.truth().requests.len(), stage.run_dir().exists()), (0, false), "{text}");
    done
}

/// The type of MFA that the sandbox was told, which is a different one in each place.
#[track_caller]
fn mfa_type(args: &[&str]) -> String {
    let stage = Stage::plain(1);
    let text = "mfa_type = 'of-the-file'\nmax_attempts = 2\n[profile.night]\nmfa-type = 'of-the-profile'\n";
    stage.finish(with_config(&stage, stage.program(), text).args(args)).expect(0);
    stage.truth().applied[0].mfa.as_ref().unwrap()["mfaType"].as_str().unwrap().to_owned()
}

#[test]
fn a_flag_counts_before_the_profile_and_that_before_the_file() {
    assert_eq!(mfa_type(&[]), "of-the-file");
    assert_eq!(mfa_type(&["--profile", "night"]), "of-the-profile");
    assert_eq!(mfa_type(&["--profile", "night", "--mfa-type", "of-the-flag"]), "of-the-flag");
}

#[test]
fn the_environment_counts_before_the_file() {
    // Nobody listens there, so only one of the two leads to anything.
    let nowhere = "scim_url = 'http://127.0.0.1:9/scim/v2'\n[profile.night]\nclient_id = 'nobody'\n";
    let stage = Stage::plain(1);
    stage.finish(with_config(&stage, stage.program(), nowhere).args(["--profile", "night"])).expect(0);
    let id = stage.audit()[0]["client_id"].clone();
    assert_eq!((stage.outcome(2).as_str(), id), ("updated", stage.sandbox.0.client_id().into()));

    let stage = Stage::plain(1);
    let program = stage.program().without_env("GENESYS_SCIM_URL").without_env("GENESYS_CLIENT_ID");
    let here = format!("scim_url = '{}'\nclient_id = 'client:1'", stage.sandbox.0.scim_url());
    stage.finish(with_config(&stage, program, &here)).expect(0);
    stage.check_truth();
}

#[test]
fn the_file_does_not_send_a_run_elsewhere_than_a_region_says() {
    let stage = Stage::plain(1);
    let bare = || {
        ["GENESYS_SCIM_URL", "GENESYS_TOKEN_URL"].iter().fold(stage.program(), |p, name| p.without_env(name))
    };
    let text = format!("scim_url = '{}'", stage.sandbox.0.scim_url());
    for program in
        [bare().args(["--region", "mypurecloud.de"]), bare().env("GENESYS_REGION", "mypurecloud.de")]
    {
        let done = stage.finish(with_config(&stage, program, &text)).expect(78);
        assert!(done.last_line().contains("a region is given, and scim_url"), "{}", done.stderr);
    }
    assert_eq!(stage.truth().requests.len(), 0);
    // Both addresses are in the environment, so a region of the file has nothing to say.
    stage.finish(with_config(&stage, stage.program(), "region = 'mypurecloud.de'")).expect(0);
    stage.check_truth();
}

#[test]
fn a_key_that_nobody_knows_is_refused_with_the_nearest_that_is_known() {
    let stage = Stage::plain(1);
    let said = |text: &str| refused(&stage, text, &[]).stderr;
    assert!(said("max_atempts = 2").contains("max_atempts, which is no setting; did you mean max_attempts?"));
    assert!(said("[[attribute]]\ncolumn = 'a'").contains("did you mean attributes?"));
    assert!(said("max_attempts = 2\nmax-attempts = 3").contains("max_attempts in two spellings"));
    assert!(!said("weather = 'fine'").contains("did you mean"));
    assert!(!said("weather = 'fine'").contains("holds a secret"));
    let why = said("client_secret = 'x'");
    assert!(why.contains("did you mean client_secret_file?; no setting holds a secret itself"), "{why}");
}

#[test]
fn a_value_that_a_flag_would_refuse_is_refused_by_the_name_of_the_file() {
    let stage = Stage::plain(1);
    let done = refused(&stage, "max_attempts = 0", &[]);
    assert!(
        done.last_line().contains("settings.toml: invalid value '0' for '--max-attempts"),
        "{}",
        done.stderr
    );
    // What is missing on the command line itself is wrong usage, whatever the file holds.
    stage.finish(with_config(&stage, stage.program(), "max_attempts = 2").arg("--readable")).expect(2);
}

#[test]
fn no_line_of_a_broken_file_is_shown() {
    let stage = Stage::plain(1);
    let secret = Canary::password();
    stage.keep_secret(&secret);
    let text = format!("# the first line\nclient_secret = {}", secret.0);
    let file = stage.home.path().join("secret");
    fs::write(&file, text).unwrap();
    let done = stage.finish(stage.program().arg("--config").arg(file)).expect(78);
    assert!(done.last_line().contains("line 2: "), "{}", done.stderr);
}

#[test]
fn what_has_to_be_said_each_time_cannot_be_in_the_file() {
    let stage = Stage::plain(1);
    let typed =
        ["again", "sandbox", "dry_run", "consent_to_passwords_in_mail", "consent-to-passwords-in-mail"];
    for key in typed {
        let done = refused(&stage, &format!("{key} = true"), &[]);
        assert!(done.last_line().contains("each time"), "{key}: {}", done.stderr);
    }
}

#[test]
fn a_complete_run_is_not_repeated_because_of_a_file() {
    let stage = Stage::plain(1);
    stage.finish(with_config(&stage, stage.program(), "max_attempts = 2")).expect(0);
    stage.finish(with_config(&stage, stage.program(), "again = true")).expect(78);
    stage.finish(with_config(&stage, stage.program(), "max_attempts = 3")).expect(0);
    assert_eq!(stage.truth().applied.len(), 1);
}

#[test]
fn paths_start_at_the_files_folder() {
    let people = vec![Person::new("kept@example.com"), Person::new("other@example.com")];
    let stage = Stage::new(people, Options::default());
    let folder = stage.home.path().join("etc");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("protect.txt"), "kept@example.com\n").unwrap();
    fs::write(folder.join("settings.toml"), "protect = 'protect.txt'").unwrap();
    stage.finish(stage.program().arg("--config").arg(folder.join("settings.toml"))).expect(0);
    assert_eq!((stage.outcome(2), stage.outcome(3)), ("skipped/protected".to_owned(), "updated".to_owned()));
}

#[test]
fn the_file_may_have_what_a_flag_needs_and_gives_way_to_one_that_excludes_it() {
    let stage = Stage::plain(1);
    let check = |text: &str, args: &[&str], code| {
        let program = Program::new(["check"]).arg(stage.input());
        stage.finish(with_config(&stage, program, text).args(args)).expect(code);
    };
    check("words = 7\nreadable = true\nseal_to = 'age1'", &["--generate-passwords"], 0);
    let file = "generate_passwords = true\nseal_to = 'recipients.txt'\nreadable = true";
    // The file of recipients is missing; up to there, nothing was.
    let done = refused(&stage, file, &["--words", "7"]);
    assert!(done.last_line().contains("recipients.txt is neither a recipient"), "{}", done.stderr);
    assert!(done.last_line().contains(stage.home.path().to_str().unwrap()), "{}", done.stderr);
    let done = refused(&stage, "generate_passwords = true\nseal_to = 'recipients.txt'", &["--readable"]);
    assert!(done.last_line().contains("recipients.txt"), "{}", done.stderr);
}

#[test]
fn a_profile_needs_its_file_and_its_name() {
    let stage = Stage::plain(1);
    let done = stage.finish(stage.program().args(["--profile", "night"])).expect(78);
    assert!(done.last_line().contains("--config"), "{}", done.stderr);
    let done = refused(&stage, "[profile.day]\nrate = '1/s'", &["--profile", "night"]);
    assert!(done.last_line().ends_with("no [profile.night]; it has: day"), "{}", done.stderr);
}
