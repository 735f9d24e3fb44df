//! The loop: find, record, write. The only concurrency of the program.
//!
//! One task owns everything: the requests in the air, the record, the counts. A row is first
//! looked up; when its account is proven, its intent is gathered; when the intent is on disk,
//! the PATCH is launched. Whatever lands together is recorded with one sync.
//!
//! On a stop nothing new is taken, what is in the air may land, and the rest is named `pending`.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use crate::audit::record::Body;
use crate::domain::event::{Done, Ending, Intent, Trail};
use crate::domain::outcome::Standing;
use crate::domain::outcome::{Doubt, Fail, Outcome, Pause};
use crate::domain::stop::{Halt, Stop};
use crate::domain::target::{Row, Target};
use crate::failpoint;
use crate::input::InputError;
use crate::plan::{Plan, Step};
use crate::record::Record;
use crate::scim::client::{Client, Ended, Found, Written};
use crate::scim::identity::Ready;
use crate::scim::pacer::Waiting;
use crate::stops::{GRACE, Stops, until};
use crate::views::progress::Progress;

/// Bounds on the work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Rows in work at once.
    pub(crate) concurrency: usize,
    /// Whether nothing is to be changed.
    pub(crate) dry_run: bool,
    /// Failed rows after which to stop.
    pub(crate) max_failures: Option<u64>,
}

/// Rows that need no request are recorded in groups of this size.
const GROUP: usize = 256;
/// Refusals for want of rights, one after another, that end the run.
const MAX_FORBIDDEN: u32 = 5;

/// The loop and what it owns.
#[derive(Debug)]
pub(crate) struct Engine<'a> {
    client: Arc<Client>,
    plan: &'a Plan<'a>,
    record: &'a mut Record,
    spent: HashMap<u64, u32>,
    limits: Limits,
    progress: &'a Progress,
    air: JoinSet<Landed>,
    flights: HashMap<Id, Flight>,
    ready: VecDeque<(Box<Ready>, Trail)>,
    declared: Vec<(Box<Ready>, Trail)>,
    first: First,
    forbidden: u32,
    failed: u64,
    stop: Option<Stop>,
    grace: Option<Instant>,
}

/// A request that came back, with its row.
#[derive(Debug)]
enum Landed {
    Found(Found, Trail),
    Written(Box<Ready>, Written, Trail),
}

/// What is known of a row in the air if it never lands.
#[derive(Debug)]
struct Flight {
    line: u64,
    email: String,
    trail: Trail,
    writes: bool,
}

/// The first change goes alone: if the service forbids it, it has forbidden one and not sixteen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    NotSent,
    InAir,
    Answered,
}

impl<'a> Engine<'a> {
    /// A loop that has not begun. `spent` are requests of earlier sessions on unsettled rows.
    pub(crate) fn new(
        client: Client,
        plan: &'a Plan<'a>,
        record: &'a mut Record,
        spent: HashMap<u64, u32>,
        limits: Limits,
        progress: &'a Progress,
    ) -> Self {
        Self {
            client: Arc::new(client),
            plan,
            record,
            spent,
            limits,
            progress,
            air: JoinSet::new(),
            flights: HashMap::new(),
            ready: VecDeque::new(),
            declared: Vec::new(),
            first: First::NotSent,
            forbidden: 0,
            failed: 0,
            stop: None,
            grace: None,
        }
    }

    /// Works through the rows. Returns why it stopped before the last one, if it did.
    pub(crate) async fn run<R>(&mut self, mut rows: R, stops: &mut Stops) -> Option<Stop>
    where
        R: Iterator<Item = Result<Row, InputError>>,
    {
        self.prepare(stops).await;
        let mut more = true;
        while more || !self.air.is_empty() || !self.ready.is_empty() {
            more = more && self.stop.is_none() && self.take(&mut rows);
            self.declare();
            self.commit().await;
            self.launch();
            self.show();
            if !self.air.is_empty() {
                self.wait(stops).await;
            } else if self.stop.is_some() && self.ready.is_empty() {
                break;
            }
        }
        self.name_the_rest(rows).await;
        self.stop.take()
    }

    /// The client, when the work is over.
    pub(crate) const fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Token and service configuration, before the first row.
    async fn prepare(&mut self, stops: &mut Stops) {
        let client = Arc::clone(&self.client);
        let prepared = client.prepare();
        tokio::pin!(prepared);
        loop {
            tokio::select! {
                result = &mut prepared => {
                    if let Err(Halt::Because(stop)) = result {
                        self.stop(stop);
                    }
                    return;
                }
                stop = stops.next() => self.stop(stop),
                () = until(self.grace) => return,
            }
        }
    }

    /// Takes rows until enough are in work. False when there are no more.
    fn take<R: Iterator<Item = Result<Row, InputError>>>(&mut self, rows: &mut R) -> bool {
        while self.air.len() + self.ready.len() < self.limits.concurrency && self.record.gathered() < GROUP {
            match rows.next() {
                None => return false,
                Some(Err(error)) => {
                    self.stop(input_lost(&error));
                    return false;
                }
                Some(Ok(row)) => self.begin(row),
            }
        }
        true
    }

    fn begin(&mut self, row: Row) {
        let standing = self.record.standing(row.line());
        match self.plan.step(row, standing) {
            None => {}
            Some(Step::Decided(done)) => self.done(done),
            Some(Step::Do(target)) => {
                let doubt = (standing == Standing::InDoubt).then_some(Doubt::ReplyLost);
                let attempts = self.spent.get(&target.line).copied().unwrap_or_default();
                self.find(target, Trail { attempts, doubt, ..Trail::default() });
            }
        }
    }

    /// Launches a look-up.
    fn find(&mut self, target: Target, trail: Trail) {
        let client = Arc::clone(&self.client);
        let flight = Flight::new(&target, &trail, false);
        let mut trail = trail;
        let task = self.air.spawn(async move {
            failpoint::hit("find");
            let found = client.find(target, &mut trail).await;
            Landed::Found(found, trail)
        });
        self.flights.insert(task.id(), flight);
    }

    /// Gathers the intents of the rows that are ready.
    fn declare(&mut self) {
        while self.first != First::InAir && self.stop.is_none() {
            let Some((ready, trail)) = self.ready.pop_front() else {
                return;
            };
            self.record.intent(&Intent {
                line: ready.target().line,
                email: ready.target().email.as_str().to_owned(),
                user_id: ready.id().to_owned(),
                attributes: self.client.attributes(ready.target()),
                attempts: trail.attempts,
                repeat: trail.doubt.is_some(),
            });
            self.declared.push((ready, trail));
            if self.first == First::NotSent {
                self.first = First::InAir;
            }
        }
        if self.stop.is_some() {
            for (ready, trail) in std::mem::take(&mut self.ready) {
                self.leave(ready.target().line, ready.target().email.as_str().to_owned(), trail);
            }
        }
    }

    async fn commit(&mut self) {
        for expires_in_s in self.client.auth().issued() {
            self.record.note(&Body::Token { expires_in_s });
        }
        if let Err(error) = self.record.commit().await {
            self.stop(Stop::LogLost(error.to_string()));
        }
    }

    /// Launches the changes whose intents are on disk now.
    fn launch(&mut self) {
        for (ready, trail) in std::mem::take(&mut self.declared) {
            if self.stop.is_some() {
                self.leave(ready.target().line, ready.target().email.as_str().to_owned(), trail);
                continue;
            }
            let client = Arc::clone(&self.client);
            let flight = Flight::new(ready.target(), &trail, true);
            let mut trail = trail;
            let task = self.air.spawn(async move {
                failpoint::hit("write");
                let written = client.write(&ready, &mut trail).await;
                Landed::Written(ready, written, trail)
            });
            self.flights.insert(task.id(), flight);
        }
    }

    /// Waits until something lands, somebody says stop, or the grace after a stop is over.
    async fn wait(&mut self, stops: &mut Stops) {
        tokio::select! {
            Some(landed) = self.air.join_next_with_id() => {
                self.land(landed);
                while let Some(landed) = self.air.try_join_next_with_id() {
                    self.land(landed);
                }
            }
            stop = stops.next() => self.stop(stop),
            () = until(self.grace) => self.abandon(),
            () = self.progress.tick() => {}
        }
    }

    fn land(&mut self, landed: Result<(Id, Landed), JoinError>) {
        match landed {
            Ok((id, landed)) => {
                self.flights.remove(&id);
                match landed {
                    Landed::Found(Found::Ready(ready), trail) => self.found(ready, trail),
                    Landed::Found(Found::Ended(target, ended), trail) => self.end(&target, ended, trail),
                    Landed::Written(ready, written, trail) => self.written(*ready, written, trail),
                }
            }
            Err(error) => self.crashed(&error),
        }
    }

    fn found(&mut self, ready: Box<Ready>, trail: Trail) {
        let target = ready.target();
        if let Some(first) = self.record.claim(ready.id(), target.line) {
            let words = format!("leads to the same account as line {first}");
            self.done(done(target, trail, Ending::new(Outcome::Failed(Fail::Ambiguous), words)));
        } else if self.limits.dry_run {
            self.forbidden = 0;
            self.done(done(target, trail, Ending::new(Outcome::WouldUpdate, "")));
        } else {
            self.ready.push_back((ready, trail));
        }
    }

    fn written(&mut self, ready: Ready, written: Written, trail: Trail) {
        let forbidden = trail.http_status == Some(403);
        self.first = if forbidden && self.first == First::InAir { First::NotSent } else { First::Answered };
        match written {
            Written::Ended(ended) => self.end(ready.target(), ended, trail),
            Written::LookAgain if self.stop.is_none() => self.find(ready.into_target(), trail),
            Written::LookAgain => {
                let target = ready.target();
                self.leave(target.line, target.email.as_str().to_owned(), trail);
            }
        }
    }

    /// A row has ended, and perhaps the run with it.
    fn end(&mut self, target: &Target, ended: Ended, trail: Trail) {
        let Ended { mut ending, halt } = ended;
        if let Some(Halt::Because(stop)) = &halt {
            self.stop(stop.clone());
        }
        match ending.outcome {
            Outcome::Updated | Outcome::WouldUpdate => self.forbidden = 0,
            Outcome::Failed(Fail::Forbidden) => self.weigh_refusal(&mut ending, &trail),
            Outcome::Pending(Pause::Interrupted) if halt.is_some() => {
                return self.leave(target.line, target.email.as_str().to_owned(), trail);
            }
            Outcome::Failed(_) | Outcome::Skipped(_) | Outcome::Unknown(_) | Outcome::Pending(_) => {}
        }
        self.done(done(target, trail, ending));
    }

    /// A 403 before anything ever worked is about us and not about the row; so are five in a row.
    fn weigh_refusal(&mut self, ending: &mut Ending, trail: &Trail) {
        let tally = self.record.tally();
        let nothing_worked = tally.of(Outcome::Updated) + tally.of(Outcome::WouldUpdate) == 0;
        self.forbidden += 1;
        if nothing_worked || self.forbidden >= MAX_FORBIDDEN {
            let reference =
                if trail.reference.is_empty() { String::new() } else { format!(", {}", trail.reference) };
            self.stop(Stop::Refused(format!(
                "the service forbids the change (403{reference}): does the OAuth client have the right role?"
            )));
        }
        if nothing_worked {
            *ending = Ending::new(Outcome::Pending(Pause::Interrupted), "the service forbids it (403)");
        }
    }

    /// A row that a stop keeps from its end. A PATCH in doubt stays in doubt.
    fn leave(&mut self, line: u64, email: String, trail: Trail) {
        let pause = self.stop.as_ref().map_or(Pause::Interrupted, Stop::pause);
        let outcome = trail.doubt.map_or(Outcome::Pending(pause), Outcome::Unknown);
        let ending = Ending::new(outcome, "the same command goes on with this row").left_open();
        self.done(Done { line, email, trail, ending });
    }

    fn done(&mut self, done: Done) {
        let failed = matches!(done.ending.outcome, Outcome::Failed(_));
        self.record.done(done);
        self.failed += u64::from(failed);
        if failed && self.limits.max_failures.is_some_and(|most| self.failed >= most) {
            self.stop(Stop::Failures);
        }
    }

    /// The first reason to stop counts. The gate is closed, so whoever waits there comes back.
    fn stop(&mut self, stop: Stop) {
        if self.stop.is_none() {
            tracing::warn!("stopping: {}", stop.sentence());
            self.client.pacer().close();
            self.grace = Some(Instant::now() + GRACE);
            self.stop = Some(stop);
        }
    }

    /// The grace is over: what is still in the air will not be waited for.
    fn abandon(&mut self) {
        self.air.abort_all();
        self.air.detach_all();
        for (_, flight) in std::mem::take(&mut self.flights) {
            self.lost(flight);
        }
        self.grace = None;
    }

    /// A task failed. Its row is named, and the run ends.
    fn crashed(&mut self, error: &JoinError) {
        self.stop(Stop::Internal("a task of this program failed".to_owned()));
        if let Some(flight) = self.flights.remove(&error.id()) {
            self.lost(flight);
        }
    }

    /// A row whose request never came back to us.
    fn lost(&mut self, flight: Flight) {
        let Flight { line, email, mut trail, writes } = flight;
        if writes {
            trail.doubt = trail.doubt.or(Some(Doubt::ReplyLost));
        }
        self.leave(line, email, trail);
    }

    /// After a stop every row that was not taken is named too.
    async fn name_the_rest<R: Iterator<Item = Result<Row, InputError>>>(&mut self, rows: R) {
        let Some(stop) = self.stop.clone() else {
            return;
        };
        if matches!(stop, Stop::LogLost(_) | Stop::InputChanged) {
            return;
        }
        for row in rows {
            let Ok(row) = row else { return };
            let standing = self.record.standing(row.line());
            match self.plan.step(row, standing) {
                Some(Step::Decided(done)) => self.record.done(done),
                Some(Step::Do(target)) if standing != Standing::InDoubt => {
                    let attempts = self.spent.get(&target.line).copied().unwrap_or_default();
                    let ending = Ending::new(Outcome::Pending(stop.pause()), "");
                    self.record.done(done(&target, Trail { attempts, ..Trail::default() }, ending));
                }
                Some(Step::Do(_)) | None => {}
            }
            if self.record.gathered() >= GROUP {
                self.commit().await;
            }
        }
        self.commit().await;
    }

    fn show(&self) {
        let why = self.client.pacer().waiting().map(|waiting| match waiting {
            Waiting::Asked(left) => format!("waiting {} s: the service asked", left.as_secs() + 1),
            Waiting::Down(left) => format!("the service is down; asking again in {} s", left.as_secs() + 1),
        });
        self.progress.show(self.record.tally(), why.as_deref());
    }
}

impl Flight {
    fn new(target: &Target, trail: &Trail, writes: bool) -> Self {
        Self { line: target.line, email: target.email.as_str().to_owned(), trail: trail.clone(), writes }
    }
}

fn done(target: &Target, trail: Trail, ending: Ending) -> Done {
    Done { line: target.line, email: target.email.as_str().to_owned(), trail, ending }
}

fn input_lost(error: &InputError) -> Stop {
    match error {
        InputError::Changed => Stop::InputChanged,
        other => Stop::Internal(format!("INPUT cannot be read any more: {other}")),
    }
}
