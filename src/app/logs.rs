//! `logs`: finds the log of an attempt.

use super::error::AppError;
use super::ledger::{Attempt, Ledger, RunFilter};
use super::plan::Request;
use super::workspace::Workspace;
use std::path::PathBuf;
use taskmaster_core::id::{AttemptId, RunId, TaskId, TaskKey};
use taskmaster_core::select;

/// A log and the attempt that writes it.
#[derive(Clone, Debug)]
pub struct LogFile {
    /// The file.
    pub path: PathBuf,
    /// The task.
    pub task: TaskId,
    /// The attempt.
    pub attempt: AttemptId,
    /// Its number in its run.
    pub number: u32,
    /// Its run.
    pub run: RunId,
    /// True once its end is recorded.
    pub ended: bool,
}

/// The log of a task's newest attempt, or of the newest one with this number.
pub fn find(
    workspace: &Workspace,
    request: &Request,
    name: &str,
    number: Option<u32>,
) -> Result<LogFile, AppError> {
    let reading = workspace.read_sound(&request.read)?;
    let document = &reading.parsed.document;
    let task = document.tasks[select::find_task(document, name)?].id.clone();
    let none = || AppError::usage(format!("{task} has no such attempt here"), "`taskmaster run` makes one");
    let ledger = workspace.ledger_if_any()?.ok_or_else(none)?;
    let known = ledger.known_tasks(&reading.id)?;
    let key = known.into_iter().find(|known| known.id == task).map(|known| known.key).ok_or_else(none)?;
    let filter = RunFilter {
        document: Some(reading.id.clone()),
        environment: Some(workspace.environment(request.environment.as_deref())),
        ..RunFilter::default()
    };
    let attempt = newest(&ledger, &filter, &key, number)?.ok_or_else(none)?;
    Ok(LogFile {
        path: workspace.project.state_dir.join(&attempt.log),
        task,
        attempt: attempt.id,
        number: attempt.number,
        run: attempt.run,
        ended: attempt.end.is_some(),
    })
}

fn newest(
    ledger: &Ledger,
    filter: &RunFilter,
    key: &TaskKey,
    number: Option<u32>,
) -> Result<Option<Attempt>, AppError> {
    for run in ledger.runs(filter)? {
        let Some(detail) = ledger.run(&run.id)? else { continue };
        let wanted = |attempt: &Attempt| attempt.key == *key && number.is_none_or(|n| n == attempt.number);
        if let Some(attempt) = detail.attempts.into_iter().rev().find(wanted) {
            return Ok(Some(attempt));
        }
    }
    Ok(None)
}

/// True once the end of the attempt is recorded, or nobody works on its run any more.
pub fn has_ended(workspace: &Workspace, log: &LogFile) -> Result<bool, AppError> {
    let Some(ledger) = workspace.ledger_if_any()? else { return Ok(true) };
    if super::report::live_run(workspace, &ledger)?.as_ref() != Some(&log.run) {
        return Ok(true);
    }
    let open = ledger.open_attempts()?;
    Ok(!open.iter().any(|attempt| attempt.id == log.attempt))
}
