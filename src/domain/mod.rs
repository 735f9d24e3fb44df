//! The words the rest of the program speaks: who, what, and how it ended.
//!
//! Nothing here knows a clock, a file, a socket or randomness, and nothing here imports
//! another part of the program.

mod advice;
pub(crate) mod attribute;
pub(crate) mod email;
pub(crate) mod event;
pub(crate) mod moment;
pub(crate) mod outcome;
pub(crate) mod phone;
pub(crate) mod retry_after;
pub(crate) mod secret;
pub(crate) mod series;
pub(crate) mod shard;
pub(crate) mod stop;
pub(crate) mod tally;
pub(crate) mod target;
pub(crate) mod text;
pub(crate) mod wanted;
