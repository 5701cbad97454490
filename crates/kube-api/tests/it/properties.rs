//! Rules that hold for every rollout, and texts that are none.

use crate::apply::{after, after_fallback};
use crate::{canary, parse, with};
use proptest::prelude::*;
use serde_json::{Value, json};
use taskmaster_kube_api::picture::{self, Around, CanaryAround};
use taskmaster_kube_api::{
    AnalysisRun, Application, Canary, Event, Goal, Pod, ReplicaSet, Rollout, abort, can_abort, pause,
    progress, promote, promote_full, resume, retry, status, suspend, undo,
};

fn rollouts() -> impl Strategy<Value = Value> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (flags, -1..7i64, 0..5usize, any::<bool>()).prop_map(
        |((paused, waits, controller, aborted, rests), index, steps, inconclusive)| {
            let steps: Vec<Value> = (0..steps).map(|n| json!({ "setWeight": n * 20 })).collect();
            let conditions = if waits { json!([{ "reason": "CanaryPauseStep" }]) } else { json!(null) };
            let word = if inconclusive { "Inconclusive" } else { "Running" };
            with(
                &canary(),
                json!({
                    "spec": { "paused": paused, "strategy": { "canary": { "steps": steps } } },
                    "status": {
                        "pauseConditions": conditions, "controllerPause": controller, "abort": aborted,
                        "currentPodHash": if rests { "old" } else { "new" }, "currentStepIndex": index,
                        "canary": { "currentStepAnalysisRunStatus": { "name": "a", "status": word } },
                    },
                }),
            )
        },
    )
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-zA-Z0-9 \n]{0,6}".prop_map(Value::from),
    ];
    let keys = "metadata|spec|status|strategy|canary|blueGreen|steps|setWeight|template|containers|name|items|phase|pause|duration|generation|currentStepIndex|abort|replicas|analysis|stepWeight|stepWeights|iterations|webhooks|metrics|threshold|conditions|measurements|message|url";
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(keys, inner, 0..5).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn promoting_passes_a_pause_or_one_step_and_ends_at_the_last(object in rollouts()) {
        let rollout = parse(&object);
        if let Ok(change) = promote(&rollout) {
            let now = parse(&after(&object, &change));
            prop_assert!(now.status.pause_conditions.is_empty() || now.status.controller_pause && now.steps().is_empty());
            prop_assert!(!now.spec.paused);
            let (before, then) = (index(&rollout), index(&now));
            prop_assert!(then >= before && then <= (before + 1).min(rollout.steps().len()).max(before));
            if before >= rollout.steps().len() {
                // Past the last step upstream may be told any number of times.
                let again = promote(&now).map(|change| after(&after(&object, &change), &change));
                if let Ok(again) = again {
                    prop_assert_eq!(index(&parse(&again)), then);
                }
            }
        }
    }

    #[test]
    fn promoting_fully_pausing_aborting_and_retrying_twice_is_doing_it_once(object in rollouts()) {
        for verb in [promote_full, pause, abort, retry, resume] {
            let Ok(change) = verb(&parse(&object)) else { continue };
            let once = after(&object, &change);
            let twice = match verb(&parse(&once)) {
                Ok(change) => after(&once, &change),
                Err(refusal) => {
                    prop_assert!(refusal.is_reached(), "{}", refusal);
                    once.clone()
                }
            };
            prop_assert_eq!(once, twice);
        }
    }

    #[test]
    fn an_old_server_ends_with_the_same_rollout(object in rollouts()) {
        for verb in [promote_full, pause, abort, retry, resume] {
            let Ok(change) = verb(&parse(&object)) else { continue };
            let (new, old) = (parse(&after(&object, &change)), parse(&after_fallback(&object, &change)));
            prop_assert_eq!(new.spec, old.spec);
            prop_assert_eq!(new.status, old.status);
        }
    }

    #[test]
    fn nothing_panics(object in anything()) {
        let _ = AnalysisRun::from_json(&object).map(|run| taskmaster_kube_api::analysis_ended(&run));
        let _ = Application::from_json(&object).map(|app| taskmaster_kube_api::settled(&app, &Default::default()));
        let _ = Canary::from_json(&object).map(|canary| taskmaster_kube_api::canary_ended(&canary));
        let sets = ReplicaSet::from_list(&object).unwrap_or_default();
        let _ = taskmaster_kube_api::images(&object);
        let (runs, events) = (AnalysisRun::from_list(&object), Event::from_list(&object));
        let pods = Pod::from_list(&object);
        if let Ok(canary) = Canary::from_json(&object) {
            let around = CanaryAround {
                target: Some(object.clone()), primary: Some(object.clone()), sets: sets.clone(),
                events: events.clone(), pods: pods.clone(),
            };
            let _ = (picture::canary(&canary, &around), picture::canary_history(&canary, &around));
            let _ = (picture::at_hand(&canary, &events), can_abort(&canary), suspend(&canary));
        }
        if let Ok(rollout) = Rollout::from_json(&object) {
            let state = status(&rollout);
            let _ = (state.line(), progress(&state, Goal::Weight(1)), progress(&state, Goal::Step(1)));
            let around = Around { sets: sets.clone(), runs, events, pods };
            let _ = (picture::rollout(&rollout, &around), picture::rollout_history(&rollout, &around));
            let _ = (promote(&rollout), promote_full(&rollout), undo(&rollout, &sets, None), abort(&rollout));
        }
    }
}

fn index(rollout: &Rollout) -> usize {
    rollout.current_step().map_or(0, |(index, _)| index)
}
