//! Pictures of rollouts: objects as Argo Rollouts writes them, and what a face shows of them.

use crate::{at_pause, at_rest, blue_green, canary, parse, status_of, with};
use serde_json::{Value, json};
use taskmaster_core::rollout::{HoldBy, MetricVerdict, RolloutPhase, RolloutStrategy, VersionRole};
use taskmaster_kube_api::picture::{self, Around, Outcome, Picture, StepMark, StoryKind};
use taskmaster_kube_api::{AnalysisRun, Event, Pod, ReplicaSet};

/// A ReplicaSet of the rollout: revision, hash, image, and pods that are wanted, there, available.
fn set(revision: &str, hash: &str, image: &str, pods: [i64; 3]) -> Value {
    json!({
        "metadata": {
            "creationTimestamp": format!("2026-01-01T0{revision}:00:00Z"),
            "labels": { "rollouts-pod-template-hash": hash },
            "annotations": { "rollout.argoproj.io/revision": revision },
            "ownerReferences": [{ "uid": "u-1", "controller": true }],
        },
        "spec": { "replicas": pods[0], "template": { "spec": { "containers": [{ "name": "web", "image": image }] } } },
        "status": { "replicas": pods[1], "availableReplicas": pods[2] },
    })
}

fn sets() -> Vec<Value> {
    let mut foreign = set("7", "foreign", "other:1", [9, 9, 9]);
    foreign["metadata"]["ownerReferences"][0]["uid"] = "u-2".into();
    vec![
        set("1", "first", "example.org/shop/web:0", [0, 0, 0]),
        foreign,
        set("3", "new", "example.org/shop/web:2", [1, 1, 1]),
        set("2", "old", "example.org/shop/web:1", [4, 4, 4]),
    ]
}

fn around(sets: &[Value], runs: &[Value], events: &[Value]) -> Around {
    let list = |items: &[Value]| json!({ "items": items });
    Around {
        sets: ReplicaSet::from_list(&list(sets)).expect("sets"),
        runs: AnalysisRun::from_list(&list(runs)),
        events: Event::from_list(&list(events)),
        pods: Vec::new(),
    }
}

fn picture(object: &Value) -> Picture {
    picture::rollout(&parse(object), &around(&sets(), &[], &[]))
}

fn marks(picture: &Picture) -> String {
    let mark = |mark| match mark {
        StepMark::Done => '+',
        StepMark::Current => '>',
        StepMark::Pending => '.',
        StepMark::Skipped => '-',
        StepMark::Failed => 'x',
    };
    picture.steps.iter().map(|step| mark(step.mark)).collect()
}

fn aborted(weight: i64) -> Value {
    status_of(
        &canary(),
        json!({
            "abort": true, "abortedAt": "2026-01-01T03:20:00Z", "phase": "Degraded",
            "message": "RolloutAborted: Rollout aborted update to revision 3: Metric \"errors\" assessed Failed",
            "canary": { "weights": { "canary": { "weight": weight }, "stable": { "weight": 100 - weight } } },
        }),
    )
}

#[test]
fn phases() {
    use RolloutPhase::{Analyzing, Completed, Degraded, Initializing, Promoting, RolledBack, RollingBack};
    let paused = |base: &Value| {
        with(
            base,
            json!({ "spec": { "paused": true }, "status": { "phase": "Paused", "message": "manually paused" } }),
        )
    };
    for (name, object, phase) in [
        ("in the middle", canary(), Analyzing),
        ("at a pause", at_pause(), Analyzing),
        ("past the last step", status_of(&canary(), json!({ "currentStepIndex": 4 })), Promoting),
        ("promoted fully", status_of(&canary(), json!({ "promoteFull": true })), Promoting),
        ("at rest", at_rest(), Completed),
        ("at rest and paused", paused(&at_rest()), Completed),
        ("at rest, and pods come anew", status_of(&at_rest(), json!({ "phase": "Progressing" })), Promoting),
        ("the first version", status_of(&canary(), json!({ "stableRS": "" })), Initializing),
        ("aborted, users still there", aborted(20), RollingBack),
        ("aborted", aborted(0), RolledBack),
        ("the first version, aborted", status_of(&aborted(0), json!({ "stableRS": "" })), Degraded),
        ("an abort that nobody saw yet", status_of(&canary(), json!({ "abort": true })), RollingBack),
        ("retried, which nobody saw yet", status_of(&aborted(0), json!({ "abort": false })), Initializing),
        (
            "changed after it was completed",
            with(&at_rest(), json!({ "metadata": { "generation": 5 } })),
            Initializing,
        ),
        (
            "refused",
            status_of(&canary(), json!({ "phase": "Degraded", "message": "InvalidSpec: m" })),
            Degraded,
        ),
        (
            "too slow",
            status_of(&canary(), json!({ "phase": "Degraded", "message": "ProgressDeadlineExceeded: m" })),
            Degraded,
        ),
        ("blue-green that waits", blue_green(), Analyzing),
        (
            "blue-green that switched",
            status_of(
                &blue_green(),
                json!({ "phase": "Progressing", "pauseConditions": null, "blueGreen": { "activeSelector": "new" } }),
            ),
            Promoting,
        ),
    ] {
        assert_eq!(picture(&object).phase, phase, "{name}");
    }
    let mut none_serve = sets();
    none_serve[2]["status"]["availableReplicas"] = 0.into();
    let seen = picture::rollout(&parse(&canary()), &around(&none_serve, &[], &[]));
    assert_eq!(seen.phase, Initializing, "no pod serves");
}

#[test]
fn what_it_stands_still_for() {
    let held = |object: &Value| picture(object).held.map(|held| (held.by, held.words));
    let paused = with(&at_pause(), json!({ "spec": { "paused": true } }));
    assert_eq!(held(&canary()), None);
    assert_eq!(held(&at_pause()), Some((HoldBy::Step, "step 2 of 4 waits for a person".into())));
    assert_eq!(held(&paused), Some((HoldBy::Person, "a person has paused it".into())));
    assert_eq!(held(&aborted(0)), None);
    assert_eq!(held(&blue_green()), None, "it is promoted by itself");
    let by_hand = with(
        &blue_green(),
        json!({ "spec": { "strategy": { "blueGreen": { "autoPromotionEnabled": false } } } }),
    );
    assert_eq!(held(&by_hand), Some((HoldBy::Step, "the preview waits for a person".into())));
    let doubt =
        status_of(&at_pause(), json!({ "pauseConditions": [{ "reason": "InconclusiveAnalysisRun" }] }));
    assert_eq!(held(&doubt), Some((HoldBy::Doubt, "the analysis could not tell".into())));

    let mut timed = at_pause();
    timed["spec"]["strategy"]["canary"]["steps"][1] = json!({ "pause": { "duration": "1m30s" } });
    let seen = picture(&timed);
    assert_eq!(seen.held, None, "nobody is needed");
    assert_eq!(seen.until, "2026-01-01T00:01:30Z".parse().ok());
    assert_eq!(seen.since, "2026-01-01T00:00:00Z".parse().ok());
}

#[test]
fn versions_and_their_shares() {
    let seen = picture(&at_pause());
    assert_eq!(seen.strategy, RolloutStrategy::Canary);
    let rows: Vec<_> = seen
        .versions
        .iter()
        .map(|v| (v.revision.as_str(), v.number, v.role, v.label.as_deref(), v.weight, v.pods.available))
        .collect();
    assert_eq!(
        rows,
        [
            ("old", Some(2), VersionRole::Stable, Some("web:1"), Some(80), 4),
            ("new", Some(3), VersionRole::Canary, Some("web:2"), Some(20), 1),
        ],
        "what has no pods and what belongs to others is left out"
    );
    let mut old = sets();
    old[0] = set("1", "first", "web@sha256:0123456789abcdef0123", [1, 1, 1]);
    let seen = picture::rollout(&parse(&at_pause()), &around(&old, &[], &[]));
    let last = seen.versions.last().expect("an old one");
    assert_eq!((last.role, last.label.as_deref()), (VersionRole::Old, Some("web@sha256:0123456789ab")));

    // Without a router pods have equal shares.
    let mut plain = canary();
    plain["spec"]["strategy"]["canary"]["trafficRouting"] = Value::Null;
    assert_eq!(picture(&plain).versions[1].weight, Some(20));
    // Parts of another whole.
    let mut thousandths = at_pause();
    thousandths["spec"]["strategy"]["canary"]["trafficRouting"]["maxTrafficWeight"] = 1000.into();
    assert_eq!(picture(&thousandths).versions[1].weight, Some(2));
    let seen = picture(&blue_green());
    assert_eq!((seen.versions[1].role, seen.versions[1].weight), (VersionRole::Preview, Some(0)));
    let roles: Vec<_> = picture(&at_rest()).versions.iter().map(|v| (v.role, v.weight)).collect();
    assert_eq!(roles, [(VersionRole::Stable, Some(100)), (VersionRole::Old, None)]);
}

#[test]
fn pods_tell_why_a_version_does_not_serve() {
    let pod = |waiting: Value| {
        json!({
            "metadata": { "labels": { "rollouts-pod-template-hash": "new" } },
            "status": { "containerStatuses": [{ "name": "web", "restartCount": 3, "state": { "waiting": waiting } }] },
        })
    };
    let usual = pod(json!({ "reason": "ContainerCreating" }));
    let bad = pod(json!({ "reason": "CrashLoopBackOff", "message": "back-off 20s" }));
    let mut around = around(&sets(), &[], &[]);
    around.pods = Pod::from_list(&json!({ "items": [usual, bad] }));
    let seen = picture::rollout(&parse(&at_pause()), &around);
    let new = &seen.versions[1];
    assert_eq!(new.restarts, Some(6));
    assert_eq!(new.trouble.as_deref(), Some("web CrashLoopBackOff: back-off 20s"));
    assert_eq!(seen.versions[0].restarts, None, "nobody looked at them");

    let mut full = sets();
    full[2]["status"]["conditions"] =
        json!([{ "type": "ReplicaFailure", "status": "True", "message": "exceeded quota\nof pods" }]);
    let seen = picture::rollout(&parse(&at_pause()), &self::around(&full, &[], &[]));
    assert_eq!(seen.versions[1].trouble.as_deref(), Some("exceeded quota of pods"));
}

#[test]
fn steps() {
    let mut all = canary();
    all["spec"]["strategy"]["canary"]["steps"] = json!([
        { "setWeight": 20 },
        { "pause": { "duration": 30 } },
        { "pause": { "duration": "10m" } },
        { "pause": {} },
        { "analysis": { "templates": [{ "templateName": "errors" }, { "templateName": "latency" }] } },
        { "setCanaryScale": { "replicas": 3 } },
        { "setCanaryScale": { "weight": 25 } },
        { "setCanaryScale": { "matchTrafficWeight": true } },
        { "setHeaderRoute": { "name": "beta" } },
        { "plugin": { "name": "org/x" } },
        { "experiment": {} },
        {},
    ]);
    let words: Vec<String> = picture(&all).steps.into_iter().map(|step| step.words).collect();
    assert_eq!(
        words,
        [
            "weight 20 %",
            "pause 30s",
            "pause 10m",
            "pause for a person",
            "analysis of errors, latency",
            "3 canary pods",
            "canary pods for 25 %",
            "canary pods by weight",
            "header route beta",
            "plugin org/x",
            "experiment",
            "an unknown step",
        ]
    );
    for (object, expected, step) in [
        (canary(), ">...", Some(0)),
        (at_pause(), "+>..", Some(1)),
        (status_of(&canary(), json!({ "currentStepIndex": 4 })), "++++", None),
        (at_rest(), "++++", None),
        (status_of(&at_pause(), json!({ "promoteFull": true })), "+---", None),
        (aborted(0), "----", None),
    ] {
        let seen = picture(&object);
        assert_eq!((marks(&seen).as_str(), seen.step), (expected, step));
    }
}

#[test]
fn the_steps_of_a_blue_green_release() {
    let analysed = with(
        &blue_green(),
        json!({ "spec": { "strategy": { "blueGreen": {
            "autoPromotionEnabled": false,
            "prePromotionAnalysis": { "templates": [{ "templateName": "smoke" }] },
            "postPromotionAnalysis": { "templates": [{ "templateName": "errors" }] },
        } } } }),
    );
    let words: Vec<String> = picture(&analysed).steps.into_iter().map(|step| step.words).collect();
    assert_eq!(words, ["preview", "analysis of smoke", "pause for a person", "switch", "analysis of errors"]);
    let promoted = |after: Value| {
        let words =
            picture(&with(&blue_green(), json!({ "spec": { "strategy": { "blueGreen": after } } }))).steps;
        words.into_iter().map(|step| step.words).collect::<Vec<_>>()
    };
    assert_eq!(promoted(json!({ "autoPromotionSeconds": 30 })), ["preview", "pause 30s", "switch"]);
    assert_eq!(promoted(json!({})), ["preview", "switch"]);
    let going = |status: Value| status_of(&analysed, status);
    for (object, expected) in [
        (analysed.clone(), "++>.."),
        (going(json!({ "pauseConditions": null, "controllerPause": false })), "+>..."),
        (going(json!({ "pauseConditions": null })), "+>..."),
        (
            going(
                json!({ "pauseConditions": null, "blueGreen": { "prePromotionAnalysisRunStatus": { "status": "Successful" } } }),
            ),
            "+++>.",
        ),
        (going(json!({ "pauseConditions": null, "blueGreen": { "activeSelector": "new" } })), "++++>"),
    ] {
        assert_eq!(marks(&picture(&object)), expected, "{}", object["status"]);
    }
}

/// An AnalysisRun of a version: kind, step, minute, phase, and what it found.
fn run(hash: &str, kind: &str, step: &str, minute: u32, phase: &str, results: &Value) -> Value {
    json!({
        "metadata": {
            "creationTimestamp": format!("2026-01-01T03:{minute:02}:00Z"),
            "labels": { "rollouts-pod-template-hash": hash, "rollout-type": kind, "step-index": step },
            "ownerReferences": [{ "uid": "u-1" }],
        },
        "spec": { "metrics": [
            { "name": "errors", "count": 4, "successCondition": "result[0] < 0.01" },
            { "name": "later" },
        ] },
        "status": { "phase": phase, "metricResults": results },
    })
}

fn errors(phase: &str, values: &[&str]) -> Value {
    let measured: Vec<Value> =
        values.iter().map(|value| json!({ "phase": "Successful", "value": value })).collect();
    json!([{ "name": "errors", "phase": phase, "count": values.len(), "successful": values.len(), "measurements": measured }])
}

#[test]
fn metrics_of_steps_that_the_status_names_no_more() {
    let runs = [
        run("new", "Step", "1", 1, "Failed", &errors("Failed", &["0.5"])),
        run("new", "Step", "1", 5, "Successful", &errors("Successful", &["[0.002]", "[NaN]", "0.003"])),
        run("new", "Background", "", 1, "Running", &errors("Running", &["0.001"])),
        run("old", "Step", "1", 9, "Failed", &errors("Failed", &["1"])),
    ];
    let seen = picture::rollout(&parse(&canary()), &around(&sets(), &runs, &[]));
    let rows: Vec<_> = seen.metrics.iter().map(|m| (m.name.as_str(), m.verdict, m.words.as_str())).collect();
    assert_eq!(
        rows,
        [
            ("errors (step 2)", MetricVerdict::Passed, "3 good, last 0.003, wanted result[0] < 0.01"),
            ("later (step 2)", MetricVerdict::Inconclusive, ""),
            (
                "errors (beside the steps)",
                MetricVerdict::Measuring,
                "1 good, last 0.001, wanted result[0] < 0.01"
            ),
            ("later (beside the steps)", MetricVerdict::Pending, ""),
        ],
        "of each kind the newest, of the newest version only"
    );
    let passed = &seen.metrics[0];
    assert_eq!(passed.recent, [Some(0.002), None, Some(0.003)]);
    assert_eq!((passed.sample, passed.needed, passed.dry_run), (Some(3), Some(4), false));
}

fn event(minute: u32, reason: &str, message: &str) -> Value {
    json!({ "type": "Normal", "reason": reason, "message": message, "lastTimestamp": format!("2026-01-01T03:{minute:02}:00Z") })
}

#[test]
fn weights_and_the_story_are_those_of_this_release() {
    let conditions = json!([
        { "type": "Completed", "status": "False", "lastTransitionTime": "2026-01-01T03:00:00Z" },
        { "type": "Progressing", "status": "True", "lastUpdateTime": "2026-01-01T03:12:00Z" },
    ]);
    let events = [
        event(14, "RolloutStepCompleted", "Rollout step 2/4 completed (pause)"),
        json!({ "reason": "TrafficWeightUpdated", "message": "Traffic weight updated from 0 to 90", "lastTimestamp": "2026-01-01T02:00:00Z" }),
        event(10, "TrafficWeightUpdated", "Traffic weight updated to 20"),
        event(15, "TrafficWeightUpdated", "Traffic weight updated from 20 to 60, additional: [x to 1]"),
        event(16, "Unheard", "of"),
        event(17, "TrafficWeightUpdated", "nonsense"),
    ];
    let object = status_of(&canary(), json!({ "conditions": conditions, "currentStepIndex": 2 }));
    let seen = picture::rollout(&parse(&object), &around(&sets(), &[], &events));
    let at = |minute: i64| format!("2026-01-01T03:{minute:02}:00Z").parse::<jiff::Timestamp>().ok();
    let weights: Vec<_> = seen.weights.iter().map(|(time, weight)| (Some(*time), *weight)).collect();
    assert_eq!(weights, [(at(10), 20), (at(15), 60)]);
    assert_eq!((seen.started, seen.ended, seen.since), (at(0), None, at(14)));
    let kinds: Vec<_> = seen.story.iter().map(|line| line.kind).collect();
    assert_eq!(kinds, [StoryKind::Weight, StoryKind::Step, StoryKind::Weight, StoryKind::Weight]);
    // The failed step is told by what was completed before it.
    let given_up = with(&object, aborted(0));
    let given_up = status_of(&given_up, json!({ "conditions": conditions }));
    assert_eq!(marks(&picture::rollout(&parse(&given_up), &around(&sets(), &[], &events))), "++x-");
    // A run of a step that failed says it better.
    let runs = [run("new", "Step", "3", 18, "Failed", &errors("Failed", &["1"]))];
    assert_eq!(marks(&picture::rollout(&parse(&given_up), &around(&sets(), &runs, &events))), "+++x");
}

#[test]
fn begin_end_and_deadline() {
    let at = |hour: i64| format!("2026-01-01T0{hour}:00:00Z").parse::<jiff::Timestamp>().ok();
    let completed = |status: &str, hour: i64| {
        json!([
            { "type": "Completed", "status": status, "lastTransitionTime": format!("2026-01-01T0{hour}:00:00Z") },
            { "type": "Progressing", "status": "True", "lastUpdateTime": "2026-01-01T05:00:00Z" },
        ])
    };
    let times = |object: &Value| {
        let seen = picture(object);
        (seen.started, seen.ended, seen.deadline)
    };
    // Another release was overtaken by this one, which is younger.
    let overtaken = status_of(&canary(), json!({ "conditions": completed("False", 1) }));
    assert_eq!(times(&overtaken), (at(3), None, None));
    let later = status_of(&canary(), json!({ "conditions": completed("False", 4) }));
    assert_eq!(times(&later), (at(4), None, None), "released again");
    assert_eq!(
        times(&status_of(&at_rest(), json!({ "conditions": completed("True", 4) }))),
        (at(2), at(4), None)
    );
    let written = status_of(&later, json!({ "duration": { "rolloutStartedAt": "2026-01-01T02:00:00Z" } }));
    assert_eq!(times(&written).0, at(2));
    let strict =
        with(&later, json!({ "spec": { "progressDeadlineAbort": true, "progressDeadlineSeconds": 3600 } }));
    assert_eq!(times(&strict).2, at(6));
    let waits = with(&strict, json!({ "spec": { "paused": true } }));
    assert_eq!(times(&waits).2, None, "a pause does not count");
    assert_eq!(picture(&aborted(0)).ended, "2026-01-01T03:20:00Z".parse().ok());
}

#[test]
fn why() {
    assert_eq!(picture(&canary()).why.as_deref(), Some("more replicas need to be updated"));
    assert_eq!(
        picture(&aborted(0)).why.as_deref(),
        Some("Rollout aborted update to revision 3: Metric \"errors\" assessed Failed")
    );
    assert_eq!(picture(&at_rest()).why, None);
    assert_eq!(picture(&at_pause()).why, None, "what it is held by says it");
}

#[test]
fn history() {
    let runs = [run("first", "Step", "1", 1, "Failed", &errors("Failed", &["1"]))];
    let rows = |object: &Value| {
        let releases = picture::rollout_history(&parse(object), &around(&sets(), &runs, &[]));
        releases
            .iter()
            .map(|r| {
                (r.number, r.label.clone().unwrap_or_default(), r.outcome, r.is_stable, r.pods.is_some())
            })
            .collect::<Vec<_>>()
    };
    let row = |number, image: &str, outcome, stable, pods| (number, image.to_owned(), outcome, stable, pods);
    let first = row(1, "web:0", Outcome::RolledBack, false, false);
    let old = row(2, "web:1", Outcome::Completed, true, true);
    assert_eq!(
        rows(&canary()),
        [row(3, "web:2", Outcome::UnderWay, false, true), old.clone(), first.clone()]
    );
    assert_eq!(rows(&aborted(0)), [row(3, "web:2", Outcome::RolledBack, false, true), old, first]);
    let newest = picture::rollout_history(&parse(&aborted(0)), &around(&sets(), &[], &[])).remove(0);
    assert!(newest.why.is_some_and(|why| why.contains("errors")));
}
