//! Pictures and verbs of Flagger's canaries.

use crate::with;
use serde_json::{Value, json};
use taskmaster_core::rollout::{
    GateState, HoldBy, MetricVerdict, RolloutPhase, RolloutStrategy, VersionRole,
};
use taskmaster_kube_api::picture::{self, CanaryAround, Outcome, Picture, StepMark};
use taskmaster_kube_api::{Canary, CanaryRefusal, Event, Pod, ReplicaSet, can_abort, suspend, unsuspend};

/// A canary by degrees with gates of every kind, at a weight of 20.
fn going() -> Value {
    let hook = |kind: &str, name: &str| json!({ "type": kind, "name": name, "url": format!("http://tester.test/{name}") });
    json!({
        "metadata": { "name": "web", "namespace": "shop", "uid": "c-1" },
        "spec": {
            "targetRef": { "kind": "Deployment", "name": "web" },
            "progressDeadlineSeconds": 60,
            "analysis": {
                "interval": "30s", "threshold": 5, "maxWeight": 50, "stepWeight": 20,
                "metrics": [
                    { "name": "request-success-rate", "thresholdRange": { "min": 99 } },
                    { "name": "latency", "thresholdRange": { "max": 500 } },
                    { "name": "old-way", "threshold": 7 },
                ],
                "webhooks": [
                    hook("confirm-rollout", "begin"), hook("pre-rollout", "smoke"), hook("", "load"),
                    hook("confirm-traffic-increase", "more"), hook("confirm-promotion", "promote"),
                    hook("rollback", "back"), hook("event", "chat"),
                ],
            },
        },
        "status": {
            "phase": "Progressing", "canaryWeight": 20, "failedChecks": 1,
            "lastTransitionTime": "2026-01-01T01:02:00Z",
            "conditions": [{
                "type": "Promoted", "status": "Unknown", "reason": "Progressing",
                "message": "New revision detected, progressing canary analysis.",
                "lastTransitionTime": "2026-01-01T01:00:00Z", "lastUpdateTime": "2026-01-01T01:01:00Z",
            }],
        },
    })
}

fn phase(phase: &str) -> Value {
    with(&going(), json!({ "status": { "phase": phase, "canaryWeight": 0, "failedChecks": 0 } }))
}

fn parse(object: &Value) -> Canary {
    Canary::from_json(object).expect("a canary")
}

fn workload(image: &str, pods: i64) -> Value {
    json!({
        "metadata": { "uid": "d-1" },
        "spec": { "replicas": pods, "template": { "spec": { "containers": [{ "name": "web", "image": image }] } } },
        "status": { "replicas": pods, "availableReplicas": pods },
    })
}

fn set(revision: &str, hash: &str, image: &str, created: &str) -> Value {
    json!({
        "metadata": {
            "creationTimestamp": created, "labels": { "pod-template-hash": hash },
            "annotations": { "deployment.kubernetes.io/revision": revision },
            "ownerReferences": [{ "uid": "d-1", "controller": true }],
        },
        "spec": { "replicas": 0, "template": { "spec": { "containers": [{ "name": "web", "image": image }] } } },
    })
}

fn around() -> CanaryAround {
    let sets =
        [set("4", "aaa", "web:1", "2026-01-01T00:00:00Z"), set("5", "bbb", "web:2", "2026-01-01T00:59:00Z")];
    CanaryAround {
        target: Some(workload("example.org/web:2", 2)),
        primary: Some(workload("example.org/web:1", 3)),
        sets: ReplicaSet::from_list(&json!({ "items": sets })).expect("sets"),
        ..CanaryAround::default()
    }
}

fn event(minute: u32, kind: &str, message: &str) -> Value {
    json!({ "type": kind, "reason": "Synced", "message": message, "lastTimestamp": format!("2026-01-01T01:{minute:02}:00Z") })
}

fn with_events(events: &[Value]) -> CanaryAround {
    CanaryAround { events: Event::from_list(&json!({ "items": events })), ..around() }
}

fn seen(object: &Value) -> Picture {
    picture::canary(&parse(object), &around())
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

#[test]
fn phases_steps_and_shares() {
    use RolloutPhase::{Analyzing, Completed, Degraded, Initializing, Promoting, RolledBack, Unknown};
    for (name, object, phase, steps, share) in [
        ("", phase(""), Initializing, ">...", Some(0)),
        ("Initializing", phase("Initializing"), Initializing, ">...", Some(0)),
        ("Waiting", phase("Waiting"), Initializing, ">...", Some(0)),
        ("pods come", phase("Progressing"), Initializing, ">...", Some(0)),
        ("Progressing", going(), Analyzing, ">...", Some(20)),
        ("further", with(&going(), json!({ "status": { "canaryWeight": 40 } })), Analyzing, "+>..", Some(40)),
        // The status says zero, but the users are still there.
        ("WaitingPromotion", phase("WaitingPromotion"), Analyzing, "+++>", Some(60)),
        ("Promoting", phase("Promoting"), Promoting, "+++>", None),
        ("Finalising", phase("Finalising"), Promoting, "+++>", None),
        ("Failed", phase("Failed"), RolledBack, "----", Some(0)),
        (
            "a promotion that failed",
            with(&phase("Failed"), json!({ "status": { "canaryWeight": 100 } })),
            Degraded,
            "----",
            Some(100),
        ),
        ("Terminating", phase("Terminating"), Degraded, "----", Some(0)),
        ("Unheard", phase("Unheard"), Unknown, ">...", Some(0)),
    ] {
        let seen = seen(&object);
        assert_eq!((seen.phase, marks(&seen).as_str()), (phase, steps), "{name}");
        let new =
            seen.versions.iter().find(|version| version.role == VersionRole::Canary).expect("the new one");
        assert_eq!(new.weight, share, "{name}");
    }
    let done = CanaryAround { target: Some(workload("example.org/web:1", 0)), ..around() };
    for word in ["Succeeded", "Initialized"] {
        let seen = picture::canary(&parse(&phase(word)), &done);
        assert_eq!(
            (seen.phase, marks(&seen).as_str(), seen.versions.len()),
            (Completed, "++++", 1),
            "{word}"
        );
    }
    assert_eq!(
        seen(&going()).steps.iter().map(|step| step.words.as_str()).collect::<Vec<_>>(),
        ["weight 20 %", "weight 40 %", "weight 60 %", "promotion"]
    );
}

#[test]
fn a_change_that_flagger_has_not_seen() {
    let unseen = seen(&phase("Succeeded"));
    assert_eq!(unseen.phase, RolloutPhase::Initializing, "the workload is another one than the primary");
    assert_eq!(unseen.why.as_deref(), Some("Flagger has not seen the last change of web yet"));
    let mut later = around();
    later.sets.push(
        ReplicaSet::from_list(&json!({ "items": [set("6", "ccc", "web:3", "2026-01-01T01:05:00Z")] }))
            .unwrap()
            .remove(0),
    );
    assert_eq!(picture::canary(&parse(&phase("Failed")), &later).phase, RolloutPhase::Initializing);
    assert_eq!(seen(&phase("Failed")).phase, RolloutPhase::RolledBack, "the version that failed is older");
}

#[test]
fn strategies() {
    let with_analysis = |analysis: Value| with(&going(), json!({ "spec": { "analysis": analysis } }));
    let rounds = with_analysis(json!({ "iterations": 10 }));
    let rounds = with(&rounds, json!({ "status": { "canaryWeight": 0, "iterations": 3 } }));
    let picture = seen(&rounds);
    assert_eq!(picture.strategy, RolloutStrategy::BlueGreen);
    assert_eq!(picture.steps[0].words, "checks, 3 of 10 rounds");
    assert_eq!((marks(&picture).as_str(), picture.versions[1].role), (">.", VersionRole::Preview));
    let told = with(&rounds, json!({ "spec": { "analysis": { "match": [{ "headers": {} }] } } }));
    assert_eq!((seen(&told).strategy, seen(&told).versions[1].weight), (RolloutStrategy::Ab, None));
    let services = with(&going(), json!({ "spec": { "provider": "kubernetes" } }));
    assert_eq!(seen(&services).strategy, RolloutStrategy::BlueGreen);
    let list = seen(&with_analysis(json!({ "stepWeights": [1, 10, 80] })));
    assert_eq!(list.steps[2].words, "weight 80 %");
    let mut old = going();
    old["spec"]["canaryAnalysis"] = old["spec"]["analysis"].take();
    assert_eq!(seen(&old).steps.len(), 4, "its old name");
    let skipped = seen(&with(&going(), json!({ "spec": { "skipAnalysis": true } })));
    assert_eq!(skipped.steps.len(), 1);
}

fn gates(object: &Value, events: &[Value]) -> Vec<(String, GateState)> {
    let seen = picture::canary(&parse(object), &with_events(events));
    seen.gates.into_iter().map(|gate| (gate.name, gate.mark)).collect()
}

#[test]
fn gates_by_phase_and_events() {
    use GateState::{Asked, No, Pending, Yes};
    let row = |states: [GateState; 6]| {
        ["begin", "smoke", "load", "more", "promote", "back"]
            .map(str::to_owned)
            .into_iter()
            .zip(states)
            .collect::<Vec<_>>()
    };
    assert_eq!(gates(&phase("Waiting"), &[]), row([Asked, Pending, Pending, Pending, Pending, Pending]));
    assert_eq!(gates(&going(), &[]), row([Yes, Yes, Pending, Pending, Pending, Pending]));
    let events = [
        event(2, "Normal", "Confirm-traffic-increase check more passed"),
        event(3, "Warning", "Halt web.shop advancement waiting for traffic increase approval more"),
        event(3, "Warning", "Halt web.shop advancement external check load failed connection refused"),
        event(3, "Normal", "Rollback hook back not signaling a rollback"),
    ];
    assert_eq!(gates(&going(), &events), row([Yes, Yes, No, Asked, Pending, No]));
    let passed = [&events[..], &[event(4, "Normal", "Confirm-traffic-increase check more passed")]].concat();
    assert_eq!(gates(&going(), &passed), row([Yes, Yes, No, Yes, Pending, No]));
    assert_eq!(gates(&phase("WaitingPromotion"), &[]), row([Yes, Yes, Pending, Pending, Asked, Pending]));
    assert_eq!(gates(&phase("Promoting"), &[]), row([Yes, Yes, Pending, Pending, Yes, Pending]));
    let smoke = event(1, "Warning", "Halt web.shop advancement pre-rollout check smoke failed why");
    assert_eq!(gates(&phase("Progressing"), &[smoke])[1].1, No);
}

#[test]
fn what_it_stands_still_for() {
    let held = |object: &Value, events: &[Value]| {
        picture::canary(&parse(object), &with_events(events)).held.map(|held| (held.by, held.words))
    };
    assert_eq!(held(&going(), &[]), None);
    let halt = event(3, "Warning", "Halt web.shop advancement waiting for traffic increase approval more");
    for (object, events, words) in [
        (phase("Waiting"), vec![], "confirm-rollout waits for a yes of begin"),
        (phase("WaitingPromotion"), vec![], "confirm-promotion waits for a yes of promote"),
        (going(), vec![halt], "confirm-traffic-increase waits for a yes of more"),
    ] {
        assert_eq!(held(&object, &events), Some((HoldBy::Gate, words.to_owned())));
    }
    let suspended = with(&phase("Waiting"), json!({ "spec": { "suspend": true } }));
    assert_eq!(held(&suspended, &[]), Some((HoldBy::Person, "a person has suspended it".to_owned())));
    let at_rest = with(&phase("Failed"), json!({ "spec": { "suspend": true } }));
    assert_eq!(held(&at_rest, &[]), None);
}

#[test]
fn metrics_and_why() {
    let events = [event(3, "Warning", "Halt web.shop advancement success rate 69.17% < 99%")];
    let of = |object: &Value| picture::canary(&parse(object), &with_events(&events));
    let rows: Vec<_> = of(&going()).metrics.into_iter().map(|m| (m.name, m.verdict, m.words)).collect();
    let row = |name: &str, verdict, words: &str| (name.to_owned(), verdict, words.to_owned());
    assert_eq!(
        rows,
        [
            row(
                "request-success-rate",
                MetricVerdict::Measuring,
                "at least 99, Halt web.shop advancement success rate 69.17% < 99%",
            ),
            row("latency", MetricVerdict::Measuring, "at most 500"),
            row("old-way", MetricVerdict::Measuring, "at most 7"),
        ]
    );
    assert_eq!(of(&going()).why.as_deref(), Some("1 of 5 checks that may fail have failed"));
    // After the end the condition tells when that was, and an event when it began.
    let began = event(0, "Normal", "New revision detected! Scaling up web.shop");
    let failed = with_events(&[&events[..], &[began]].concat());
    let failed = picture::canary(&parse(&phase("Failed")), &failed);
    let verdicts: Vec<_> = failed.metrics.iter().map(|metric| metric.verdict).collect();
    assert_eq!(verdicts, [MetricVerdict::Failed, MetricVerdict::Inconclusive, MetricVerdict::Inconclusive]);
}

#[test]
fn times_weights_and_pods() {
    let at = |minute: i64| format!("2026-01-01T01:{minute:02}:00Z").parse::<jiff::Timestamp>().ok();
    let events = [
        event(1, "Normal", "Starting canary analysis for web.shop"),
        event(2, "Normal", "Advance web.shop canary weight 20"),
        event(3, "Normal", "Advance web.shop canary weight 40"),
    ];
    let mut around = with_events(&events);
    let waiting = json!({ "name": "web", "state": { "waiting": { "reason": "ImagePullBackOff", "message": "no such tag" } } });
    around.pods = Pod::from_list(&json!({ "items": [{ "status": { "containerStatuses": [waiting] } }] }));
    let seen = picture::canary(&parse(&going()), &around);
    assert_eq!((seen.started, seen.ended, seen.since), (at(0), None, at(1)));
    let weights: Vec<_> = seen.weights.iter().map(|(time, weight)| (Some(*time), *weight)).collect();
    assert_eq!(weights, [(at(2), 20), (at(3), 40)]);
    let rows: Vec<_> = seen
        .versions
        .iter()
        .map(|v| (v.revision.as_str(), v.number, v.label.as_deref(), v.weight, v.pods.wanted))
        .collect();
    assert_eq!(
        rows,
        [("web-primary", None, Some("web:1"), Some(80), 3), ("bbb", Some(5), Some("web:2"), Some(20), 2)]
    );
    assert_eq!(seen.versions[1].trouble.as_deref(), Some("web ImagePullBackOff: no such tag"));
    let coming = picture::canary(&parse(&phase("Progressing")), &around);
    assert_eq!(coming.deadline, at(2));
    // What failed is told by the last weight.
    let began = event(0, "Normal", "New revision detected! Scaling up web.shop");
    let failed = picture::canary(&parse(&phase("Failed")), &with_events(&[&events[..], &[began]].concat()));
    assert_eq!((marks(&failed).as_str(), failed.started, failed.ended), ("+x--", at(0), at(0)));
}

#[test]
fn history() {
    let rows = |object: &Value, around: &CanaryAround| {
        let releases = picture::canary_history(&parse(object), around);
        releases.into_iter().map(|r| (r.number, r.outcome, r.is_stable)).collect::<Vec<_>>()
    };
    let mut around = around();
    around.primary = Some(workload("web:1", 3));
    assert_eq!(rows(&going(), &around), [(5, Outcome::UnderWay, false), (4, Outcome::Completed, true)]);
    assert_eq!(
        rows(&phase("Failed"), &around),
        [(5, Outcome::RolledBack, false), (4, Outcome::Completed, true)]
    );
    around.target = Some(workload("web:2", 0));
    around.primary = Some(workload("web:2", 3));
    assert_eq!(
        rows(&phase("Succeeded"), &around),
        [(5, Outcome::Completed, true), (4, Outcome::Unknown, false)]
    );
    // What Flagger says counts, also where its copy cannot be seen.
    around.primary = None;
    assert_eq!(
        rows(&phase("Succeeded"), &around),
        [(5, Outcome::Completed, false), (4, Outcome::Unknown, false)]
    );
    assert_eq!(rows(&going(), &CanaryAround::default()), []);
}

#[test]
fn verbs_that_flagger_has() {
    let suspended = with(&going(), json!({ "spec": { "suspend": true } }));
    assert_eq!(suspend(&parse(&going())).unwrap().body, json!({ "spec": { "suspend": true } }));
    assert_eq!(suspend(&parse(&suspended)), Err(CanaryRefusal::AlreadySuspended));
    assert_eq!(unsuspend(&parse(&suspended)).unwrap().body, json!({ "spec": { "suspend": false } }));
    assert_eq!(unsuspend(&parse(&going())), Err(CanaryRefusal::NotSuspended));

    assert_eq!(can_abort(&parse(&going())), Ok(()));
    assert_eq!(can_abort(&parse(&phase("WaitingPromotion"))), Ok(()));
    assert_eq!(can_abort(&parse(&suspended)), Err(CanaryRefusal::Suspended));
    assert_eq!(can_abort(&parse(&phase("Waiting"))), Err(CanaryRefusal::NotBegun));
    assert_eq!(can_abort(&parse(&phase("Promoting"))), Err(CanaryRefusal::Promoting));
    let nothing = CanaryRefusal::NothingToAbort { phase: "Succeeded".into() };
    assert_eq!(can_abort(&parse(&phase("Succeeded"))), Err(nothing));
    let mut plain = going();
    plain["spec"]["analysis"]["webhooks"] = json!([]);
    assert_eq!(can_abort(&parse(&plain)), Err(CanaryRefusal::NoRollback));
}

#[test]
fn gates_that_a_person_can_open_now() {
    let names = |object: &Value, events: &[Value]| {
        let events = Event::from_list(&json!({ "items": events }));
        let canary = parse(object);
        picture::at_hand(&canary, &events).into_iter().map(|gate| gate.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&phase("Waiting"), &[]), ["begin"]);
    assert_eq!(names(&phase("WaitingPromotion"), &[]), ["promote"]);
    assert_eq!(names(&going(), &[]), Vec::<String>::new());
    let halt = event(3, "Warning", "Halt web.shop advancement waiting for traffic increase approval more");
    assert_eq!(names(&going(), &[halt]), ["more"]);
    // The release before waited there, and this one does not yet.
    let mut stale =
        event(0, "Warning", "Halt web.shop advancement waiting for traffic increase approval more");
    stale["lastTimestamp"] = "2026-01-01T00:50:00Z".into();
    assert_eq!(names(&going(), &[stale]), Vec::<String>::new());
}
