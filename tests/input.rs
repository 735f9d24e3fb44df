//! What is written in the file is what arrives, and what cannot be read without doubt is refused
//! before anything is sent.

use std::fs;

use crate::support::{Canary, Finished, Person, Program, Stage, faults, outcomes_in, until};

/// What one row is to make of its user: the password byte for byte, the phone in E.164.
type Row<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// A stage with this input, and the secrets in it known to the search for leaks.
fn stage(bytes: &[u8], secrets: &[&str]) -> Stage {
    let people = secrets.iter().map(|secret| {
        let mut person = Person::new("nobody@example.com");
        person.password = Canary((*secret).to_owned());
        person
    });
    let stage = Stage::new(people.collect(), faults(""));
    fs::write(stage.input(), bytes).unwrap();
    stage
}

/// Runs this input; every row must arrive as given, in one operation or two.
#[track_caller]
fn arrives(bytes: &[u8], args: &[&str], rows: &[Row<'_>]) -> Stage {
    let secrets: Vec<_> = rows.iter().filter_map(|row| row.1).collect();
    let stage = stage(bytes, &secrets);
    stage.finish(stage.program().args(args)).expect(0);
    let truth = stage.truth();
    assert_eq!(truth.applied.len(), rows.len());
    for (email, password, phone) in rows {
        let applied = truth.applied.iter().find(|applied| applied.user_name == *email);
        let applied = applied.unwrap_or_else(|| panic!("{email} was not changed: {:?}", truth.applied));
        assert_eq!(applied.password.as_deref(), *password, "{email}");
        let number = applied.mfa.as_ref().map(|mfa| mfa["phoneNumber"].as_str().unwrap());
        assert_eq!(number, *phone, "{email}");
    }
    stage
}

fn utf16(text: &str, to_bytes: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(to_bytes).collect()
}

#[test]
fn passwords_arrive_byte_for_byte() {
    let passwords = [
        "in the middle \r\n a line break, and \n one more".to_owned(),
        "   blanks before and after \t ".to_owned(),
        "\u{a0}no-break blanks around\u{a0}".to_owned(),
        "\n breaks at both ends \n".to_owned(),
        "composed é, decomposed e\u{301}, ß, Ω, 漢字, 🔑, \u{200b}".to_owned(),
        "\"quotes\" \"\" and 'apostrophes' \\ \\\" \\n".to_owned(),
        "commas, semicolons; tabs\t and = at the start".to_owned(),
        "=HYPERLINK(\"x\") {\"json\":null} &amp; %2C %00".to_owned(),
        "\u{fffd} written by whoever made it".to_owned(),
        "#not a comment at all".to_owned(),
        "x".repeat(4096),
    ];
    let emails: Vec<_> = (0..passwords.len()).map(|number| format!("user{number}@example.com")).collect();
    let rows: Vec<_> = emails
        .iter()
        .zip(&passwords)
        .map(|(email, word)| (email.as_str(), Some(word.as_str()), None))
        .collect();
    for delimiter in [",", ";", "\t"] {
        let lines = rows.iter().map(|(email, password, _)| {
            format!("{email}{delimiter}\"{}\"{delimiter}\n", password.unwrap().replace('"', "\"\""))
        });
        let text = format!("email{delimiter}password{delimiter}mfa_phone\n{}", lines.collect::<String>());
        arrives(text.as_bytes(), &[], &rows);
    }
}

#[test]
fn passwords_without_quotes_keep_their_blanks_and_the_other_delimiters() {
    for (delimiter, others) in [(',', ";\t"), (';', ",\t"), ('\t', ",;")] {
        let password = format!("  kept as it is {others} too  ");
        let text = format!("email{delimiter}password\nann@example.com{delimiter}{password}\n");
        arrives(text.as_bytes(), &[], &[("ann@example.com", Some(&password), None)]);
    }
}

#[test]
fn every_encoding_and_line_ending_arrives_alike() {
    let (ann, bob) = ("Geheimnis ä€🔑 von Ann", "two\nlines of Bob");
    let rows = [("ann@example.com", Some(ann), Some("+15550100199")), ("bob@example.com", Some(bob), None)];
    let lf =
        format!("email,password,mfa_phone\nann@example.com,{ann},+15550100199\nbob@example.com,\"{bob}\",\n");
    // The break inside the quotes is part of the password, and stays what it is.
    let crlf = lf.replace('\n', "\r\n").replace("two\r\n", "two\n");
    let cr = lf.replace('\n', "\r").replace("two\r", "two\n");
    for text in [&lf, &crlf, &cr, &lf.trim_end().to_owned(), &lf.replace("\nbob", "\n\n\nbob")] {
        arrives(text.as_bytes(), &[], &rows);
        arrives(format!("\u{feff}{text}").as_bytes(), &[], &rows);
        arrives(&utf16(text, u16::to_le_bytes), &[], &rows);
        arrives(&utf16(text, u16::to_be_bytes), &[], &rows);
    }
}

#[test]
fn columns_go_by_their_names_in_any_case_and_order() {
    let (password, phone) = ("the word of Ann Onymous", "+15550100199");
    let row = [("ann@example.com", Some(password), Some(phone))];
    for email in ["email", "E-Mail", "user name", "UserName", " EMAIL "] {
        for (word, number) in
            [("password", "mfa_phone"), ("New_Password", "MFA Phone"), ("PASSWORD", "phone")]
        {
            let text = format!("{number},{word},{email}\n{phone},{password},ann@example.com\n");
            arrives(text.as_bytes(), &[], &row);
        }
    }
    let text = format!("team,\"Password\",phone,\"email\",notes\nred,{password},{phone},ann@example.com,x\n");
    let stage = arrives(text.as_bytes(), &[], &row);
    assert_eq!(stage.summary()["warnings"].to_string().matches("ignored columns: team, notes").count(), 1);
}

#[test]
fn phones_lose_their_layout_and_cells_around_them_their_blanks() {
    for cell in [
        "+15550100199",
        "+1 (555) 010-0199",
        "+1.555.010.0199",
        "  +1-555-010-0199\t",
        "+1\u{a0}555\u{202f}0100199",
        "+1 [555] 010\u{2011}0199",
    ] {
        let text = format!("email,mfa_phone\n\"  ann@example.com \",\"{cell}\"\n");
        arrives(text.as_bytes(), &[], &[("ann@example.com", None, Some("+15550100199"))]);
    }
    let national = b"email,phone\nann@example.com,030 1234567\nbob@example.com,+15550100199\n";
    let rows =
        [("ann@example.com", None, Some("+49301234567")), ("bob@example.com", None, Some("+15550100199"))];
    arrives(national, &["--default-country", "DE"], &rows);
    let refused = stage(national, &[]);
    refused.run().expect(65);
    assert!(refused.truth().requests.is_empty());
}

#[test]
fn a_row_sends_only_what_it_asks_for() {
    let (ann, bob) = ("only a password here", "password and phone");
    let text = format!(
        "email,password,mfa_phone\nann@example.com,{ann},\nbob@example.com,{bob},+15550100199\neve@example.com,,+15550100188\n"
    );
    let rows = [
        ("ann@example.com", Some(ann), None),
        ("bob@example.com", Some(bob), Some("+15550100199")),
        ("eve@example.com", None, Some("+15550100188")),
    ];
    let stage = arrives(text.as_bytes(), &[], &rows);
    let mfa: Vec<_> = stage.outcomes().iter().map(|row| row["mfa"].clone()).collect();
    assert_eq!(mfa, ["none", "confirmed", "confirmed"]);
}

/// Every cell of a bad input holds this word, and no output may.
const WORD: &str = "Kanari";

/// The numbers of the lines that an output lists.
fn listed(output: &str) -> Vec<u64> {
    let numbers = output.lines().filter_map(|line| line.strip_prefix("line ")?.split_once(':'));
    numbers.map(|(number, _)| number.parse().unwrap()).collect()
}

/// `run` and `check` refuse this input, and say nothing of what is in it.
#[track_caller]
fn refused(bytes: &[u8]) -> (Finished, Finished) {
    let stage = stage(bytes, &[]);
    let input = stage.input();
    let run = stage.run().expect(65);
    let check = Program::new(["check", input.to_str().unwrap()]);
    let check = stage.finish(stage.with_env(check)).expect(65);
    assert!(stage.truth().requests.is_empty(), "nothing is sent");
    let left: Vec<_> =
        fs::read_dir(stage.home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["users.csv"], "nothing is made");
    for text in [&run.stdout, &run.stderr, &check.stdout, &check.stderr] {
        assert!(!text.to_lowercase().contains(&WORD.to_lowercase()), "{text}");
    }
    (run, check)
}

#[test]
fn every_bad_line_is_listed_and_nothing_is_sent() {
    let long = "Kanari".repeat(700);
    let lines: [(&[u8], bool); 19] = [
        (b"kanari.good@example.com,Kanari 1,+15550100199", true),
        (b"kanari.no.address,Kanari 2,", false),
        (b",Kanari 3,", false),
        (b"kanari4@example.com,Kanari 4,Kanari 555", false),
        (b"kanari5@example.com,,", false),
        (b"kanari6@example.com,Kanari 6", false),
        (b"kanari7@example.com,Kanari 7,,Kanari", false),
        (b"kanari8@example.com,Kanari\"8,", false),
        (b"kanari9@example.com,\"Kanari\"9,", false),
        (b"kanari10@example.com,Kanari \0 10,", false),
        (b"kanari11@example.com,Kanari \xff 11,", false),
        (b"kanari12@example.com,Kanari \r 12,", false),
        (b"kanari13@example.com,   ,", false),
        (b"kanari14@example.com,Kanari 14,030 1234567", false),
        (b"kanari15@example.com\xe2\x80\x8b,Kanari 15,", false),
        (b"kanari16@example.com,\"Kanari\n16\",", true),
        (long.as_bytes(), false),
        (b"kanari18@localhost,Kanari 18,", false),
        (b"kanari19@example.com,\"Kanari 19,", false),
    ];
    let mut bytes = b"email,password,mfa_phone\n".to_vec();
    let (mut line, mut bad) = (2, Vec::new());
    for (record, good) in lines {
        if !good {
            bad.push(line);
        }
        line += 1 + u64::from(record.contains(&b'\n'));
        bytes.extend_from_slice(record);
        bytes.push(b'\n');
    }
    let (run, check) = refused(&bytes);
    assert_eq!(listed(&run.stderr), bad, "{}", run.stderr);
    assert_eq!(listed(&check.stdout), bad, "{}", check.stdout);
}

#[test]
fn a_cell_over_four_kib_is_refused() {
    let text = format!("email,password\nkanari@example.com,{}\n", "Kanari1.".repeat(512) + "x");
    let (run, _) = refused(text.as_bytes());
    assert_eq!(listed(&run.stderr), [2]);
}

#[test]
fn rows_that_disagree_about_a_user_are_all_refused() {
    let text = "email,password,phone\n\
        kanari@example.com,Kanari A,\n\
        other.kanari@example.com,Kanari A,\n\
        KANARI@example.com,Kanari B,\n\
        kanari@Example.com,Kanari A,+15550100199\n";
    let (run, check) = refused(text.as_bytes());
    assert_eq!((listed(&run.stderr), listed(&check.stdout)), (vec![2, 4, 5], vec![2, 4, 5]));
}

#[test]
fn a_file_without_a_usable_header_or_row_is_refused() {
    let utf16_without_mark: Vec<_> =
        "email,password\nkanari@example.com,Kanari\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [
        b"".as_slice(),
        b"\n\n",
        b"\xef\xbb\xbf",
        b"email,password,mfa_phone\n",
        b"email,password,mfa_phone",
        b"kanari@example.com,Kanari,+15550100199\n",
        b"password,mfa_phone\nKanari,+15550100199\n",
        b"email,Kanari\nkanari@example.com,Kanari\n",
        b"email,password,Password\nkanari@example.com,Kanari,Kanari\n",
        b"email,password,new_password\nkanari@example.com,Kanari,Kanari\n",
        b"email,username,password\nkanari@example.com,kanari@example.com,Kanari\n",
        b"email,password,kanari,Kanari\nkanari@example.com,Kanari,a,b\n",
        b"email,pass\"word\nkanari@example.com,Kanari\n",
        b"\"email,password\nkanari@example.com,Kanari\n",
        b"email,password,\xff\nkanari@example.com,Kanari,x\n",
        &utf16_without_mark,
    ] {
        let (run, check) = refused(bytes);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert_eq!(run.stderr, check.stderr);
    }
}

#[test]
fn a_missing_or_unreadable_input_is_66() {
    let stage = Stage::plain(1);
    fs::remove_file(stage.input()).unwrap();
    let path = stage.input().display().to_string();
    let check = || stage.finish(stage.with_env(Program::new(["check", &path])));
    stage.run().expect(66);
    check().expect(66);
    fs::create_dir(stage.input()).unwrap();
    stage.run().expect(66);
    check().expect(66);
    assert!(stage.truth().requests.is_empty() && !stage.run_dir().exists());
}

#[test]
fn check_accepts_what_run_accepts_and_asks_nobody() {
    let stage = Stage::plain(3);
    let input = stage.input();
    let check = || Program::new(["check", input.to_str().unwrap()]);
    // No credentials, no service, nothing at all in the environment.
    let done = stage.finish(check()).expect(0);
    assert!(done.stdout.contains("3 rows") && done.stderr.is_empty(), "{done:?}");
    stage.finish(stage.with_env(check())).expect(0);
    stage.finish(Program::new(["check", "-"]).stdin(fs::read(&input).unwrap())).expect(0);
    assert!(stage.truth().requests.is_empty());
    assert_eq!(fs::read_dir(stage.home.path()).unwrap().count(), 1);
}

#[test]
fn bad_rows_can_be_left_out_and_are_named() {
    let text = b"email,password\n\
        ann@example.com,the word of Ann Onymous\n\
        no address,some word for nobody\n\
        eve@example.com,one word for Eve\n\
        bob@example.com,\"the word\nof Bob Onymous\"\n\
        EVE@example.com,another word for Eve\n\
        zoe@example.com\n";
    let stage = stage(text, &["the word of Ann Onymous", "one word for Eve", "another word for Eve"]);
    stage.finish(stage.program().arg("--skip-bad-rows")).expect(3);
    let rows = outcomes_in(&stage.run_dir());
    let ends: Vec<_> = rows.iter().map(|row| (row["line"].as_str(), row["outcome"].as_str())).collect();
    let expected = [
        ("2", "updated"),
        ("3", "failed"),
        ("4", "failed"),
        ("5", "updated"),
        ("7", "failed"),
        ("8", "failed"),
    ];
    assert_eq!(ends, expected);
    for row in rows.iter().filter(|row| row["outcome"] == "failed") {
        assert_eq!((row["reason"].as_str(), row["attempts"].as_str()), ("invalid_row", "0"), "{row:?}");
    }
    let truth = stage.truth();
    let changed: Vec<_> = truth.applied.iter().map(|applied| applied.user_name.as_str()).collect();
    assert_eq!((changed.len(), truth.lookup_requests), (2, 2), "{changed:?}");
    // Nothing but bad rows is nothing to do, and still no success.
    let none = self::stage(b"email,password\nno address,some word\n", &[]);
    none.finish(none.program().arg("--skip-bad-rows")).expect(3);
    assert_eq!(none.truth().lookup_requests, 0);
}

/// So many rows that the file takes many blocks, and a run that waits at its first row until the
/// file has been swapped by `swap`.
fn swapped(swap: impl FnOnce(&Stage, &[Person])) -> (Stage, Finished) {
    let mut people = Person::many(120);
    for person in &mut people {
        person.password.0 += &"x".repeat(3000);
    }
    let mut others = people.clone();
    for person in &mut others {
        person.password = Canary(Canary::password().0 + &"x".repeat(3000));
    }
    let wait = r#"{"on":"lookup","times":null,"do":{"status":429,"retry_after":"1"}}"#;
    let stage = Stage::new(people, faults(wait));
    let running = stage.program().args(["--concurrency", "1", "--max-attempts", "99"]).start();
    until("the first row is looked up", || stage.truth().lookup_requests > 0);
    swap(&stage, &others);
    stage.sandbox.0.set_faults(Vec::new());
    let finished = stage.wait(running);
    (stage, finished)
}

#[test]
fn a_file_that_changes_while_it_is_used_is_not_acted_on() {
    let (stage, finished) = swapped(Stage::write_input);
    let finished = finished.expect(65);
    assert!(finished.last_line().contains("changed"), "{}", finished.stderr);
    let truth = stage.truth();
    assert!(truth.applied.len() < stage.people.len());
    for applied in &truth.applied {
        let person = stage.people.iter().find(|person| person.email == applied.user_name).unwrap();
        assert_eq!(applied.password.as_deref(), Some(&*person.password.0));
    }
    // Another file is another job; the old one, put back, goes on where it was.
    stage.run().expect(65);
    assert_eq!(stage.truth().applied.len(), truth.applied.len());
    stage.write_input(&stage.people);
    stage.run().expect(0);
    stage.check_truth();
    assert_eq!(stage.truth().applied.len(), stage.people.len());
}

#[test]
fn a_file_moved_to_the_name_of_the_input_is_never_seen() {
    let (stage, finished) = swapped(|stage, others| {
        let old = stage.home.path().join("old.csv");
        fs::rename(stage.input(), &old).unwrap();
        stage.write_input(others);
        fs::remove_file(old).unwrap();
    });
    finished.expect(0);
    stage.check_truth();
    assert_eq!(stage.truth().applied.len(), stage.people.len());
}

#[test]
fn a_row_is_not_run_when_another_one_for_its_user_cannot_be_read() {
    let stage = Stage::new(Vec::new(), faults(""));
    fs::write(
        stage.input(),
        "email,password,mfa_phone\na@example.com,one,\nA@example.com,two,no phone\nb@example.com,three,\n",
    )
    .unwrap();
    stage.finish(stage.program().arg("--skip-bad-rows")).expect(3);
    assert_eq!(stage.outcome(2), "failed/invalid_row");
    assert_eq!(stage.outcome(3), "failed/invalid_row");
    assert_eq!(stage.outcome(4), "updated");
    assert_eq!(stage.truth().applied.len(), 1);
}
