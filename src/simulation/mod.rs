//! Whole runs in paused time: the real program from its command line to its files, and the sandbox
//! within reach of a call. What lies between them loses, delays and repeats as a seed has it.
//!
//! Hours pass in milliseconds and no socket is involved, so a promise about time can be tested as it
//! stands, and one about faults ten thousand times.

mod jitter;
mod judge;
mod network;
mod outage;
mod pace;
mod pool;
mod seeds;
mod stage;
mod story;
mod token;
