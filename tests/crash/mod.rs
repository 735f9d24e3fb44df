//! Killed at any moment, the same command goes on: nothing is lost, nothing doubled, nothing false.

mod enumerated;
mod judged;
mod random;
mod torn;
