//! Text from elsewhere, such as names of files, addresses, what a server says and old logs, drives no
//! terminal and no spreadsheet.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Finished, Listener, Person, Program, Speaks, Stage, certificate, faults};

/// A title, a cleared screen, a line of its own, C1, directions, an invisible mark and a NUL's neighbours.
const HOSTILE: &str = "\u{1b}]0;x\u{7}\u{1b}[2J\r\nscim-rekey: 9 updated\u{85}\u{9b}31m\u{202e}\u{2066}\u{61c}\u{200b}\u{2028}\u{7f}";

/// Whether something in this text is not to be seen but to be obeyed.
#[track_caller]
fn harmless(place: &str, text: &str) {
    let obeyed = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
    };
    assert_eq!(text.chars().find(|c| obeyed(*c)), None, "{place}: {text:?}");
    assert!(text.lines().all(|line| !line.starts_with("scim-rekey: 9 updated")), "{place}: {text}");
}

#[track_caller]
fn harmless_output(finished: &Finished) {
    harmless("standard output", &finished.stdout);
    harmless("standard error", &finished.stderr);
}

/// Every file of a run folder.
#[track_caller]
fn harmless_files(folder: &Path) {
    for name in ["audit.jsonl", "outcome.csv", "summary.json"] {
        harmless(name, &fs::read_to_string(folder.join(name)).unwrap());
    }
}

#[test]
fn names_of_files_drive_no_terminal() {
    let stage = Stage::new(vec![Person::new("missing@example.com")], faults(""));
    let beside = tempfile::tempdir().unwrap();
    let hostile = beside.path().join(HOSTILE);
    fs::create_dir(&hostile).unwrap();
    let (input, dir) = (hostile.join("us'ers\\.csv"), hostile.join("run"));
    fs::copy(stage.input(), &input).unwrap();
    let (input, dir) = (input.to_str().unwrap(), dir.to_str().unwrap());
    let finish = |args: &[&str]| {
        let finished = stage.finish(stage.with_env(Program::new(args)).arg("-vv"));
        harmless_output(&finished);
        finished
    };
    let finished = finish(&["run", input, "--run-dir", dir, "--rate", "unlimited"]).expect(3);
    harmless_files(Path::new(dir));
    finish(&["run", input, "--run-dir", dir]).expect(0);
    finish(&["check", input]).expect(0);
    finish(&["status", dir]).expect(0);
    finish(&["report", dir]).expect(0);
    finish(&["audit", "verify", dir]).expect(0);
    finish(&["audit", "verify", &format!("{dir}/missing")]).expect(66);
    finish(&["retry", &format!("{dir}/missing"), input]).expect(66);
    finish(&["run", &format!("{input}/missing"), "--run-dir", dir]).expect(66);
    finish(&["run", input, "--run-dir", dir, "--again", "--protect", &format!("{dir}/missing")]).expect(78);
    finish(&["run", input, "--run-dir", dir, "--again", "--ca-file", &format!("{dir}/missing")]).expect(78);
    finish(&["sandbox", "--faults", &format!("{dir}/missing")]).expect(66);

    // The command to go on with can be typed as it stands, by whoever has bash or a newer shell.
    let (_, command) = finished.last_line().split_once("go on with: ").unwrap();
    let words = format!("printf '%s\\0' {command}");
    let typed = Command::new("bash").args(["-c", &words]).output();
    if let Ok(typed) = typed {
        let typed = String::from_utf8(typed.stdout).unwrap();
        assert!(typed.split('\0').any(|word| word == input), "{command}");
    }
}

#[test]
fn columns_without_a_meaning_drive_no_terminal() {
    let stage = Stage::plain(1);
    let text = fs::read_to_string(stage.input()).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let hostile = HOSTILE.replace(['\r', '\n'], "");
    fs::write(stage.input(), format!("{header},{hostile}\n{},x\n", rows.trim_end())).unwrap();
    harmless_output(&stage.finish(stage.program().arg("-vv")).expect(0));
    harmless_files(&stage.run_dir());
    harmless_output(&stage.finish(Program::new(["check", stage.input().to_str().unwrap()])).expect(0));
}

#[test]
fn a_lock_that_others_wrote_drives_no_terminal() {
    let stage = Stage::plain(1);
    fs::create_dir(stage.run_dir()).unwrap();
    let holder =
        serde_json::json!({"pid": 1, "since": format!("{HOSTILE}{}", "y".repeat(500)), "run_dir": HOSTILE});
    let lock = fs::File::create(stage.run_dir().join("run.lock")).unwrap();
    fs::write(stage.run_dir().join("run.lock"), holder.to_string()).unwrap();
    lock.lock().unwrap();
    let finished = stage.run().expect(75);
    assert!(finished.last_line().contains("process 1 "), "{}", finished.stderr);
    assert!(!finished.last_line().contains(&"y".repeat(30)), "{}", finished.stderr);
    harmless_output(&finished);
}

#[test]
fn a_log_from_elsewhere_drives_no_terminal_and_no_spreadsheet() {
    let stage = Stage::new(vec![Person::new("missing@example.com")], faults(""));
    stage.run().expect(3);
    let log = stage.run_dir().join("audit.jsonl");
    let hostile = serde_json::to_string(HOSTILE).unwrap();
    let hostile = hostile.trim_matches('"');
    // Somebody else's log, whose chain holds.
    let forged = reseal(&fs::read_to_string(&log).unwrap(), |line| {
        line.replace("missing@example.com", &format!("={hostile}@example.com"))
            .replace("\"input\":\"", &format!("\"input\":\"{hostile}"))
            .replace("\"target\":\"", &format!("\"target\":\"{hostile}"))
            .replace("\"detail\":\"", &format!("\"detail\":\"={hostile}"))
            .replace("\"stopped\":null", &format!("\"stopped\":\"{hostile}\""))
            .replace("\"complete\":true", "\"complete\":false")
    });
    fs::write(&log, forged).unwrap();
    let dir = stage.run_dir();
    for command in ["status", "report"] {
        harmless_output(&stage.finish(Program::new([command, dir.to_str().unwrap()])).expect(0));
    }
    harmless("outcome.csv", &fs::read_to_string(dir.join("outcome.csv")).unwrap());
    let row = &stage.outcomes()[0];
    assert!(row["email"].starts_with("'=") && row["detail"].starts_with("'="), "{row:?}");
}

/// The lines changed, and chained anew.
fn reseal(log: &str, change: impl Fn(&str) -> String) -> String {
    let mut prev = "0".repeat(64);
    log.lines().fold(String::new(), |text, line| {
        let line = change(line);
        let old: serde_json::Value = serde_json::from_str(&line).unwrap();
        let line = line.replace(old["prev"].as_str().unwrap(), &prev);
        let (sealed, _) = line.rsplit_once(",\"hash\":").unwrap();
        prev = crate::support::sha256_hex(sealed.as_bytes());
        format!("{text}{sealed},\"hash\":\"{prev}\"}}\n")
    })
}

#[test]
fn a_certificate_drives_no_terminal() {
    let root = certificate("root.pem");
    let listener = Listener::new(Speaks::Tls("hostile-names.pem"), "");
    let stage = Stage::plain(1);
    let url = format!("https://{}/oauth/token", listener.address());
    let program = stage.program().env("GENESYS_TOKEN_URL", url).arg("--ca-file").arg(root);
    let finished = stage.finish(program).expect(78);
    assert!(finished.last_line().contains("]0;x"), "the name is shown: {}", finished.stderr);
    harmless_output(&finished);
    harmless_files(&stage.run_dir());
}

/// Addresses that a spreadsheet would compute.
const FORMULAS: [&str; 8] = [
    "=1+1@example.com",
    "=cmd|x!a@example.com",
    "+1+1@example.com",
    "-1+1@example.com",
    "=hyperlink{x}@example.com",
    "='1'@example.com",
    "=1@example.com",
    "a=1@example.com",
];

#[test]
fn no_cell_begins_like_a_formula() {
    let people = FORMULAS.map(Person::new).to_vec();
    let stage = Stage::new(people, faults(r#"{"on":"patch","times":null,"do":{"status":400}}"#));
    stage.run().expect(3);
    for (row, address) in stage.outcomes().iter().zip(FORMULAS) {
        let guard = if address.starts_with("a=") { "" } else { "'" };
        assert_eq!(row["email"], format!("{guard}{address}"));
        for cell in row.values() {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']), "{row:?}");
        }
    }
}

/// How many formulas the spreadsheet reads out of a CSV.
fn formulas(csv: &Path) -> usize {
    let home = csv.parent().unwrap();
    let profile = format!("-env:UserInstallation=file://{}/profile", home.display());
    let office = Command::new("soffice")
        .args([&profile, "--headless", "--convert-to", "fods", "--outdir"])
        .arg(home)
        .arg(csv)
        .env("HOME", home)
        .output()
        .unwrap();
    let sheet = fs::read_to_string(csv.with_extension("fods"));
    let sheet = sheet.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&office.stderr)));
    assert!(sheet.contains("example.com"), "the cells are there");
    sheet.matches("table:formula=").count()
}

#[test]
#[ignore = "needs LibreOffice"]
fn libreoffice_finds_no_formula_where_an_unguarded_file_has_some() {
    let stage = Stage::new(FORMULAS.map(Person::new).to_vec(), faults(""));
    stage.run().expect(0);
    let apart = tempfile::tempdir().unwrap();
    let guarded = apart.path().join("guarded.csv");
    fs::copy(stage.run_dir().join("outcome.csv"), &guarded).unwrap();
    assert_eq!(formulas(&guarded), 0);
    let unguarded = apart.path().join("unguarded.csv");
    fs::write(&unguarded, fs::read_to_string(&guarded).unwrap().replace(",'", ",")).unwrap();
    assert!(formulas(&unguarded) > 0, "the check can find one");
}
