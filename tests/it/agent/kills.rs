//! Kills: of the agent, of its guard, of services, of commands.

use super::world::{CANARY, Load, World, get, until_answered};
use std::time::Duration;
use taskmaster_testkit::until;

/// A fault of a connection that the agent's own death has cut; never of one that nobody took.
fn was_cut(fault: &str) -> bool {
    let is_refused = fault.contains("refused") || fault.starts_with("50");
    !is_refused
}

#[test]
fn a_killed_agent_loses_no_service_and_listens_again_at_once() {
    let world = World::new(CANARY);
    world.release("v1");
    let at = world.address();
    let load = Load::on(at);
    world.start("v2");
    world.until("users meet v2", |view| view["phase"] == "analyzing");
    let pids = world.pids();
    let mut longest = Duration::ZERO;
    for _ in 0..6 {
        let agent = world.agent_pid();
        World::kill(agent);
        longest = longest.max(until_answered(at));
        until("another agent", 20, || (world.agent_pid() != agent).then_some(()));
    }
    assert_eq!(world.pids(), pids, "services go on, under the same ids");
    world.until_paused();
    world.run("rollout promote web --wait --timeout 60s").code(0);
    let sent = load.end();
    let lost: Vec<_> = sent.failed.iter().filter(|fault| !was_cut(fault)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert!(sent.failed.len() <= 12, "at most what was in flight: {:?}", sent.failed);
    assert!(longest < Duration::from_secs(1), "{longest:?}");
    assert_eq!(world.agent()["agent"]["restarts"], 6);
}

#[test]
fn a_killed_guard_is_replaced_and_holds_as_before() {
    let world = World::new(CANARY);
    world.release("v1");
    let at = world.address();
    for _ in 0..2 {
        let agent = world.agent_pid();
        let stat = std::fs::read_to_string(format!("/proc/{agent}/stat")).unwrap();
        let parent = stat.rsplit(')').next().unwrap().split_ascii_whitespace().nth(1).unwrap();
        let guards = || children_and_parent(agent, parent.parse().unwrap());
        let before = guards();
        before.iter().for_each(|guard| World::kill(*guard));
        until("another guard", 20, || guards().iter().find(|guard| !before.contains(guard)).copied());
        assert_eq!(get(at, "/").unwrap().0, 200, "nobody noticed");
        World::kill(agent);
        assert!(until_answered(at) < Duration::from_secs(2));
    }
    let token = get(at, "/token").unwrap().1;
    assert_eq!(token, "swordfish-4711");
}

/// The guard of an agent is its parent, or its child where it came later.
fn children_and_parent(agent: i32, parent: i32) -> Vec<i32> {
    let is_guard = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == b"guard")
    };
    // A child stands with the thread that started it.
    let threads = std::fs::read_dir(format!("/proc/{agent}/task")).into_iter().flatten().flatten();
    let children: String =
        threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok()).collect();
    let mut all: Vec<i32> = children.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect();
    all.push(parent);
    all.into_iter().filter(is_guard).collect()
}

#[test]
fn where_both_die_the_next_command_finds_everything_again() {
    let world = World::new(CANARY);
    world.release("v1");
    let (at, pids) = (world.address(), world.pids());
    world.kill_agent_and_guard();
    assert_eq!(world.view()["phase"], "completed");
    assert_eq!(world.pids(), pids);
    assert_eq!(until(" an answer", 20, || get(at, "/").ok()).0, 200, "at the same address");
}

#[test]
fn a_killed_service_is_started_again() {
    let world = World::new(CANARY);
    world.release("v1");
    let before = world.pids();
    World::kill(before[0].try_into().unwrap());
    let view = world.until("it was started again", |view| view["versions"][0]["restarts"] == 1);
    assert!(view["story"].to_string().contains("crashed: it was ended by signal 9"), "{}", view["story"]);
    until("another process serves", 20, || {
        get(world.address(), "/").ok().filter(|(status, _)| *status == 200)
    });
    assert_ne!(world.pids(), before);
}

#[test]
fn a_killed_command_fails_no_request() {
    let world = World::new(CANARY);
    world.release("v1");
    let load = Load::on(world.address());
    for (number, millis) in [0, 5, 20, 60, 120].into_iter().enumerate() {
        let command = world.sandbox.start(&format!("rollout start web.yaml w{number} --wait"));
        std::thread::sleep(Duration::from_millis(millis));
        command.kill();
    }
    world.start("v2");
    world.until_paused();
    world.run("rollout promote web --wait --timeout 60s").code(0);
    let sent = load.end();
    assert!(sent.failed.is_empty(), "{:?}", sent.failed);
}
