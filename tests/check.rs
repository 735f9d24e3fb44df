//! `check`: everything that is wrong with a file, for people and for programs.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Canary, Finished, Person, Program, Stage};

fn check(stage: &Stage, args: &[&str]) -> Finished {
    stage.finish(Program::new(["check"]).arg(stage.input()).args(args))
}

fn answer(done: &Finished) -> Value {
    serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {}", done.stdout))
}

#[test]
fn programs_are_told_what_people_are_told() {
    let stage = Stage::plain(2);
    let lines =
        "E-mail;mfa phone;team\nann@example.com;+15550100199;red\nnobody;;x\nann@example.com;+15550100199;\n";
    fs::write(stage.input(), lines).unwrap();
    let done = check(&stage, &["--json"]).expect(65);
    let told = answer(&done);
    let name = stage.input().display().to_string();
    assert_eq!(told["input"], name.as_str());
    let facts = [&told["rows"], &told["delimiter"], &told["encoding"], &told["duplicates"], &told["ok"]];
    assert_eq!(facts, [&json!(3), &json!(";"), &json!("UTF-8"), &json!(1), &json!(false)]);
    assert!(told["warnings"].to_string().contains("ignored columns: team"), "{told}");
    let said = check(&stage, &[]).expect(65);
    let bad = told["bad_lines"].as_array().unwrap();
    assert_eq!((bad.len(), &bad[0]["line"]), (1, &json!(3)));
    assert!(said.stdout.contains(&format!("line 3: {}\n", bad[0]["reason"].as_str().unwrap())), "{said:?}");
    assert_eq!(done.last_line(), said.last_line());

    let sound = Stage::plain(2);
    let told = answer(&check(&sound, &["--json"]).expect(0));
    assert_eq!((&told["ok"], &told["bad_lines"], told.get("error")), (&json!(true), &json!([]), None));
}

#[test]
fn a_file_without_a_row_that_could_be_read_is_told_of_as_well() {
    let stage = Stage::plain(1);
    fs::write(stage.input(), "name,password\n").unwrap();
    let told = answer(&check(&stage, &["--json"]).expect(65));
    assert!(told["error"].as_str().is_some_and(|why| why.contains("line 1")), "{told}");
    assert_eq!(told["ok"], false);
    fs::remove_file(stage.input()).unwrap();
    let told = answer(&check(&stage, &["--json"]).expect(66));
    assert!(told["error"].is_string() && told["ok"] == false, "{told}");
}

#[test]
fn all_that_is_wrong_with_a_row_is_said_at_once() {
    let stage = Stage::plain(1);
    stage.keep_secret(&Canary("My-ANN@example.com-7".to_owned()));
    let settings = stage.home.path().join("settings.toml");
    fs::write(&settings, "[[attributes]]\ncolumn='age'\npath='urn:x:User:age'\ntype='integer'\n[[attributes]]\ncolumn='lead'\npath='lead'\ntype='boolean'\n").unwrap();
    let rows = "email,password,mfa_phone,age,lead\nann@example.com,My-ANN@example.com-7,12,old,maybe\nno address,   ,x,1.5,\n";
    fs::write(stage.input(), rows).unwrap();
    let done = check(&stage, &["--config", settings.to_str().unwrap(), "--json"]).expect(65);
    let told = answer(&done);
    let reason = |place: usize| told["bad_lines"][place]["reason"].as_str().unwrap();
    for wrong in
        ["password: contains the user's address", "mfa_phone: ", "age: not a whole number", "lead: neither"]
    {
        assert!(reason(0).contains(wrong), "{wrong}: {}", reason(0));
    }
    for wrong in ["email: ", "password: nothing but white space", "mfa_phone: ", "age: not a whole number"] {
        assert!(reason(1).contains(wrong), "{wrong}: {}", reason(1));
    }
    assert_eq!(told["bad_lines"].as_array().map(Vec::len), Some(2));
}

#[test]
fn passwords_are_held_against_whatever_policy_is_asked_for() {
    let mut people = vec![Person::new("ann@example.com"), Person::new("cassandra@example.com")];
    people[0].password = Canary("My-ANN@example.com-7".to_owned());
    people[1].password = Canary("Ihr-Name-ist-Cassandra-7".to_owned());
    let stage = Stage::new(people, scim_rekey::sandbox::Options::default());
    let bad = |policy: &str, code| {
        let done = check(&stage, &["--json", "--password-policy", policy]).expect(code);
        answer(&done)["bad_lines"].as_array().unwrap().len()
    };
    assert_eq!([bad("none", 0), bad("documented", 65), bad("organization", 65)], [0, 1, 2]);
}

#[test]
fn a_setting_that_no_command_would_take_is_refused_by_each_of_them() {
    let stage = Stage::plain(1);
    let settings = stage.home.path().join("settings.toml");
    let with = |text: &str, code| {
        fs::write(&settings, text).unwrap();
        check(&stage, &["--config", settings.to_str().unwrap()]).expect(code)
    };
    for bad in ["rate = 'soon'", "mfa_path = 'userName'", "lookup = 'anywhere'", "max_attempts = 0"] {
        let done = with(bad, 78);
        assert!(done.last_line().contains("invalid value"), "{bad}: {}", done.stderr);
    }
    with("rate = '1/s'\nlookup = 'filter'\nseal_to = ['recipients.txt']\nreadable = true", 0);
}
