//! Generated passwords: whoever holds the key can read the one that each user has, and nobody else can.

mod killed;
mod made;
mod refused;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;
use scim_rekey::sandbox::Options;

use crate::support::{Canary, Finished, Person, Program, Stage};

/// A stage whose people have no password in the file, and the key of whoever hands them out.
struct Office {
    stage: Stage,
    recipient: String,
}

/// One line that `unseal` prints.
#[derive(Debug)]
struct Shown {
    line: usize,
    email: String,
    password: String,
    outcome: String,
}

impl Office {
    fn new(rows: usize, options: Options) -> Self {
        let stage = Stage::new(Person::many(rows), options);
        let records = stage.people.iter().fold(String::new(), |mut text, person| {
            writeln!(text, "{},,{}", person.email, person.phone.0).unwrap();
            text
        });
        fs::write(stage.input(), format!("email,password,mfa_phone\n{records}")).unwrap();
        let key = Identity::generate();
        let recipient = key.to_public().to_string();
        let office = Self { stage, recipient };
        fs::write(office.key(), key.to_string().expose_secret()).unwrap();
        office
    }

    fn key(&self) -> PathBuf {
        self.stage.home.path().join("key.txt")
    }

    fn sealed(&self) -> PathBuf {
        self.stage.run_dir().join("generated.csv.age")
    }

    /// The arguments of a run that seals what it makes.
    fn args(&self) -> Vec<String> {
        let own = ["--generate-passwords", "--seal-to", &self.recipient].map(str::to_owned);
        self.stage.run_args().into_iter().chain(own).collect()
    }

    fn program(&self) -> Program {
        self.stage.with_env(Program::new(self.args()))
    }

    fn run(&self) -> Finished {
        self.stage.finish(self.program())
    }

    /// What `unseal` prints of this, which no other output may hold.
    fn unsealed(&self, from: PathBuf) -> (Finished, Vec<Shown>) {
        let args = ["unseal".into(), from, "--identity".into(), self.key()];
        let done = Program::new(args).run();
        let mut reader = csv::Reader::from_reader(done.stdout.as_bytes());
        let columns = reader.headers().unwrap().iter().collect::<Vec<_>>();
        assert!(columns.is_empty() || columns == ["line", "email", "user_id", "password", "outcome"]);
        let rows = reader.deserialize::<BTreeMap<String, String>>().map(Result::unwrap);
        let shown = rows.map(|mut row| {
            let mut cell = |name| row.remove(name).unwrap();
            let line = cell("line").parse().unwrap();
            let shown =
                Shown { line, email: cell("email"), password: cell("password"), outcome: cell("outcome") };
            self.stage.keep_secret(&Canary(shown.password.clone()));
            shown
        });
        let shown = shown.collect();
        (done, shown)
    }

    /// Checks a run that was killed: whatever password a user has by now, the holder of the key can read it.
    #[track_caller]
    fn check_sealed_first(&self, what: &str) {
        let applied = self.stage.truth().applied;
        if applied.is_empty() {
            return;
        }
        let (_, shown) = self.unsealed(self.stage.run_dir());
        for applied in applied {
            let password = applied.password.unwrap();
            let of_user = shown.iter().filter(|shown| shown.email == applied.user_name);
            let known = of_user.into_iter().any(|shown| shown.password == password);
            assert!(known, "{what}: what {} was given is not sealed", applied.user_name);
        }
    }

    /// Checks a run that has come to its end: each user has exactly the one password that is printed for
    /// the row, and no other user has it.
    #[track_caller]
    fn check_handed_over(&self, what: &str) {
        let (done, shown) = self.unsealed(self.stage.run_dir());
        assert_eq!(done.code(), 0, "{what}: {}", done.stderr);
        let lines = shown.iter().map(|shown| shown.line).collect::<BTreeSet<_>>();
        assert_eq!(lines, (2..2 + self.stage.people.len()).collect(), "{what}: every row");
        assert_eq!(shown.len(), lines.len(), "{what}: each row once");
        let truth = self.stage.truth();
        for Shown { line, email, password, outcome } in &shown {
            assert_eq!((email, &**outcome), (&self.stage.people[line - 2].email, "updated"), "{what}");
            let has = truth.applied.iter().rfind(|applied| applied.user_name == *email);
            assert_eq!(has.and_then(|has| has.password.as_ref()), Some(password), "{what}, line {line}");
        }
        let different = shown.iter().map(|shown| &shown.password).collect::<BTreeSet<_>>();
        assert_eq!(different.len(), shown.len(), "{what}: no password for two");
        // Those that were sent and followed by another are no less secret.
        for applied in truth.applied {
            self.stage.keep_secret(&Canary(applied.password.unwrap()));
        }
    }
}
