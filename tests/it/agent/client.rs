//! A command's side: what it does where nobody is there.

use super::world::{CANARY, World};
use serde_json::Value;

#[test]
fn questions_start_no_agent() {
    let world = World::new(CANARY);
    let list = world.run("rollout list -o json").code(0).json();
    assert!(list["rollouts"].as_array().unwrap().is_empty());
    let told = world.run("rollout status web").code(2).stderr;
    assert!(told.contains("there is no rollout web on this machine"), "{told}");
    assert_eq!(world.agent()["agent"], Value::Null);
    let told = world.run("agent stop").code(0).stdout;
    assert!(told.contains("no agent was at work"), "{told}");
    assert!(!world.state_dir().exists(), "nothing was written");
}

#[test]
fn the_logs_of_services_are_shown() {
    let world = World::new(CANARY);
    world.release("v1");
    let shown = world.run("agent logs web --of v1").code(0).stdout;
    assert!(shown.contains("running 1 test"), "{shown}");
    let shown = world.run("agent logs").code(0).stdout;
    assert!(shown.contains("the agent is at work"), "{shown}");
    world.run("agent logs shop").code(2);
}
