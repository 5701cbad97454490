//! What the service answers.

use std::time::{Duration, Instant};

use sample_api::config::Fraction;
use sample_api::faults::fails;
use sample_api::server::End;

use crate::http::{eventually, get, read, request, send};
use crate::instance::Instance;

fn metric(instance: &Instance, series: &str) -> Option<f64> {
    let text = get(instance.address, "/metrics").body;
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    Some(value.parse().expect("a number"))
}

#[test]
fn every_endpoint_answers_in_its_own_format() {
    let instance = Instance::start(&["--version", "v3", "--colour", "blue"]);
    let rows = [
        ("/", "text/html; charset=utf-8"),
        ("/html", "text/html; charset=utf-8"),
        ("/health", "application/json"),
        ("/health/live", "application/json"),
        ("/version", "application/json"),
        ("/slow?ms=1", "application/json"),
        ("/metrics", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ];
    for (path, content_type) in rows {
        let answer = get(instance.address, path);
        assert_eq!((answer.status, answer.header("content-type")), (200, content_type), "{path}");
        assert_eq!(answer.header("x-app-version"), "v3", "{path}");
        assert_eq!(answer.header("connection"), "close", "the client asked for it");
    }
    for path in ["/", "/html"] {
        let answer = get(instance.address, path);
        assert!(answer.body.contains(">v3</p>"), "{path} shows the version");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
    }
}

#[test]
fn the_version_is_told_with_revision_colour_and_age() {
    let args = ["--version", "v2", "--revision", "7", "--colour", "green"];
    let before = jiff::Timestamp::now();
    let instance = Instance::start(&args);
    let first = get(instance.address, "/version").json();
    assert_eq!(first["name"], "sample-api");
    assert_eq!(first["version"], "v2");
    assert_eq!(first["revision"], "7");
    assert_eq!(first["colour"], "green");
    let started: jiff::Timestamp = first["started_at"].as_str().expect("text").parse().expect("RFC 3339");
    assert!(before <= started && started <= jiff::Timestamp::now());
    let age = |answer: &serde_json::Value| answer["uptime_seconds"].as_f64().expect("a number");
    let second = get(instance.address, "/version").json();
    assert!(age(&first) > 0.0 && age(&second) > age(&first), "uptime grows");

    let plain = get(Instance::start(&[]).address, "/version").json();
    assert_eq!(plain["version"], env!("CARGO_PKG_VERSION"));
    assert!(plain["revision"].is_null() && plain["colour"].is_null());
}

#[test]
fn readiness_is_late_when_told_so_and_nothing_else_is() {
    let late = Instance::start(&["--ready-delay-ms", "3600000"]);
    let answer = get(late.address, "/health/ready");
    assert_eq!((answer.status, answer.json()["status"].as_str()), (503, Some("starting")));
    assert_eq!(get(late.address, "/health/live").status, 200);
    assert_eq!(get(late.address, "/health").json()["ready"], false);
    assert_eq!(get(late.address, "/version").status, 200);
    assert_eq!(metric(&late, "app_ready"), Some(0.0));

    let soon = Instance::start(&["--ready-delay-ms", "150"]);
    let start = Instant::now();
    eventually("ready", || (get(soon.address, "/health/ready").status == 200).then_some(()));
    assert!(start.elapsed() >= Duration::from_millis(100), "not before its delay");
    assert_eq!(get(soon.address, "/health").json()["ready"], true);
    assert_eq!(metric(&soon, "app_ready"), Some(1.0));
}

#[test]
fn slow_waits_as_told_within_its_bounds() {
    let instance = Instance::start(&[]);
    let start = Instant::now();
    let answer = get(instance.address, "/slow?ms=120");
    assert!(start.elapsed() >= Duration::from_millis(120));
    assert_eq!((answer.status, answer.json()["slept_ms"].as_u64()), (200, Some(120)));
    assert_eq!(get(instance.address, "/slow?ms=0").status, 200);
    for query in ["ms=10001", "ms=-1", "ms=soon", "ms=1.5", "ms=18446744073709551616"] {
        let answer = get(instance.address, &format!("/slow?{query}"));
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.json()["error"].as_str().expect("text").starts_with("ms must be"));
    }
}

#[test]
fn unknown_paths_and_methods_are_refused() {
    let instance = Instance::start(&["--error-rate", "1"]);
    assert_eq!(get(instance.address, "/nothing/here").status, 404);
    assert_eq!(request(instance.address, "POST", "/health").expect("an answer").status, 405);
    assert_eq!(request(instance.address, "HEAD", "/health").expect("an answer").status, 200);
}

#[test]
fn equal_seeds_fail_the_same_requests() {
    let statuses = |seed: &str| {
        let instance = Instance::start(&["--error-rate", "0.3", "--seed", seed]);
        (0..60).map(|_| get(instance.address, "/version").status).collect::<Vec<_>>()
    };
    let rate: Fraction = "0.3".parse().expect("a fraction");
    let expected: Vec<u16> = (0..60).map(|n| if fails(11, rate, n) { 500 } else { 200 }).collect();
    assert!(expected.contains(&500) && expected.contains(&200), "the seed shows both");
    assert_eq!(statuses("11"), expected);
    assert_eq!(statuses("11"), expected);
    assert_ne!(statuses("12"), expected);
}

#[test]
fn faults_hit_every_application_route_and_no_other() {
    let instance = Instance::start(&["--error-rate", "1"]);
    for path in ["/", "/version", "/html", "/slow?ms=1"] {
        assert_eq!(get(instance.address, path).status, 500, "{path}");
    }
    for path in ["/health", "/health/live", "/metrics"] {
        assert_eq!(get(instance.address, path).status, 200, "{path}");
    }
    eventually("ready", || (get(instance.address, "/health/ready").status == 200).then_some(()));
    let errors = |path: &str| {
        metric(&instance, &format!("http_request_errors_total{{method=\"GET\",path=\"{path}\"}}"))
    };
    assert_eq!(errors("/version"), Some(1.0));
    assert_eq!(errors("/slow"), Some(1.0), "the template, not the query");
    assert_eq!(errors("/health"), None);
}

#[test]
fn latency_holds_application_requests_and_no_other() {
    // A minute of latency: the application request cannot be answered while the test runs, and
    // a health request that were held would run into the client's own limit of 20 seconds.
    let instance = Instance::start(&["--latency-ms", "60000", "--stop-timeout-ms", "0"]);
    let held = send(instance.address, "GET", "/version").expect("sent");
    let series = "http_requests_in_flight";
    eventually("in flight", || (metric(&instance, series) == Some(1.0)).then_some(()));
    assert_eq!(get(instance.address, "/health/live").status, 200);
    drop(held);
    eventually("gone with its client", || (metric(&instance, series) == Some(0.0)).then_some(()));

    let short = Instance::start(&["--latency-ms", "80"]);
    let start = Instant::now();
    assert_eq!(get(short.address, "/version").status, 200);
    assert!(start.elapsed() >= Duration::from_millis(80));
}

#[test]
fn metrics_count_what_was_sent() {
    let instance = Instance::start(&["--version", "v9", "--error-rate", "0.5", "--seed", "3"]);
    let statuses: Vec<u16> = (0..40).map(|_| get(instance.address, "/version").status).collect();
    let failed = statuses.iter().filter(|status| **status == 500).count();
    assert!(failed > 0 && failed < 40, "both kinds are wanted");
    for _ in 0..3 {
        get(instance.address, "/absent");
    }
    let total = |path: &str, class: &str| {
        let labels = format!("method=\"GET\",path=\"{path}\",status=\"{class}\"");
        metric(&instance, &format!("http_requests_total{{{labels}}}")).unwrap_or(0.0)
    };
    assert_eq!(total("/version", "5xx"), failed as f64);
    assert_eq!(total("/version", "2xx"), (40 - failed) as f64);
    assert_eq!(total("unmatched", "4xx"), 3.0);
    let count = "http_request_duration_seconds_count{method=\"GET\",path=\"/version\"}";
    assert_eq!(metric(&instance, count), Some(40.0));
    let version = "app_version_info{version=\"v9\",revision=\"\",colour=\"\"}";
    assert_eq!(metric(&instance, version), Some(1.0));
}

#[test]
fn a_stop_answers_what_is_in_flight_and_then_ends() {
    let instance = Instance::start(&[]);
    let address = instance.address;
    let slow = send(address, "GET", "/slow?ms=400").expect("sent");
    let series = "http_requests_in_flight";
    eventually("in flight", || (metric(&instance, series) == Some(1.0)).then_some(()));
    assert_eq!(instance.stop(), End::Clean);
    let answer = read(slow).expect("answered before the end");
    assert_eq!((answer.status, answer.json()["slept_ms"].as_u64()), (200, Some(400)));
    assert!(request(address, "GET", "/health").is_err(), "nobody listens any more");
}

#[test]
fn a_request_that_outlasts_the_stop_timeout_is_reported() {
    let instance = Instance::start(&["--stop-timeout-ms", "50"]);
    let _slow = send(instance.address, "GET", "/slow?ms=10000").expect("sent");
    let series = "http_requests_in_flight";
    eventually("in flight", || (metric(&instance, series) == Some(1.0)).then_some(()));
    assert_eq!(instance.stop(), End::CutOff(1));
}
