//! A fake SCIM 2.0 service in the manner of Genesys Cloud: people rehearse on it, and tests take
//! their ground truth from it.
//!
//! It is an island: it uses nothing of the rest of the program, so that a protocol misread once
//! cannot be wrong on both sides and still pass. It keeps what it really did as [`Truth`], whatever
//! its replies said.
//!
//! - Who exists: [`Directory`]; the naming convention of the on-demand one is in [`naming`].
//! - What can be chosen: [`Options`].
//! - What can go wrong: [`faults`], written as a script ([`parse_script`]) or in Rust ([`Fault`]).
//!
//! Endpoints: `POST /oauth/token`; under `/api/v2/scim/v2` and `/scim/v2` the SCIM endpoints
//! `Users`, `ServiceProviderConfig`, `Schemas`, `ResourceTypes`; `GET /api/v2/tokens/me`; and for
//! people and foreign tests `GET /_sandbox/truth`, `/_sandbox/requests`, `/_sandbox/users`,
//! `POST /_sandbox/users`, `PUT /_sandbox/faults`.
//!
//! # The map
//!
//! | room | files |
//! |---|---|
//! | a request's way | `running` (the thread) → `server` (connections) → `call` (read) → `world` (judged) → `answer` (done or struck) → `reply` |
//! | endpoints | `oauth`, `users`, `discovery`, `describe`, `control`, sorted by `serve` |
//! | accounts | `user`, `store`, `naming`, `ids`, `rfc3339` |
//! | protocol | `query`, `projection`, `patch`, `path`, `schema`, `attribute`, `change`, `policy`, `problem`, `base64` |
//! | limits | `tokens`, `limit`, `meter`, `throttle` |
//! | faults | `faults`, `action`, `script`, `rules`, `canned`, `lies`, `remote`, `wire`, `flood` |
//! | the record | `truth`, `ledger` |
//! | without a network | `indoors` |

mod action;
mod answer;
mod attribute;
mod base64;
mod call;
mod canned;
mod change;
mod control;
mod describe;
mod discovery;
pub mod faults;
mod flood;
mod ids;
#[cfg(test)]
mod indoors;
mod ledger;
mod lies;
mod limit;
mod meter;
pub mod naming;
mod oauth;
mod options;
mod patch;
mod path;
mod platform;
mod policy;
mod problem;
mod projection;
mod query;
mod remote;
mod reply;
mod rfc3339;
mod rules;
mod running;
mod schema;
mod script;
mod serve;
mod server;
mod store;
mod throttle;
mod tokens;
mod truth;
mod user;
mod users;
mod wire;
mod world;

pub use action::{Action, When};
pub use canned::{Redirect, StatusReply, Values};
pub use faults::{Fault, On};
#[cfg(test)]
pub(crate) use indoors::{Arrival, Indoors};
pub use limit::{Limit, RetryAfterStyle, Style};
pub use options::{Directory, ErrorShape, Mfa, Options, PatchReply, StaleMatch};
pub use running::Sandbox;
pub use script::{ScriptError, demo_faults, parse_script};
pub use truth::{Applied, Kind, Seen, Truth};
pub use user::User;
