//! The loop: find, record, write. The only concurrency of the program.
//!
//! One task owns everything: the requests in the air, the record, the counts. A row is first
//! looked up; when its account is proven, its intent is gathered; when the intent is on disk,
//! the PATCH is launched. Whatever lands together is recorded with one sync.
//!
//! On a stop nothing new is taken, what is in the air may land, and the rest is named `pending`.

mod landing;
pub(crate) mod passwords;
pub(crate) mod post;
mod pulse;
mod showing;
pub(crate) mod source;
mod telling;

use self::landing::done;
use self::passwords::Passwords;
use self::post::Post;
use self::pulse::Pulse;
pub(crate) use self::pulse::traffic;
use self::showing::Phase;
use self::source::{Next, Source};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::task::{Id, JoinSet, yield_now};
use tokio::time::Instant;

use crate::audit::record::{Body, Delivery};
use crate::domain::event::{Done, Ending, Intent, Trail};
use crate::domain::outcome::{Doubt, Fail, Outcome, Standing};
use crate::domain::stop::{Halt, Stop};
use crate::domain::target::{NewPassword, Row, Target};
use crate::failpoint;
use crate::input::InputError;
use crate::plan::{Plan, Step};
use crate::record::Record;
use crate::scim::client::{Client, Found, Written};
use crate::scim::identity::Ready;
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
    /// Whether a row may be about the same account as another: resets over weeks are, rows of one file
    /// must not.
    pub(crate) again: bool,
}

/// Rows that need no request are recorded in groups of this size.
const GROUP: usize = 256;
/// Refusals for want of rights, one after another, that end the run.
const MAX_FORBIDDEN: u32 = 5;

/// What users get besides the change.
#[derive(Debug)]
pub(crate) struct Handout {
    /// Passwords that are made here.
    pub(crate) passwords: Passwords,
    /// Notices.
    pub(crate) post: Post,
}

/// The loop and what it owns.
#[derive(Debug)]
pub(crate) struct Engine<'a> {
    client: Arc<Client>,
    plan: &'a Plan<'a>,
    record: &'a mut Record,
    earlier: HashMap<u64, Trail>,
    limits: Limits,
    progress: &'a Progress,
    passwords: Passwords,
    post: Post,
    pulse: Pulse,
    /// Rows whose end is on disk since their source was last told.
    settled: Vec<Done>,
    /// Attempts to tell users since then.
    tellings: Vec<(u64, Delivery)>,
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

/// Whether there are more rows to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum More {
    /// As soon as there is room.
    Yes,
    /// When the source says so.
    Later,
    No,
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
        handout: Handout,
    ) -> Self {
        let Handout { passwords, post } = handout;
        Self {
            client: Arc::new(client),
            plan,
            record,
            earlier,
            limits,
            progress,
            passwords,
            post,
            pulse: Pulse::new(),
            settled: Vec::new(),
            tellings: Vec::new(),
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
    pub(crate) async fn run(&mut self, mut rows: impl Source, stops: &mut Stops) -> Option<Stop> {
        self.prepare(stops).await;
        if let Err(why) = self.passwords.settle(self.client.policy()) {
            self.stop(Stop::Untrusted(why));
        }
        let mut more = More::Yes;
        while more != More::No || !self.air.is_empty() || !self.ready.is_empty() || !self.post.is_idle() {
            more = if more == More::No || self.stop.is_some() { More::No } else { self.take(&mut rows) };
            if more == More::No && self.air.is_empty() && self.ready.is_empty() {
                self.post.hurry();
            }
            self.declare();
            self.commit().await;
            self.report_to(&mut rows);
            self.launch();
            self.post.deliver();
            self.show(Phase::Rows);
            if !self.air.is_empty() || !self.post.is_idle() || more == More::Later {
                self.wait(&mut rows, more, stops).await;
            } else if self.stop.is_some() && self.ready.is_empty() {
                break;
            }
        }
        self.name_the_rest(&mut rows).await;
        self.report_to(&mut rows);
        self.stop.take()
    }

    /// Tells the source what is on disk now.
    fn report_to(&mut self, rows: &mut impl Source) {
        self.settled.drain(..).for_each(|done| rows.settled(&done));
        self.tellings.drain(..).for_each(|(line, delivery)| rows.told(line, delivery));
    }

    /// What whoever reads of this run tomorrow should know.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.client.warnings().into_iter().chain(self.passwords.warning()).collect()
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
                () = self.pulse.beat(self.client.exchange()) => self.commit().await,
                () = self.progress.tick() => self.show(Phase::Before),
            }
        }
    }

    /// Takes rows until enough are in work.
    fn take(&mut self, rows: &mut impl Source) -> More {
        while self.air.len() + self.ready.len() < self.limits.concurrency && self.record.gathered() < GROUP {
            failpoint::hit("read");
            match rows.next() {
                Next::End => return More::No,
                Next::NotNow => return More::Later,
                Next::Lost(error) => {
                    self.stop(input_lost(&error));
                    return More::No;
                }
                Next::Row(row, word) => {
                    if let Some(word) = word {
                        self.record.note(&Body::ServeAuth(*word));
                    }
                    self.begin(row);
                }
            }
        }
        More::Yes
    }

    fn begin(&mut self, row: Row) {
        failpoint::hit("plan");
        let standing = match self.record.standing(row.line()) {
            // Nobody knows how it ended, and the caller asks for it once more.
            Standing::Settled if self.limits.again => Standing::InDoubt,
            standing => standing,
        };
        self.tell_late(&row);
        match self.plan.step(row, standing) {
            None => {}
            Some(Step::Decided(done)) => self.done(done),
            Some(Step::Do(target)) => {
                if let Some(why) = self.passwords.breach(&target).filter(|_| standing != Standing::InDoubt) {
                    let ending = Ending::new(Outcome::Failed(Fail::InvalidRow), why);
                    return self.done(done(&target, Trail::default(), ending));
                }
                let mut trail = self.earlier.remove(&target.line).unwrap_or_default();
                trail.doubt = trail.doubt.or_else(|| self.plan.earlier_doubt(&target));
                if standing == Standing::InDoubt {
                    trail.doubt = trail.doubt.or(Some(Doubt::ReplyLost));
                }
                self.find(target, trail);
            }
        }
    }

    /// Launches a look-up, which is boxed: it is large, and would be moved on its way into its task.
    fn find(&mut self, target: Target, trail: Trail) {
        let client = Arc::clone(&self.client);
        let flight = Flight::new(&target, &trail, false);
        let mut trail = trail;
        let task = self.air.spawn(Box::pin(async move {
            failpoint::hit("find");
            let found = client.find(target, &mut trail).await;
            Landed::Found(found, trail)
        }));
        self.flights.insert(task.id(), flight);
    }

    /// Gathers the intents of the rows that are ready.
    fn declare(&mut self) {
        while self.first != First::InAir && self.stop.is_none() {
            let Some((mut ready, trail)) = self.ready.pop_front() else {
                return;
            };
            if !self.seal_password(&mut ready) {
                self.stop(Stop::Internal("no password can be made".to_owned()));
                return self.leave(ready.target(), trail);
            }
            failpoint::hit("intent");
            self.record.intent(&Intent {
                line: ready.target().line,
                email: ready.target().email.as_str(),
                user_id: ready.id(),
                attributes: self.client.attributes(ready.target()),
                attempts: trail.attempts,
                repeat: trail.doubt.is_some(),
                sealed: ready.target().password.seal(),
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

    /// Makes the password that the row wants, if it wants one. It is sealed with the intent, before it is
    /// sent. False when there is none to be had.
    fn seal_password(&mut self, ready: &mut Ready) -> bool {
        let target = ready.target();
        if !matches!(target.password, NewPassword::Wanted) {
            return true;
        }
        let Some(secret) = self.passwords.make(&target.email) else { return false };
        failpoint::hit("seal");
        let seal = self.record.seal(target, ready.id(), &secret);
        ready.take_password(secret, seal);
        true
    }

    async fn commit(&mut self) {
        for expires_in_s in self.client.exchange().auth().issued() {
            self.record.note(&Body::Token { expires_in_s });
        }
        self.tell_traffic();
        failpoint::hit("commit");
        match self.record.commit().await {
            Ok(()) => {
                self.post.release();
                self.settled.extend(self.record.settled_now());
            }
            Err(error) => self.stop(Stop::LogLost(error.to_string())),
        }
    }

    fn tell_traffic(&mut self) {
        let traffic = traffic(&self.client);
        self.record.note_traffic(traffic);
        if self.pulse.is_due(traffic, Instant::now()) {
            self.record.checkpoint(self.client.exchange().pacer().hold_left());
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
            let task = self.air.spawn(Box::pin(async move {
                failpoint::hit("write");
                let written = client.write(&ready, &mut trail).await;
                Landed::Written(ready, written, trail)
            }));
            self.flights.insert(task.id(), flight);
        }
    }

    /// Waits until something lands, somebody says stop, or the grace after a stop is over.
    async fn wait(&mut self, rows: &mut impl Source, more: More, stops: &mut Stops) {
        tokio::select! {
            Some(landed) = self.air.join_next_with_id() => {
                self.land(landed);
                self.gather().await;
            }
            landed = self.post.next() => landed.into_iter().for_each(|landed| self.told(landed)),
            () = rows.wait(), if more != More::No => {}
            stop = stops.next() => self.stop(stop),
            () = until(self.grace) => self.abandon(),
            () = self.pulse.beat(self.client.exchange()) => {}
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
