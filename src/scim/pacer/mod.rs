//! When a request may leave, and with which token. Look-ups and patches pass here together, in the order
//! they came, and nothing else in the program waits for time to pass.
//!
//! Each token of the pool has a [`lane`] of its own: a [`rate`] that we were given, the pace that the
//! service turned out to allow, a hold that it asked for, what its headers leave ([`budget`]), and a
//! [`window`] of requests in the air. Outages and the end of the run are for all of them. Who is first in
//! the queue takes the first lane that is free, and waits for whichever is free first.
//!
//! Invariant: no pass is given before the latest hold of its lane is over.

mod budget;
mod lane;
mod pool;
mod rate;
#[cfg(test)]
mod tests;
mod told;
#[cfg(test)]
mod trials;
mod window;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, futures::Notified};
use tokio::time::Instant;

use self::budget::Sent;
pub(crate) use self::budget::Standing;
pub(crate) use self::lane::Why;
use self::lane::{Lane, Obstacle};
use self::pool::First;
pub(crate) use self::rate::{Pace, Rate};
use super::breaker::{Breaker, Health};

/// Bounds on waiting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// The longest wait that the service may ask for.
    pub(crate) max_wait: Duration,
    /// The longest outage that is waited for.
    pub(crate) max_outage: Duration,
    /// Requests in the air at once; a window this wide is no window.
    pub(crate) concurrency: usize,
}

/// Why no pass is given, ever again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The run is stopping.
    Stopping,
    /// The service has been down for too long.
    Outage,
}

/// Why requests are kept back at the moment, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// The service asked for it.
    Asked(Duration),
    /// The service is down; the next probe leaves then.
    Down(Duration),
}

/// Why there are fewer tokens than were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alone {
    /// All were refused together.
    Shared,
    /// The token endpoint gave the same one again.
    Same,
}

/// The gate that every request passes.
#[derive(Debug)]
pub(crate) struct Pacer {
    /// One waits here, the others queue behind: tokio's mutex is first come, first served.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    changed: Notify,
    patience: Patience,
}

#[derive(Debug)]
struct State {
    lanes: Vec<Lane>,
    breaker: Breaker,
    first: Option<First>,
    alone: Option<Alone>,
    stopping: bool,
}

/// What becomes of who is first in the queue.
enum Next {
    Leave(usize, Sent),
    Until(Instant),
    Change,
}

impl Pacer {
    /// A gate for so many tokens, at least one, with this pace for each.
    pub(crate) fn new(pace: Pace, tokens: usize, patience: Patience) -> Self {
        let state = State {
            lanes: (0..tokens.max(1)).map(|_| Lane::new(pace)).collect(),
            breaker: Breaker::default(),
            first: None,
            alone: None,
            stopping: false,
        };
        Self {
            turn: tokio::sync::Mutex::default(),
            state: Mutex::new(state),
            changed: Notify::new(),
            patience,
        }
    }

    /// Waits until a request may leave; `not_before` is its own back-off.
    pub(crate) async fn admit(&self, not_before: Option<Instant>) -> Result<Pass<'_>, Closed> {
        if let Some(own) = not_before {
            self.pause_until(own).await?;
        }
        let asked = Instant::now();
        let _turn = self.turn.lock().await;
        loop {
            let changed = self.changed.notified();
            let until = match self.next(asked)? {
                Next::Leave(lane, sent) => return Ok(Pass { pacer: self, lane, sent }),
                Next::Until(instant) => Some(instant),
                Next::Change => None,
            };
            wait(until, changed).await;
        }
    }

    /// Waits for an instant outside the queue, as a back-off or a token request does.
    pub(crate) async fn pause_until(&self, instant: Instant) -> Result<(), Closed> {
        loop {
            let changed = self.changed.notified();
            if self.state().stopping {
                return Err(Closed::Stopping);
            }
            if Instant::now() >= instant {
                return Ok(());
            }
            wait(Some(instant), changed).await;
        }
    }

    /// Waits until no pass is given any more.
    pub(crate) async fn closing(&self) {
        loop {
            let changed = self.changed.notified();
            if self.state().stopping {
                return;
            }
            changed.await;
        }
    }

    /// Whether we may wait that long when asked to.
    pub(crate) fn allows(&self, wait: Duration) -> bool {
        wait <= self.patience.max_wait
    }

    /// What the headers of a reply say of its token's limit.
    pub(crate) fn standing(&self, reply: &super::http::Reply) -> Option<Standing> {
        Standing::read(reply, self.patience.max_wait)
    }

    /// Gives no pass any more, and ends every wait.
    pub(crate) fn close(&self) {
        self.state().stopping = true;
        self.changed.notify_waiters();
    }

    /// Whether a lane must wait.
    pub(crate) fn is_held(&self, lane: usize) -> bool {
        self.state().lanes[lane].held_until().is_some_and(|hold| hold > Instant::now())
    }

    /// Whether the service counts as down.
    pub(crate) fn is_down(&self) -> bool {
        self.state().breaker.is_open()
    }

    /// How long the service has made us wait; with several tokens, the one that waited longest.
    pub(crate) fn held(&self) -> Duration {
        self.state().lanes.iter().map(Lane::held).max().unwrap_or_default()
    }

    /// Why nothing leaves at the moment.
    pub(crate) fn waiting(&self) -> Option<Waiting> {
        let state = self.state();
        let now = Instant::now();
        let left =
            |instant: Option<Instant>| instant.filter(|instant| *instant > now).map(|instant| instant - now);
        let first_free = state.live().map(Lane::held_until).min().flatten();
        left(state.breaker.next_probe()).map(Waiting::Down).or_else(|| left(first_free).map(Waiting::Asked))
    }

    /// For how long nothing will leave because the service asked for it.
    pub(crate) fn hold_left(&self) -> Option<Duration> {
        let first_free = self.state().live().map(Lane::held_until).min().flatten()?;
        Some(first_free.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    /// Requests per second that all tokens together are kept to; nothing while no limit is known.
    pub(crate) fn limit(&self) -> Option<f64> {
        self.state().live().map(Lane::limit).sum()
    }

    /// Tokens in use, or to be used.
    pub(crate) fn tokens(&self) -> usize {
        self.state().live().count()
    }

    /// Nobody else has this lane until its token is there.
    pub(crate) fn shut(&self, lane: usize) -> Shut<'_> {
        self.state().lanes[lane].shut();
        Shut { pacer: self, lane }
    }

    /// A lane without a token. False when it is the last one.
    pub(crate) fn retire(&self, lane: usize) -> bool {
        let retired = self.state().retire(lane);
        if retired {
            self.changed.notify_waiters();
        }
        retired
    }

    /// One token from now on.
    pub(crate) fn go_on_alone(&self, why: Alone) {
        self.state().go_on_alone(why);
        self.changed.notify_waiters();
    }

    /// What people should know when not all tokens were used to the end.
    pub(crate) fn fewer_tokens(&self) -> Option<String> {
        let state = self.state();
        let (live, wanted) = (state.live().count(), state.lanes.len());
        let why = match state.alone {
            _ if live == wanted => return None,
            Some(Alone::Shared) => "all tokens were refused together (429), so they share one limit",
            Some(Alone::Same) => "the token endpoint gave the same token again",
            None => "the token endpoint gave no more, or one was to wait for longer than --max-wait",
        };
        Some(format!("of {wanted} tokens {live} went on to the end: {why}"))
    }

    fn next(&self, asked: Instant) -> Result<Next, Closed> {
        let mut state = self.state();
        let now = Instant::now();
        if state.stopping {
            return Err(Closed::Stopping);
        }
        let give_up = state.breaker.down_since().map(|since| since + self.patience.max_outage);
        if give_up.is_some_and(|instant| now >= instant) {
            return Err(Closed::Outage);
        }
        let probe = state.breaker.next_probe().map(|probe| probe.min(give_up.unwrap_or(probe)));
        if let Some(probe) = probe.filter(|probe| *probe > now) {
            return Ok(Next::Until(probe));
        }
        let mut first_free = None;
        for (number, lane) in state.lanes.iter_mut().enumerate() {
            match lane.obstacle(asked, now) {
                Obstacle::None => {
                    let sent = lane.leave(asked, now);
                    state.breaker.probing(now);
                    return Ok(Next::Leave(number, sent));
                }
                Obstacle::Until(until) => {
                    first_free = Some(first_free.map_or(until, |first: Instant| first.min(until)));
                }
                Obstacle::Change => {}
            }
        }
        Ok(first_free.map_or(Next::Change, Next::Until))
    }

    fn hold(&self, pass: &Pass<'_>, wait: Duration, why: Why) -> bool {
        let mut state = self.state();
        let (now, sent) = (Instant::now(), pass.sent);
        if !self.allows(wait) {
            // The others may still be used: this one is as good as gone.
            if why != Why::Down && state.retire(pass.lane) {
                return true;
            }
            // The run stops for this; nothing leaves until it has.
            let long = Some(now + self.patience.max_wait);
            state.lanes.iter_mut().for_each(|lane| lane.wait_as_long_as(long));
            return false;
        }
        if why == Why::Down {
            state.lanes.iter_mut().for_each(|lane| lane.hold(wait, why, sent, now));
            return true;
        }
        if !state.live().any(|lane| lane.is_refused(now)) {
            state.first = Some(First::new(now, state.lanes[pass.lane].good()));
        }
        state.lanes[pass.lane].hold(wait, why, sent, now);
        if state.first.as_ref().is_some_and(|first| first.is_shared(&state.lanes, now)) {
            tracing::warn!("all tokens are refused together: going on with one");
            state.go_on_alone(Alone::Shared);
        }
        true
    }

    fn finish(&self, pass: &Pass<'_>, health: Option<Health>, standing: Option<Standing>) {
        let mut state = self.state();
        let closed = health.is_some_and(|health| state.breaker.observe(health, Instant::now()));
        if let (Some(first), Some(Health::Up)) = (&mut state.first, health) {
            first.answered(pass.sent.at);
        }
        let more = state.lanes[pass.lane].finish(pass.sent, health, standing, &self.patience);
        drop(state);
        if closed || more {
            self.changed.notify_waiters();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn live(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.iter().filter(|lane| lane.is_live())
    }

    /// Does without a lane. False when it is the last one.
    fn retire(&mut self, lane: usize) -> bool {
        let spare = self.live().count() > usize::from(self.lanes[lane].is_live());
        if spare {
            self.lanes[lane].retire();
        }
        spare
    }

    /// The first lane alone goes on, when all have waited as they were asked to.
    fn go_on_alone(&mut self, why: Alone) {
        let longest = self.live().map(Lane::held_until).max().flatten();
        let mut live = self.lanes.iter_mut().filter(|lane| lane.is_live());
        if let Some(first) = live.next() {
            first.wait_as_long_as(longest);
        }
        live.for_each(Lane::retire);
        self.alone = Some(why);
    }
}

/// Waits for an instant or a change, whichever is first.
async fn wait(until: Option<Instant>, changed: Notified<'_>) {
    match until {
        Some(instant) => tokio::select! {
            () = tokio::time::sleep_until(instant) => {}
            () = changed => {}
        },
        None => changed.await,
    }
}

/// Leave for one request. Dropped without a word, it says nothing about the service.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    pacer: &'a Pacer,
    lane: usize,
    sent: Sent,
}

impl Pass<'_> {
    /// Whose token it is for.
    pub(crate) const fn lane(&self) -> usize {
        self.lane
    }

    /// How often the token was refused one time after another, with this one.
    pub(crate) fn refusals(&self) -> u32 {
        self.pacer.state().lanes[self.lane].refusals(self.sent.at)
    }

    /// The service asked for a wait. A 429 is for the token that it came to, an outage for all. False
    /// when that is longer than we may wait.
    pub(crate) fn hold(&self, wait: Duration, why: Why) -> bool {
        self.pacer.hold(self, wait, why)
    }

    /// The request was answered, or not.
    pub(crate) fn finish(self, health: Health, standing: Option<Standing>) {
        self.pacer.finish(&self, Some(health), standing);
        std::mem::forget(self);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.pacer.finish(self, None, None);
    }
}

/// A lane whose token is being fetched. It opens when this is dropped.
#[derive(Debug)]
pub(crate) struct Shut<'a> {
    pacer: &'a Pacer,
    lane: usize,
}

impl Drop for Shut<'_> {
    fn drop(&mut self) {
        self.pacer.state().lanes[self.lane].open();
        self.pacer.changed.notify_waiters();
    }
}
