//! Analysis runs, applications and Flagger's canaries.

use crate::with;
use serde_json::{Value, json};
use taskmaster_kube_api::{
    AnalysisRun, Application, Canary, Progress, Wanted, analysis_ended, canary_ended, is_promoted, settled,
};

fn shown(progress: Progress) -> String {
    match progress {
        Progress::Done => "done".to_owned(),
        Progress::NotYet { why } => format!("not yet: {why}"),
        Progress::Failed { why } => format!("failed: {why}"),
    }
}

#[test]
fn an_analysis_ends_well_only_when_it_is_successful() {
    let metrics = json!([
        { "name": "errors", "phase": "Failed", "count": 3, "message": "too many" },
        { "name": "latency", "phase": "Successful", "count": 3 },
        { "name": "extra", "phase": "Error", "dryRun": true },
    ]);
    for (status, expected) in [
        (json!({}), "not yet: Pending"),
        (json!({ "phase": "Running" }), "not yet: Running"),
        (json!({ "phase": "Successful" }), "done"),
        (json!({ "phase": "Inconclusive", "message": "m" }), "failed: Inconclusive (m)"),
        (json!({ "phase": "Error" }), "failed: Error"),
        (
            json!({ "phase": "Failed", "metricResults": metrics }),
            "failed: Failed; metric errors is Failed after 3 measurements (too many); metric extra, which decides nothing, is Error after 0 measurements",
        ),
    ] {
        let run = AnalysisRun::from_json(&json!({ "status": status })).unwrap();
        assert_eq!(shown(analysis_ended(&run)), expected);
    }
    assert!(AnalysisRun::from_json(&json!(3)).is_err());
}

fn application(over: Value) -> Application {
    let base = json!({
        "metadata": { "name": "web" },
        "status": {
            "sync": { "status": "Synced", "revision": "abc" },
            "health": { "status": "Healthy" },
            "reconciledAt": "2026-01-01T00:00:10Z",
            "operationState": { "phase": "Succeeded", "finishedAt": "2026-01-01T00:00:05Z" },
        },
    });
    Application::from_json(&with(&base, over)).expect("an application")
}

#[test]
fn an_application_is_settled_when_nothing_is_at_work() {
    let failed = json!({ "phase": "Failed", "message": "m" });
    for (over, expected) in [
        (json!({}), "done"),
        (
            json!({ "metadata": { "annotations": { "argocd.argoproj.io/refresh": "normal" } } }),
            "not yet: a refresh is pending",
        ),
        (json!({ "operation": { "sync": {} } }), "not yet: an operation has not begun"),
        (
            json!({ "status": { "operationState": { "phase": "Running" } } }),
            "not yet: the operation is Running",
        ),
        (
            json!({ "status": { "operationState": failed, "sync": { "status": "OutOfSync" } } }),
            "failed: the operation is Failed (m)",
        ),
        (json!({ "status": { "operationState": failed } }), "done"),
        (
            json!({ "status": { "reconciledAt": "2026-01-01T00:00:01Z" } }),
            "not yet: not looked at since the last operation",
        ),
        (json!({ "status": { "reconciledAt": "x" } }), "done"),
        (json!({ "status": { "sync": { "status": "OutOfSync" } } }), "not yet: sync is OutOfSync"),
        (json!({ "status": { "sync": null } }), "not yet: sync is unknown"),
        (
            json!({ "status": { "sync": { "status": "Unknown" }, "conditions": [
                { "type": "OrphanedResourceWarning", "message": "w" },
                { "type": "ComparisonError", "message": "app path\ndoes not exist" },
            ] } }),
            "not yet: sync is Unknown (ComparisonError: app path does not exist)",
        ),
        (
            json!({ "status": { "health": { "status": "Degraded", "message": "m" } } }),
            "not yet: health is Degraded (m)",
        ),
    ] {
        assert_eq!(shown(settled(&application(over.clone()), &Wanted::default())), expected, "{over}");
    }
    let at = |revision: &str| Wanted { revision: Some(revision.into()), ..Wanted::default() };
    assert_eq!(settled(&application(json!({})), &at("abc")), Progress::Done);
    assert_eq!(
        shown(settled(&application(json!({})), &at("def"))),
        "not yet: compared with abc, not with def"
    );
    let several = application(json!({ "status": { "sync": { "revision": "", "revisions": ["x", "def"] } } }));
    assert_eq!(settled(&several, &at("def")), Progress::Done);
    let only_sync = Wanted { healthy: false, ..Wanted::default() };
    let sick = application(json!({ "status": { "health": { "status": "Degraded" } } }));
    assert_eq!(settled(&sick, &only_sync), Progress::Done);
}

#[test]
fn a_canary_of_flagger_ends_by_its_phase() {
    for (status, expected) in [
        (json!({}), "not yet: no phase yet, weight 0"),
        (json!({ "phase": "Initializing" }), "not yet: Initializing, weight 0"),
        (json!({ "phase": "Initialized" }), "done"),
        (json!({ "phase": "Waiting" }), "not yet: Waiting, weight 0"),
        (
            json!({ "phase": "Progressing", "canaryWeight": 30, "failedChecks": 2 }),
            "not yet: Progressing, weight 30, 2 failed checks",
        ),
        (json!({ "phase": "Progressing", "iterations": 2 }), "not yet: Progressing, weight 0, iteration 2"),
        (json!({ "phase": "WaitingPromotion" }), "not yet: WaitingPromotion, weight 0"),
        (json!({ "phase": "Promoting" }), "not yet: Promoting, weight 0"),
        (json!({ "phase": "Finalising" }), "not yet: Finalising, weight 0"),
        (json!({ "phase": "Succeeded" }), "done"),
        (
            json!({ "phase": "Failed", "conditions": [{ "type": "Promoted", "message": "m" }] }),
            "failed: Failed, weight 0 (m)",
        ),
        (json!({ "phase": "Terminating" }), "failed: Terminating, weight 0"),
    ] {
        let canary = Canary::from_json(&json!({ "status": status })).unwrap();
        assert_eq!(shown(canary_ended(&canary)), expected);
    }
}

#[test]
fn a_canary_of_flagger_is_promoted_when_its_primary_runs_the_same() {
    let runs = |containers: serde_json::Value| json!({ "spec": { "template": { "spec": { "containers": containers } } } });
    let web = |image: &str, args: &[&str]| {
        runs(json!([{ "name": "web", "image": image, "args": args, "env": [{ "name": image }] }]))
    };
    for (target, primary, expected) in [
        (web("web:1", &[]), web("web:1", &[]), true),
        (web("web:2", &[]), web("web:1", &[]), false),
        (web("web:1", &["-v"]), web("web:1", &[]), false),
        (
            runs(json!([{ "name": "web", "image": "a", "env": [{ "name": "X" }] }])),
            runs(json!([{ "name": "web", "image": "a" }])),
            true,
        ),
        (json!({}), json!({}), true),
    ] {
        assert_eq!(is_promoted(&target, &primary), expected, "{target} {primary}");
    }
    let canary =
        Canary::from_json(&json!({ "spec": { "targetRef": { "kind": "Deployment", "name": "web" } } }))
            .unwrap();
    assert_eq!(
        (canary.spec.target_ref.kind.as_str(), canary.spec.target_ref.name.as_str()),
        ("Deployment", "web")
    );
}
