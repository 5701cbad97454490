//! A server that applies patches: RFC 7386 and the operations of RFC 6902 that are used.

use serde_json::{Map, Value, json};
use taskmaster_kube_api::{Change, Patch, PatchKind, Subresource};

/// RFC 7386.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(members) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let object = target.as_object_mut().expect("as the tests write it");
    for (key, value) in members {
        if value.is_null() {
            object.remove(key);
        } else {
            merge(object.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// RFC 6902: `test`, `add`, `replace` and `remove` of members.
pub(crate) fn operate(target: &mut Value, operations: &Value) -> Result<(), String> {
    for operation in operations.as_array().expect("as the tests write it") {
        let (path, value) = (operation["path"].as_str().expect("as the tests write it"), &operation["value"]);
        let (parent, member) = path.rsplit_once('/').expect("as the tests write it");
        let parent = target.pointer_mut(parent).ok_or_else(|| format!("no {path}"))?;
        match operation["op"].as_str().expect("as the tests write it") {
            "test" if parent.get(member) != Some(value) => return Err(format!("{path} is not {value}")),
            "test" => {}
            "replace" if parent.get(member).is_none() => return Err(format!("no {path}")),
            "replace" | "add" => parent[member] = value.clone(),
            "remove" => {
                let parent = parent.as_object_mut().expect("as the tests write it");
                parent.remove(member).ok_or_else(|| format!("no {path}"))?;
            }
            other => panic!("{other}"),
        }
    }
    Ok(())
}

/// One patch as the server of a resource with a status subresource takes it: the status of a patch
/// of the object is ignored, and so is everything else of a patch of the status.
fn send(object: &mut Value, patch: &Patch) {
    let mut changed = object.clone();
    match patch.kind {
        PatchKind::Merge => merge(&mut changed, &patch.body),
        PatchKind::Json => operate(&mut changed, &patch.body).expect("as the tests write it"),
        PatchKind::Strategic => panic!("not for custom resources"),
    }
    match patch.subresource {
        Subresource::Status => object["status"] = changed["status"].clone(),
        Subresource::None => {
            changed["status"] = object["status"].clone();
            *object = changed;
        }
    }
}

/// The object after a change, with a status subresource.
pub(crate) fn after(object: &Value, change: &Change) -> Value {
    let mut object = object.clone();
    change.patches().for_each(|patch| send(&mut object, patch));
    object
}

/// The object after a change, without one.
pub(crate) fn after_fallback(object: &Value, change: &Change) -> Value {
    let mut object = object.clone();
    for patch in change.fallback() {
        assert_eq!(patch.subresource, Subresource::None);
        match patch.kind {
            PatchKind::Merge => merge(&mut object, &patch.body),
            _ => operate(&mut object, &patch.body).expect("as the tests write it"),
        }
    }
    object
}

#[test]
fn the_examples_of_rfc_7386() {
    for (original, patch, result) in [
        (json!({ "a": "b" }), json!({ "a": "c" }), json!({ "a": "c" })),
        (json!({ "a": "b" }), json!({ "b": "c" }), json!({ "a": "b", "b": "c" })),
        (json!({ "a": "b" }), json!({ "a": null }), json!({})),
        (json!({ "a": ["b"] }), json!({ "a": "c" }), json!({ "a": "c" })),
        (json!({ "a": { "b": "c" } }), json!({ "a": { "b": "d", "c": null } }), json!({ "a": { "b": "d" } })),
        (json!(["a"]), json!({ "a": "c" }), json!({ "a": "c" })),
        (json!({}), json!({ "a": { "bb": { "ccc": null } } }), json!({ "a": { "bb": {} } })),
    ] {
        let mut target = original;
        merge(&mut target, &patch);
        assert_eq!(target, result, "{patch}");
    }
}
