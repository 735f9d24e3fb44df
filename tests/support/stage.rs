//! One test's world: people with secret passwords, a file that lists them, a sandbox that knows
//! them, and a folder for the run.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use scim_rekey::sandbox::{Options, Sandbox, Truth};
use serde_json::Value;
use tempfile::TempDir;

use super::canary::{Canary, Search};
use super::program::{Finished, Program, Running};

/// Somebody in the file.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) password: Canary,
    pub(crate) phone: Canary,
}

impl Person {
    pub(crate) fn new(email: impl Into<String>) -> Self {
        Self { email: email.into(), password: Canary::password(), phone: Canary::phone() }
    }

    /// So many people of no particular behaviour.
    pub(crate) fn many(count: usize) -> Vec<Self> {
        (0..count).map(|number| Self::new(format!("user{number}@example.com"))).collect()
    }

    fn record(&self) -> String {
        format!("{},\"{}\",{}", self.email, self.password.0.replace('"', "\"\""), self.phone.0)
    }
}

/// The world of one test. When it is dropped, everything the program left is searched for
/// secrets.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) home: TempDir,
    pub(crate) sandbox: SandboxHandle,
    pub(crate) people: Vec<Person>,
    printed: Mutex<Vec<(String, String)>>,
    others: Mutex<Vec<Canary>>,
}

/// A sandbox whose debug output is its address.
pub(crate) struct SandboxHandle(pub(crate) Sandbox);

impl std::fmt::Debug for SandboxHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.base_url())
    }
}

impl Stage {
    /// These people, and a sandbox with these options.
    pub(crate) fn new(people: Vec<Person>, options: Options) -> Self {
        let options =
            Options { client_id: "client:1".to_owned(), client_secret: Canary::client_secret().0, ..options };
        let sandbox = SandboxHandle(Sandbox::start(options).unwrap());
        let home = tempfile::tempdir().unwrap();
        let stage = Self { home, sandbox, people, printed: Mutex::default(), others: Mutex::default() };
        stage.write_input(&stage.people);
        stage
    }

    /// So many people and no faults.
    pub(crate) fn plain(count: usize) -> Self {
        Self::new(Person::many(count), Options::default())
    }

    pub(crate) fn write_input(&self, people: &[Person]) {
        let records = people.iter().map(Person::record);
        let lines = std::iter::once("email,password,mfa_phone".to_owned()).chain(records);
        fs::write(self.input(), lines.collect::<Vec<_>>().join("\n") + "\n").unwrap();
    }

    pub(crate) fn input(&self) -> PathBuf {
        self.home.path().join("users.csv")
    }

    pub(crate) fn run_dir(&self) -> PathBuf {
        self.home.path().join("run")
    }

    /// `run`, with the sandbox in the environment, at full speed, as talkative as it gets.
    pub(crate) fn program(&self) -> Program {
        self.with_env(Program::new(self.run_args()))
    }

    /// The arguments of [`Stage::program`].
    pub(crate) fn run_args(&self) -> Vec<String> {
        let path = |path: PathBuf| path.display().to_string();
        let dir = path(self.run_dir());
        ["run", &path(self.input()), "--run-dir", &dir, "--rate", "unlimited"].map(str::to_owned).to_vec()
    }

    /// A program with the sandbox in its environment.
    pub(crate) fn with_env(&self, program: Program) -> Program {
        let Self { sandbox: SandboxHandle(sandbox), .. } = self;
        program
            .env("GENESYS_SCIM_URL", sandbox.scim_url())
            .env("GENESYS_TOKEN_URL", sandbox.token_url())
            .env("GENESYS_CLIENT_ID", sandbox.client_id())
            .env("GENESYS_CLIENT_SECRET", sandbox.client_secret())
            .env("RUST_LOG", "trace")
    }

    /// Runs to the end.
    pub(crate) fn run(&self) -> Finished {
        self.heard(self.program().run())
    }

    /// Runs a program to its end, and keeps what it printed for the search.
    pub(crate) fn finish(&self, program: Program) -> Finished {
        self.heard(program.run())
    }

    /// Waits for a process, and keeps what it printed for the search.
    pub(crate) fn wait(&self, running: Running) -> Finished {
        self.heard(running.wait())
    }

    /// Keeps what a program printed for the search.
    pub(crate) fn heard(&self, finished: Finished) -> Finished {
        self.printed.lock().unwrap().push((finished.stdout.clone(), finished.stderr.clone()));
        finished
    }

    /// Looks for one more secret in the end, which neither the people nor the sandbox know.
    pub(crate) fn keep_secret(&self, canary: &Canary) {
        self.others.lock().unwrap().push(canary.clone());
    }

    /// What the sandbox really did.
    pub(crate) fn truth(&self) -> Truth {
        self.sandbox.0.truth()
    }

    /// The lines of outcome.csv, each as column -> cell.
    pub(crate) fn outcomes(&self) -> Vec<BTreeMap<String, String>> {
        outcomes_in(&self.run_dir())
    }

    /// `outcome` or `outcome/reason` of the row on this line.
    #[track_caller]
    pub(crate) fn outcome(&self, line: usize) -> String {
        let rows = self.outcomes();
        let mut of_line = rows.iter().filter(|row| row["line"] == line.to_string());
        let row = of_line.next().unwrap_or_else(|| panic!("no line {line} in {rows:?}"));
        assert!(of_line.next().is_none(), "line {line} twice");
        if row["reason"].is_empty() {
            row["outcome"].clone()
        } else {
            format!("{}/{}", row["outcome"], row["reason"])
        }
    }

    pub(crate) fn summary(&self) -> Value {
        serde_json::from_slice(&fs::read(self.run_dir().join("summary.json")).unwrap()).unwrap()
    }

    /// The lines of audit.jsonl.
    pub(crate) fn audit(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.run_dir().join("audit.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Checks the outcome file against what the sandbox did: one line a row, `updated` where and
    /// only where the change was applied as asked, `failed` nowhere it was.
    #[track_caller]
    pub(crate) fn check_truth(&self) {
        let truth = self.truth();
        let rows = self.outcomes();
        assert_eq!(rows.len(), self.people.len(), "one line a row");
        for (place, (row, person)) in rows.iter().zip(&self.people).enumerate() {
            assert_eq!(
                (row["line"].as_str(), &row["email"]),
                ((place + 2).to_string().as_str(), &person.email)
            );
            let applied: Vec<_> = truth
                .applied
                .iter()
                .filter(|applied| applied.user_name.eq_ignore_ascii_case(&person.email))
                .collect();
            let right =
                applied.iter().any(|applied| applied.password.as_deref() == Some(&*person.password.0));
            match row["outcome"].as_str() {
                "updated" => assert!(right, "{row:?} was not applied"),
                "failed" | "skipped" | "would_update" => assert!(applied.is_empty(), "{row:?} was applied"),
                _ => {}
            }
            assert!(applied.iter().all(|applied| applied.password.as_deref() == Some(&*person.password.0)));
        }
        let known = |name: &str| self.people.iter().any(|person| person.email.eq_ignore_ascii_case(name));
        assert!(truth.applied.iter().all(|applied| known(&applied.user_name)), "somebody else was changed");
    }

    /// Passwords that nobody gave the program: those that the sandbox was sent all the same.
    fn made(&self) -> Vec<Canary> {
        let given: HashSet<&str> = self.people.iter().map(|person| &*person.password.0).collect();
        let sent = self.truth().applied.into_iter().filter_map(|applied| applied.password);
        sent.filter(|password| !given.contains(&**password)).map(Canary).collect()
    }

    /// Everything the program left, searched for every secret of this stage, and for the passwords that it
    /// made itself.
    fn leaks(&self) -> Vec<String> {
        let secret = Canary(self.sandbox.0.client_secret().to_owned());
        let tokens = self.sandbox.0.issued_tokens().into_iter().map(Canary);
        let of_people = self.people.iter().flat_map(|person| [person.password.clone(), person.phone.clone()]);
        let others = self.others.lock().unwrap().clone();
        let search = Search::new(of_people.chain([secret]).chain(tokens).chain(others).chain(self.made()));
        let input = self.input();
        let mut found = search.files(self.home.path(), &[&input, &self.home.path().join("secret")]);
        for (stdout, stderr) in self.printed.lock().unwrap().iter() {
            found.extend(search.text("standard output", stdout.as_bytes()));
            found.extend(search.text("standard error", stderr.as_bytes()));
        }
        found
    }
}

/// The lines of the outcome file in a folder.
pub(crate) fn outcomes_in(folder: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(folder.join("outcome.csv")).unwrap();
    reader.deserialize().map(|row| row.unwrap()).collect()
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let leaks = self.leaks();
            assert!(leaks.is_empty(), "secrets were left behind:\n{}", leaks.join("\n"));
        }
    }
}
