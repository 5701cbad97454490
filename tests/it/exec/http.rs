//! Requests against a tiny server of this test, on the loopback.

use super::world::{World, action, probe, request};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use taskmaster_core::action::{Action, FailureKind, HttpSpec, OutputMatch, Outputs, SecretRef, Value};
use taskmaster_core::journal::{OutputValue, Verdict};
use taskmaster_core::scheduler::RunEnd;

/// Answers each request with what the function gives for its path; keeps the requests.
struct Server {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(answer: impl Fn(&str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read_request(&mut stream) else { continue };
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                log.lock().unwrap().push(request);
                // The client may hang up first.
                let _ = stream.write_all(answer(&path).as_bytes());
            }
        });
        Self { url, seen }
    }

    fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn read_request(stream: &mut std::net::TcpStream) -> Option<String> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length:")
                    .map(|value| value.trim().parse().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len())
}

fn get(url: String) -> HttpSpec {
    HttpSpec { method: "GET".into(), url, ..HttpSpec::default() }
}

fn run(spec: HttpSpec) -> (World, RunEnd) {
    let mut world = World::of(request(spec));
    let end = world.run();
    (world, end)
}

#[test]
fn a_request_carries_headers_and_body_and_its_answer_is_logged() {
    let server = Server::new(|_| answer("201 Created", "", "{\"id\": 7}"));
    let mut spec = get(format!("{}/items?x=1", server.url));
    spec.method = "POST".into();
    spec.body = Some(Value::Plain("{\"name\": \"n\"}".into()));
    spec.headers = BTreeMap::from([("X-Kind".to_owned(), Value::Plain("test".into()))]);
    let mut world = World::new();
    world.task("a", Action { outputs: Some(Outputs::Json), ..action(vec![request(spec)]) });
    assert_eq!(world.run(), RunEnd::Succeeded);
    let seen = server.requests().remove(0);
    assert!(seen.starts_with("POST /items?x=1 HTTP/1.1\r\n"), "{seen}");
    assert!(
        seen.to_lowercase().contains("x-kind: test\r\n") && seen.ends_with("\r\n\r\n{\"name\": \"n\"}"),
        "{seen}"
    );
    assert_eq!(world.log_of(0), format!("> POST {}/items?x=1\n< 201 Created\n{{\"id\": 7}}\n", server.url));
    assert_eq!(world.ledger.only_end().3["id"], OutputValue::Plain(7.into()));
}

#[test]
fn answers_that_are_not_accepted_fail() {
    let server = Server::new(|path| match path {
        "/missing" => answer("404 Not Found", "", "no"),
        "/broken" => answer("503 Service Unavailable", "", "no"),
        "/odd" => answer("418 I'm a teapot", "", "tea"),
        _ => answer("200 OK", "", "{\"status\": \"starting\"}"),
    });
    let failure = |path: &str, change: &dyn Fn(&mut HttpSpec)| {
        let mut spec = get(format!("{}{path}", server.url));
        change(&mut spec);
        let (world, end) = run(spec);
        if end == RunEnd::Succeeded { None } else { Some(world.ledger.failure()) }
    };
    let http = |message: &str| Some((FailureKind::Http, message.to_owned()));
    assert_eq!(failure("/missing", &|_| {}), http("the answer is 404 Not Found"));
    assert_eq!(failure("/broken", &|_| {}), http("the answer is 503 Service Unavailable"));
    assert_eq!(failure("/odd", &|spec| spec.status = vec![(200, 299), (418, 418)]), None);
    assert_eq!(failure("/", &|spec| spec.status = vec![(204, 204)]), http("the answer is 200 OK"));
    let ready = OutputMatch { pointer: Some("/status".into()), equals: Some("ready".into()), contains: None };
    let expected = http("the output at `/status` is not \"ready\"");
    assert_eq!(failure("/", &|spec| spec.expect = vec![ready.clone()]), expected);
    let (kind, message) = failure("/", &|spec| spec.url = "no url".into()).unwrap();
    assert_eq!(kind, FailureKind::Spawn);
    assert!(message.starts_with("the URL is not valid"), "{message}");
}

#[test]
fn a_probe_tells_no_from_nobody_there() {
    let server = Server::new(|path| match path {
        "/missing" => answer("404 Not Found", "", ""),
        "/denied" => answer("401 Unauthorized", "", ""),
        "/broken" => answer("502 Bad Gateway", "", ""),
        _ => answer("200 OK", "", "ok"),
    });
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ask = |url: String| {
        let mut world = World::new();
        world.task("a", Action { check: Some(probe(request(get(url)))), ..action(vec![]) });
        world.run();
        world.ledger.verdicts().remove(0)
    };
    assert_eq!(ask(format!("{}/", server.url)), Verdict::True);
    assert_eq!(ask(format!("{}/missing", server.url)), Verdict::False);
    for path in ["/denied", "/broken"] {
        assert!(matches!(ask(format!("{}{path}", server.url)), Verdict::Error { .. }), "{path}");
    }
    let Verdict::Error { message } = ask(format!("http://{closed}/")) else { panic!() };
    assert!(message.to_lowercase().contains("connection refused"), "{message}");
}

#[test]
fn redirects_are_followed_a_few_times_and_never_with_a_secret_to_another_host() {
    let other = Server::new(|_| answer("200 OK", "", "other"));
    let elsewhere = other.url.clone();
    let server = Server::new(move |path| match path {
        "/once" => answer("302 Found", "Location: /end\r\n", ""),
        "/kept" => answer("307 Temporary Redirect", "Location: /end\r\n", ""),
        "/away" => answer("302 Found", &format!("Location: {elsewhere}/\r\n"), ""),
        "/loop" => answer("302 Found", "Location: /loop\r\n", ""),
        _ => answer("200 OK", "", "end"),
    });
    let url = |path: &str| format!("{}{path}", server.url);
    let post = |path: &str| HttpSpec {
        method: "POST".into(),
        body: Some(Value::Plain("b".into())),
        ..get(url(path))
    };
    assert_eq!(run(post("/once")).1, RunEnd::Succeeded);
    assert!(server.requests()[1].starts_with("GET /end"), "{:?}", server.requests());
    assert_eq!(run(post("/kept")).1, RunEnd::Succeeded);
    assert!(server.requests()[3].starts_with("POST /end") && server.requests()[3].ends_with("\r\n\r\nb"));
    let (world, _) = run(get(url("/loop")));
    assert_eq!(world.ledger.failure(), (FailureKind::Http, "more than 5 redirects".to_owned()));
    assert_eq!(server.requests().len(), 4 + 6);
    assert_eq!(run(HttpSpec { status: vec![(302, 302)], ..get(url("/loop")) }).1, RunEnd::Succeeded);

    assert_eq!(run(get(url("/away"))).1, RunEnd::Succeeded);
    assert_eq!(other.requests().len(), 1);
    let mut world = World::new();
    world.write("token", "hunter22-http");
    let bearer =
        Value::Joined(vec![Value::Plain("Bearer ".into()), Value::Secret(SecretRef::File("token".into()))]);
    let headers = BTreeMap::from([("X-Api-Key".to_owned(), bearer)]);
    world.task("a", action(vec![request(HttpSpec { headers, ..get(url("/away")) })]));
    assert_eq!(world.run(), RunEnd::Failed);
    assert_eq!(other.requests().len(), 1, "the secret went to another host");
    assert!(server.requests().last().unwrap().to_lowercase().contains("x-api-key: bearer hunter22-http\r\n"));
    for (path, bytes) in world.state_files() {
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter22"), "{}", path.display());
    }
}

#[test]
fn a_body_without_end_and_an_answer_that_never_comes_are_bounded() {
    let server = Server::new(|path| match path {
        "/large" => answer("200 OK", "", &"x".repeat(3 << 20)),
        _ => {
            std::thread::sleep(Duration::from_secs(2));
            String::new()
        }
    });
    let mut world = World::of(request(get(format!("{}/large", server.url))));
    world.settings.capture_limit = 1 << 20;
    assert_eq!(world.run(), RunEnd::Failed);
    assert_eq!(world.ledger.failure().1, "the answer is longer than 1048576 bytes");

    let mut world = World::of(request(get(format!("{}/slow", server.url))));
    world.tasks[0].policy.timeout_ms = Some(200);
    let started = Instant::now();
    assert_eq!(world.run(), RunEnd::Failed);
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(world.ledger.failure().0, FailureKind::Timeout);
}

#[test]
fn the_loopback_is_asked_past_any_proxy_and_escapes_in_answers_are_harmless() {
    // The proxy variables are read when a client is made, so this must not disturb other tests:
    // a request to the loopback takes a client that knows no proxy at all.
    let server = Server::new(|_| answer("200 OK", "", "\u{1b}]0;owned\u{7}text"));
    let (world, end) = run(get(format!("{}/", server.url)));
    assert_eq!(end, RunEnd::Succeeded);
    assert!(world.log_of(0).ends_with("< 200 OK\ntext\n"), "{:?}", world.log_of(0));
}

#[test]
fn a_wait_lets_time_pass() {
    let step = taskmaster_core::action::Step {
        name: "wait".into(),
        invocation: taskmaster_core::action::Invocation::Wait { duration_ms: 80 },
    };
    let mut world = World::of(step);
    let started = Instant::now();
    assert_eq!(world.run(), RunEnd::Succeeded);
    assert!(started.elapsed() >= Duration::from_millis(80));
}
