//! What passes through: heads, bodies, streams, upgrades, and both versions of HTTP.

use super::traffic_world::{Conn, Service, World, get, ok, sticky, table};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame};
use hyper::client::conn::http2;
use hyper::{Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Poll};
use taskmaster_testkit::until;

#[test]
fn a_request_arrives_as_it_was_but_for_its_hop() {
    let v1 = Service::new(|_| {
        "HTTP/1.1 201 Made up\r\nContent-Length: 2\r\nX-A: 1\r\nX-A: 2\r\nConnection: x-b\r\nX-B: 1\r\nKeep-Alive: timeout=9\r\n\r\nhi".into()
    });
    let world = World::one(&v1);
    let answer = world.connect().ask(
        "POST /a/../b?c=%20d&e HTTP/1.1\r\nHost: shop:1\r\nConnection: keep-alive, x-hop\r\nX-Hop: 1\r\n\
         X-Twice: a\r\nX-Twice: b\r\nX-Forwarded-For: 9.9.9.9\r\nUpgrade: h2c\r\nTE: trailers\r\nContent-Length: 3\r\n\r\nabc",
    );
    let request = v1.seen().remove(0);
    assert_eq!(request.start, "POST /a/../b?c=%20d&e HTTP/1.1");
    let mut fields = request.fields.clone();
    fields.sort();
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    assert_eq!(
        fields,
        [
            "content-length: 3",
            "host: shop:1",
            "x-forwarded-for: 9.9.9.9, 127.0.0.1",
            "x-forwarded-host: shop:1",
            "x-forwarded-proto: http",
            "x-twice: a",
            "x-twice: b",
        ]
    );
    assert_eq!(request.text(), "abc");
    assert_eq!(answer.start, "HTTP/1.1 201 Made up");
    let twice: Vec<_> =
        answer.fields.iter().filter(|(name, _)| name == "x-a").map(|(_, v)| v.as_str()).collect();
    assert_eq!((twice, answer.field("x-b"), answer.field("keep-alive")), (vec!["1", "2"], None, None));
    assert_eq!(answer.text(), "hi");
}

#[test]
fn connections_are_used_again_on_both_sides() {
    let v1 = Service::named("v1");
    let world = World::one(&v1);
    let mut conn = world.connect();
    for _ in 0..50 {
        assert_eq!(conn.ask(get("/", "")).text(), "v1");
    }
    for _ in 0..10 {
        world.get("/", "");
    }
    assert_eq!(v1.connections.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert_eq!(world.metric("connections_total") as u64, 11);
}

#[test]
fn a_service_that_closes_between_two_requests_is_connected_to_again() {
    // It says nothing of it, and closes after every answer.
    let (to_test, closed) = mpsc::channel();
    let v1 = Service::raw(move |mut conn, number| {
        conn.request();
        conn.send(ok(&number.to_string()));
        conn.close();
        to_test.send(()).unwrap();
    });
    let world = World::one(&v1);
    let mut conn = world.connect();
    for number in 0..20 {
        let post = "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\r\nbody";
        assert_eq!(conn.ask(post).text(), number.to_string());
        closed.recv_timeout(super::traffic_world::LONGEST).unwrap();
    }
    assert_eq!(world.counts("v1").failures, 0);
}

#[test]
fn answers_of_every_form() {
    let v1 = Service::new(|request| match request.path() {
        "/chunked" => {
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".into()
        }
        "/empty" => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into(),
        "/none" => "HTTP/1.1 204 No Content\r\n\r\n".into(),
        "/known" => "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n".into(),
        "/head" => "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n".into(),
        "/early" => {
            "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx".into()
        }
        "/both" => {
            "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
                .into()
        }
        _ => ok("plain"),
    });
    let world = World::one(&v1);
    let mut conn = world.connect();
    for (path, status, body) in [
        ("/chunked", 200, "abcde"),
        ("/empty", 200, ""),
        ("/none", 204, ""),
        ("/known", 304, ""),
        ("/early", 200, "x"),
        ("/both", 200, "x"),
        ("/", 200, "plain"),
    ] {
        let answer = conn.ask(get(path, ""));
        assert_eq!(
            (answer.status(), answer.text().as_str(), answer.is_whole),
            (status, body, true),
            "{path}"
        );
    }
    assert!(conn.send("HEAD /head HTTP/1.1\r\nHost: shop\r\n\r\n"));
    let head = conn.head().unwrap();
    assert_eq!((head.status(), head.field("content-length")), (200, Some("1234")));
    assert_eq!(conn.ask(get("/", "")).text(), "plain");
    assert_eq!(v1.connections.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[test]
fn an_answer_without_a_length_ends_with_its_connection() {
    let v1 = Service::raw(|mut conn, _| {
        conn.request();
        conn.send("HTTP/1.1 200 OK\r\n\r\nuntil the end");
    });
    let world = World::one(&v1);
    let mut conn = world.connect();
    let answer = conn.ask(get("/", ""));
    assert_eq!((answer.text().as_str(), answer.is_whole), ("until the end", true));
    assert_eq!(conn.ask(get("/", "")).text(), "until the end");
}

#[test]
fn older_clients_and_whole_addresses() {
    let v1 = Service::named("v1");
    let world = World::one(&v1);
    let mut old = world.connect();
    let answer = old.ask("GET /old HTTP/1.0\r\n\r\n");
    assert_eq!((answer.start.as_str(), answer.text().as_str()), ("HTTP/1.0 200 OK", "v1"));
    assert!(old.is_closed());
    for (target, host) in [("http://other:9/whole?a", "other:9"), ("http://shop?x=1", "shop")] {
        assert_eq!(
            world.connect().ask(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")).status(),
            200
        );
    }
    let seen = v1.seen();
    assert_eq!(seen[2].start, "GET /?x=1 HTTP/1.1");
    assert_eq!(
        (seen[0].start.as_str(), seen[1].start.as_str()),
        ("GET /old HTTP/1.1", "GET /whole?a HTTP/1.1")
    );
    assert_eq!((seen[0].field("host"), seen[1].field("host")), (Some(""), Some("other:9")));
}

#[test]
fn requests_one_behind_the_other_are_answered_in_order() {
    let v1 = Service::new(|request| ok(request.path()));
    let world = World::one(&v1);
    let mut conn = world.connect();
    let many: String = (0..600)
        .map(|number| match number % 3 {
            0 => get(&format!("/{number}"), ""),
            1 => format!("POST /{number} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
            _ => format!("POST /{number} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        })
        .collect();
    assert!(conn.send(many));
    for number in 0..600 {
        assert_eq!(conn.answer().unwrap().text(), format!("/{number}"));
    }
}

#[test]
fn bodies_stream_both_ways() {
    let (to_test, from_service) = mpsc::channel();
    let (to_service, from_test) = mpsc::channel::<&str>();
    let from_test = std::sync::Mutex::new(from_test);
    let v1 = Service::raw(move |mut conn, _| {
        let head = conn.head().unwrap();
        to_test.send(head.field("transfer-encoding").unwrap_or("none").as_bytes().to_vec()).unwrap();
        while let Some(chunk) = conn.chunk() {
            let is_last = chunk.is_empty();
            to_test.send(chunk).unwrap();
            if is_last {
                break;
            }
        }
        conn.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        for word in from_test.lock().unwrap().iter() {
            conn.send(format!("{:x}\r\n{word}\r\n", word.len()));
        }
        conn.send("0\r\n\r\n");
    });
    let world = World::one(&v1);
    let mut conn = world.connect();
    let next =
        || String::from_utf8(from_service.recv_timeout(super::traffic_world::LONGEST).unwrap()).unwrap();
    // The service has each part before the client sends the next one.
    assert!(conn.send("POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n"));
    assert_eq!(next(), "chunked");
    for word in ["one", "second", "3rd"] {
        assert!(conn.send(format!("{:x}\r\n{word}\r\n", word.len())));
        assert_eq!(next(), word);
    }
    assert!(conn.send("0\r\n\r\n"));
    assert_eq!(next(), "");
    // And the client each event before the service sends the next one.
    assert_eq!(conn.head().unwrap().status(), 200);
    for word in ["event one", "event two"] {
        to_service.send(word).unwrap();
        assert_eq!(conn.chunk().unwrap(), word.as_bytes());
    }
    drop(to_service);
    assert_eq!(conn.chunk().unwrap(), b"");
}

#[test]
fn an_answer_may_come_before_the_request_is_whole() {
    let v1 = Service::raw(|mut conn, _| {
        conn.head().unwrap();
        conn.send("HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmuch");
    });
    let world = World::one(&v1);
    let mut conn = world.connect();
    let part = "x".repeat(200_000);
    assert!(conn.send(format!("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 1000000\r\n\r\n{part}")));
    let answer = conn.answer().unwrap();
    assert_eq!((answer.status(), answer.text().as_str()), (413, "much"));
    // The rest of it may come: nothing is reset under the client's hands before it has read its answer.
    assert!(conn.is_closed());
    for _ in 0..3 {
        assert!(conn.send(&part));
    }
}

#[test]
fn large_bodies_pass_whole() {
    let v1 = Service::new(|request| ok(&"x".repeat(request.body.len())));
    let world = World::one(&v1);
    let body = "y".repeat(5_000_000);
    let address = world.address;
    let mut conn = Conn::to(address);
    let answer =
        conn.ask(format!("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    assert_eq!((answer.body.len(), answer.is_whole), (body.len(), true));
    assert_eq!(v1.seen()[0].body.len(), body.len());
    assert_eq!(conn.ask(get("/", "")).status(), 200);
}

#[test]
fn a_client_that_asks_before_it_sends_is_told_to_go_on() {
    let v1 = Service::new(|request| ok(&request.text()));
    let world = World::one(&v1);
    let mut conn = world.connect();
    assert!(conn.send("PUT / HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
    assert_eq!(conn.head().unwrap().status(), 100);
    assert_eq!(conn.ask("abc").text(), "abc");
    assert_eq!(v1.seen()[0].field("expect"), None);
}

#[test]
fn an_upgraded_connection_is_a_tunnel() {
    let v1 = Service::raw(|mut conn, _| {
        let request = conn.head().unwrap();
        if request.field("upgrade") != Some("websocket") || request.field("connection") != Some("upgrade") {
            conn.send(ok("no upgrade"));
            return;
        }
        conn.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: k\r\n\r\nhello");
        while let Some(bytes) = conn.exactly(4) {
            conn.send(bytes.to_ascii_uppercase());
        }
    });
    let world = World::one(&v1);
    let mut conn = world.connect();
    // Bytes of the new protocol that come early are passed on as well.
    assert!(conn.send(
        get("/", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n")
            + "ping"
    ));
    let consent = conn.head().unwrap();
    assert_eq!((consent.status(), consent.field("upgrade")), (101, Some("websocket")));
    assert_eq!(consent.field("sec-websocket-accept"), Some("k"));
    assert_eq!(conn.exactly(9).unwrap(), b"helloPING");
    // What would be an ambiguous request is none here.
    let text = "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 22\r\n\r\n!!";
    assert!(conn.send(text));
    let count = text.len() / 4 * 4;
    assert_eq!(conn.exactly(count).unwrap(), text.to_ascii_uppercase().as_bytes()[..count].to_vec());
    assert_eq!((world.proxy.in_flight(v1.address), world.counts("v1").codes[&101]), (1, 1));
    conn.close();
    until("the tunnel is over", 5, || (world.proxy.in_flight(v1.address) == 0).then_some(()));
    until("and its connection", 5, || (world.metric("connections") == 0.0).then_some(()));
    // A service may decline.
    let answer = world.get("/", "");
    assert_eq!(answer.text(), "no upgrade");
}

#[test]
fn http2_on_the_same_port() {
    let v1 = Service::new(|request| match request.path() {
        "/large" => ok(&"z".repeat(300_000)),
        path => ok(&format!("{path} {} {}", request.field("host").unwrap_or_default(), request.text())),
    });
    let world = World::one(&v1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
        let builder = http2::Builder::new(TokioExecutor::new());
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let asks: Vec<_> = (0..30)
            .map(|number| {
                let mut sender = sender.clone();
                tokio::spawn(async move {
                    let request = Request::post(format!("http://shop/{number}"))
                        .body(Full::new(Bytes::from(format!("body {number}"))))
                        .unwrap();
                    let answer = sender.send_request(request).await.unwrap();
                    assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2));
                    let text = answer.into_body().collect().await.unwrap().to_bytes();
                    assert_eq!(text, format!("/{number} shop body {number}"));
                })
            })
            .collect();
        for ask in asks {
            ask.await.unwrap();
        }
        let mut sender = sender;
        let request = Request::get("http://shop/large").body(Full::new(Bytes::new())).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes().len(), 300_000);
        let other = Request::connect("shop:80").body(Full::new(Bytes::new())).unwrap();
        assert_eq!(sender.send_request(other).await.unwrap().status(), 405);
        drop(sender);
        let _ = connection.await;
    });
    assert_eq!((world.counts("v1").requests, world.counts("v1").failures), (31, 0));
    assert!(v1.seen().iter().all(|request| request.start.ends_with(" HTTP/1.1")));
    until("its connection is over", 5, || (world.metric("connections") == 0.0).then_some(()));
}

#[test]
fn many_clients_at_once() {
    let v1 = Service::new(|request| ok(&request.text()));
    let world = Arc::new(World::one(&v1));
    let clients: Vec<_> = (0..16)
        .map(|client| {
            let address = world.address;
            std::thread::spawn(move || {
                let mut conn = Conn::to(address);
                for number in 0..50 {
                    let body = format!("{client}-{number}").repeat(number + 1);
                    let length = body.len();
                    let answer = conn
                        .ask(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}"));
                    assert_eq!(answer.text(), body);
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!((world.counts("v1").requests, world.counts("v1").failures), (800, 0));
}

/// Parts of a body whose length nobody told.
struct Parts(VecDeque<&'static str>);

impl Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|part| Ok(Frame::data(Bytes::from(part)))))
    }
}

#[test]
fn http2_is_read_one_way_only() {
    let v1 = Service::new(|request| {
        let coding = request.field("transfer-encoding").unwrap_or("none");
        ok(&format!("{coding} {} {}", request.field("cookie").unwrap_or("none"), request.text()))
    });
    let world = World::one(&v1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
        let builder = http2::Builder::new(TokioExecutor::new());
        let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        // A body of unknown length, and a cookie a line.
        let request = Request::post("http://shop/").header("cookie", "a=1").header("cookie", "b=2");
        let answer = sender.send_request(request.body(Parts(["a", "b"].into())).unwrap()).await.unwrap();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "chunked a=1; b=2 ab");
        let two = Request::post("http://shop/").header("content-length", "2").header("content-length", "3");
        let answer = sender.send_request(two.body(Parts(["ab"].into())).unwrap()).await;
        let status = answer.map(|answer| answer.status().as_u16());
        assert!(matches!(status, Ok(400) | Err(_)), "{status:?}");
    });
    assert_eq!(v1.count(), 1);
}

#[test]
fn http2_names_one_host_and_not_too_many_fields() {
    let v1 = Service::named("v1");
    let world = World::one(&v1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let statuses = runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
        let builder = http2::Builder::new(TokioExecutor::new());
        let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let many =
            (0..101).fold(Request::get("http://shop/"), |request, at| request.header(format!("x-{at}"), "1"));
        let mut statuses = Vec::new();
        for request in [
            Request::get("http://shop?x=1"),
            Request::get("http://shop/").header("host", "SHOP"),
            Request::get("http://shop/").header("host", "other"),
            many,
        ] {
            let request = request.body(Full::new(Bytes::new())).unwrap();
            statuses.push(sender.send_request(request).await.unwrap().status().as_u16());
        }
        statuses
    });
    assert_eq!(statuses, [200, 200, 400, 431]);
    assert_eq!(v1.seen()[0].start, "GET /?x=1 HTTP/1.1");
    assert_eq!((v1.count(), world.metric("refused_total") as u64), (2, 2));
}

#[test]
fn a_session_that_begins_with_an_upgrade_has_its_cookie() {
    let v1 = Service::raw(|mut conn, _| {
        conn.head();
        conn.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
        conn.exactly(1);
    });
    let world = World::new(sticky(), table("v1", None, &[("v1", v1.address)]));
    let mut conn = world.connect();
    assert!(conn.send(get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\n")));
    let consent = conn.head().unwrap();
    assert_eq!((consent.status(), world.counts("v1").sessions), (101, 1));
    assert!(consent.field("set-cookie").is_some_and(|line| line.starts_with("tm=")), "{consent:?}");
}
