//! Deployments in a time.

use jiff::Timestamp;
use serde::Serialize;
use taskmaster_core::deployments::{Commit, Did, Figures, RunResult, TaskResult, Window};
use taskmaster_core::id::{DocumentId, EnvironmentName, RunId, TaskId};

/// One run that changed something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeploymentRow {
    /// The run.
    pub run: RunId,
    /// Its document.
    pub document: DocumentId,
    /// Revision of the document.
    pub revision: u64,
    /// The commit it was planned from; none where nobody said.
    pub commit: Option<Commit>,
    /// Whether it executed tasks or took work back.
    pub did: Did,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How.
    pub result: RunResult,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// From the commit to its end, where it was the run that brought the commit.
    pub lead_time_ms: Option<u64>,
    /// Tasks that it executed, or whose work it took back.
    pub tasks: usize,
}

/// One task in one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskDeployment {
    /// The run.
    pub run: RunId,
    /// Revision of the document.
    pub revision: u64,
    /// The commit it was planned from; none where nobody said.
    pub commit: Option<String>,
    /// When its first attempt began.
    pub started: Timestamp,
    /// When its last attempt ended.
    pub ended: Option<Timestamp>,
    /// What came of it.
    pub result: TaskResult,
    /// Time of all its attempts.
    pub duration_ms: Option<u64>,
    /// How many there were.
    pub attempts: usize,
}

/// One task in all runs of the time that executed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskDeployments {
    /// Its document.
    pub document: DocumentId,
    /// Its address; the last one of a task that is no part of the document any more.
    pub task: TaskId,
    /// Its title; none of a task that is no part of the document any more.
    pub title: Option<String>,
    /// Newest first.
    pub deployments: Vec<TaskDeployment>,
}

/// The deployments of one environment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EnvironmentDeployments {
    /// The environment.
    pub environment: EnvironmentName,
    /// What they come to.
    pub figures: Figures,
    /// Runs that executed at least one task, newest first.
    pub deployments: Vec<DeploymentRow>,
    /// Runs that only took work back, newest first.
    pub removals: Vec<DeploymentRow>,
    /// Runs that executed nothing.
    pub idle_runs: usize,
    /// Tasks that were executed, by document, those of today's document in its order.
    pub tasks: Vec<TaskDeployments>,
}

/// `taskmaster report --since`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeploymentsView {
    /// When this view was made.
    pub generated: Timestamp,
    /// Version of the program.
    pub version: String,
    /// The time that was asked for.
    pub since: Timestamp,
    /// The time that is looked at: the ledger may be younger than what was asked for.
    pub window: Window,
    /// Documents of which anything ran in the time.
    pub documents: Vec<DocumentId>,
    /// Environments in which anything ran in the time, by name.
    pub environments: Vec<EnvironmentDeployments>,
}
