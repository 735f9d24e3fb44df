//! Secrets from wherever they come, in every command, at the most talkative level.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Canary, Finished, Person, Program, Stage, faults};

/// Everything goes wrong once on the way: a lost reply, a token that ends, a limit, a refusal.
const TROUBLE: &str = r#"
    {"on":"patch","user":"user1@example.com","do":{"reset":"after"}},
    {"on":"patch","user":"user2@example.com","do":"echo_password"},
    {"on":"patch","user":"user3@example.com","do":{"status":400,"body":{"scimType":"invalidValue"}}},
    {"on":"lookup","skip":3,"do":"revoke_tokens"},
    {"on":"lookup","skip":6,"do":{"status":429,"retry_after":"0"}},
    {"on":"lookup","user":"user5@example.com","do":"garbage"}"#;

/// Where the client secret comes from.
#[derive(Debug, Clone, Copy)]
enum From {
    Environment,
    File,
    Stdin,
}

fn with_secret_from(stage: &Stage, from: From, program: Program) -> Program {
    let secret = stage.sandbox.0.client_secret();
    let path = stage.home.path().join("secret");
    fs::write(&path, secret).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let program = stage.with_env(program).arg("-vv");
    match from {
        From::Environment => program,
        From::File => program.without_env("GENESYS_CLIENT_SECRET").arg("--client-secret-file").arg(path),
        From::Stdin => {
            let program = program.without_env("GENESYS_CLIENT_SECRET").args(["--client-secret-file", "-"]);
            program.stdin(format!("{secret}\n"))
        }
    }
}

#[test]
fn no_command_leaves_a_secret_wherever_it_came_from() {
    for (from, auth) in [(From::Environment, "basic"), (From::File, "body"), (From::Stdin, "basic")] {
        let stage = Stage::new(Person::many(9), faults(TROUBLE));
        let (input, dir) = (stage.input(), stage.run_dir());
        let (input, dir) = (input.to_str().unwrap(), dir.to_str().unwrap());
        let job = |args: &[&str]| {
            let program = Program::new(args).args(["--rate", "unlimited", "--token-auth", auth]);
            stage.finish(with_secret_from(&stage, from, program))
        };
        job(&["run", input, "--run-dir", dir]).expect(3);
        let retried = stage.home.path().join("retried");
        job(&["retry", dir, input, "--run-dir", retried.to_str().unwrap()]).expect(0);
        let rehearsed = stage.home.path().join("rehearsed");
        job(&["run", input, "--dry-run", "--run-dir", rehearsed.to_str().unwrap()]).expect(0);
        let log = stage.run_dir().join("audit.jsonl");
        let local = [
            vec!["check", input],
            vec!["status", dir],
            vec!["report", dir],
            vec!["audit", "verify", log.to_str().unwrap()],
        ];
        for args in local {
            stage.finish(Program::new(args).arg("-vv").env("RUST_LOG", "trace")).expect(0);
        }
        assert_eq!(stage.summary()["outcomes"]["failed"], 2, "{from:?}");
        assert!(
            stage.audit().iter().any(|line| line["email"] == "user3@example.com"),
            "the search sees rows"
        );
    }
}

/// A file that is refused is spoken of at length, and never quoted.
fn refused(bytes: &[u8]) -> Finished {
    let stage = Stage::plain(0);
    let (password, phone) = (Canary::password(), Canary::phone());
    stage.keep_secret(&password);
    stage.keep_secret(&phone);
    let text = String::from_utf8_lossy(bytes).replace("PASSWORD", &password.0).replace("PHONE", &phone.0);
    fs::write(stage.input(), text).unwrap();
    let check = Program::new(["check", stage.input().to_str().unwrap(), "-vv"]).env("RUST_LOG", "trace");
    stage.finish(check).expect(65);
    stage.finish(stage.program().arg("-vv")).expect(65)
}

#[test]
fn a_file_that_is_refused_is_never_quoted() {
    for file in [
        "ann@example.com,PASSWORD,PHONE\n",
        "PASSWORD,email,PASSWORD\nx,ann@example.com,y\n",
        "email,password,mfa_phone\nPASSWORD,ann@example.com,PHONE\n",
        "email,password,mfa_phone\nann@example.com,PASSWORD,PHONE99999\n",
        "email,password,mfa_phone\nann@example.com,PASSWORD,PHONE,PASSWORD\n",
        "email,password,mfa_phone\nann@example.com,\"PASSWORD,PHONE\n",
        "email,password,mfa_phone\nann@example.com,PASSWORD\0,PHONE\n",
        "email,password,mfa_phone\nann@example.com,PASSWORD,PHONE\nann@example.com,x,PHONE\n",
        "email,password,mfa_phone\nann@example.com,PHONE,PASSWORD\n",
    ] {
        let finished = refused(file.as_bytes());
        assert!(finished.last_line().contains("users.csv"), "{}", finished.stderr);
    }
}

#[test]
fn a_password_that_occurs_in_every_word_breaks_nothing() {
    for password in ["a", "in", "user", "updated", "example", "passwor", "{\"", "\\", "2"] {
        let mut people = Person::many(3);
        people.push(Person::new("refused@example.com"));
        for person in &mut people {
            person.password = Canary(password.to_owned());
        }
        // Words of our own are no leak, so only the phones and credentials are looked for.
        let stage = Stage::new(people, faults(""));
        stage.run().expect(3);
        stage.check_truth();
        assert_eq!(stage.outcome(5), "failed/rejected", "{password}");
        let log = stage.run_dir().join("audit.jsonl");
        stage.finish(Program::new(["audit", "verify", log.to_str().unwrap()])).expect(0);
    }
}
