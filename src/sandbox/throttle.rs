//! Owns what a client is told about the rate limit, and what that obliges it to.

use std::time::{Duration, SystemTime};

use axum::http::header::RETRY_AFTER;

use super::limit::{Limit, RetryAfterStyle, Style};
use super::meter::Standing;
use super::options::Options;
use super::problem::Problem;
use super::reply::Reply;

/// The refusal of a request that is over the limit.
pub(super) fn refusal(limit: &Limit, standing: Standing) -> Problem {
    let seconds = seconds(standing.reset_ms);
    let detail = format!("Rate limit exceeded. Retry the request in [{seconds}] seconds");
    let problem = Problem::new(429, detail);
    match limit.retry_after {
        RetryAfterStyle::Seconds => problem.retry_after(seconds.to_string()),
        RetryAfterStyle::HttpDate => problem.retry_after(date_after(standing.reset_ms)),
        RetryAfterStyle::None => problem,
    }
}

/// The same reply with the vendor's headers, where the limit shows them.
pub(super) fn with_headers(reply: Reply, options: &Options, standing: Option<Standing>) -> Reply {
    let (Some(limit), Some(standing)) = (&options.limit, standing) else {
        return reply;
    };
    if !limit.headers || limit.style != Style::Window {
        return reply;
    }
    reply
        .header("inin-ratelimit-allowed", &standing.allowed.to_string())
        .header("inin-ratelimit-count", &standing.count.to_string())
        .header("inin-ratelimit-reset", &seconds(standing.reset_ms).to_string())
}

/// How long the reply tells the client to wait, in milliseconds; of several headers the longest.
pub(super) fn announced_ms(reply: &Reply) -> Option<u64> {
    reply.values(&RETRY_AFTER).filter_map(wait_ms).max()
}

fn wait_ms(value: &str) -> Option<u64> {
    if !value.is_empty() && value.bytes().all(|digit| digit.is_ascii_digit()) {
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(seconds.saturating_mul(1000));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let wait = date.duration_since(SystemTime::now()).ok()?;
    u64::try_from(wait.as_millis()).ok()
}

/// Rounded up, so that who waits as told is not refused again.
fn seconds(ms: u64) -> u64 {
    ms.div_ceil(1000)
}

/// HTTP dates know whole seconds only, so this too is rounded up.
fn date_after(ms: u64) -> String {
    let instant = SystemTime::now() + Duration::from_millis(ms.saturating_add(999));
    httpdate::fmt_http_date(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_rfc_knows_obliges() {
        assert_eq!(wait_ms("2"), Some(2000));
        assert_eq!(wait_ms("99999999999999999999"), Some(u64::MAX));
        for nonsense in ["", "-3", "1.5", "soon", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            assert_eq!(wait_ms(nonsense), None, "{nonsense}");
        }
        let told = wait_ms(&date_after(1500)).unwrap();
        assert!((1400..=2500).contains(&told), "{told}");
    }
}
