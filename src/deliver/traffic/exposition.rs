//! What was counted, as text for Prometheus.

use super::meter::Counts;
use super::shared::Shared;
use std::fmt::Write;
use std::sync::atomic::Ordering;
use taskmaster_delivery::engine::Revision;

/// The text of all metrics. Names and units are in `docs/proxy.md`.
pub(super) fn text(shared: &Shared) -> String {
    let mut page = Page { text: String::new(), service: escaped(&shared.settings.service) };
    let versions: Vec<(Revision, Counts)> = shared.snapshot().versions.into_iter().collect();
    let plan = shared.plan();
    page.head("requests_total", "counter", "Requests by version and status of the answer.");
    for (revision, counts) in &versions {
        for (code, count) in &counts.codes {
            page.line("requests_total", &[("version", &revision.0), ("code", &code.to_string())], count);
        }
    }
    type Field = fn(&Counts) -> u64;
    let fields: [(&str, &str, Field); 5] = [
        ("failures_total", "Requests answered with a 5xx, not at all, or not to the end.", |c| c.failures),
        ("sessions_total", "Sessions dealt to a version.", |c| c.sessions),
        ("failed_sessions_total", "Sessions with a failure.", |c| c.failed_sessions),
        ("mirrored_total", "Copies of requests.", |c| c.mirrored),
        ("mirrored_failures_total", "Copies answered with a 5xx or not at all.", |c| c.mirrored_failures),
    ];
    for (name, help, field) in fields {
        page.head(name, "counter", help);
        for (revision, counts) in &versions {
            page.line(name, &[("version", &revision.0)], field(counts));
        }
    }
    page.head("answer_seconds", "histogram", "From the end of a request's head to the head of its answer.");
    for (revision, counts) in &versions {
        page.histogram(&revision.0, counts, &shared.settings.bounds_ms);
    }
    page.head("weight", "gauge", "Percent of the requests that a version gets.");
    for (revision, _) in &versions {
        page.line("weight", &[("version", &revision.0)], plan.table.routes.weight(revision));
    }
    page.head("in_flight", "gauge", "Requests at an endpoint that have not ended.");
    for (revision, addresses) in &plan.table.endpoints {
        for address in addresses {
            let labels = [("version", revision.0.as_str()), ("endpoint", &address.to_string())];
            page.line("in_flight", &labels, shared.in_flight(*address));
        }
    }
    page.totals(shared);
    page.text
}

struct Page {
    text: String,
    service: String,
}

impl Page {
    fn totals(&mut self, shared: &Shared) {
        let totals = &shared.totals;
        self.head("connections", "gauge", "Connections of clients.");
        self.line("connections", &[], totals.connections.load(Ordering::Relaxed));
        for (name, help, counter) in [
            ("connections_total", "Connections that were accepted.", &totals.accepted),
            ("without_target_total", "Requests for which no version was there.", &totals.without_target),
            ("refused_total", "Requests that were refused as ambiguous or not well formed.", &totals.refused),
            ("retried_total", "Tries of which nothing was sent.", &totals.retried),
            ("exhausted_total", "Times that no descriptor or port was left.", &totals.exhausted),
            ("timed_out_total", "Requests and connections that took too long.", &totals.timed_out),
            ("mirrors_dropped_total", "Copies that were not sent.", &totals.mirrors_dropped),
        ] {
            self.head(name, "counter", help);
            self.line(name, &[], counter.load(Ordering::Relaxed));
        }
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a text cannot fail.
        let _ = writeln!(self.text, "# HELP taskmaster_proxy_{name} {help}");
        let _ = writeln!(self.text, "# TYPE taskmaster_proxy_{name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let _ = write!(self.text, "taskmaster_proxy_{name}{{service=\"{}\"", self.service);
        for (label, of) in labels {
            let _ = write!(self.text, ",{label}=\"{}\"", escaped(of));
        }
        let _ = writeln!(self.text, "}} {value}");
    }

    fn histogram(&mut self, version: &str, counts: &Counts, bounds_ms: &[f64]) {
        let mut sum = 0;
        let bounds = bounds_ms.iter().map(|bound| (bound / 1_000.0).to_string());
        for (bound, count) in bounds.chain(["+Inf".to_owned()]).zip(&counts.buckets) {
            sum += count;
            self.line("answer_seconds_bucket", &[("version", version), ("le", &bound)], sum);
        }
        self.line("answer_seconds_sum", &[("version", version)], counts.sum_ms / 1_000.0);
        self.line("answer_seconds_count", &[("version", version)], sum);
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
