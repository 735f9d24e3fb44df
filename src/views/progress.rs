//! The bar, while it runs. It is told things and draws; nothing depends on it.
//!
//! On a terminal without escape codes it is a line now and then, and elsewhere silence.

use std::cell::RefCell;
use std::future::pending;
use std::io::Write as _;
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::Instant;

use super::bar::{Snapshot, Why, line};
use super::pace::{Cost, Meter, needed, time_left};
use super::paint::Paint;
use super::screen::{self, Screen};
use crate::domain::tally::Tally;

/// How often it is drawn.
const TICK: Duration = Duration::from_millis(200);
/// How often a terminal that cannot draw gets a line.
const LINE: Duration = Duration::from_secs(30);

/// Who watches.
#[derive(Debug)]
pub(crate) struct Progress {
    way: Way,
    rows: u64,
    state: RefCell<State>,
}

#[derive(Debug)]
enum Way {
    Silent,
    Bar(ProgressBar, Screen, Paint),
    Lines,
}

#[derive(Debug, Default)]
struct State {
    meter: Meter,
    /// Rows done and requests sent when the first row was begun.
    start: Option<(u64, u64)>,
    shown: Option<Instant>,
}

/// How the work stands.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    /// Rows that have their final outcome.
    pub(crate) tally: &'a Tally,
    /// Requests sent.
    pub(crate) sent: u64,
    /// Requests per second that are allowed.
    pub(crate) limit: Option<f64>,
    /// Requests that a row should cost.
    pub(crate) a_row: u64,
    /// Requests before the first row that are still to be sent; nothing once rows are worked on.
    pub(crate) before: Option<u64>,
    /// Why nothing gets any further.
    pub(crate) why: Option<Why>,
}

impl Progress {
    /// Nobody watches.
    pub(crate) fn silent() -> Self {
        Self { way: Way::Silent, rows: 0, state: RefCell::default() }
    }

    /// For so many rows, on a terminal.
    pub(crate) fn on(screen: &Screen, rows: u64) -> Self {
        let way = if screen::is_drawable() {
            Way::Bar(screen.bar(), screen.clone(), Paint(screen::is_colourful()))
        } else {
            Way::Lines
        };
        Self { way, rows, state: RefCell::default() }
    }

    /// Whether it is time to tell it how the work stands.
    pub(crate) fn is_due(&self) -> bool {
        let pause = match self.way {
            Way::Silent => return false,
            Way::Bar(..) | Way::Lines => TICK / 2,
        };
        self.state.borrow().shown.is_none_or(|shown| shown.elapsed() >= pause)
    }

    /// Shows how the work stands.
    pub(crate) fn show(&self, told: &Told<'_>) {
        let now = Instant::now();
        let mut state = self.state.borrow_mut();
        let is_first = state.shown.replace(now).is_none();
        let snapshot = state.snapshot(told, self.rows, now);
        match &self.way {
            Way::Silent => {}
            Way::Bar(bar, _, paint) => bar.set_message(line(&snapshot, screen::width().into(), *paint)),
            Way::Lines if is_first => {}
            Way::Lines => {
                let _ =
                    writeln!(std::io::stderr(), "{}", line(&snapshot, screen::width().into(), Paint(false)));
            }
        }
    }

    /// When to show again.
    pub(crate) async fn tick(&self) {
        match &self.way {
            Way::Bar(..) => tokio::time::sleep(TICK).await,
            Way::Lines => tokio::time::sleep(LINE).await,
            Way::Silent => pending().await,
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Way::Bar(_, screen, _) = &self.way {
            screen.clear();
        }
    }
}

impl State {
    fn snapshot(&mut self, told: &Told<'_>, rows: u64, now: Instant) -> Snapshot {
        let counts = Snapshot::of(told.tally, rows);
        let wait = match told.why {
            Some(Why::Asked(left) | Why::Down(left)) => left,
            _ => Duration::ZERO,
        };
        self.meter.note(now, told.sent, wait);
        let (done, sent) = match told.before {
            Some(_) => (counts.done, told.sent),
            None => *self.start.get_or_insert((counts.done, told.sent)),
        };
        let cost =
            Cost { expected: told.a_row, rows: counts.done.saturating_sub(done), sent: told.sent - sent };
        let needed = needed(rows.saturating_sub(counts.done), cost).saturating_add(told.before.unwrap_or(0));
        let left = match told.why {
            Some(Why::Stopping(..)) => None,
            _ => time_left(needed, self.meter.working_pace(), told.limit, wait),
        };
        let left = left.filter(|_| needed > 0);
        Snapshot {
            per_second: self.meter.per_second(),
            limit: told.limit,
            left,
            why: told.why.clone(),
            ..counts
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outcome::{Mfa, Outcome};

    fn told(tally: &Tally, sent: u64, before: Option<u64>) -> Told<'_> {
        Told { tally, sent, limit: Some(5.0), a_row: 2, before, why: None }
    }

    #[test]
    fn what_was_sent_before_the_first_row_and_by_earlier_sessions_is_no_row_s_cost() {
        let mut tally = Tally::default();
        (0..500).for_each(|_| tally.add(Outcome::Updated, Mfa::None));
        let (mut state, now) = (State::default(), Instant::now());
        let left = |snapshot: Snapshot| snapshot.left.unwrap().as_secs();
        // 99 pages, then one change a row.
        let told_before = Told { a_row: 1, ..told(&tally, 1, Some(99)) };
        assert_eq!(left(state.snapshot(&told_before, 1000, now)), (99 + 500) / 5);
        let told_after = Told { a_row: 1, ..told(&tally, 100, None) };
        assert_eq!(left(state.snapshot(&told_after, 1000, now)), 100);
        (0..400).for_each(|_| tally.add(Outcome::Updated, Mfa::None));
        let told_later = Told { a_row: 1, ..told(&tally, 500, None) };
        assert_eq!(left(state.snapshot(&told_later, 1000, now)), 20);
    }

    #[test]
    fn a_wait_is_added_and_a_stop_is_not_reckoned_with() {
        let tally = Tally::default();
        let (mut state, now) = (State::default(), Instant::now());
        let mut with = |why| state.snapshot(&Told { why: Some(why), ..told(&tally, 0, None) }, 10, now).left;
        let wait = Duration::from_secs(42);
        assert_eq!(with(Why::Asked(wait)), Some(wait + Duration::from_secs(4)));
        assert_eq!(with(Why::Stopping(3, wait)), None);
    }
}
