//! The two hosts, the token, and everything that can be asked with one.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use reqwest::Url;

use super::finding::{Finding, Findings, Sign, apart};
use super::span::span;
use super::users::Load;
use super::{Known, attributes, passwords, says, users};
use crate::cli::RunArgs;
use crate::commands::run::client;
use crate::config::{Further, Service};
use crate::domain::stop::Stop;
use crate::scim::client::Client;
use crate::scim::http::{Options, Reached, Unreached, reach};
use crate::scim::inquiry::Unheard;

/// A certificate that ends sooner may end before the next run.
const SOON: Duration = Duration::from_secs(14 * 86_400);
const HOSTS: [&str; 2] = ["token-endpoint", "service"];

/// Checks all that is elsewhere.
pub(super) async fn ask(
    args: &RunArgs,
    further: &Further,
    service: Service,
    known: &mut Known,
    found: &mut Findings<'_>,
) {
    let (base, http) = (service.base.clone(), service.http.clone());
    let token_is_there = host(HOSTS[0], &service.credentials.url, &service.token_http, found).await;
    let has_platform = service.platform.is_some();
    let client = match client(args, service, Arc::clone(&further.attributes), false) {
        Ok(client) => client,
        Err(failure) => {
            found.push(Finding::failed("tls", failure.code, failure.words, "see --ca-file"));
            let rest: Vec<_> = ["token", HOSTS[1]].into_iter().chain(need_a_token(known)).collect();
            return found.skip(&rest, "TLS cannot be set up");
        }
    };
    let has_token = if token_is_there {
        token(args, &client, found).await
    } else {
        found.push(Finding::not_checked("token", "nobody to give one"));
        false
    };
    let is_there = host(HOSTS[1], &base, &http, found).await;
    match (is_there, has_token) {
        (true, true) => with_token(args, further, &client, has_platform, known, found).await,
        (true, false) => found.skip(&need_a_token(known), "there is no token"),
        (false, _) => found.skip(&need_a_token(known), "the service cannot be reached"),
    }
}

/// Whether somebody who is to be trusted answers to that name.
async fn host(check: &'static str, url: &Url, options: &Options, found: &mut Findings<'_>) -> bool {
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    let name = format!("{}{port}", url.host_str().unwrap_or_default());
    let reached = reach(url, options).await;
    found.push(match &reached {
        Ok(reached) => shown(check, &name, reached),
        Err(Unreached::Away(why)) => Finding::failed(
            check,
            69,
            format!("{name} cannot be reached: {why}"),
            "check the region, the network and the proxy; later the same command again",
        ),
        Err(Unreached::Untrusted(why)) => Finding::failed(
            check,
            78,
            format!("{name} cannot show who it is (TLS): {why}"),
            "check the region; a certificate of your own is trusted with --ca-file",
        ),
    });
    reached.is_ok()
}

fn shown(check: &'static str, name: &str, reached: &Reached) -> Finding {
    let way = match &reached.proxy {
        Some(proxy) => format!("through the proxy {proxy}"),
        None if reached.addresses == 1 => "1 address, no proxy".to_owned(),
        None => format!("{} addresses, no proxy", reached.addresses),
    };
    let tls = match (reached.is_secure, reached.until) {
        (false, _) => ", without TLS on this machine".to_owned(),
        (true, Some(until)) => format!(", certificate trusted until {}", until.strftime("%F")),
        (true, None) => ", certificate trusted".to_owned(),
    };
    let words = format!("{name} answers: {way}{tls}");
    let left = reached.until.map(|until| until.duration_since(Timestamp::now()));
    match left.and_then(|left| Duration::try_from(left).ok()) {
        Some(left) if left < SOON => {
            Finding::warning(check, words, format!("tell its owner, it ends in {}", span(left)))
        }
        _ => Finding::ok(check, words),
    }
}

/// Whether there is a token, and a second one where several are wanted.
async fn token(args: &RunArgs, client: &Client, found: &mut Findings<'_>) -> bool {
    const CHECK: &str = "token";
    let life = match client.try_token(0).await {
        Ok(life) => span(Duration::from_secs(life.unwrap_or_default())),
        Err(stop) => {
            found.push(stopped(CHECK, &stop));
            return false;
        }
    };
    found.push(Finding::ok(CHECK, format!("granted, lives {life}")));
    if args.pace.tokens > 1 {
        match client.try_token(1).await {
            Ok(Some(_)) => {}
            Ok(None) => found.push(Finding::warning(
                CHECK,
                format!("the token endpoint gives one token twice, so --tokens {} is one", args.pace.tokens),
                "leave --tokens out",
            )),
            Err(stop) => found.push(Finding::warning(
                CHECK,
                format!("there is no second one: {}", stop.sentence()),
                "a run goes on with one; leave --tokens out",
            )),
        }
    }
    true
}

/// What a run would stop for.
pub(super) fn stopped(check: &'static str, stop: &Stop) -> Finding {
    let words = stop.sentence();
    let (what, advice) = apart(&words);
    let advice = match stop {
        Stop::Throttled => "wait a while, or ask for a higher limit",
        Stop::Outage(_) => "try again later",
        _ => advice,
    };
    Finding::failed(check, stop.exit_code(), what, advice)
}

/// A question without an answer, where a run would go on without one.
pub(super) fn unheard(check: &'static str, why: &Unheard, advice: &str) -> Finding {
    match why {
        Unheard::Stop(stop) => stopped(check, stop),
        Unheard::Status(_) | Unheard::Unreadable | Unheard::Silent => {
            Finding::warning(check, why.words(), advice)
        }
    }
}

async fn with_token(
    args: &RunArgs,
    further: &Further,
    client: &Client,
    has_platform: bool,
    known: &mut Known,
    found: &mut Findings<'_>,
) {
    let (features, aside) = says::features(client, found).await;
    found.push(says::clock(aside.and_then(|aside| aside.date), SystemTime::now()));
    found.push(says::rate(args, aside.and_then(|aside| aside.limit)));
    found.push(says::organization(client, has_platform).await);
    attributes::check(args, further, client, found).await;
    passwords::check(args, client, has_platform, known, found).await;
    let (rights, users) = users::rights(client).await;
    let first = match &mut known.given {
        Some(given) => Some(users::first(client, given, &known.protected).await),
        None => None,
    };
    // A list may be empty where users are found all the same, as in the sandbox, which makes them up.
    let is_found = args.sandbox || first.as_ref().is_some_and(|first| first.sign == Sign::Ok);
    found.push(if users == Some(0) && !is_found { users::nobody() } else { rights });
    let (Some(given), Some(first)) = (&known.given, first) else { return };
    found.push(first);
    let load = Load::of(args, given, users, features, aside.and_then(|aside| aside.limit));
    found.push(load.finding(args));
}

/// The checks that stay undone without a service.
pub(super) fn skip(why: &str, known: &Known, found: &mut Findings<'_>) {
    let all: Vec<_> = [HOSTS[0], "token", HOSTS[1]].into_iter().chain(need_a_token(known)).collect();
    found.skip(&all, why);
}

fn need_a_token(known: &Known) -> Vec<&'static str> {
    let always = ["features", "clock", "rate", "organisation", "attributes", "password-policy", "rights"];
    let of_rows = known.given.iter().flat_map(|_| ["first-row", "duration"]);
    always.into_iter().chain(of_rows).collect()
}
