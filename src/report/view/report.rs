//! What happened, and what proves it.

use super::common::{CommandLine, DiagnosticView, DocumentView, Durations, EdgeView, PhaseView, with_status};
use super::rollout::RolloutView;
use super::sync::SyncView;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use taskmaster_core::action::ActionKind;
use taskmaster_core::cause::Diagnosis;
use taskmaster_core::document::{Claim, Priority};
use taskmaster_core::id::{
    AttemptId, Digest, EnvironmentName, PhaseId, RequirementId, RunId, TaskId, TaskKey,
};
use taskmaster_core::journal::{Outcome, OutputValue, ProbeKind, Verdict};
use taskmaster_core::state::TaskState;

/// What a task's state rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofKind {
    /// Its check was true.
    Check,
    /// Its verify was true after the run.
    Verify,
    /// Only the exit code of its run.
    ExitCode,
    /// All of its subtasks.
    Subtasks,
    /// A person's word (`tasks set`, `resolve`, `approve`).
    Person,
    /// Only the mark in the document: no evidence at all.
    Mark,
}

/// The evidence for a task's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// What it rests on.
    pub kind: ProofKind,
    /// When it was found.
    pub at: Option<Timestamp>,
    /// Who, for [`ProofKind::Person`].
    pub by: Option<String>,
    /// Their words, or one line about the finding.
    pub message: Option<String>,
}

/// One attempt at a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttemptView {
    /// Its identity.
    pub id: AttemptId,
    /// The run it belongs to.
    pub run: RunId,
    /// From 1, inside its run.
    pub number: u32,
    /// True for `destroy`.
    pub undo: bool,
    /// When it started.
    pub started: Timestamp,
    /// When it ended; none while it is at work, or where its end was lost.
    pub ended: Option<Timestamp>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// The delay of the retry policy before it; none for a first attempt.
    pub delay_ms: Option<u64>,
    /// How it ended; none while it is at work.
    pub end: Option<Outcome>,
    /// It failed, which is just what is expected of its task.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub expected: bool,
    /// Its command lines.
    pub commands: Vec<String>,
    /// Its log file, relative to the state directory.
    pub log: Option<String>,
    /// Bytes of the log.
    pub log_bytes: u64,
    /// Last lines of the log, secrets removed.
    pub tail: String,
    /// Why it failed, as far as that is known.
    #[serde(skip_serializing_if = "Diagnosis::is_empty")]
    pub diagnosis: Diagnosis,
}

impl AttemptView {
    /// It ended otherwise than it should have.
    pub fn is_bad(&self) -> bool {
        !self.expected && !matches!(self.end, None | Some(Outcome::Succeeded))
    }
}

/// One answer of a check or verify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProbeView {
    /// Which question.
    pub probe: ProbeKind,
    /// The answer.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// When it answered.
    pub at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// Why it is not so, as far as that is known.
    #[serde(skip_serializing_if = "Diagnosis::is_empty")]
    pub diagnosis: Diagnosis,
}

/// A person's yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Their words.
    pub message: Option<String>,
}

/// One task of a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReportTask {
    /// Its address.
    pub id: TaskId,
    /// The ledger's identity; none where nothing is recorded.
    pub key: Option<TaskKey>,
    /// `1.3`.
    #[serde(rename = "ref")]
    pub ordinal: String,
    /// Title.
    pub title: String,
    /// Phase.
    pub phase: PhaseId,
    /// The task it is a subtask of.
    pub parent: Option<TaskId>,
    /// Values by axis, of a cell of a matrix: it has no mark of its own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub matrix: BTreeMap<String, String>,
    /// Priority.
    pub priority: Priority,
    /// Tags without `#`.
    pub tags: Vec<String>,
    /// Who does it.
    pub owner: Option<String>,
    /// Line in the document.
    pub line: usize,
    /// What the mark in the text says: a claim.
    pub claim: Claim,
    /// What the ledger says: evidence. Adds `status` in JSON.
    #[serde(flatten, serialize_with = "with_status")]
    pub state: TaskState,
    /// When it came to that state.
    pub since: Option<Timestamp>,
    /// Since when its check says that it is no longer so, though it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drifted: Option<Timestamp>,
    /// What the state rests on.
    pub proof: Option<Proof>,
    /// Kind of its action; none for a manual task or a parent without one.
    pub kind: Option<ActionKind>,
    /// Its command lines.
    pub commands: Vec<CommandLine>,
    /// Digest of its rendered action.
    pub digest: Option<Digest>,
    /// Attempts in the order they started; of the reported runs.
    pub attempts: Vec<AttemptView>,
    /// Answers of its check and verify, oldest first; of the reported runs.
    pub probes: Vec<ProbeView>,
    /// Approvals, oldest first.
    pub approvals: Vec<Approval>,
    /// The command that moves it on, where it cannot go on by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Values for later tasks.
    pub outputs: BTreeMap<String, OutputValue>,
    /// What is known about how long it takes.
    #[serde(flatten)]
    pub durations: Durations,
}

impl ReportTask {
    /// What is known about why it is not done: of the newest attempt or answer that anything is known of.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        if self.state.lets_dependants_go() {
            return None;
        }
        let attempts = self.attempts.iter().map(|attempt| (attempt.ended, &attempt.diagnosis));
        let probes = self.probes.iter().map(|probe| (Some(probe.at), &probe.diagnosis));
        let known = attempts.chain(probes).filter(|(_, diagnosis)| !diagnosis.is_empty());
        known.max_by_key(|(at, _)| *at).map(|(_, diagnosis)| diagnosis)
    }
}

/// A requirement and the tasks that satisfy it. Its status is derived from theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequirementView {
    /// Its address.
    pub id: RequirementId,
    /// Its text.
    pub title: String,
    /// Title of the heading it stands under.
    pub heading: Option<String>,
    /// What its mark says.
    pub claim: Claim,
    /// Line in the document.
    pub line: usize,
    /// Tasks that name it, in document order.
    pub tasks: Vec<TaskId>,
}

/// One run of the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunView {
    /// Its identity.
    pub id: RunId,
    /// The environment.
    pub environment: EnvironmentName,
    /// The plan it followed.
    pub plan: u64,
    /// The document's revision it was made from.
    pub revision: u64,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; none while it is at work, or where its end was lost.
    pub ended: Option<Timestamp>,
    /// Exit code of its command.
    pub exit_code: Option<i32>,
    /// True while an executor holds the lease for it.
    pub running: bool,
    /// The commit it was planned from; none where nobody said.
    pub commit: Option<String>,
    /// Command line options that matter.
    pub options: BTreeMap<String, String>,
    /// Tasks by state name at its end.
    pub counts: BTreeMap<String, u64>,
}

/// `taskmaster report`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReportView {
    /// When this view was made: the only "now" in it. Open bars end here.
    pub generated: Timestamp,
    /// Version of the program.
    pub version: String,
    /// The document.
    pub document: DocumentView,
    /// The environment.
    pub environment: EnvironmentName,
    /// The run whose attempts are shown; none where nothing ran yet.
    pub run: Option<RunId>,
    /// All recorded runs in this environment, newest first (the shown one among them).
    pub runs: Vec<RunView>,
    /// Phases in document order.
    pub phases: Vec<PhaseView>,
    /// Tasks in document order.
    pub tasks: Vec<ReportTask>,
    /// Every edge of the DAG.
    pub edges: Vec<EdgeView>,
    /// Requirements in document order.
    pub requirements: Vec<RequirementView>,
    /// Rollouts of this machine: those of the shown run, else the last releases.
    pub rollouts: Vec<RolloutView>,
    /// The sync that keeps the document true here, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync: Option<SyncView>,
    /// Findings about the document and the catalogue.
    pub diagnostics: Vec<DiagnosticView>,
}

impl ReportView {
    /// The run whose attempts are shown.
    pub fn shown_run(&self) -> Option<&RunView> {
        let id = self.run.as_ref()?;
        self.runs.iter().find(|run| run.id == *id)
    }
}
