//! Users who keep their version: by a cookie of the proxy, or by what they send.

use super::world::{World, file};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use taskmaster_testkit::until;

const STEPS: &str = "{canary: {scaleDownDelay: 0s, abortScaleDownDelay: 100ms, steps: [{setWeight: 50}, \
     {pause: {}}, {setWeight: 80}, {pause: {}}]}}";

/// Somebody who keeps the cookie that was set first.
struct User {
    cookie: String,
    version: String,
}

/// One request with more lines in its head: the version that answered, and the cookie that it sets.
fn ask(at: SocketAddr, lines: &str) -> (String, Option<String>) {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!("GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n{lines}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{text}");
    let set = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next().unwrap().to_owned())
    });
    (body.to_owned(), set)
}

impl User {
    fn new(at: SocketAddr) -> Self {
        let (version, cookie) = ask(at, "");
        let cookie = cookie.unwrap();
        assert!(cookie.starts_with("web-version="), "{cookie}");
        Self { cookie, version }
    }

    /// The number of the session.
    fn number(&self) -> &str {
        let value = self.cookie.trim_start_matches("web-version=");
        &value[..16]
    }

    /// Who answers now, and whether another cookie came along.
    fn meets(&self, at: SocketAddr) -> (String, bool) {
        let (version, set) = ask(at, &format!("Cookie: other=1; {}\r\n", self.cookie));
        (version, set.is_some())
    }

    fn stays(&self, at: SocketAddr) -> bool {
        self.meets(at) == (self.version.clone(), false)
    }
}

fn users(at: SocketAddr, count: usize) -> Vec<User> {
    (0..count).map(|_| User::new(at)).collect()
}

fn sticky() -> World {
    let more = "  sticky: {cookie: web-version, maxAge: 1h}\n  drain: 20ms";
    World::of(&file(STEPS, "").replace("  drain: 20ms", more))
}

fn on(users: &[User], version: &str) -> usize {
    users.iter().filter(|user| user.version == version).count()
}

#[test]
fn a_user_keeps_the_version_while_weights_rise_and_nobody_keeps_one_that_was_taken_back() {
    let world = sticky();
    world.release("v1");
    let at = world.address();
    let old = users(at, 10);
    world.start("v2");
    world.until_paused();
    let first = users(at, 100);
    assert_eq!((on(&first, "v1"), on(&first, "v2")), (50, 50), "a block of new sessions");
    let everybody_stays = || old.iter().chain(&first).all(|user| user.stays(at));
    assert!(everybody_stays() && everybody_stays());
    let agent = world.agent_pid();
    World::kill(agent);
    until("another agent", 20, || (world.agent_pid() != agent).then_some(()));
    assert!(everybody_stays(), "the next agent knows their cookies");
    world.run("rollout promote web").code(0);
    world.until("the weight rises", |view| view["weights"][2]["weight"] == 80);
    world.until_paused();
    assert!(everybody_stays(), "also those of the old version");
    let later = users(at, 100);
    assert_eq!(on(&later, "v2"), 80);
    let numbers: BTreeSet<&str> = old.iter().chain(&first).chain(&later).map(User::number).collect();
    assert_eq!(numbers.len(), 210, "no two users are one session, whoever has dealt them");
    world.run("rollout abort web --wait --timeout 60s").code(0);
    let mut all = old.iter().chain(&first);
    assert!(all.all(|user| user.meets(at).0 == "v1"), "it keeps nobody");
    assert_eq!(on(&users(at, 50), "v1"), 50);
}

#[test]
fn everybody_comes_along_once_the_version_was_promoted() {
    let world = sticky();
    world.release("v1");
    let at = world.address();
    let old = users(at, 10);
    world.start("v2");
    world.until_paused();
    assert!(old.iter().all(|user| user.stays(at)));
    world.run("rollout promote web --full --wait --timeout 60s").code(0);
    assert!(old.iter().all(|user| user.meets(at) == ("v2".to_owned(), true)));
}

#[test]
fn a_header_or_a_cookie_leads_to_the_new_version_and_nobody_else_comes() {
    let ab = "{ab: {match: [{header: x-group, exact: b}, {cookie: group, prefix: beta}], iterations: 1, \
              interval: 1h}}";
    let world = World::of(&file(ab, ""));
    let told = ["X-Group: b\r\n", "Cookie: a=1; group=beta-7\r\n", "X-Group: a\r\nCookie: group=beta\r\n"];
    let others =
        ["", "X-Group: a\r\n", "X-Group: bb\r\n", "Cookie: xgroup=beta\r\n", "Cookie: group=alpha\r\n"];
    world.release("v1");
    let at = world.address();
    let all_meet =
        |who: &[&str], version: &str| who.iter().cycle().take(30).all(|lines| ask(at, lines).0 == version);
    assert!(all_meet(&told, "v1"), "there is no other");
    for version in ["v2", "v3"] {
        world.start(version);
        until("they are led", 20, || (ask(at, told[0]).0 == version).then_some(()));
        until("by the cookie as well", 20, || (ask(at, told[1]).0 == version).then_some(()));
        assert!(all_meet(&told, version) && all_meet(&others, "v1"), "{version}");
        if version == "v2" {
            world.run("rollout abort web --wait --timeout 60s").code(0);
            assert!(all_meet(&told, "v1") && all_meet(&others, "v1"), "it was taken back");
        }
    }
    world.run("rollout promote web --wait --timeout 60s").code(0);
    assert!(all_meet(&told, "v3") && all_meet(&others, "v3"), "now all of them");
}
