//! Whatever happens, and however talkative the program is, no secret is left behind: every test here
//! ends with the search of its [`Stage`](crate::support::Stage) through all that was written.

mod echoes;
mod errors;
mod panics;
mod process;
mod sources;
mod terminal;
