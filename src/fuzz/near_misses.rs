//! Replies to a look-up that are nearly right: the right one, and a few things done to it. Each is
//! held to the oracle of [`lookup`](super::lookup).

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::lookup;
use crate::figures::figure;

const NAME: &str = "kim.isos@example.com";
const ID: &str = "2819c223-7f76-453a-919d-413861904646";
const NAMES: [&str; 18] = [
    "kim.isos@example.com",
    "KIM.ISOS@EXAMPLE.COM",
    "kim.isos@example.co",
    "kim.isos@example.com.",
    "kim.isos@example.comm",
    "im.isos@example.com",
    "kim.isos+x@example.com",
    "kimisos@example.com",
    "\u{212a}im.isos@example.com",
    "kim.i\u{17f}os@example.com",
    "kım.isos@example.com",
    "kİm.isos@example.com",
    "kim.isos@example.com\\u0000",
    "\\u006bim.isos@example.com",
    " kim.isos@example.com",
    "kim.isos@example.com\u{200b}",
    "bob@example.com",
    "",
];
const IDS: [&str; 10] = [
    "\"2819c223-7f76-453a-919d-413861904646\"",
    "\"2819C223-7F76-453A-919D-413861904646\"",
    "\"2819c223-7f76-453a-919d-413861904647\"",
    "\"\"",
    "null",
    "7",
    "\"..\"",
    "\"2819c223/../7\"",
    "\"%2e%2e\"",
    "[\"2819c223-7f76-453a-919d-413861904646\"]",
];
const ACTIVE: [&str; 8] = ["true", "false", "null", "\"true\"", "\"False\"", "0", "\"\"", "[]"];
const METAS: [&str; 6] = [
    r#"{"resourceType":"User"}"#,
    r#"{"resourceType":"Group"}"#,
    r#"{"location":"https://x.example/v2/Users/2819c223-7f76-453a-919d-413861904646"}"#,
    r#"{"location":"https://x.example/v2/Users/7"}"#,
    r#"{"version":1}"#,
    "null",
];
const TOTALS: [&str; 9] = ["0", "1", "2", "3", "null", "-1", "\"1\"", "1.0", "99999999999999999999"];
const BYTES: &[u8] = b"\"\",:{}[]\\ue\x00\xff0a\xc3";

type Members = Vec<(String, String)>;

struct Reply {
    total: String,
    users: Vec<Members>,
}

impl Reply {
    fn right() -> Self {
        let members =
            [("id", format!("\"{ID}\"")), ("userName", format!("\"{NAME}\"")), ("active", "true".to_owned())];
        let user = members.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Self { total: "1".to_owned(), users: vec![user] }
    }

    /// All users on one page, or the first of them on one and the others on the next.
    fn pages(&self, split: bool) -> Vec<Vec<u8>> {
        let page = |users: &[Members]| {
            let object = |members: &Members| {
                let members = members.iter().map(|(name, value)| format!("\"{name}\":{value}"));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            };
            let users = users.iter().map(object).collect::<Vec<_>>().join(",");
            format!(r#"{{"totalResults":{},"Resources":[{users}]}}"#, self.total).into_bytes()
        };
        if split && self.users.len() > 1 {
            let (first, rest) = self.users.split_at(1);
            return vec![page(first), page(rest)];
        }
        vec![page(&self.users)]
    }
}

fn one<'a>(random: &mut StdRng, choices: &[&'a str]) -> &'a str {
    choices[random.random_range(0..choices.len())]
}

/// Does one thing to a reply.
fn nudge(reply: &mut Reply, random: &mut StdRng) {
    let place = random.random_range(0..reply.users.len());
    let user = &mut reply.users[place];
    let set = |user: &mut Members, name: &str, value: String, again: bool| match user
        .iter_mut()
        .find(|(known, _)| !again && known.eq_ignore_ascii_case(name))
    {
        Some((_, old)) => *old = value,
        None => user.push((name.to_owned(), value)),
    };
    // Now and then the attribute comes twice.
    let again = random.random_ratio(1, 8);
    match random.random_range(0..10) {
        0 | 1 => set(user, "userName", format!("\"{}\"", one(random, &NAMES)), again),
        2 => set(user, "id", one(random, &IDS).to_owned(), again),
        3 => set(user, "active", one(random, &ACTIVE).to_owned(), again),
        4 => set(user, "meta", one(random, &METAS).to_owned(), again),
        5 if user.len() > 1 => _ = user.remove(random.random_range(0..user.len())),
        6 => {
            let place = random.random_range(0..user.len());
            let name = &mut user[place].0;
            *name = if again { name.replace('s', "ſ") } else { name.to_ascii_uppercase() };
        }
        7 => reply.total = one(random, &TOTALS).to_owned(),
        8 => {
            let copy = user.clone();
            reply.users.push(copy);
            reply.total = reply.users.len().to_string();
        }
        _ => {
            let stranger = [("id", "\"8\""), ("userName", "\"bob@example.com\"")];
            let stranger = stranger.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
            reply.users.insert(random.random_range(0..=reply.users.len()), stranger);
            reply.total = reply.users.len().to_string();
        }
    }
}

/// Changes, adds or takes a byte.
fn scratch(page: &mut Vec<u8>, random: &mut StdRng) {
    let place = random.random_range(0..page.len());
    let byte = BYTES[random.random_range(0..BYTES.len())];
    match random.random_range(0..3) {
        0 => page[place] = byte,
        1 => page.insert(place, byte),
        _ => _ = page.remove(place),
    }
}

/// `SCIM_REKEY_TRIALS` asks for another number of replies, `SCIM_REKEY_SEED` for the same again.
#[test]
fn no_near_miss_is_ever_ready() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let trials = number("SCIM_REKEY_TRIALS").unwrap_or(100_000);
    let seed = number("SCIM_REKEY_SEED").unwrap_or_else(rand::random);
    figure(&format!("SCIM_REKEY_SEED={seed}"));
    let mut random = StdRng::seed_from_u64(seed);
    let (mut ready, mut missed) = (0, 0);
    for _ in 0..trials {
        let mut reply = Reply::right();
        for _ in 0..random.random_range(0..4) {
            nudge(&mut reply, &mut random);
        }
        let mut pages = reply.pages(random.random());
        if random.random_ratio(1, 6) {
            scratch(&mut pages[0], &mut random);
        }
        let pages: Vec<&[u8]> = pages.iter().map(Vec::as_slice).collect();
        match lookup::check(&pages, NAME, random.random()) {
            Some(_) => ready += 1,
            None => missed += 1,
        }
    }
    figure(&format!("{trials} replies: {ready} lead to the one account, {missed} to nobody"));
    assert!(ready > trials / 10 && missed > trials / 10, "{ready} ready, {missed} not");
}
