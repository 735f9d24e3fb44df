//! Whether users can be looked up, and how long it would take to look up and change all of them.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use super::finding::Finding;
use super::rows::Given;
use super::says::per_minute;
use super::span::span;
use super::there::{stopped, unheard};
use crate::cli::{Lookup, PasswordRoute, RateArg, RunArgs};
use crate::commands::run::{deadline, end_of_time};
use crate::domain::event::Trail;
use crate::domain::outcome::{Fail, Outcome, Skip};
use crate::domain::stop::Halt;
use crate::domain::text::count;
use crate::scim::client::{Client, Ended, Found};
use crate::scim::directory::{is_worth_reading, size};
use crate::scim::inquiry::{Features, Unheard};
use crate::scim::pacer::Standing;

const RIGHTS: &str = "rights";

/// Whether users may be read, and how many there are. Whether they may be changed, only a change would show.
pub(super) async fn rights(client: &Client) -> (Finding, Option<u64>) {
    const CHECK: &str = RIGHTS;
    let unproven = "whether they may be changed, only a change shows: a run stops at the first refusal";
    let users = client.users().await;
    let finding = match &users {
        Ok(Some(0)) => Finding::ok(CHECK, format!("may read users, none of whom is listed; {unproven}")),
        Ok(Some(users)) => Finding::ok(CHECK, format!("may read {}; {unproven}", count(*users, "user"))),
        Ok(None) => Finding::ok(CHECK, format!("may read users, and does not learn how many; {unproven}")),
        Err(Unheard::Status(403)) => Finding::failed(
            CHECK,
            77,
            "the service forbids to read users (403)",
            "give the client a role that may view and edit users",
        ),
        Err(Unheard::Status(404)) => Finding::failed(
            CHECK,
            3,
            "there are no users at this address (404)",
            "check --scim-url: /Users is appended to it",
        ),
        Err(why) => unheard(CHECK, why, "--lookup filter does without the list"),
    };
    (finding, users.ok().flatten())
}

/// What is said where nobody is listed, nor found by the filter.
pub(super) fn nobody() -> Finding {
    Finding::warning(
        RIGHTS,
        "the service shows no users at all",
        "see that the client's role is not confined, and that this is the organisation that is meant",
    )
}

/// Looks up the user of the first row, as the run would.
pub(super) async fn first(client: &Client, given: &mut Given, protected: &HashSet<String>) -> Finding {
    const CHECK: &str = "first-row";
    let Some(target) = given.first(protected) else {
        return Finding::not_checked(CHECK, "there is no row that would be looked up");
    };
    let line = target.line;
    match client.find(target, &mut Trail::default()).await {
        Found::Ready(_) => Finding::ok(
            CHECK,
            format!("the user on line {line} is found by the filter, under the same userName"),
        ),
        Found::Ended(_, ended) => not_ready(CHECK, line, &ended),
    }
}

fn not_ready(check: &'static str, line: u64, ended: &Ended) -> Finding {
    if let Some(Halt::Because(stop)) = &ended.halt {
        return stopped(check, stop);
    }
    let words = format!("the user on line {line}: {}", ended.ending.detail);
    let advice = "run --dry-run shows of how many rows that is so";
    match ended.ending.outcome {
        Outcome::Failed(Fail::Forbidden) => {
            Finding::failed(check, 77, words, "give the client a role that may view and edit users")
        }
        Outcome::Skipped(Skip::Inactive) => {
            Finding::ok(check, format!("the user on line {line} is found, disabled, and would be skipped"))
        }
        _ => Finding::warning(check, words, advice),
    }
}

/// What a run would have to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// Rows to look up.
    rows: u64,
    /// Requests for each of them once it is looked up.
    changes: u64,
    /// Users in all, and pages of them.
    list: Option<(u64, u64)>,
    /// Whether the list could be used at all.
    has_versions: bool,
    /// Requests a minute, all tokens together.
    per_minute: Option<f64>,
}

/// What the vendor documents, before anything is known.
const DOCUMENTED: f64 = 300.0;

impl Load {
    /// From what is known of the rows, the service and the settings.
    pub(super) fn of(
        args: &RunArgs,
        given: &Given,
        users: Option<u64>,
        features: Option<Features>,
        limit: Option<Standing>,
    ) -> Self {
        let passwords = &args.passwords;
        let is_apart = passwords.password_route == PasswordRoute::Platform && given.has_phones();
        let page = size(features.and_then(|features| features.max_results));
        #[expect(clippy::cast_precision_loss, reason = "a number of requests")]
        let allowed = limit.map(|limit| limit.allowed() as f64);
        let one = match args.pace.rate {
            RateArg::Auto => Some(allowed.unwrap_or(DOCUMENTED)),
            rate => per_minute(rate).map(|rate| allowed.map_or(rate, |allowed| rate.min(allowed))),
        };
        Self {
            rows: given.sound(),
            changes: 1 + u64::from(is_apart) + u64::from(passwords.revoke_sessions),
            list: users.map(|users| (users, users.div_ceil(page))),
            has_versions: features.and_then(|features| features.etag) == Some(true),
            per_minute: one.map(|rate| rate * f64::from(args.pace.tokens)),
        }
    }

    /// How long it would take, by each way of looking users up.
    pub(super) fn finding(&self, args: &RunArgs) -> Finding {
        let by_filter = self.words(self.rows, "by filter");
        let by_list = self.list.filter(|_| self.has_versions);
        // Whoever is not in the list is asked for by filter.
        let look_ups = |(users, pages): (u64, u64)| pages + self.rows.saturating_sub(users);
        let by_list_words = by_list.map(|list| self.words(look_ups(list), "through the list of users"));
        let takes_list = match args.service.lookup {
            Lookup::Filter => false,
            Lookup::Directory => by_list.is_some(),
            Lookup::Auto => by_list.is_some_and(|(users, pages)| is_worth_reading(self.rows, pages, users)),
        };
        let (one, other) = match by_list_words {
            Some(list) if takes_list => (list, Some(by_filter)),
            list => (by_filter, list),
        };
        let other = other.map_or_else(String::new, |other| format!("; {other}"));
        let words = format!("{}: {one}{other}", count(self.rows, "row"));
        let look_ups = by_list.filter(|_| takes_list).map_or(self.rows, look_ups);
        let left = end_of_time(args, deadline(args)).map(|end| end.saturating_duration_since(Instant::now()));
        match (left, self.per_minute) {
            (Some(left), Some(rate)) if left < time(self.requests(look_ups), rate) => Finding::warning(
                "duration",
                format!("{words}; the time for it is over in {}", span(left)),
                "raise --rate, --deadline or --max-duration, or go on later with the same command",
            ),
            _ => Finding::ok("duration", words),
        }
    }

    /// Requests in all, of which so many are look-ups.
    fn requests(&self, look_ups: u64) -> u64 {
        look_ups.saturating_add(self.rows.saturating_mul(self.changes))
    }

    fn words(&self, look_ups: u64, how: &str) -> String {
        let requests = self.requests(look_ups);
        let time = self
            .per_minute
            .map_or_else(String::new, |rate| format!(" in about {}", span(time(requests, rate))));
        format!("{} {how}{time}", count(requests, "request"))
    }
}

/// How long so many requests take at so many a minute.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn time(requests: u64, per_minute: f64) -> Duration {
    Duration::try_from_secs_f64((requests as f64 * 60.0 / per_minute).ceil()).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_takes_as_long_as_its_requests() {
        let load = Load {
            rows: 5000,
            changes: 1,
            list: Some((12_003, 121)),
            has_versions: true,
            per_minute: Some(300.0),
        };
        assert_eq!(load.words(5000, "by filter"), "10000 requests by filter in about 33 min");
        assert_eq!(load.words(121, "x"), "5121 requests x in about 17 min");
        let free = Load { per_minute: None, changes: 3, ..load };
        assert_eq!(free.words(0, "x"), "15000 requests x");
        assert_eq!(time(1, 1e-300), Duration::MAX);
    }
}
