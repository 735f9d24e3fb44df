//! Owns `/_sandbox/…`: the truth for people and for tests in other languages, and what can be
//! changed while the service runs.
//!
//! It tells passwords, so a page in a browser must not reach it: requests under a name that is not
//! loopback's (DNS rebinding) and changes that are not JSON (forms of other sites) are refused.

use std::sync::Mutex;

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::reply::{JSON, Reply};
use super::rules::Rules;
use super::script::parse_script;
use super::server::lock;
use super::user::User;
use super::world::World;

/// Answers a request to the sandbox itself. No token, no limit, no faults, no record.
pub(super) fn answer(name: &str, call: &Call, world: &Mutex<World>) -> Reply {
    if !loopback(call) {
        return error(403, "the sandbox answers under a loopback name only");
    }
    let changes = call.method != Method::GET;
    if changes && call.media_type().as_deref() != Some(JSON) {
        return error(415, "the body must be application/json");
    }
    match (name, &call.method) {
        ("truth", &Method::GET) => shown(&lock(world).ledger.truth()),
        ("requests", &Method::GET) => shown(&lock(world).ledger.requests()),
        ("users", &Method::GET) => shown(&lock(world).store.all()),
        ("users", &Method::POST) => add_users(call, &mut lock(world)),
        ("faults", &Method::PUT) => replace_faults(call, &mut lock(world)),
        _ => error(404, "GET truth, requests or users, POST users, PUT faults"),
    }
}

fn loopback(call: &Call) -> bool {
    let host = call.header("host").unwrap_or("");
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

fn shown(value: &impl serde::Serialize) -> Reply {
    match serde_json::to_vec(value) {
        Ok(body) => Reply::raw(200, JSON, body),
        Err(cause) => error(500, &cause.to_string()),
    }
}

/// One user or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Users {
    Many(Vec<Value>),
    One(Value),
}

fn add_users(call: &Call, world: &mut World) -> Reply {
    let values = match serde_json::from_slice(body(call)) {
        Ok(Users::Many(values)) => values,
        Ok(Users::One(value)) => vec![value],
        Err(cause) => return error(400, &cause.to_string()),
    };
    let users: Result<Vec<User>, _> = values.into_iter().map(serde_json::from_value).collect();
    match users {
        Ok(users) => {
            let add = |user| world.store.add(user);
            let added: Vec<usize> = users.into_iter().map(add).collect();
            let added = added.into_iter().map(|index| world.store.get(index).id.clone());
            Reply::json(201, JSON, json!({"ids": added.collect::<Vec<_>>()}))
        }
        Err(cause) => error(400, &cause.to_string()),
    }
}

fn replace_faults(call: &Call, world: &mut World) -> Reply {
    match parse_script(&String::from_utf8_lossy(body(call))) {
        Ok(faults) => {
            let count = faults.len();
            world.rules = Rules::new(faults);
            Reply::json(200, JSON, json!({"faults": count}))
        }
        Err(cause) => error(400, &cause.to_string()),
    }
}

fn body(call: &Call) -> &[u8] {
    call.body.as_deref().unwrap_or_default()
}

fn error(status: u16, message: &str) -> Reply {
    Reply::json(status, JSON, json!({"error": message}))
}
