//! What the service says of itself: what it can do, what time it is, how fast it may be asked, whose it is.

use std::time::{Duration, SystemTime};

use super::finding::{Finding, Findings};
use super::span::span;
use super::there::{stopped, unheard};
use crate::cli::{RateArg, RunArgs};
use crate::domain::stop::Halt;
use crate::scim::client::Client;
use crate::scim::inquiry::{Aside, Features};
use crate::scim::pacer::Standing;

/// Clocks that differ by more are worth a word.
const CLOSE: Duration = Duration::from_secs(30);
const MINUTE_S: f64 = 60.0;

/// What it can do; and what the head of that answer says, whatever the answer is.
pub(super) async fn features(client: &Client, found: &mut Findings<'_>) -> (Option<Features>, Option<Aside>) {
    const CHECK: &str = "features";
    const ADVICE: &str = "a run goes on without versions; is --scim-url right?";
    match client.features().await {
        Ok((Ok(features), aside)) => {
            found.push(can(&features));
            (Some(features), Some(aside))
        }
        Ok((Err(why), aside)) => {
            found.push(unheard(CHECK, &why, ADVICE));
            (None, Some(aside))
        }
        Err(why) => {
            found.push(unheard(CHECK, &why, ADVICE));
            (None, None)
        }
    }
}

fn can(features: &Features) -> Finding {
    let parts = [("PATCH", features.patch), ("filters", features.filter), ("versions (ETag)", features.etag)];
    let named = |wanted: Option<bool>| {
        let names: Vec<_> = parts.iter().filter(|(_, has)| *has == wanted).map(|(name, _)| *name).collect();
        names.join(", ")
    };
    let (has, lacks, silent) = (named(Some(true)), named(Some(false)), named(None));
    let page = features.max_results.map_or_else(String::new, |most| format!(", {most} users a page"));
    if lacks.is_empty() && silent.is_empty() {
        return Finding::ok("features", format!("{has}{page}; bulk requests are not needed"));
    }
    let words = [("has", has), ("has no", lacks), ("does not speak of", silent)];
    let words = words.into_iter().filter(|(_, names)| !names.is_empty());
    let words: Vec<_> = words.map(|(verb, names)| format!("{verb} {names}")).collect();
    let advice = match (features.patch, features.filter) {
        (Some(false), _) => "nothing can be changed there if that is true: ask its owner",
        (_, Some(false)) => "no user can be looked up there if that is true: ask its owner",
        _ => "what somebody else changes between look-up and PATCH is not noticed there",
    };
    Finding::warning("features", format!("the service {}{page}", words.join(", ")), advice)
}

/// How far apart the clocks are.
pub(super) fn clock(there: Option<SystemTime>, here: SystemTime) -> Finding {
    const CHECK: &str = "clock";
    let Some(there) = there else {
        return Finding::not_checked(CHECK, "the service does not say what time it is");
    };
    let (apart, how) = match here.duration_since(there) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    if apart <= CLOSE {
        return Finding::ok(CHECK, format!("within {} of the service's", span(CLOSE)));
    }
    Finding::warning(
        CHECK,
        format!("this machine is {} {how} the service", span(apart)),
        "set the clock: --deadline and the times in the audit log go by it",
    )
}

/// Whether the rate is one that the service allows.
pub(super) fn rate(args: &RunArgs, limit: Option<Standing>) -> Finding {
    const CHECK: &str = "rate";
    let asked = asked(args.pace.rate);
    let Some(limit) = limit else {
        return Finding::ok(CHECK, format!("{asked} for each token; the service names no limit"));
    };
    let (allowed, left, reset) = (limit.allowed(), limit.left(), span(limit.reset()));
    let words = format!(
        "{asked} for each token; the service allows {allowed} in a window, {left} are left for {reset}"
    );
    // The vendor's windows are minutes, and a shorter one only allows more.
    #[expect(clippy::cast_precision_loss, reason = "a number of requests")]
    let is_above = per_minute(args.pace.rate).is_none_or(|rate| rate > allowed as f64);
    if is_above && args.pace.rate != RateArg::Auto {
        let advice = format!("the run will be kept waiting: --rate {allowed}/min, or --rate auto");
        return Finding::warning(CHECK, words, advice);
    }
    Finding::ok(CHECK, words)
}

/// Requests a minute with one token; nothing where no number is known.
pub(super) fn per_minute(rate: RateArg) -> Option<f64> {
    match rate {
        RateArg::Told(requests, period) => Some(f64::from(requests) * MINUTE_S / period.as_secs_f64()),
        RateArg::Auto | RateArg::Unlimited => None,
    }
}

fn asked(rate: RateArg) -> String {
    match rate {
        RateArg::Told(requests, period) => match period.as_secs() {
            1 => format!("{requests}/s"),
            60 => format!("{requests}/min"),
            _ => format!("{requests}/h"),
        },
        RateArg::Auto => "as much as it allows".to_owned(),
        RateArg::Unlimited => "as fast as it answers".to_owned(),
    }
}

/// Whose the token is.
pub(super) async fn organization(client: &Client, has_platform: bool) -> Finding {
    const CHECK: &str = "organisation";
    if !has_platform {
        return Finding::not_checked(CHECK, "only the vendor's platform API could say, and there is none");
    }
    match client.organization().await {
        Ok(Some(it)) if it.id.is_empty() => Finding::ok(CHECK, it.name),
        Ok(Some(it)) => Finding::ok(CHECK, format!("{} ({})", it.name, it.id)),
        Ok(None) => Finding::warning(
            CHECK,
            "the service does not say whose the token is",
            "make sure that the client is of the right organisation",
        ),
        Err(Halt::Because(stop)) => stopped(CHECK, &stop),
        Err(Halt::Already) => Finding::not_checked(CHECK, "nobody asks any more"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Sign;
    use super::*;

    #[test]
    fn clocks_may_differ_by_half_a_minute() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let found = |there: i64| {
            let step = Duration::from_secs(there.unsigned_abs());
            clock(Some(if there < 0 { now - step } else { now + step }), now)
        };
        assert!([-30, 0, 30].into_iter().all(|there| found(there).sign == Sign::Ok));
        assert!(found(31).found.ends_with("31 s behind the service"), "{:?}", found(31));
        assert!(found(-302).found.ends_with("5 min 2 s ahead of the service"), "{:?}", found(-302));
        assert_eq!((found(-302).sign, clock(None, now).sign), (Sign::Warning, Sign::NotChecked));
    }

    #[test]
    fn a_service_without_a_feature_is_told_of() {
        let all =
            Features { patch: Some(true), filter: Some(true), etag: Some(true), max_results: Some(100) };
        assert_eq!(can(&all).sign, Sign::Ok);
        let found = can(&Features { patch: Some(false), etag: None, max_results: None, ..all });
        assert_eq!(
            (found.sign, &*found.found),
            (Sign::Warning, "the service has filters, has no PATCH, does not speak of versions (ETag)")
        );
        assert!(found.advice.is_some_and(|advice| advice.starts_with("nothing can be changed")));
        let found = can(&Features { etag: Some(false), ..all });
        assert!(found.advice.is_some_and(|advice| advice.contains("not noticed")));
    }
}
