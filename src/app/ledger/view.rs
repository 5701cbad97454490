//! What the ledger tells: plain facts for plans, recovery and reports.

use jiff::Timestamp;
use std::collections::BTreeMap;
use taskmaster_core::cause::Diagnosis;
use taskmaster_core::id::{AttemptId, Digest, DocumentId, EnvironmentName, RunId, TaskId, TaskKey};
use taskmaster_core::journal::{KnownTask, Outcome, OutputValue, ProbeKind, TaskChange, Verdict};
use taskmaster_core::plan::Plan;
use taskmaster_core::state::TaskState;
use taskmaster_core::sync::SyncResult;

/// A document that was parsed at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownDocument {
    /// Its identity.
    pub id: DocumentId,
    /// Where it was read last.
    pub path: String,
    /// Its latest revision.
    pub revision: u64,
    /// Digest of that revision's text.
    pub digest: Digest,
    /// When that revision was recorded.
    pub parsed: Timestamp,
}

/// One revision of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The document.
    pub document: DocumentId,
    /// From 1.
    pub number: u64,
    /// Where it was read.
    pub path: String,
    /// Digest of its text.
    pub digest: Digest,
    /// Its tasks.
    pub tasks: Vec<KnownTask>,
    /// Against the revision before.
    pub changes: Vec<TaskChange>,
    /// When it was recorded.
    pub at: Timestamp,
}

/// The facts about a run that a list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// The run.
    pub id: RunId,
    /// Its document.
    pub document: DocumentId,
    /// Its environment.
    pub environment: EnvironmentName,
    /// Number of its plan.
    pub plan: u64,
    /// Revision of the document it was planned from.
    pub revision: u64,
    /// Process id of its executor.
    pub pid: u32,
    /// Boot id of the machine it ran on.
    pub boot_id: String,
    /// Command line options that matter, for people.
    pub options: BTreeMap<String, String>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; none while it runs, or where its executor died.
    pub ended: Option<Timestamp>,
    /// Exit code of the command.
    pub exit_code: Option<i32>,
    /// Tasks by state name; empty until it ended.
    pub counts: BTreeMap<String, u64>,
}

/// Which runs are wanted, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this document only.
    pub document: Option<DocumentId>,
    /// In this environment only.
    pub environment: Option<EnvironmentName>,
    /// Without a recorded end only.
    pub unfinished: bool,
    /// At most this many.
    pub limit: Option<usize>,
}

/// The state of a task with what is known about how it got there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskEvidence {
    /// The task.
    pub key: TaskKey,
    /// Its address when the state was recorded.
    pub id: TaskId,
    /// Its state.
    pub state: TaskState,
    /// Digest of the action when it reached that state.
    pub digest: Option<Digest>,
    /// When it reached that state.
    pub since: Timestamp,
    /// The run that brought it there; none where a person did it outside of a run.
    pub run: Option<RunId>,
    /// Who, where a person did it.
    pub by: Option<String>,
    /// Why, in one line.
    pub message: Option<String>,
    /// The event that says so.
    pub seq: u64,
    /// Since when its check says that it is no longer so.
    pub drifted: Option<Timestamp>,
}

/// The process of an attempt, so that recovery can find it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpawnedProcess {
    /// Name of the step.
    pub step: String,
    /// Process id, which is its group's too.
    pub pid: u32,
    /// Start time in clock ticks since boot.
    pub start_ticks: u64,
    /// Boot id of the machine.
    pub boot_id: String,
}

/// The recorded end of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptEnd {
    /// When.
    pub at: Timestamp,
    /// How.
    pub outcome: Outcome,
    /// How long it took.
    pub duration_ms: u64,
    /// Last lines of its log, secrets removed.
    pub tail: String,
    /// Bytes of its log.
    pub log_bytes: u64,
    /// Values for later tasks.
    pub outputs: BTreeMap<String, OutputValue>,
    /// Why it failed, as far as that is known.
    pub diagnosis: Diagnosis,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Its identity.
    pub id: AttemptId,
    /// Its run.
    pub run: RunId,
    /// The task.
    pub key: TaskKey,
    /// The task's address then.
    pub task: TaskId,
    /// From 1.
    pub number: u32,
    /// True for `destroy`.
    pub undo: bool,
    /// Digest of the rendered action.
    pub digest: Option<Digest>,
    /// Command lines as shown to people.
    pub commands: Vec<String>,
    /// Log file, relative to the state directory.
    pub log: String,
    /// When its intent was recorded.
    pub started: Timestamp,
    /// The process of its latest step; none where nothing was spawned.
    pub process: Option<SpawnedProcess>,
    /// Its end; none while it is open.
    pub end: Option<AttemptEnd>,
}

/// An attempt, as far as a list of many runs asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// Its run.
    pub run: RunId,
    /// The task.
    pub key: TaskKey,
    /// True for `destroy`.
    pub undo: bool,
    /// When its intent was recorded.
    pub started: Timestamp,
    /// Its end; none while it is open.
    pub ended: Option<Timestamp>,
    /// Every step of it succeeded.
    pub succeeded: bool,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// The last state of its task in its run; none where that is not recorded.
    pub state: Option<TaskState>,
}

/// An environment in which something ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownEnvironment {
    /// Its name.
    pub name: EnvironmentName,
    /// How many runs there were.
    pub runs: u64,
    /// When the newest began.
    pub last_started: Timestamp,
    /// Its exit code; none where its end is not recorded.
    pub last_exit_code: Option<i32>,
}

/// An answer of a check or verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeAnswer {
    /// The run; none for `plan --check`.
    pub run: Option<RunId>,
    /// The task.
    pub key: TaskKey,
    /// Its address then.
    pub id: TaskId,
    /// Which question.
    pub probe: ProbeKind,
    /// The answer.
    pub verdict: Verdict,
    /// When.
    pub at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// Why it is not so, as far as that is known.
    pub diagnosis: Diagnosis,
}

/// A delay before another attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The run.
    pub run: RunId,
    /// The task.
    pub key: TaskKey,
    /// Its address then.
    pub id: TaskId,
    /// Number of the attempt to come.
    pub attempt: u32,
    /// Delay before it.
    pub delay_ms: u64,
    /// Why, in one line.
    pub reason: String,
    /// When it was decided.
    pub at: Timestamp,
}

/// A person's yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The run that waited.
    pub run: RunId,
    /// The task.
    pub key: TaskKey,
    /// Its address then.
    pub id: TaskId,
    /// Who.
    pub by: String,
    /// Their words.
    pub message: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A result of a sync, and when it came to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncEntry {
    /// When.
    pub at: Timestamp,
    /// Where it was fetched from.
    pub repository: String,
    /// The branch, tag or commit that is followed.
    pub git_ref: String,
    /// The document.
    pub document: Option<DocumentId>,
    /// The environment.
    pub environment: EnvironmentName,
    /// The commit.
    pub commit: Option<String>,
    /// When it was made.
    pub commit_time: Option<Timestamp>,
    /// What came of it.
    pub result: SyncResult,
    /// The run that did it.
    pub run: Option<RunId>,
    /// The revision of the document.
    pub revision: Option<u64>,
}

/// Everything about one run, each list in the order of recording.
#[derive(Clone, Debug, PartialEq)]
pub struct RunDetail {
    /// Its facts.
    pub summary: RunSummary,
    /// The plan it followed.
    pub plan: Plan,
    /// The last state of each task in this run.
    pub tasks: Vec<TaskEvidence>,
    /// Its attempts.
    pub attempts: Vec<Attempt>,
    /// Its probes.
    pub probes: Vec<ProbeAnswer>,
    /// Its retries.
    pub retries: Vec<Retry>,
    /// Its approvals.
    pub approvals: Vec<Approval>,
}
