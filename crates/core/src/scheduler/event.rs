//! What the scheduler is told and what it answers.

use crate::cause::Diagnosis;
use crate::id::{AttemptId, Digest, RunId};
use crate::journal::{Outcome, OutputValue, ProbeKind, Record, Verdict};
use crate::state::TaskState;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Settings of one run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The run.
    pub run: RunId,
    /// Attempts and probes at work at the same time, at least 1.
    pub jobs: usize,
    /// After a failure, go on with what does not depend on it.
    pub keep_going: bool,
    /// Take tasks that wait for a person out of the run: end (exit 21) once nothing else can go on.
    pub end_when_waiting: bool,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The run begins.
    Begin,
    /// A probe answered.
    ProbeEnded {
        /// Index into the plan.
        task: usize,
        /// Which question.
        probe: ProbeKind,
        /// The answer.
        verdict: Verdict,
        /// How long it took.
        duration_ms: u64,
        /// Values for later tasks.
        outputs: BTreeMap<String, OutputValue>,
        /// Why it went wrong, as far as that is known.
        diagnosis: Diagnosis,
    },
    /// The digest of the task's action by now: outputs that it reads are known, or its files may have changed.
    /// Comes together with the end that made it so, before it; of files once more when the task's own turn comes.
    Digested {
        /// Index into the plan.
        task: usize,
        /// The digest.
        digest: Digest,
    },
    /// An attempt ended.
    AttemptEnded {
        /// Index into the plan.
        task: usize,
        /// Which attempt.
        attempt: AttemptId,
        /// How.
        end: Outcome,
        /// How long it took.
        duration_ms: u64,
        /// Last lines of its log.
        tail: String,
        /// Bytes of its log.
        log_bytes: u64,
        /// Values for later tasks.
        outputs: BTreeMap<String, OutputValue>,
        /// Why it went wrong, as far as that is known.
        diagnosis: Diagnosis,
    },
    /// The time asked for by [`Effect::Timer`] has come.
    Timer {
        /// Index into the plan.
        task: usize,
    },
    /// A person said yes.
    Approved {
        /// Index into the plan.
        task: usize,
    },
    /// A person set a state (`tasks set`, `resolve`): completed, pending, skipped or cancelled.
    Set {
        /// Index into the plan.
        task: usize,
        /// The new state.
        to: TaskState,
    },
    /// First Ctrl-C: start nothing new, let what runs end.
    Interrupt,
    /// Second Ctrl-C: stop what runs.
    Terminate,
}

/// How a run ended, in the words that make its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunEnd {
    /// Everything selected lets dependants go on.
    Succeeded,
    /// A task failed (exit 20).
    Failed,
    /// Something waits for a person (exit 21).
    Waiting,
    /// A person stopped it (exit 22).
    Interrupted,
    /// The end of an attempt is unknown (exit 23).
    Unknown,
}

impl RunEnd {
    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Waiting => "waiting",
            Self::Interrupted => "interrupted",
            Self::Unknown => "unknown",
        }
    }
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Write this to the ledger.
    Record(Box<Record>),
    /// Ask a check or verify.
    Probe {
        /// Index into the plan.
        task: usize,
        /// Which question.
        probe: ProbeKind,
        /// An answer that is not yes ends the look at an attempt's effect: then it is found out why.
        last: bool,
    },
    /// Start an attempt. The driver renders the action, records `attempt.started`, then spawns.
    Attempt {
        /// Index into the plan.
        task: usize,
        /// Its identity.
        attempt: AttemptId,
        /// Its number in this run, from 1.
        number: u32,
        /// Digest of the action with the outputs that are known by now.
        digest: Option<Digest>,
    },
    /// Stop whatever runs for this task: TERM, grace, KILL. Its end comes back as an event.
    Stop {
        /// Index into the plan.
        task: usize,
    },
    /// Give [`Event::Timer`] at this time (once; a later one for the task replaces it).
    Timer {
        /// Index into the plan.
        task: usize,
        /// When.
        at: Timestamp,
    },
    /// Nothing is left to do.
    Finish(RunEnd),
}
