//! `sandbox`: a service to rehearse on, served until stopped.

use std::fs;

use super::{Failure, say};
use crate::cli::{RateArg, SandboxArgs};
use crate::sandbox::{Limit, Options, Sandbox, parse_script};

/// Serves until a signal ends the process.
pub(crate) fn sandbox(args: &SandboxArgs) -> Result<u8, Failure> {
    let mut options = Options { port: args.port, token_life_s: args.token_life, ..Options::default() };
    if let Some(path) = &args.faults {
        let script = fs::read_to_string(path)
            .map_err(|error| Failure::new(66, format!("{}: {error}", path.display())))?;
        options.faults = parse_script(&script)
            .map_err(|error| Failure::new(65, format!("{}: {error}", path.display())))?;
    }
    if let Some(RateArg::Told(requests, period)) = args.limit {
        let per_ms = u64::try_from(period.as_millis()).unwrap_or(u64::MAX);
        options.limit = Some(Limit::window(requests, per_ms));
    }
    let sandbox = Sandbox::start(options)
        .map_err(|error| Failure::new(73, format!("cannot serve on port {}: {error}", args.port)))?;
    say(format_args!("GENESYS_SCIM_URL={}", sandbox.scim_url()));
    say(format_args!("GENESYS_TOKEN_URL={}", sandbox.token_url()));
    say(format_args!("GENESYS_CLIENT_ID={}", sandbox.client_id()));
    say(format_args!("GENESYS_CLIENT_SECRET={}", sandbox.client_secret()));
    say(format_args!("# what it did: {}/_sandbox/truth", sandbox.base_url()));
    loop {
        std::thread::park();
    }
}
