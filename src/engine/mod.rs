//! The loop: find, record, write. The only concurrency of the program.
//!
//! One task owns everything: the requests in the air, the record, the counts. A row is first
//! looked up; when its account is proven, its intent is gathered; when the intent is on disk,
//! the PATCH is launched. Whatever lands together is recorded with one sync.
//!
//! On a stop nothing new is taken, what is in the air may land, and the rest is named `pending`.

mod landing;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::task::{Id, JoinSet, yield_now};
use tokio::time::Instant;

use crate::audit::record::Body;
use crate::domain::event::{Intent, Trail};
use crate::domain::outcome::{Doubt, Standing};
use crate::domain::stop::{Halt, Stop};
use crate::domain::target::{Row, Target};
use crate::failpoint;
use crate::input::InputError;
use crate::plan::{Plan, Step};
use crate::record::Record;
use crate::scim::client::{Client, Found, Written};
use crate::scim::identity::Ready;
use crate::scim::pacer::Waiting;
use crate::stops::{Stops, until};
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
    earlier: HashMap<u64, Trail>,
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
    /// A loop that has not begun. `earlier` is what earlier sessions knew of unsettled rows.
    pub(crate) fn new(
        client: Client,
        plan: &'a Plan<'a>,
        record: &'a mut Record,
        earlier: HashMap<u64, Trail>,
        limits: Limits,
        progress: &'a Progress,
    ) -> Self {
        Self {
            client: Arc::new(client),
            plan,
            record,
            earlier,
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

    /// Token, service configuration and perhaps the list of users, before the first row.
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
                () = self.progress.tick() => self.show(),
            }
        }
    }

    /// Takes rows until enough are in work. False when there are no more.
    fn take<R: Iterator<Item = Result<Row, InputError>>>(&mut self, rows: &mut R) -> bool {
        while self.air.len() + self.ready.len() < self.limits.concurrency && self.record.gathered() < GROUP {
            failpoint::hit("read");
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
        failpoint::hit("plan");
        let standing = self.record.standing(row.line());
        match self.plan.step(row, standing) {
            None => {}
            Some(Step::Decided(done)) => self.done(done),
            Some(Step::Do(target)) => {
                let mut trail = self.earlier.remove(&target.line).unwrap_or_default();
                trail.doubt = trail.doubt.or_else(|| self.plan.earlier_doubt(&target));
                if standing == Standing::InDoubt {
                    trail.doubt = trail.doubt.or(Some(Doubt::ReplyLost));
                }
                self.find(target, trail);
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
            failpoint::hit("intent");
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
                self.leave(ready.target(), trail);
            }
        }
    }

    async fn commit(&mut self) {
        for expires_in_s in self.client.exchange().auth().issued() {
            self.record.note(&Body::Token { expires_in_s });
        }
        failpoint::hit("commit");
        if let Err(error) = self.record.commit().await {
            self.stop(Stop::LogLost(error.to_string()));
        }
    }

    /// Launches the changes whose intents are on disk now.
    fn launch(&mut self) {
        for (ready, trail) in std::mem::take(&mut self.declared) {
            if self.stop.is_some() {
                self.leave(ready.target(), trail);
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
                self.gather().await;
            }
            stop = stops.next() => self.stop(stop),
            () = until(self.grace) => self.abandon(),
            () = self.progress.tick() => {}
        }
    }

    /// Lands whatever is about to: it shares the next sync. A quarter of the rows stays in the air, so that
    /// there is something to do meanwhile.
    async fn gather(&mut self) {
        let mut more = true;
        while more {
            yield_now().await;
            more = false;
            while let Some(landed) = self.air.try_join_next_with_id() {
                self.land(landed);
                more = self.air.len() * 4 > self.limits.concurrency;
            }
        }
    }

    fn show(&self) {
        let why = self.client.exchange().pacer().waiting().map(|waiting| match waiting {
            Waiting::Asked(left) => format!("waiting {} s: the service asked", left.as_secs() + 1),
            Waiting::Down(left) => format!("the service is down; asking again in {} s", left.as_secs() + 1),
        });
        let reading = self.client.directory().progress();
        let reading = reading.map(|(read, of)| format!("reading the user list: {read} of {of} pages"));
        let words: Vec<_> = reading.into_iter().chain(why).collect();
        self.progress.show(self.record.settled(), &words.join(" · "));
    }
}

impl Flight {
    fn new(target: &Target, trail: &Trail, writes: bool) -> Self {
        Self { line: target.line, email: target.email.as_str().to_owned(), trail: trail.clone(), writes }
    }
}

fn input_lost(error: &InputError) -> Stop {
    match error {
        InputError::Changed => Stop::InputChanged,
        other => Stop::Internal(format!("INPUT cannot be read any more: {other}")),
    }
}
