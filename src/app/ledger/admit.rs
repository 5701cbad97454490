//! What may be recorded: each record against the state of this moment, inside the transaction that
//! writes it, so that of two processes that do the same thing one is refused.
//!
//! A person's change of a state (a state without a run) is checked whole: the task must still
//! be in the state that the person saw, and may be set from there. So is an approval.
//!
//! What has a `run` is the executor's, which is alone by its lease and legal by its scheduler: only
//! the run and the attempt that it names are looked up. Where a person's change and a transition of
//! the executor cross, both are recorded; the executor reads the person's from the ledger, and
//! repeats it in its run, or finds that it came too late.

use super::encode::{
    document_stream, entry, environment_stream, rollout_stream, run_stream, state, sync_stream, task_stream,
};
use super::error::LedgerError;
use crate::store::{AttemptKeys, RunKeys, Snapshot, Tx};
use jiff::Timestamp;
use taskmaster_core::environment::{Lock, current_lock};
use taskmaster_core::id::{AttemptId, DocumentId, EnvironmentName, RunId, TaskId, TaskKey};
use taskmaster_core::journal::{Entry, Record};
use taskmaster_core::plan::Plan;
use taskmaster_core::state::{TaskEvent, TaskState, WaitFor};

/// Refuses what does not fit; else the stream that the record belongs to.
pub(super) fn admit(record: &Record, at: Timestamp, tx: &Tx<'_>) -> Result<String, LedgerError> {
    match record {
        Record::DocumentParsed { document, revision, .. } => {
            let latest = tx.now().document(document.as_str())?.map_or(0, |known| known.revision);
            check_revision(document, latest, revision.saturating_sub(1))?;
            Ok(document_stream(document))
        }
        Record::RunStarted { run, plan, .. } => {
            unlocked(&plan.environment, at, tx)?;
            run_started(run, plan, tx)?;
            Ok(run_stream(run))
        }
        Record::TaskState { run, document, environment, key, id, from, to, .. } => {
            match run {
                Some(run) => run_of(run, document, environment, tx)?,
                None => {
                    let current = current_state(document.as_str(), environment.as_str(), key, tx)?;
                    set_by_person(id, &current, from, to)?;
                }
            }
            Ok(task_stream(key))
        }
        Record::AttemptStarted { attempt, run, key, .. } => {
            going(run, tx)?;
            match tx.now().attempt_keys(attempt.as_str())? {
                Some(_) => Err(LedgerError::Duplicate { what: format!("attempt {attempt}") }),
                None => Ok(task_stream(key)),
            }
        }
        Record::AttemptSpawned { attempt, .. } | Record::AttemptEnded { attempt, .. } => {
            let open = open_attempt(attempt, tx)?;
            Ok(task_stream(&TaskKey::new(open.key)))
        }
        Record::ProbeEnded { run, key, .. } => {
            if let Some(run) = run {
                going(run, tx)?;
            }
            Ok(task_stream(key))
        }
        Record::RetryScheduled { run, key, .. } => {
            going(run, tx)?;
            Ok(task_stream(key))
        }
        Record::ApprovalGiven { run, key, id, .. } => {
            approval(run, key, id, tx)?;
            Ok(task_stream(key))
        }
        Record::RunEnded { run, .. } => {
            going(run, tx)?;
            Ok(run_stream(run))
        }
        Record::DriftFound { document, environment, key, id, state_seq } => {
            let row = tx.now().task_state(document.as_str(), environment.as_str(), key.as_str())?;
            match row {
                Some(row) if row.seq == *state_seq => Ok(task_stream(key)),
                _ => Err(LedgerError::MovedOn { task: id.clone() }),
            }
        }
        Record::DriftGone { document, environment, key, id } => {
            let drifts = tx.now().drifts(document.as_str(), environment.as_str())?;
            match drifts.iter().any(|drift| drift.key == key.as_str()) {
                true => Ok(task_stream(key)),
                false => Err(LedgerError::MovedOn { task: id.clone() }),
            }
        }
        // A sync is alone by its lock.
        Record::SyncChanged { sync, .. } => Ok(sync_stream(sync)),
        // The agent is alone by its lock, and legal by its engine.
        Record::Rollout { rollout, .. } => Ok(rollout_stream(rollout)),
        Record::EnvironmentLocked { environment, .. } => {
            unlocked(environment, at, tx)?;
            Ok(environment_stream(environment.as_str()))
        }
        Record::EnvironmentUnlocked { environment, .. } => match lock(&tx.now(), environment, at)? {
            Some(_) => Ok(environment_stream(environment.as_str())),
            None => Err(LedgerError::NotLocked { environment: environment.clone() }),
        },
    }
}

/// The lock of an environment that holds at this time.
pub(super) fn lock(
    now: &Snapshot<'_>,
    environment: &EnvironmentName,
    at: Timestamp,
) -> Result<Option<Lock>, LedgerError> {
    let events = now.stream(&environment_stream(environment.as_str()))?;
    let entries: Vec<Entry> = events.iter().map(entry).collect::<Result<_, _>>()?;
    Ok(current_lock(&entries, at))
}

/// Neither a run nor another lock begins while one holds, also where it came a moment ago.
fn unlocked(environment: &EnvironmentName, at: Timestamp, tx: &Tx<'_>) -> Result<(), LedgerError> {
    match lock(&tx.now(), environment, at)? {
        Some(lock) => Err(LedgerError::Locked { lock: Box::new(lock) }),
        None => Ok(()),
    }
}

fn check_revision(document: &DocumentId, latest: u64, assumed: u64) -> Result<(), LedgerError> {
    if latest == assumed {
        return Ok(());
    }
    Err(LedgerError::StaleRevision { document: document.clone(), latest, assumed })
}

fn run_started(run: &RunId, plan: &Plan, tx: &Tx<'_>) -> Result<(), LedgerError> {
    let now = tx.now();
    if now.run_keys(run.as_str())?.is_some() {
        return Err(LedgerError::Duplicate { what: format!("run {run}") });
    }
    let Some(known) = now.document(plan.document.as_str())? else {
        return Err(LedgerError::UnknownDocument { document: plan.document.clone() });
    };
    check_revision(&plan.document, known.revision, plan.revision)?;
    let next = now.last_plan(plan.document.as_str(), plan.environment.as_str())? + 1;
    if plan.number != next {
        return Err(LedgerError::StalePlan { number: plan.number, next });
    }
    Ok(())
}

/// The run, which must not be over.
fn going(run: &RunId, tx: &Tx<'_>) -> Result<RunKeys, LedgerError> {
    match tx.now().run_keys(run.as_str())? {
        None => Err(LedgerError::UnknownRun { run: run.clone() }),
        Some(keys) if keys.ended => Err(LedgerError::RunOver { run: run.clone() }),
        Some(keys) => Ok(keys),
    }
}

fn run_of(
    run: &RunId,
    document: &DocumentId,
    environment: &EnvironmentName,
    tx: &Tx<'_>,
) -> Result<(), LedgerError> {
    let keys = going(run, tx)?;
    if keys.document == document.as_str() && keys.environment == environment.as_str() {
        return Ok(());
    }
    let (document, environment) = (document.clone(), environment.clone());
    Err(LedgerError::OtherRun { run: run.clone(), document, environment })
}

fn open_attempt(attempt: &AttemptId, tx: &Tx<'_>) -> Result<AttemptKeys, LedgerError> {
    match tx.now().attempt_keys(attempt.as_str())? {
        None => Err(LedgerError::UnknownAttempt { attempt: attempt.clone() }),
        Some(keys) if keys.ended => Err(LedgerError::AttemptOver { attempt: attempt.clone() }),
        Some(keys) => Ok(keys),
    }
}

fn current_state(
    document: &str,
    environment: &str,
    key: &TaskKey,
    tx: &Tx<'_>,
) -> Result<TaskState, LedgerError> {
    match tx.now().task_state(document, environment, key.as_str())? {
        None => Ok(TaskState::Pending),
        Some(row) => state(row.seq, &row.state),
    }
}

/// A person's change must be made from the current state, and be one that people may make.
fn set_by_person(
    task: &TaskId,
    current: &TaskState,
    from: &TaskState,
    to: &TaskState,
) -> Result<(), LedgerError> {
    let task = task.clone();
    if current != from {
        return Err(LedgerError::StateMoved { task, current: current.name(), assumed: from.name() });
    }
    from.next(&TaskEvent::Set { to: to.clone() }).map(|_| ()).map_err(|_| LedgerError::IllegalState {
        task,
        current: from.name(),
        wanted: to.name(),
    })
}

fn approval(run: &RunId, key: &TaskKey, id: &TaskId, tx: &Tx<'_>) -> Result<(), LedgerError> {
    let keys = going(run, tx)?;
    let row = tx.now().task_state(&keys.document, &keys.environment, key.as_str())?;
    let (seq, current) = match &row {
        None => (0, TaskState::Pending),
        Some(row) => (row.seq, state(row.seq, &row.state)?),
    };
    if !matches!(current, TaskState::Waiting { on: WaitFor::Approval { .. } }) {
        return Err(LedgerError::NotWaiting { task: id.clone(), current: current.name() });
    }
    if tx.now().approved_after(run.as_str(), key.as_str(), seq)? {
        return Err(LedgerError::Approved { task: id.clone() });
    }
    Ok(())
}
