//! Words about syncs, said once for every face.

use super::human::{count, time};
use super::view::{CommitView, SyncEntryView, SyncHealth, SyncStatusView, SyncView};
use serde::Serialize;
use taskmaster_core::sync::SyncResult;

/// Numbers of a list of syncs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SyncSummary {
    /// All.
    pub total: usize,
    /// Those that stand at their newest commit.
    pub healthy: usize,
    /// Those that somebody has to look after.
    pub degraded: usize,
}

impl SyncSummary {
    /// Counts.
    pub fn of(view: &SyncStatusView) -> Self {
        let of = |health| view.syncs.iter().filter(|sync| sync.health == health).count();
        Self { total: view.syncs.len(), healthy: of(SyncHealth::Healthy), degraded: of(SyncHealth::Degraded) }
    }
}

/// The first digits of a commit.
pub(super) fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

/// What came of a sync, in a few words.
pub(super) fn result(result: &SyncResult) -> String {
    match result {
        SyncResult::Synced => "synced".to_owned(),
        SyncResult::Waiting => "waits for a person".to_owned(),
        SyncResult::Failed { message, .. } => format!("failed: {message}"),
        SyncResult::Refused { reasons } => match reasons.as_slice() {
            [first, _, ..] => {
                format!("the commit is refused: {first} (and {} more)", reasons.len() - 1)
            }
            [first] => format!("the commit is refused: {first}"),
            [] => "the commit is refused".to_owned(),
        },
        SyncResult::Unreachable { message } => format!("cannot be fetched: {message}"),
        SyncResult::Closed => "waits until changes are let in again".to_owned(),
    }
}

/// One line about a sync that ended. `in_force` is a commit and the first line of its message.
pub fn line(result: &SyncResult, in_force: Option<(&str, &str)>) -> String {
    let commit = in_force.map(|(commit, subject)| format!("{} {subject}: ", short(commit)));
    super::human::line(&format!("{}{}", commit.unwrap_or_default(), self::result(result)))
}

/// A commit in force.
pub(super) fn commit(commit: &CommitView) -> String {
    let subject = if commit.subject.is_empty() { String::new() } else { format!(" {}", commit.subject) };
    format!("{}{subject}", short(&commit.id))
}

/// One line of a history.
pub(super) fn entry(entry: &SyncEntryView) -> String {
    let commit = entry.commit.as_deref().map(|commit| format!("{} ", short(commit)));
    format!("{}{}", commit.unwrap_or_default(), result(&entry.result))
}

/// The facts about a sync that have a name, in the order in which one asks for them.
pub(super) fn facts(sync: &SyncView) -> Vec<(&'static str, String)> {
    let mut facts = vec![("repository", format!("{} {}", sync.repository, sync.git_ref))];
    let document = sync.path.clone().or_else(|| sync.document.as_ref().map(ToString::to_string));
    facts.extend(document.map(|path| ("document", format!("{path}, environment {}", sync.environment))));
    facts.extend(sync.commit.as_ref().map(|known| ("in force", commit(known))));
    if let Some(refused) = &sync.refused {
        facts.push(("refused", format!("{} since {}", short(&refused.id), time(refused.since))));
        facts.extend(refused.reasons.iter().map(|reason| ("", reason.clone())));
    }
    if let Some(paused) = &sync.paused {
        let why = paused.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
        facts.push(("paused", format!("by {} since {}{why}", paused.by, time(paused.since))));
    }
    facts.extend(sync.began.map(|at| ("at work", format!("since {}", time(at)))));
    facts.extend(last(sync).map(|last| ("last", last)));
    facts.extend(sync.notes.iter().map(|note| ("", note.clone())));
    if sync.last_result != Some(SyncResult::Synced) {
        facts.extend(sync.last_success.map(|at| ("last success", time(at))));
    }
    facts.extend(next(sync).map(|next| ("next", next)));
    if !sync.waiting.is_empty() {
        let tasks: Vec<String> = sync.waiting.iter().map(ToString::to_string).collect();
        facts.push(("waits for", format!("a person, at {}", tasks.join(", "))));
    }
    if sync.drifted > 0 {
        facts.push(("drift", count(usize::try_from(sync.drifted).unwrap_or(usize::MAX), "task", "tasks")));
    }
    facts.extend(sync.left.iter().map(|left| {
        let how = if left.can_be_undone { "--prune takes it back" } else { "it has no undo" };
        ("left behind", format!("{} {}: gone from the document, {how}", left.id, left.title))
    }));
    facts
}

fn last(sync: &SyncView) -> Option<String> {
    let took = super::human::duration(sync.duration_ms);
    let failures =
        if sync.failures > 1 { format!(", {} times in a row", sync.failures) } else { String::new() };
    let result = match sync.last_result.as_ref()? {
        // Its reasons stand above, each in a line.
        SyncResult::Refused { .. } if sync.refused.is_some() => "the commit is refused".to_owned(),
        result => self::result(result),
    };
    Some(format!("{} {result}{failures}, took {took}", time(sync.last?)))
}

fn next(sync: &SyncView) -> Option<String> {
    match (sync.process, sync.next) {
        _ if sync.began.is_some() => None,
        (Some(pid), _) if sync.paused.is_some() => Some(format!("when it is resumed (process {pid})")),
        (Some(pid), Some(at)) => Some(format!("{} (process {pid})", time(at))),
        (None, Some(_)) => Some("never: the process that looped is gone".to_owned()),
        _ => None,
    }
}

/// The sign of a health, beside its word.
pub(super) fn sign(health: SyncHealth) -> char {
    match health {
        SyncHealth::Healthy => '✓',
        SyncHealth::Progressing => '…',
        SyncHealth::Degraded => '✗',
        SyncHealth::Paused => '‖',
        SyncHealth::Unknown => '?',
    }
}
