//! What a change of document and catalogue means.

use super::common::{DiagnosticView, DocumentView, PhaseView};
use serde::Serialize;
use taskmaster_core::action::{ActionKind, Part};
use taskmaster_core::difference::around::{Line, PhaseRest, Role};
use taskmaster_core::difference::model::{BindingChange, Change, Effect, Elsewhere, TieKind};
use taskmaster_core::id::{EnvironmentName, PhaseId, TaskId};

/// A task as people call it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NameView {
    /// Its address.
    pub id: TaskId,
    /// `1.3`.
    #[serde(rename = "ref")]
    pub ordinal: String,
    /// Its title.
    pub title: String,
}

/// What became of one line of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineFate {
    /// It is on both sides.
    Kept,
    /// It is new.
    Added,
    /// It is gone.
    Removed,
}

/// One line of a command, secrets by reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineView {
    /// What became of it.
    pub fate: LineFate,
    /// The line.
    pub text: String,
}

/// The command lines of one part of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommandsView {
    /// Which part.
    pub part: Part,
    /// Its lines.
    pub lines: Vec<LineView>,
}

/// How one task differs, and what would be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskDifferenceView {
    /// The task as it is now, or was where it is gone.
    #[serde(flatten)]
    pub name: NameView,
    /// Its phase.
    pub phase: PhaseId,
    /// Its id before, where that was another.
    pub was: Option<TaskId>,
    /// What changed in the document.
    pub changes: Vec<Change>,
    /// What changed in the catalogue, or through it.
    pub binding: Vec<BindingChange>,
    /// What a place that stands at the base would do.
    #[serde(flatten)]
    pub effect: Effect,
    /// Kind of its action, if it has one.
    pub kind: Option<ActionKind>,
    /// Where it is bound; none where it is gone.
    pub place: Option<String>,
    /// Its check is asked first.
    pub has_check: bool,
    /// It cannot be taken back: asks before it runs.
    pub irreversible: bool,
    /// Command lines: all of what is new, else those that changed; of a task that is gone, its undo.
    pub commands: Vec<CommandsView>,
}

/// `task` waits for `dependency`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TieView {
    /// The one that waits.
    pub task: NameView,
    /// The one it waits for.
    pub dependency: NameView,
    /// Why.
    pub kind: TieKind,
}

/// One task of the picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeView {
    /// The task.
    #[serde(flatten)]
    pub name: NameView,
    /// Its phase.
    pub phase: PhaseId,
    /// Why it is shown.
    pub role: Role,
}

/// The changed tasks among their neighbours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PictureView {
    /// Tasks.
    pub nodes: Vec<NodeView>,
    /// Who waits for whom, by places among the tasks.
    pub lines: Vec<Line>,
    /// Phases, with counts of the tasks that are not shown.
    pub phases: Vec<PhaseRest>,
    /// Changed tasks that found no room.
    pub changed_left_out: usize,
    /// Other tasks that are not even counted.
    pub others_left_out: usize,
}

/// `taskmaster plan --against`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DifferenceView {
    /// The document, as it is to be.
    pub document: DocumentView,
    /// The environment.
    pub environment: EnvironmentName,
    /// The commit that stands.
    pub base: String,
    /// The commit that is to come; none is the working tree.
    pub head: Option<String>,
    /// The document does not exist in the base.
    pub is_new_document: bool,
    /// Both sides do not mean the same.
    pub differs: bool,
    /// Why nothing that was done counts at all.
    pub elsewhere: Vec<Elsewhere>,
    /// Tasks that differ: those of the new document in its order, then those that are gone.
    pub tasks: Vec<TaskDifferenceView>,
    /// Dependencies that somebody wrote, new ones.
    pub gained: Vec<TieView>,
    /// The same, gone ones.
    pub lost: Vec<TieView>,
    /// Tasks that wait for others than before because of the order of the document.
    pub reordered: Vec<TaskId>,
    /// Phases of the new document, then those that are gone.
    pub phases: Vec<PhaseView>,
    /// What stands about the changes.
    pub picture: PictureView,
    /// Findings that the base did not have.
    pub findings: Vec<DiagnosticView>,
}
