//! Webhooks, `/metrics`, `/status` and `/healthz` of a sync that loops.

use super::story::{Shop, TASKS};
use std::io::{Read, Write};
use std::net::TcpStream;
use taskmaster_testkit::{Running, until};

const SECRET: &str = "knock knock, who is there";

/// A loop that looks by itself only once an hour.
struct Listening {
    shop: Shop,
    address: String,
    _looping: Running,
}

impl Listening {
    fn new() -> Self {
        let shop = Shop::new();
        shop.here.write("secret", SECRET);
        let port = free_port();
        let address = format!("127.0.0.1:{port}");
        let line = shop.line(&format!("--interval 1h --listen {address} --webhook-secret file:secret"));
        let looping = shop.here.start(&line);
        until("the first sync ends", 20, || shop.status()["next"].as_str().map(str::to_owned));
        Self { shop, address, _looping: looping }
    }

    /// Status and body of a request.
    fn ask(&self, head: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        let request =
            format!("{head}\r\nHost: sync\r\nContent-Length: {length}\r\n\r\n{body}").replace("\n\n", "\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned()))
    }

    fn hook(&self, headers: &str, body: &str) -> u16 {
        self.ask(&format!("POST /webhook HTTP/1.1\r\n{headers}"), body).0
    }

    fn push(&self, word: &str) {
        let tasks = TASKS.replace("echo two", &format!("echo {word}"));
        self.shop.origin.commit(&[("tasks/local.yaml", &tasks)], word);
    }

    fn wait_for(&self, word: &str) {
        until(word, 60, || self.shop.read("two").filter(|text| text.contains(word)));
    }
}

/// A port that nobody has at this moment.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// As a server signs; that the digits are right is proved beside the code, by vectors of others.
fn signature(body: &str) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
    ring::hmac::sign(&key, body.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_kind_of_server_wakes_the_sync_and_nobody_else_does() {
    let listening = Listening::new();
    let body = r#"{"ref":"refs/heads/main","after":"1"}"#;
    let sent = [
        (
            "eins",
            format!("X-GitHub-Event: push\r\nX-Hub-Signature-256: sha256={}", signature(body)),
            body.to_owned(),
        ),
        ("deux", "X-Gitea-Event: push\r\nX-Gitea-Signature: ".to_owned(), body.replace('1', "2")),
        (
            "tres",
            format!("X-Gitlab-Event: Push Hook\r\nIdempotency-Key: a\r\nX-Gitlab-Token: {SECRET}"),
            "{}".to_owned(),
        ),
    ];
    for (word, headers, body) in sent {
        let headers =
            if headers.ends_with(": ") { format!("{headers}{}", signature(&body)) } else { headers };
        listening.push(word);
        assert_eq!(listening.hook(&headers, &body), 202, "{word}");
        listening.wait_for(word);
    }
    let before = listening.shop.status()["syncs"].clone();
    // A wrong signature, none, another branch, a ping, the same again.
    let good =
        |body: &str| format!("X-GitHub-Event: push\r\nX-Hub-Signature-256: sha256={}", signature(body));
    assert_eq!(listening.hook("X-GitHub-Event: push\r\nX-Hub-Signature-256: sha256=00", body), 401);
    assert_eq!(listening.hook("X-GitHub-Event: push", body), 401);
    let other = r#"{"ref":"refs/heads/other"}"#;
    assert_eq!(listening.hook(&good(other), other), 200);
    let ping = r#"{"zen":"x"}"#;
    assert_eq!(listening.hook(&good(ping).replace("push", "ping"), ping), 200);
    assert_eq!(listening.hook(&good(body), body), 200, "a replay");
    assert_eq!(listening.shop.status()["syncs"], before);
    let (_, metrics) = listening.ask("GET /metrics HTTP/1.1", "");
    for (result, count) in [("accepted", 3), ("refused", 2), ("ignored", 2), ("replayed", 1)] {
        let line = format!("taskmaster_webhooks_total{{result=\"{result}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
}

#[test]
fn what_is_served_tells_how_it_stands() {
    let listening = Listening::new();
    let head = listening.shop.origin.head();
    let (status, metrics) = listening.ask("GET /metrics HTTP/1.1", "");
    assert_eq!(status, 200);
    for line in [
        "taskmaster_sync_health{sync=\"origin\",health=\"healthy\"} 1\n".to_owned(),
        "taskmaster_sync_health{sync=\"origin\",health=\"degraded\"} 0\n".to_owned(),
        "taskmaster_syncs_total{sync=\"origin\",result=\"synced\"} 1\n".to_owned(),
        "taskmaster_sync_drifted_tasks{sync=\"origin\"} 0\n".to_owned(),
        format!("commit=\"{head}\"}} 1\n"),
        "# UNIT taskmaster_sync_next_timestamp_seconds seconds\n".to_owned(),
    ] {
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
    assert!(metrics.ends_with("# EOF\n"));
    let (status, json) = listening.ask("GET /status HTTP/1.1", "");
    let view: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((status, &view["syncs"][0]["health"]), (200, &serde_json::json!("healthy")));
    assert_eq!(listening.ask("GET /healthz HTTP/1.1", ""), (200, "ok\n".to_owned()));
    assert_eq!(listening.ask("GET /elsewhere HTTP/1.1", "").0, 404);
    assert_eq!(listening.ask("GET /webhook HTTP/1.1", "").0, 405);
    assert_eq!(listening.ask("POST /metrics HTTP/1.1", "").0, 405);
}

#[test]
fn a_body_that_never_ends_is_not_waited_for_and_one_that_is_too_large_is_refused() {
    let listening = Listening::new();
    let mut slow = TcpStream::connect(&listening.address).unwrap();
    slow.write_all(b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{").unwrap();
    let head = format!("POST /webhook HTTP/1.1\r\nX-Gitlab-Token: {SECRET}");
    let mut large = TcpStream::connect(&listening.address).unwrap();
    large
        .write_all(format!("{head}\r\nHost: x\r\nContent-Length: {}\r\n\r\n{{", 26 << 20).as_bytes())
        .unwrap();
    let mut answer = String::new();
    large.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    // Others are served meanwhile.
    assert_eq!(listening.ask("GET /healthz HTTP/1.1", "").0, 200);
}

#[test]
fn who_only_holds_connections_keeps_nobody_out() {
    let listening = Listening::new();
    let hold = |_| {
        let mut stream = TcpStream::connect(&listening.address).unwrap();
        stream.write_all(b"POST /webhook HTTP/1.1\r\nHost: x\r\n").unwrap();
        stream
    };
    let held: Vec<TcpStream> = (0..40).map(hold).collect();
    let mut stream = TcpStream::connect(&listening.address).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(held);
}

#[test]
fn who_cannot_be_believed_is_not_listened_to() {
    let listening = Listening::new();
    let answer = |headers: &str| {
        let mut stream = TcpStream::connect(&listening.address).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
        // The body that it announces never comes.
        let head = format!("POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(answer(""), "401");
    assert_eq!(answer("X-Gitlab-Token: wrong\r\n"), "401");
    assert_eq!(answer("X-Hub-Signature-256: sha256=zz\r\n"), "401");
    let many = "v1, ".repeat(60_000);
    assert_eq!(answer(&format!("webhook-signature: {many}\r\n")), "431");
}

/// The seeds of the fuzz target: what is to be made of each is the first word of its name.
#[test]
fn every_seed_is_judged_as_its_name_says() {
    let mut count = 0;
    for (name, input) in taskmaster_testkit::fuzz_inputs("webhook") {
        let verdict = super::webhook_checks::check(&input);
        assert!(
            name.starts_with("kept-") || name.starts_with(&format!("{}-", verdict.name())),
            "{name}: {verdict:?}"
        );
        count += 1;
    }
    assert!(count >= 12, "{count}");
}
