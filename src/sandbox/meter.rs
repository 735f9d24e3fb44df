//! Owns counting against the rate limit.
//!
//! All arithmetic is in whole units (a request costs `per_ms`, each millisecond earns `requests`),
//! so the limit is exact and the same on every machine.

use super::limit::{Limit, Style};

/// What a token has used of its limit.
#[derive(Default)]
pub(super) struct Meter {
    begun: bool,
    at_ms: u64,
    /// Window: requests seen. Bucket: units left.
    level: u64,
}

/// What the limit says about one request.
#[derive(Clone, Copy)]
pub(super) struct Standing {
    pub(super) admitted: bool,
    pub(super) allowed: u64,
    pub(super) count: u64,
    /// Until the next request may come, if this one was refused; else until all is free again.
    pub(super) reset_ms: u64,
}

impl Meter {
    /// Counts one request that arrived at `now_ms`.
    pub(super) fn count(&mut self, limit: &Limit, now_ms: u64) -> Standing {
        match limit.style {
            Style::Window => self.window(limit, now_ms),
            Style::Bucket { burst } => self.bucket(limit, u64::from(burst.max(1)), now_ms),
        }
    }

    fn window(&mut self, limit: &Limit, now_ms: u64) -> Standing {
        if !self.begun || now_ms >= self.at_ms.saturating_add(limit.per_ms) {
            *self = Self { begun: true, at_ms: now_ms, level: 0 };
        }
        self.level += 1;
        let allowed = u64::from(limit.requests);
        Standing {
            admitted: self.level <= allowed,
            allowed,
            count: self.level,
            reset_ms: self.at_ms.saturating_add(limit.per_ms).saturating_sub(now_ms),
        }
    }

    fn bucket(&mut self, limit: &Limit, burst: u64, now_ms: u64) -> Standing {
        let (cost, earn) = (limit.per_ms.max(1), u64::from(limit.requests));
        let full = burst.saturating_mul(cost);
        let earned = now_ms.saturating_sub(self.at_ms).saturating_mul(earn);
        let level = if self.begun { full.min(self.level.saturating_add(earned)) } else { full };
        let admitted = level >= cost;
        let left = if admitted { level - cost } else { level };
        let missing = if admitted { full - left } else { cost - left };
        *self = Self { begun: true, at_ms: now_ms, level: left };
        Standing {
            admitted,
            allowed: burst,
            count: burst - left / cost,
            reset_ms: missing.div_ceil(earn.max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_refuses_what_is_over_and_opens_again() {
        let (limit, mut meter) = (Limit::window(2, 1000), Meter::default());
        assert!(meter.count(&limit, 500).admitted);
        assert!(meter.count(&limit, 600).admitted);
        let refused = meter.count(&limit, 700);
        assert!(!refused.admitted);
        assert_eq!((refused.count, refused.reset_ms), (3, 800));
        assert!(meter.count(&limit, 1500).admitted);
    }

    #[test]
    fn a_bucket_spreads_evenly_after_its_burst() {
        let (limit, mut meter) = (Limit::bucket(10, 1000, 2), Meter::default());
        assert!(meter.count(&limit, 0).admitted);
        assert!(meter.count(&limit, 0).admitted);
        let refused = meter.count(&limit, 40);
        assert!(!refused.admitted);
        assert_eq!(refused.reset_ms, 60);
        assert!(meter.count(&limit, 100).admitted);
        assert!(!meter.count(&limit, 199).admitted);
        assert!(meter.count(&limit, 200).admitted);
    }
}
