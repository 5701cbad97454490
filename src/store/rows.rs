//! Rows of the read models. Ids, states and plans are texts and numbers here: what they mean is
//! known to the layer above.

use super::types::EventRow;
use jiff::Timestamp;

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentRow {
    /// Its identity.
    pub id: String,
    /// Where it was read last.
    pub path: String,
    /// Its latest revision.
    pub revision: u64,
    /// Digest of that revision's text.
    pub digest: String,
    /// The event that recorded that revision.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// The event that started it; its plan is there.
    pub seq: u64,
    /// Its identity.
    pub id: String,
    /// Its document.
    pub document: String,
    /// Its environment.
    pub environment: String,
    /// Number of its plan.
    pub plan: u64,
    /// Revision of the document.
    pub revision: u64,
    /// Process id of its executor.
    pub pid: u32,
    /// Boot id of the machine.
    pub boot_id: String,
    /// Options as JSON.
    pub options: String,
    /// When it began.
    pub started: Timestamp,
    /// Its end, if recorded.
    pub end: Option<RunEndRow>,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEndRow {
    /// The event that ended it.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Exit code.
    pub exit_code: i32,
    /// Tasks by state, as JSON.
    pub counts: String,
}

/// What every record of a run has to be checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunKeys {
    /// Its document.
    pub document: String,
    /// Its environment.
    pub environment: String,
    /// Its end is recorded.
    pub ended: bool,
}

/// Which runs are wanted, newest first.
#[derive(Clone, Debug, Default)]
pub struct RunQuery<'a> {
    /// Of this document only.
    pub document: Option<&'a str>,
    /// In this environment only.
    pub environment: Option<&'a str>,
    /// Without a recorded end only.
    pub unfinished: bool,
    /// At most this many.
    pub limit: Option<usize>,
}

/// The state of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskStateRow {
    /// The document.
    pub document: String,
    /// The environment.
    pub environment: String,
    /// The task.
    pub key: String,
    /// Its address then.
    pub task: String,
    /// Its state as JSON.
    pub state: String,
    /// Digest of its action.
    pub digest: Option<String>,
    /// The run that brought it there.
    pub run: Option<String>,
    /// The person who did.
    pub person: Option<String>,
    /// Why.
    pub message: Option<String>,
    /// The event that says so.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Duration of its last successful attempt. Read only: written by `note_success`.
    pub last_duration_ms: Option<u64>,
}

/// A task that was done and is no longer so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftRow {
    /// The document.
    pub document: String,
    /// The environment.
    pub environment: String,
    /// The task.
    pub key: String,
    /// Its address then.
    pub task: String,
    /// The event that found it.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
}

/// The process of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessRow {
    /// Name of the step.
    pub step: String,
    /// Process id.
    pub pid: u32,
    /// Start time in clock ticks since boot.
    pub start_ticks: u64,
    /// Boot id of the machine.
    pub boot_id: String,
}

/// An attempt: its two events, and the process between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRow {
    /// The event that started it.
    pub started: EventRow,
    /// Its latest process.
    pub process: Option<ProcessRow>,
    /// The event that ended it.
    pub ended: Option<EventRow>,
}

/// What an event about an attempt has to be checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptKeys {
    /// Its run.
    pub run: String,
    /// Its task.
    pub key: String,
    /// True for `destroy`.
    pub undo: bool,
    /// The event that started it.
    pub seq: u64,
    /// Its end is recorded.
    pub ended: bool,
}

/// The tables whose rows refer to one event of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notes {
    /// Answers of checks and verifies.
    Probes,
    /// Delays before another attempt.
    Retries,
    /// Approvals.
    Approvals,
}

/// Of which runs notes and attempts are wanted, in the order of recording.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// Of one run.
    Run(&'a str),
    /// Of every run of a document in an environment.
    Document(&'a str, &'a str),
}
