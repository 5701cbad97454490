//! What the records of one run say: its tasks, attempts, answers and retries.
//!
//! Replaying the records gives the states that the scheduler lived through; a record that could not
//! have followed is an error. Absent on purpose: what all runs together left behind, which the ledger
//! keeps in tables ([`crate::journal::Recorded`]).

use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use taskmaster_core::id::{AttemptId, Digest, RunId, TaskKey};
use taskmaster_core::journal::{Entry, Outcome, OutputValue, ProbeKind, Record, Verdict};
use taskmaster_core::plan::Plan;
use taskmaster_core::state::TaskState;

/// Why an entry could not be folded. The view is as before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FoldError {
    /// A state cannot follow from the one before it.
    #[error("entry {seq}: task {key}, which was {before}, cannot go from {from} to {to}")]
    IllegalTransition {
        /// Place in the ledger.
        seq: u64,
        /// The task.
        key: TaskKey,
        /// State by the records before.
        before: &'static str,
        /// State before, as this record has it.
        from: &'static str,
        /// State after.
        to: &'static str,
    },
    /// It names a task that the run does not have.
    #[error("entry {seq}: the run has no task {key}")]
    NotInRun {
        /// Place in the ledger.
        seq: u64,
        /// The task.
        key: TaskKey,
    },
    /// An attempt cannot start twice.
    #[error("entry {seq}: attempt {attempt} starts twice")]
    StartedTwice {
        /// Place in the ledger.
        seq: u64,
        /// The attempt.
        attempt: AttemptId,
    },
}

/// A process of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpawnView {
    /// Name of the step.
    pub(crate) step: String,
    /// Process id, which is its group's too.
    pub(crate) pid: u32,
    /// Start time in clock ticks since boot.
    pub(crate) start_ticks: u64,
    /// Boot id of the machine.
    pub(crate) boot_id: String,
}

/// One attempt of a task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AttemptView {
    /// Its identity.
    pub(crate) attempt: AttemptId,
    /// Index of its task in the plan.
    pub(crate) task: usize,
    /// From 1.
    pub(crate) number: u32,
    /// True for `destroy`.
    pub(crate) undo: bool,
    /// Digest of the rendered action.
    pub(crate) digest: Option<Digest>,
    /// Command lines as shown to people.
    pub(crate) commands: Vec<String>,
    /// Log file, relative to the state directory.
    pub(crate) log: String,
    /// When it was about to start.
    pub(crate) started_at: Timestamp,
    /// Processes, in order.
    pub(crate) spawned: Vec<SpawnView>,
    /// When its end was recorded; none while it is open.
    pub(crate) ended_at: Option<Timestamp>,
    /// How it ended.
    pub(crate) end: Option<Outcome>,
    /// How long it took.
    pub(crate) duration_ms: Option<u64>,
    /// Last lines of its log.
    pub(crate) tail: String,
    /// Bytes of its log.
    pub(crate) log_bytes: u64,
    /// Values for later tasks.
    pub(crate) outputs: BTreeMap<String, OutputValue>,
}

/// An answer of a check or verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProbeView {
    /// Which question.
    pub(crate) probe: ProbeKind,
    /// The answer.
    pub(crate) verdict: Verdict,
    /// When it was recorded.
    pub(crate) at: Timestamp,
    /// How long it took.
    pub(crate) duration_ms: u64,
}

/// A retry that was scheduled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RetryView {
    /// Number of the attempt to come.
    pub(crate) attempt: u32,
    /// Delay before it.
    pub(crate) delay_ms: u64,
    /// Why.
    pub(crate) reason: String,
    /// When it was decided.
    pub(crate) at: Timestamp,
}

/// One task in one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TaskView {
    /// Its state.
    pub(crate) state: TaskState,
    /// When it reached it.
    pub(crate) since: Option<Timestamp>,
    /// When it was first checked or run.
    pub(crate) began_at: Option<Timestamp>,
    /// Who set the state, where a person did.
    pub(crate) by: Option<String>,
    /// Its attempts, indices into [`RunView::attempts`].
    pub(crate) attempts: Vec<usize>,
    /// Answers, in order.
    pub(crate) probes: Vec<ProbeView>,
    /// Retries, in order.
    pub(crate) retries: Vec<RetryView>,
}

/// One run, folded from its records. Replaying them gives the states the scheduler lived through.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RunView {
    /// The run.
    pub(crate) run: RunId,
    /// Its plan.
    pub(crate) plan: Plan,
    /// Process id of its executor.
    pub(crate) pid: u32,
    /// Boot id of its machine.
    pub(crate) boot_id: String,
    /// Command line options that matter.
    pub(crate) options: BTreeMap<String, String>,
    /// When it began.
    pub(crate) started_at: Timestamp,
    /// When it ended; none while it runs, or when its executor died.
    pub(crate) ended_at: Option<Timestamp>,
    /// Exit code of the command.
    pub(crate) exit_code: Option<i32>,
    /// Tasks by index into the plan.
    pub(crate) tasks: Vec<TaskView>,
    /// Attempts in order of their start.
    pub(crate) attempts: Vec<AttemptView>,
    by_key: HashMap<TaskKey, usize>,
    by_attempt: HashMap<AttemptId, usize>,
}

impl RunView {
    /// The view of a run at its `run.started`; none for any other entry.
    pub(crate) fn begin(entry: &Entry) -> Option<Self> {
        let Record::RunStarted { run, plan, pid, boot_id, options } = &entry.record else {
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

    /// Folds one entry. Those of other runs, and those that a person made outside the run, are
    /// passed over: a person's wish takes effect by the record that the run itself makes of it.
    pub(crate) fn apply(&mut self, entry: &Entry) -> Result<(), FoldError> {
        match &entry.record {
            Record::TaskState { run: Some(run), key, from, to, by, .. } if *run == self.run => {
                self.stepped(entry, key, from, to, by.as_ref())
            }
            Record::AttemptStarted { run, .. } if *run == self.run => self.attempt_started(entry),
            Record::AttemptSpawned { attempt, step, pid, start_ticks, boot_id } => {
                if let Some(view) = self.attempt_mut(attempt) {
                    view.spawned.push(SpawnView {
                        step: step.clone(),
                        pid: *pid,
                        start_ticks: *start_ticks,
                        boot_id: boot_id.clone(),
                    });
                }
                Ok(())
            }
            Record::AttemptEnded { attempt, end, duration_ms, tail, log_bytes, outputs, .. } => {
                if let Some(view) = self.attempt_mut(attempt) {
                    view.ended_at = Some(entry.at);
                    view.end = Some(end.clone());
                    view.duration_ms = Some(*duration_ms);
                    view.tail.clone_from(tail);
                    view.log_bytes = *log_bytes;
                    view.outputs.clone_from(outputs);
                }
                Ok(())
            }
            Record::ProbeEnded { run: Some(run), key, probe, verdict, duration_ms, .. }
                if *run == self.run =>
            {
                let answer = ProbeView {
                    probe: *probe,
                    verdict: verdict.clone(),
                    at: entry.at,
                    duration_ms: *duration_ms,
                };
                let task = self.index(entry, key)?;
                self.tasks[task].probes.push(answer);
                Ok(())
            }
            Record::RetryScheduled { run, key, attempt, delay_ms, reason, .. } if *run == self.run => {
                let retry = RetryView {
                    attempt: *attempt,
                    delay_ms: *delay_ms,
                    reason: reason.clone(),
                    at: entry.at,
                };
                let task = self.index(entry, key)?;
                self.tasks[task].retries.push(retry);
                Ok(())
            }
            Record::RunEnded { run, exit_code, .. } if *run == self.run => {
                self.ended_at = Some(entry.at);
                self.exit_code = Some(*exit_code);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Attempts without a recorded end: what recovery looks at when the executor is gone.
    pub(crate) fn open_attempts(&self) -> impl Iterator<Item = &AttemptView> {
        self.attempts.iter().filter(|attempt| attempt.end.is_none())
    }

    fn attempt_mut(&mut self, attempt: &AttemptId) -> Option<&mut AttemptView> {
        self.by_attempt.get(attempt).map(|&place| &mut self.attempts[place])
    }

    fn index(&self, entry: &Entry, key: &TaskKey) -> Result<usize, FoldError> {
        let missing = || FoldError::NotInRun { seq: entry.seq, key: key.clone() };
        self.by_key.get(key).copied().ok_or_else(missing)
    }

    fn stepped(
        &mut self,
        entry: &Entry,
        key: &TaskKey,
        from: &TaskState,
        to: &TaskState,
        by: Option<&String>,
    ) -> Result<(), FoldError> {
        let task = self.index(entry, key)?;
        let view = &mut self.tasks[task];
        // A person's command may have written between two records of the run: it saw another state.
        let follows = view.state == *from || by.is_some() || view.by.is_some();
        if !follows || !from.can_become(to) {
            return Err(FoldError::IllegalTransition {
                seq: entry.seq,
                key: key.clone(),
                before: view.state.name(),
                from: from.name(),
                to: to.name(),
            });
        }
        if to.is_working() {
            view.began_at.get_or_insert(entry.at);
        }
        view.state = to.clone();
        view.since = Some(entry.at);
        view.by = by.cloned();
        Ok(())
    }

    fn attempt_started(&mut self, entry: &Entry) -> Result<(), FoldError> {
        let Record::AttemptStarted { attempt, key, number, undo, digest, commands, log, .. } = &entry.record
        else {
            return Ok(());
        };
        let task = self.index(entry, key)?;
        if self.by_attempt.contains_key(attempt) {
            return Err(FoldError::StartedTwice { seq: entry.seq, attempt: attempt.clone() });
        }
        let place = self.attempts.len();
        self.by_attempt.insert(attempt.clone(), place);
        self.tasks[task].attempts.push(place);
        self.attempts.push(AttemptView {
            attempt: attempt.clone(),
            task,
            number: *number,
            undo: *undo,
            digest: digest.clone(),
            commands: commands.clone(),
            log: log.clone(),
            started_at: entry.at,
            spawned: Vec::new(),
            ended_at: None,
            end: None,
            duration_ms: None,
            tail: String::new(),
            log_bytes: 0,
            outputs: BTreeMap::new(),
        });
        Ok(())
    }
}
