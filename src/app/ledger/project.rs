//! The one projection: what each entry changes in the read models. Live commits and a rebuild from
//! the events use the same function, so both give the same rows.

use super::encode::state_to_json;
use super::error::LedgerError;
use crate::store::{DocumentRow, DriftRow, ProcessRow, RunEndRow, RunRow, TaskStateRow, Tx};
use std::collections::BTreeSet;
use taskmaster_core::id::{AttemptId, Digest, DocumentId, TaskKey};
use taskmaster_core::journal::{Entry, KnownTask, Outcome, Record, TaskChange, Verdict};
use taskmaster_core::plan::Plan;
use taskmaster_core::state::TaskState;

/// Raised whenever the same events make other rows than before: read models of another version
/// are made anew when the ledger is opened.
pub(super) const PROJECTION: u32 = 3;

/// Brings the read models from the entry before to this one.
pub(super) fn project(entry: &Entry, tx: &mut Tx<'_>) -> Result<(), LedgerError> {
    let seq = entry.seq;
    match &entry.record {
        Record::DocumentParsed { document, revision, path, digest, tasks, changes } => {
            let row = document_row(entry, document, *revision, path, digest);
            tx.put_document(&row)?;
            forget_likenesses(entry, document, tasks, changes, tx)?;
        }
        Record::RunStarted { .. } => run_started(entry, tx)?,
        Record::TaskState { .. } => task_state(entry, tx)?,
        Record::AttemptStarted { attempt, run, key, number, undo, .. } => {
            tx.start_attempt(seq, attempt.as_str(), run.as_str(), key.as_str(), *number, *undo)?;
        }
        Record::AttemptSpawned { attempt, step, pid, start_ticks, boot_id } => {
            let process = ProcessRow {
                step: step.clone(),
                pid: *pid,
                start_ticks: *start_ticks,
                boot_id: boot_id.clone(),
            };
            tx.set_process(attempt.as_str(), &process)?;
        }
        Record::AttemptEnded { attempt, end, duration_ms, .. } => {
            tx.end_attempt(attempt.as_str(), seq, outcome_name(end), *duration_ms)?;
            if *end == Outcome::Succeeded {
                succeeded(seq, attempt, *duration_ms, tx)?;
            }
        }
        Record::ProbeEnded { run, key, probe, verdict, outputs, .. } => {
            let run = run.as_ref().map(|run| run.as_str());
            if let (Some(run), false) = (run, outputs.is_empty()) {
                note_outputs(seq, run, key, tx)?;
            }
            tx.add_probe(seq, run, key.as_str(), probe.name(), verdict_name(verdict))?;
        }
        Record::RetryScheduled { run, key, attempt, .. } => {
            tx.add_retry(seq, run.as_str(), key.as_str(), *attempt)?;
        }
        Record::ApprovalGiven { run, key, by, .. } => {
            tx.add_approval(seq, run.as_str(), key.as_str(), by)?;
        }
        Record::RunEnded { run, exit_code, counts } => {
            let counts = serde_json::to_string(counts).map_err(LedgerError::Unwritable)?;
            tx.end_run(run.as_str(), &RunEndRow { seq, at: entry.at, exit_code: *exit_code, counts })?;
        }
        Record::DriftFound { document, environment, key, id, .. } => tx.put_drift(&DriftRow {
            document: document.as_str().to_owned(),
            environment: environment.as_str().to_owned(),
            key: key.as_str().to_owned(),
            task: id.as_str().to_owned(),
            seq,
            at: entry.at,
        })?,
        Record::DriftGone { document, environment, key, .. } => {
            tx.remove_drift(document.as_str(), environment.as_str(), key.as_str())?;
        }
        // Read as they are: there are few, and reports want all of them.
        Record::SyncChanged { .. }
        | Record::Rollout { .. }
        | Record::EnvironmentLocked { .. }
        | Record::EnvironmentUnlocked { .. } => {}
    }
    Ok(())
}

fn document_row(
    entry: &Entry,
    document: &DocumentId,
    revision: u64,
    path: &str,
    digest: &Digest,
) -> DocumentRow {
    DocumentRow {
        id: document.as_str().to_owned(),
        path: path.to_owned(),
        revision,
        digest: digest.as_str().to_owned(),
        seq: entry.seq,
        at: entry.at,
    }
}

/// A task that was recognised by likeness alone (its address is another one) keeps its history, but
/// not its completion: in every environment it is as if it had never been done.
fn forget_likenesses(
    entry: &Entry,
    document: &DocumentId,
    tasks: &[KnownTask],
    changes: &[TaskChange],
    tx: &mut Tx<'_>,
) -> Result<(), LedgerError> {
    let renamed: BTreeSet<&str> = changes
        .iter()
        .filter_map(|change| match change {
            TaskChange::Renamed { from, id } if from != id => Some(id.as_str()),
            _ => None,
        })
        .collect();
    if renamed.is_empty() {
        return Ok(());
    }
    let state = state_to_json(&TaskState::Pending)?;
    let environments = tx.now().environments(document.as_str())?;
    for task in tasks.iter().filter(|task| renamed.contains(task.id.as_str())) {
        for environment in &environments {
            let known = tx.now().task_state(document.as_str(), environment, task.key.as_str())?;
            let Some(known) = known else { continue };
            let row = TaskStateRow {
                task: task.id.as_str().to_owned(),
                state: state.clone(),
                digest: None,
                run: None,
                person: None,
                message: None,
                seq: entry.seq,
                at: entry.at,
                ..known
            };
            tx.put_task_state(&row)?;
            tx.remove_drift(document.as_str(), environment, task.key.as_str())?;
            tx.note_success((document.as_str(), environment, task.key.as_str()), None)?;
        }
    }
    Ok(())
}

fn run_started(entry: &Entry, tx: &mut Tx<'_>) -> Result<(), LedgerError> {
    let Record::RunStarted { run, plan, pid, boot_id, options } = &entry.record else { return Ok(()) };
    let Plan { number, document, revision, environment, .. } = plan;
    tx.start_run(&RunRow {
        seq: entry.seq,
        id: run.as_str().to_owned(),
        document: document.as_str().to_owned(),
        environment: environment.as_str().to_owned(),
        plan: *number,
        revision: *revision,
        pid: *pid,
        boot_id: boot_id.clone(),
        options: serde_json::to_string(options).map_err(LedgerError::Unwritable)?,
        started: entry.at,
        end: None,
    })?;
    Ok(())
}

fn task_state(entry: &Entry, tx: &mut Tx<'_>) -> Result<(), LedgerError> {
    let Record::TaskState { run, document, environment, key, id, to, digest, by, message, .. } =
        &entry.record
    else {
        return Ok(());
    };
    let row = TaskStateRow {
        document: document.as_str().to_owned(),
        environment: environment.as_str().to_owned(),
        key: key.as_str().to_owned(),
        task: id.as_str().to_owned(),
        state: state_to_json(to)?,
        digest: digest.as_ref().map(|digest| digest.as_str().to_owned()),
        run: run.as_ref().map(|run| run.as_str().to_owned()),
        person: by.clone(),
        message: message.clone(),
        seq: entry.seq,
        at: entry.at,
        last_duration_ms: None,
    };
    tx.put_task_state(&row)?;
    if ends_drift(to) {
        tx.remove_drift(document.as_str(), environment.as_str(), key.as_str())?;
    }
    Ok(())
}

/// It is done again, or not wanted to be done: what was found before says nothing about it any more.
fn ends_drift(state: &TaskState) -> bool {
    state.lets_dependants_go() || *state == TaskState::Pending
}

fn succeeded(seq: u64, attempt: &AttemptId, duration_ms: u64, tx: &mut Tx<'_>) -> Result<(), LedgerError> {
    let Some(attempt) = tx.now().attempt_keys(attempt.as_str())? else { return Ok(()) };
    let Some(run) = tx.now().run_keys(&attempt.run)? else { return Ok(()) };
    let success = (!attempt.undo).then_some((seq, Some(duration_ms)));
    tx.note_success((&run.document, &run.environment, &attempt.key), success)?;
    Ok(())
}

/// A check found outputs: they are newer than those of the last attempt.
fn note_outputs(seq: u64, run: &str, key: &TaskKey, tx: &mut Tx<'_>) -> Result<(), LedgerError> {
    let Some(run) = tx.now().run_keys(run)? else { return Ok(()) };
    tx.note_success((&run.document, &run.environment, key.as_str()), Some((seq, None)))?;
    Ok(())
}

fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed { .. } => "failed",
        Outcome::Interrupted => "interrupted",
        Outcome::Lost => "lost",
    }
}

fn verdict_name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::True => "true",
        Verdict::False => "false",
        Verdict::Error { .. } => "error",
    }
}
