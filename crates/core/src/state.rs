//! The life of a task inside a run.
//!
//! [`TaskState::next`] is the only transition function: the scheduler, a person's command, recovery
//! and replay all go through it. `docs/state-machines.md#a-task-in-a-run` draws it.

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

/// The state of a task. Each variant holds only its own data; the drawing is `docs/state-machines.md#a-task-in-a-run`.
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

/// What happens to a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskEvent {
    /// Every dependency lets it go on.
    DependenciesMet,
    /// A dependency failed, is blocked or unknown; or it is blocked by another one now.
    DependencyFailed {
        /// The task at the root of it.
        by: TaskId,
    },
    /// No dependency holds it back for good any more.
    Unblocked,
    /// The plan says how it ended before, in a state that lets dependants go on.
    Recalled {
        /// That state.
        state: TaskState,
    },
    /// Marked done in the document, and nothing here can check it.
    MarkTaken,
    /// Its check is asked.
    CheckStarted,
    /// Its check is true and nothing ran.
    CheckTrue,
    /// A person must say yes first.
    ApprovalNeeded {
        /// What is asked.
        message: String,
    },
    /// A person must do it.
    PersonNeeded,
    /// A person said yes.
    Approved,
    /// An attempt begins.
    AttemptStarted {
        /// Which.
        attempt: AttemptId,
        /// Its number, from 1.
        number: u32,
    },
    /// The attempt ended, and its effect is looked at.
    VerifyStarted,
    /// Its work is done and proved as far as the catalogue allows.
    Done,
    /// It failed for good.
    Failed {
        /// Why, in one line.
        reason: String,
    },
    /// It failed, and another try follows.
    RetryScheduled {
        /// Number of the next attempt.
        attempt: u32,
        /// Milliseconds since the epoch when it starts.
        until_ms: i64,
    },
    /// The delay before the next try is over.
    RetryDue,
    /// The end of an attempt was lost and nothing can tell.
    Lost {
        /// Why, in one line.
        reason: String,
    },
    /// It is not done in this run: stopped, or never started. The next run goes on.
    PutBack,
    /// A person set it: to completed, skipped, cancelled, or back to pending.
    Set {
        /// The state the person wants.
        to: TaskState,
    },
}

/// An event that a task in this state cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a task that is {state} cannot take `{event}`")]
pub struct IllegalEvent {
    /// Name of the state.
    pub state: &'static str,
    /// Name of the event.
    pub event: &'static str,
}

impl TaskEvent {
    /// The event's name in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::DependenciesMet => "dependencies met",
            Self::DependencyFailed { .. } => "dependency failed",
            Self::Unblocked => "unblocked",
            Self::Recalled { .. } => "recalled",
            Self::MarkTaken => "mark taken",
            Self::CheckStarted => "check started",
            Self::CheckTrue => "check true",
            Self::ApprovalNeeded { .. } => "approval needed",
            Self::PersonNeeded => "person needed",
            Self::Approved => "approved",
            Self::AttemptStarted { .. } => "attempt started",
            Self::VerifyStarted => "verify started",
            Self::Done => "done",
            Self::Failed { .. } => "failed",
            Self::RetryScheduled { .. } => "retry scheduled",
            Self::RetryDue => "retry due",
            Self::Lost { .. } => "lost",
            Self::PutBack => "put back",
            Self::Set { .. } => "set",
        }
    }

    /// Events that, if any does, lead into `to`: what a replayed record may stand for.
    fn leading_to(to: &TaskState) -> Vec<Self> {
        let mut events = vec![Self::Set { to: to.clone() }];
        match to.clone() {
            TaskState::Pending => events.extend([Self::Unblocked, Self::PutBack]),
            TaskState::Ready => events.extend([Self::DependenciesMet, Self::Approved, Self::RetryDue]),
            TaskState::Checking => events.push(Self::CheckStarted),
            TaskState::Running { attempt, number } => events.push(Self::AttemptStarted { attempt, number }),
            TaskState::Verifying { .. } => events.push(Self::VerifyStarted),
            TaskState::Waiting { on: WaitFor::Approval { message } } => {
                events.push(Self::ApprovalNeeded { message });
            }
            TaskState::Waiting { on: WaitFor::Manual } => events.push(Self::PersonNeeded),
            TaskState::Waiting { on: WaitFor::Retry { attempt, until_ms } } => {
                events.push(Self::RetryScheduled { attempt, until_ms });
            }
            TaskState::Completed => events.extend([Self::Done, Self::Recalled { state: to.clone() }]),
            TaskState::Satisfied => events.extend([Self::CheckTrue, Self::Recalled { state: to.clone() }]),
            TaskState::Claimed => events.extend([Self::MarkTaken, Self::Recalled { state: to.clone() }]),
            TaskState::Skipped { .. } | TaskState::Cancelled => {
                events.push(Self::Recalled { state: to.clone() });
            }
            TaskState::Failed { reason } => events.push(Self::Failed { reason }),
            TaskState::Blocked { by } => events.push(Self::DependencyFailed { by }),
            TaskState::Unknown { reason } => events.push(Self::Lost { reason }),
        }
        events
    }
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

impl Status {
    /// Its name as JSON writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }
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

    /// True while a check, an attempt or a verify is at work.
    pub fn is_working(&self) -> bool {
        matches!(self, Self::Checking | Self::Running { .. } | Self::Verifying { .. })
    }

    /// True where it holds dependants back for good: failed, blocked or unknown.
    pub fn blocks_dependants(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Blocked { .. } | Self::Unknown { .. })
    }

    /// The state after `event`. A pair that is not foreseen is an error, never ignored.
    pub fn next(&self, event: &TaskEvent) -> Result<Self, IllegalEvent> {
        use TaskEvent as E;
        let to = match (self, event) {
            (Self::Pending, E::DependenciesMet) => Self::Ready,
            (Self::Pending | Self::Blocked { .. }, E::DependencyFailed { by }) => {
                Self::Blocked { by: by.clone() }
            }
            (Self::Blocked { .. }, E::Unblocked) => Self::Pending,
            (Self::Pending, E::Recalled { state }) if state.lets_dependants_go() => state.clone(),
            (Self::Pending, E::MarkTaken) => Self::Claimed,
            (Self::Ready, E::CheckStarted) => Self::Checking,
            (Self::Checking, E::CheckTrue) => Self::Satisfied,
            (Self::Ready | Self::Checking, E::ApprovalNeeded { message }) => {
                Self::Waiting { on: WaitFor::Approval { message: message.clone() } }
            }
            (Self::Ready, E::PersonNeeded) => Self::Waiting { on: WaitFor::Manual },
            (Self::Waiting { on: WaitFor::Approval { .. } }, E::Approved)
            | (Self::Waiting { on: WaitFor::Retry { .. } }, E::RetryDue) => Self::Ready,
            (Self::Ready | Self::Checking, E::AttemptStarted { attempt, number }) => {
                Self::Running { attempt: attempt.clone(), number: *number }
            }
            (Self::Running { attempt, number }, E::VerifyStarted) => {
                Self::Verifying { attempt: attempt.clone(), number: *number }
            }
            // Ready: a group, or an approval that was asked for its own sake. Checking: the work
            // of an earlier attempt turned out to be done.
            (Self::Ready | Self::Checking | Self::Running { .. } | Self::Verifying { .. }, E::Done) => {
                Self::Completed
            }
            (state, E::Failed { reason }) if state.is_working() => Self::Failed { reason: reason.clone() },
            (state, E::RetryScheduled { attempt, until_ms }) if state.is_working() => {
                Self::Waiting { on: WaitFor::Retry { attempt: *attempt, until_ms: *until_ms } }
            }
            // Pending: the plan knows of an end that was lost in an earlier run.
            (Self::Pending | Self::Running { .. } | Self::Verifying { .. }, E::Lost { reason }) => {
                Self::Unknown { reason: reason.clone() }
            }
            (Self::Ready | Self::Waiting { .. }, E::PutBack) => Self::Pending,
            (state, E::PutBack) if state.is_working() => Self::Pending,
            (state, E::Set { to }) if state.can_be_set(to) => to.clone(),
            _ => return Err(IllegalEvent { state: self.name(), event: event.name() }),
        };
        Ok(to)
    }

    /// What a person may set. Not while something is at work (stop it first). Back to pending only
    /// from an end that was the task's own: a blocked task follows its dependencies.
    fn can_be_set(&self, to: &Self) -> bool {
        match to {
            Self::Completed | Self::Skipped { .. } | Self::Cancelled => {
                !self.is_working() && self.name() != to.name()
            }
            Self::Pending => {
                self.lets_dependants_go() || matches!(self, Self::Failed { .. } | Self::Unknown { .. })
            }
            _ => false,
        }
    }

    /// True where some event leads from this state to `to`: whether a recorded transition is legal.
    pub fn can_become(&self, to: &Self) -> bool {
        TaskEvent::leading_to(to).iter().any(|event| self.next(event).as_ref() == Ok(to))
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
