//! The command line's wishes, as the parts want them: the client with its pace, and the time to stop.

use std::time::Duration;

use tokio::time::Instant;

use crate::cli::RunArgs;
use crate::commands::Failure;
use crate::config::Service;
use crate::scim::auth::{Auth, Tries};
use crate::scim::client::{Client, Settings};
use crate::scim::exchange::Exchange;
use crate::scim::http::Http;
use crate::scim::pacer::{Pacer, Patience, Rate};
use crate::scim::wire::MfaAttribute;

pub(super) fn deadline(args: &RunArgs) -> Option<Instant> {
    let time_of_day = args.pace.deadline.map(|time| {
        let now = jiff::Zoned::now();
        let today = now.with().time(time).build().ok().filter(|then| *then > now);
        let then = today.or_else(|| now.tomorrow().ok()?.with().time(time).build().ok());
        then.map_or(Duration::ZERO, |then| now.duration_until(&then).unsigned_abs())
    });
    let first = [time_of_day, args.pace.max_duration].into_iter().flatten().min();
    first.and_then(|wait| Instant::now().checked_add(wait))
}

pub(super) fn client(args: &RunArgs, service: Service) -> Result<Client, Failure> {
    let pace = &args.pace;
    let http =
        |options| Http::new(options).map_err(|error| Failure::new(78, format!("cannot set up TLS: {error}")));
    let token_http = http(&service.token_http)?;
    let rate = pace.rate.0.and_then(|(requests, period)| Rate::new(requests, period));
    let patience = Patience {
        max_wait: pace.max_wait,
        max_outage: pace.max_outage,
        concurrency: pace.concurrency.into(),
    };
    let tries = Tries { max_attempts: pace.max_attempts, max_outage: pace.max_outage };
    let settings = Settings {
        base: service.base,
        mfa: MfaAttribute { path: args.service.mfa_path.clone(), kind: args.service.mfa_type.clone() },
        include_inactive: args.include_inactive,
    };
    let auth = Auth::new(token_http, service.credentials, tries);
    let exchange = Exchange::new(http(&service.http)?, auth, Pacer::new(rate, patience), pace.max_attempts);
    Ok(Client::new(settings, exchange))
}
