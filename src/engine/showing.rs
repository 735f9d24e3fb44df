//! What whoever watches is told of how it goes.

use tokio::time::Instant;

use super::Engine;
use crate::scim::pacer::Waiting;
use crate::views::bar::Why;
use crate::views::progress::Told;

/// Where the work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Token, configuration and list of users are had.
    Before,
    /// Rows are worked on.
    Rows,
}

impl Engine<'_> {
    /// Tells it, if it is time.
    pub(super) fn show(&self, phase: Phase) {
        if !self.progress.is_due() {
            return;
        }
        let (exchange, directory) = (self.client.exchange(), self.client.directory());
        let counts = exchange.counts();
        let pages = directory.progress();
        self.progress.show(&Told {
            tally: self.record.settled(),
            sent: counts.lookup + counts.patch + counts.sessions,
            limit: exchange.pacer().limit(),
            a_row: self.client.requests_a_row(self.limits.dry_run, pages.is_some()),
            before: (phase == Phase::Before).then(|| pages.map_or(0, |(read, of)| of.saturating_sub(read))),
            why: self.why(phase, pages),
        });
    }

    /// Why no row gets any further: the first of the reasons is that of the others.
    fn why(&self, phase: Phase, pages: Option<(u64, u64)>) -> Option<Why> {
        let exchange = self.client.exchange();
        if self.stop.is_some() {
            let left = self.grace.map(|grace| grace.saturating_duration_since(Instant::now()));
            return left.map(|left| Why::Stopping(self.air.len(), left));
        }
        let waiting = exchange.pacer().waiting().map(|waiting| match waiting {
            Waiting::Asked(left) => Why::Asked(left),
            Waiting::Down(left) => Why::Down(left),
        });
        let signing_in = phase == Phase::Before && exchange.auth().ready(0).is_none();
        let notices = self.post.waiting();
        waiting
            .or_else(|| pages.map(|(read, of)| Why::Listing(read, of)))
            .or_else(|| signing_in.then(|| Why::SigningIn(exchange.auth().requests())))
            .or_else(|| (notices > 0 && self.air.is_empty()).then_some(Why::Notices(notices)))
    }
}
