//! One token's way through the gate: its pace, its hold, its window, and what its headers leave.
//!
//! Invariant: nothing leaves before the latest hold is over. A hold is an *instant*; a wait kept as a
//! duration could be cut short by the answer of a request sent before it.

use std::time::Duration;

use tokio::time::Instant;

use super::Patience;
use super::budget::{Budget, Sent, Standing};
use super::rate::{CATCH_UP, Pace, Rate};
use super::told::Told;
use super::window::Window;
use crate::scim::breaker::Health;
use crate::scim::tempo::{Refusal, Tempo};

/// How far behind its pace a lane may be and make up for it, where the pace is only what the service turned out to take, unless a gap
/// is longer.
const CAREFUL_CATCH_UP: Duration = Duration::from_millis(5);

/// What a token may be used for at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Requests.
    Open,
    /// Nothing yet: it is being fetched.
    Fetching,
    /// Nothing any more.
    Retired,
}

/// Why the service asks for a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Too many requests, and it says how long.
    Refused,
    /// Too many requests, and how long is our guess.
    RefusedWithoutAWord,
    /// It is down.
    Down,
}

/// What stands between the next request and its pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Obstacle {
    None,
    Until(Instant),
    Change,
}

/// One place in the pool.
#[derive(Debug)]
pub(super) struct Lane {
    pace: Pace,
    told: Option<Told>,
    used_for: Use,
    /// When the last request was due.
    due: Option<Instant>,
    hold: Option<Instant>,
    /// When what the headers leave allows the next request, as last worked out.
    allowed_at: Option<Instant>,
    /// The part of the hold that was asked for by a 429, and when the first of those came.
    refused: Option<(Instant, Instant)>,
    /// Refusals one after another, those of what was in the air together counted as one.
    in_a_row: u32,
    held: Duration,
    /// The shortest time that a good answer took.
    shortest_way: Duration,
    window: Window,
    in_air: usize,
    sent: u64,
    tempo: Tempo,
    budget: Budget,
}

impl Lane {
    pub(super) fn new(pace: Pace) -> Self {
        let window = if pace == Pace::Unlimited { Window::Start { answers: 0 } } else { Window::Wide };
        Self {
            pace,
            told: pace.rate().and_then(Told::new),
            used_for: Use::Open,
            due: None,
            hold: None,
            allowed_at: None,
            refused: None,
            in_a_row: 0,
            held: Duration::ZERO,
            shortest_way: Duration::MAX,
            window,
            in_air: 0,
            sent: 0,
            tempo: Tempo::default(),
            budget: Budget::default(),
        }
    }

    /// What keeps a request back that was asked for then. With no obstacle it must leave now.
    pub(super) fn obstacle(&mut self, asked: Instant, now: Instant) -> Obstacle {
        if self.used_for != Use::Open {
            return Obstacle::Change;
        }
        self.budget.turn(self.sent, now);
        let paced = self.tempo.gap(now).and_then(|gap| Some(self.due? + gap));
        let left = self.budget.earliest(self.pace.gap(), self.due, self.sent, now);
        self.allowed_at = self.allowed_at.max(left);
        if let Some(until) = self.hold.max(paced).max(left).filter(|until| *until > now) {
            return Obstacle::Until(until);
        }
        if self.in_air >= self.room() {
            return Obstacle::Change;
        }
        let earliest = self.earliest(asked, now);
        let counts = self.told_counts();
        let told = self.told.as_mut().filter(|_| counts);
        told.and_then(|told| told.leave(earliest, now).err()).map_or(Obstacle::None, Obstacle::Until)
    }

    /// Whether the rate that was told is kept: `auto` keeps to it as long as the service says nothing.
    const fn told_counts(&self) -> bool {
        self.pace.gap().is_some() || !self.budget.is_known()
    }

    /// Since when nothing but its pace keeps a request back.
    fn earliest(&self, asked: Instant, now: Instant) -> Instant {
        asked.max(self.hold.max(self.allowed_at).unwrap_or(asked).min(now))
    }

    /// The gap that the command line and past refusals ask for.
    fn gap(&mut self, now: Instant) -> Option<Duration> {
        let told = self.pace.rate().filter(|_| self.told_counts()).map(Rate::gap);
        told.max(self.tempo.gap(now))
    }

    /// Requests per second that it is kept to: the least of what was told, learned and left by the headers.
    pub(super) fn limit(&self) -> Option<f64> {
        let told = self.pace.rate().filter(|_| self.told_counts()).map(Rate::per_second);
        let known = [told, self.tempo.learned(), self.budget.per_second()];
        known.into_iter().flatten().min_by(f64::total_cmp)
    }

    /// So many may be in the air. Where it was refused before, few are when it comes to as many answers
    /// again.
    fn room(&self) -> usize {
        self.window.size().min(self.tempo.room().unwrap_or(usize::MAX))
    }

    /// A request leaves that has waited since `asked`. Late by the fault of a timer, it is
    /// counted from when it was due, so that the pace is kept; late because nobody asked or the lane
    /// was held, it is not.
    pub(super) fn leave(&mut self, asked: Instant, now: Instant) -> Sent {
        let gap = self.gap(now);
        let slack = if self.tempo.is_known() {
            gap.unwrap_or_default().max(CAREFUL_CATCH_UP).min(CATCH_UP)
        } else {
            CATCH_UP
        };
        let due = gap.and_then(|gap| Some(self.due? + gap)).unwrap_or(now);
        let earliest = self.earliest(asked, now).max(now.checked_sub(slack).unwrap_or(now));
        self.due = Some(due.max(earliest).min(now));
        self.in_air += 1;
        self.sent += 1;
        self.tempo.sent(now);
        Sent { number: self.sent, at: now, pace: self.tempo.pace() }
    }

    /// A request is over, one way or another. True when more may leave for it than before.
    pub(super) fn finish(
        &mut self,
        sent: Sent,
        health: Option<Health>,
        standing: Option<Standing>,
        patience: &Patience,
    ) -> bool {
        self.in_air -= 1;
        let bounded = !self.window.is_wide() || self.tempo.room().is_some() || self.budget.is_known();
        if health.is_some_and(|health| health != Health::Throttled) {
            self.tempo.answered();
            self.in_a_row = 0;
        }
        match health {
            Some(Health::Throttled) => self.window.refused_again(),
            Some(Health::Up) => {
                self.window.answered(patience.concurrency);
                self.bound_pace(sent.at.elapsed(), patience.concurrency);
            }
            Some(Health::Failed(_) | Health::Unreachable) | None => {}
        }
        if let Some(standing) = standing {
            self.budget.told(standing, sent, Instant::now());
        }
        bounded || standing.is_some()
    }

    /// As many as may be in the air at once leave in the time that an answer takes, and no more.
    fn bound_pace(&mut self, way: Duration, concurrency: usize) {
        self.shortest_way = self.shortest_way.min(way.max(Duration::from_millis(1)));
        let most = u32::try_from(concurrency).unwrap_or(u32::MAX);
        self.tempo.bound(f64::from(most) / self.shortest_way.as_secs_f64());
    }

    /// Refusals one after another, with that of a request sent at this instant.
    pub(super) fn refusals(&self, sent: Instant) -> u32 {
        self.in_a_row + u32::from(self.is_news(sent))
    }

    /// What was in the air when it was refused says nothing new.
    fn is_news(&self, sent: Instant) -> bool {
        self.refused.is_none_or(|(first, _)| sent > first)
    }

    /// The service asked for a wait, in answer to this request.
    pub(super) fn hold(&mut self, wait: Duration, why: Why, sent: Sent, now: Instant) {
        let until = now + wait;
        if why != Why::Down {
            if self.is_news(sent.at) {
                self.in_a_row += 1;
                let guessed = why == Why::RefusedWithoutAWord;
                self.tempo.refused(now, Refusal { pace: sent.pace, wait, guessed });
                self.window.refused(self.in_air, self.tempo.is_known());
                self.refused = Some((now, until));
            }
            self.refused = self.refused.map(|(first, end)| (first, end.max(until)));
        }
        let from = self.hold.map_or(now, |hold| hold.max(now));
        self.held += until.saturating_duration_since(from);
        self.hold = Some(self.hold.map_or(until, |hold| hold.max(until)));
    }

    /// Takes over the wait that another token was asked for.
    pub(super) fn wait_as_long_as(&mut self, other: Option<Instant>) {
        self.hold = self.hold.max(other);
    }

    /// The latest instant before which nothing leaves.
    pub(super) const fn held_until(&self) -> Option<Instant> {
        self.hold
    }

    /// Whether it was refused and waits.
    pub(super) fn is_refused(&self, now: Instant) -> bool {
        self.refused.is_some_and(|(_, end)| end > now)
    }

    /// Good answers since it was refused.
    pub(super) const fn good(&self) -> u32 {
        self.tempo.good()
    }

    /// How long the service has made it wait.
    pub(super) const fn held(&self) -> Duration {
        self.held
    }

    /// Whether requests can have it.
    pub(super) fn is_live(&self) -> bool {
        self.used_for != Use::Retired
    }

    /// No request has it as long as its token is being fetched.
    pub(super) fn shut(&mut self) {
        if self.is_live() {
            self.used_for = Use::Fetching;
        }
    }

    /// Its token is there.
    pub(super) fn open(&mut self) {
        if self.is_live() {
            self.used_for = Use::Open;
        }
    }

    /// No request has it from now on.
    pub(super) const fn retire(&mut self) {
        self.used_for = Use::Retired;
    }
}
