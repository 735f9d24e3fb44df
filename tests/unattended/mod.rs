//! Where nobody watches: what schedulers and monitors are told, and work that several machines share.

mod jitter;
mod monitors;
mod samples;
mod shards;
