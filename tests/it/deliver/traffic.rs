//! Who gets which request: weights, cookies, headers, copies, previews, and what a change of them does.

use super::traffic_world::{
    Conn, LONGEST, Service, World, get, nobody, ok, revision, settings, sticky, table,
};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};
use taskmaster::deliver::traffic::{Limits, Settings};
use taskmaster_delivery::spec::{Compare, Field, HeaderRoute, Match, Mirror};
use taskmaster_testkit::until;

#[test]
fn weights_are_exact_over_blocks_whatever_connection_requests_come_by() {
    let (v1, v2) = (Service::named("v1"), Service::named("v2"));
    let world =
        World::new(settings(), table("v1", Some(("v2", 10)), &[("v1", v1.address), ("v2", v2.address)]));
    let address = world.address;
    let clients: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(move || {
                let mut conn = Conn::to(address);
                let answers: Vec<String> = (0..250).map(|_| conn.ask(get("/", "")).text()).collect();
                answers.iter().filter(|text| *text == "v2").count()
            })
        })
        .collect();
    let of_share: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
    assert_eq!(of_share, 100, "of 1,000 at 10 %");
    assert_eq!((v1.count(), v2.count()), (900, 100));
    assert_eq!((world.counts("v1").requests, world.counts("v2").requests), (900, 100));
    assert_eq!(world.counts("v2").codes, BTreeMap::from([(200, 100)]));
    assert_eq!(world.counts("v2").buckets.iter().sum::<u64>(), 100);
}

/// Version after version takes all users while they ask; each old one is stopped as soon as nothing is in
/// flight there. Nobody fails, and nobody who asks after a switch gets the old one.
#[test]
fn no_switch_fails_a_request() {
    let first: Service = Service::new(|_| ok("0"));
    let world = World::new(settings(), table("0", None, &[("0", first.address)]));
    let (address, is_over, served) =
        (world.address, Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let current = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (is_over, served, current) = (is_over.clone(), served.clone(), current.clone());
            std::thread::spawn(move || {
                let mut conn = Conn::to(address);
                while !is_over.load(Ordering::SeqCst) {
                    let least = current.load(Ordering::SeqCst);
                    let answer = conn.ask(get("/", ""));
                    assert_eq!(answer.status(), 200, "{answer:?}");
                    let version: u64 = answer.text().parse().unwrap();
                    assert!(version >= least, "version {version} after the switch to {least}");
                    served.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    let mut old = (0_u64, first);
    for next in 1..=20_u64 {
        let before = served.load(Ordering::SeqCst);
        until("requests between two switches", 10, || {
            (served.load(Ordering::SeqCst) > before + 40).then_some(())
        });
        let service = Service::new(move |_| ok(&next.to_string()));
        let (from, to) = (old.0.to_string(), next.to_string());
        let both = [(from.as_str(), old.1.address), (to.as_str(), service.address)];
        world.proxy.set(table(&from, Some((&to, 50)), &both));
        world.proxy.set(table(&to, None, &[(&to, service.address)]));
        current.store(next, Ordering::SeqCst);
        until("nothing in flight", 5, || (world.proxy.in_flight(old.1.address) == 0).then_some(()));
        old.1.stop();
        old = (next, service);
    }
    is_over.store(true, Ordering::SeqCst);
    for client in clients {
        client.join().unwrap();
    }
    let failures: u64 = world.proxy.snapshot().versions.values().map(|counts| counts.failures).sum();
    assert_eq!((failures, world.proxy.snapshot().without_target), (0, 0));
}

/// A service that says when it is asked, and answers when it may.
fn held() -> (Service, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (to_test, asked) = mpsc::channel();
    let (may, from_test) = mpsc::channel();
    let from_test = Mutex::new(from_test);
    let service = Service::new(move |_| {
        to_test.send(()).unwrap();
        from_test.lock().unwrap().recv_timeout(LONGEST).unwrap();
        ok("v1")
    });
    (service, asked, may)
}

#[test]
fn what_is_under_way_ends_where_it_began() {
    let (v1, asked, may) = held();
    let v2 = Service::named("v2");
    let world = World::one(&v1);
    let mut slow = world.connect();
    assert!(slow.send(get("/", "")));
    asked.recv_timeout(LONGEST).unwrap();
    let began = Instant::now();
    world.proxy.set(table("v2", None, &[("v2", v2.address)]));
    assert_eq!(world.get("/", "").text(), "v2");
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(world.proxy.table().routes.active, revision("v2"));
    assert_eq!((world.proxy.in_flight(v1.address), world.proxy.in_flight(v2.address)), (1, 0));
    may.send(()).unwrap();
    assert_eq!(slow.answer().unwrap().text(), "v1");
    until("it is over", 5, || (world.proxy.in_flight(v1.address) == 0).then_some(()));
    // The same connection goes on with the new version.
    assert_eq!(slow.ask(get("/", "")).text(), "v2");
    assert_eq!((world.counts("v1").requests, world.counts("v2").requests), (1, 2));
}

fn cookie(answer: &super::traffic_world::Message) -> Option<String> {
    answer.field("set-cookie").map(|line| line.split(';').next().unwrap().to_owned())
}

#[test]
fn users_keep_their_version_by_a_cookie() {
    let (v1, v2) = (Service::named("v1"), Service::named("v2"));
    let at = [("v1", v1.address), ("v2", v2.address)];
    let world = World::new(sticky(), table("v1", Some(("v2", 20)), &at));
    let mut users: Vec<(String, String)> = Vec::new();
    for _ in 0..100 {
        let answer = world.get("/", "");
        users.push((cookie(&answer).expect("a new session has a cookie"), answer.text()));
    }
    assert_eq!(users.iter().filter(|(_, version)| version == "v2").count(), 20);
    let again = |(cookie, _): &(String, String)| world.get("/", &format!("Cookie: a=b; {cookie}\r\n"));
    for user in &users {
        let answer = again(user);
        assert_eq!((answer.text(), self::cookie(&answer)), (user.1.clone(), None));
    }
    assert_eq!((world.counts("v1").sessions, world.counts("v2").sessions), (80, 20));
    assert_eq!((world.counts("v1").requests, world.counts("v2").requests), (160, 40));
    // A cookie that somebody made up is none.
    let forged = format!("{}0", &users[0].0[..users[0].0.len() - 1]);
    let is_new = |cookie: &str| self::cookie(&world.get("/", &format!("Cookie: {cookie}\r\n"))).is_some();
    assert!(is_new(&forged) || forged == users[0].0);
    assert!(is_new("tm=v2"));
    // A version without weight keeps nobody.
    world.proxy.set(table("v1", Some(("v2", 0)), &at));
    for user in &users {
        let answer = again(user);
        assert_eq!((answer.text().as_str(), self::cookie(&answer).is_some()), ("v1", user.1 == "v2"));
    }
    // And whoever takes over has all.
    world.proxy.set(table("v2", None, &at));
    assert!(users.iter().all(|user| again(user).text() == "v2"));
}

#[test]
fn a_session_fails_once_however_often_it_asks() {
    let v1 = Service::new(|request| match request.path() {
        "/bad" => "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n".into(),
        _ => ok("fine"),
    });
    let world = World::new(sticky(), table("v1", None, &[("v1", v1.address)]));
    let user = cookie(&world.get("/", "")).unwrap();
    for _ in 0..3 {
        assert_eq!(world.get("/bad", &format!("Cookie: {user}\r\n")).status(), 500);
    }
    world.get("/bad", "");
    let counts = world.counts("v1");
    assert_eq!((counts.requests, counts.failures), (5, 4));
    assert_eq!((counts.sessions, counts.failed_sessions), (2, 2));
}

#[test]
fn sessions_of_other_weights_fail_no_more() {
    let bad = |_: &super::traffic_world::Message| "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n".to_owned();
    let (v1, v2) = (Service::new(bad), Service::new(bad));
    let at = [("v1", v1.address), ("v2", v2.address)];
    let world = World::new(sticky(), table("v1", Some(("v2", 20)), &at));
    let users: Vec<String> = (0..100).map(|_| cookie(&world.get("/", "")).unwrap()).collect();
    let failed = |name: &str| (world.counts(name).sessions, world.counts(name).failed_sessions);
    assert_eq!((failed("v1"), failed("v2")), ((80, 80), (20, 20)));
    let all_again = || users.iter().for_each(|user| drop(world.get("/", &format!("Cookie: {user}\r\n"))));
    // The same weights again, and other pods: nothing changes for sessions.
    world.proxy.set(table("v1", Some(("v2", 20)), &at));
    all_again();
    assert_eq!((failed("v1"), failed("v2")), ((80, 80), (20, 20)));
    // Of other weights the failures of those that were dealt before are none.
    world.proxy.set(table("v1", Some(("v2", 50)), &at));
    all_again();
    assert_eq!((failed("v1"), failed("v2")), ((80, 80), (20, 20)));
    (0..100).for_each(|_| drop(world.get("/", "")));
    assert_eq!((failed("v1"), failed("v2")), ((130, 130), (70, 70)));
    assert_eq!(world.counts("v1").failures + world.counts("v2").failures, 400);
}

#[test]
fn headers_and_cookies_lead_to_the_new_version() {
    let (v1, v2) = (Service::named("v1"), Service::named("v2"));
    let mut to = table("v1", Some(("v2", 0)), &[("v1", v1.address), ("v2", v2.address)]);
    let route = |name: &str, field, compare| HeaderRoute {
        name: name.into(),
        matches: vec![Match { field, compare }],
    };
    to.routes.headers = vec![
        route("testers", Field::Header("X-Test".into()), Compare::Exact("1".into())),
        route("group", Field::Cookie("group".into()), Compare::Regex("b+".into())),
    ];
    let world = World::new(sticky(), to.clone());
    for (fields, version) in [
        ("x-test: 1\r\n", "v2"),
        ("x-test: 2\r\n", "v1"),
        ("Cookie: a=1; group=bb\r\n", "v2"),
        ("Cookie: group=bc\r\n", "v1"),
        ("", "v1"),
    ] {
        assert_eq!(world.get("/", fields).text(), version, "{fields}");
    }
    // Those who are sent there have sessions too, as long as they are sent there.
    let user = cookie(&world.get("/", "x-test: 1\r\n")).unwrap();
    let again = |fields: &str| cookie(&world.get("/", &format!("Cookie: {user}\r\n{fields}")));
    assert_eq!((again("x-test: 1\r\n"), again("").is_some()), (None, true));
    assert_eq!((world.counts("v2").sessions, world.counts("v2").requests), (3, 4));
    // Without pods nobody is sent there.
    to.endpoints.remove(&revision("v2"));
    world.proxy.set(to);
    assert_eq!(world.get("/", "x-test: 1\r\n").text(), "v1");
}

#[test]
fn copies_have_no_effect_on_answers() {
    let v1 = Service::named("v1");
    let v2 = Service::new(|_| "HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\nbad".into());
    let mut to = table("v1", Some(("v2", 0)), &[("v1", v1.address), ("v2", v2.address)]);
    to.routes.mirror = Some(Mirror { name: "copies".into(), percentage: 50 });
    let limits = Limits { mirrored_bytes: 10, ..Limits::default() };
    let world = World::new(Settings { limits, ..settings() }, to);
    let mut conn = world.connect();
    for number in 0..100 {
        let post = format!("POST /{number} HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\r\nbody");
        assert_eq!(conn.ask(post).text(), "v1");
    }
    until("all copies", 5, || (v2.count() == 50).then_some(()));
    until("all answers", 5, || (world.counts("v2").mirrored_failures == 50).then_some(()));
    let copy = v2.seen().remove(0);
    assert_eq!((copy.text().as_str(), copy.field("x-taskmaster-mirrored")), ("body", Some("1")));
    assert_eq!(v1.seen()[0].field("x-taskmaster-mirrored"), None);
    let (users, copies) = (world.counts("v1"), world.counts("v2"));
    assert_eq!((users.requests, users.failures, users.mirrored), (100, 0, 0));
    assert_eq!((copies.requests, copies.failures, copies.mirrored), (0, 0, 50));
    // What is too long is not copied, told by its length or not.
    for body in [
        "Content-Length: 12\r\n\r\nhello, world",
        "Transfer-Encoding: chunked\r\n\r\nc\r\nhello, world\r\n0\r\n\r\n",
    ] {
        for _ in 0..100 {
            assert_eq!(conn.ask(format!("POST / HTTP/1.1\r\nHost: shop\r\n{body}")).text(), "v1");
        }
    }
    until("not copied", 5, || (world.metric("mirrors_dropped_total") as u64 == 100).then_some(()));
    assert_eq!(v2.count(), 50);
}

#[test]
fn copies_for_one_that_hangs_are_dropped_and_delay_nobody() {
    let v1 = Service::named("v1");
    let v2 = Service::raw(|mut conn, _| {
        conn.request();
        assert!(conn.request().is_none());
    });
    let mut to = table("v1", Some(("v2", 0)), &[("v1", v1.address), ("v2", v2.address)]);
    to.routes.mirror = Some(Mirror { name: "copies".into(), percentage: 100 });
    let limits = Limits { mirrors: 3, answer: Duration::from_secs(1), ..Limits::default() };
    let world = World::new(Settings { limits, ..settings() }, to);
    let mut conn = world.connect();
    let began = Instant::now();
    for _ in 0..50 {
        assert_eq!(conn.ask(get("/", "")).text(), "v1");
    }
    assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
    assert_eq!(world.metric("mirrors_dropped_total") as u64, 47);
    assert_eq!(world.proxy.in_flight(v2.address), 3);
    until("they are given up", 5, || (world.counts("v2").mirrored_failures == 3).then_some(()));
    assert_eq!((world.proxy.in_flight(v2.address), world.counts("v2").mirrored), (0, 3));
}

#[test]
fn copies_go_where_their_version_is_now() {
    let v1 = Service::named("v1");
    // It closes after every answer, and says nothing of it.
    let (to_test, closed) = mpsc::channel();
    let v2 = Service::raw(move |mut conn, _| {
        conn.request();
        conn.send(ok("v2"));
        conn.close();
        let _ = to_test.send(());
    });
    let mut to = table("v1", Some(("v2", 0)), &[("v1", v1.address), ("v2", v2.address)]);
    to.routes.mirror = Some(Mirror { name: "copies".into(), percentage: 100 });
    let world = World::new(settings(), to);
    let mut conn = world.connect();
    for _ in 0..20 {
        assert_eq!(conn.ask(get("/", "")).text(), "v1");
        closed.recv_timeout(LONGEST).unwrap();
        until("the copy is over", 5, || (world.proxy.in_flight(v2.address) == 0).then_some(()));
    }
    assert_eq!((world.counts("v2").mirrored, world.counts("v2").mirrored_failures), (20, 0));
    // The version goes while a request is on its way: its copy is not made.
    assert!(conn.send("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\r\nbo"));
    until("it is under way", 5, || (world.proxy.in_flight(v1.address) == 1).then_some(()));
    world.proxy.set(table("v1", None, &[("v1", v1.address)]));
    assert_eq!(conn.ask("dy").text(), "v1");
    assert_eq!((world.counts("v2").mirrored, world.metric("mirrors_dropped_total") as u64), (20, 1));
}

#[test]
fn a_proxy_reads_the_cookies_of_the_one_before_and_deals_anew() {
    let v1 = Service::named("v1");
    let world = || World::new(sticky(), table("v1", None, &[("v1", v1.address)]));
    let (first, second) = (world(), world());
    let users = |world: &World| (0..20).map(|_| cookie(&world.get("/", "")).unwrap()).collect::<Vec<_>>();
    let (mine, others) = (users(&first), users(&second));
    let number = |cookie: &String| cookie["tm=".len()..][..16].to_owned();
    assert!(mine.iter().all(|user| others.iter().all(|other| number(user) != number(other))));
    let again = second.get("/", &format!("Cookie: {}\r\n", mine[0]));
    assert_eq!((cookie(&again), second.counts("v1").sessions), (None, 20));
}

#[test]
fn the_preview_is_another_door() {
    let (v1, v2) = (Service::named("v1"), Service::named("v2"));
    let mut to = table("v1", None, &[("v1", v1.address), ("v2", v2.address)]);
    let world = World::new(sticky(), to.clone());
    let preview = || Conn::to(world.preview).ask(get("/", "Connection: close\r\n"));
    assert_eq!(
        (preview().status(), preview().text().as_str()),
        (503, "no version of the service is there\n")
    );
    assert_eq!(world.proxy.snapshot().without_target, 2);
    to.routes.preview = Some(revision("v2"));
    world.proxy.set(to);
    let answer = preview();
    assert_eq!((answer.text().as_str(), cookie(&answer)), ("v2", None));
    assert_eq!(world.get("/", "").text(), "v1");
}

#[test]
fn nobody_is_sent_to_what_is_not_there() {
    let v1 = Service::named("v1");
    // A share without pods gets nobody.
    let world = World::new(settings(), table("v1", Some(("v2", 50)), &[("v1", v1.address)]));
    assert!((0..20).all(|_| world.get("/", "").text() == "v1"));
    world.proxy.set(table("v3", None, &[("v1", v1.address)]));
    let answer = world.get("/", "");
    assert_eq!((answer.status(), answer.field("retry-after")), (503, Some("1")));
    world.proxy.set(taskmaster::deliver::traffic::Table::default());
    assert_eq!(world.get("/", "").status(), 503);
    assert_eq!(world.proxy.snapshot().without_target, 2);
}

#[test]
fn replicas_take_turns_and_one_that_is_away_is_passed_over() {
    let (a, b) = (Service::named("a"), Service::named("b"));
    let at = [("v1", a.address), ("v1", b.address)];
    let world = World::new(settings(), table("v1", None, &at));
    let mut conn = world.connect();
    for _ in 0..20 {
        conn.ask(get("/", ""));
    }
    assert_eq!((a.count(), b.count()), (10, 10));
    // One is gone without a word: requests with bodies go to the other one, for nothing of them was sent.
    b.stop();
    for _ in 0..20 {
        let post = "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\r\nbody";
        assert_eq!(conn.ask(post).text(), "a");
    }
    assert_eq!(a.seen().last().unwrap().text(), "body");
    let counts = world.counts("v1");
    assert_eq!((counts.requests, counts.failures), (40, 0));
    assert!(world.metric("retried_total") > 0.0);
    // All of them are gone.
    world.proxy.set(table("v1", None, &[("v1", nobody()), ("v1", nobody())]));
    let answer = world.get("/", "");
    assert_eq!((answer.status(), answer.text().as_str()), (502, "the service accepts no connection\n"));
    assert_eq!(world.counts("v1").failures, 1);
}

#[test]
fn a_stop_lets_answers_end_and_accepts_nobody() {
    let (v1, asked, may) = held();
    let world = World::one(&v1);
    let (address, proxy) = (world.address, world.proxy.clone());
    let (mut slow, mut idle) = (world.connect(), world.connect());
    assert!(slow.send(get("/", "")));
    asked.recv_timeout(LONGEST).unwrap();
    let stopping = std::thread::spawn(move || {
        let began = Instant::now();
        world.stop(Duration::from_secs(10));
        began.elapsed()
    });
    until("it listens no more", 5, || std::net::TcpStream::connect(address).is_err().then_some(()));
    assert!(idle.is_closed());
    may.send(()).unwrap();
    let answer = slow.answer().unwrap();
    assert_eq!((answer.text().as_str(), answer.field("connection")), ("v1", Some("close")));
    assert!(slow.is_closed());
    slow.close();
    assert!(stopping.join().unwrap() < Duration::from_secs(5));
    assert_eq!(proxy.snapshot().versions[&revision("v1")].requests, 1);
}

#[test]
fn a_stop_waits_no_longer_than_told() {
    let v1 = Service::raw(|mut conn, _| {
        conn.request();
        assert!(conn.request().is_none());
    });
    let world = World::one(&v1);
    let mut conn = world.connect();
    assert!(conn.send(get("/", "")));
    until("it is under way", 5, || (world.proxy.in_flight(v1.address) == 1).then_some(()));
    let began = Instant::now();
    world.stop(Duration::from_millis(200));
    assert!(began.elapsed() < Duration::from_secs(2));
    assert!(conn.is_closed());
}
