//! A run in figures for Prometheus, in the text format that `node_exporter`'s textfile collector reads.
//!
//! Owns their names. All are gauges: they tell of the latest run, and the next one begins anew. Invariant: every
//! series bears the name of its file, so that no two files of one folder hold the same series, and nothing
//! else that changes from run to run.

use std::borrow::Cow;
use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde_json::Value;

/// How every such file begins.
pub(crate) const BEGINS: &str = "# HELP scim_rekey_";

/// What they are made from.
#[derive(Debug)]
pub(crate) struct Figures<'a> {
    /// Name of the file, without its extension.
    pub(crate) name: String,
    /// The process's exit code.
    pub(crate) exit_code: u8,
    /// When it ended, seconds since 1970.
    pub(crate) ended_s: f64,
    /// How long it took, waits included.
    pub(crate) took_s: f64,
    /// `summary.json`, where there is one.
    pub(crate) summary: Option<&'a Value>,
}

type Number = Gauge<i64, AtomicI64>;
type Seconds = Gauge<f64, AtomicU64>;
type Counts = Family<[(&'static str, String); 1], Number>;

impl Figures<'_> {
    /// The whole text. The time of the latest success is that of the earlier text, unless this is one; 0
    /// if there never was one.
    pub(crate) fn text(&self, earlier: &str) -> String {
        let changes_nothing = self.summary.is_some_and(|summary| summary["dry_run"] == true);
        // Whoever finds a run complete leaves with 0, whatever it has come to.
        let told = self.summary.and_then(|summary| summary["exit_code"].as_i64());
        let exit_code = if self.exit_code == 0 { told.unwrap_or(0) } else { self.exit_code.into() };
        let succeeds = exit_code == 0 && !changes_nothing;
        let succeeded = if succeeds { self.ended_s } else { latest_success(earlier) };
        let label = (Cow::Borrowed("name"), Cow::Owned(self.name.clone()));
        let mut sheet = Sheet(Registry::with_prefix_and_labels("scim_rekey", [label].into_iter()));
        sheet.seconds("last_run_timestamp_seconds", "When the latest run ended", self.ended_s);
        sheet.seconds(
            "last_success_timestamp_seconds",
            "When the latest run ended that left with 0 and was no rehearsal",
            succeeded,
        );
        sheet.number("exit_code", "Exit code of the latest run", exit_code);
        sheet.seconds("duration_seconds", "How long it took, waits included", self.took_s);
        if let Some(summary) = self.summary {
            sheet.counts_of(summary);
        }
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &sheet.0);
        text
    }
}

struct Sheet(Registry);

impl Sheet {
    fn number(&mut self, name: &str, help: &str, value: i64) {
        let gauge = Number::default();
        gauge.set(value);
        self.0.register(name, help, gauge);
    }

    fn seconds(&mut self, name: &str, help: &str, value: f64) {
        let gauge = Seconds::default();
        gauge.set(value);
        self.0.register(name, help, gauge);
    }

    fn counts(&mut self, (name, help, label): (&str, &str, &'static str), of: &Value) {
        let counts = Counts::default();
        for (key, value) in of.as_object().into_iter().flatten() {
            counts.get_or_create(&[(label, key.clone())]).set(value.as_i64().unwrap_or_default());
        }
        self.0.register(name, help, counts);
    }

    fn counts_of(&mut self, summary: &Value) {
        self.number("dry_run", "Whether it was a rehearsal", (summary["dry_run"] == true).into());
        self.counts(("rows", "Rows by outcome", "outcome"), &summary["outcomes"]);
        self.counts(("requests", "Requests sent", "kind"), &summary["requests"]);
        let throttled = summary["throttled"].as_i64().unwrap_or_default();
        self.number("throttled_replies", "Replies with status 429", throttled);
        let waited_ms = summary["waited_ms"].as_f64().unwrap_or_default();
        self.seconds("waited_seconds", "How long the service made it wait", waited_ms / 1000.0);
    }
}

fn latest_success(earlier: &str) -> f64 {
    let line = earlier.lines().find(|line| line.starts_with("scim_rekey_last_success_timestamp_seconds{"));
    let value = line.and_then(|line| line.rsplit_once(' ')).and_then(|(_, value)| value.parse().ok());
    value.filter(|seconds: &f64| seconds.is_finite()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn figures(summary: Option<&Value>, exit_code: u8, ended_s: f64) -> Figures<'_> {
        Figures { name: "a\"\\\nb".to_owned(), exit_code, ended_s, took_s: 0.25, summary }
    }

    /// Of the text format 0.0.4: every series below its HELP and TYPE, labels escaped, and one value.
    #[test]
    fn the_text_is_what_the_collector_reads() {
        let summary = json!({"dry_run": false, "outcomes": {"failed": 1, "updated": 2},
            "requests": {"lookup": 3}, "throttled": 4, "waited_ms": 1500});
        let text = figures(Some(&summary), 3, 1_763_800_000.5).text("");
        assert!(text.starts_with(BEGINS) && text.ends_with('\n'), "{text}");
        let label = r#"name="a\"\\\nb""#;
        for series in [
            format!("scim_rekey_last_run_timestamp_seconds{{{label}}} 1763800000.5"),
            format!("scim_rekey_last_success_timestamp_seconds{{{label}}} 0.0"),
            format!("scim_rekey_exit_code{{{label}}} 3"),
            format!("scim_rekey_duration_seconds{{{label}}} 0.25"),
            format!("scim_rekey_dry_run{{{label}}} 0"),
            format!("scim_rekey_rows{{{label},outcome=\"failed\"}} 1"),
            format!("scim_rekey_rows{{{label},outcome=\"updated\"}} 2"),
            format!("scim_rekey_requests{{{label},kind=\"lookup\"}} 3"),
            format!("scim_rekey_throttled_replies{{{label}}} 4"),
            format!("scim_rekey_waited_seconds{{{label}}} 1.5"),
        ] {
            assert_eq!(text.lines().filter(|line| *line == series).count(), 1, "{series}\n{text}");
            let name = series.split('{').next().unwrap();
            assert!(text.contains(&format!("# TYPE {name} gauge\n")), "{name}");
            assert!(text.contains(&format!("# HELP {name} ")), "{name}");
        }
        assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), 10);
    }

    #[test]
    fn the_latest_success_outlives_failures_and_rehearsals() {
        let last = |text: &str| latest_success(text);
        let rehearsal = json!({"dry_run": true});
        let first = figures(None, 75, 10.0).text("nonsense\nscim_rekey_last_success_timestamp_seconds{} x");
        assert!(last(&first).abs() < 1e-9);
        let second = figures(None, 0, 20.0).text(&first);
        let third = figures(None, 3, 30.0).text(&second);
        let fourth = figures(Some(&rehearsal), 0, 40.0).text(&third);
        for text in [second, third, fourth] {
            assert!((last(&text) - 20.0).abs() < 1e-9, "{text}");
        }
    }
}
