//! The load client: exact counts, exact splits, and no lost request in a switch of versions.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::http::{eventually, get};
use crate::instance::{Instance, Process, json, program, run};

fn load(args: &[&str]) -> (Option<i32>, serde_json::Value) {
    let output = run(&[&["load"], args].concat());
    (output.status.code(), json(&output))
}

fn served(instance: &Instance, class: &str) -> u64 {
    let series = format!("http_requests_total{{method=\"GET\",path=\"/version\",status=\"{class}\"}} ");
    let text = get(instance.address, "/metrics").body;
    text.lines().find_map(|line| line.strip_prefix(&series)).map_or(0, |n| n.parse().expect("n"))
}

#[test]
fn it_counts_what_the_service_counts() {
    let instance = Instance::start(&["--version", "v1", "--error-rate", "0.25", "--seed", "8"]);
    let (code, report) =
        load(&["--url", &instance.url("/version"), "--requests", "200", "--concurrency", "8"]);
    assert_eq!(code, Some(0), "without expectations a failed request is a count: {report}");
    let failed = served(&instance, "5xx");
    assert!(failed > 0);
    assert_eq!(report["sent"], 200);
    assert_eq!(report["failed"], failed);
    assert_eq!(report["by_status"]["500"], failed);
    assert_eq!(report["ok"], served(&instance, "2xx"));
    assert_eq!(report["by_version"]["v1"], 200);
    let numbers = ["p50_ms", "p95_ms", "p99_ms", "max_ms"].map(|key| report[key].as_f64());
    assert!(numbers.is_sorted() && numbers[0] > Some(0.0), "{numbers:?}");
    assert!(report["rps"].as_f64() > Some(0.0));
}

#[test]
fn latencies_are_those_of_the_service() {
    let instance = Instance::start(&["--latency-ms", "40"]);
    let url = instance.url("/version");
    let (_, report) = load(&["--url", &url, "--requests", "10", "--concurrency", "5"]);
    assert!(report["p50_ms"].as_f64() >= Some(40.0), "{report}");
    let (code, report) =
        load(&["--url", &url, "--requests", "4", "--max-p95-ms", "39.9", "--max-error-rate", "0"]);
    assert_eq!(code, Some(1));
    let violations = report["violations"].as_array().expect("a list");
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert!(violations[0].as_str().expect("text").starts_with("p95 "));
}

#[test]
fn a_split_by_weight_is_exact() {
    let stable = Instance::start(&["--version", "v1"]);
    let canary = Instance::start(&["--version", "v2"]);
    let (stable_url, canary_url) = (stable.url("/version"), canary.url("/version"));
    let base = ["--url", &stable_url, "--url", &canary_url, "--weights", "90,10", "--requests", "200"];
    let (code, report) =
        load(&[&base[..], &["--expect-version", "v1=180", "--expect-version", "v2=20"]].concat());
    assert_eq!(code, Some(0), "{report}");
    assert_eq!((served(&stable, "2xx"), served(&canary, "2xx")), (180, 20));
    let (code, report) = load(&[&base[..], &["--expect-version", "v1"]].concat());
    assert_eq!(code, Some(1));
    assert_eq!(report["violations"][0], "version v2 answered too");
}

#[test]
fn a_faulty_version_is_caught_by_its_error_rate() {
    let faulty = Instance::start(&["--error-rate", "0.2", "--seed", "1"]);
    assert_eq!(get(faulty.address, "/health").status, 200, "its health tells nothing");
    let url = faulty.url("/version");
    let (code, report) = load(&["--url", &url, "--requests", "100", "--max-error-rate", "0.05"]);
    assert_eq!(code, Some(1), "{report}");
    assert!(report["violations"][0].as_str().expect("text").starts_with("error rate 0."));
}

#[test]
fn a_switch_under_load_loses_no_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let active = folder.path().join("active");
    let switch = |url: &str| {
        let next = folder.path().join("next");
        std::fs::write(&next, url).expect("written");
        std::fs::rename(&next, &active).expect("renamed");
    };
    let mut old = Process::start(&["--version", "v1", "--drain-ms", "200"]);
    let new = Process::start(&["--version", "v2"]);
    switch(&old.url("/version"));
    let client = program()
        .args(["load", "--requests", "1500", "--rate", "1000", "--concurrency", "4"])
        .args(["--max-error-rate", "0", "--url-file"])
        .arg(&active)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the client starts");
    let answered = |process: &Process| {
        let text = get(process.address, "/metrics").body;
        text.contains(r#"http_requests_total{method="GET",path="/version",status="2xx"}"#)
    };
    eventually("load on the old version", || answered(&old).then_some(()));
    switch(&new.url("/version"));
    old.signal(rustix::process::Signal::TERM);
    assert_eq!(old.wait().code(), Some(0));
    let output = client.wait_with_output().expect("the client ends");
    let report = json(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert_eq!((report["sent"].as_u64(), report["failed"].as_u64()), (Some(1_500), Some(0)));
    assert!(report["by_version"]["v1"].as_u64() > Some(0), "{report}");
    assert!(report["by_version"]["v2"].as_u64() > Some(0), "{report}");
}

/// A server that answers so many requests on each connection, reads `swallowed` more without
/// answering them, and closes the connection without a word.
fn moody_server(answered: usize, swallowed: usize) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address");
    let accepted = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&accepted);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            counter.fetch_add(1, Ordering::SeqCst);
            let mut lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
            for number in 0..answered + swallowed {
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                if number < answered {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                }
            }
        }
    });
    (format!("http://{address}/"), accepted)
}

#[test]
fn connections_are_kept_and_their_silent_end_is_no_failure() {
    let (url, accepted) = moody_server(3, 0);
    let args = ["--requests", "9", "--concurrency", "1", "--max-error-rate", "0", "--url", &url];
    let (code, report) = load(&args);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!((report["ok"].as_u64(), report["by_status"]["200"].as_u64()), (Some(9), Some(9)));
    assert_eq!(accepted.load(Ordering::SeqCst), 3, "three requests each");
}

#[test]
fn a_kept_connection_that_is_reset_is_no_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            // The second request is there and never read: closing resets the connection.
            let _ = stream.peek(&mut [0]);
        }
    });
    let args = ["--requests", "9", "--concurrency", "1", "--max-error-rate", "0", "--url", &url];
    let (code, report) = load(&args);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(report["ok"].as_u64(), Some(9));
}

#[test]
fn a_request_lost_on_a_kept_connection_is_sent_once_more() {
    // Of each connection the first request is answered and the second one lost: requests 2 and 3
    // reach their answer on a connection of their own.
    let (url, accepted) = moody_server(1, 1);
    let (code, report) = load(&["--requests", "3", "--concurrency", "1", "--url", &url]);
    assert_eq!((code, report["ok"].as_u64(), report["retried"].as_u64()), (Some(0), Some(3), Some(2)));
    assert_eq!(accepted.load(Ordering::SeqCst), 3);
}

#[test]
fn a_request_lost_on_a_new_connection_is_a_failure() {
    let (url, accepted) = moody_server(0, 1);
    let (_, report) = load(&["--requests", "3", "--concurrency", "1", "--url", &url]);
    assert_eq!((report["failed"].as_u64(), report["errors"]["http"].as_u64()), (Some(3), Some(3)));
    assert_eq!(report["retried"], 0);
    assert_eq!(accepted.load(Ordering::SeqCst), 3);
}

#[test]
fn other_machines_are_out_of_reach_unless_allowed() {
    // An address of the range reserved for documentation; nothing is sent to it.
    let (code, report) = load(&["--url", "http://192.0.2.1/", "--requests", "3", "--max-error-rate", "0"]);
    assert_eq!(code, Some(1));
    assert_eq!(report["errors"]["not_loopback"], 3);
}

#[test]
fn unanswered_requests_are_counted_by_cause() {
    let gone = Instance::start(&[]);
    let url = gone.url("/");
    gone.stop();
    let (_, report) = load(&["--url", &url, "--requests", "5"]);
    assert_eq!((report["failed"].as_u64(), report["errors"]["connect"].as_u64()), (Some(5), Some(5)));
    assert!(report["p50_ms"].is_null());

    let slow = Instance::start(&["--latency-ms", "60000", "--stop-timeout-ms", "0"]);
    let (_, report) = load(&["--url", &slow.url("/"), "--requests", "2", "--timeout", "50ms"]);
    assert_eq!(report["errors"]["timeout"], 2);

    let (_, report) = load(&["--url-file", "/nonexistent/url", "--requests", "2"]);
    assert_eq!(report["errors"]["no_target"], 2);
}

#[test]
fn a_duration_ends_the_load_and_a_rate_slows_it() {
    let instance = Instance::start(&[]);
    let url = instance.url("/version");
    let (code, report) = load(&["--url", &url, "--duration", "500ms", "--rate", "100"]);
    assert_eq!(code, Some(0));
    let sent = report["sent"].as_u64().expect("a number");
    assert!((1..=50).contains(&sent), "half a second at 100 a second, {sent} sent");
}

#[test]
fn faulty_arguments_are_refused() {
    let rows: [&[&str]; 5] = [
        &[],
        &["--url", "http://localhost/", "--url-file", "x"],
        &["--url", "http://localhost/", "--requests", "0"],
        &["--url", "http://localhost/", "--concurrency", "0"],
        &["--url", "ftp://localhost/"],
    ];
    for args in rows {
        assert_eq!(run(&[&["load"], args].concat()).status.code(), Some(2), "{args:?}");
    }
    let output = run(&["load", "--url", "http://localhost/", "--weights", "1,2"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("error: the weights do not fit: 2 weights for 1 URLs"), "{stderr}");
    assert!(!Path::new("x").exists());
}
