//! The life of a task inside a run.

use crate::id::{AttemptId, TaskId};
use serde::{Deserialize, Serialize};

/// What a waiting task waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitFor {
    /// A person's yes (`taskmaster approve`).
    Approval {
        /// What is asked.
        message: String,
    },
    /// A person's work (`taskmaster tasks set`).
    Manual,
    /// The delay before the next attempt.
    Retry {
        /// Number of the next attempt, from 2.
        attempt: u32,
        /// Milliseconds since the epoch when it starts.
        until_ms: i64,
    },
}

/// The state of a task. Each variant holds only its own data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TaskState {
    /// Dependencies are not met yet.
    #[default]
    Pending,
    /// May start as soon as there is room.
    Ready,
    /// Its check is being asked.
    Checking,
    /// An attempt is at work.
    Running {
        /// Which.
        attempt: AttemptId,
        /// Its number, from 1.
        number: u32,
    },
    /// The attempt ended well; verify is being asked.
    Verifying {
        /// Which.
        attempt: AttemptId,
        /// Its number, from 1.
        number: u32,
    },
    /// Something outside must happen first.
    Waiting {
        /// What.
        on: WaitFor,
    },
    /// Done here, and proved as far as the catalogue allows.
    Completed,
    /// The check was true: nothing had to run.
    Satisfied,
    /// Marked done in the document, and nothing here can check it.
    Claimed,
    /// Every attempt failed.
    Failed {
        /// Why, in one line.
        reason: String,
    },
    /// A dependency did not succeed.
    Blocked {
        /// The dependency that failed, or whose end is unknown.
        by: TaskId,
    },
    /// The end of an attempt was lost and nothing can tell.
    Unknown {
        /// Why, in one line.
        reason: String,
    },
    /// Left out in this environment or on purpose.
    Skipped {
        /// Why.
        reason: String,
    },
    /// Cancelled in the document or by a person.
    Cancelled,
}

/// The outward status, in the words of the Task Manager API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not begun.
    Pending,
    /// Begun.
    InProgress,
    /// Done.
    Completed,
    /// Failed.
    Failed,
    /// Held back.
    Blocked,
    /// Left out.
    Skipped,
    /// Cancelled.
    Cancelled,
}

impl TaskState {
    /// The outward status.
    pub fn status(&self) -> Status {
        match self {
            Self::Pending | Self::Ready | Self::Waiting { .. } => Status::Pending,
            Self::Checking | Self::Running { .. } | Self::Verifying { .. } => Status::InProgress,
            Self::Completed | Self::Satisfied | Self::Claimed => Status::Completed,
            Self::Failed { .. } => Status::Failed,
            Self::Blocked { .. } | Self::Unknown { .. } => Status::Blocked,
            Self::Skipped { .. } => Status::Skipped,
            Self::Cancelled => Status::Cancelled,
        }
    }

    /// The state's name as the ledger and JSON write it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Checking => "checking",
            Self::Running { .. } => "running",
            Self::Verifying { .. } => "verifying",
            Self::Waiting { .. } => "waiting",
            Self::Completed => "completed",
            Self::Satisfied => "satisfied",
            Self::Claimed => "claimed",
            Self::Failed { .. } => "failed",
            Self::Blocked { .. } => "blocked",
            Self::Unknown { .. } => "unknown",
            Self::Skipped { .. } => "skipped",
            Self::Cancelled => "cancelled",
        }
    }

    /// True where dependants may go on.
    pub fn lets_dependants_go(&self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Satisfied | Self::Claimed | Self::Skipped { .. } | Self::Cancelled
        )
    }

    /// True where nothing more happens to the task in this run.
    pub fn is_final(&self) -> bool {
        self.lets_dependants_go()
            || matches!(self, Self::Failed { .. } | Self::Blocked { .. } | Self::Unknown { .. })
    }
}
