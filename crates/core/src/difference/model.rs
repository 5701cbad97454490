//! What a comparison tells.

use super::around::Around;
use crate::action::{ActionKind, Part};
use crate::document::Claim;
use crate::id::{DocumentId, EnvironmentName, PhaseId, TaskId};
use serde::Serialize;

/// Everything in which two sides differ in meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Why nothing that was done before counts at all; empty where it does.
    pub elsewhere: Vec<Elsewhere>,
    /// Tasks that differ, or for which something would be done: those of the new document in its order,
    /// then those that are gone.
    pub tasks: Vec<TaskDifference>,
    /// Dependencies that somebody wrote, in the document or the catalogue, and that are new.
    pub gained: Vec<Tie>,
    /// The same that are gone, by the ids of before.
    pub lost: Vec<Tie>,
    /// Tasks of both sides that wait for others than before because of the order of the document.
    pub reordered: Vec<TaskId>,
    /// The changed tasks among what stands about them.
    pub around: Around,
}

impl Difference {
    /// True where both sides mean the same.
    pub fn is_empty(&self) -> bool {
        self.elsewhere.is_empty()
            && self.tasks.is_empty()
            && self.gained.is_empty()
            && self.lost.is_empty()
            && self.reordered.is_empty()
    }
}

/// A place keeps what was done by document and environment: another one begins anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Elsewhere {
    /// Another document by its `id`.
    Document {
        /// Before.
        from: DocumentId,
        /// Now.
        to: DocumentId,
    },
    /// Another environment, by the settings of the project.
    Environment {
        /// Before.
        from: EnvironmentName,
        /// Now.
        to: EnvironmentName,
    },
}

/// How one task differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskDifference {
    /// Its address before; none where it is new.
    pub base: Option<TaskId>,
    /// Its address now; none where it is gone.
    pub head: Option<TaskId>,
    /// What changed in the document.
    pub changes: Vec<Change>,
    /// What changed in the catalogue, or through it.
    pub binding: Vec<BindingChange>,
    /// What would be done.
    pub effect: Effect,
}

/// A change of a task in the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// New.
    Added,
    /// Gone.
    Removed,
    /// Another title or id.
    Renamed {
        /// Id before.
        from: TaskId,
        /// Title before.
        from_title: String,
        /// What was done still counts: its id stayed. A likeness carries history alone.
        carried: bool,
    },
    /// In another phase, or at another place of its phase.
    Moved {
        /// Phase before.
        from: PhaseId,
        /// Phase now.
        to: PhaseId,
    },
    /// Another priority.
    Reprioritised {
        /// Before.
        from: String,
        /// Now.
        to: String,
    },
    /// Was marked done, is open again.
    Reopened,
    /// Any other change of its mark.
    Marked {
        /// Before.
        from: Claim,
        /// Now.
        to: Claim,
    },
    /// May be left out, or may be left out no more.
    Optional {
        /// Now.
        now: bool,
    },
}

/// What binds a task, in a word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "means", rename_all = "snake_case")]
pub enum Means {
    /// Nothing: a person does it.
    Unbound,
    /// `manual: true`: a person does it.
    Manual,
    /// `when` leaves it out.
    LeftOut {
        /// Why.
        reason: String,
    },
    /// An action.
    Action {
        /// Its kind.
        kind: ActionKind,
    },
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFate {
    /// New.
    Added,
    /// Gone.
    Removed,
    /// Other contents.
    Changed,
}

/// A file whose contents belong to an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Path below the project's root.
    pub path: String,
    /// What became of it.
    pub fate: FileFate,
}

/// A change of how a task is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum BindingChange {
    /// Something else binds it, or nothing.
    Means {
        /// Before.
        from: Means,
        /// Now.
        to: Means,
    },
    /// A part of its action is another one.
    Action {
        /// Which.
        part: Part,
    },
    /// A setting of its policy.
    Policy {
        /// Its key in a catalogue.
        name: &'static str,
        /// Before, as a catalogue writes it.
        from: String,
        /// Now.
        to: String,
    },
    /// Other globs of `inputs`.
    Globs {
        /// New ones.
        added: Vec<String>,
        /// Gone ones.
        removed: Vec<String>,
    },
    /// Contents of files that match them.
    Files {
        /// Which, by path.
        files: Vec<FileChange>,
    },
}

/// Why a task is decided although nothing that is done now was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Why {
    /// It is new.
    New,
    /// It was found again by its likeness alone: what was done under its old id does not count.
    Renamed {
        /// The old id.
        from: TaskId,
    },
    /// Another document or environment ([`Difference::elsewhere`]).
    Elsewhere,
    /// `when`, or being optional, left it out.
    WasLeftOut {
        /// Why.
        reason: String,
    },
    /// It was cancelled.
    WasCancelled,
    /// It was taken as done by its mark.
    WasClaimed,
    /// A person did it.
    WasManual,
    /// It ended with its subtasks.
    WasGroup,
    /// An action did it.
    WasBound,
}

/// What a place that stands at the base would do at the head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Nothing: it stays as it is.
    Nothing,
    /// It is decided for the first time: its check is asked if it has one, then it runs.
    Runs {
        /// Why.
        #[serde(flatten)]
        why: Why,
    },
    /// It was done, but not by the action as it is now.
    RunsAgain {
        /// Parts of the action that changed; empty where only its kind or `inputs` did.
        parts: Vec<Part>,
        /// Files that changed.
        files: Vec<FileChange>,
    },
    /// It stays, unless what runs before it ends otherwise than last time.
    MayRunAgain {
        /// Tasks that may give it other outputs.
        reads: Vec<TaskId>,
        /// Tasks that were done again after its yes was given: a person is asked anew.
        after: Vec<TaskId>,
    },
    /// A person does it.
    Waits {
        /// Why it is decided.
        #[serde(flatten)]
        why: Why,
    },
    /// Left out; what was done stays as it is.
    Skipped {
        /// Why.
        reason: String,
    },
    /// Cancelled; what was done stays as it is.
    Cancelled,
    /// Taken as done by its mark.
    Claimed,
    /// Ends with its subtasks.
    Group,
    /// It is gone, and a sync with `--prune` takes it back.
    Undone,
    /// It is gone, and what was done stays as it is: nothing is defined that takes it back.
    Stays,
    /// It is gone, and nothing was done by it.
    Forgotten,
}

impl Effect {
    /// True where its action is, or may be, executed.
    pub fn runs(&self) -> bool {
        matches!(self, Self::Runs { .. } | Self::RunsAgain { .. } | Self::MayRunAgain { .. })
    }
}

/// Why one task waits for another, the plainest reason first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TieKind {
    /// Written in the document.
    Written,
    /// `needs` of the catalogue.
    Needs,
    /// It reads an output.
    Reads,
    /// It is the parent.
    Subtask,
    /// Document order inside a phase.
    Order,
    /// A phase waits for the phase before it.
    Barrier,
}

impl TieKind {
    /// Somebody meant it: it does not merely follow from the order of the document.
    pub fn is_written(self) -> bool {
        !matches!(self, Self::Order | Self::Barrier)
    }
}

/// `task` waits for `dependency`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tie {
    /// The one that waits.
    pub task: TaskId,
    /// The one it waits for.
    pub dependency: TaskId,
    /// Why.
    pub kind: TieKind,
}
