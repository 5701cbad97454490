//! Phases by upstream's precedence, and what is said of steps and weights.

use crate::{at_pause, at_rest, blue_green, canary, parse, status_of, with};
use serde_json::{Value, json};
use taskmaster_kube_api::status;

fn phase(object: &Value) -> String {
    let state = status(&parse(object));
    format!("{} {}", state.phase.word(), state.message).trim_end().to_owned()
}

/// Versions before 1.0 write no phase: it is computed.
fn old(status: Value) -> Value {
    let base = status_of(
        &canary(),
        json!({
            "phase": "", "currentPodHash": "old", "updatedReplicas": 4, "replicas": 4, "availableReplicas": 4,
        }),
    );
    status_of(&base, status)
}

#[test]
fn what_is_written_counts_once_it_is_observed() {
    let unobserved = "Progressing waiting for rollout spec update to be observed";
    for (name, object, expected) in [
        ("as written", at_pause(), "Paused CanaryPauseStep"),
        ("older", status_of(&at_rest(), json!({ "observedGeneration": "3" })), unobserved),
        ("newer: a hash of digits", status_of(&at_rest(), json!({ "observedGeneration": "77" })), "Healthy"),
        ("a hash", status_of(&at_rest(), json!({ "observedGeneration": "6c5b" })), "Healthy"),
        ("none", status_of(&at_rest(), json!({ "observedGeneration": null })), "Healthy"),
        (
            "unpausing",
            status_of(&at_pause(), json!({ "pauseConditions": null })),
            "Progressing waiting for rollout to unpause",
        ),
        (
            "a word of tomorrow",
            status_of(&canary(), json!({ "phase": "Dreaming", "message": "" })),
            "Unknown",
        ),
        (
            "a workload that is newer",
            with(
                &at_rest(),
                json!({
                    "metadata": { "annotations": { "rollout.argoproj.io/workload-generation": "3" } },
                    "spec": { "workloadRef": { "kind": "Deployment", "name": "web" } },
                    "status": { "workloadObservedGeneration": "2" },
                }),
            ),
            "Progressing waiting for rollout spec update to be observed for the reference workload",
        ),
    ] {
        assert_eq!(phase(&object), expected, "{name}");
    }
}

#[test]
fn the_computed_phase_has_upstreams_precedence() {
    let aborted = json!([{ "type": "Progressing", "reason": "RolloutAborted", "message": "m" }]);
    let everything = with(
        &old(json!({ "pauseConditions": [{ "reason": "CanaryPauseStep" }], "updatedReplicas": 1 })),
        json!({ "spec": { "paused": true, "restartAt": "2026-01-02T00:00:00Z" } }),
    );
    let unpaused = with(&everything, json!({ "spec": { "paused": false } }));
    let going = status_of(&unpaused, json!({ "pauseConditions": null }));
    let restarted = status_of(&going, json!({ "restartedAt": "2026-01-02T01:00:00+01:00" }));
    let updated = status_of(&restarted, json!({ "updatedReplicas": 4, "availableReplicas": 3 }));
    let available = status_of(&updated, json!({ "availableReplicas": 4, "currentPodHash": "new" }));
    let mut basic = status_of(&available, json!({ "replicas": 5 }));
    basic["spec"]["strategy"]["canary"]["trafficRouting"] = Value::Null;
    for (object, expected) in [
        (status_of(&everything, json!({ "conditions": aborted })), "Degraded RolloutAborted: m"),
        (
            status_of(&everything, json!({ "conditions": [{ "type": "InvalidSpec", "message": "m" }] })),
            "Degraded InvalidSpec: m",
        ),
        (
            status_of(
                &everything,
                json!({ "conditions": [{ "reason": "ProgressDeadlineExceeded", "message": "m" }] }),
            ),
            "Degraded ProgressDeadlineExceeded: m",
        ),
        (everything, "Paused manually paused"),
        (unpaused, "Paused CanaryPauseStep"),
        (going, "Progressing rollout is restarting"),
        (restarted, "Progressing more replicas need to be updated"),
        (updated, "Progressing updated replicas are still becoming available"),
        (basic, "Progressing old replicas are pending termination"),
        (available.clone(), "Progressing waiting for all steps to complete"),
        (status_of(&available, json!({ "currentPodHash": "old" })), "Healthy"),
        (
            status_of(&available, json!({ "currentPodHash": "", "stableRS": "" })),
            "Progressing waiting for all steps to complete",
        ),
    ] {
        assert_eq!(phase(&object), expected);
    }
}

#[test]
fn the_computed_phase_of_blue_green() {
    let base = status_of(
        &blue_green(),
        json!({
            "phase": "", "pauseConditions": null, "controllerPause": false,
            "updatedReplicas": 4, "availableReplicas": 4, "replicas": 8,
        }),
    );
    let switched = status_of(&base, json!({ "blueGreen": { "activeSelector": "new" } }));
    let analysed =
        with(&switched, json!({ "spec": { "strategy": { "blueGreen": { "postPromotionAnalysis": {} } } } }));
    let run = |word: &str| json!({ "blueGreen": { "postPromotionAnalysisRunStatus": { "name": "a", "status": word } } });
    for (object, expected) in [
        (base, "Progressing active service cutover pending"),
        (switched.clone(), "Progressing waiting for post-promotion verification to complete"),
        (analysed.clone(), "Progressing waiting for analysis to complete"),
        (status_of(&analysed, run("Running")), "Progressing waiting for analysis to complete"),
        (
            status_of(&analysed, run("Successful")),
            "Progressing waiting for post-promotion verification to complete",
        ),
        (status_of(&switched, json!({ "stableRS": "new" })), "Healthy"),
    ] {
        assert_eq!(phase(&object), expected);
    }
}

#[test]
fn a_line_tells_step_and_weight() {
    for (object, line) in [
        (
            canary(),
            "Progressing (more replicas need to be updated), step 1 of 4 (setWeight 20), weight 0 of 20",
        ),
        (at_pause(), "Paused (CanaryPauseStep), step 2 of 4 (pause), weight 20"),
        (
            status_of(&at_pause(), json!({ "currentStepIndex": 3 })),
            "Paused (CanaryPauseStep), step 4 of 4 (analysis), weight 20 of 60",
        ),
        (at_rest(), "Healthy, all 4 steps done, weight 100"),
        (status_of(&at_rest(), json!({ "currentStepIndex": 99 })), "Healthy, all 4 steps done, weight 100"),
        (
            status_of(&canary(), json!({ "abort": true, "phase": "Degraded", "message": "a\nb" })),
            "Degraded (a b), step 1 of 4 (setWeight 20), weight 0",
        ),
        (blue_green(), "Paused (BlueGreenPause)"),
    ] {
        assert_eq!(status(&parse(&object)).line(), line);
    }
    let mut thousand = at_rest();
    thousand["spec"]["strategy"]["canary"]["trafficRouting"]["maxTrafficWeight"] = 1000.into();
    assert_eq!(status(&parse(&thousand)).weight.unwrap().set, 1000);
}

#[test]
fn objects_that_are_something_else_are_told() {
    for object in [json!([]), json!("x"), json!({ "spec": 3 }), json!({ "status": { "replicas": "many" } })] {
        let fault = taskmaster_kube_api::Rollout::from_json(&object).unwrap_err();
        assert!(fault.to_string().starts_with("this is no readable Rollout: "), "{fault}");
    }
    assert_eq!(phase(&json!({})), "Progressing more replicas need to be updated");
    assert_eq!(
        phase(&json!({ "metadata": null, "spec": null, "status": null })),
        "Progressing more replicas need to be updated"
    );
}
