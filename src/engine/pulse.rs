//! When the log is told how far the requests have come.
//!
//! At once when the service refuses one or asks for a wait, since that is what people look for tomorrow, and
//! today while it lasts; but never more often than once a second. Of other requests every ten seconds.

use std::time::Duration;

use tokio::time::Instant;

use crate::audit::record::Traffic;
use crate::scim::client::Client;
use crate::scim::exchange::Exchange;
use crate::stops::until;

/// Between two checkpoints.
const LEAST: Duration = Duration::from_secs(1);
/// Between two that tell of nothing but requests.
const USUAL: Duration = Duration::from_secs(10);

/// What the log was told last.
#[derive(Debug)]
pub(super) struct Pulse {
    told: Traffic,
    /// When it was; at first, when the work began.
    at: Instant,
    /// When news may be told that came too early.
    due: Option<Instant>,
}

impl Pulse {
    /// Nothing is told yet, and nothing sent.
    pub(super) fn new() -> Self {
        let now = Instant::now();
        // The first news need not wait.
        Self { told: Traffic::default(), at: now, due: None }
    }

    /// Whether the log is to be told of this now.
    pub(super) fn is_due(&mut self, traffic: Traffic, now: Instant) -> bool {
        let is_news = traffic.throttled != self.told.throttled || traffic.waited_ms != self.told.waited_ms;
        let never = self.told == Traffic::default();
        let pause = match (is_news, never) {
            (true, true) => Duration::ZERO,
            (true, false) => LEAST,
            (false, _) => USUAL,
        };
        let is_due = traffic != self.told && now >= self.at + pause;
        if is_due {
            self.told = traffic;
            self.at = now;
        }
        self.due = (is_news && !is_due).then(|| self.at + pause);
        is_due
    }

    /// Waits until there is something that should not wait for the next row.
    pub(super) async fn beat(&self, exchange: &Exchange) {
        match self.due {
            Some(_) => until(self.due).await,
            None => exchange.held_back().await,
        }
    }
}

/// What was sent, and how long nothing was because the service asked for it.
pub(crate) fn traffic(client: &Client) -> Traffic {
    let exchange = client.exchange();
    let counts = exchange.counts();
    Traffic {
        token: exchange.auth().requests(),
        lookup: counts.lookup,
        patch: counts.patch,
        sessions: counts.sessions,
        throttled: counts.throttled,
        waited_ms: u64::try_from(exchange.pacer().held().as_millis()).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn news_are_told_at_once_and_then_once_a_second() {
        let (mut pulse, begin) = (Pulse::new(), Instant::now());
        let mut told = Vec::new();
        for ms in (0..30_000).step_by(100) {
            // A refusal every tenth of a second for five seconds, requests all the time.
            let traffic = Traffic { patch: ms, throttled: ms.min(5_000) / 100, ..Traffic::default() };
            if pulse.is_due(traffic, begin + Duration::from_millis(ms)) {
                told.push(ms);
            }
        }
        assert_eq!(told, [100, 1_100, 2_100, 3_100, 4_100, 5_100, 15_100, 25_100]);
        assert_eq!(pulse.due, None);
    }
}
