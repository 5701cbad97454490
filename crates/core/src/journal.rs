//! What is recorded: one enum for every event of the ledger, and what is known from it later.
//!
//! The store keeps records as opaque (stream, kind, JSON). The same fold reads them live and in
//! recovery.

use crate::action::FailureKind;
use crate::cause::Diagnosis;
use crate::id::{AttemptId, Digest, DocumentId, EnvironmentName, RunId, TaskId, TaskKey};
use crate::plan::Plan;
use crate::rollout::RolloutFact;
use crate::state::TaskState;
use crate::sync::SyncResult;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Every step succeeded.
    Succeeded,
    /// A step failed.
    Failed {
        /// Class of the failure.
        failure: FailureKind,
        /// Exit code, if there is one.
        exit_code: Option<i32>,
        /// Signal number, if one ended it.
        signal: Option<i32>,
        /// One line for people.
        message: String,
    },
    /// Stopped by us, on a person's wish.
    Interrupted,
    /// Its end was lost.
    Lost,
}

/// What a check or verify said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It is so.
    True,
    /// It is not so.
    False,
    /// It could not tell.
    Error {
        /// One line for people.
        message: String,
    },
}

/// Which question a probe answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProbeKind {
    /// Is it done already?
    Check,
    /// Did the work have its effect?
    Verify,
}

impl ProbeKind {
    /// Its name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Verify => "verify",
        }
    }
}

/// A value that one task hands to later ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputValue {
    /// Any JSON value.
    Plain(serde_json::Value),
    /// Known to the source only; never stored.
    Sensitive,
}

/// A task as a revision of a document holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownTask {
    /// Ledger identity.
    pub key: TaskKey,
    /// Address in that revision.
    pub id: TaskId,
    /// Title in that revision.
    pub title: String,
    /// Id of its phase in that revision.
    pub phase: String,
    /// Priority in that revision, as JSON writes it.
    pub priority: String,
    /// Claim in that revision, as JSON writes it.
    pub status: String,
    /// Its id was written in the text.
    pub explicit_id: bool,
}

/// How a task differs between two revisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum TaskChange {
    /// New.
    Added {
        /// Its address.
        id: TaskId,
    },
    /// Gone.
    Removed {
        /// Its last address.
        id: TaskId,
    },
    /// Its id or title changed; history stays, completion only where the id stayed.
    Renamed {
        /// Before.
        from: TaskId,
        /// Now.
        id: TaskId,
    },
    /// Another phase or place.
    Moved {
        /// Its address.
        id: TaskId,
        /// Phase before.
        from_phase: String,
        /// Phase now.
        to_phase: String,
    },
    /// Another priority.
    Reprioritised {
        /// Its address.
        id: TaskId,
        /// Before.
        from: String,
        /// Now.
        to: String,
    },
    /// Was claimed done, is open again.
    Reopened {
        /// Its address.
        id: TaskId,
    },
}

/// One event of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Record {
    /// A document was read; a revision is made when its text changed.
    #[serde(rename = "document.parsed")]
    DocumentParsed {
        /// The document.
        document: DocumentId,
        /// Counts its revisions, from 1.
        revision: u64,
        /// Where it was read.
        path: String,
        /// Digest of its text.
        digest: Digest,
        /// Its tasks.
        tasks: Vec<KnownTask>,
        /// Against the revision before.
        changes: Vec<TaskChange>,
    },
    /// A run began: the plan is whole in the record.
    #[serde(rename = "run.started")]
    RunStarted {
        /// The run.
        run: RunId,
        /// The plan it follows.
        plan: Plan,
        /// Process id of the executor.
        pid: u32,
        /// Boot id of the machine.
        boot_id: String,
        /// Command line options that matter, for people.
        options: BTreeMap<String, String>,
    },
    /// A task went from one state to another.
    #[serde(rename = "task.state")]
    TaskState {
        /// The run; none where a person set it outside a run.
        run: Option<RunId>,
        /// The document.
        document: DocumentId,
        /// The environment.
        environment: EnvironmentName,
        /// The task.
        key: TaskKey,
        /// Its address then.
        id: TaskId,
        /// Before.
        from: TaskState,
        /// Now.
        to: TaskState,
        /// Digest of the rendered action, where one is bound.
        digest: Option<Digest>,
        /// Who, where a person did it.
        by: Option<String>,
        /// Why, in one line.
        message: Option<String>,
    },
    /// An attempt is about to start: written before anything is spawned.
    #[serde(rename = "attempt.started")]
    AttemptStarted {
        /// The attempt.
        attempt: AttemptId,
        /// Its run.
        run: RunId,
        /// The task.
        key: TaskKey,
        /// Its address.
        id: TaskId,
        /// From 1.
        number: u32,
        /// True for `destroy`.
        undo: bool,
        /// Digest of the rendered action.
        digest: Option<Digest>,
        /// Command lines as shown to people (secrets by reference).
        commands: Vec<String>,
        /// Log file, relative to the state directory.
        log: String,
    },
    /// A process of an attempt runs.
    #[serde(rename = "attempt.spawned")]
    AttemptSpawned {
        /// The attempt.
        attempt: AttemptId,
        /// Name of the step.
        step: String,
        /// Process id, which is its group's too.
        pid: u32,
        /// Start time of the process in clock ticks since boot (`/proc/PID/stat` field 22).
        start_ticks: u64,
        /// Boot id of the machine.
        boot_id: String,
    },
    /// An attempt ended.
    #[serde(rename = "attempt.ended")]
    AttemptEnded {
        /// The attempt.
        attempt: AttemptId,
        /// How.
        end: Outcome,
        /// How long it took.
        duration_ms: u64,
        /// Last lines of its log, secrets removed.
        tail: String,
        /// Bytes of its log.
        log_bytes: u64,
        /// Values for later tasks.
        outputs: BTreeMap<String, OutputValue>,
        /// Why it failed, as far as that is known.
        #[serde(default, skip_serializing_if = "Diagnosis::is_empty")]
        diagnosis: Diagnosis,
    },
    /// A check or verify answered.
    #[serde(rename = "probe.ended")]
    ProbeEnded {
        /// The run; none for `plan --check`.
        run: Option<RunId>,
        /// The task.
        key: TaskKey,
        /// Its address.
        id: TaskId,
        /// Which question.
        probe: ProbeKind,
        /// The answer.
        verdict: Verdict,
        /// How long it took.
        duration_ms: u64,
        /// Values for later tasks, read where a check was true and nothing ran.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        outputs: BTreeMap<String, OutputValue>,
        /// Why it could not tell, or what the verify waited for in vain.
        #[serde(default, skip_serializing_if = "Diagnosis::is_empty")]
        diagnosis: Diagnosis,
    },
    /// Another attempt will follow.
    #[serde(rename = "retry.scheduled")]
    RetryScheduled {
        /// The run.
        run: RunId,
        /// The task.
        key: TaskKey,
        /// Its address.
        id: TaskId,
        /// Number of the attempt to come.
        attempt: u32,
        /// Delay before it.
        delay_ms: u64,
        /// Why, in one line.
        reason: String,
    },
    /// A person said yes to a waiting task.
    #[serde(rename = "approval.given")]
    ApprovalGiven {
        /// The run that waits.
        run: RunId,
        /// The task.
        key: TaskKey,
        /// Its address.
        id: TaskId,
        /// Who.
        by: String,
        /// Their words.
        message: Option<String>,
    },
    /// A run ended.
    #[serde(rename = "run.ended")]
    RunEnded {
        /// The run.
        run: RunId,
        /// Exit code of the command.
        exit_code: i32,
        /// Tasks by state name.
        counts: BTreeMap<String, u64>,
    },
    /// The check of a task that was done says no: it is no longer so.
    #[serde(rename = "drift.found")]
    DriftFound {
        /// The document.
        document: DocumentId,
        /// The environment.
        environment: EnvironmentName,
        /// The task.
        key: TaskKey,
        /// Its address.
        id: TaskId,
        /// The event that brought the state that is no longer true.
        state_seq: u64,
    },
    /// The check of a task that had drifted says yes again, and nothing of ours made it so.
    #[serde(rename = "drift.gone")]
    DriftGone {
        /// The document.
        document: DocumentId,
        /// The environment.
        environment: EnvironmentName,
        /// The task.
        key: TaskKey,
        /// Its address.
        id: TaskId,
    },
    /// A sync came to another result than before.
    #[serde(rename = "sync.changed")]
    SyncChanged {
        /// The sync.
        sync: String,
        /// The document, where one could be read.
        document: Option<DocumentId>,
        /// The environment.
        environment: EnvironmentName,
        /// Where it is fetched from, without secrets.
        repository: String,
        /// The branch, tag or commit that is followed.
        git_ref: String,
        /// The commit that this is about.
        commit: Option<String>,
        /// When that commit was made.
        commit_time: Option<Timestamp>,
        /// What came of it.
        result: SyncResult,
        /// The run that did it, where anything was to be done.
        run: Option<RunId>,
        /// The revision of the document that the commit holds, where it was accepted.
        revision: Option<u64>,
    },
    /// Something happened in a rollout of this machine.
    #[serde(rename = "rollout")]
    Rollout {
        /// Its name.
        rollout: String,
        /// Counts the versions that were asked for, from 1.
        release: u64,
        /// What.
        #[serde(flatten)]
        fact: RolloutFact,
    },
    /// A person locked an environment: nothing is executed there meanwhile.
    #[serde(rename = "environment.locked")]
    EnvironmentLocked {
        /// Which.
        environment: EnvironmentName,
        /// Who.
        by: String,
        /// Why, in their words.
        message: Option<String>,
        /// When it ends by itself; none where only an unlock ends it.
        until: Option<Timestamp>,
    },
    /// A person unlocked an environment.
    #[serde(rename = "environment.unlocked")]
    EnvironmentUnlocked {
        /// Which.
        environment: EnvironmentName,
        /// Who.
        by: String,
    },
}

/// A record and when it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Place in the ledger, from 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub record: Record,
}

/// What earlier runs left behind about one task in one environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Its last state.
    pub state: TaskState,
    /// Digest of the action when it reached that state.
    pub digest: Option<Digest>,
    /// An attempt whose end is not recorded.
    pub open_attempt: Option<AttemptId>,
    /// Duration of its last successful attempt.
    pub last_duration_ms: Option<u64>,
    /// Who set that state, where a person did; kept while later runs only repeat the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Its check said no since it was done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drifted: bool,
    /// The entry that brought the state; 0 where none did.
    #[serde(default)]
    pub state_seq: u64,
    /// Its outputs are known, though there may be none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_outputs: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_called_as_in_json() {
        for kind in [ProbeKind::Check, ProbeKind::Verify] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!([ProbeKind::Check, ProbeKind::Verify].map(ProbeKind::name), ["check", "verify"]);
    }
}
