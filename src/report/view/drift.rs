//! What is no longer as it was done.

use super::common::{CommandLine, DocumentView};
use jiff::Timestamp;
use serde::Serialize;
use taskmaster_core::action::ActionKind;
use taskmaster_core::id::{EnvironmentName, PhaseId, RunId, TaskId};

/// What the check of a task that was done says now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum DriftFinding {
    /// It is no longer so.
    Drifted {
        /// When that was found first.
        since: Timestamp,
    },
    /// It is still so.
    True,
    /// Nobody can tell: neither drift nor health.
    Error {
        /// Why, in one line.
        message: String,
    },
}

/// A task that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DriftTask {
    /// Its address.
    pub id: TaskId,
    /// `1.3`.
    #[serde(rename = "ref")]
    pub ordinal: String,
    /// Title.
    pub title: String,
    /// Phase.
    pub phase: PhaseId,
    /// Line in the document.
    pub line: usize,
    /// Kind of its action.
    pub kind: Option<ActionKind>,
    /// What its check says.
    #[serde(flatten)]
    pub finding: DriftFinding,
    /// When it was done.
    pub done: Timestamp,
    /// The run that did it; none where a person said so.
    pub run: Option<RunId>,
    /// Its check.
    pub check: Vec<CommandLine>,
    /// Every task that comes after it in the graph, in document order; empty where all is well.
    pub behind: Vec<TaskId>,
}

/// Tasks that were done and were not asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unasked {
    /// Nothing can tell.
    pub without_check: usize,
    /// Their action is another one now: a run does them again.
    pub changed: usize,
}

/// `taskmaster drift`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DriftView {
    /// When the answers were in.
    pub generated: Timestamp,
    /// The document.
    pub document: DocumentView,
    /// The environment.
    pub environment: EnvironmentName,
    /// Tasks that were asked, in document order.
    pub tasks: Vec<DriftTask>,
    /// Tasks that were done and were not asked.
    pub unasked: Unasked,
    /// The command that repairs what drifted; none where nothing did.
    pub next: Option<String>,
    /// The numbers by which people know the tasks of the document: for faces, no fact of its own.
    #[serde(skip)]
    pub ordinals: Vec<(TaskId, String)>,
}

impl DriftView {
    /// Tasks whose check says no.
    pub fn drifted(&self) -> impl Iterator<Item = &DriftTask> {
        self.tasks.iter().filter(|task| matches!(task.finding, DriftFinding::Drifted { .. }))
    }

    /// Tasks whose check could not tell.
    pub fn errors(&self) -> impl Iterator<Item = &DriftTask> {
        self.tasks.iter().filter(|task| matches!(task.finding, DriftFinding::Error { .. }))
    }
}

/// How a time of drift ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum DriftEnd {
    /// It has not.
    Open,
    /// The check said yes again, without a run.
    ByItself {
        /// When.
        at: Timestamp,
    },
    /// A run did it again.
    Repaired {
        /// When.
        at: Timestamp,
        /// Which.
        run: Option<RunId>,
    },
    /// It was taken back, or is no longer wanted.
    GivenUp {
        /// When.
        at: Timestamp,
    },
}

/// A time in which a task was not as it was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DriftEpisode {
    /// The task.
    pub id: TaskId,
    /// Its title, as far as it is known.
    pub title: Option<String>,
    /// When it was found.
    pub found: Timestamp,
    /// How it ended.
    #[serde(flatten)]
    pub end: DriftEnd,
}

/// `taskmaster drift --history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DriftHistoryView {
    /// When this view was made: open times end here.
    pub generated: Timestamp,
    /// The document.
    pub document: DocumentView,
    /// The environment.
    pub environment: EnvironmentName,
    /// Newest first.
    pub episodes: Vec<DriftEpisode>,
}
