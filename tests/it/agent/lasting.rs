//! What must hold over many releases, other environments and other versions of the program.

use super::world::{CANARY, ERRORS_OF_BAD, World, file, get, is_running};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use taskmaster::deliver::backend::local::{Doors, Driver, Inbox, Seen, Wanted};
use taskmaster_delivery::engine::{Phase, Pods, Revision};
use taskmaster_delivery::time::Time;
use taskmaster_testkit::until;

fn wanted(number: usize) -> Wanted {
    let text = "{\"name\":\"web\",\"strategy\":{\"canary\":{\"steps\":[]}},\"service\":{\"command\":[\"web\",\"{port}\"],\"listen\":\"127.0.0.1:0\"}}";
    Wanted {
        revision: Revision(format!("v{number}")),
        spec: serde_json::from_str(text).unwrap(),
        directory: PathBuf::from("/"),
        file: "web.yaml".to_owned(),
        digest: None,
        by: None,
    }
}

fn doors() -> Doors {
    Doors { main: "127.0.0.1:1".parse().unwrap(), preview: None, metrics: None }
}

const ONE: Pods = Pods { wanted: 1, created: 1, available: 1, terminating: 0 };

/// A look at a world where the version at hand and the stable one have one process each, and others none.
fn look(driver: &Driver, now: Time) -> Driver {
    let state = driver.delivery().state();
    let is_there =
        |revision: &Revision| *revision == state.revision || state.stable.as_ref() == Some(revision);
    let all = driver.kept().versions.iter().map(|version| version.revision.clone());
    let pods =
        all.map(|revision| (revision.clone(), if is_there(&revision) { ONE } else { Pods::default() }));
    let seen = Seen { pods: pods.collect(), ..Seen::default() };
    driver.look(&seen, Inbox::default(), now).driver
}

#[test]
fn versions_that_nobody_can_go_back_to_are_forgotten() {
    let mut driver = Driver::begin(&wanted(0), doors(), (1, 0), Time(0)).unwrap();
    for number in 0..40 {
        driver = driver.want(&wanted(number), doors()).unwrap().driver;
        for at in 0..10 {
            driver = look(&driver, Time(i64::try_from(number * 500_000 + at * 50_000).unwrap()));
        }
    }
    assert_eq!(driver.delivery().state().stable, Some(Revision("v39".to_owned())), "every version came in");
    assert!(driver.kept().versions.len() <= 21, "{}", driver.kept().versions.len());
}

#[test]
fn a_night_in_which_nobody_looked_is_no_want_of_progress() {
    let mut driver = Driver::begin(&wanted(0), doors(), (1, 0), Time(0)).unwrap();
    driver = driver.want(&wanted(0), doors()).unwrap().driver;
    for at in 0..10 {
        driver = look(&driver, Time(at * 1_000));
    }
    driver = driver.want(&wanted(1), doors()).unwrap().driver;
    let never = |driver: &Driver, now: Time| {
        let v0 = Revision("v0".to_owned());
        let seen = Seen { pods: BTreeMap::from([(v0, ONE)]), ..Seen::default() };
        driver.look(&seen, Inbox::default(), now).driver
    };
    for at in 10..310 {
        driver = never(&driver, Time(at * 1_000));
    }
    let counted = driver.kept().tally.clone();
    driver.note_counted(&counted);
    let night = 8 * 3_600_000;
    driver = Driver::resume(driver.kept().clone()).unwrap();
    driver = never(&driver, Time(310_000 + night));
    assert_eq!(driver.delivery().state().phase, Phase::Promoting, "it has half of its ten minutes yet");
    for at in 310..640 {
        driver = never(&driver, Time(at * 1_000 + night));
    }
    assert_eq!(driver.delivery().state().phase, Phase::RolledBack, "and no more than that");
}

/// Looks until nothing changes by itself any more.
fn settle(mut driver: Driver, begun: i64) -> Driver {
    for at in 0..10 {
        driver = look(&driver, Time(begun + at * 50_000));
    }
    assert_eq!(driver.delivery().state().stable.as_ref(), Some(&driver.kept().wanted));
    driver
}

#[test]
fn an_undo_goes_back_to_who_served_before() {
    let mut driver = Driver::begin(&wanted(0), doors(), (1, 0), Time(0)).unwrap();
    driver = settle(driver.want(&wanted(0), doors()).unwrap().driver, 0);
    driver = settle(driver.want(&wanted(1), doors()).unwrap().driver, 1_000_000);
    driver = settle(driver.undo(None, "eve", Time(2_000_000)).unwrap().driver, 2_000_000);
    assert_eq!(driver.kept().wanted.0, "v0");
    driver = settle(driver.want(&wanted(2), doors()).unwrap().driver, 3_000_000);
    driver = driver.undo(None, "eve", Time(4_000_000)).unwrap().driver;
    assert_eq!(driver.kept().wanted.0, "v0", "and not to v1, which was taken back");
}

/// The environment of a process of the service.
fn environment(world: &World) -> String {
    let pid = until("a process", 20, || world.pids().first().copied());
    String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/environ")).unwrap()).into_owned()
}

#[test]
fn a_service_has_the_environment_of_its_own_start_alone() {
    let world = World::with(&file(CANARY, ""), &[("OF_WEB", "swordfish-1")]);
    world.release("v1");
    let other = file(CANARY, "").replace("name: web", "name: other");
    world.sandbox.write("other.yaml", other);
    world.run("rollout remove web").code(0);
    let mut start = world.sandbox.command(["rollout", "start", "other.yaml", "v1", "--wait"]);
    assert!(start.env_remove("OF_WEB").output().unwrap().status.success());
    let found = environment(&world);
    assert!(!found.contains("swordfish-1") && found.contains("MY_TOKEN="), "{found}");
}

#[test]
fn a_secret_that_was_mended_holds_from_the_next_start_on() {
    let world = World::new(CANARY);
    world.release("v1");
    let at = world.address();
    assert_eq!(get(at, "/token").unwrap().1, "swordfish-4711");
    let mut start = world.sandbox.command(["rollout", "start", "web.yaml", "v1"]);
    assert!(start.env("MY_TOKEN", "another").output().unwrap().status.success());
    assert_eq!(get(at, "/token").unwrap().1, "swordfish-4711", "what serves stays as it is");
    World::kill(world.pids()[0].try_into().unwrap());
    let token =
        until("it was started again", 30, || get(at, "/token").ok().filter(|(status, _)| *status == 200));
    assert_eq!(token.1, "another");
}

#[test]
fn the_proxy_has_descriptors_and_services_the_usual_limit() {
    let world = World::new(CANARY);
    world.release("v1");
    let limits = |pid: i64| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let line = text.lines().find(|line| line.starts_with("Max open files")).unwrap().to_owned();
        let mut words = line.split_ascii_whitespace().skip(3).map(str::to_owned);
        (words.next().unwrap(), words.next().unwrap())
    };
    let (ours, _) = limits(i64::from(std::process::id()));
    let (soft, hard) = limits(i64::from(world.agent_pid()));
    let enough = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
    assert!(enough(&soft) >= enough(&hard).min(65_536), "{soft} of {hard}");
    assert_eq!(limits(world.pids()[0]).0, ours);
}

/// Bytes of an answer that comes late, over a connection that was there before.
fn ask(stream: &mut TcpStream, path: &str) {
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n").as_bytes())
        .unwrap();
}

#[test]
fn other_settings_of_the_proxy_cut_nothing_and_lose_no_count() {
    let world = World::new(CANARY);
    world.release("v1");
    let at: SocketAddr = world.address();
    for _ in 0..10 {
        get(at, "/").unwrap();
    }
    let requests = || world.view()["versions"][0]["requests"].as_u64().unwrap_or(0);
    until("they are counted", 20, || (requests() >= 10).then_some(()));
    let mut slow = TcpStream::connect(at).unwrap();
    ask(&mut slow, "/slow/1500");
    let other = file(CANARY, "").replace("  drain: 20ms\n", "  drain: 20ms\n  sticky: {cookie: session}\n");
    world.sandbox.write("web.yaml", other);
    let begun = std::time::Instant::now();
    world.start("v1");
    while begun.elapsed() < std::time::Duration::from_millis(1200) {
        assert!(requests() >= 10, "counters never fall");
    }
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    until("the late one is counted, too", 20, || (requests() >= 11).then_some(()));
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn what_the_proxy_has_counted_can_be_read_also_from_the_next_agent() {
    let world = World::of(&file(CANARY, "").replace("  drain: 20ms\n", "  metrics: 127.0.0.1:0\n"));
    world.release("v1");
    let place = world.view()["metrics_at"].as_str().unwrap().to_owned();
    let at: SocketAddr =
        place.strip_prefix("http://").unwrap().strip_suffix("/metrics").unwrap().parse().unwrap();
    let has =
        |line: &str| get(at, "/metrics").is_ok_and(|(status, text)| status == 200 && text.contains(line));
    get(world.address(), "/").unwrap();
    let one = "requests_total{service=\"web\",version=\"v1\",code=\"200\"} 1\n";
    until("it is counted", 20, || has(one).then_some(()));
    World::kill(world.agent_pid());
    until("the next one counts from its own start", 20, || {
        has("weight{service=\"web\",version=\"v1\"} 100\n").then_some(())
    });
    assert!(!has(one));
    // Elsewhere from now on, and then nowhere.
    let other = format!("  metrics: 127.0.0.1:{}\n", free_port());
    for (line, is_there) in [(other.as_str(), true), ("", false)] {
        world.sandbox.write("web.yaml", file(CANARY, "").replace("  drain: 20ms\n", line));
        world.start("v1");
        until("nobody is at the old place", 20, || get(at, "/metrics").is_err().then_some(()));
        let now = world.view()["metrics_at"].as_str().map(str::to_owned);
        assert_eq!(now.is_some(), is_there, "{now:?}");
    }
}

#[test]
fn a_release_that_was_removed_is_not_under_way_for_ever() {
    let world = World::new(CANARY);
    world.release("v1");
    world.start("v2");
    world.until_paused();
    world.run("rollout remove web").code(0);
    let told = world.run("rollout history web -o json").code(0).json();
    let outcomes: Vec<_> = told["releases"].as_array().unwrap().iter().map(|one| &one["outcome"]).collect();
    assert_eq!(outcomes, ["unknown", "completed"], "{told}");
    assert_eq!(told["releases"][0]["why"], "it was removed");
}

#[test]
fn a_version_that_was_taken_back_is_tried_again_when_it_is_asked_for() {
    // Its old processes are still there when it is asked for again.
    let steps = "{canary: {abortScaleDownDelay: 1h, steps: [{setWeight: 50}, {pause: {}}]}}";
    let world = World::of(&file(steps, "load: {rate: 100}\n"));
    world.release("v1");
    world.run("rollout start web.yaml bad --wait --timeout 60s").code(50);
    let before = world.pids();
    world.run("rollout retry web --wait --timeout 60s").code(50);
    let newer = until("the first one ends", 20, || Some(world.pids()).filter(|now| now.len() == 2));
    assert_ne!(newer, before, "what is tried again has a process of its own");
    // It is built anew under its name, and good now.
    world.sandbox.write("web.yaml", file(steps, "load: {rate: 100}\n").replace(ERRORS_OF_BAD, "\"0\""));
    world.start("bad");
    world.until_paused();
    world.run("rollout promote web --wait --timeout 60s").code(0);
    assert_eq!(get(world.address(), "/").unwrap(), (200, "bad".to_owned()));
}

#[test]
fn a_state_directory_that_is_another_one_ends_the_services_of_the_first() {
    let world = World::new(CANARY);
    world.release("v1");
    let (agent, pids) = (world.agent_pid(), world.pids());
    let aside = world.sandbox.path().join("aside");
    std::fs::rename(world.state_dir(), &aside).unwrap();
    std::fs::create_dir(world.state_dir()).unwrap();
    until("they end", 30, || {
        let is_left = is_running(i64::from(agent)) || pids.iter().any(|pid| is_running(*pid));
        (!is_left).then_some(())
    });
    assert_eq!(world.agent()["agent"], Value::Null);
}

/// What an agent of another version answers: it knows `stop` and `about`, and refuses the rest.
#[test]
fn an_agent_of_another_version_can_be_ended() {
    let world = World::new(CANARY);
    std::fs::create_dir_all(world.state_dir()).unwrap();
    let listener = UnixListener::bind(world.state_dir().join("agent.sock")).unwrap();
    let other = std::thread::spawn(move || {
        loop {
            let (stream, _) = listener.accept().unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let asked: Value = serde_json::from_str(&line).unwrap();
            let ends = asked["call"]["do"] == "stop";
            let answer = if ends {
                "{\"v\":2,\"program\":\"9.9.9\",\"ok\":null}\n"
            } else {
                "{\"v\":2,\"program\":\"9.9.9\",\"fault\":{\"code\":\"version\",\"message\":\"this agent speaks version 2\"}}\n"
            };
            (&stream).write_all(answer.as_bytes()).unwrap();
            if ends {
                return;
            }
        }
    });
    let told = world.run("rollout list").code(1).stderr;
    assert!(told.contains("speaks version 2"), "{told}");
    world.run("agent stop").code(0);
    other.join().unwrap();
}

/// Kills the agent and its guard, and makes what was kept that of a taskmaster to come.
fn comes_from_the_future(world: &World) {
    world.kill_agent_and_guard();
    let ledger = rusqlite::Connection::open(world.state_dir().join("ledger.db")).unwrap();
    let changed = ledger.execute(
        "UPDATE memos SET text = replace(text, '\"form\":1', '\"form\":99') WHERE key = 'rollout/web'",
        [],
    );
    assert_eq!(changed.unwrap(), 1);
}

#[test]
fn a_rollout_that_cannot_be_read_is_told_and_can_be_removed() {
    let world = World::new(CANARY);
    world.release("v1");
    let pids = world.pids();
    comes_from_the_future(&world);
    let told = world.run("rollout start web.yaml v2").code(1).stderr;
    assert!(told.contains("form 99") && told.contains("rollout remove web"), "{told}");
    let list = world.run("rollout list -o json").code(0).json();
    assert!(list["unreadable"].to_string().contains("form 99"), "{list}");
    assert!(pids.iter().all(|pid| is_running(*pid)), "its processes go on");
    world.run("rollout remove web").code(0);
    assert!(pids.iter().all(|pid| !is_running(*pid)), "they have ended");
    world.release("v2");
}
