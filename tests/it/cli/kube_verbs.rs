//! The verbs of `taskmaster rollout` on Argo Rollouts and Flagger, with a kubectl that answers from files
//! and writes down what it was sent.

use super::sandbox;
use rustix::process::{Pid, Signal};
use serde_json::{Value, json};
use taskmaster_testkit::{Finished, Sandbox, until};

/// `get RESOURCE NAME` prints `get.RESOURCE.NAME.N`, where N is the number of things sent so far, or the
/// nearest one before; lists are called `list`. Without such a file there is no such object. What begins
/// with `Error` is a fault. Whatever is sent is a line of `sent`, and refused where `refuse.N` says why. Where there is `slow`, gates take a second.
const KUBECTL: &str = r#"#!/bin/sh
echo "$*" >> calls
n=$(wc -l < sent)
case "$1" in
get)
  name=$3
  case "$3" in --*) name=list ;; esac
  file=get.$2.$name
  while [ "$n" -ge 0 ] && [ ! -e "$file.$n" ]; do n=$((n - 1)); done
  if [ "$n" -lt 0 ] && [ "$name" = list ]; then echo '{"items": []}'; exit; fi
  if [ "$n" -lt 0 ]; then echo "Error from server (NotFound): $2 \"$name\" not found" >&2; exit 1; fi
  if grep -q '^[eE]rror' "$file.$n"; then cat "$file.$n" >&2; exit 1; fi
  cat "$file.$n" ;;
patch) echo "$*" >> sent ;;
create)
  body=$(cat)
  if [ -e slow ]; then sleep 1; fi
  echo "$* < $body" >> sent ;;
esac
if [ -e "refuse.$n" ] && [ "$1" != get ]; then cat "refuse.$n" >&2; exit 1; fi
"#;

/// A cluster with these objects: `(RESOURCE.NAME, sent before, object)`.
fn cluster(answers: &[(&str, usize, Value)]) -> Sandbox {
    let sandbox = sandbox().program("kubectl", KUBECTL);
    sandbox.write("calls", "").write("sent", "");
    for (name, sent, answer) in answers {
        let text = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
        sandbox.write(&format!("get.{name}.{sent}"), text);
    }
    sandbox
}

const ROLLOUT: &str = "rollouts.argoproj.io.web";
const CANARY: &str = "canaries.flagger.app.web";
const SETS: &str = "replicasets.apps.list";
const RUNS: &str = "analysisruns.argoproj.io.list";

fn run(sandbox: &Sandbox, line: &str) -> Finished {
    sandbox.run(&format!("rollout {line} -n shop"))
}

/// What was sent, without what every request has in common.
fn sent(sandbox: &Sandbox) -> Vec<String> {
    let text = sandbox.read("sent").expect("sent");
    text.lines().map(|line| line.replace(" --namespace=shop --request-timeout=20s", "")).collect()
}

/// A canary of three steps with a router, at its first step.
fn rollout(over: &Value) -> Value {
    let mut object = json!({
        "metadata": { "name": "web", "namespace": "shop", "uid": "u", "generation": 2 },
        "spec": {
            "selector": { "matchLabels": { "app": "web" } },
            "strategy": { "canary": {
                "trafficRouting": {},
                "steps": [{ "setWeight": 20 }, { "pause": {} }, { "analysis": { "templates": [{ "templateName": "errors" }] } }],
            } },
            "template": { "spec": { "containers": [{ "name": "web", "image": "web:2" }] } },
        },
        "status": {
            "observedGeneration": "2", "currentPodHash": "new", "stableRS": "old", "phase": "Progressing",
            "message": "more replicas need to be updated", "currentStepIndex": 0,
            "canary": { "weights": { "canary": { "weight": 20 } } },
        },
    });
    for (path, value) in over.as_object().expect("places and values") {
        let (parent, member) = path.rsplit_once('/').expect("a place");
        object.pointer_mut(parent).expect("a parent")[member] = value.clone();
    }
    object
}

fn going() -> Value {
    rollout(&json!({}))
}

fn at_pause() -> Value {
    rollout(&json!({
        "/status/currentStepIndex": 1, "/status/phase": "Paused", "/status/message": "CanaryPauseStep",
        "/status/controllerPause": true,
        "/status/pauseConditions": [{ "reason": "CanaryPauseStep", "startTime": "2026-01-01T00:00:00Z" }],
    }))
}

fn paused_at_pause() -> Value {
    let mut object = at_pause();
    object["spec"]["paused"] = true.into();
    object
}

fn aborted() -> Value {
    rollout(&json!({
        "/status/abort": true, "/status/phase": "Degraded",
        "/status/message": "RolloutAborted: Metric \"errors\" assessed Failed",
        "/status/canary": { "weights": { "canary": { "weight": 0 } } },
    }))
}

fn healthy() -> Value {
    rollout(&json!({
        "/status/phase": "Healthy", "/status/message": "", "/status/currentPodHash": "old",
        "/status/currentStepIndex": 3,
    }))
}

fn set(revision: &str, hash: &str, pods: u32) -> Value {
    json!({
        "metadata": {
            "labels": { "rollouts-pod-template-hash": hash, "pod-template-hash": hash },
            "annotations": { "rollout.argoproj.io/revision": revision },
            "ownerReferences": [{ "uid": "u", "controller": true }],
        },
        "spec": {
            "replicas": pods,
            "template": { "spec": { "containers": [{ "name": "web", "image": format!("web:{revision}") }] } },
        },
        "status": { "replicas": pods, "availableReplicas": pods },
    })
}

fn sets() -> Value {
    json!({ "items": [set("1", "old", 4), set("2", "new", 1)] })
}

/// A canary of Flagger with gates of its load tester.
fn canary(phase: &str) -> Value {
    let hook = |kind: &str, name: &str, url: &str| json!({ "type": kind, "name": name, "url": url });
    json!({
        "metadata": { "name": "web", "namespace": "shop", "uid": "c" },
        "spec": {
            "targetRef": { "kind": "Deployment", "name": "web" },
            "analysis": {
                "interval": "10s", "threshold": 2, "stepWeight": 50,
                "webhooks": [
                    hook("confirm-rollout", "begin", "http://tester.test/gate/check"),
                    hook("confirm-promotion", "promote", "http://tester.test/gate/check"),
                    hook("rollback", "back", "http://tester.test/rollback/check"),
                ],
            },
        },
        "status": { "phase": phase },
    })
}

fn workload(image: &str) -> Value {
    json!({
        "metadata": { "name": "web", "uid": "u" },
        "spec": {
            "replicas": 1,
            "selector": { "matchLabels": { "app": "web" } },
            "template": { "spec": { "containers": [{ "name": "web", "image": image }] } },
        },
        "status": { "replicas": 1, "availableReplicas": 1 },
    })
}

#[test]
fn a_name_means_the_object_that_is_there() {
    for (answers, line, kind) in [
        (vec![(ROLLOUT, 0, going())], "status web", "rollout"),
        (vec![(CANARY, 0, canary("Progressing"))], "status web", "canary"),
        (vec![(ROLLOUT, 0, going()), (CANARY, 0, canary("Progressing"))], "status rollout/web", "rollout"),
        (vec![(ROLLOUT, 0, going()), (CANARY, 0, canary("Progressing"))], "status canary/web", "canary"),
        // A cluster without Flagger.
        (
            vec![
                (ROLLOUT, 0, going()),
                (CANARY, 0, "error: the server doesn't have a resource type \"canaries\"".into()),
            ],
            "status web",
            "rollout",
        ),
    ] {
        let view = run(&cluster(&answers), &format!("{line} -o json")).code(0).json();
        assert_eq!(
            (&view["kind"], &view["name"], &view["namespace"]),
            (&kind.into(), &"web".into(), &"shop".into())
        );
    }
    for (answers, code, said) in [
        (vec![], 2, "there is no rollout web in namespace shop"),
        (
            vec![(ROLLOUT, 0, going()), (CANARY, 0, canary("Progressing"))],
            2,
            "help: name it `rollout/NAME` or `canary/NAME`",
        ),
        (
            vec![(ROLLOUT, 0, "Error from server (Forbidden): rollouts.argoproj.io is forbidden".into())],
            1,
            "help: look at the rights of the kubeconfig's user",
        ),
        (
            vec![(ROLLOUT, 0, "Error: The connection to the server localhost:8080 was refused".into())],
            1,
            "the cluster does not answer",
        ),
        (vec![(ROLLOUT, 0, "[]".into())], 1, "this is no readable Rollout"),
        // What answers is there, whatever it says; and one kind does not stand in for the other unasked.
        (
            vec![(ROLLOUT, 0, "Error from server: admission webhook denied the request".into())],
            1,
            "error: kubectl get rollouts.argoproj.io/web: Error from server: admission",
        ),
        (
            vec![
                (ROLLOUT, 0, going()),
                (CANARY, 0, "Error from server (InternalError): etcdserver: no".into()),
            ],
            1,
            "error: kubectl get canaries.flagger.app/web: Error from server",
        ),
    ] {
        let ended = run(&cluster(&answers), "status web").code(code);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}

#[test]
fn a_rollout_is_shown_with_what_belongs_to_it() {
    let run_of = json!({
        "metadata": {
            "labels": { "rollouts-pod-template-hash": "new", "rollout-type": "Step", "step-index": "2" },
            "ownerReferences": [{ "uid": "u" }],
        },
        "spec": { "metrics": [{ "name": "errors", "successCondition": "result < 1" }] },
        "status": { "phase": "Successful", "metricResults": [{
            "name": "errors", "phase": "Successful", "count": 1, "successful": 1, "measurements": [{ "value": "0.5" }],
        }] },
    });
    let sandbox =
        cluster(&[(ROLLOUT, 0, at_pause()), (SETS, 0, sets()), (RUNS, 0, json!({ "items": [run_of] }))]);
    let view = run(&sandbox, "status rollout/web -o json").code(0).json();
    let place = |path: &str| view.pointer(path).cloned().unwrap_or_default();
    for (path, wanted) in [
        ("/phase", json!("analyzing")),
        ("/native", json!("Paused")),
        ("/strategy", json!("canary")),
        ("/held/by", json!("step")),
        ("/held/words", json!("step 2 of 3 waits for a person")),
        ("/step", json!(1)),
        ("/steps/0", json!({ "words": "weight 20 %", "state": "done" })),
        ("/steps/2/words", json!("analysis of errors")),
        ("/versions/0/label", json!("web:1")),
        ("/versions/0/role", json!("stable")),
        ("/versions/1/weight", json!(20)),
        ("/versions/1/number", json!(2)),
        ("/metrics/0/verdict", json!("passed")),
        ("/metrics/0/recent", json!([0.5])),
    ] {
        assert_eq!(place(path), wanted, "{path}");
    }
    let calls = sandbox.read("calls").expect("calls");
    for asked in [
        "get replicasets.apps --selector=app=web --output=json --namespace=shop",
        "get analysisruns.argoproj.io --selector=rollouts-pod-template-hash=new",
        "get events --field-selector=involvedObject.kind=Rollout,involvedObject.name=web",
    ] {
        assert!(calls.contains(asked), "{asked}: {calls}");
    }
    let sandbox = cluster(&[(ROLLOUT, 0, aborted()), (SETS, 0, sets())]);
    let view = run(&sandbox, "status rollout/web -o json").code(50).json();
    assert_eq!(
        (&view["phase"], &view["why"]),
        (&"rolled_back".into(), &"Metric \"errors\" assessed Failed".into())
    );
}

#[test]
fn every_verb_sends_its_patches() {
    let spec = |body: &str| format!("patch rollouts.argoproj.io web --type=merge --patch={body}");
    let status = |body: &str| format!("{} --subresource=status", spec(body));
    let unpause = || spec(r#"{"spec":{"paused":false}}"#);
    let seen = concat!(
        r#"patch rollouts.argoproj.io web --type=json --patch=[{"op":"test","path":"/status/pauseConditions/0/reason","value":"CanaryPauseStep"},"#,
        r#"{"op":"test","path":"/status/pauseConditions/0/startTime","value":"2026-01-01T00:00:00Z"},{"op":"remove","path":"/status/pauseConditions"}] --subresource=status"#,
    );
    for (object, line, patches) in [
        (at_pause(), "promote", vec![status(r#"{"status":{"pauseConditions":null}}"#)]),
        (going(), "promote", vec![status(r#"{"status":{"currentStepIndex":1,"pauseConditions":null}}"#)]),
        (paused_at_pause(), "promote", vec![unpause(), seen.to_owned()]),
        (paused_at_pause(), "resume", vec![unpause(), seen.to_owned()]),
        (at_pause(), "resume", vec![status(r#"{"status":{"pauseConditions":null}}"#)]),
        (aborted(), "promote --full", vec![status(r#"{"status":{"promoteFull":true}}"#)]),
        (going(), "pause", vec![spec(r#"{"spec":{"paused":true}}"#)]),
        (going(), "abort", vec![status(r#"{"status":{"abort":true}}"#)]),
        (aborted(), "retry", vec![status(r#"{"status":{"abort":false}}"#)]),
        // What holds already is no fault.
        (going(), "resume", vec![]),
        (paused_at_pause(), "pause", vec![]),
        (aborted(), "abort", vec![]),
        (going(), "retry", vec![]),
        (healthy(), "promote --full", vec![]),
        (healthy(), "promote", vec![]),
    ] {
        let sandbox = cluster(&[(ROLLOUT, 0, object), (SETS, 0, sets())]);
        let (verb, flags) = line.split_once(' ').unwrap_or((line, ""));
        run(&sandbox, &format!("{verb} rollout/web {flags}")).code(0);
        assert_eq!(sent(&sandbox), patches, "{line}");
    }
}

#[test]
fn a_pause_that_was_over_meanwhile_is_no_fault() {
    let sandbox = cluster(&[(ROLLOUT, 0, paused_at_pause()), (ROLLOUT, 1, going()), (SETS, 0, sets())]);
    sandbox.write(
        "refuse.1",
        "The request is invalid: the server rejected our request due to an error in our request",
    );
    run(&sandbox, "resume rollout/web").code(0);
    assert_eq!(sent(&sandbox).len(), 2);
    let sandbox = cluster(&[(ROLLOUT, 0, paused_at_pause()), (SETS, 0, sets())]);
    sandbox.write("refuse.1", "Error from server (Forbidden): no");
    run(&sandbox, "resume rollout/web").code(1);
}

#[test]
fn a_verb_that_means_nothing_says_what_does() {
    for (object, line, said) in [
        (healthy(), "abort", ["nothing to abort", "help: `undo` goes back"]),
        (aborted(), "promote", ["the rollout is aborted", "help: `retry` starts it again"]),
        (
            going(),
            "undo --to 7",
            ["there is no revision 7 in the history; there are 1, 2", "help: `history`"],
        ),
    ] {
        let sandbox = cluster(&[(ROLLOUT, 0, object), (SETS, 0, sets())]);
        let (verb, flags) = line.split_once(' ').unwrap_or((line, ""));
        let ended = run(&sandbox, &format!("{verb} rollout/web {flags}")).code(2);
        assert!(said.iter().all(|said| ended.stderr.contains(said)), "{line}: {}", ended.stderr);
        assert_eq!(sent(&sandbox), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn a_version_is_asked_for_waited_for_and_taken_back() {
    let image = "--image web=web:3";
    let sandbox = cluster(&[(ROLLOUT, 0, healthy()), (ROLLOUT, 1, going()), (SETS, 0, sets())]);
    let view = run(&sandbox, &format!("start web {image} -o json")).code(0).json();
    assert_eq!(view["phase"], "analyzing");
    let patch = sent(&sandbox).concat();
    assert!(patch.contains("--type=json") && patch.contains(r#""value":"web:3""#), "{patch}");
    // A status that is older than the change says of nothing that it is over.
    let mut unseen = healthy();
    unseen["metadata"]["generation"] = 3.into();
    for (end, code) in [(healthy(), 0), (aborted(), 50)] {
        let sandbox = cluster(&[(ROLLOUT, 0, end), (SETS, 0, sets())]);
        run(&sandbox, "resume rollout/web --wait --timeout 30s").code(code);
    }
    let sandbox = cluster(&[(ROLLOUT, 0, unseen), (SETS, 0, sets())]);
    run(&sandbox, "resume rollout/web --wait --timeout 20ms").code(51);
    let sandbox = cluster(&[(ROLLOUT, 0, at_pause()), (SETS, 0, sets())]);
    run(&sandbox, "pause rollout/web --wait --timeout 20ms").code(21);
    // The same images again start nothing that was given up.
    let sandbox = cluster(&[(ROLLOUT, 0, aborted()), (SETS, 0, sets())]);
    let ended = run(&sandbox, "start web --image web=web:2").code(2);
    assert!(ended.stderr.contains("`retry` starts it again"), "{}", ended.stderr);
    let ended = run(&sandbox, "start web --image wbe=web:2").code(2);
    assert!(ended.stderr.contains("there is no container named `wbe`; there are web"), "{}", ended.stderr);
}

#[test]
fn history_and_the_way_back() {
    let sandbox = cluster(&[(ROLLOUT, 0, going()), (SETS, 0, sets())]);
    let history = run(&sandbox, "history rollout/web -o json").code(0).json();
    let row = |n: usize| {
        let release = &history["releases"][n];
        ["number", "label", "outcome", "is_stable"].map(|key| release[key].clone())
    };
    assert_eq!(row(0), [json!(2), json!("web:2"), json!("under_way"), json!(false)]);
    assert_eq!(row(1), [json!(1), json!("web:1"), json!("completed"), json!(true)]);
    run(&sandbox, "undo rollout/web").code(0);
    let patch = sent(&sandbox).concat();
    assert!(patch.contains(r#""path":"/spec/template""#) && patch.contains("web:1"), "{patch}");
}

#[test]
fn gates_of_flagger_are_opened_and_closed_again() {
    let url = |path: &str| {
        format!(
            r#"create --raw=/api/v1/namespaces/test/services/tester:80/proxy/{path} --filename=- < {{"name":"web","namespace":"shop"}}"#
        )
    };
    for (line, before, after, gate) in [
        ("promote", "Waiting", "Progressing", "gate"),
        ("promote", "WaitingPromotion", "Promoting", "gate"),
        ("abort", "Progressing", "Failed", "rollback"),
    ] {
        let sandbox = cluster(&[
            (CANARY, 0, canary(before)),
            (CANARY, 1, canary(after)),
            ("deployments.apps.web", 0, workload("web:2")),
            ("deployments.apps.web-primary", 0, workload("web:1")),
        ]);
        let view = run(&sandbox, &format!("{line} canary/web -o json")).code(0).json();
        assert_eq!(sent(&sandbox), [url(&format!("{gate}/open")), url(&format!("{gate}/close"))], "{line}");
        assert_eq!(view["native"], after);
    }
    // One that cannot be closed at once.
    let between = || [(CANARY, 0, canary("Waiting")), (CANARY, 1, canary("Progressing"))];
    let sandbox = cluster(&between());
    sandbox.write("refuse.1", "Error from server (ServiceUnavailable): no endpoints");
    run(&sandbox, "promote canary/web").code(0);
    assert_eq!(sent(&sandbox), [url("gate/open"), url("gate/close"), url("gate/close")]);
    // One that cannot be closed at all: how it is done goes before all else.
    let sandbox = cluster(&between());
    for n in 1..=3 {
        sandbox.write(&format!("refuse.{n}"), "Error from server (ServiceUnavailable): no endpoints");
    }
    let ended = run(&sandbox, "promote canary/web").code(1);
    assert_eq!(sent(&sandbox).len(), 4);
    let command = r#"printf %s '{"name":"web","namespace":"shop"}' | kubectl create '--raw=/api/v1/namespaces/test/services/tester:80/proxy/gate/close' '--filename=-' '--namespace=shop'"#;
    for said in
        ["error: still open, and lets every later version through: begin (kubectl", "help: close it", command]
    {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    // Whatever happens after it was opened.
    let sandbox = cluster(&[
        (CANARY, 0, canary("Waiting")),
        (CANARY, 1, "Error from server (Forbidden): canaries.flagger.app is forbidden".into()),
    ]);
    run(&sandbox, "promote canary/web").code(1);
    assert_eq!(sent(&sandbox), [url("gate/open"), url("gate/close")]);
    // A load tester that is not there.
    let sandbox = cluster(&[(CANARY, 0, canary("Waiting"))]);
    sandbox.write("refuse.0", "Error from server (NotFound): services \"tester\" not found");
    let ended = run(&sandbox, "promote canary/web").code(1);
    assert!(ended.stderr.contains("services \"tester\" not found"), "{}", ended.stderr);
    assert_eq!(sent(&sandbox), [url("gate/open")], "what was not opened needs no closing");
}

#[test]
fn a_gate_of_the_release_before_is_not_opened() {
    let hook = |kind: &str, name: &str| json!({ "type": kind, "name": name, "url": "http://tester.test/gate/check" });
    let mut object = canary("Progressing");
    object["spec"]["analysis"]["webhooks"] = json!([hook("confirm-traffic-increase", "more")]);
    object["status"]["conditions"] = json!([{
        "type": "Promoted", "status": "Unknown",
        "lastTransitionTime": "2026-01-02T00:00:00Z", "lastUpdateTime": "2026-01-02T00:00:00Z",
    }]);
    let halt = |at: &str| {
        let message = "Halt web.shop advancement waiting for traffic increase approval more";
        json!({ "items": [{ "type": "Warning", "reason": "Synced", "message": message, "lastTimestamp": at }] })
    };
    let sandbox = cluster(&[(CANARY, 0, object.clone()), ("events.list", 0, halt("2026-01-01T00:00:00Z"))]);
    run(&sandbox, "promote canary/web").code(2);
    assert_eq!(sent(&sandbox), Vec::<String>::new());
    let sandbox = cluster(&[
        (CANARY, 0, object),
        (CANARY, 1, canary("Promoting")),
        ("events.list", 0, halt("2026-01-02T00:01:00Z")),
    ]);
    run(&sandbox, "promote canary/web").code(0);
    assert_eq!(sent(&sandbox).len(), 2);
}

#[test]
fn names_that_others_write_are_no_options_and_no_commands() {
    let mut object = canary("Failed");
    object["spec"]["targetRef"]["name"] = "--kubeconfig=/tmp/x".into();
    let sandbox = cluster(&[(CANARY, 0, object.clone())]);
    let ended = run(&sandbox, "start canary/web --image web=web:2").code(2);
    assert!(ended.stderr.contains("`--kubeconfig=/tmp/x` is no name of an object"), "{}", ended.stderr);
    object["spec"]["targetRef"]["name"] = "web;$(reboot)\u{1b}[2J".into();
    let sandbox = cluster(&[(CANARY, 0, object)]);
    let ended = run(&sandbox, "retry canary/web").code(2);
    assert!(
        ended.stderr.contains("help: Flagger tries what is new: a restart of its workload"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("reboot") && !ended.stderr.contains('\u{1b}'), "{}", ended.stderr);
    assert_eq!(sent(&sandbox), Vec::<String>::new());
}

#[test]
fn nothing_is_sent_whose_end_could_not_be_shown() {
    for line in ["promote", "abort --wait", "start --image=web=web:3"] {
        let sandbox = cluster(&[(ROLLOUT, 0, at_pause()), (SETS, 0, sets())]);
        let (verb, flags) = line.split_once(' ').unwrap_or((line, ""));
        let ended = run(&sandbox, &format!("{verb} rollout/web {flags} -o html")).code(2);
        assert!(ended.stderr.contains("not made as html"), "{line}: {}", ended.stderr);
        assert_eq!(sandbox.read("calls").as_deref(), Some(""), "{line}");
    }
}

#[test]
fn who_waits_for_a_canary_waits_for_the_release_at_hand() {
    let set = |created: &str| {
        json!({ "items": [{
            "metadata": {
                "creationTimestamp": created, "annotations": { "deployment.kubernetes.io/revision": "2" },
                "ownerReferences": [{ "uid": "u", "controller": true }],
            },
            "spec": { "replicas": 0 },
        }] })
    };
    let mut failed = canary("Failed");
    failed["status"]["lastTransitionTime"] = "2026-01-01T00:00:00Z".into();
    for (created, said) in [
        ("2026-01-01T00:10:00Z", "Flagger has not seen the last change of web yet"),
        ("2025-12-31T23:50:00Z", "not so: Failed"),
    ] {
        let sandbox = cluster(&[
            (CANARY, 0, failed.clone()),
            ("deployments.apps.web", 0, workload("web:2")),
            ("deployments.apps.web-primary", 0, workload("web:1")),
            (SETS, 0, set(created)),
        ]);
        let ended = sandbox.run("kube-rollout flagger wait web --timeout=30ms --interval=5ms").code(1);
        assert!(ended.stderr.contains(said), "{created}: {}", ended.stderr);
        let is_patient = ended.stderr.contains("timed out");
        assert_eq!(is_patient, created.starts_with("2026"), "{created}: {}", ended.stderr);
    }
}

#[test]
fn a_signal_is_not_lost_while_a_gate_is_moved() {
    // One while it is opened, and one while it is closed, of a verb that would go on to wait.
    for (after, begun, said) in
        [("Waiting", "gate/open", "is not known"), ("Progressing", "gate/close", "has acted")]
    {
        let sandbox = cluster(&[(CANARY, 0, canary("Waiting")), (CANARY, 1, canary(after))]);
        sandbox.write("slow", "");
        let promote = sandbox.start("rollout promote canary/web -n shop --wait --timeout 30s");
        until("the gate is on its way", 20, || sandbox.read("calls")?.contains(begun).then_some(()));
        rustix::process::kill_process(
            Pid::from_raw(i32::try_from(promote.pid()).unwrap()).unwrap(),
            Signal::INT,
        )
        .unwrap();
        let ended = promote.wait().code(22);
        assert!(ended.stderr.contains(said) && ended.stderr.contains("closed again"), "{}", ended.stderr);
        assert!(sent(&sandbox).last().is_some_and(|line| line.contains("gate/close")));
    }
}

#[test]
fn a_gate_is_closed_although_nobody_waits_any_more() {
    for signal in [Signal::INT, Signal::TERM] {
        let sandbox = cluster(&[(CANARY, 0, canary("Waiting"))]);
        let promote = sandbox.start("rollout promote canary/web -n shop");
        until("the gate is open", 20, || {
            sent(&sandbox).iter().any(|line| line.contains("gate/open")).then_some(())
        });
        rustix::process::kill_process(Pid::from_raw(i32::try_from(promote.pid()).unwrap()).unwrap(), signal)
            .unwrap();
        let ended = promote.wait().code(22);
        assert!(ended.stderr.contains("closed again"), "{}", ended.stderr);
        assert!(
            sent(&sandbox).last().is_some_and(|line| line.contains("gate/close")),
            "{:?}",
            sent(&sandbox)
        );
    }
}

#[test]
fn flagger_is_paused_resumed_and_given_a_version() {
    let patch = |body: &str| format!("patch canaries.flagger.app web --type=merge --patch={body}");
    let mut suspended = canary("Progressing");
    suspended["spec"]["suspend"] = true.into();
    for (object, line, wanted) in [
        (canary("Progressing"), "pause canary/web", vec![patch(r#"{"spec":{"suspend":true}}"#)]),
        (suspended.clone(), "pause canary/web", vec![]),
        (suspended, "resume canary/web", vec![patch(r#"{"spec":{"suspend":false}}"#)]),
    ] {
        let sandbox = cluster(&[(CANARY, 0, object)]);
        run(&sandbox, line).code(0);
        assert_eq!(sent(&sandbox), wanted, "{line}");
    }
    let sandbox = cluster(&[
        (CANARY, 0, canary("Succeeded")),
        ("deployments.apps.web", 0, workload("web:1")),
        ("deployments.apps.web", 1, workload("web:2")),
        ("deployments.apps.web-primary", 0, workload("web:1")),
    ]);
    let view = run(&sandbox, "start canary/web --image web=web:2 -o json").code(0).json();
    let sent = sent(&sandbox).concat();
    assert!(sent.starts_with("patch deployments.apps web --type=json") && sent.contains("web:2"), "{sent}");
    assert_eq!((&view["phase"], &view["native"]), (&"initializing".into(), &"Succeeded".into()));
    assert_eq!(view["why"], "Flagger has not seen the last change of web yet");
}

#[test]
fn verbs_that_flagger_has_not_say_what_does_it() {
    let mut foreign = canary("Waiting");
    foreign["spec"]["analysis"]["webhooks"][0]["url"] = "https://chat.example.com/yes".into();
    let mut plain = canary("Progressing");
    plain["spec"]["analysis"]["webhooks"] = json!([]);
    for (object, line, said) in [
        (
            canary("Progressing"),
            "undo canary/web",
            ["canary/web of Flagger has no `undo`", "help: `start` an earlier image"],
        ),
        (canary("Failed"), "retry canary/web", ["has no `retry`", "kubectl rollout restart deployment/web"]),
        (
            canary("Progressing"),
            "promote canary/web --full",
            ["has no `promote --full`", "spec.skipAnalysis"],
        ),
        (
            canary("Progressing"),
            "promote canary/web",
            ["nothing of it waits for a person", "help: it goes on by itself"],
        ),
        (canary("Waiting"), "abort canary/web", ["not been confirmed", "help: `start` it with the image"]),
        (plain, "abort canary/web", ["only by a webhook of the type `rollback`", "/rollback/check"]),
        (
            foreign,
            "promote canary/web",
            ["the gate begin is no gate of Flagger's load tester", "help: say yes where"],
        ),
    ] {
        let sandbox = cluster(&[(CANARY, 0, object)]);
        let ended = run(&sandbox, line).code(2);
        assert!(said.iter().all(|said| ended.stderr.contains(said)), "{line}: {}", ended.stderr);
        assert!(!ended.stderr.contains("chat.example.com"), "an address may hold a secret: {}", ended.stderr);
        assert_eq!(sent(&sandbox), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn both_kinds_are_listed() {
    let named = |mut object: Value, name: &str| {
        object["metadata"]["name"] = name.into();
        object
    };
    let rollouts = json!({ "items": [named(at_pause(), "b"), { "metadata": { "name": "odd" }, "spec": 3 }] });
    let sandbox = cluster(&[
        ("rollouts.argoproj.io.list", 0, rollouts),
        ("canaries.flagger.app.list", 0, json!({ "items": [named(canary("Waiting"), "a")] })),
        (SETS, 0, sets()),
        ("deployments.apps.list", 0, json!({ "items": [workload("web:7")] })),
    ]);
    let list = run(&sandbox, "list -o json").code(0).json();
    let row = |n: usize| {
        let row = &list["rollouts"][n];
        ["name", "kind", "phase", "newcomer", "weight"].map(|key| row[key].clone())
    };
    assert_eq!(row(0), [json!("a"), json!("canary"), json!("initializing"), json!("web:7"), json!(0)]);
    assert_eq!(row(1), [json!("b"), json!("rollout"), json!("analyzing"), json!("web:2"), json!(20)]);
    assert_eq!(list["place"], "namespace shop");
    assert!(list["unreadable"][0].as_str().is_some_and(|said| said.starts_with("odd: ")), "{list}");
    // A cluster that knows neither kind has none.
    let absent = || Value::from("error: the server doesn't have a resource type \"x\"");
    let sandbox =
        cluster(&[("rollouts.argoproj.io.list", 0, absent()), ("canaries.flagger.app.list", 0, absent())]);
    let list = run(&sandbox, "list -o json").code(0).json();
    assert_eq!(list["rollouts"], json!([]));
}
