//! Gates: nothing passes before its yes, whatever comes in place of one, and whoever dies meanwhile.

use super::outside::{Outside, is_signed, no, yes};
use super::world::{World, file, get};
use crate::deliver::notify::receiver::{Act, say};
use serde_json::{Value, json};
use taskmaster_testkit::until;

const STEPS: &str = "{canary: {scaleDownDelay: 0s, abortScaleDownDelay: 100ms, steps: [{setWeight: 20}, \
     {setWeight: 50}, {pause: {}}]}}";

/// A gate that is asked again soon.
fn gate(name: &str, kind: &str, at: &Outside, more: &str) -> String {
    format!("  - {{name: {name}, kind: {kind}, url: \"{}\", interval: 50ms{more}}}\n", at.url())
}

/// A service with a version in full service, whose next ones have to pass these gates.
fn guarded(steps: &str, gates: &[String]) -> World {
    let world = World::of(&file(steps, &format!("gates:\n{}", gates.concat())));
    world.release("v1");
    world
}

/// True where a process of this version ever was.
fn was_started(world: &World, version: &str) -> bool {
    world.state_dir().join(format!("services/web/{version}-0.log")).exists()
}

/// Who answers so many users.
fn met(world: &World, users: usize) -> Vec<String> {
    let at = world.address();
    (0..users).map(|_| get(at, "/").unwrap().1).collect()
}

fn weights(view: &Value) -> Vec<u64> {
    let points = view["weights"].as_array().unwrap().iter();
    points.map(|point| point["weight"].as_u64().unwrap()).collect()
}

#[test]
fn no_process_is_started_before_a_gate_confirms_the_rollout() {
    let begin = Outside::new(no("freeze until Monday"));
    let more = ", secret: {env: MY_TOKEN}, metadata: {team: shop}";
    let world = guarded(STEPS, &[gate("begin", "confirm-rollout", &begin, more)]);
    assert!(begin.requests().is_empty(), "nobody is asked about a first version");
    world.start("v2");
    let mut asked = begin.until_more(3);
    let view = world.until("the no is told", |view| view["gates"][0]["state"] == "no");
    assert_eq!(view["gates"][0]["words"], "403 Forbidden: freeze until Monday");
    assert_eq!(view["held"]["by"], "gate", "{view}");
    assert!(!was_started(&world, "v2") && world.pids().len() == 1, "{view}");
    asked["at"] = Value::Null;
    let expected = json!({
        "name": "web", "namespace": "local", "phase": "Progressing", "checksum": "v2",
        "metadata": {"team": "shop"}, "gate": "begin", "kind": "confirm-rollout", "revision": "v2",
        "stable": "v1", "state": "initializing", "step": 1, "steps": 3, "weight_percent": 0,
        "next_weight_percent": null, "at": null,
    });
    assert_eq!(asked, expected);
    assert!(begin.requests().iter().all(|request| is_signed(request, "swordfish-4711")));
    begin.does(yes());
    world.until_paused();
    assert!(was_started(&world, "v2"));
}

#[test]
fn no_share_rises_before_a_gate_confirms_that_very_rise() {
    let more = Outside::new(no("not yet"));
    let world = guarded(STEPS, &[gate("more", "confirm-traffic-increase", &more, "")]);
    world.start("v2");
    for (step, before, next) in [(1, 0, 20), (2, 20, 50), (3, 50, 100)] {
        if next == 100 {
            world.until_paused();
            world.run("rollout promote web").code(0);
        }
        let asked = more.until_one("its rise", |asked| asked["next_weight_percent"] == next);
        assert_eq!(asked["weight_percent"], before, "{asked}");
        assert_eq!((&asked["step"], &asked["steps"]), (&json!(step), &json!(3)), "{asked}");
        more.until_more(2);
        let view = world.until("it is held", |view| view["held"]["by"] == "gate");
        assert_eq!(weights(&view).last(), Some(&before), "{}", view["weights"]);
        let new = met(&world, 100).iter().filter(|version| *version == "v2").count();
        assert_eq!(new as u64, before, "as many of a block");
        more.answers(move |asked| match asked.json()["next_weight_percent"].as_u64() {
            Some(weight) if weight <= next => yes(),
            _ => no("not yet"),
        });
        world.until("it rises", |view| weights(view).last() > Some(&before));
    }
    world.until_phase("completed");
}

/// Each of them is passed by a person, and none of the others with it.
#[test]
fn what_is_no_answer_holds_and_is_told() {
    let elsewhere = Outside::new(yes());
    let redirect = say("307 Temporary Redirect", &format!("Location: {}/\r\n", elsewhere.url()), "");
    // Where something does come, it has its time.
    let rows = [
        ("hangs", Act::Hang, ", timeout: 300ms", "no answer within 300ms"),
        ("babbles", Act::Say("SSH-2.0-OpenSSH_9.2\r\n".to_owned()), "", ""),
        ("leads", redirect, "", "307 Temporary Redirect: redirects are not followed"),
    ];
    let all: Vec<Outside> = rows.iter().map(|(_, act, ..)| Outside::new(act.clone())).collect();
    let gates = rows.iter().zip(&all);
    let gates: Vec<String> = gates
        .map(|((name, _, timeout, _), outside)| gate(name, "confirm-traffic-increase", outside, timeout))
        .collect();
    let world = guarded(STEPS, &gates);
    world.start("v2");
    for (place, (name, .., words)) in rows.iter().enumerate() {
        let view = world.until("its silence is told", |view| view["gates"][place]["state"] == "silent");
        let told = view["gates"][place]["words"].as_str().unwrap();
        assert!(!told.is_empty() && told.contains(words), "{name}: {told}");
        assert!(view["held"]["words"].as_str().unwrap().contains(name), "{}", view["held"]);
        all[place].until_more(1);
        assert_eq!(weights(&world.view()), [0], "{name}");
        assert!(all[place + 1..].iter().all(|later| later.requests().is_empty()), "{name}: one at a time");
        world.run("rollout promote web").code(0);
        world.until("it is passed", |view| view["gates"][place]["state"] != "silent");
    }
    world.until("it rises", |view| weights(view) == [0, 20]);
    assert!(elsewhere.requests().is_empty(), "redirects are not followed");
}

#[test]
fn a_gate_that_asks_for_it_takes_the_version_back() {
    let steps = "{canary: {abortScaleDownDelay: 100ms, steps: [{setWeight: 50}, {pause: {}}]}}";
    let panic = Outside::new(no("all is well"));
    let world = guarded(steps, &[gate("panic", "rollback", &panic, "")]);
    world.start("v2");
    world.until_paused();
    panic.until_more(2);
    assert_eq!(world.view()["held"]["by"], "step", "a no is no reason");
    panic.does(yes());
    let ended = world.until_phase("rolled_back");
    assert_eq!(ended["why"], "the gate `panic` asks for it");
    assert!(met(&world, 20).iter().all(|version| version == "v1"));
    until("the version is gone", 20, || (world.pids().len() == 1).then_some(()));
}

/// Ends the agent without a word, and waits for the next one.
fn kill_agent(world: &World) {
    let agent = world.agent_pid();
    World::kill(agent);
    until("another agent", 20, || (world.agent_pid() != agent).then_some(()));
}

#[test]
fn who_comes_after_a_killed_agent_asks_again_and_lets_nothing_pass_unasked() {
    let (begin, more) = (Outside::new(Act::Hang), Outside::new(Act::Hang));
    let signed = ", timeout: 500ms, secret: {env: MY_TOKEN}";
    let gates = [
        gate("begin", "confirm-rollout", &begin, signed),
        gate("more", "confirm-traffic-increase", &more, signed),
    ];
    let world = guarded(STEPS, &gates);
    world.start("v2");
    begin.until_one("its beginning", |asked| asked["revision"] == "v2");
    kill_agent(&world);
    begin.until_more(2);
    let view = world.until("it is held", |view| view["held"]["by"] == "gate");
    assert!(!was_started(&world, "v2") && more.requests().is_empty(), "{view}");
    begin.does(yes());
    more.until_one("its rise", |asked| asked["next_weight_percent"] == 20);
    let begun = begin.requests().len();
    kill_agent(&world);
    more.until_more(2);
    let view = world.until("it is held", |view| view["held"]["by"] == "gate");
    assert_eq!(weights(&view), [0]);
    assert!(met(&world, 20).iter().all(|version| version == "v1"));
    more.does(yes());
    world.until_paused();
    assert_eq!(begin.requests().len(), begun, "its yes was kept");
    let mut all = begin.requests().into_iter().chain(more.requests());
    assert!(all.all(|request| is_signed(&request, "swordfish-4711")), "by the key that the guard holds");
}
