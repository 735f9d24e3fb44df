//! The sandbox does what it says: every endpoint and every fault, seen over a raw socket.

mod client;
mod control;
mod discovery;
mod limits;
mod lookup;
mod lookup_faults;
mod oauth;
mod password;
mod patch;
mod patch_faults;
mod reply_faults;
mod truth;
mod wire_faults;
