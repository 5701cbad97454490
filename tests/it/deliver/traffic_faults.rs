//! Clients that mean no good: ambiguous requests, huge ones, slow ones, and those that go away.

use super::traffic_world::{Service, World, get, ok};
use std::time::{Duration, Instant};
use taskmaster::deliver::traffic::Limits;
use taskmaster_testkit::until;

/// Each is followed by a request that must never reach the service.
#[test]
fn requests_that_can_be_read_two_ways_are_refused() {
    let v1 = Service::named("v1");
    let world = World::one(&v1);
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: shop\r\n\r\n";
    for (number, head) in [
        "Host: shop\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Host: shop\r\nTransfer-Encoding: chunked\r\nContent-Length: 40\r\n\r\n0\r\n\r\n",
        "Host: shop\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "Host: shop\r\nTransfer-Encoding: identity\r\n\r\n",
        "Host: shop\r\nTransfer-Encoding: xchunked\r\n\r\n",
        "Host: shop\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        "Host: shop\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "Host: shop\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Host: shop\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        "Host: shop\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\n",
        "Host: shop\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "Host: shop\r\nContent-Length: 0, 40\r\n\r\n",
        "Host: shop\r\nContent-Length: +3\r\n\r\nabc",
        "Host: shop\r\nContent-Length: -1\r\n\r\n",
        "Host: shop\r\nContent-Length: 0x3\r\n\r\nabc",
        "Host: shop\r\nContent-Length : 3\r\n\r\nabc",
        "Host: shop\r\nContent-Length: 18446744073709551616\r\n\r\n",
        "Host: shop\r\n Content-Length: 3\r\n\r\nabc",
        "Host: shop\r\nX: a\r\n folded\r\n\r\n",
        "Host: shop\r\nX: a\rb\r\n\r\n",
        "Host: shop\r\nX: a\0b\r\n\r\n",
        "Host: shop\r\nHost: other\r\n\r\n",
        "X: no host\r\n\r\n",
    ]
    .into_iter()
    .enumerate()
    {
        let mut conn = world.connect();
        assert!(conn.send(format!("POST /{number} HTTP/1.1\r\n{head}{smuggled}")));
        let answer = conn.answer().unwrap_or_else(|| panic!("{head:?} has no answer"));
        assert_eq!(answer.status(), 400, "{head:?}: {}", answer.text());
        assert!(conn.is_closed(), "{head:?}");
    }
    assert_eq!(v1.count(), 0, "{:?}", v1.seen());
}

#[test]
fn what_came_before_an_ambiguous_request_is_answered() {
    let v1 = Service::named("v1");
    let world = World::one(&v1);
    let mut conn = world.connect();
    let bad = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc";
    assert!(conn.send(get("/first", "") + bad + &get("/after", "")));
    assert_eq!(conn.answer().unwrap().text(), "v1");
    let answer = conn.answer().unwrap();
    assert_eq!(
        (answer.status(), answer.text().as_str()),
        (400, "the request is refused: it has two lengths\n")
    );
    assert!(conn.is_closed());
    assert_eq!(v1.count(), 1);
    assert_eq!(world.metric("refused_total") as u64, 1);
    // No version is to blame.
    assert_eq!((world.counts("v1").requests, world.counts("v1").failures), (1, 0));
}

#[test]
fn chunks_that_others_read_otherwise_reach_no_service_whole() {
    let v1 = Service::new(|request| ok(request.path()));
    let world = World::one(&v1);
    for body in [
        "3\nabc\r\n0\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        "3\r\nabcX\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "-1\r\n\r\n",
        "0\r\n\n",
        "0\r\nX: a\n\r\n",
    ] {
        let mut conn = world.connect();
        assert!(
            conn.send(format!("POST /bad HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}"))
        );
        // The answer is 400, unless the connection was broken off first.
        if let Some(answer) = conn.answer() {
            assert_eq!(answer.status(), 400, "{body:?}");
        }
        assert!(conn.is_closed(), "{body:?}");
    }
    assert_eq!(v1.count(), 0);
    assert_eq!(world.counts("v1").failures, 0);
}

#[test]
fn huge_heads_are_refused() {
    let v1 = Service::named("v1");
    let world = World::limited(&v1, Limits { head_bytes: 16 * 1024, ..Limits::default() });
    let many: String = (0..200).map(|number| format!("X-{number}: 1\r\n")).collect();
    for (request, status) in [
        (get("/", &format!("X: {}\r\n", "a".repeat(100_000))), 431),
        (get("/", &many), 431),
        (get(&format!("/{}", "a".repeat(70_000)), ""), 431),
    ] {
        let mut conn = world.connect();
        conn.send(&request);
        assert_eq!(conn.answer().map(|answer| answer.status()), Some(status), "{}", request.len());
        assert!(conn.is_closed());
    }
    assert_eq!(world.get("/", &format!("X: {}\r\n", "a".repeat(12_000))).status(), 200);
    assert_eq!(v1.count(), 1);
}

#[test]
fn what_is_no_http_is_refused() {
    let v1 = Service::named("v1");
    let world = World::one(&v1);
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET /\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        b"\0\0\0\0\n\n",
    ] {
        let mut conn = world.connect();
        assert!(conn.send(bytes));
        // Told why or not, the connection is over.
        let _ = conn.answer();
        assert!(conn.is_closed(), "{bytes:?}");
    }
    for method in ["TRACE", "CONNECT"] {
        assert_eq!(world.connect().ask(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n")).status(), 405);
    }
    assert_eq!(v1.count(), 0);
}

fn impatient() -> Limits {
    let short = Duration::from_millis(300);
    Limits { head_time: short, idle: short, stall: short, ..Limits::default() }
}

#[test]
fn heads_that_drip_and_connections_without_requests_are_closed() {
    let v1 = Service::named("v1");
    let world = World::limited(&v1, impatient());
    let (mut silent, mut slow, mut idle) = (world.connect(), world.connect(), world.connect());
    assert!(idle.send(get("/", "")));
    assert_eq!(idle.answer().unwrap().text(), "v1");
    let began = Instant::now();
    // A byte now and then does not help.
    let mut is_open = slow.send("GET / HTTP/1.1\r\nHost: a\r\n");
    while is_open && began.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(20));
        is_open = slow.send("X: y\r\n");
    }
    assert!(!is_open);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(silent.is_closed() && idle.is_closed());
    assert_eq!(v1.count(), 1);
    until("all are counted", 5, || (world.metric("timed_out_total") == 3.0).then_some(()));
    until("no connection is left", 5, || (world.metric("connections") == 0.0).then_some(()));
}

/// A part of a head that comes with the request before has no more time than any other head.
#[test]
fn heads_that_began_early_are_given_up_as_soon() {
    let v1 = Service::named("v1");
    let world = World::limited(&v1, Limits { head_time: Duration::from_millis(300), ..Limits::default() });
    let mut conn = world.connect();
    assert!(conn.send(get("/", "") + "GET / HTTP"));
    assert_eq!(conn.answer().unwrap().text(), "v1");
    let began = Instant::now();
    assert!(conn.is_closed());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn idle_connections_of_http2_are_told_to_go() {
    let v1 = Service::named("v1");
    let world = World::limited(&v1, impatient());
    let mut conn = world.connect();
    assert!(conn.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"));
    let mut kinds = Vec::new();
    while let Some(head) = conn.exactly(9) {
        let length = head[..3].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        assert!(conn.exactly(length).is_some());
        kinds.push(head[3]);
    }
    // Frames of the kind 7 are GOAWAY.
    assert!(kinds.contains(&7), "{kinds:?}");
    until("it is counted", 5, || (world.metric("timed_out_total") == 1.0).then_some(()));
    until("no connection is left", 5, || (world.metric("connections") == 0.0).then_some(()));
}

#[test]
fn bodies_that_stop_are_given_up() {
    let v1 = Service::raw(|mut conn, _| assert!(conn.request().is_none()));
    let world = World::limited(&v1, impatient());
    let mut conn = world.connect();
    assert!(conn.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"));
    let answer = conn.answer().unwrap();
    assert_eq!(
        (answer.status(), answer.text().as_str()),
        (408, "the rest of the request did not come in time\n")
    );
    assert!(conn.is_closed());
    // The client is to blame, and no version.
    let counts = world.counts("v1");
    assert_eq!((counts.requests, counts.failures, counts.codes[&408]), (1, 0, 1));
    until("the service has nothing of it", 5, || (world.proxy.in_flight(v1.address) == 0).then_some(()));
}

/// A client whose upload is cut, garbled or stalled while it has a part of its answer already.
#[test]
fn uploads_that_end_under_an_answer_are_no_failure_of_the_version() {
    let v1 = Service::raw(|mut conn, _| {
        conn.head();
        conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
        while conn.chunk().is_some() {}
    });
    let limits = Limits { silence: Duration::from_millis(500), ..Limits::default() };
    for rest in ["end", "zz\r\n", ""] {
        let world = World::limited(&v1, limits.clone());
        let mut conn = world.connect();
        assert!(conn.send(get("/", "Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n"));
        assert_eq!(conn.head().unwrap().status(), 200);
        assert_eq!(conn.chunk().unwrap(), b"half");
        match rest {
            "end" => conn.reader.get_ref().shutdown(std::net::Shutdown::Write).unwrap(),
            rest => assert!(conn.send(rest)),
        }
        assert_eq!(conn.chunk(), None, "{rest:?}");
        until("it is over", 5, || (world.proxy.in_flight(v1.address) == 0).then_some(()));
        assert_eq!((world.counts("v1").requests, world.counts("v1").failures), (1, 0), "{rest:?}");
    }
}

#[test]
fn a_service_that_hangs_up_under_an_upload_has_failed() {
    let v1 = Service::raw(|mut conn, _| {
        conn.head();
        conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
        conn.chunk();
    });
    let world = World::one(&v1);
    let mut conn = world.connect();
    assert!(conn.send(get("/", "Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n"));
    assert_eq!(conn.head().unwrap().status(), 200);
    until("it is counted", 5, || (world.counts("v1").failures == 1).then_some(()));
}

#[test]
fn clients_that_do_not_take_their_answers_are_cut() {
    let v1 = Service::new(|_| ok(&"x".repeat(30_000_000)));
    let world = World::limited(&v1, impatient());
    let mut conn = world.connect();
    assert!(conn.send(get("/", "")));
    until("it is cut", 10, || (world.metric("timed_out_total") == 1.0).then_some(()));
    until("nothing is in flight", 5, || (world.proxy.in_flight(v1.address) == 0).then_some(()));
    let answer = conn.answer().unwrap();
    assert!(!answer.is_whole);
    assert_eq!(world.counts("v1").failures, 0);
}

#[test]
fn clients_that_go_away_take_their_requests_along() {
    let v1 = Service::raw(|mut conn, _| {
        conn.request();
        assert!(conn.is_closed());
    });
    let world = World::one(&v1);
    let mut conn = world.connect();
    assert!(conn.send(get("/", "")));
    until("it is under way", 5, || (world.proxy.in_flight(v1.address) == 1).then_some(()));
    conn.close();
    until("it is over", 5, || (world.proxy.in_flight(v1.address) == 0).then_some(()));
    let counts = world.counts("v1");
    assert_eq!((counts.requests, counts.failures, counts.codes[&499]), (1, 0, 1));
    assert_eq!(counts.buckets.iter().sum::<u64>(), 1);
}

#[test]
fn more_clients_than_allowed_wait_their_turn() {
    let v1 = Service::named("v1");
    let limits = Limits { connections: 4, idle: Duration::from_secs(30), ..Limits::default() };
    let world = World::limited(&v1, limits);
    let mut holders: Vec<_> = (0..4).map(|_| world.connect()).collect();
    for holder in &mut holders {
        assert_eq!(holder.ask(get("/", "")).text(), "v1");
    }
    // Those without a request give way in a second or so, though they might idle for half a minute.
    let began = Instant::now();
    assert_eq!(world.get("/", "").text(), "v1");
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(world.metric("connections") <= 4.0);
}
