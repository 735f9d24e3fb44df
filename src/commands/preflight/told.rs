//! Whether notices would find their way. None is sent.

use super::finding::Finding;
use crate::cli::RunArgs;
use crate::commands::run::Handing;

/// Knocks where notices go. A run goes on without them, and the same command sends them later.
pub(super) async fn knock(args: &RunArgs, handing: &Handing) -> Finding {
    const CHECK: &str = "notices";
    let Some(postman) = handing.postman() else {
        let why = if args.sandbox { "none in a rehearsal" } else { "none are sent" };
        return Finding::ok(CHECK, why);
    };
    match postman.knock().await {
        (way, Ok(())) => Finding::ok(CHECK, format!("by {way}, which answers; none was sent")),
        (way, Err(undelivered)) => Finding::warning(
            CHECK,
            format!("by {way}: {}", undelivered.why),
            "mend [notices]; a run goes on without them, and the same command sends them later",
        ),
    }
}
