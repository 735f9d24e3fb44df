//! `--start-jitter`: not all machines at the same minute.
//!
//! The wait is after everything that can be refused without the network, and before the locks, so that it keeps
//! nobody else waiting. A signal ends it at once.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Work, before_anything};
use crate::commands::{Failure, complain};
use crate::scim::chance::chance;
use crate::stops::Signals;

/// Waits, if it is asked for; never longer than half of what is left until the deadline.
pub(super) fn wait(
    most: Duration,
    deadline: Option<Instant>,
    signals: &Signals,
    visible: bool,
    drive: impl FnOnce(Work<'_>) -> Result<u8, Failure>,
) -> Result<(), Failure> {
    if most.is_zero() {
        return Ok(());
    }
    let time = of_at_most(most, deadline.map(|deadline| deadline - Instant::now()));
    drive(Box::pin(async {
        let mut stops = signals.stops(None, before_anything());
        let words = format!("waiting {} s (--start-jitter)", time.as_secs());
        if visible {
            complain(words);
        } else {
            tracing::info!("{words}");
        }
        let stop = tokio::select! {
            () = sleep(time) => signals.leave_at_once(stops),
            stop = stops.next() => Some(stop),
        };
        stop.map_or(Ok(0), |stop| {
            Err(Failure::new(stop.exit_code(), format!("{}{}", stop.sentence(), before_anything())))
        })
    }))
    .map(drop)
}

fn of_at_most(most: Duration, left: Option<Duration>) -> Duration {
    let most = left.map_or(most, |left| most.min(left / 2));
    most.mul_f64(chance())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::chance::seeded;

    #[test]
    fn the_wait_is_anything_up_to_the_time_or_half_of_what_is_left() {
        seeded::begin(3);
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        for (most, left, bound) in [
            (minutes(30), None, minutes(30)),
            (minutes(30), Some(minutes(240)), minutes(30)),
            (minutes(30), Some(minutes(20)), minutes(10)),
            (minutes(30), Some(Duration::ZERO), Duration::ZERO),
        ] {
            let waits: Vec<_> = (0..1000).map(|_| of_at_most(most, left)).collect();
            let (least, longest) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
            assert!(*longest <= bound && *longest >= bound.mul_f64(0.99), "{longest:?} of {bound:?}");
            assert!(*least <= bound.mul_f64(0.01), "{least:?} of {bound:?}");
        }
    }
}
