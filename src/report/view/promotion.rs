//! What one environment has proved and another has not.

use super::common::{DiagnosticView, DocumentView};
use jiff::Timestamp;
use serde::Serialize;
use taskmaster_core::id::{EnvironmentName, PhaseId, RunId, TaskId};
use taskmaster_core::promotion::Standing;

/// What becomes of a task in a promotion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "promotion", rename_all = "snake_case")]
pub enum PromotionVerdict {
    /// `=` done in both, or left out in both.
    Same,
    /// `+` proved in the first, runs in the second.
    Run {
        /// Why it is not done there.
        why: String,
        /// What a person is asked before it runs there.
        asks: Option<String>,
    },
    /// `&` completes with subtasks that run.
    Completes,
    /// `>` done in the second only.
    Ahead,
    /// `!` not proved in the first.
    NotProved {
        /// Why not.
        why: String,
    },
    /// `-` the other environment does not execute it.
    OnlyIn {
        /// The one that does.
        environment: EnvironmentName,
        /// What the other one does with it instead.
        why: String,
        /// What depends on it is held back.
        holds: bool,
    },
    /// `?` waits for a person in the second.
    Person {
        /// What for.
        why: String,
    },
    /// `!` proved, but held back by another task.
    HeldBack {
        /// The task that is the reason.
        by: TaskId,
    },
}

/// How a task stands in one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PromotionSide {
    /// How it stands.
    #[serde(flatten)]
    pub standing: Standing,
    /// Since when.
    pub since: Option<Timestamp>,
    /// The run that brought it there.
    pub run: Option<RunId>,
    /// The person who set it.
    pub by: Option<String>,
}

/// One task in both environments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PromotionTask {
    /// Its address.
    pub id: TaskId,
    /// `1.3`.
    #[serde(rename = "ref")]
    pub ordinal: String,
    /// Title.
    pub title: String,
    /// Phase.
    pub phase: PhaseId,
    /// What becomes of it.
    #[serde(flatten)]
    pub verdict: PromotionVerdict,
    /// Where it is to be proved.
    pub from: PromotionSide,
    /// Where it is to be run.
    pub to: PromotionSide,
}

/// `taskmaster promote-env`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PromotionView {
    /// The document.
    pub document: DocumentView,
    /// Where tasks are to be proved.
    pub from: EnvironmentName,
    /// Where they are to be run.
    pub to: EnvironmentName,
    /// Tasks in document order.
    pub tasks: Vec<PromotionTask>,
    /// Findings about the catalogue, and notes.
    pub warnings: Vec<DiagnosticView>,
}
