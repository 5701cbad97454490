//! Lists: tasks, one task, runs, and the changes of a re-parse.

use super::common::{CommandLine, DocumentView, TaskRef, with_status};
use super::report::{ReportTask, RequirementView, RunView};
use jiff::Timestamp;
use serde::Serialize;
use taskmaster_core::document::{Acceptance, Claim, Priority};
use taskmaster_core::id::{EnvironmentName, PhaseId, TaskId};
use taskmaster_core::journal::TaskChange;
use taskmaster_core::state::TaskState;

/// One line of a task list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskRow {
    /// Its address.
    pub id: TaskId,
    /// `1.3`.
    #[serde(rename = "ref")]
    pub ordinal: String,
    /// Title.
    pub title: String,
    /// Phase.
    pub phase: PhaseId,
    /// Title of the phase.
    pub phase_title: String,
    /// Priority.
    pub priority: Priority,
    /// What the mark in the text says.
    pub claim: Claim,
    /// What the ledger says; adds `status` in JSON.
    #[serde(flatten, serialize_with = "with_status")]
    pub state: TaskState,
    /// Tags without `#`.
    pub tags: Vec<String>,
    /// Who does it.
    pub owner: Option<String>,
    /// Ids of what it waits for.
    pub dependencies: Vec<TaskId>,
    /// Line in the document.
    pub line: usize,
}

/// `taskmaster tasks list` and `tasks next`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskListView {
    /// The document.
    pub document: DocumentView,
    /// The environment.
    pub environment: EnvironmentName,
    /// The filters that were given, in words: `status failed`, `phase infrastructure`.
    pub filters: Vec<String>,
    /// Number of tasks before filtering.
    pub total: usize,
    /// Tasks that passed the filters, in document order.
    pub tasks: Vec<TaskRow>,
}

/// `taskmaster tasks show`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskView {
    /// When this view was made.
    pub generated: Timestamp,
    /// The document.
    pub document: DocumentView,
    /// The environment.
    pub environment: EnvironmentName,
    /// The task.
    pub task: ReportTask,
    /// Title of its phase.
    pub phase_title: String,
    /// Where it is bound: `tasks/local.yaml:34`.
    pub place: Option<String>,
    /// Plain bullets and paragraphs below it.
    pub details: Vec<String>,
    /// Its acceptance criteria.
    pub acceptance: Vec<Acceptance>,
    /// What it waits for.
    pub dependencies: Vec<TaskRef>,
    /// What waits for it.
    pub dependants: Vec<TaskRef>,
    /// Requirements that it satisfies.
    pub requirements: Vec<RequirementView>,
    /// Command lines of its check and verify.
    pub probes: Vec<CommandLine>,
}

/// `taskmaster history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryView {
    /// When this view was made.
    pub generated: Timestamp,
    /// The document.
    pub document: DocumentView,
    /// Runs, newest first.
    pub runs: Vec<RunView>,
}

/// One change of a re-parse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangeView {
    /// What changed.
    #[serde(flatten)]
    pub change: TaskChange,
    /// Title of the task now, or its last one.
    pub title: String,
    /// Line in the document now; none for a removed task.
    pub line: Option<usize>,
}

/// What a re-parse found against the revision before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangesView {
    /// The document at its new revision.
    pub document: DocumentView,
    /// The revision it is compared with; none for a first parse.
    pub previous_revision: Option<u64>,
    /// Number of tasks now.
    pub total: usize,
    /// Changes in document order, removed tasks last.
    pub changes: Vec<ChangeView>,
}
