//! The audit log: the run's truth and its evidence in one file.
//!
//! `audit.jsonl` is append-only and hash-chained, one JSON object a line. A row's `intent` is
//! on disk before its PATCH leaves. Everything else (outcome file, summary, continuing a run) is
//! made from it.
//!
//! * [`chain`]: what makes one line follow another
//! * [`clock`]: the time in the lines
//! * [`course`]: how the traffic went, as far as the lines tell
//! * [`record`]: what the lines say
//! * [`log`]: appending, and syncing a group of lines together
//! * [`order`]: what may come after what, in a file that may hold several runs
//! * [`replay`]: reading it back, checking it, finding a torn tail
//! * [`tail`]: its last line alone
//! * [`verify`]: whether it holds, and whether it is all there
//! * [`ledger`]: where each row's latest line is, in six bytes a row
//! * [`accounts`]: which row has claimed which account

pub(crate) mod accounts;
pub(crate) mod chain;
mod clock;
pub(crate) mod course;
pub(crate) mod ledger;
pub(crate) mod log;
mod order;
pub(crate) mod owed;
pub(crate) mod record;
pub(crate) mod replay;
pub(crate) mod tail;
pub(crate) mod verify;
