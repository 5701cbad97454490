//! The pause of a step as the controller of Argo Rollouts reconciles it, in as many lines as it takes to
//! show why the specification goes first: `reconcileCanaryPause`, `completedCurrentCanaryStep` and
//! `CalculatePauseConditions` of v1.10.

use crate::{at_pause, parse, with};
use serde_json::{Value, json};
use taskmaster_kube_api::{Change, Order, Patch, Subresource, promote, resume};

/// One look of the controller.
fn reconcile(object: &mut Value) {
    let is_paused = object["spec"]["paused"] == json!(true);
    let index = object["status"]["currentStepIndex"].as_u64().unwrap_or(0);
    let steps = object["spec"]["strategy"]["canary"]["steps"].as_array().cloned().unwrap_or_default();
    let at_a_pause = steps.get(index as usize).is_some_and(|step| step.get("pause").is_some());
    let has_condition = object["status"]["pauseConditions"].as_array().is_some_and(|all| !all.is_empty());
    let was_waiting = object["status"]["controllerPause"] == json!(true);
    if !has_condition {
        // The new status is calculated from nothing: what has no conditions is not paused.
        object["status"]["controllerPause"] = false.into();
    }
    if is_paused || !at_a_pause {
        return;
    }
    if !has_condition && was_waiting {
        object["status"]["currentStepIndex"] = (index + 1).into();
    } else if !has_condition {
        object["status"]["pauseConditions"] =
            json!([{ "reason": "CanaryPauseStep", "startTime": "2026-02-02T00:00:00Z" }]);
        object["status"]["controllerPause"] = true.into();
    }
}

fn send(object: &mut Value, patch: &Patch) -> Result<(), String> {
    let mut changed = object.clone();
    if patch.body.is_array() {
        crate::apply::operate(&mut changed, &patch.body)?;
    } else {
        crate::apply::merge(&mut changed, &patch.body);
    }
    match patch.subresource {
        Subresource::Status => object["status"] = changed["status"].clone(),
        Subresource::None => object["spec"] = changed["spec"].clone(),
    }
    Ok(())
}

/// The index after a change, where the controller looks after every patch.
fn settled(change: &Change, before: &Value) -> (Value, bool) {
    let mut object = before.clone();
    for patch in change.patches() {
        send(&mut object, patch).expect("nobody else is at work");
        reconcile(&mut object);
    }
    for _ in 0..3 {
        reconcile(&mut object);
    }
    let waits = object["status"]["pauseConditions"].as_array().is_some_and(|all| !all.is_empty());
    (object["status"]["currentStepIndex"].clone(), waits)
}

fn stopped_at_a_pause() -> Value {
    with(&at_pause(), json!({ "spec": { "paused": true } }))
}

#[test]
fn a_rollout_paused_at_a_pause_goes_on_at_once() {
    for verb in [promote, resume] {
        let change = verb(&parse(&stopped_at_a_pause())).unwrap();
        assert_eq!(settled(&change, &stopped_at_a_pause()), (json!(2), false));
        let upstream = Change {
            order: Order::StatusFirst,
            status: resume(&parse(&at_pause())).unwrap().status,
            ..change
        };
        let begun_anew = (json!(1), true);
        assert_eq!(settled(&upstream, &stopped_at_a_pause()), begun_anew, "what upstream's plugin does");
    }
}

#[test]
fn a_pause_that_is_over_meanwhile_does_not_take_the_next_one_along() {
    let change = promote(&parse(&stopped_at_a_pause())).unwrap();
    let mut object = stopped_at_a_pause();
    let patches: Vec<&Patch> = change.patches().collect();
    send(&mut object, patches[0]).unwrap();
    // The time of the pause is over, and the next step pauses as well.
    object["status"]["pauseConditions"] =
        json!([{ "reason": "CanaryPauseStep", "startTime": "2026-03-03T00:00:00Z" }]);
    assert!(send(&mut object, patches[1]).is_err());
}
