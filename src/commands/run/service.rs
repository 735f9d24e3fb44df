//! The command line's wishes, as the parts want them: the client with its pace, and the time to stop.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Zoned;
use jiff::civil::{Date, Time};
use jiff::tz::AmbiguousOffset;
use tokio::time::Instant;

use crate::cli::{AttributeStyle, Lookup, PasswordEncoding, PasswordRoute, PolicyOf, RateArg, RunArgs};
use crate::commands::Failure;
use crate::config::Service;
use crate::domain::attribute::Attribute;
use crate::domain::outcome::Standing;
use crate::domain::wanted::Wanted;
use crate::input::Survey;
use crate::plan::Plan;
use crate::record::Record;
use crate::scim::auth::Tries;
use crate::scim::client::{Client, Settings};
use crate::scim::directory::{When, Wish};
use crate::scim::exchange::Exchange;
use crate::scim::http::{Base, Http};
use crate::scim::keyring::Keyring;
use crate::scim::pacer::{Pace, Pacer, Patience, Rate};
use crate::scim::platform::Platform;
use crate::scim::wire::{Encoding, MfaAttribute, Style, Wording};

/// When `--deadline` is.
pub(crate) fn deadline(args: &RunArgs) -> Option<Instant> {
    let wait = args.pace.deadline.map(|time| until_clock_shows(time, &Zoned::now()));
    wait.and_then(|wait| Instant::now().checked_add(wait))
}

/// The first end of the time for work that begins now.
pub(crate) fn end_of_time(args: &RunArgs, deadline: Option<Instant>) -> Option<Instant> {
    let time_is_up = args.pace.max_duration.and_then(|most| Instant::now().checked_add(most));
    [deadline, time_is_up].into_iter().flatten().min()
}

/// How long it is until the clock shows this time. Where clocks are set back it shows some times
/// twice, and the next of the two counts; one that is left out where they are set forward comes as
/// much later as they are set.
fn until_clock_shows(time: Time, now: &Zoned) -> Duration {
    let showing = |date: Date| {
        let shown = now.time_zone().to_ambiguous_zoned(date.to_datetime(time));
        let twice = matches!(shown.offset(), AmbiguousOffset::Fold { .. });
        let first = shown.clone().compatible().ok();
        [first, shown.later().ok().filter(|_| twice)]
    };
    // A day may be left out as well.
    let days = now.date().series(jiff::Span::new().days(1)).take(3);
    let next = days.flat_map(showing).flatten().find(|then| then > now);
    next.map_or(Duration::ZERO, |then| now.duration_until(&then).unsigned_abs())
}

/// What the list of users would be read for, unless it never is.
pub(super) fn wish(args: &RunArgs, rows: u64, wanted: Option<Wanted>) -> Option<Wish> {
    let when = match args.service.lookup {
        Lookup::Filter => return None,
        Lookup::Directory => When::Always,
        Lookup::Auto => When::Cheaper,
    };
    Some(Wish { when, rows, wanted: wanted?, concurrency: args.pace.concurrency.into() })
}

/// Rows of so many that have yet to be looked up for the first time, as far as can be told without
/// reading the input again; rather too few than too many.
pub(super) fn yet_to_find(rows: u64, survey: &Survey, plan: &Plan<'_>, record: &Record) -> u64 {
    let decided = survey.defects.iter().map(|defect| defect.line).chain(survey.duplicates.keys().copied());
    let decided =
        decided.filter(|line| record.standing(*line) != Standing::Settled).count() + plan.protected();
    let ledger = record.ledger();
    rows.saturating_sub(ledger.settled().total() + ledger.in_doubt() + decided as u64)
}

pub(crate) fn client(
    args: &RunArgs,
    service: Service,
    attributes: Arc<[Attribute]>,
    serves: bool,
) -> Result<Client, Failure> {
    let pace = &args.pace;
    let untrusting = |error| Failure::new(78, format!("cannot set up TLS: {error}"));
    let base = Base::of(&service.base);
    let base = base.ok_or_else(|| Failure::new(78, "--scim-url is nowhere a request could go".to_owned()))?;
    let http = Http::to(base.origin(), &service.http).map_err(untrusting)?;
    let token_http = Http::new(&service.token_http).map_err(untrusting)?;
    let patience = Patience {
        max_wait: pace.max_wait,
        max_outage: pace.max_outage,
        concurrency: pace.concurrency.into(),
    };
    let tries = Tries { max_attempts: pace.max_attempts, max_outage: pace.max_outage, again: serves };
    let settings = Settings {
        base,
        wording: wording(args, attributes),
        platform: Platform {
            base: service.platform.as_ref().and_then(Base::of),
            revokes_sessions: args.passwords.revoke_sessions && !args.dry_run,
            reads_policy: args.input.generate_passwords
                || args.passwords.password_policy == PolicyOf::Organization,
            policy: OnceLock::new(),
        },
        include_inactive: args.include_inactive,
    };
    let tokens = usize::from(pace.tokens);
    let keyring = Keyring::new(&token_http, service.credentials, tries, tokens);
    let pacer = Pacer::new(pace_of(pace.rate), tokens, patience);
    let exchange = Exchange::new(http, keyring, pacer, pace.max_attempts);
    Ok(Client::new(settings, exchange))
}

fn wording(args: &RunArgs, attributes: Arc<[Attribute]>) -> Wording {
    Wording {
        mfa: MfaAttribute { path: args.service.mfa_path.clone(), kind: args.service.mfa_type.clone() },
        encoding: match args.passwords.password_encoding {
            PasswordEncoding::Plain => Encoding::Plain,
            PasswordEncoding::Sha256Hex => Encoding::Sha256Hex,
        },
        attributes,
        style: match args.service.attribute_style {
            AttributeStyle::Paths => Style::Paths,
            AttributeStyle::Extensions => Style::Extensions,
        },
        password_apart: args.passwords.password_route == PasswordRoute::Platform,
    }
}

/// What `auto` keeps to before the service has said anything: what the vendor documents.
const DOCUMENTED: (u32, Duration) = (300, Duration::from_secs(60));

fn pace_of(rate: RateArg) -> Pace {
    let told = |(requests, period)| Rate::new(requests, period);
    let pace = match rate {
        RateArg::Told(requests, period) => told((requests, period)).map(Pace::Told),
        RateArg::Auto => told(DOCUMENTED).map(Pace::Auto),
        RateArg::Unlimited => None,
    };
    pace.unwrap_or(Pace::Unlimited)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::{Timestamp, civil::time, tz::TimeZone};
    use proptest::prelude::*;

    /// Central Europe: forward on 29 March 2026 at 2, back on 25 October at 3.
    const EUROPE: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
    /// Brazil as it was: forward at midnight, on 18 October 2026.
    const BRAZIL: &str = "<-03>3<-02>,M10.3.0/0,M2.3.0/0";

    #[test]
    fn a_deadline_is_the_next_time_that_the_clock_shows_it() {
        for (zone, now, (hour, minute), wait) in [
            (EUROPE, "2026-11-22T04:00:00+01:00", (5, 30), "1h30m"),
            (EUROPE, "2026-11-22T05:30:00+01:00", (5, 30), "24h"),
            (EUROPE, "2026-11-22T05:30:01+01:00", (5, 30), "23h59m59s"),
            (EUROPE, "2026-11-22T23:59:30+01:00", (0, 0), "30s"),
            (EUROPE, "2026-12-31T23:00:00+01:00", (5, 30), "6h30m"),
            (EUROPE, "2028-02-28T23:00:00+01:00", (5, 30), "6h30m"),
            // Over the change of the clocks, in both directions.
            (EUROPE, "2026-03-28T23:00:00+01:00", (5, 30), "5h30m"),
            (EUROPE, "2026-10-24T23:00:00+02:00", (5, 30), "7h30m"),
            // 2:30 is left out.
            (EUROPE, "2026-03-29T01:00:00+01:00", (2, 30), "1h30m"),
            (EUROPE, "2026-03-29T03:45:00+02:00", (2, 30), "22h45m"),
            // 2:30 comes twice.
            (EUROPE, "2026-10-25T02:15:00+02:00", (2, 30), "15m"),
            (EUROPE, "2026-10-25T02:45:00+02:00", (2, 30), "45m"),
            (EUROPE, "2026-10-25T02:15:00+01:00", (2, 30), "15m"),
            (EUROPE, "2026-10-25T02:45:00+01:00", (2, 30), "23h45m"),
            // Midnight is left out.
            (BRAZIL, "2026-10-17T23:00:00-03:00", (0, 0), "1h"),
            ("UTC0", "2026-11-22T23:00:00Z", (22, 59), "23h59m"),
        ] {
            let zone = TimeZone::posix(zone).unwrap();
            let start = now.parse::<Timestamp>().unwrap().to_zoned(zone);
            let wait: jiff::SignedDuration = wait.parse().unwrap();
            let expected = wait.unsigned_abs();
            assert_eq!(
                until_clock_shows(time(hour, minute, 0, 0), &start),
                expected,
                "{now} {hour}:{minute}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_deadline_is_never_over_nor_beyond_a_day_and_the_change_of_clocks(
            second in 1_700_000_000i64..1_900_000_000, hour in 0i8..24, minute in 0i8..60, zone in 0..2usize,
        ) {
            let zone = TimeZone::posix([EUROPE, BRAZIL][zone]).unwrap();
            let now = Timestamp::from_second(second).unwrap().to_zoned(zone);
            let wait = until_clock_shows(time(hour, minute, 0, 0), &now);
            prop_assert!(wait > Duration::ZERO && wait <= Duration::from_secs(25 * 60 * 60), "{wait:?}");
            let then = now.checked_add(wait).unwrap();
            let shown = (then.hour(), then.minute());
            // An hour later where it is left out.
            prop_assert!(shown == (hour, minute) || shown == (hour + 1, minute), "{now} {shown:?}");
        }
    }
}
