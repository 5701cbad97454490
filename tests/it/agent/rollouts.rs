//! Rollouts from their beginning to their end.

use super::world::{CANARY, Load, World, file, get, is_running};
use serde_json::Value;
use taskmaster_testkit::until;

#[test]
fn a_canary_takes_over_and_fails_no_request() {
    let world = World::new(CANARY);
    world.release("v1");
    let at = world.address();
    assert_eq!(get(at, "/").unwrap(), (200, "v1".to_owned()));
    assert!(world.state_dir().join(".gitignore").exists(), "the agent was here first");
    let load = Load::on(at);
    world.start("v2");
    let view = world.until_paused();
    assert_eq!(view["held"]["words"], "waits until somebody promotes it");
    let weights: Vec<&Value> = view["weights"].as_array().unwrap().iter().map(|at| &at["weight"]).collect();
    assert_eq!(weights, [0, 20, 50]);
    world.run("rollout promote web --wait --timeout 60s").code(0);
    until("the old version is gone", 20, || (world.pids().len() == 1).then_some(()));
    let sent = load.end();
    assert!(sent.failed.is_empty() && sent.answers > 20, "{sent:?}");
    assert_eq!(get(at, "/").unwrap(), (200, "v2".to_owned()));
    let pids = world.pids();
    world.run("agent stop").code(0);
    assert!(pids.iter().all(|pid| !is_running(*pid)), "nothing is left running");
    assert_eq!(world.agent()["agent"], Value::Null);
    assert!(!world.state_dir().join("agent.sock").exists());
    let history = world.run("rollout history web -o json").code(0).json();
    let outcomes: Vec<&Value> =
        history["releases"].as_array().unwrap().iter().map(|release| &release["outcome"]).collect();
    assert_eq!(outcomes, ["completed", "completed"]);
    world.run("audit").code(0);
}

#[test]
fn a_bad_version_is_taken_back_with_its_reason_in_words() {
    let steps = "{canary: {abortScaleDownDelay: 100ms, steps: [{setWeight: 50}, {pause: {}}]}}";
    let world = World::of(&file(steps, "load: {rate: 100}\n"));
    world.release("v1");
    let ended = world.run("rollout start web.yaml bad --wait --timeout 60s -o json").code(50).json();
    let why = ended["why"].as_str().unwrap();
    assert!(why.starts_with("errors: canary"), "{why}");
    assert!(ended["load"]["requests"].as_u64() > Some(10), "{}", ended["load"]);
    assert_eq!(world.view()["phase"], "rolled_back");
    for _ in 0..20 {
        assert_eq!(get(world.address(), "/").unwrap(), (200, "v1".to_owned()));
    }
    world.run("rollout status web").code(50);
}

/// Flagger's checks stand beside the steps, as does an analysis by Argo's rules.
#[test]
fn what_was_measured_beside_the_steps_is_known_to_the_end() {
    let of_errors = "    - name: errors\n      test: {of: errors, minimumSample: 20}\n";
    let counted = "    - {name: p95, source: proxy, query: {result: 'p95-milliseconds[10s]'}, range: {max: 9000}, interval: 10s}\n";
    for policy in ["flagger", "argo"] {
        let text = file(
            "{canary: {analysisFromStep: 1, steps: [{setWeight: 50}, {pause: {}}]}}",
            "load: {rate: 100}\n",
        );
        let text = text
            .replace(of_errors, counted)
            .replace("analysis:\n", &format!("analysis:\n  policy: {policy}\n"));
        let world = World::of(&text);
        world.release("v1");
        world.start("v2");
        let metric = |view: &Value| view["metrics"][0].clone();
        let has = |view: &Value, verdict: &str| {
            metric(view)["verdict"] == verdict && !metric(view)["words"].as_str().unwrap().is_empty()
        };
        // What is promoted is the step at hand: by Argo's rules it is measured before the pause is reached.
        world.until_paused();
        world.until("it was measured", |view| has(view, "measuring"));
        world.run("rollout promote web --wait --timeout 60s").code(0);
        world.until("that is known afterwards", |view| view["phase"] == "completed" && has(view, "passed"));
    }
}

#[test]
fn a_preview_is_switched_to_at_once() {
    let world = World::of(
        &file("{blueGreen: {autoPromotion: false, scaleDownDelay: 0s}}", "")
            .replace("listen: 127.0.0.1:0", "listen: 127.0.0.1:0\n  preview: 127.0.0.1:0"),
    );
    world.release("v1");
    world.start("v2");
    let view = world.until_paused();
    let preview = view["preview"].as_str().unwrap().trim_start_matches("http://").parse().unwrap();
    assert_eq!(get(preview, "/").unwrap().1, "v2");
    assert_eq!(get(world.address(), "/").unwrap().1, "v1");
    world.run("rollout promote web --wait --timeout 60s").code(0);
    assert_eq!(get(world.address(), "/").unwrap().1, "v2");
}

#[test]
fn another_version_overtakes_and_an_abort_brings_the_stable_one_back() {
    let world = World::new(CANARY);
    world.release("v1");
    world.start("v2");
    world.until_paused();
    world.start("v3");
    let view = world.until_paused();
    assert_eq!(view["versions"][1]["revision"], "v3", "{view}");
    until("the overtaken version is gone", 20, || (world.pids().len() == 2).then_some(()));
    world.run("rollout abort web --wait --timeout 30s").code(0);
    assert_eq!(world.view()["why"], "a person gave it up");
    let help = world.run("rollout abort web").code(2).stderr;
    assert!(help.contains("abort: nothing is under way"), "{help}");
    // While the version that was given up still waits for its end, it is asked for again.
    world.run("rollout retry web").code(0);
    world.until_paused();
    world.run("rollout promote web --full --wait --timeout 60s").code(0);
    world.run("rollout undo web --wait --timeout 1s").code(21);
    world.run("rollout promote web --full --wait --timeout 60s").code(0);
    let versions = world.view()["versions"].clone();
    assert_ne!(versions[0]["revision"], "v3", "{versions}");
    // The number of a version is that by which `undo` takes it: of its last release, not of its first.
    let history = world.run("rollout history web -o json").code(0).json();
    assert_eq!(versions[0]["number"], history["releases"][0]["number"], "{versions} {history}");
}

#[test]
fn services_that_were_ended_come_again_with_the_next_start() {
    let world = World::new(CANARY);
    world.release("v1");
    let at = world.address();
    world.start("v2");
    world.until_paused();
    let refused = world.run("agent stop").code(2).stderr;
    assert!(refused.contains("under way: web"), "{refused}");
    world.run("agent stop --force").code(0);
    let view = world.view();
    assert_eq!(view["native"], "stopped", "{view}");
    assert_eq!(world.agent()["agent"], Value::Null, "a question starts no agent");
    assert!(get(at, "/").is_err());
    world.start("v2");
    world.until_paused();
    assert_eq!(world.address(), at, "its door is where it was");
    let removed = world.run("rollout remove web -o json").code(0).json();
    assert_eq!(removed, serde_json::json!({ "removed": "web" }));
    let gone = world.run("rollout status web").code(2).stderr;
    assert!(gone.contains("there is no rollout web"), "{gone}");
    assert_ne!(world.agent()["agent"], Value::Null, "who is asked is the agent");
    world.run("rollout status web --serves v1").code(1);
    world.run("rollout remove web --if-there").code(0);
    assert!(world.pids().is_empty());
}

#[test]
fn an_agent_that_owns_nothing_ends_by_itself() {
    let world = World::with(&file(CANARY, ""), &[("TASKMASTER_AGENT_IDLE", "0.3")]);
    world.release("v1");
    world.run("rollout remove web").code(0);
    until("the agent's end", 20, || (world.agent()["agent"] == Value::Null).then_some(()));
}
