//! Syncs from Git.

use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use taskmaster_core::id::{DocumentId, EnvironmentName, RunId, TaskId};
use taskmaster_core::sync::SyncResult;

/// How a sync is, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncHealth {
    /// The place stands at the newest commit.
    Healthy,
    /// A person, or a window, is waited for.
    Progressing,
    /// Something failed, drifted, is refused, or cannot be reached.
    Degraded,
    /// Somebody paused it.
    Paused,
    /// It has not ended once.
    Unknown,
}

impl SyncHealth {
    /// Its name, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Progressing => "progressing",
            Self::Degraded => "degraded",
            Self::Paused => "paused",
            Self::Unknown => "unknown",
        }
    }
}

/// A commit that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommitView {
    /// Its full id.
    pub id: String,
    /// When it was made.
    pub time: Option<Timestamp>,
    /// The first line of its message.
    pub subject: String,
    /// The revision of the document that it holds.
    pub revision: Option<u64>,
    /// Since when it is in force.
    pub since: Timestamp,
}

/// A commit that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedView {
    /// Its full id.
    pub id: String,
    /// Why, each in one line.
    pub reasons: Vec<String>,
    /// Since when.
    pub since: Timestamp,
}

/// Who has paused a sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PausedView {
    /// Who.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub message: Option<String>,
}

/// A task that is no longer in the document, and whose work is still there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftView {
    /// Its last address.
    pub id: TaskId,
    /// Its last title.
    pub title: String,
    /// `--prune` takes it back.
    pub can_be_undone: bool,
}

/// A result that differed from the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SyncEntryView {
    /// When.
    pub at: Timestamp,
    /// The commit.
    pub commit: Option<String>,
    /// What came of it.
    #[serde(flatten)]
    pub result: SyncResult,
    /// The run that did it.
    pub run: Option<RunId>,
}

/// One sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SyncView {
    /// Its name.
    pub name: String,
    /// How it is.
    pub health: SyncHealth,
    /// Where is fetched from.
    pub repository: String,
    /// Branch, tag or commit.
    #[serde(rename = "ref")]
    pub git_ref: String,
    /// The environment.
    pub environment: EnvironmentName,
    /// The document.
    pub document: Option<DocumentId>,
    /// Its path in the repository.
    pub path: Option<String>,
    /// The checkout.
    pub tree: String,
    /// The commit in force.
    pub commit: Option<CommitView>,
    /// The newest commit, where it is not accepted.
    pub refused: Option<RefusedView>,
    /// Who has paused it.
    pub paused: Option<PausedView>,
    /// When the sync that is at work began; none where none is.
    pub began: Option<Timestamp>,
    /// What came of the last sync.
    pub last_result: Option<SyncResult>,
    /// When it ended.
    pub last: Option<Timestamp>,
    /// How long it took.
    pub duration_ms: u64,
    /// When the place stood at the newest commit last.
    pub last_success: Option<Timestamp>,
    /// When the next one is due; none where nobody loops.
    pub next: Option<Timestamp>,
    /// The process that loops, where it lives.
    pub process: Option<u32>,
    /// Failures in a row.
    pub failures: u32,
    /// Syncs so far, by the names of their results.
    pub syncs: BTreeMap<String, u64>,
    /// Tasks that drifted, as far as was looked.
    pub drifted: u64,
    /// Work of tasks that are gone.
    pub left: Vec<LeftView>,
    /// Tasks that wait for a person.
    pub waiting: Vec<TaskId>,
    /// What is worth knowing about the last sync.
    pub notes: Vec<String>,
    /// Its last results, newest first.
    pub history: Vec<SyncEntryView>,
}

/// `taskmaster sync status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SyncStatusView {
    /// When this view was made.
    pub generated: Timestamp,
    /// By name.
    pub syncs: Vec<SyncView>,
}
