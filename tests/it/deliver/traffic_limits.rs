//! What is counted is told, and want of descriptors is survived.

use super::traffic_world::{Conn, Service, World, get, ok, revision, settings, table};
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;
use taskmaster::deliver::traffic::{Limits, Settings, serve_metrics};
use taskmaster_testkit::until;

#[test]
fn metrics_are_served_as_text() {
    let v1 = Service::new(|request| match request.path() {
        "/bad" => "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n".into(),
        _ => ok("fine"),
    });
    let at = [("v\"1", v1.address), ("v2", v1.address)];
    let world = World::new(settings(), table("v\"1", Some(("v2", 0)), &at));
    for path in ["/", "/", "/bad"] {
        world.get(path, "");
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let context = runtime.enter();
    let served = serve_metrics(listener, world.proxy).unwrap();
    drop(context);
    let mut conn = Conn::to(address);
    let answer = conn.ask(get("/metrics", ""));
    assert_eq!(answer.field("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = answer.text();
    for line in [
        "taskmaster_proxy_requests_total{service=\"shop\",version=\"v\\\"1\",code=\"200\"} 2",
        "taskmaster_proxy_requests_total{service=\"shop\",version=\"v\\\"1\",code=\"500\"} 1",
        "taskmaster_proxy_failures_total{service=\"shop\",version=\"v\\\"1\"} 1",
        "taskmaster_proxy_weight{service=\"shop\",version=\"v\\\"1\"} 100",
        "taskmaster_proxy_weight{service=\"shop\",version=\"v2\"} 0",
        "taskmaster_proxy_answer_seconds_bucket{service=\"shop\",version=\"v\\\"1\",le=\"+Inf\"} 3",
        "taskmaster_proxy_answer_seconds_count{service=\"shop\",version=\"v\\\"1\"} 3",
        "# TYPE taskmaster_proxy_answer_seconds histogram",
        "taskmaster_proxy_without_target_total{service=\"shop\"} 0",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
    }
    assert!(text.contains(",le=\"0.005\"} "), "{text}");
    assert_eq!(Conn::to(address).ask(get("/", "")).status(), 404);
    assert_eq!(
        Conn::to(address).ask("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").status(),
        405
    );
    served.abort();
}

#[test]
fn several_threads_deal_from_one_block() {
    let (v1, v2) = (Service::named("v1"), Service::named("v2"));
    let limits = Limits { threads: 3, ..Limits::default() };
    let at = [("v1", v1.address), ("v2", v2.address)];
    let world = World::new(Settings { limits, ..settings() }, table("v1", Some(("v2", 25)), &at));
    let address = world.address;
    let clients: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(move || {
                for _ in 0..25 {
                    let mut conn = Conn::to(address);
                    assert_eq!(conn.ask(get("/", "")).status(), 200);
                    assert_eq!(conn.ask(get("/", "")).status(), 200);
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!((v1.count(), v2.count()), (300, 100));
    world.stop(Duration::from_secs(5));
}

#[test]
fn the_last_handle_ends_the_proxy() {
    let v1 = Service::named("v1");
    let World { proxy, address, .. } = World::one(&v1);
    let other = proxy.clone();
    drop(proxy);
    assert_eq!(Conn::to(address).ask(get("/", "")).text(), "v1");
    drop(other);
    until("it ended", 5, || std::net::TcpStream::connect(address).is_err().then_some(()));
}

/// The other half of the next test: a process of its own, for the limit is the whole process's.
#[test]
#[ignore = "run by the test below, in a process of its own"]
fn with_few_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let service: std::net::SocketAddr = std::env::var("TRAFFIC_SERVICE").unwrap().parse().unwrap();
    let world = World::new(settings(), table("v1", None, &[("v1", service)]));
    println!("listening {}", world.address);
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(40), maximum }).unwrap();
    // Ends with its standard input.
    let _ = std::io::stdin().read_line(&mut String::new());
    assert!(world.metric("exhausted_total") > 0.0, "there were enough descriptors");
    assert_eq!(world.proxy.snapshot().versions[&revision("v1")].failures, 0);
    println!("survived");
}

#[test]
fn want_of_descriptors_is_survived() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let v1 = Service::named("v1");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["with_few_descriptors", "--ignored", "--nocapture", "--test-threads=1"])
        .env("TRAFFIC_SERVICE", v1.address.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find_map(|line| line.split_once("listening ").map(|(_, at)| at.to_owned())).unwrap();
    let address: std::net::SocketAddr = line.parse().unwrap();
    // More clients than descriptors: some wait until those that say nothing any more give way.
    let mut idle: Vec<Conn> = (0..60).map(|_| Conn::to(address)).collect();
    for conn in idle.iter_mut().take(15) {
        conn.send(get("/", ""));
    }
    for _ in 0..5 {
        // Whoever comes before they did is sent away at once, and told so.
        until("one more is answered", 10, || {
            let answer = Conn::to(address).ask(get("/", ""));
            let seen = (answer.status(), answer.text());
            assert!(matches!((seen.0, seen.1.as_str()), (200, "v1") | (503, _)), "{seen:?}");
            (seen.0 == 200).then_some(())
        });
    }
    drop(idle);
    until("it is as before", 10, || (Conn::to(address).ask(get("/", "")).status() == 200).then_some(()));
    drop(child.stdin.take());
    assert!(lines.any(|line| line.contains("survived")));
    assert!(child.wait().unwrap().success());
}
