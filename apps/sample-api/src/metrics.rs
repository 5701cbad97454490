//! What the service tells Prometheus: rate, errors, duration, requests in flight, and who it is.
//!
//! Labels hold path *templates* and status *classes*, never raw paths or codes, so their number
//! is bounded whatever clients ask for. Operational routes (health, metrics) are counted under
//! their own path; errors and requests in flight cover application routes alone, since a probe
//! that says "not ready" is no error of the application.

use std::fmt;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// The content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the duration buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The metrics of one instance.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    errors: Family<RouteLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    in_flight: Gauge,
    ready: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: MethodLabel,
    path: String,
    status: StatusClass,
}

/// Method and path template of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    method: MethodLabel,
    path: String,
}

impl RouteLabels {
    /// Labels of a request; a path that no route knows is `unmatched`.
    #[must_use]
    pub fn new(method: &Method, template: Option<&str>) -> Self {
        let path = template.unwrap_or("unmatched").to_owned();
        Self { method: MethodLabel::from(method), path }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VersionLabels {
    version: String,
    revision: String,
    colour: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(clippy::upper_case_acronyms, reason = "the label's value is the method's own spelling")]
enum MethodLabel {
    GET,
    HEAD,
    POST,
    PUT,
    DELETE,
    OTHER,
}

impl From<&Method> for MethodLabel {
    fn from(method: &Method) -> Self {
        match method.as_str() {
            "GET" => Self::GET,
            "HEAD" => Self::HEAD,
            "POST" => Self::POST,
            "PUT" => Self::PUT,
            "DELETE" => Self::DELETE,
            _ => Self::OTHER,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct StatusClass(u16);

impl EncodeLabelValue for StatusClass {
    fn encode(
        &self,
        encoder: &mut prometheus_client::encoding::LabelValueEncoder<'_>,
    ) -> Result<(), fmt::Error> {
        use std::fmt::Write as _;
        write!(encoder, "{}xx", self.0)
    }
}

/// Who the instance is, for `app_version_info`.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// The version it claims to be.
    pub version: &'a str,
    /// The revision of its rollout, or nothing.
    pub revision: &'a str,
    /// The colour of its environment, or nothing.
    pub colour: &'a str,
}

impl Metrics {
    /// Metrics of an instance that starts now.
    #[must_use]
    pub fn new(identity: Identity<'_>, started_at_seconds: f64) -> Self {
        let metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            errors: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            in_flight: Gauge::default(),
            ready: Gauge::default(),
        };
        metrics.registered(identity, started_at_seconds)
    }

    fn registered(mut self, identity: Identity<'_>, started_at_seconds: f64) -> Self {
        let version = Family::<VersionLabels, Gauge>::default();
        let labels = VersionLabels {
            version: identity.version.to_owned(),
            revision: identity.revision.to_owned(),
            colour: identity.colour.to_owned(),
        };
        version.get_or_create(&labels).set(1);
        let started = Gauge::<f64, std::sync::atomic::AtomicU64>::default();
        started.set(started_at_seconds);

        let registry = &mut self.registry;
        let requests = self.requests.clone();
        registry.register("http_requests", "Requests answered, by status class", requests);
        let errors = self.errors.clone();
        registry.register("http_request_errors", "Application requests answered with 5xx", errors);
        let durations = self.durations.clone();
        registry.register("http_request_duration_seconds", "Time to answer a request", durations);
        let in_flight = self.in_flight.clone();
        registry.register("http_requests_in_flight", "Application requests in flight", in_flight);
        registry.register("app_ready", "1 while ready for traffic", self.ready.clone());
        registry.register("app_version_info", "Always 1; the labels tell the version", version);
        registry.register("process_start_time_seconds", "Start, in Unix time", started);
        self
    }

    /// Records an answered request.
    pub fn answered(&self, route: &RouteLabels, status: StatusCode, duration: Duration) {
        let labels = RequestLabels {
            method: route.method,
            path: route.path.clone(),
            status: StatusClass(status.as_u16() / 100),
        };
        self.requests.get_or_create(&labels).inc();
        self.durations.get_or_create(route).observe(duration.as_secs_f64());
    }

    /// Records a 5xx answer of an application route.
    pub fn failed(&self, route: &RouteLabels) {
        self.errors.get_or_create(route).inc();
    }

    /// Counts a request as in flight until the guard is dropped, which also happens when the
    /// client goes away.
    #[must_use]
    pub fn enter(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// How many application requests are in flight.
    #[must_use]
    pub fn in_flight(&self) -> i64 {
        self.in_flight.get()
    }

    /// The text of a scrape, in the OpenMetrics format.
    ///
    /// # Errors
    ///
    /// When a metric cannot be written as text.
    pub fn render(&self, ready: bool) -> Result<String, fmt::Error> {
        self.ready.set(i64::from(ready));
        let mut text = String::with_capacity(4096);
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// A request in flight.
#[derive(Debug)]
pub struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        Metrics::new(Identity { version: "v2", revision: "", colour: "green" }, 1.5)
    }

    fn route(path: &str) -> RouteLabels {
        RouteLabels::new(&Method::GET, Some(path))
    }

    #[track_caller]
    fn has_line(text: &str, line: &str) {
        assert!(text.lines().any(|l| l == line), "no line `{line}` in:\n{text}");
    }

    #[test]
    fn requests_are_counted_by_method_template_and_class() {
        let metrics = metrics();
        let millisecond = Duration::from_millis(3);
        metrics.answered(&route("/"), StatusCode::OK, millisecond);
        metrics.answered(&route("/"), StatusCode::NO_CONTENT, millisecond);
        metrics.answered(&route("/"), StatusCode::INTERNAL_SERVER_ERROR, millisecond);
        metrics.failed(&route("/"));
        let text = metrics.render(true).expect("text");
        has_line(&text, r#"http_requests_total{method="GET",path="/",status="2xx"} 2"#);
        has_line(&text, r#"http_requests_total{method="GET",path="/",status="5xx"} 1"#);
        has_line(&text, r#"http_request_errors_total{method="GET",path="/"} 1"#);
        has_line(&text, r#"http_request_duration_seconds_count{method="GET",path="/"} 3"#);
        has_line(&text, r#"http_request_duration_seconds_bucket{le="0.0025",method="GET",path="/"} 0"#);
        has_line(&text, r#"http_request_duration_seconds_bucket{le="0.005",method="GET",path="/"} 3"#);
        has_line(&text, "# EOF");
    }

    #[test]
    fn the_version_is_a_gauge_of_one() {
        let text = metrics().render(false).expect("text");
        has_line(&text, r#"app_version_info{version="v2",revision="",colour="green"} 1"#);
        has_line(&text, "app_ready 0");
        has_line(&text, "process_start_time_seconds 1.5");
    }

    #[test]
    fn unknown_methods_and_paths_cannot_make_new_series() {
        let metrics = metrics();
        for index in 0..50 {
            let method = Method::from_bytes(format!("M{index}").as_bytes()).expect("a token");
            let route = RouteLabels::new(&method, None);
            metrics.answered(&route, StatusCode::NOT_FOUND, Duration::ZERO);
        }
        let text = metrics.render(true).expect("text");
        has_line(&text, r#"http_requests_total{method="OTHER",path="unmatched",status="4xx"} 50"#);
        let series = text.lines().filter(|line| line.starts_with("http_requests_total{")).count();
        assert_eq!(series, 1);
    }

    #[test]
    fn a_dropped_guard_leaves_the_gauge() {
        let metrics = metrics();
        let first = metrics.enter();
        let second = metrics.enter();
        assert_eq!(metrics.in_flight(), 2);
        drop(first);
        has_line(&metrics.render(true).expect("text"), "http_requests_in_flight 1");
        drop(second);
        assert_eq!(metrics.in_flight(), 0);
    }
}
