//! Further columns set further attributes: those that the configuration names, and no others.

use std::fs;

use scim_rekey::sandbox::{Kind, Options};
use serde_json::{Map, Value, json};

use crate::support::{Canary, Finished, Person, Program, Stage, faults};

const GENESYS: &str = "urn:ietf:params:scim:schemas:extension:genesys:purecloud:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const BADGE: &str = "urn:example:params:scim:schemas:Badge";

/// A stage whose input is these lines, and which knows a few attributes of its own.
fn stage(lines: &[&str], options: Options) -> Stage {
    let extra_attributes = vec![format!("{BADGE}:remote"), format!("{BADGE}:floor")];
    let stage = Stage::new(Vec::new(), Options { extra_attributes, ..options });
    fs::write(stage.input(), lines.join("\n") + "\n").unwrap();
    stage
}

fn entry(column: &str, path: &str, more: &str) -> String {
    format!("[[attributes]]\ncolumn = '{column}'\npath = '{path}'\n{more}\n")
}

fn with_config(stage: &Stage, program: Program, entries: &str) -> Program {
    let file = stage.home.path().join("settings.toml");
    fs::write(&file, entries).unwrap();
    program.arg("--config").arg(file)
}

#[track_caller]
fn run(stage: &Stage, entries: &str, code: i32) -> Finished {
    stage.finish(with_config(stage, stage.program(), entries)).expect(code)
}

/// What the sandbox set besides password and MFA, user by user.
fn set(stage: &Stage) -> Vec<Map<String, Value>> {
    stage.truth().applied.into_iter().map(|applied| applied.attributes).collect()
}

fn all_kinds() -> String {
    [
        entry("Job", "title", ""),
        entry("dept", &format!("{ENTERPRISE}:department"), "type = 'string'"),
        entry("skills", "genesys:routingSkills", ""),
        entry("remote", &format!("{BADGE}:remote"), "type = 'boolean'"),
        entry("floor", &format!("{BADGE}:floor"), "type = 'integer'"),
    ]
    .concat()
}

fn all_values() -> Map<String, Value> {
    let values = json!({
        "title": "Lead, \"night\"",
        format!("{ENTERPRISE}:department"): "0042",
        format!("{GENESYS}:routingSkills"): "german",
        format!("{BADGE}:remote"): true,
        format!("{BADGE}:floor"): -3,
    });
    values.as_object().unwrap().clone()
}

const HEADER: &str = "email,mfa_phone,job,Dept,SKILLS,remote,floor";
const ROW: &str = "ann@example.com,+15550100100,\"Lead, \"\"night\"\"\",0042,german,true,-3";

#[test]
fn mapped_columns_are_set_in_the_one_patch_by_their_kind() {
    let stage = stage(&[HEADER, ROW], Options::default());
    run(&stage, &all_kinds(), 0);
    assert_eq!(set(&stage), [all_values()]);
    let truth = stage.truth();
    assert_eq!((truth.patch_requests, truth.applied[0].mfa.is_some()), (1, true), "one PATCH for all");
    assert_eq!(stage.outcome(2), "updated");
}

#[test]
fn a_receiver_that_wants_an_array_of_extensions_gets_one() {
    let stage = stage(&[HEADER, ROW], Options::default());
    let program = stage.program().args(["--attribute-style", "extensions"]);
    stage.finish(with_config(&stage, program, &all_kinds())).expect(0);
    assert_eq!((set(&stage), stage.truth().patch_requests), (vec![all_values()], 1));
}

#[test]
fn a_row_may_ask_for_nothing_but_attributes_and_an_empty_cell_leaves_one_alone() {
    let lines = ["email,job,dept", "ann@example.com,,D1", "ben@example.com,Lead,  ", "eve@example.com,,"];
    let stage = stage(&lines, Options::default());
    let entries =
        [entry("job", "title", ""), entry("dept", &format!("{ENTERPRISE}:department"), "")].concat();
    let done = run(&stage, &entries, 65);
    assert!(done.stderr.contains("line 4: asks for nothing"), "{}", done.stderr);
    fs::write(stage.input(), lines[..3].join("\n") + "\n").unwrap();
    run(&stage, &entries, 0);
    let one = |path: &str, value: &str| Map::from_iter([(path.to_owned(), Value::from(value))]);
    let mut set = set(&stage);
    set.sort_by_key(Map::len);
    assert!(set.contains(&one(&format!("{ENTERPRISE}:department"), "D1")), "{set:?}");
    assert!(set.contains(&one("title", "Lead")) && set.len() == 2, "{set:?}");
    assert!(stage.truth().applied.iter().all(|applied| applied.password.is_none()));
}

#[test]
fn an_attribute_that_the_service_does_not_know_is_named() {
    let stage =
        stage(&["email,job,dept", "ann@example.com,Lead,", "ben@example.com,Lead,D1"], Options::default());
    let entries = [entry("job", "jobb", ""), entry("dept", &format!("{ENTERPRISE}:abteilung"), "")].concat();
    run(&stage, &entries, 3);
    let details: Vec<String> = stage.outcomes().iter().map(|row| row["detail"].clone()).collect();
    assert!(details[0].contains("no attribute jobb; see [[attributes]] (invalidPath"), "{details:?}");
    assert!(details[1].contains("jobb") && !details[1].contains("urn:"), "{details:?}");
}

#[test]
fn a_column_that_nobody_mapped_is_ignored_with_a_warning() {
    let stage =
        stage(&["email,mfa_phone,title,active", "ann@example.com,+15550100100,Lead,false"], faults(""));
    run(&stage, &entry("dept", &format!("{ENTERPRISE}:department"), ""), 0);
    assert_eq!(set(&stage), [Map::new()]);
    let warnings = stage.summary()["warnings"].to_string();
    assert!(warnings.contains("ignored columns: title, active"), "{warnings}");
    assert!(warnings.contains("no column is named dept"), "{warnings}");
}

#[test]
fn who_somebody_is_and_may_do_is_set_only_where_that_is_said_in_so_many_words() {
    let stage = stage(&["email,x", "ann@example.com,true"], Options::default());
    for path in
        ["roles", "ACTIVE", "userName", "groups", "groups.value", "emails", " roles", "roles[a eq b:c]"]
    {
        let done = run(&stage, &entry("x", path, ""), 78);
        assert!(done.last_line().contains("[[attributes]]"), "{path}: {}", done.stderr);
    }
    for path in ["password", "id", "meta"] {
        run(&stage, &entry("x", path, "sensitive = true"), 78);
    }
    assert_eq!((stage.truth().requests.len(), stage.run_dir().exists()), (0, false));
    run(&stage, &entry("x", "active", "type = 'boolean'\nsensitive = true"), 0);
    assert_eq!(set(&stage), [Map::from_iter([("active".to_owned(), true.into())])]);
}

#[test]
fn a_value_of_another_kind_is_a_bad_line_that_shows_nothing_of_the_cell() {
    let canary = Canary::password();
    let quoted = canary.0.replace('"', "\"\"");
    let lines = ["email,floor,remote".to_owned(), format!("ann@example.com,\"{quoted}\",\"{quoted}\"")];
    let stage = stage(&lines.each_ref().map(String::as_str), Options::default());
    stage.keep_secret(&canary);
    let entries = [
        entry("floor", &format!("{BADGE}:floor"), "type = 'integer'"),
        entry("remote", &format!("{BADGE}:remote"), "type = 'boolean'"),
    ]
    .concat();
    let done = run(&stage, &entries, 65);
    assert!(done.stderr.contains("line 2: floor: not a whole number"), "{}", done.stderr);
    let check = Program::new(["check"]).arg(stage.input());
    let done = stage.finish(with_config(&stage, check, &entries)).expect(65);
    assert!(done.stdout.contains("line 2: floor: not a whole number"), "{}", done.stdout);
    assert_eq!(stage.truth().requests.len(), 0);
}

#[test]
fn two_rows_for_one_user_that_differ_in_an_attribute_alone_disagree() {
    let lines = ["email,mfa_phone,job", "ann@example.com,+15550100100,A", "ANN@example.com,+15550100100,B"];
    let stage = stage(&lines, Options::default());
    let done = run(&stage, &entry("job", "title", ""), 65);
    assert!(done.stderr.contains("line 3: asks for something else than line 2"), "{}", done.stderr);
    assert_eq!(stage.truth().requests.len(), 0);
    // Where nobody maps the column, the two ask for the same.
    run(&stage, "", 0);
    assert_eq!(stage.outcome(3), "skipped/duplicate");
}

#[test]
fn the_audit_log_has_attributes_by_name_only() {
    let canary = Canary::password();
    let quoted = canary.0.replace('"', "\"\"");
    // The service sends back all it got, as its error's name and as its correlation id.
    let echo = json!({"on": "patch", "user": "ben@example.com", "do": {
        "status": 400, "headers": {"inin-correlation-id": &canary.0[10..26]},
        "body": {"scimType": &canary.0[10..26], "detail": canary.0, "status": "400"}}});
    let lines = [
        "email,job".to_owned(),
        format!("ann@example.com,\"{quoted}\""),
        format!("ben@example.com,\"{quoted}\""),
    ];
    let stage = stage(&lines.each_ref().map(String::as_str), faults(&echo.to_string()));
    stage.keep_secret(&canary);
    stage.keep_secret(&Canary(canary.0[10..26].to_owned()));
    run(&stage, &entry("job", "title", ""), 3);
    assert_eq!(set(&stage), [Map::from_iter([("title".to_owned(), canary.0.clone().into())])]);
    let audit = stage.audit();
    let intents: Vec<_> = audit.iter().filter(|line| line["kind"] == "intent").collect();
    assert!(intents.len() == 2 && intents.iter().all(|line| line["attributes"] == json!(["title"])));
    assert_eq!(stage.truth().requests.iter().filter(|seen| seen.kind == Kind::Patch).count(), 2);
    assert_eq!(stage.outcome(3), "failed/rejected");
}

#[test]
fn a_phone_and_a_password_stay_what_they_are() {
    let stage = Stage::new(vec![Person::new("ann@example.com")], Options::default());
    // These columns have a meaning already, which no entry takes away.
    run(&stage, &entry("password", "title", ""), 0);
    stage.check_truth();
    assert_eq!(set(&stage), [Map::new()]);
    assert!(stage.summary()["warnings"].to_string().contains("no column is named password"));
}
