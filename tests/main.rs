//! One binary, one file per promise. Every test drives the real executable over real HTTP.

#![allow(unused_crate_dependencies, reason = "dependencies are the program's, not the tests'")]

mod support;

mod audit;
mod doubt;
mod identity;
mod job;
mod outcomes;
mod resume;
mod sandbox;
mod views;
