//! A parsed PRD: phases, tasks, requirements and the edges between tasks.
//!
//! These types serialise to the stable JSON of `taskmaster parse` (`schema_version` 1). What each
//! field means in the text is said in `docs/notation.md`.

use crate::id::{DocumentId, PhaseId, RequirementId, TaskId};
use crate::text::Span;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// The notation a document is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Headings and checklists.
    #[default]
    Plain,
    /// `T001 [P] [US1]` under `Phase N` headings.
    SpecKit,
    /// Numbered nested checklists with `_Requirements: …_`.
    Kiro,
    /// `# Task ID:` files.
    TaskMaster,
    /// Emoji or Dataview fields.
    Obsidian,
    /// One file a task with front matter.
    Backlog,
    /// `## 1. Title` headings with numbered items.
    #[serde(rename = "openspec")]
    OpenSpec,
    /// Stories with `Tasks / Subtasks`.
    Bmad,
}

/// Which implicit edges are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ordering {
    /// Document order inside a phase, barriers between phases.
    #[default]
    Sequential,
    /// Barriers between phases only.
    Phases,
    /// Only what is written.
    Explicit,
}

/// Importance, most important first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Everything else waits.
    Critical,
    /// Before the ordinary.
    High,
    /// The ordinary.
    #[default]
    Medium,
    /// When there is time.
    Low,
}

/// What the mark in the text says. A claim, never evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// Open.
    #[default]
    Pending,
    /// Begun.
    InProgress,
    /// Done, says the author.
    Completed,
    /// Not wanted any more.
    Cancelled,
}

/// The character between the brackets, and its bytes, which write-back may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The character as written.
    pub character: char,
    /// Its bytes.
    pub span: Span,
}

/// An estimate in working time (a day is 8 hours, a week 5 days).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// As written: `6-8 hours`.
    pub text: String,
    /// Lower end.
    pub low_minutes: u32,
    /// Upper end; equal to the lower where one number was given.
    pub high_minutes: u32,
}

/// An acceptance criterion of one task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// Its text.
    pub text: String,
    /// What its mark says.
    pub status: Claim,
    /// Line, from 1.
    pub line: usize,
    /// Its mark.
    pub mark: Option<Mark>,
}

/// What an inline action is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InlineKind {
    /// Does the work.
    Run,
    /// Tells whether it is done already.
    Check,
    /// Tells whether the work had its effect.
    Verify,
}

/// A fenced block below a task that is an action (run only with `--allow-inline`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InlineAction {
    /// What it is for.
    pub kind: InlineKind,
    /// First word of the info string: `bash`, `sh`, `python`.
    pub language: String,
    /// The text of the block.
    pub body: String,
    /// Line of its opening fence, from 1.
    pub line: usize,
}

/// Facts about the whole document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// `id` of the front matter.
    pub id: Option<DocumentId>,
    /// `title` of the front matter, else the first heading of level 1.
    pub title: Option<String>,
    /// The recognised notation.
    pub dialect: Dialect,
    /// Which implicit edges were drawn.
    pub ordering: Ordering,
    /// Owners and authors.
    pub owners: Vec<String>,
    /// Dates of the front matter by key, as written.
    pub dates: BTreeMap<String, String>,
    /// The front matter, whole.
    pub front_matter: serde_json::Value,
}

/// A phase that holds tasks in its subtree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// Its address.
    pub id: PhaseId,
    /// `1`, `1-2`, `N`; none for a phase that is only a heading.
    pub number: Option<String>,
    /// Title without number, priority and estimate.
    pub title: String,
    /// Priority as written; none where nothing is written.
    pub priority: Option<Priority>,
    /// The phase around it.
    pub parent: Option<PhaseId>,
    /// Working time as written.
    pub estimate: Option<Estimate>,
    /// Line of the heading, from 1.
    pub line: usize,
    /// Index of the source file.
    pub source: usize,
}

/// One task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its address, unique in the document.
    pub id: TaskId,
    /// The ordinal `1.3`: selects, but is no identity.
    #[serde(rename = "ref")]
    pub ordinal: String,
    /// Title without box, id and fields.
    pub title: String,
    /// The phase that holds it.
    pub phase: PhaseId,
    /// Its own, else its phase's, else medium.
    pub priority: Priority,
    /// What the mark says.
    pub status: Claim,
    /// Ids it depends on, by every kind of edge, in document order.
    pub dependencies: Vec<TaskId>,
    /// Ids written as dependencies that no task here has (one-file-a-task dialects parsed alone).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_dependencies: Vec<String>,
    /// May be left out (Kiro `*`).
    pub optional: bool,
    /// Marked `[P]`.
    pub parallel: bool,
    /// True where the id is written in the text.
    pub explicit_id: bool,
    /// Tags without `#`.
    pub tags: Vec<String>,
    /// Text of plain bullets and paragraphs below it.
    pub details: Vec<String>,
    /// Its acceptance criteria.
    pub acceptance: Vec<Acceptance>,
    /// References to requirements, as written; resolved ones are ids of [`Document::requirements`].
    pub requirements: Vec<String>,
    /// The task it is a subtask of.
    pub parent: Option<TaskId>,
    /// Values by axis, of a cell of a [`matrix`](crate::matrix); no task of a text has any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub matrix: BTreeMap<String, String>,
    /// Working time as written.
    pub estimate: Option<Estimate>,
    /// Who does it.
    pub owner: Option<String>,
    /// Issue reference such as `#126`.
    pub issue: Option<String>,
    /// Dates by name (`due`, `scheduled`, …), as written.
    pub dates: BTreeMap<String, String>,
    /// Fenced actions below it.
    pub inline_actions: Vec<InlineAction>,
    /// Line, from 1.
    pub line: usize,
    /// Index of the source file.
    pub source: usize,
    /// The bytes of its first line, from the list marker to the end of its text.
    pub span: Span,
    /// Its mark; none for an ordered item without a box and for one-file tasks.
    pub mark: Option<Mark>,
}

/// A checklist item that is traced, but never executed on its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// Its address.
    pub id: RequirementId,
    /// Its text.
    pub title: String,
    /// Number of the section it stands in (`4.1`), if the heading has one.
    pub section: Option<String>,
    /// Title of the heading it stands under.
    pub heading: Option<String>,
    /// The phase it stands in, for acceptance criteria of a phase.
    pub phase: Option<PhaseId>,
    /// What the mark says.
    pub status: Claim,
    /// Line, from 1.
    pub line: usize,
    /// Index of the source file.
    pub source: usize,
    /// Its mark.
    pub mark: Option<Mark>,
}

/// Why one task waits for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EdgeKind {
    /// Written in the text.
    Explicit,
    /// A parent waits for its subtasks.
    Child,
    /// Document order inside a phase.
    Order,
    /// A phase waits for the phase before it.
    Barrier,
}

/// `task` waits for `dependency`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Edge {
    /// The one that waits.
    pub task: TaskId,
    /// The one it waits for.
    pub dependency: TaskId,
    /// Why.
    pub kind: EdgeKind,
    /// Line where it is written (explicit), else the line of the waiting task.
    pub line: usize,
}

/// A parsed PRD.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Facts about the whole.
    pub metadata: Metadata,
    /// Phases in document order.
    pub phases: Vec<Phase>,
    /// Tasks in document order.
    pub tasks: Vec<Task>,
    /// Requirements in document order.
    pub requirements: Vec<Requirement>,
    /// Edges, sorted by waiting task in document order, then dependency in document order.
    pub edges: Vec<Edge>,
}

impl Document {
    /// The task with this id.
    pub fn task(&self, id: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| task.id.as_str() == id)
    }

    /// All tasks by their ids, for whoever asks for many.
    pub fn by_id(&self) -> HashMap<&str, &Task> {
        self.tasks.iter().map(|task| (task.id.as_str(), task)).collect()
    }

    /// The phase with this id.
    pub fn phase(&self, id: &str) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.id.as_str() == id)
    }
}
