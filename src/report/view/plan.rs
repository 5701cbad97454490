//! What a run would do.

use super::common::{CommandLine, DiagnosticView, DocumentView, Durations, PhaseView};
use jiff::Timestamp;
use serde::Serialize;
use taskmaster_core::action::ActionKind;
use taskmaster_core::document::{Claim, Priority};
use taskmaster_core::id::{EnvironmentName, PhaseId, TaskId};

/// What a run would do with one task, in the manner of `terraform plan`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "intent", rename_all = "snake_case")]
pub enum Intent {
    /// `+` runs (its check, if it has one, is asked first).
    Run,
    /// `~` ended before, runs again.
    Rerun {
        /// Why: `its action changed`, `its check is false again`.
        reason: String,
    },
    /// `=` its check was asked just now (`--check`) and is true.
    Satisfied,
    /// `=` ended before, and nothing about it changed.
    Recorded {
        /// When it ended.
        at: Option<Timestamp>,
    },
    /// `*` marked done in the document, and nothing here can check it.
    Claimed,
    /// `&` has no action of its own: completes with its subtasks.
    Group,
    /// `?` a person does it.
    Manual,
    /// `!` cannot go on because of another task.
    Blocked {
        /// The task that holds it back.
        by: TaskId,
        /// Why, in one line.
        reason: String,
    },
    /// `!` the end of its last attempt was lost: a person must resolve it.
    Unknown {
        /// Why, in one line.
        reason: String,
    },
    /// `-` left out.
    Skipped {
        /// Why.
        reason: String,
    },
    /// `-` cancelled in the document or by a person.
    Cancelled,
    /// `x` is taken back (`taskmaster destroy`).
    Undo,
}

/// One task of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanTask {
    /// Its address.
    pub id: TaskId,
    /// `1.3`.
    #[serde(rename = "ref")]
    pub ordinal: String,
    /// Title.
    pub title: String,
    /// Phase.
    pub phase: PhaseId,
    /// Priority.
    pub priority: Priority,
    /// Line in the document.
    pub line: usize,
    /// What the mark in the text says.
    pub claim: Claim,
    /// What a run would do.
    #[serde(flatten)]
    pub intent: Intent,
    /// Kind of its action, if it has one.
    pub kind: Option<ActionKind>,
    /// Where it is bound: `tasks/local.yaml:34`.
    pub place: Option<String>,
    /// It has a check.
    pub has_check: bool,
    /// It has a verify.
    pub has_verify: bool,
    /// Its command lines and requests, in order.
    pub commands: Vec<CommandLine>,
    /// Ids of what it waits for, in document order.
    pub dependencies: Vec<TaskId>,
    /// What is known about how long it takes.
    #[serde(flatten)]
    pub durations: Durations,
    /// The machine's time that it is likely to take: the median of its last successes; none without any.
    pub expected_ms: Option<u64>,
    /// It cannot be taken back: asks before it runs.
    pub irreversible: bool,
}

/// How long a run of a plan is likely to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct EstimateView {
    /// Attempts at work at the same time.
    pub jobs: usize,
    /// In milliseconds; none where something that would run was never measured.
    pub duration_ms: Option<u64>,
    /// It takes so long at the least, by what was measured.
    pub at_least_ms: u64,
    /// Tasks that would run.
    pub tasks: usize,
    /// Those of them that were measured.
    pub measured: usize,
}

/// `taskmaster plan`, `run --dry-run` and the question of `destroy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanView {
    /// The document.
    pub document: DocumentView,
    /// The environment.
    pub environment: EnvironmentName,
    /// Counts the plans of a document and environment; none where the plan is not recorded.
    pub number: Option<u64>,
    /// True where checks were asked (`--check`).
    pub checked: bool,
    /// Show the command lines in text and Markdown (`--dry-run`, `--commands`); JSON always has them.
    #[serde(skip)]
    pub show_commands: bool,
    /// Phases in document order.
    pub phases: Vec<PhaseView>,
    /// Selected tasks in document order.
    pub tasks: Vec<PlanTask>,
    /// Ids along the longest chain of work, first to last.
    pub critical_path: Vec<TaskId>,
    /// How long that chain takes by what was measured; none where too little is known.
    pub critical_path_ms: Option<u64>,
    /// How long a run would take; none where nothing would run.
    pub estimate: Option<EstimateView>,
    /// Findings about the document and the catalogue.
    pub warnings: Vec<DiagnosticView>,
}
