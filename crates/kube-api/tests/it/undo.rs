//! Revisions.

use crate::apply::after;
use crate::{canary, parse, status_of, with};
use serde_json::{Value, json};
use taskmaster_kube_api::{PatchKind, Refusal, ReplicaSet, Target, undo};

fn set(revision: Option<&str>, hash: &str, image: &str) -> Value {
    let mut set = json!({
        "metadata": {
            "labels": { "rollouts-pod-template-hash": hash },
            "annotations": {},
            "ownerReferences": [{ "uid": "u-1", "controller": true }],
        },
        "spec": { "template": {
            "metadata": { "labels": { "app": "web", "rollouts-pod-template-hash": hash } },
            "spec": {
                "initContainers": [{ "name": "init", "image": "init:1" }],
                "containers": [{ "name": "web", "image": image }, { "name": "log", "image": "log:1" }],
                "restartPolicy": "Always",
            },
        } },
    });
    if let Some(revision) = revision {
        set["metadata"]["annotations"]["rollout.argoproj.io/revision"] = revision.into();
    }
    set
}

fn history() -> Vec<Value> {
    let mut foreign = set(Some("9"), "foreign", "foreign:1");
    foreign["metadata"]["ownerReferences"][0]["uid"] = "u-2".into();
    let mut loose = set(Some("8"), "loose", "loose:1");
    loose["metadata"]["ownerReferences"][0]["controller"] = false.into();
    vec![
        set(Some("1"), "first", "web:0"),
        set(Some("3"), "new", "web:2"),
        foreign,
        set(Some("2"), "old", "web:1"),
        loose,
        set(Some("x"), "odd", "odd:1"),
    ]
}

fn read(items: &[Value]) -> Vec<ReplicaSet> {
    ReplicaSet::from_list(&json!({ "items": items })).expect("a list")
}

#[test]
fn it_goes_back_to_the_revision_before_or_to_a_given_one() {
    for (to, image) in [(None, "web:1"), (Some(2), "web:1"), (Some(1), "web:0")] {
        let change = undo(&parse(&canary()), &read(&history()), to).unwrap();
        let patch = change.spec.as_ref().unwrap();
        assert_eq!((patch.kind, &patch.target), (PatchKind::Json, &Target::Rollout));
        let template = &after(&canary(), &change)["spec"]["template"];
        assert_eq!(template["spec"]["containers"][0]["image"], json!(image), "{to:?}");
        assert_eq!(template["metadata"]["labels"], json!({ "app": "web" }), "the hash is the controller's");
        assert_eq!(patch.body[0]["op"], json!("replace"));
    }
}

#[test]
fn what_cannot_be_gone_back_to_is_refused() {
    let rollout = parse(&canary());
    let sets = read(&history());
    assert_eq!(undo(&rollout, &sets, Some(3)), Err(Refusal::AlreadyAtRevision { revision: 3 }));
    let known = "1, 2, 3".to_owned();
    assert_eq!(undo(&rollout, &sets, Some(9)), Err(Refusal::NoRevision { wanted: 9, known }));
    assert_eq!(undo(&rollout, &sets[1..2], None), Err(Refusal::NoEarlierRevision));
    assert_eq!(undo(&rollout, &[], None), Err(Refusal::NoEarlierRevision));
    let mut empty = history();
    empty[3]["spec"] = json!({});
    assert_eq!(undo(&rollout, &read(&empty), Some(2)), Err(Refusal::NoTemplate));
}

#[test]
fn a_revision_that_only_has_more_is_another_one() {
    let mut items = history();
    items[3]["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2".into();
    items[3]["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{ "name": "A", "value": "1" }]);
    let change = undo(&parse(&canary()), &read(&items), Some(2)).unwrap();
    assert!(change.spec.is_some(), "upstream compares one way and skips this");
    // Without a known hash, upstream's comparison is all there is.
    let unknown = parse(&status_of(&canary(), json!({ "currentPodHash": "" })));
    assert_eq!(undo(&unknown, &read(&items), Some(2)), Err(Refusal::AlreadyAtRevision { revision: 2 }));
}

#[test]
fn a_template_by_reference_is_restored_where_it_is() {
    for (kind, expected) in [
        ("Deployment", Ok("deployments.apps")),
        ("ReplicaSet", Ok("replicasets.apps")),
        ("Job", Err(Refusal::Workload { kind: "Job".into() })),
    ] {
        let mut object =
            with(&canary(), json!({ "spec": { "workloadRef": { "kind": kind, "name": "base" } } }));
        object["spec"].as_object_mut().unwrap().remove("template");
        let target = undo(&parse(&object), &read(&history()), None).map(|change| change.spec.unwrap().target);
        let expected = expected.map(|resource| Target::Workload { resource, name: "base".into() });
        assert_eq!(target, expected, "{kind}");
    }
}
