//! What changed about how one task is done.

use super::Of;
use super::model::{BindingChange, FileChange, FileFate, Means};
use super::policy;
use crate::action::{Action, Binding, Part, When};
use crate::id::Digest;
use std::collections::BTreeMap;

/// What binds a task, in a word.
fn means(binding: Option<&Binding>) -> Means {
    match binding {
        None => Means::Unbound,
        Some(Binding { when: When::Skip { reason }, .. }) => Means::LeftOut { reason: reason.clone() },
        Some(Binding { action: None, .. }) => Means::Manual,
        Some(Binding { action: Some(action), .. }) => Means::Action { kind: action.kind },
    }
}

/// Everything that differs, the gravest first.
pub(super) fn changes(before: &Of<'_>, now: &Of<'_>) -> Vec<BindingChange> {
    let (from, to) = (means(before.binding), means(now.binding));
    let mut changes = Vec::new();
    if from != to {
        changes.push(BindingChange::Means { from, to });
    }
    let (Some(old), Some(new)) = (before.binding, now.binding) else { return changes };
    if let (Some(old), Some(new)) = (&old.action, &new.action) {
        changes.extend(parts(old, new).into_iter().map(|part| BindingChange::Action { part }));
    }
    changes.extend(policy::changes(&old.policy, &new.policy));
    if old.action.is_some() && new.action.is_some() {
        let globs = |a: &[String], b: &[String]| a.iter().filter(|glob| !b.contains(glob)).cloned().collect();
        let added: Vec<String> = globs(&new.inputs, &old.inputs);
        let removed: Vec<String> = globs(&old.inputs, &new.inputs);
        if !added.is_empty() || !removed.is_empty() {
            changes.push(BindingChange::Globs { added, removed });
        }
        let files = files(before, now);
        if !files.is_empty() {
            changes.push(BindingChange::Files { files });
        }
    }
    changes
}

/// Parts of an action that differ.
pub(super) fn parts(before: &Action, now: &Action) -> Vec<Part> {
    Part::ALL.into_iter().filter(|part| part.differs(before, now)).collect()
}

/// Files whose contents differ, by path.
pub(super) fn files(before: &Of<'_>, now: &Of<'_>) -> Vec<FileChange> {
    let none = BTreeMap::new();
    let (old, new): (&BTreeMap<String, Digest>, &BTreeMap<String, Digest>) =
        (before.files.unwrap_or(&none), now.files.unwrap_or(&none));
    let mut fates: BTreeMap<&String, FileFate> = BTreeMap::new();
    for (path, digest) in new {
        match old.get(path) {
            None => drop(fates.insert(path, FileFate::Added)),
            Some(other) if other != digest => drop(fates.insert(path, FileFate::Changed)),
            Some(_) => {}
        }
    }
    fates.extend(old.keys().filter(|path| !new.contains_key(*path)).map(|path| (path, FileFate::Removed)));
    fates.into_iter().map(|(path, fate)| FileChange { path: path.clone(), fate }).collect()
}
