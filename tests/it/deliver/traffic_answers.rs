//! Services that mean no good: they refuse, reset, hang, answer garbage or half a body.

use super::traffic_world::{Conn, Service, World, get, nobody, ok, settings, table};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use taskmaster::deliver::traffic::{Limits, Settings};
use taskmaster_testkit::until;

/// One service that does as told, and what the client gets.
fn check(serve: impl Fn(Conn) + Send + Sync + 'static, limits: Limits, status: u16, words: &str) {
    let v1 = Service::raw(move |conn, _| serve(conn));
    let world = World::limited(&v1, limits);
    let mut conn = world.connect();
    let began = Instant::now();
    let answer = conn.ask(get("/", ""));
    assert_eq!((answer.status(), answer.text().as_str()), (status, words));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let counts = world.counts("v1");
    assert_eq!((counts.requests, counts.failures, counts.codes[&status]), (1, 1, 1));
    until("nothing is in flight", 5, || (world.proxy.in_flight(v1.address) == 0).then_some(()));
    // The client's connection is as good as before.
    world.proxy.set(table("v1", None, &[("v1", Service::named("again").address)]));
    assert_eq!(conn.ask(get("/", "")).text(), "again");
}

const BROKEN: &str = "the service closed the connection, or sent no answer that could be read\n";

#[test]
fn services_that_close_or_send_garbage() {
    check(|mut conn| drop(conn.request()), Limits::default(), 502, BROKEN);
    check(
        |mut conn| {
            conn.request();
            conn.reset();
        },
        Limits::default(),
        502,
        BROKEN,
    );
    for garbage in [
        "\0\u{1}\u{2}garbage\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/3 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: half a head",
    ] {
        let serve = move |mut conn: Conn| {
            conn.request();
            conn.send(garbage);
        };
        check(serve, Limits::default(), 502, BROKEN);
    }
    let huge = |mut conn: Conn| {
        conn.request();
        conn.send(format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n", "a".repeat(100_000)));
    };
    check(huge, Limits::default(), 502, BROKEN);
    let endless = |mut conn: Conn| {
        conn.request();
        conn.send("HTTP/1.1 200 OK\r\n");
        while conn.send("X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n") {}
    };
    check(endless, Limits::default(), 502, BROKEN);
    let other = |mut conn: Conn| {
        conn.request();
        conn.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
    };
    check(other, Limits::default(), 502, "the service changed the protocol though nobody asked for it\n");
}

#[test]
fn services_that_hang() {
    let limits = Limits { answer: Duration::from_millis(300), ..Limits::default() };
    let hang = |mut conn: Conn| {
        conn.request();
        assert!(conn.is_closed());
    };
    check(hang, limits.clone(), 504, "the service did not answer in time\n");
    let half = |mut conn: Conn| {
        conn.request();
        conn.send("HTTP/1.1 200 OK\r\nX: half");
        assert!(conn.is_closed());
    };
    check(half, limits, 504, "the service did not answer in time\n");
}

#[test]
fn answers_that_end_early_are_told_to_the_client_and_counted() {
    for (sent, waits) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf", false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", true),
    ] {
        let v1 = Service::raw(move |mut conn, _| {
            conn.request();
            conn.send(sent);
            assert!(!waits || conn.is_closed());
        });
        let world = World::limited(&v1, Limits { silence: Duration::from_millis(300), ..Limits::default() });
        let mut conn = world.connect();
        let answer = conn.ask(get("/", ""));
        assert_eq!(
            (answer.status(), answer.text().as_str(), answer.is_whole),
            (200, "half", false),
            "{sent:?}"
        );
        assert!(conn.is_closed());
        until("it is counted", 5, || (world.counts("v1").failures == 1).then_some(()));
        assert_eq!((world.counts("v1").requests, world.proxy.in_flight(v1.address)), (1, 0));
    }
}

#[test]
fn more_than_was_asked_for_is_given_to_nobody() {
    let v1 = Service::raw(|mut conn, _| {
        conn.request();
        conn.send(ok("mine") + &ok("poison"));
        assert!(conn.request().is_none(), "the connection is not used again");
    });
    let world = World::one(&v1);
    let mut conn = world.connect();
    for _ in 0..5 {
        assert_eq!(conn.ask(get("/", "")).text(), "mine");
    }
}

#[test]
fn what_was_sent_is_never_sent_again() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let bad = Service::raw(move |mut conn, _| {
        conn.request();
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let good = Service::named("good");
    let world = World::new(settings(), table("v1", None, &[("v1", bad.address), ("v1", good.address)]));
    let statuses: Vec<u16> = (0..20).map(|_| world.get("/", "").status()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 502).count(), 10);
    assert_eq!((asked.load(Ordering::SeqCst), good.count()), (10, 10));
    assert_eq!(world.metric("retried_total") as u64, 0);
}

#[test]
fn a_service_that_accepts_and_breaks_off_is_passed_over() {
    // It accepts and resets: nothing was sent, or a request is lost. The other one is whole in any case.
    let bad = Service::raw(|conn, _| conn.reset());
    let good = Service::named("good");
    let world = World::new(settings(), table("v1", None, &[("v1", bad.address), ("v1", good.address)]));
    for _ in 0..20 {
        assert!(matches!(world.get("/", "").status(), 200 | 502));
    }
    assert!(good.count() >= 10);
    assert_eq!(world.counts("v1").requests, 20);
}

#[test]
fn no_service_listens() {
    let world = World::new(settings(), table("v1", None, &[("v1", nobody())]));
    let answer = world.get("/", "");
    assert_eq!((answer.status(), answer.text().as_str()), (502, "the service accepts no connection\n"));
    assert_eq!((world.counts("v1").requests, world.counts("v1").failures), (1, 1));
}

#[test]
fn a_service_that_does_not_accept() {
    // Its queue is full, and nobody takes from it.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(&listener, 1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        waiting.push(stream);
        assert!(waiting.len() < 100);
    }
    let limits = Limits { connect: Duration::from_millis(300), ..Limits::default() };
    let world = World::new(Settings { limits, ..settings() }, table("v1", None, &[("v1", address)]));
    let answer = world.get("/", "");
    assert_eq!(
        (answer.status(), answer.text().as_str()),
        (504, "the service did not accept a connection in time\n")
    );
}

#[test]
fn no_service_is_asked_by_a_connection_that_it_gives_up_soon() {
    let v1 = Service::new(|_| "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=1\r\n\r\n".into());
    let world = World::one(&v1);
    for _ in 0..3 {
        world.get("/", "");
    }
    assert_eq!(v1.connections.load(Ordering::SeqCst), 3);
}
