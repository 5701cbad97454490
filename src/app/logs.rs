//! `logs`: finds the log of an attempt, or of a check that could not tell.

use super::error::AppError;
use super::ledger::{Attempt, RunFilter};
use super::plan::Request;
use super::workspace::Workspace;
use std::path::PathBuf;
use taskmaster_core::id::{AttemptId, RunId, TaskId};
use taskmaster_core::select;

/// A log and what writes it.
#[derive(Clone, Debug)]
pub struct LogFile {
    /// The file.
    pub path: PathBuf,
    /// The task.
    pub task: TaskId,
    /// The attempt and its number in its run; none for a check.
    pub attempt: Option<(AttemptId, u32)>,
    /// Its run.
    pub run: RunId,
    /// True once its end is recorded.
    pub ended: bool,
}

/// The log of a task's newest attempt, or of the newest one with this number. Where the newest run
/// that knows the task got no further than a check, it is that of the check.
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
    let state_dir = &workspace.project.state_dir;
    for run in ledger.runs(&filter)? {
        let Some(detail) = ledger.run(&run.id)? else { continue };
        let wanted = |attempt: &&Attempt| attempt.key == key && number.is_none_or(|n| n == attempt.number);
        if let Some(attempt) = detail.attempts.iter().rev().find(wanted) {
            return Ok(LogFile {
                path: state_dir.join(&attempt.log),
                task,
                attempt: Some((attempt.id.clone(), attempt.number)),
                run: run.id,
                ended: attempt.end.is_some(),
            });
        }
        let check = state_dir.join(format!("logs/{}/{key}.check.log", run.id));
        if number.is_none() && check.exists() {
            return Ok(LogFile { path: check, task, attempt: None, run: run.id, ended: true });
        }
    }
    Err(none())
}

/// True once the end of the attempt is recorded, or nobody works on its run any more.
pub fn has_ended(workspace: &Workspace, log: &LogFile) -> Result<bool, AppError> {
    let Some(ledger) = workspace.ledger_if_any()? else { return Ok(true) };
    if super::report::live_run(workspace, &ledger)?.as_ref() != Some(&log.run) {
        return Ok(true);
    }
    let open = ledger.open_attempts()?;
    Ok(!open.iter().any(|attempt| log.attempt.as_ref().is_some_and(|(id, _)| *id == attempt.id)))
}
