//! What a seed stands for: who is in the file, how the service behaves, what goes wrong, and when
//! the program is killed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::judge::Person;
use super::network::Weather;
use crate::sandbox::{Fault, Limit, Mfa, Options, PatchReply, StaleMatch, User, parse_script};

pub(super) struct Story {
    pub(super) people: Vec<Person>,
    pub(super) options: Options,
    pub(super) weather: Weather,
    pub(super) flags: Vec<String>,
    /// What only the sessions before the last are told.
    pub(super) hasty: Vec<String>,
    /// For each process that does not come to its end by itself: killed after this.
    pub(super) kills: Vec<Duration>,
}

impl Story {
    pub(super) fn of(seed: u64) -> Self {
        let chance = &mut StdRng::seed_from_u64(seed);
        let mut story = Self {
            people: people(chance),
            options: options(chance),
            weather: weather(chance),
            flags: [flags(chance), tokens(seed)].concat(),
            hasty: hasty(chance),
            kills: (0..chance.random_range(0..4)).map(|_| kill(chance)).collect(),
        };
        if chance.random_bool(0.4) {
            story.list_users(chance);
        }
        story
    }
}

impl Story {
    /// The program reads the list of users, in which most of those are who do not need to be asked for to
    /// exist.
    fn list_users(&mut self, chance: &mut StdRng) {
        self.flags.extend(["--lookup".to_owned(), "directory".to_owned()]);
        let plain = self.people.iter().filter(|person| person.email.starts_with("user"));
        let mut listed: Vec<_> = plain.map(|person| User::new(person.email.as_str())).collect();
        listed.sort_by(|one, other| one.user_name.cmp(&other.user_name));
        listed.dedup_by(|one, other| one.user_name == other.user_name);
        listed.retain(|_| chance.random_bool(0.8));
        listed.extend((0..chance.random_range(0..20)).map(|n| User::new(format!("other{n}@example.com"))));
        listed.shuffle(chance);
        self.options.seed = listed;
        self.options.max_page = chance.random_range(2..40);
        self.options.busy_page_over = chance.random_bool(0.2).then_some(25);
    }
}

fn people(chance: &mut StdRng) -> Vec<Person> {
    let first_words = [
        "user", "user", "user", "user", "user", "user", "missing", "inactive", "twins", "stranger", "recent",
        "refused",
    ];
    let count = chance.random_range(1..30);
    let mut people: Vec<Person> = (0..count)
        .map(|number| Person::new(&format!("{}.{number}", first_words.choose(chance).unwrap()), number))
        .collect();
    for person in &mut people {
        match chance.random_range(0..12) {
            0 => person.password = None,
            1 => person.phone = None,
            _ => {}
        }
    }
    if chance.random_bool(0.2) {
        people.push(people[0].clone());
    }
    people
}

fn options(chance: &mut StdRng) -> Options {
    let limit = chance.random_bool(0.2).then(|| Limit::window(chance.random_range(2..30), 1000));
    Options {
        etag: chance.random_bool(0.7),
        stale_match: *[StaleMatch::PreconditionFailed, StaleMatch::InvalidVers, StaleMatch::Conflict]
            .choose(chance)
            .unwrap(),
        patch_reply: *[PatchReply::Body, PatchReply::NoContent].choose(chance).unwrap(),
        knows_mfa: *[
            Mfa::Stores,
            Mfa::Stores,
            Mfa::Stores,
            Mfa::Stores,
            Mfa::Stores,
            Mfa::Ignores,
            Mfa::Refuses,
        ]
        .choose(chance)
        .unwrap(),
        min_password_age_s: if chance.random_bool(0.3) { 86_400 } else { 0 },
        history: chance.random_bool(0.3),
        token_life_s: *[5, 30, 90, 86_400].choose(chance).unwrap(),
        faults: script(chance),
        limit,
        ..Options::default()
    }
}

fn weather(chance: &mut StdRng) -> Weather {
    let mut often = || if chance.random_bool(0.5) { 0.0 } else { chance.random_range(0.0..0.15) };
    let (not_sent, lost, answer_lost, late) = (often(), often(), often(), often());
    let shortest = chance.random_range(0..50);
    Weather { not_sent, lost, answer_lost, late, way_ms: shortest..shortest + chance.random_range(1..500) }
}

fn flags(chance: &mut StdRng) -> Vec<String> {
    let rate = *["unlimited", "unlimited", "5/s", "300/min"].choose(chance).unwrap();
    let mut flags = vec!["--rate".to_owned(), rate.to_owned()];
    flags.extend(["--concurrency".to_owned(), chance.random_range(1..40).to_string()]);
    if chance.random_bool(0.3) {
        flags.push("--include-inactive".to_owned());
    }
    flags
}

/// One story in three has several tokens, by a chance of its own, so that the other stories stay.
fn tokens(seed: u64) -> Vec<String> {
    let chance = &mut StdRng::seed_from_u64(!seed);
    let several = chance.random_bool(0.34).then(|| chance.random_range(2..5).to_string());
    several.map_or_else(Vec::new, |several| vec!["--tokens".to_owned(), several])
}

fn hasty(chance: &mut StdRng) -> Vec<String> {
    let mut flags = vec!["--max-attempts".to_owned(), chance.random_range(1..7).to_string()];
    if chance.random_bool(0.15) {
        flags.extend(["--max-duration".to_owned(), format!("{}s", chance.random_range(1..60))]);
    }
    flags
}

/// Most runs are over in seconds, some wait for minutes.
fn kill(chance: &mut StdRng) -> Duration {
    let most = *[200, 2_000, 20_000, 400_000].choose(chance).unwrap();
    Duration::from_millis(chance.random_range(0..most))
}

/// Up to six things that go wrong.
fn script(chance: &mut StdRng) -> Vec<Fault> {
    let rules = (0..chance.random_range(0..7)).map(|_| json!({ "faults": [rule(chance)] }));
    // What cannot happen on such requests is left out.
    rules.filter_map(|script| parse_script(&script.to_string()).ok()).flatten().collect()
}

fn rule(chance: &mut StdRng) -> Value {
    let on = *["lookup", "patch", "patch", "patch", "scim", "token", "config"].choose(chance).unwrap();
    let times = if chance.random_bool(0.2) { Value::Null } else { json!(chance.random_range(1..8)) };
    let every = if times.is_null() { chance.random_range(2..6) } else { chance.random_range(1..4) };
    json!({ "on": on, "skip": chance.random_range(0..12), "every": every, "times": times, "do": action(chance) })
}

fn action(chance: &mut StdRng) -> Value {
    let status = *[400, 401, 403, 404, 408, 409, 412, 418, 500, 501, 502, 503, 504].choose(chance).unwrap();
    // After the deed only these: a service that says no to what it did cannot be seen through.
    let error = *[500, 502, 504].choose(chance).unwrap();
    let retry_after = *["0", "1", "7", "120", "-3", "1.5", "soon", ""].choose(chance).unwrap();
    let ms = chance.random_range(1..150_000);
    let actions = [
        json!({ "status": status }),
        json!({ "status": status }),
        json!({ "status_after": error }),
        json!({ "status_after": error }),
        json!({ "status": 429, "retry_after": retry_after }),
        json!({ "status": 503, "retry_after": retry_after }),
        json!({ "wait_ms": ms }),
        json!({ "wait_after_ms": ms }),
        json!({ "reset": "before" }),
        json!({ "reset": "after" }),
        json!({ "reset": "after" }),
        json!({ "truncate": true }),
        json!({ "drip_ms": 500 }),
        json!({ "huge": 4_000_000 }),
        json!({ "deep": 5_000 }),
        json!("garbage"),
        json!("html"),
        json!("revoke_tokens"),
        json!("expire_token"),
        json!("rate_limit_exceeded"),
        json!("wrong_user"),
        json!("two_users"),
        json!("same_user_twice"),
        json!("no_id"),
        json!({ "raw_user_name": null }),
        json!({ "total_results": 2 }),
        json!("ignore_filter"),
        json!("ignore_start_index"),
        json!("deactivate"),
        json!("bump_version"),
        json!("bump_version"),
        json!("other_id"),
        json!("echo_password"),
    ];
    actions.choose(chance).unwrap().clone()
}
