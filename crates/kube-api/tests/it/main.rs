//! Expected values are those of Argo Rollouts 1.10, Argo CD 3 and Flagger 1.4x.

mod apply;
mod canaries;
mod controller;
mod gates;
mod goals;
mod others;
mod phases;
mod pictures;
mod properties;
mod undo;
mod verbs;

use serde_json::{Value, json};
use taskmaster_kube_api::Rollout;

/// Members of `over` added to `base`, object by object.
fn with(base: &Value, over: Value) -> Value {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            let mut all = base.clone();
            for (key, value) in over {
                let merged = with(all.get(&key).unwrap_or(&Value::Null), value);
                all.insert(key, merged);
            }
            Value::Object(all)
        }
        (_, over) => over,
    }
}

/// A canary of four steps in the middle of an update.
fn canary() -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": { "name": "web", "namespace": "shop", "uid": "u-1", "generation": 4 },
        "spec": {
            "replicas": 4,
            "selector": { "matchLabels": { "app": "web" } },
            "strategy": { "canary": {
                "trafficRouting": { "nginx": {} },
                "steps": [{ "setWeight": 20 }, { "pause": {} }, { "setWeight": 60 }, { "analysis": {} }],
            } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": {
                    "initContainers": [{ "name": "init", "image": "init:1" }],
                    "containers": [{ "name": "web", "image": "web:2" }, { "name": "log", "image": "log:1" }],
                },
            },
        },
        "status": {
            "observedGeneration": "4", "phase": "Progressing", "message": "more replicas need to be updated",
            "currentPodHash": "new", "stableRS": "old", "currentStepIndex": 0,
            "replicas": 5, "updatedReplicas": 1, "availableReplicas": 5,
            "canary": { "weights": { "canary": { "weight": 0 }, "stable": { "weight": 100 } } },
        },
    })
}

/// A blue-green rollout that waits for its promotion.
fn blue_green() -> Value {
    let base = canary();
    let mut object = with(
        &base,
        json!({
            "status": {
                "phase": "Paused", "message": "BlueGreenPause", "controllerPause": true,
                "pauseConditions": [{ "reason": "BlueGreenPause", "startTime": "2026-01-01T00:00:00Z" }],
                "blueGreen": { "activeSelector": "old", "previewSelector": "new" },
            },
        }),
    );
    object["spec"]["strategy"] = json!({ "blueGreen": { "activeService": "web", "previewService": "next" } });
    object["status"]["canary"] = json!({});
    object
}

fn parse(object: &Value) -> Rollout {
    Rollout::from_json(object).expect("a rollout")
}

/// The same with its status changed.
fn status_of(base: &Value, status: Value) -> Value {
    with(base, [("status".to_owned(), status)].into_iter().collect())
}

/// Nothing in flight.
fn at_rest() -> Value {
    status_of(
        &canary(),
        json!({ "currentPodHash": "old", "currentStepIndex": 4, "phase": "Healthy", "message": "" }),
    )
}

/// Stopped at the pause of its second step.
fn at_pause() -> Value {
    status_of(
        &canary(),
        json!({
            "currentStepIndex": 1, "phase": "Paused", "message": "CanaryPauseStep", "controllerPause": true,
            "pauseConditions": [{ "reason": "CanaryPauseStep", "startTime": "2026-01-01T00:00:00Z" }],
            "canary": { "weights": { "canary": { "weight": 20 }, "stable": { "weight": 80 } } },
        }),
    )
}
