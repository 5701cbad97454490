//! How a record is kept: its stream, its kind and its JSON; and back.

use super::error::LedgerError;
use crate::store::EventRow;
use taskmaster_core::id::{DocumentId, RunId, TaskKey};
use taskmaster_core::journal::{Entry, Record};
use taskmaster_core::state::TaskState;

/// The kind of a record, as its JSON has it.
pub(super) fn kind(record: &Record) -> &'static str {
    match record {
        Record::DocumentParsed { .. } => "document.parsed",
        Record::RunStarted { .. } => "run.started",
        Record::TaskState { .. } => "task.state",
        Record::AttemptStarted { .. } => "attempt.started",
        Record::AttemptSpawned { .. } => "attempt.spawned",
        Record::AttemptEnded { .. } => "attempt.ended",
        Record::ProbeEnded { .. } => "probe.ended",
        Record::RetryScheduled { .. } => "retry.scheduled",
        Record::ApprovalGiven { .. } => "approval.given",
        Record::RunEnded { .. } => "run.ended",
        Record::DriftFound { .. } => "drift.found",
        Record::DriftGone { .. } => "drift.gone",
        Record::SyncChanged { .. } => "sync.changed",
        Record::Rollout { .. } => "rollout",
        Record::EnvironmentLocked { .. } => "environment.locked",
        Record::EnvironmentUnlocked { .. } => "environment.unlocked",
    }
}

/// The stream of what is recorded about a document as a whole.
pub(super) fn document_stream(document: &DocumentId) -> String {
    format!("document/{document}")
}

/// The stream of a run's start and end.
pub(super) fn run_stream(run: &RunId) -> String {
    format!("run/{run}")
}

/// The stream of everything about one task, in all runs and environments.
pub(super) fn task_stream(key: &TaskKey) -> String {
    format!("task/{key}")
}

/// The stream of everything about one rollout.
pub(super) fn rollout_stream(name: &str) -> String {
    format!("rollout/{name}")
}

/// The stream of everything about one sync.
pub(super) fn sync_stream(name: &str) -> String {
    format!("sync/{name}")
}

/// The stream of everything about one environment as a whole.
pub(super) fn environment_stream(name: &str) -> String {
    format!("environment/{name}")
}

/// Writes a record.
pub(super) fn to_json(record: &Record) -> Result<String, LedgerError> {
    serde_json::to_string(record).map_err(LedgerError::Unwritable)
}

/// Reads an event.
pub(super) fn entry(event: &EventRow) -> Result<Entry, LedgerError> {
    let record = serde_json::from_str(&event.json)
        .map_err(|source| LedgerError::Unreadable { seq: event.seq, source })?;
    Ok(Entry { seq: event.seq, at: event.at, record })
}

/// Writes a state for a read model.
pub(super) fn state_to_json(state: &TaskState) -> Result<String, LedgerError> {
    serde_json::to_string(state).map_err(LedgerError::Unwritable)
}

/// Reads a state that event `seq` brought into a read model.
pub(super) fn state(seq: u64, json: &str) -> Result<TaskState, LedgerError> {
    serde_json::from_str(json).map_err(|source| LedgerError::Unreadable { seq, source })
}
