//! What an answer means for the request that it answers: a table, and a bit of arithmetic.
//!
//! Pure: chance is an argument.

use std::time::Duration;

use crate::domain::outcome::Doubt;
pub(crate) use crate::domain::retry_after::retry_after;

/// What kind of request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    /// It changes nothing, so it may always be sent again.
    Read,
    /// The same for a page of the list of users: a refusal (429) may be about its size, so whoever asks
    /// decides how to ask again.
    Page,
    /// It ends a user's sessions: twice is as good as once.
    Sessions,
    /// It changes a user.
    Patch,
}

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A reply with this status, and whether its body came whole.
    Status(u16, Whole),
    /// No reply, and the request never left.
    NotSent,
    /// No reply, and the request may have arrived.
    Silence,
}

/// Whether the body of a reply was read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whole {
    /// To its end, or to the cap.
    Yes,
    /// The connection broke within it.
    No,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The reply decides; look at it.
    Take,
    /// The token is not good any more: get another, send again.
    Renew,
    /// Too many requests: everybody waits, then send again.
    Throttled,
    /// Certainly nothing was done: wait, then send again.
    Again,
    /// Something may have been done.
    InDoubt(Doubt),
    /// We are sent elsewhere, and do not go.
    Redirected,
}

/// The table.
pub(crate) const fn decide(op: Op, answer: Answer) -> Verdict {
    match (op, answer) {
        (Op::Page | Op::Sessions, _) => decide(Op::Read, answer),
        (_, Answer::Status(401, _)) => Verdict::Renew,
        (_, Answer::Status(429, _)) => Verdict::Throttled,
        (_, Answer::Status(300..=399, _)) => Verdict::Redirected,
        // Both say that the request was not worked on (RFC 9110 15.5.9, 15.6.4).
        (_, Answer::Status(408 | 503, _) | Answer::NotSent) => Verdict::Again,
        (Op::Patch, Answer::Status(501, _)) => Verdict::Take,
        (Op::Read, Answer::Status(500.., _) | Answer::Status(200..=299, Whole::No) | Answer::Silence) => {
            Verdict::Again
        }
        (Op::Patch, Answer::Status(500.., _)) => Verdict::InDoubt(Doubt::ServerError),
        (Op::Patch, Answer::Status(200..=299, Whole::No) | Answer::Silence) => {
            Verdict::InDoubt(Doubt::ReplyLost)
        }
        (_, Answer::Status(..)) => Verdict::Take,
    }
}

/// Whether an answer says that the service is down.
pub(crate) const fn is_down(answer: Answer) -> bool {
    match answer {
        Answer::Status(501, _) => false,
        Answer::Status(status, _) => status >= 500,
        Answer::NotSent | Answer::Silence => true,
    }
}

const BASE: Duration = Duration::from_secs(1);
const CAP: Duration = Duration::from_secs(60);

/// Exponential back-off with full jitter: anything up to 1 s, 2 s, 4 s, … at most 60 s.
///
/// `chance` lies in 0..1. A tenth is kept as the least, so that "again" is never "at once".
pub(crate) fn backoff(tries: u32, chance: f64) -> Duration {
    let ceiling = BASE.saturating_mul(1 << tries.saturating_sub(1).min(6)).min(CAP);
    ceiling.mul_f64(chance.clamp(0.1, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_patch_is_sent_again_only_when_nothing_was_done() {
        let whole = |status| Answer::Status(status, Whole::Yes);
        for (answer, read, patch) in [
            (whole(200), Verdict::Take, Verdict::Take),
            (whole(204), Verdict::Take, Verdict::Take),
            (Answer::Status(200, Whole::No), Verdict::Again, Verdict::InDoubt(Doubt::ReplyLost)),
            (Answer::Status(400, Whole::No), Verdict::Take, Verdict::Take),
            (whole(302), Verdict::Redirected, Verdict::Redirected),
            (whole(401), Verdict::Renew, Verdict::Renew),
            (whole(403), Verdict::Take, Verdict::Take),
            (whole(404), Verdict::Take, Verdict::Take),
            (whole(408), Verdict::Again, Verdict::Again),
            (whole(429), Verdict::Throttled, Verdict::Throttled),
            (whole(500), Verdict::Again, Verdict::InDoubt(Doubt::ServerError)),
            (whole(501), Verdict::Again, Verdict::Take),
            (whole(502), Verdict::Again, Verdict::InDoubt(Doubt::ServerError)),
            (whole(503), Verdict::Again, Verdict::Again),
            (whole(504), Verdict::Again, Verdict::InDoubt(Doubt::ServerError)),
            (whole(599), Verdict::Again, Verdict::InDoubt(Doubt::ServerError)),
            (Answer::NotSent, Verdict::Again, Verdict::Again),
            (Answer::Silence, Verdict::Again, Verdict::InDoubt(Doubt::ReplyLost)),
        ] {
            assert_eq!((decide(Op::Read, answer), decide(Op::Patch, answer)), (read, patch), "{answer:?}");
            assert_eq!([decide(Op::Page, answer), decide(Op::Sessions, answer)], [read, read], "{answer:?}");
        }
    }

    proptest! {
        #[test]
        fn back_off_grows_to_its_cap(tries in 0u32..1000, chance in 0.0f64..1.0) {
            let wait = backoff(tries, chance);
            prop_assert!(wait >= BASE / 10 && wait <= CAP);
            prop_assert!(backoff(tries, 1.0) <= backoff(tries + 1, 1.0));
        }
    }
}
