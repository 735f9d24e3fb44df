//! Owns the figures for Prometheus, in the `OpenMetrics` text format.
//!
//! One invariant: every label has few values, all of them ours: no address, no caller, no path.

use std::sync::atomic::AtomicI64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What [`Metrics::text`] is.
pub(super) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = [(&'static str, String); 1];
type RequestLabels = [(&'static str, String); 2];

/// All figures of a service.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    resets: Family<Labels, Counter>,
    limits: Family<Labels, Counter>,
    shed: Counter,
    queue: Gauge<i64, AtomicI64>,
    connections: Gauge<i64, AtomicI64>,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("scim_rekey");
        let (requests, resets, limits) = (Family::default(), Family::default(), Family::default());
        let (shed, queue, connections) = (Counter::default(), Gauge::default(), Gauge::default());
        registry.register("requests", "Requests answered, by route and status", Family::clone(&requests));
        registry.register("resets", "Resets answered, by outcome; repeats left out", Family::clone(&resets));
        registry.register("limits_met", "Requests refused, by the limit they met", Family::clone(&limits));
        registry.register("connections_shed", "Idle connections closed for new ones", Counter::clone(&shed));
        registry.register("queue", "Requests that wait for the engine", Gauge::clone(&queue));
        registry.register("connections", "Open connections", Gauge::clone(&connections));
        Self { registry, requests, resets, limits, shed, queue, connections }
    }

    pub(super) fn request(&self, route: &str, status: u16) {
        let labels = [("route", route.to_owned()), ("status", status.to_string())];
        self.requests.get_or_create(&labels).inc();
    }

    pub(super) fn reset(&self, outcome: &'static str) {
        self.resets.get_or_create(&[("outcome", outcome.to_owned())]).inc();
    }

    pub(super) fn limit(&self, limit: &'static str) {
        self.limits.get_or_create(&[("limit", limit.to_owned())]).inc();
    }

    pub(super) fn shed(&self) {
        self.shed.inc();
    }

    /// The gauge of open connections.
    pub(super) fn connections(&self) -> &Gauge<i64, AtomicI64> {
        &self.connections
    }

    /// Everything as text, with the queue as it is now.
    pub(super) fn text(&self, queue: usize) -> String {
        self.queue.set(i64::try_from(queue).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
