//! Parts that several views share.

use serde::{Serialize, Serializer};
use taskmaster_core::diagnostic::Severity;
use taskmaster_core::document::{Dialect, EdgeKind, Estimate, Priority};
use taskmaster_core::id::{DocumentId, PhaseId, TaskId};
use taskmaster_core::state::{Status, TaskState};

/// The document a view is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DocumentView {
    /// Its identity.
    pub id: DocumentId,
    /// Where it was read, as the user wrote it.
    pub path: String,
    /// Its title; the path is shown where it has none.
    pub title: Option<String>,
    /// The notation it was read as.
    pub dialect: Dialect,
    /// Revision in the ledger, from 1; none where nothing is recorded.
    pub revision: Option<u64>,
    /// Owners and authors.
    pub owners: Vec<String>,
}

impl DocumentView {
    /// The title, else the path.
    pub fn name(&self) -> &str {
        self.title.as_deref().filter(|title| !title.trim().is_empty()).unwrap_or(&self.path)
    }
}

/// A phase, in document order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PhaseView {
    /// Its address.
    pub id: PhaseId,
    /// Its number, if it has one.
    pub number: Option<String>,
    /// Its title.
    pub title: String,
    /// Its priority as written.
    pub priority: Option<Priority>,
    /// The phase around it.
    pub parent: Option<PhaseId>,
    /// Working time as written.
    pub estimate: Option<Estimate>,
    /// Line of its heading.
    pub line: usize,
}

/// `task` waits for `dependency`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EdgeView {
    /// The one that waits.
    pub task: TaskId,
    /// The one it waits for.
    pub dependency: TaskId,
    /// Why; none for an edge that the catalogue adds (`needs`, an output).
    pub kind: Option<EdgeKind>,
}

/// A finding about the document or the catalogue, with its place already looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiagnosticView {
    /// Stable name.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// The file.
    pub path: Option<String>,
    /// Line, from 1.
    pub line: Option<usize>,
    /// Column, from 1.
    pub column: Option<usize>,
    /// What the reader can do.
    pub help: Option<String>,
}

/// A command line as shown to people: secrets by reference, never by value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommandLine {
    /// Name of its step: `init`, `apply`, `check`.
    pub step: String,
    /// The line, fit for pasting.
    pub line: String,
}

/// Another task, as far as a reader needs it to recognise it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskRef {
    /// Its address.
    pub id: TaskId,
    /// `1.3`.
    #[serde(rename = "ref")]
    pub ordinal: String,
    /// Its title.
    pub title: String,
    /// Its state; adds `status` in JSON.
    #[serde(flatten, serialize_with = "with_status")]
    pub state: TaskState,
}

/// What is known about how long a task takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Durations {
    /// A person's working time, as written in the document.
    pub estimate: Option<Estimate>,
    /// The machine's time when the task last succeeded.
    pub last_duration_ms: Option<u64>,
}

#[derive(Serialize)]
struct Outward<'a> {
    status: Status,
    #[serde(flatten)]
    state: &'a TaskState,
}

/// Writes a state as `status` (outward), `state` (exact) and the state's own data.
pub(super) fn with_status<S: Serializer>(state: &TaskState, serializer: S) -> Result<S::Ok, S::Error> {
    Outward { status: state.status(), state }.serialize(serializer)
}
