//! Edits and what becomes of the keys.

use super::*;
use crate::build::{document, task};
use proptest::prelude::*;

fn keys() -> impl FnMut() -> TaskKey {
    let mut last = 0;
    move || {
        last += 1;
        TaskKey::new(format!("key{last}"))
    }
}

/// The first revision of these tasks.
fn first(tasks: Vec<Task>) -> Vec<KnownTask> {
    match_tasks(&[], &document(Vec::new(), tasks), &mut keys()).tasks
}

/// The next revision; fresh keys are named `new`.
fn next(old: &[KnownTask], tasks: Vec<Task>) -> Matched {
    match_tasks(old, &document(Vec::new(), tasks), &mut || TaskKey::new("new"))
}

fn explicit(id: &str, title: &str) -> Task {
    Task { id: TaskId::new(id), explicit_id: true, ..task("setup", title) }
}

fn key(matched: &Matched, id: &str) -> String {
    matched.keys[id].as_str().to_owned()
}

#[test]
fn a_first_revision_is_all_new() {
    let matched =
        match_tasks(&[], &document(Vec::new(), vec![task("setup", "A"), task("setup", "B")]), &mut keys());
    assert_eq!((key(&matched, "setup/a"), key(&matched, "setup/b")), ("key1".into(), "key2".into()));
    assert_eq!(matched.changes.len(), 2);
    assert!(matches!(&matched.changes[0], TaskChange::Added { id } if id.as_str() == "setup/a"));
    let known = &matched.tasks[0];
    assert_eq!(
        (known.phase.as_str(), known.priority.as_str(), known.status.as_str()),
        ("setup", "medium", "pending")
    );
}

#[test]
fn an_explicit_id_keeps_its_key_through_title_phase_and_place() {
    let old = first(vec![explicit("T1", "Install"), explicit("T2", "Configure"), explicit("T3", "Check")]);
    let mut renamed = explicit("T1", "Something else entirely");
    renamed.phase = "later".into();
    let matched = next(&old, vec![explicit("T2", "Configure"), explicit("T3", "Check"), renamed]);
    assert_eq!(key(&matched, "T1"), "key1");
    assert_eq!(matched.history_only, []);
    let id = TaskId::new("T1");
    assert_eq!(
        matched.changes,
        [
            TaskChange::Renamed { from: id.clone(), id: id.clone() },
            TaskChange::Moved { id, from_phase: "setup".into(), to_phase: "later".into() },
        ]
    );
}

#[test]
fn a_slug_that_changed_is_found_by_likeness_as_history_only() {
    let old = first(vec![task("setup", "Install Argo CD"), task("setup", "Configure DNS")]);
    let matched =
        next(&old, vec![task("setup", "Install Argo CD with Helm"), task("setup", "Configure DNS")]);
    let id = TaskId::new("setup/install-argo-cd-with-helm");
    let from = TaskId::new("setup/install-argo-cd");
    assert_eq!(matched.keys[&id].as_str(), "key1");
    assert_eq!(
        matched.history_only,
        [SimilarityMatch { key: "key1".into(), from: from.clone(), id: id.clone() }]
    );
    assert_eq!(matched.changes, [TaskChange::Renamed { from, id }]);
}

#[test]
fn the_same_title_in_another_phase_is_history_only_too() {
    let old = first(vec![task("setup", "Install Argo CD"), task("setup", "Install Argo CI")]);
    let matched = next(&old, vec![task("setup", "Install Argo CI"), task("later", "Install Argo CD")]);
    assert_eq!(key(&matched, "later/install-argo-cd"), "key1");
    assert_eq!(matched.history_only.len(), 1);
}

#[test]
fn the_unlike_is_new_and_the_old_one_is_gone() {
    let old = first(vec![task("setup", "Install Argo CD")]);
    let matched = next(&old, vec![task("setup", "Write release notes")]);
    let (added, removed) = ("setup/write-release-notes", "setup/install-argo-cd");
    assert_eq!(key(&matched, added), "new");
    assert_eq!(
        matched.changes,
        [TaskChange::Added { id: added.into() }, TaskChange::Removed { id: removed.into() }]
    );
}

#[test]
fn the_likest_wins_and_a_tie_goes_to_the_same_phase() {
    let old = first(vec![task("a", "Deploy the service"), task("b", "Deploy the service!")]);
    let matched = next(&old, vec![task("b", "Deploy the services")]);
    assert_eq!(key(&matched, "b/deploy-the-services"), "key2");
    let closer = next(&old, vec![task("c", "Deploy the service!"), task("d", "Deploy the service")]);
    assert_eq!(key(&closer, "c/deploy-the-service"), "key2");
    assert_eq!(key(&closer, "d/deploy-the-service"), "key1");
}

#[test]
fn priority_reopening_and_place_are_told() {
    let mut done = task("setup", "B");
    done.status = Claim::Completed;
    let old = first(vec![task("setup", "A"), done, task("setup", "C")]);
    let mut urgent = task("setup", "A");
    urgent.priority = Priority::Critical;
    let matched = next(&old, vec![task("setup", "B"), task("setup", "C"), urgent]);
    let (a, b) = (TaskId::new("setup/a"), TaskId::new("setup/b"));
    let phase = || "setup".to_owned();
    assert_eq!(
        matched.changes,
        [
            TaskChange::Reopened { id: b },
            TaskChange::Moved { id: a.clone(), from_phase: phase(), to_phase: phase() },
            TaskChange::Reprioritised { id: a, from: "medium".into(), to: "critical".into() },
        ]
    );
}

#[test]
fn names_are_those_of_json() {
    for priority in [Priority::Critical, Priority::High, Priority::Medium, Priority::Low] {
        assert_eq!(serde_json::to_value(priority).unwrap(), priority_name(priority));
    }
    for claim in [Claim::Pending, Claim::InProgress, Claim::Completed, Claim::Cancelled] {
        assert_eq!(serde_json::to_value(claim).unwrap(), claim_name(claim));
    }
}

#[test]
fn many_renamed_tasks_are_compared_within_bounds() {
    let many = 20_000;
    let old = first((0..many).map(|i| task("a", &format!("Deploy service number {i}"))).collect());
    let new = (0..many).map(|i| task("a", &format!("Deploy the service number {i}"))).collect();
    let matched = next(&old, new);
    assert_eq!(matched.history_only.len(), many, "each is found near its place");
}

/// What an edit does to one task of the document.
#[derive(Clone, Debug)]
enum Edit {
    Keep,
    Remove,
    Retitle(String),
    MoveToEnd,
    InsertBefore(String),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => Just(Edit::Keep),
        1 => Just(Edit::Remove),
        1 => "[a-z]{3,8} [a-z]{3,8}".prop_map(Edit::Retitle),
        1 => Just(Edit::MoveToEnd),
        1 => "[a-z]{3,8} [a-z]{3,8}".prop_map(Edit::InsertBefore),
    ]
}

proptest! {
    #[test]
    fn keys_are_stable_under_edits_elsewhere(
        titles in prop::collection::btree_set("[a-z]{3,8} [a-z]{3,8}", 1..12),
        edits in prop::collection::vec(edit(), 12),
    ) {
        let titles: Vec<String> = titles.into_iter().collect();
        let old = first(titles.iter().map(|title| task("p", title)).collect());
        let (mut new, mut last, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for (known, (title, edit)) in old.iter().zip(titles.iter().zip(edits)) {
            let keeps = !matches!(edit, Edit::Remove | Edit::Retitle(_));
            match edit {
                Edit::Keep => new.push(task("p", title)),
                Edit::Remove => {}
                Edit::Retitle(title) => new.push(task("p", &title)),
                Edit::MoveToEnd => last.push(task("p", title)),
                Edit::InsertBefore(other) => new.extend([task("p", &other), task("p", title)]),
            }
            if keeps {
                kept.push(known);
            }
        }
        new.append(&mut last);
        // As the parser has it: ids are unique.
        let mut seen = std::collections::HashSet::new();
        new.retain(|task| seen.insert(task.id.clone()));
        let mut fresh = 0;
        let matched = match_tasks(&old, &document(Vec::new(), new.clone()), &mut || {
            fresh += 1;
            TaskKey::new(format!("fresh{fresh}"))
        });
        for known in kept {
            prop_assert_eq!(&matched.keys[&known.id], &known.key);
        }
        let keys: std::collections::HashSet<_> = matched.keys.values().collect();
        prop_assert_eq!(keys.len(), new.len(), "no key is given twice");
        let history: std::collections::HashSet<_> = matched.history_only.iter().map(|like| &like.id).collect();
        for (task, known) in new.iter().zip(&matched.tasks) {
            let same_id = old.iter().any(|old| old.id == task.id && old.key == known.key);
            let is_fresh = known.key.as_str().starts_with("fresh");
            prop_assert_eq!(history.contains(&task.id), !same_id && !is_fresh);
        }
    }
}
