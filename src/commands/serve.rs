//! `serve`: resets of single users on request, by the same engine, pacer and audit log as a run.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::run::{
    Handing, client, finish, listen, lock_client, lock_patience, open_record, passwords, protected,
    run_start_of_service, runtime, target, wanted_service,
};
use super::{Failure, Talk, complain, report, say};
use crate::audit::log::now;
use crate::audit::record::RunStart;
use crate::audit::replay::Past;
use crate::cli::{InputArgs, PaceArgs, RunArgs, ServeArgs, UnattendedArgs, When};
use crate::config::{Further, Service};
use crate::domain::stop::Stop;
use crate::engine::{Engine, Handout, Limits, traffic};
use crate::folder::lock::Holder;
use crate::folder::run::{Chosen, Job, LOG, Place, RunFolder, choose, folder_key};
use crate::plan::Plan;
use crate::reception::Reception;
use crate::record::{Closed, Record};
use crate::service::settings::{Rules, Settings};
use crate::service::{Back, Listening, new_key};
use crate::stops::{GRACE, Signals, Stops};
use crate::views::progress::Progress;

/// Serves until told to stop.
pub(crate) fn serve(args: ServeArgs, further: &Further) -> Result<u8, Failure> {
    if args.new_caller {
        let no_randomness = || Failure::new(70, "the system gives no random numbers");
        let (key, digest) = new_key().ok_or_else(no_randomness)?;
        say(format_args!("key         {}", key.expose()));
        say(format_args!("key_sha256  {digest}"));
        return Ok(0);
    }
    let (state_dir, args) = as_run(args);
    let rules = rules(further)?;
    let runtime = runtime().map_err(|error| Failure::new(70, error))?;
    let signals = listen().map_err(|error| Failure::new(70, error))?;
    let handing = Handing::of(&args, further)?;
    let (service, _sandbox) = wanted_service(&args)?;
    let job = Job {
        input_sha256: [0; 32],
        dry_run: false,
        target: target(&args, &service),
        retry_of: None,
        shard: None,
        asks: String::new(),
        serves: true,
        again: false,
        is_told: report::is_current,
    };
    let place = Place::Exactly(state_dir);
    let holder = Holder { pid: std::process::id(), since: now(), run_dir: String::new() };
    let _client_lock = lock_client(&args, &service, &place, &holder, &Talk::default())?;
    let folder = match choose(&place, &job, &holder, lock_patience(&args, &Talk::default()))? {
        Chosen::Open(folder) => *folder,
        Chosen::Complete(path, ..) => {
            let words = format!("{} is no log of a service; choose another --state-dir", path.display());
            return Err(Failure::new(65, words));
        }
    };
    let mut start = run_start_of_service(&args, &folder, &job, &service);
    start.notices = handing.tells();
    let house = House { args: &args, further, handing, rules, folder, start, service };
    runtime.block_on(house.open(&signals))
}

/// So long a service waits for one that is down or asks for patience: it does not end by itself, since then
/// it would begin again at once.
const LONG: Duration = Duration::from_secs(366 * 86_400);

/// A run whose rows are not known yet.
fn as_run(args: ServeArgs) -> (PathBuf, RunArgs) {
    let state_dir = args.state_dir.unwrap_or_default();
    let input = InputArgs { input: PathBuf::from("serve"), default_country: None, generate_passwords: true };
    let run = RunArgs {
        input,
        dry_run: false,
        sandbox: args.sandbox,
        run_dir: Some(state_dir.clone()),
        again: false,
        yes: true,
        skip_bad_rows: false,
        include_inactive: args.include_inactive,
        protect: args.protect,
        passwords: args.passwords,
        service: args.service,
        pace: PaceArgs { max_wait: LONG, max_outage: LONG, ..args.pace },
        unattended: UnattendedArgs::default(),
        progress: When::Never,
    };
    (state_dir, run)
}

pub(super) fn rules(further: &Further) -> Result<Rules, Failure> {
    let wrong = |why: &dyn std::fmt::Display| Failure::new(78, why);
    let Some(table) = further.serve() else {
        return Err(wrong(&"serve needs [serve] in the --config file"));
    };
    let settings = Settings::read(table.clone()).map(|settings| settings.below(further.folder()));
    let rules = settings.and_then(Settings::check).map_err(|error| wrong(&error))?;
    let is_mapped = |name: &String| further.attributes.iter().any(|attribute| attribute.is_named(name));
    if let Some(name) = rules.attributes().find(|name| !is_mapped(name)) {
        return Err(wrong(&format!("serve.attributes names {name}, which no [[attributes]] maps")));
    }
    Ok(rules)
}

/// Everything that a service needs, checked.
struct House<'a> {
    args: &'a RunArgs,
    further: &'a Further,
    handing: Handing,
    rules: Rules,
    folder: RunFolder,
    start: RunStart,
    service: Service,
}

impl House<'_> {
    async fn open(self, signals: &Signals) -> Result<u8, Failure> {
        let House { args, further, mut handing, rules, folder, start, service } = self;
        let path = folder.path.clone();
        let cannot_create = |error: io::Error| Failure::new(73, format!("{}: {error}", path.display()));
        let mut stops = signals.stops(None, " and left at once".to_owned());
        let client = client(args, service, Arc::clone(&further.attributes), true)?;
        let key = folder_key(&path).map_err(cannot_create)?;
        let (mut record, mut past) = open_record(folder, &start, &mut handing).map_err(cannot_create)?;
        record.keep_ends();
        record.commit().await.map_err(cannot_create)?;
        let (desk, tickets) = mpsc::channel(rules.queue());
        let listening = Listening::bind(rules)
            .await
            .map_err(|error| Failure::new(73, format!("cannot listen: {error}")))?;
        let (is_ready, ready) = watch::channel(false);
        let duplicates = HashMap::new();
        let plan = Plan::new(&duplicates, protected(args)?, None);
        let unsettled = std::mem::take(&mut past.unsettled);
        let limits = Limits {
            concurrency: args.pace.concurrency.into(),
            dry_run: false,
            max_failures: None,
            again: true,
        };
        let progress = Progress::silent();
        let handout = Handout { passwords: passwords(args), post: handing.post(&past.run_id) };
        let mut engine = Engine::new(client, &plan, &mut record, unsettled, limits, &progress, handout);
        engine.tell_those_owed();
        let client = Arc::clone(engine.client());
        let reception = Reception::new(
            tickets,
            client,
            Arc::clone(&further.attributes),
            handing.tells(),
            &path.join(LOG),
        )
        .map_err(|damage| Failure::new(65, damage))?;
        say(format_args!("listening on {}", listening.url()));
        let _ = is_ready.send(true);
        let (work_ended, mut work_ends) = watch::channel(false);
        let ends = async {
            tokio::select! {
                _ = stops.next() => {}
                _ = work_ends.changed() => {}
            }
            let _ = is_ready.send(false);
        };
        let (tell, mut told) = Stops::told();
        let work = async {
            let stop = engine.run(reception, &mut told).await;
            let _ = work_ended.send(true);
            stop
        };
        let (told_closed, mut at_door) = watch::channel(false);
        let door = async {
            let cut = listening.serve(Back { desk, ready, key }, ends).await;
            let _ = told_closed.send(true);
            cut
        };
        // Whoever was let in is answered then, or has been told where to ask later: what the service still
        // makes wait is not waited for.
        let impatience = async {
            let _ = at_door.changed().await;
            sleep(GRACE).await;
            let _ = tell.send(Stop::Signal(15));
            std::future::pending::<()>().await;
        };
        let (cut, stop) = tokio::select! {
            both = async { tokio::join!(door, work) } => both,
            () = impatience => return Err(Failure::new(70, "the wait for the end has ended")),
        };
        if cut > 0 {
            complain(format_args!("{cut} connections were cut off"));
        }
        let (traffic, warnings) = (traffic(engine.client()), engine.warnings());
        let (end, stop) = finish(&mut record, &mut past, stop, traffic, warnings).await;
        let code = close(&path, record, past)?;
        stop.map_or(Ok(code), |stop| Err(last_word(&path, &stop, end.exit_code)))
    }
}

/// Makes the files that people read; the folder is ours until then.
fn close(path: &Path, record: Record, past: Past) -> Result<u8, Failure> {
    let Closed { ledger, owed, course, end, lock: _lock } = record.close();
    let past = Past { ledger, owed: owed.unwrap_or_default(), course, end, ..past };
    report::write(path, &past).map_err(|error| Failure::new(74, format!("{}: {error}", path.display())))?;
    Ok(0)
}

fn last_word(path: &Path, stop: &Stop, code: u8) -> Failure {
    Failure::new(code, format!("{}; {}", stop.sentence(), path.display()))
}
