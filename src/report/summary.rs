//! What follows from the facts of a report: counts, percentages, results of phases, the status of
//! requirements. Every face takes these numbers from here.

use super::view::{PhaseView, ReportTask, ReportView, RequirementView};
use serde::Serialize;
use std::collections::HashMap;
use taskmaster_core::document::Priority;
use taskmaster_core::id::{PhaseId, RequirementId, TaskId};
use taskmaster_core::state::TaskState;

/// Tasks by what a reader wants to tell apart. Each task counts in exactly one field but `total`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All tasks.
    pub total: usize,
    /// Done, with evidence: completed here, or found true by a check.
    pub done: usize,
    /// Only claimed in the document.
    pub claimed: usize,
    /// At work: checking, running, verifying, or between two attempts.
    pub active: usize,
    /// Waits for a person.
    pub waiting: usize,
    /// Not begun.
    pub pending: usize,
    /// Failed.
    pub failed: usize,
    /// Held back by another task.
    pub blocked: usize,
    /// The end of an attempt was lost.
    pub unknown: usize,
    /// Left out by the environment or on purpose.
    pub skipped: usize,
    /// Cancelled.
    pub cancelled: usize,
}

impl Counts {
    /// Counts states.
    pub fn of<'a>(states: impl IntoIterator<Item = &'a TaskState>) -> Self {
        let mut counts = Self::default();
        for state in states {
            counts.total += 1;
            *counts.field(Group::of(state)) += 1;
        }
        counts
    }

    fn field(&mut self, group: Group) -> &mut usize {
        match group {
            Group::Done => &mut self.done,
            Group::Claimed => &mut self.claimed,
            Group::Active => &mut self.active,
            Group::Waiting => &mut self.waiting,
            Group::Pending => &mut self.pending,
            Group::Failed => &mut self.failed,
            Group::Blocked => &mut self.blocked,
            Group::Unknown => &mut self.unknown,
            Group::Skipped => &mut self.skipped,
            Group::Cancelled => &mut self.cancelled,
        }
    }

    /// The count of one group.
    pub fn get(&self, group: Group) -> usize {
        let mut copy = *self;
        *copy.field(group)
    }

    /// Tasks that are wanted here: all but skipped and cancelled ones.
    pub fn wanted(&self) -> usize {
        self.total - self.skipped - self.cancelled
    }

    /// Done or claimed, in whole percent of the wanted ones, rounded down so that 100 means all;
    /// none where nothing is wanted.
    pub fn percent(&self) -> Option<usize> {
        let wanted = self.wanted();
        (wanted > 0).then(|| (self.done + self.claimed) * 100 / wanted)
    }

    /// True where every task lets its dependants go on.
    pub fn success(&self) -> bool {
        self.done + self.claimed == self.wanted()
    }
}

/// How the states are grouped for the eye. The order is that of a progress bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Done, with evidence.
    Done,
    /// Only claimed.
    Claimed,
    /// At work.
    Active,
    /// Waits for a person.
    Waiting,
    /// Failed.
    Failed,
    /// The end was lost.
    Unknown,
    /// Held back.
    Blocked,
    /// Not begun.
    Pending,
    /// Left out.
    Skipped,
    /// Cancelled.
    Cancelled,
}

impl Group {
    /// All, in the order of a progress bar.
    pub const ALL: [Self; 10] = [
        Self::Done,
        Self::Claimed,
        Self::Active,
        Self::Waiting,
        Self::Failed,
        Self::Unknown,
        Self::Blocked,
        Self::Pending,
        Self::Skipped,
        Self::Cancelled,
    ];

    /// Those of wanted tasks, in the order of a progress bar: all but skipped and cancelled.
    pub const WANTED: [Self; 8] = [
        Self::Done,
        Self::Claimed,
        Self::Active,
        Self::Waiting,
        Self::Failed,
        Self::Unknown,
        Self::Blocked,
        Self::Pending,
    ];

    /// The group of a state.
    pub fn of(state: &TaskState) -> Self {
        use taskmaster_core::state::WaitFor;
        match state {
            TaskState::Completed | TaskState::Satisfied => Self::Done,
            TaskState::Claimed => Self::Claimed,
            TaskState::Checking | TaskState::Running { .. } | TaskState::Verifying { .. } => Self::Active,
            TaskState::Waiting { on: WaitFor::Retry { .. } } => Self::Active,
            TaskState::Waiting { on: WaitFor::Approval { .. } | WaitFor::Manual } => Self::Waiting,
            TaskState::Pending | TaskState::Ready => Self::Pending,
            TaskState::Failed { .. } => Self::Failed,
            TaskState::Blocked { .. } => Self::Blocked,
            TaskState::Unknown { .. } => Self::Unknown,
            TaskState::Skipped { .. } => Self::Skipped,
            TaskState::Cancelled => Self::Cancelled,
        }
    }

    /// Its name: a CSS class, a filter, a word for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Claimed => "claimed",
            Self::Active => "active",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Blocked => "blocked",
            Self::Pending => "pending",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }

    /// A sign of one column that tells it apart without colour.
    pub fn sign(self) -> char {
        match self {
            Self::Done => '✓',
            Self::Claimed => '*',
            Self::Active => '▶',
            Self::Waiting => '?',
            Self::Failed => '✗',
            Self::Unknown => '‽',
            Self::Blocked => '!',
            Self::Pending => '·',
            Self::Skipped => '-',
            Self::Cancelled => '×',
        }
    }
}

/// The result of a phase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PhaseSummary {
    /// The phase.
    pub id: PhaseId,
    /// True where every task of it lets its dependants go on.
    pub success: bool,
    /// Tasks that are completed (also satisfied or claimed).
    pub tasks_completed: usize,
    /// Tasks that failed.
    pub tasks_failed: usize,
    /// See [`Counts::percent`].
    pub percent: Option<usize>,
    /// Its own tasks by group; tasks of nested phases count there.
    pub counts: Counts,
}

/// Progress of the tasks of one priority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PrioritySummary {
    /// The priority.
    pub priority: Priority,
    /// See [`Counts::percent`].
    pub percent: Option<usize>,
    /// Its tasks by group.
    pub counts: Counts,
}

/// What the tasks behind a requirement say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RequirementStatus {
    /// Every task is done, with evidence.
    Met,
    /// Every task is done, but at least one is only claimed.
    Claimed,
    /// What ran is done; at least one task was left out.
    Partial,
    /// At least one task failed.
    Failed,
    /// None failed, but at least one is held back or has an unknown end.
    Blocked,
    /// Some are done or at work.
    InProgress,
    /// None has begun.
    Pending,
    /// Every task was left out.
    Skipped,
    /// No task names it.
    Untraced,
}

impl RequirementStatus {
    /// All, best first.
    pub const ALL: [Self; 9] = [
        Self::Met,
        Self::Claimed,
        Self::Partial,
        Self::InProgress,
        Self::Failed,
        Self::Blocked,
        Self::Pending,
        Self::Skipped,
        Self::Untraced,
    ];

    /// Derived from the counts of the tasks behind it.
    pub fn of(counts: &Counts) -> Self {
        let finished = counts.done + counts.claimed;
        let left_out = counts.skipped + counts.cancelled;
        if counts.total == 0 {
            Self::Untraced
        } else if counts.failed > 0 {
            Self::Failed
        } else if counts.blocked + counts.unknown > 0 {
            Self::Blocked
        } else if left_out == counts.total {
            Self::Skipped
        } else if finished + left_out < counts.total {
            if finished + counts.active > 0 { Self::InProgress } else { Self::Pending }
        } else if left_out > 0 {
            Self::Partial
        } else if counts.claimed > 0 {
            Self::Claimed
        } else {
            Self::Met
        }
    }

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Claimed => "claimed",
            Self::Partial => "partly met",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::InProgress => "in progress",
            Self::Pending => "pending",
            Self::Skipped => "skipped",
            Self::Untraced => "untraced",
        }
    }
}

/// A requirement's derived status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequirementSummary {
    /// The requirement.
    pub id: RequirementId,
    /// Its status.
    pub status: RequirementStatus,
}

/// Everything that follows from a [`ReportView`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// True where every task lets its dependants go on, and none drifted.
    pub success: bool,
    /// Tasks that were done and are no longer so.
    #[serde(skip_serializing_if = "is_none")]
    pub drifted: usize,
    /// See [`Counts::percent`].
    pub percent: Option<usize>,
    /// All tasks by group.
    pub counts: Counts,
    /// All attempts shown, and how many of them were a second or later one.
    pub attempts: usize,
    /// Attempts after the first of their task and run.
    pub retries: usize,
    /// Time of all attempts together.
    pub attempts_ms: u64,
    /// From the start of the shown run to its end, or to the view's "generated" while it runs.
    pub elapsed_ms: Option<u64>,
    /// Phases in document order.
    pub phases: Vec<PhaseSummary>,
    /// Priorities that occur, most important first.
    pub priorities: Vec<PrioritySummary>,
    /// Requirements in document order.
    pub requirements: Vec<RequirementSummary>,
}

impl Summary {
    /// Derives it.
    pub fn of(view: &ReportView) -> Self {
        let counts = Counts::of(view.tasks.iter().map(|task| &task.state));
        let attempts = || view.tasks.iter().flat_map(|task| &task.attempts);
        let drifted = view.tasks.iter().filter(|task| task.drifted.is_some()).count();
        Self {
            success: counts.success() && drifted == 0,
            drifted,
            percent: counts.percent(),
            counts,
            attempts: attempts().count(),
            retries: attempts().filter(|attempt| attempt.number > 1).count(),
            attempts_ms: attempts().filter_map(|attempt| attempt.duration_ms).sum(),
            elapsed_ms: elapsed(view),
            phases: phases(&view.phases, &view.tasks),
            priorities: priorities(&view.tasks),
            requirements: requirements(&view.requirements, &view.tasks),
        }
    }
}

fn is_none(count: &usize) -> bool {
    *count == 0
}

fn elapsed(view: &ReportView) -> Option<u64> {
    let run = view.shown_run()?;
    let end = run.ended.or_else(|| run.running.then_some(view.generated))?;
    u64::try_from(end.duration_since(run.started).as_millis()).ok()
}

fn phases(phases: &[PhaseView], tasks: &[ReportTask]) -> Vec<PhaseSummary> {
    let mut by_phase: HashMap<&PhaseId, Vec<&TaskState>> = HashMap::new();
    for task in tasks {
        by_phase.entry(&task.phase).or_default().push(&task.state);
    }
    let summary = |phase: &PhaseView| {
        let counts = Counts::of(by_phase.get(&phase.id).into_iter().flatten().copied());
        PhaseSummary {
            id: phase.id.clone(),
            success: counts.success(),
            tasks_completed: counts.done + counts.claimed,
            tasks_failed: counts.failed,
            percent: counts.percent(),
            counts,
        }
    };
    phases.iter().map(summary).collect()
}

fn priorities(tasks: &[ReportTask]) -> Vec<PrioritySummary> {
    [Priority::Critical, Priority::High, Priority::Medium, Priority::Low]
        .into_iter()
        .filter_map(|priority| {
            let of_it = tasks.iter().filter(|task| task.priority == priority);
            let counts = Counts::of(of_it.map(|task| &task.state));
            (counts.total > 0).then(|| PrioritySummary { priority, percent: counts.percent(), counts })
        })
        .collect()
}

fn requirements(requirements: &[RequirementView], tasks: &[ReportTask]) -> Vec<RequirementSummary> {
    let states: HashMap<&TaskId, &TaskState> = tasks.iter().map(|task| (&task.id, &task.state)).collect();
    let summary = |requirement: &RequirementView| RequirementSummary {
        id: requirement.id.clone(),
        status: RequirementStatus::of(&Counts::of(
            requirement.tasks.iter().filter_map(|id| states.get(id).copied()),
        )),
    };
    requirements.iter().map(summary).collect()
}
