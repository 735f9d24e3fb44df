//! The run folder: its files, their modes, its lock, and the name of the run.
//!
//! * [`lock`]: who works on what, on this machine
//! * [`run`]: which folder a command line means, and whether it may go on there

pub(crate) mod lock;
pub(crate) mod run;
