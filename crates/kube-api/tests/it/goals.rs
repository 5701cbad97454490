//! What is waited for.

use crate::{at_pause, at_rest, canary, parse, status_of};
use serde_json::{Value, json};
use taskmaster_kube_api::{Goal, Progress, progress, status};

fn answer(object: &Value, goal: &str) -> &'static str {
    match progress(&status(&parse(object)), goal.parse().expect("a goal")) {
        Progress::Done => "done",
        Progress::NotYet { .. } => "not yet",
        Progress::Failed { .. } => "failed",
    }
}

#[test]
fn goals_are_read_and_written() {
    for text in ["healthy", "paused", "promotable", "degraded", "step 3", "weight 20"] {
        assert_eq!(text.parse::<Goal>().unwrap().to_string(), text);
    }
    assert_eq!("step  3".parse(), Ok(Goal::Step(3)));
    for text in ["", "step", "step x", "step -1", "weight 5 6", "healthy 1", "Healthy", "weight 99999999999"]
    {
        assert!(text.parse::<Goal>().is_err(), "{text}");
    }
}

#[test]
fn each_goal_in_each_state() {
    let degraded =
        status_of(&canary(), json!({ "abort": true, "phase": "Degraded", "message": "RolloutAborted: m" }));
    let columns = ["healthy", "paused", "promotable", "degraded", "step 1", "weight 20"];
    for (name, object, answers) in [
        ("going", canary(), ["not yet"; 6]),
        ("at the pause", at_pause(), ["not yet", "done", "done", "not yet", "done", "done"]),
        ("at rest", at_rest(), ["done", "not yet", "done", "not yet", "done", "done"]),
        ("aborted", degraded.clone(), ["failed", "failed", "failed", "done", "failed", "failed"]),
        ("aborted a moment ago", status_of(&at_pause(), json!({ "abort": true })), ["not yet"; 6]),
        ("retried a moment ago", status_of(&degraded, json!({ "abort": false })), ["not yet"; 6]),
        (
            "promoted fully a moment after an abort",
            status_of(&degraded, json!({ "promoteFull": true })),
            ["not yet"; 6],
        ),
        ("changed a moment ago", status_of(&at_rest(), json!({ "observedGeneration": "3" })), ["not yet"; 6]),
        (
            "too slow",
            status_of(&canary(), json!({ "phase": "Degraded", "message": "ProgressDeadlineExceeded: m" })),
            ["failed", "failed", "failed", "done", "failed", "failed"],
        ),
    ] {
        assert_eq!(columns.map(|goal| answer(&object, goal)), answers, "{name}");
    }
}

#[test]
fn a_weight_that_pods_make_is_reached_once_its_step_is_done() {
    let mut basic = canary();
    basic["spec"]["strategy"]["canary"]["trafficRouting"] = Value::Null;
    basic["status"]["canary"] = json!({});
    assert_eq!(answer(&basic, "weight 20"), "not yet");
    basic["status"]["currentStepIndex"] = 1.into();
    assert_eq!(answer(&basic, "weight 20"), "done");
    assert_eq!(answer(&basic, "weight 21"), "not yet");
}
