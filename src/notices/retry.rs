//! When a notice is tried again: a rule without a clock. Whoever asks does the waiting.

use std::time::Duration;

use super::postman::Undelivered;

/// How often a notice is tried at most.
pub(super) const ATTEMPTS: u32 = 5;

/// A second, 8 s, 64 s, 512 s: the first outlasts a hiccup, all of them the five minutes for which many
/// mail servers put off a stranger.
const FIRST: Duration = Duration::from_secs(1);
const GROWTH: u32 = 8;

/// After how long to try again a notice that was tried `attempts` times; `None`: not any more.
///
/// `chance` lies in 0..1 and makes a wait longer by up to a quarter. What the server asked for is a
/// minimum.
pub(crate) fn again_after(attempts: u32, failure: &Undelivered, chance: f64) -> Option<Duration> {
    if failure.permanent || attempts >= ATTEMPTS {
        return None;
    }
    let wait = FIRST.saturating_mul(GROWTH.saturating_pow(attempts.saturating_sub(1)));
    let jittered = wait.mul_f64(1.0 + chance.clamp(0.0, 1.0) / 4.0);
    Some(jittered.max(failure.retry_after.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_longer_and_the_fifth_failure_is_the_last() {
        let failure = Undelivered::for_now("no");
        let waits = |chance| (1..=5).map(|tries| again_after(tries, &failure, chance)).collect::<Vec<_>>();
        let seconds = |list: [u64; 4]| list.map(|s| Some(Duration::from_secs(s))).into_iter().chain([None]);
        assert!(waits(0.0).into_iter().eq(seconds([1, 8, 64, 512])));
        assert_eq!(waits(1.0)[3], Some(Duration::from_secs(640)));
        assert_eq!(again_after(u32::MAX, &failure, 0.0), None);
    }

    #[test]
    fn what_the_server_asks_for_is_a_minimum() {
        let asks = |seconds| Undelivered {
            retry_after: Some(Duration::from_secs(seconds)),
            ..Undelivered::for_now("no")
        };
        assert_eq!(again_after(1, &asks(90), 1.0), Some(Duration::from_secs(90)));
        assert_eq!(again_after(4, &asks(90), 0.0), Some(Duration::from_secs(512)));
    }

    #[test]
    fn a_refusal_is_not_tried_again() {
        assert_eq!(again_after(1, &Undelivered::for_good("no"), 0.5), None);
    }
}
