//! One row a rule: the object, the verb, and exactly the patches that upstream sends.

use crate::apply::{after, after_fallback};
use crate::{at_pause, at_rest, blue_green, canary, parse, status_of, with};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use taskmaster_kube_api::{
    Change, Order, Patch, PatchKind, Refusal, Rollout, Subresource, Target, abort, images, pause,
    pause_patch, promote, promote_full, resume, retry, set_image,
};

type Verb = fn(&Rollout) -> Result<Change, Refusal>;

/// `status {…} | spec {…} | unified {…}`, in the order in which they are sent, or why not.
fn shown(result: Result<Change, Refusal>) -> String {
    let change = match result {
        Ok(change) => change,
        Err(refusal) => {
            let mark = if refusal.is_reached() { "reached" } else { "refused" };
            return format!("{mark}: {refusal}");
        }
    };
    let part = |name: &str, patch: &Option<Patch>, subresource| {
        patch.as_ref().map(|patch| {
            assert_eq!((patch.subresource, &patch.target), (subresource, &Target::Rollout), "{name}");
            let kind = if patch.body.is_array() { PatchKind::Json } else { PatchKind::Merge };
            assert_eq!(patch.kind, kind, "{name}");
            format!("{name} {}", patch.body)
        })
    };
    let mut parts = [
        part("status", &change.status, Subresource::Status),
        part("spec", &change.spec, Subresource::None),
        part("unified", &change.unified, Subresource::None),
    ];
    if change.order == Order::SpecFirst {
        parts.swap(0, 1);
    }
    parts.into_iter().flatten().collect::<Vec<_>>().join(" | ")
}

#[track_caller]
fn rows(verb: Verb, rows: &[(&str, Value, &str)]) {
    for (name, object, expected) in rows {
        assert_eq!(shown(verb(&parse(object))), *expected, "{name}");
    }
}

fn paused(base: &Value) -> Value {
    with(base, json!({ "spec": { "paused": true } }))
}

fn inconclusive(base: &Value) -> Value {
    status_of(
        base,
        json!({ "canary": { "currentStepAnalysisRunStatus": { "name": "web-3", "status": "Inconclusive" } } }),
    )
}

fn without_steps(base: &Value) -> Value {
    with(base, json!({ "spec": { "strategy": { "canary": { "steps": [] } } } }))
}

const UNPAUSE: &str = r#"spec {"spec":{"paused":false}}"#;
const CLEAR: &str = r#"status {"status":{"pauseConditions":null}}"#;
/// Clears the pause that was seen, and no other one.
const CLEAR_SEEN: &str = r#"status [{"op":"test","path":"/status/pauseConditions/0/reason","value":"CanaryPauseStep"},{"op":"test","path":"/status/pauseConditions/0/startTime","value":"2026-01-01T00:00:00Z"},{"op":"remove","path":"/status/pauseConditions"}]"#;
const BOTH: &str = r#"unified {"spec":{"paused":false},"status":{"pauseConditions":null}}"#;

#[test]
fn promote_passes_a_pause_or_a_step() {
    let step = |n: i64| {
        format!(
            r#"status {{"status":{{"currentStepIndex":{n},"pauseConditions":null}}}} | unified {{"spec":{{"paused":false}},"status":{{"currentStepIndex":{n},"pauseConditions":null}}}}"#
        )
    };
    let clear = format!("{CLEAR} | {BOTH}");
    let inconclusive_step = format!(
        r#"status {{"status":{{"controllerPause":false,"currentStepIndex":2,"pauseConditions":null}}}} | {BOTH}"#
    );
    let spec_and_step = step(1).replacen(" | ", &format!(" | {UNPAUSE} | "), 1);
    rows(
        promote,
        &[
            ("in the middle of a step", canary(), &step(1)),
            ("without an index", status_of(&canary(), json!({ "currentStepIndex": null })), &step(1)),
            ("at the last step", status_of(&canary(), json!({ "currentStepIndex": 3 })), &step(4)),
            ("past the last step", status_of(&canary(), json!({ "currentStepIndex": 4 })), &step(4)),
            ("at a pause step", at_pause(), &clear),
            ("at a pause by a person", paused(&canary()), &spec_and_step),
            // The controller must not meet a paused specification without the pause of its step.
            ("at both pauses", paused(&at_pause()), &format!("{UNPAUSE} | {CLEAR_SEEN} | {BOTH}")),
            (
                "inconclusive, and stopped by a person",
                paused(&inconclusive(&at_pause())),
                &inconclusive_step.replacen(" | ", &format!(" | {UNPAUSE} | "), 1),
            ),
            ("inconclusive", inconclusive(&at_pause()), &inconclusive_step),
            (
                "inconclusive, but not paused by the controller",
                status_of(&inconclusive(&at_pause()), json!({ "controllerPause": false })),
                &clear,
            ),
            ("blue-green that waits", blue_green(), &clear),
            (
                "blue-green that does not",
                status_of(&blue_green(), json!({ "pauseConditions": null, "controllerPause": false })),
                "refused: there is nothing to promote: the rollout is not paused, and it has no steps",
            ),
            (
                "a canary without steps",
                without_steps(&canary()),
                "refused: there is nothing to promote: the rollout is not paused, and it has no steps",
            ),
            (
                "the same, stopped by a person",
                paused(&without_steps(&canary())),
                &format!("{UNPAUSE} | {BOTH}"),
            ),
            // A task that promotes may come after the controller, which does not pause on the way back.
            ("at rest", at_rest(), "reached: the rollout is fully promoted already"),
            (
                "at rest and stopped by a person",
                paused(&at_rest()),
                &step(4).replacen(" | ", &format!(" | {UNPAUSE} | "), 1),
            ),
            ("aborted", status_of(&canary(), json!({ "abort": true })), "refused: the rollout is aborted"),
        ],
    );
}

#[test]
fn promote_full_goes_to_the_end() {
    let full = r#"status {"status":{"promoteFull":true}}"#;
    let unified = r#"unified {"spec":{"paused":false},"status":{"promoteFull":true}}"#;
    rows(
        promote_full,
        &[
            ("in the middle", canary(), &format!("{full} | {unified}")),
            ("stopped by a person", paused(&canary()), &format!("{full} | {UNPAUSE} | {unified}")),
            ("at a pause step", at_pause(), &format!("{full} | {unified}")),
            ("aborted", status_of(&canary(), json!({ "abort": true })), &format!("{full} | {unified}")),
            ("blue-green", blue_green(), &format!("{full} | {unified}")),
            ("at rest", at_rest(), "reached: the rollout is fully promoted already"),
            ("at rest and stopped by a person", paused(&at_rest()), &format!("{UNPAUSE} | {unified}")),
        ],
    );
}

#[test]
fn pause_resume_abort_and_retry() {
    rows(
        pause,
        &[
            ("going", canary(), r#"spec {"spec":{"paused":true}}"#),
            ("at a pause step", at_pause(), r#"spec {"spec":{"paused":true}}"#),
            ("twice", paused(&canary()), "reached: the rollout is paused already"),
        ],
    );
    rows(
        resume,
        &[
            ("stopped by a person", paused(&canary()), &format!("{UNPAUSE} | {BOTH}")),
            ("at a pause step", at_pause(), &format!("{CLEAR} | {BOTH}")),
            ("at both", paused(&at_pause()), &format!("{UNPAUSE} | {CLEAR_SEEN} | {BOTH}")),
            ("going", canary(), "reached: the rollout is not paused"),
        ],
    );
    let abort_body = r#"{"status":{"abort":true}}"#;
    rows(
        abort,
        &[
            ("going", canary(), &format!("status {abort_body} | unified {abort_body}")),
            ("blue-green", blue_green(), &format!("status {abort_body} | unified {abort_body}")),
            (
                "first deployment",
                status_of(&canary(), json!({ "stableRS": "" })),
                &format!("status {abort_body} | unified {abort_body}"),
            ),
            (
                "twice",
                status_of(&canary(), json!({ "abort": true })),
                "reached: the rollout is aborted already",
            ),
            ("at rest", at_rest(), "refused: there is nothing to abort: the rollout is fully promoted"),
        ],
    );
    let retry_body = r#"{"status":{"abort":false}}"#;
    rows(
        retry,
        &[
            (
                "aborted",
                status_of(&canary(), json!({ "abort": true })),
                &format!("status {retry_body} | unified {retry_body}"),
            ),
            ("going", canary(), "reached: the rollout is not aborted"),
        ],
    );
}

#[test]
fn the_patch_that_needs_no_object_is_the_same() {
    assert_eq!(Some(pause_patch()), pause(&parse(&canary())).unwrap().spec);
}

#[test]
fn the_object_afterwards_is_what_upstream_would_have() {
    let object = paused(&at_pause());
    let change = promote(&parse(&object)).unwrap();
    for (server, changed) in [("new", after(&object, &change)), ("old", after_fallback(&object, &change))] {
        assert_eq!(changed["spec"]["paused"], json!(false), "{server}");
        assert_eq!(changed["status"].get("pauseConditions"), None, "{server}");
        assert_eq!(changed["status"]["currentStepIndex"], json!(1), "{server}: never both");
        assert_eq!(changed["status"]["controllerPause"], json!(true), "{server}");
    }
    let change = abort(&parse(&canary())).unwrap();
    assert_eq!(after(&canary(), &change), status_of(&canary(), json!({ "abort": true })));
    assert_eq!(after_fallback(&canary(), &change), after(&canary(), &change));
}

fn wanted(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, image)| ((*name).to_owned(), (*image).to_owned())).collect()
}

#[test]
fn set_image_changes_containers_by_name() {
    let object = canary();
    let set = |pairs: &[(&str, &str)]| {
        set_image(&Target::Rollout, Some(&object["spec"]["template"]), &wanted(pairs))
    };
    let change = set(&[("web", "web:3")]).unwrap();
    assert_eq!(
        change.spec.as_ref().unwrap().body,
        json!([
            { "op": "test", "path": "/spec/template/spec/containers/0/name", "value": "web" },
            { "op": "add", "path": "/spec/template/spec/containers/0/image", "value": "web:3" },
        ])
    );
    assert_eq!(change.spec.as_ref().unwrap().kind, PatchKind::Json);
    let images_after = |change: &Change| images(&after(&object, change)["spec"]["template"]);
    assert_eq!(images_after(&change), wanted(&[("init", "init:1"), ("web", "web:3"), ("log", "log:1")]));
    let all = set(&[("*", "one:1")]).unwrap();
    assert_eq!(images_after(&all), wanted(&[("init", "one:1"), ("web", "one:1"), ("log", "one:1")]));
    let some = set(&[("*", "one:1"), ("init", "init:2")]).unwrap();
    assert_eq!(images_after(&some), wanted(&[("init", "init:2"), ("web", "one:1"), ("log", "one:1")]));
    assert_eq!(set(&[("web", "web:2")]), Err(Refusal::AlreadyThatImage));
    let known = "init, log, web".to_owned();
    assert_eq!(set(&[("wbe", "x")]), Err(Refusal::NoContainer { container: "wbe".into(), known }));
    assert_eq!(set_image(&Target::Rollout, None, &wanted(&[("*", "x")])), Err(Refusal::NoTemplate));
    assert_eq!(
        set_image(&Target::Rollout, Some(&json!([])), &wanted(&[("*", "x")])),
        Err(Refusal::NoTemplate)
    );
}

#[test]
fn a_template_by_reference_is_changed_where_it_is() {
    let target = |kind: &str| {
        parse(&with(&canary(), json!({ "spec": { "workloadRef": { "kind": kind, "name": "base" } } })))
            .image_target()
    };
    let deployment = Target::Workload { resource: "deployments.apps", name: "base".into() };
    assert_eq!(target("Deployment"), Ok(deployment));
    assert_eq!(target("ReplicaSet"), Err(Refusal::Workload { kind: "ReplicaSet".into() }));
    assert_eq!(target("PodTemplate"), Err(Refusal::Workload { kind: "PodTemplate".into() }));
    assert_eq!(target("\u{1b}[2J"), Err(Refusal::Workload { kind: " [2J".into() }));
    assert_eq!(parse(&canary()).image_target(), Ok(Target::Rollout));
}
