//! One binary, one file per promise. Every test drives the real executable over real HTTP.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod support;

mod attributes;
mod audit;
mod check;
mod checkpoint;
mod clock;
mod config;
mod crash;
mod directory;
mod disk;
mod docs;
mod doubt;
mod hostile;
mod house;
mod identity;
mod input;
mod intruders;
mod job;
mod leaks;
mod leaving;
mod locks;
mod moments;
mod notices;
mod outcomes;
mod pace;
mod passwords;
mod platform;
mod preflight;
mod readme;
mod report;
mod resume;
mod retry;
mod runs;
mod sandbox;
mod service;
mod settings;
mod shell;
mod signals;
mod status;
mod terminal;
mod time;
mod token;
mod tokens;
mod traffic;
mod turns;
mod unattended;
mod views;
mod wire;
