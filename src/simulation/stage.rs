//! One world: a folder, a file, a service, a way to it, and a clock that stands until all wait.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Parser as _;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep, sleep_until};

use super::judge::Person;
use super::network::{Cable, SharedCable, Weather};
use crate::cli::{Cli, Command, RunArgs};
use crate::commands::run::{Monitor, job};
use crate::commands::{Failure, Talk};
use crate::config::Further;
use crate::config::{Service, sandbox_service};
use crate::sandbox::{Indoors, Options, Truth};
use crate::scim::chance::seeded;
use crate::scim::http::Network;
use crate::stops::Signals;

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// The exit code of a process that was killed.
pub(super) const KILLED: u8 = 137;

pub(super) struct Stage {
    pub(super) runtime: Runtime,
    pub(super) service: Indoors,
    pub(super) cable: SharedCable,
    pub(super) people: Vec<Person>,
    /// Those whose PATCH was declared by a process that was killed: nobody can know whether it left.
    pub(super) abandoned: RefCell<BTreeSet<String>>,
    client_id: String,
    home: TempDir,
}

impl Stage {
    /// People, a service with these habits, and this weather between. Time begins.
    pub(super) fn new(people: Vec<Person>, options: Options, weather: Weather, seed: u64) -> Self {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let within = runtime.enter();
        seeded::begin(seed);
        // Nobody else's, so that the lock of client and service is its own.
        let client_id =
            format!("simulated {} {}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let options =
            Options { client_id: client_id.clone(), client_secret: "not of this world".into(), ..options };
        let service = Indoors::new(options);
        let cable = Arc::new(Cable::new(service.clone(), weather, seed));
        let home = home();
        let records = people.iter().map(Person::record);
        let lines = std::iter::once("email,password,mfa_phone".to_owned()).chain(records);
        fs::write(home.path().join("users.csv"), lines.collect::<Vec<_>>().join("\n")).unwrap();
        drop(within);
        Self { runtime, service, cable, people, abandoned: RefCell::default(), client_id, home }
    }

    pub(super) fn run_dir(&self) -> PathBuf {
        self.home.path().join("run")
    }

    /// One process with these flags, left alone.
    pub(super) fn run(&self, flags: &str) -> u8 {
        let flags: Vec<_> = flags.split_whitespace().map(str::to_owned).collect();
        self.session(&flags, None)
    }

    /// Does something to the world after a while.
    pub(super) fn later(&self, wait: Duration, what: impl FnOnce() + Send + 'static) {
        self.runtime.spawn(async move {
            sleep(wait).await;
            what();
        });
    }

    /// One process, from its command line to its exit code; killed after a while, if at all.
    pub(super) fn session(&self, flags: &[String], kill_after: Option<Duration>) -> u8 {
        let args = self.args(flags);
        self.cable.forget_hold();
        let _context = self.runtime.enter();
        let talk = Talk { quiet: true, ..Talk::default() };
        let drive = |work: crate::commands::run::Work<'_>| {
            self.runtime.block_on(async {
                let killed = async {
                    match kill_after {
                        Some(wait) => sleep_until(Instant::now() + wait).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    biased;
                    () = killed => Err(Failure::new(KILLED, "killed")),
                    done = work => done,
                }
            })
        };
        job(
            &Monitor::new(&args),
            &Further::default(),
            None,
            &talk,
            &Signals::deaf(),
            |args| self.service(args),
            drive,
        )
        .unwrap_or_else(|failure| failure.code)
    }

    /// Whatever is still under way arrives.
    pub(super) fn settle(&self) {
        self.runtime.block_on(async { sleep(Duration::from_secs(3600)).await });
    }

    /// After a kill: rows of which the log knows an intent and no end.
    pub(super) fn note_open_intents(&self) {
        let log = fs::read_to_string(self.run_dir().join("audit.jsonl")).unwrap_or_default();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let last: BTreeMap<u64, Value> =
            lines.filter_map(|line| Some((line["line"].as_u64()?, line))).collect();
        let open = last.into_values().filter(|line| line["kind"] == "intent");
        self.abandoned.borrow_mut().extend(open.filter_map(|line| Some(line["email"].as_str()?.to_owned())));
    }

    pub(super) fn truth(&self) -> Truth {
        let _context = self.runtime.enter();
        self.service.truth()
    }

    pub(super) fn summary(&self) -> Value {
        serde_json::from_slice(&fs::read(self.run_dir().join("summary.json")).unwrap()).unwrap()
    }

    fn args(&self, flags: &[String]) -> RunArgs {
        let path = |name: &str| self.home.path().join(name).display().to_string();
        let words = ["scim-rekey", "run", &path("users.csv"), "--run-dir", &path("run")].map(str::to_owned);
        match Cli::parse_from(words.into_iter().chain(flags.iter().cloned())).command {
            Command::Run(args) => *args,
            other => panic!("{other:?}"),
        }
    }

    fn service(&self, args: &RunArgs) -> Result<(Service, Option<crate::sandbox::Sandbox>), Failure> {
        let base = "http://127.0.0.1:9";
        let (scim, token) = (format!("{base}/api/v2/scim/v2"), format!("{base}/oauth/token"));
        let mut service = sandbox_service(args, &scim, &token, &self.client_id, "not of this world")?;
        let network: Arc<dyn Network> = Arc::clone(&self.cable) as _;
        service.http.network = Some(Arc::clone(&network));
        service.token_http.network = Some(network);
        Ok((service, None))
    }
}

/// In memory where there is a place for it: a disk would only cost time.
fn home() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}
