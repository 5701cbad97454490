//! Rollouts of a cluster, with a kubectl that answers from files and writes down what it was asked.

use super::sandbox;
use serde_json::{Value, json};
use taskmaster_testkit::{Finished, Sandbox};

/// `get` prints answer-1, answer-2 … and then the last one again and again; an answer that begins
/// with `Error` is one. `patch` does nothing; of the status it fails where `no-status` exists.
const KUBECTL: &str = r#"#!/bin/sh
echo "$*" >> calls
case "$1 $2" in
"get events") cat events; exit ;;
"get replicasets.apps") cat sets; exit ;;
get*)
  n=$(($(cat count 2>/dev/null || echo 0) + 1))
  if [ -e "answer-$n" ]; then echo $n > count; else n=$((n - 1)); fi
  if grep -q '^Error' "answer-$n"; then cat "answer-$n" >&2; exit 1; fi
  cat "answer-$n" ;;
patch*)
  case "$*" in *--subresource=status*)
    if [ -e no-status ]; then echo 'Error from server (NotFound): the server could not find the requested resource' >&2; exit 1; fi ;;
  esac ;;
esac
"#;

fn cluster(answers: &[&str]) -> Sandbox {
    let sandbox = sandbox().program("kubectl", KUBECTL);
    sandbox.write("events", r#"{"items": []}"#).write("calls", "");
    for (n, answer) in answers.iter().enumerate() {
        sandbox.write(&format!("answer-{}", n + 1), answer);
    }
    sandbox
}

/// A canary of two steps, with this status.
fn rollout(status: &Value) -> String {
    let mut all = json!({ "observedGeneration": "2", "currentPodHash": "new", "stableRS": "old" });
    let members = status.as_object().expect("a mapping").clone();
    all.as_object_mut().expect("a mapping").extend(members);
    json!({
        "metadata": { "name": "web", "uid": "u", "generation": 2 },
        "spec": {
            "selector": { "matchLabels": { "app": "web" } },
            "strategy": { "canary": { "trafficRouting": {}, "steps": [{ "setWeight": 20 }, { "pause": {} }] } },
            "template": { "spec": { "containers": [{ "name": "web", "image": "web:1" }] } },
        },
        "status": all,
    })
    .to_string()
}

fn going() -> String {
    rollout(&json!({ "phase": "Progressing", "message": "m", "currentStepIndex": 0 }))
}

fn paused() -> String {
    let conditions = json!([{ "reason": "CanaryPauseStep" }]);
    let weights = json!({ "weights": { "canary": { "weight": 20 } } });
    rollout(&json!({
        "phase": "Paused", "message": "CanaryPauseStep", "currentStepIndex": 1, "controllerPause": true,
        "pauseConditions": conditions, "canary": weights,
    }))
}

fn healthy() -> String {
    rollout(&json!({ "phase": "Healthy", "currentStepIndex": 2, "currentPodHash": "old" }))
}

fn degraded() -> String {
    rollout(
        &json!({ "phase": "Degraded", "message": "RolloutAborted: m", "currentStepIndex": 0, "abort": true }),
    )
}

const REFUSED: &str = "Error: The connection to the server localhost:8080 was refused";
const MISSING: &str = r#"Error from server (NotFound): rollouts.argoproj.io "web" not found"#;

fn drive(sandbox: &Sandbox, line: &str) -> Finished {
    sandbox.run(&format!("kube-rollout argo {line} --interval=5ms"))
}

/// The patches that were sent.
fn patches(sandbox: &Sandbox) -> Vec<String> {
    let calls = sandbox.read("calls").expect("calls");
    calls.lines().filter(|line| line.starts_with("patch")).map(str::to_owned).collect()
}

#[test]
fn a_wait_tells_every_change_once_and_ends_with_the_goal() {
    let (going, paused, healthy) = (going(), paused(), healthy());
    let sandbox = cluster(&[MISSING, &going, REFUSED, &going, &paused, &paused, &healthy]);
    let ended = drive(&sandbox, "status web --namespace=shop --context=kind").code(0);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines[1], "Progressing (m), step 1 of 2 (setWeight 20), weight 20");
    assert_eq!(lines[4], "Paused (CanaryPauseStep), step 2 of 2 (pause), weight 20");
    assert_eq!(lines[5], "Healthy, all 2 steps done, weight 100");
    assert_eq!(lines.len(), 6, "{lines:?}");
    let calls = sandbox.read("calls").expect("calls");
    let first =
        "get rollouts.argoproj.io web --output=json --context=kind --namespace=shop --request-timeout=20s";
    assert_eq!(calls.lines().next(), Some(first));
}

#[test]
fn the_ends_of_a_wait() {
    for (answer, line, code, said) in [
        (paused(), "wait web --for=paused", 0, ""),
        (healthy(), "wait web --timeout=0s", 0, ""),
        (going(), "wait web --timeout=0s", 1, "not so: Progressing"),
        (
            MISSING.to_owned(),
            "wait web --timeout=0s",
            1,
            "not so: kubectl get rollouts.argoproj.io/web: Error",
        ),
        (REFUSED.to_owned(), "wait web --timeout=0s", 2, "help: look whether the cluster answers"),
        (REFUSED.to_owned(), "wait web", 2, "refused"),
        (degraded(), "wait web", 1, "not so: Degraded (RolloutAborted: m)"),
        (going(), "wait web --timeout=30ms", 1, "not so: timed out after 30ms: Progressing"),
        ("[]".to_owned(), "wait web", 2, "this is no readable Rollout"),
        ("nonsense".to_owned(), "wait web --timeout=0s", 2, "something else than JSON"),
    ] {
        let sandbox = cluster(&[&answer]);
        let ended = drive(&sandbox, line).code(code);
        assert!(ended.stderr.contains(said), "{line}: {}", ended.stderr);
    }
}

#[test]
fn events_of_earlier_releases_are_left_out() {
    let event = |time: &str, message: &str| json!({ "type": "Warning", "reason": "RolloutAborted", "message": message, "lastTimestamp": time });
    let told = |items: serde_json::Value| {
        let sandbox = cluster(&[&degraded()]);
        sandbox.write("events", json!({ "items": items }).to_string());
        drive(&sandbox, "wait web").code(1).stderr
    };
    let (old, new) = (event("2001-01-01T00:00:00Z", "once"), event("2999-01-01T00:00:00Z", "now"));
    let both = told(json!([old, new]));
    assert!(both.contains("RolloutAborted: now") && !both.contains("once"), "{both}");
    let only = told(json!([old]));
    assert!(only.contains("RolloutAborted: once"), "better than none: {only}");
}

#[test]
fn a_failed_wait_tells_the_last_events() {
    let sandbox = cluster(&[&degraded()]);
    let event = json!({ "type": "Warning", "reason": "RolloutAborted", "message": "metric \u{1b}[2Jerrors" });
    sandbox.write("events", json!({ "items": [event] }).to_string());
    let ended = drive(&sandbox, "wait web").code(1);
    assert!(ended.stderr.contains("event: Warning RolloutAborted: metric  [2Jerrors"), "{}", ended.stderr);
    let asked = "--field-selector=involvedObject.kind=Rollout,involvedObject.name=web";
    assert!(sandbox.read("calls").expect("calls").contains(asked));
    let sandbox = cluster(&[&degraded()]);
    drive(&sandbox, "wait web --timeout=0s").code(1);
    assert!(!sandbox.read("calls").expect("calls").contains("events"), "a check only asks");
}

#[test]
fn promote_sends_the_status_first_and_the_unified_patch_to_old_servers() {
    let sandbox = cluster(&[&going()]);
    drive(&sandbox, "promote web").code(0);
    let status = r#"patch rollouts.argoproj.io web --type=merge --patch={"status":{"currentStepIndex":1,"pauseConditions":null}} --subresource=status --request-timeout=20s"#;
    assert_eq!(patches(&sandbox), [status]);

    let sandbox = cluster(&[&going()]);
    sandbox.write("no-status", "");
    drive(&sandbox, "promote web").code(0);
    let unified = r#"patch rollouts.argoproj.io web --type=merge --patch={"spec":{"paused":false},"status":{"currentStepIndex":1,"pauseConditions":null}} --request-timeout=20s"#;
    assert_eq!(patches(&sandbox), [status, unified]);
}

#[test]
fn a_verb_waits_until_the_last_change_was_seen() {
    let unseen = healthy().replace(r#""observedGeneration":"2""#, r#""observedGeneration":"1""#);
    let sandbox = cluster(&[&unseen, &unseen, &paused()]);
    let ended = drive(&sandbox, "promote web").code(0);
    assert!(
        ended.stdout.starts_with("Progressing (waiting for rollout spec update to be observed)"),
        "{}",
        ended.stdout
    );
    assert_eq!(patches(&sandbox).len(), 1);
}

#[test]
fn a_verb_that_does_not_fit_says_why() {
    for (answer, line, code, said) in [
        (healthy(), "abort web", 2, "error: there is nothing to abort"),
        (degraded(), "promote web", 2, "help: `verb: retry` starts it again"),
        (
            going(),
            "set-image web --image=wbe=x",
            2,
            "error: there is no container named `wbe`; there are web",
        ),
        (MISSING.to_owned(), "promote web", 2, "help: look at name, namespace and context"),
        (going(), "set-image web", 2, "no image is given"),
    ] {
        let sandbox = cluster(&[&answer]);
        let ended = drive(&sandbox, line).code(code);
        assert!(ended.stderr.contains(said), "{line}: {}", ended.stderr);
        assert_eq!(patches(&sandbox), Vec::<String>::new(), "{line}");
    }
    for (answer, line, said) in [
        (healthy(), "promote web", "nothing to do: the rollout is fully promoted already"),
        (healthy(), "promote-full web", "nothing to do: the rollout is fully promoted already"),
        (degraded(), "abort web", "nothing to do: the rollout is aborted already"),
        (going(), "set-image web --image=web=web:1", "nothing to do: the images are as wanted already"),
    ] {
        let sandbox = cluster(&[&answer]);
        assert!(drive(&sandbox, line).code(0).stdout.contains(said), "{line}");
    }
}

#[test]
fn images_are_set_and_asked_for() {
    let sandbox = cluster(&[&going()]);
    drive(&sandbox, "set-image web --image=web=web:2 --check").code(1);
    drive(&sandbox, "set-image web --image=web=web:1 --check").code(0);
    assert_eq!(patches(&sandbox), Vec::<String>::new());
    drive(&sandbox, "set-image web --image=web=web:2").code(0);
    let sent = patches(&sandbox).concat();
    assert!(sent.contains(r#"--type=json"#) && sent.contains(r#""value":"web:2""#), "{sent}");
}

#[test]
fn undo_takes_the_template_of_a_replica_set() {
    let set = |revision: &str, image: &str| {
        json!({
            "metadata": {
                "annotations": { "rollout.argoproj.io/revision": revision },
                "ownerReferences": [{ "uid": "u", "controller": true }],
            },
            "spec": { "template": { "spec": { "containers": [{ "name": "web", "image": image }] } } },
        })
    };
    let sandbox = cluster(&[&going()]);
    sandbox.write("sets", json!({ "items": [set("1", "web:0"), set("2", "web:1")] }).to_string());
    drive(&sandbox, "undo web").code(0);
    let sent = patches(&sandbox).concat();
    assert!(sent.contains(r#""path":"/spec/template""#) && sent.contains("web:0"), "{sent}");
    assert!(sandbox.read("calls").expect("calls").contains("--selector=app=web"));
    drive(&sandbox, "undo web --to-revision=2").code(0);
    let ended = drive(&sandbox, "undo web --to-revision=7").code(2);
    assert!(
        ended.stderr.contains("there is no revision 7 in the history; there are 1, 2"),
        "{}",
        ended.stderr
    );
    assert_eq!(patches(&sandbox).len(), 1);
}

#[test]
fn other_objects_are_waited_for() {
    for (kind, status, code) in [
        ("analysis-run", json!({ "phase": "Successful" }), 0),
        ("analysis-run", json!({ "phase": "Inconclusive" }), 1),
        ("flagger", json!({ "phase": "Succeeded" }), 0),
        ("flagger", json!({ "phase": "Failed" }), 1),
        ("application", json!({ "sync": { "status": "Synced" }, "health": { "status": "Healthy" } }), 0),
    ] {
        let sandbox = cluster(&[&json!({ "status": status }).to_string()]);
        sandbox.run(&format!("kube-rollout {kind} wait web --interval=5ms")).code(code);
    }
    let sandbox = cluster(&[]);
    let ended = sandbox.run("kube-rollout flagger promote web").code(2);
    assert!(ended.stderr.contains("only a rollout of kind argo"), "{}", ended.stderr);
}

#[test]
fn a_task_of_a_catalogue_drives_a_rollout_by_this_very_program() {
    let sandbox = cluster(&[&going(), &paused(), &healthy()]);
    sandbox.write("prd.md", "# P\n\n## Phase 1: Release\n\n- [ ] T001 Release it\n");
    let action = "{rollout: {kind: argo, namespace: shop, name: web, verb: wait, for: weight 20}}";
    sandbox.write("tasks/local.yaml", format!("tasks:\n  T001:\n    check: none\n    run: {action}\n"));
    sandbox.run("run prd.md --no-wait").code(0);
    let log = sandbox.run("logs T001").code(0).stdout;
    assert!(log.contains("Progressing (m), step 1 of 2"), "{log}");
    assert!(log.contains("Paused (CanaryPauseStep), step 2 of 2"), "{log}");
}

#[test]
fn it_is_hidden_from_help() {
    let help = sandbox().run("--help").code(0).stdout;
    assert!(!help.contains("kube-rollout"), "{help}");
}
