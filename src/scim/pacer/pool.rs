//! Whether the tokens of one client have limits of their own, or share one.
//!
//! Refused all together, they share it, unless the others went on well after the first was refused:
//! as well as that one had before.

use tokio::time::Instant;

use super::lane::Lane;

/// The first refusal of those that are in force.
#[derive(Debug)]
pub(super) struct First {
    at: Instant,
    /// Good answers of the refused token before.
    before: u32,
    /// Good answers of others to what was sent since.
    since: u32,
}

impl First {
    pub(super) const fn new(at: Instant, before: u32) -> Self {
        Self { at, before, since: 0 }
    }

    /// A good answer to something sent at that instant.
    pub(super) fn answered(&mut self, sent: Instant) {
        self.since += u32::from(sent > self.at);
    }

    /// Whether the refusals of all these show one limit.
    pub(super) fn is_shared(&self, lanes: &[Lane], now: Instant) -> bool {
        let live = || lanes.iter().filter(|lane| lane.is_live());
        live().count() > 1 && live().all(|lane| lane.is_refused(now)) && self.since < self.before.max(1)
    }
}
