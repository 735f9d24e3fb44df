//! Owns the rate limit as data: how much a token may ask for, and how it is told.

/// The rate limit, of each token or of all together.
#[derive(Clone, Debug)]
pub struct Limit {
    /// Requests allowed per period.
    pub requests: u32,
    /// The period in milliseconds.
    pub per_ms: u64,
    /// Whether replies carry the `inin-ratelimit-*` headers; they speak of windows, so a bucket has none.
    pub headers: bool,
    /// Whether all tokens share it.
    pub shared: bool,
    /// How a 429 says when to come back.
    pub retry_after: RetryAfterStyle,
    /// How requests are counted.
    pub style: Style,
}

impl Limit {
    /// So many requests in each window of so many milliseconds, told in seconds.
    #[must_use]
    pub fn window(requests: u32, per_ms: u64) -> Self {
        Self {
            requests,
            per_ms: per_ms.max(1),
            headers: true,
            shared: false,
            retry_after: RetryAfterStyle::Seconds,
            style: Style::Window,
        }
    }

    /// The same rate, spread evenly, with room for a burst.
    #[must_use]
    pub fn bucket(requests: u32, per_ms: u64, burst: u32) -> Self {
        let style = Style::Bucket { burst };
        Self { style, headers: false, ..Self::window(requests, per_ms) }
    }
}

/// How a 429 says when to come back (RFC 9110, section 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfterStyle {
    /// `Retry-After: 3`
    Seconds,
    /// `Retry-After: Sun, 06 Nov 1994 08:49:37 GMT`
    HttpDate,
    /// No header.
    None,
}

/// How requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Fixed windows; the first begins with a token's first request.
    Window,
    /// A token bucket that starts full.
    Bucket {
        /// Requests that may come at once.
        burst: u32,
    },
}
