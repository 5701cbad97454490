//! What is sent, and what is told of it.

use super::server::{Act, Server, answer, version};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::{Duration, Instant};
use taskmaster::deliver::load::{Load, LoadReport, Plan, PlanFault, Sessions, VersionFrom};

fn plan(url: &str, rate: f64, millis: u64) -> Plan {
    let duration = Some(Duration::from_millis(millis));
    Plan { duration, ..Plan::new(url.parse().unwrap(), rate) }
}

async fn run(plan: Plan) -> LoadReport {
    let load = Load::start(plan).unwrap();
    load.ended().await;
    assert!(load.is_over());
    load.stop().await
}

#[tokio::test]
async fn requests_go_out_in_turn_and_versions_are_told_apart() {
    let server = Server::new(|head, number| {
        let path = head.split(' ').nth(1).unwrap();
        match (path, number % 10) {
            ("/b?x=1", _) => Act::Say(Duration::ZERO, answer("404 Not Found", "", "")),
            (_, 0) => Act::Say(Duration::ZERO, answer("503 Oh", "X-App-Version: v2\r\n", "")),
            (_, 2) => version("v2"),
            _ => version("v1"),
        }
    });
    let paths = vec!["/a".to_owned(), "/b?x=1".to_owned()];
    let report = run(Plan { paths, ..plan(&server.url, 200.0, 500) }).await;
    assert_eq!((report.sent, report.missed), (100, 0), "{report:?}");
    assert_eq!((report.by_status[&404], report.ok + report.failed), (50, 100), "{report:?}");
    let answers: u64 = report.versions.values().map(|version| version.answers).sum();
    assert_eq!(answers, 50, "{report:?}");
    assert_eq!(report.versions["v2"].failed, report.by_status[&503], "{report:?}");
    assert!(report.elapsed_ms >= 490.0, "{report:?}");
    assert!(report.latency.p50_ms.unwrap() <= report.latency.max_ms.unwrap(), "{report:?}");
    let v1 = report.versions["v1"];
    assert!(v1.first_ms < 200.0 && v1.last_ms > 300.0 && v1.last_ms < 500.0, "{report:?}");
    assert_eq!(report.timeline.iter().map(|row| row.sent).sum::<u64>(), 100);
    assert!(server.connections() < 50, "{}", server.connections());
}

#[tokio::test]
async fn a_service_that_stalls_looks_as_slow_as_its_users_find_it() {
    // One connection and 20 ms for each answer, asked for every 10 ms: what waits adds up.
    let server = Server::new(|_, _| Act::Say(Duration::from_millis(20), answer("200 OK", "", "")));
    let report = run(Plan { connections: 1, ..plan(&server.url, 100.0, 400) }).await;
    assert_eq!(report.sent + report.missed, 40, "{report:?}");
    assert!(report.missed >= 10, "{report:?}");
    assert!(report.latency.p50_ms.unwrap() >= 25.0, "{report:?}");
    assert_eq!((report.failed, server.connections()), (0, 1), "{report:?}");
}

#[tokio::test]
async fn every_way_to_fail_has_a_name() {
    let server = Server::new(|head, _| match head.split(' ').nth(1).unwrap() {
        "/hang" => Act::Hang,
        "/close" => Act::Last(String::new()),
        "/garbage" => Act::Last("SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned()),
        "/half" => Act::Last("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_owned()),
        _ => version("v1"),
    });
    let paths = ["/hang", "/close", "/garbage", "/half", "/"].map(str::to_owned).to_vec();
    let timeout = Duration::from_millis(300);
    let report = run(Plan { paths, timeout, ..plan(&server.url, 100.0, 200) }).await;
    let expected = BTreeMap::from([("timeout", 4), ("closed", 4), ("garbage", 4), ("body", 4)]);
    assert_eq!((report.ok, report.failed, report.errors), (4, 16, expected));
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let report = run(plan(&format!("http://{free}"), 100.0, 50)).await;
    assert_eq!((report.failed, report.errors), (5, BTreeMap::from([("connect", 5)])));
    assert_eq!(report.latency.p50_ms, None);
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_fails_no_request() {
    let server = Server::new(|_, _| Act::Last(answer("200 OK", "", "")));
    let report = run(plan(&server.url, 50.0, 300)).await;
    assert_eq!((report.sent, report.failed, server.connections()), (15, 0, 15), "{report:?}");
}

#[tokio::test]
async fn users_keep_their_cookies_for_a_while() {
    let server = Server::new(|head, _| {
        let is_new = !head.to_ascii_lowercase().contains("\r\ncookie: version=v1\r\n");
        let (name, cookie) =
            if is_new { ("new", "Set-Cookie: version=v1; Path=/\r\n") } else { ("known", "") };
        Act::Say(Duration::ZERO, answer("200 OK", &format!("X-App-Version: {name}\r\n{cookie}"), ""))
    });
    let sessions = Some(Sessions { at_once: 5, requests: 4 });
    let report = run(Plan { sessions, ..plan(&server.url, 100.0, 400) }).await;
    // A slow machine may ask for a user again before the first answer is there.
    let new = report.versions["new"].answers;
    assert!((10..=15).contains(&new), "{report:?}");
    assert_eq!(new + report.versions["known"].answers, 40);
}

#[tokio::test]
async fn versions_are_told_by_a_field_too() {
    let server = Server::new(|_, _| {
        Act::Say(Duration::ZERO, answer("200 OK", "", "{\"app\": \"shop\", \"version\": \"v7\"}"))
    });
    let version = VersionFrom::Field("version".to_owned());
    let report = run(Plan { version, ..plan(&server.url, 100.0, 100) }).await;
    assert_eq!(report.versions["v7"].answers, 10, "{report:?}");
}

#[tokio::test]
async fn load_is_stopped_and_looked_at_meanwhile() {
    let server = Server::new(|_, _| version("v1"));
    let load = Load::start(Plan { duration: None, ..plan(&server.url, 200.0, 0) }).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while load.snapshot().sent < 20 {
        assert!(Instant::now() < end && !load.is_over());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let seen = load.snapshot();
    let begun = Instant::now();
    let report = load.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5) && report.sent >= seen.sent, "{report:?}");
    assert_eq!((report.failed, report.ok), (0, report.sent), "{report:?}");
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let fault = Load::start(plan("http://127.0.0.1:1/", 0.0, 1)).err();
    assert_eq!(fault, Some(PlanFault::Rate));
}
