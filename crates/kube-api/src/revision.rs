//! `undo`: the template of an earlier revision, from the ReplicaSets that are kept.

use crate::patch::{Change, Patch, PatchKind};
use crate::replica_set::{HASH_LABEL, ReplicaSet};
use crate::rollout::Rollout;
use crate::verb::Refusal;
use serde_json::{Value, json};

/// Goes back to the template of revision `to`, or of the one before the newest.
///
/// # Errors
/// Where there is no such revision, or its template is the current one.
pub fn undo(rollout: &Rollout, sets: &[ReplicaSet], to: Option<i64>) -> Result<Change, Refusal> {
    let own = sets.iter().filter(|set| set.belongs_to(&rollout.metadata.uid));
    let mut known: Vec<_> = own.filter_map(|set| Some((set.revision()?, set))).collect();
    // Newest first; of two with one revision, the first in the list is the newer one.
    known.sort_by_key(|(revision, _)| std::cmp::Reverse(*revision));
    let (revision, chosen) = match to {
        Some(wanted) => known.iter().find(|(revision, _)| *revision == wanted).ok_or_else(|| {
            let known: Vec<_> = known.iter().rev().map(|(revision, _)| revision.to_string()).collect();
            Refusal::NoRevision { wanted, known: known.join(", ") }
        })?,
        None => known.get(1).ok_or(Refusal::NoEarlierRevision)?,
    };
    let template = chosen.spec.template.as_ref().filter(|template| template.is_object());
    let template = without_hash(template.ok_or(Refusal::NoTemplate)?.clone());
    if is_current(rollout, chosen, &template) {
        return Err(Refusal::AlreadyAtRevision { revision: *revision });
    }
    let target = rollout.template_target()?;
    let body = json!([{ "op": "replace", "path": "/spec/template", "value": template }]);
    let patch = Patch { target, kind: PatchKind::Json, ..Patch::spec(body) };
    Ok(Change { spec: Some(patch), ..Change::default() })
}

/// The template is the current one: every field of the rollout is in it, as upstream compares, and
/// its hash is the current one where both are known. The comparison alone would take a revision for
/// the current one that only has fields more (upstream then goes back to nothing).
fn is_current(rollout: &Rollout, set: &ReplicaSet, template: &Value) -> bool {
    let Some(current) = &rollout.spec.template else { return false };
    let (newest, own) = (&rollout.status.current_pod_hash, set.metadata.labels.get(HASH_LABEL));
    let other_hash = !newest.is_empty() && own.is_some_and(|own| own != newest);
    derives(&without_hash(current.clone()), template) && !other_hash
}

/// The template without the label that the controller adds, and without labels that are empty then.
fn without_hash(mut template: Value) -> Value {
    let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) else {
        return template;
    };
    if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
        labels.remove(HASH_LABEL);
        if labels.is_empty() {
            metadata.remove("labels");
        }
    }
    template
}

/// True where `other` has everything that `one` says. What is null or empty says nothing; lists are
/// compared from their beginning. Both are as deep as a parser allows.
fn derives(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Null, _) => true,
        (Value::String(text), _) if text.is_empty() => true,
        (Value::Array(items), _) if items.is_empty() => true,
        (Value::Object(members), _) if members.is_empty() => true,
        (Value::Array(ones), Value::Array(others)) => {
            ones.len() <= others.len() && ones.iter().zip(others).all(|(one, other)| derives(one, other))
        }
        (Value::Object(ones), Value::Object(others)) => {
            ones.iter().all(|(key, one)| others.get(key).is_some_and(|other| derives(one, other)))
        }
        _ => one == other,
    }
}
