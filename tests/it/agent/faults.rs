//! What goes wrong: services that crash, ports that are taken, secrets, several people.

use super::world::{CANARY, World, file, get};
use std::net::TcpListener;
use taskmaster_testkit::until;

#[test]
fn a_crash_loop_is_told_and_taken_back() {
    let text = file(CANARY, "progressDeadline: 10s\n");
    let world = World::of(&text);
    world.release("v1");
    world.start("broken");
    let view = world.until("crashes are told", |view| view["versions"][1]["restarts"].as_u64() > Some(1));
    let trouble = view["versions"][1]["trouble"].as_str().unwrap();
    assert!(trouble.contains("exit code 3: boom"), "{trouble}");
    let ended = world.until_phase("rolled_back");
    assert!(ended["why"].as_str().unwrap().starts_with("no progress for"), "{}", ended["why"]);
    assert_eq!(get(world.address(), "/").unwrap(), (200, "v1".to_owned()));
    until("the crashing version is gone", 20, || (world.pids().len() == 1).then_some(()));
}

#[test]
fn a_port_in_use_is_refused_before_anything_begins() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let world = World::of(&file(CANARY, "").replace("127.0.0.1:0", &at));
    let told = world.run("rollout start web.yaml v1").code(1).stderr;
    assert!(told.contains(&format!("cannot listen on {at}")) && told.contains("help:"), "{told}");
    assert!(world.run("rollout list -o json").code(0).json()["rollouts"].as_array().unwrap().is_empty());
    drop(taken);
    world.release("v1");
}

#[test]
fn a_version_that_lacks_its_secret_does_not_begin() {
    let world = World::of(&file(CANARY, "").replace("MY_TOKEN", "NO_SUCH_TOKEN"));
    let told = world.run("rollout start web.yaml v1").code(2).stderr;
    assert!(told.contains("the variable NO_SUCH_TOKEN is not known"), "{told}");
}

#[test]
fn secrets_are_nowhere_on_the_disk_and_outlive_the_agent() {
    let world = World::new(CANARY);
    world.release("v1");
    World::kill(world.agent_pid());
    World::kill(world.pids()[0].try_into().unwrap());
    let at = world.address();
    let token =
        until("it was started again", 30, || get(at, "/token").ok().filter(|(status, _)| *status == 200));
    assert_eq!(token.1, "swordfish-4711");
    let mut folders = vec![world.sandbox.path()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                let has_it = bytes.windows(14).any(|window| window == b"swordfish-4711");
                assert!(!has_it, "{}", path.display());
            }
        }
    }
}

#[test]
fn of_two_people_one_is_heard() {
    let world = World::new(CANARY);
    world.release("v1");
    world.start("v2");
    world.until_paused();
    let both = [world.sandbox.start("rollout abort web"), world.sandbox.start("rollout abort web")];
    let mut codes = both.map(|command| command.wait().code);
    codes.sort_unstable();
    assert_eq!(codes, [0, 2]);
    let both =
        [world.sandbox.start("rollout start web.yaml v3"), world.sandbox.start("rollout start web.yaml v3")];
    assert_eq!(both.map(|command| command.wait().code), [0, 0], "both want the same");
    world.until_paused();
}

#[test]
fn many_commands_start_one_agent() {
    let world = World::new(CANARY);
    let all: Vec<_> = (0..5).map(|_| world.sandbox.start("rollout start web.yaml v1 --wait")).collect();
    for command in all {
        command.wait().code(0);
    }
    assert_eq!(world.pids().len(), 1);
}
