//! `logs`: finds the log of an attempt, or of a check that could not tell.

use super::error::AppError;
use super::ledger::{Attempt, Ledger, RunFilter};
use super::parse;
use super::plan::{self, Prepared, Request};
use super::workspace::{Reading, Workspace};
use std::path::PathBuf;
use taskmaster_core::id::{AttemptId, RunId, TaskId, TaskKey};
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
    let mut ledger = workspace.ledger_if_any()?;
    let (task, key) = task(workspace, request, &reading, ledger.as_mut(), name)?;
    let none = || AppError::usage(format!("{task} has no such attempt here"), "`taskmaster run` makes one");
    let ledger = ledger.ok_or_else(none)?;
    let filter = RunFilter {
        document: Some(reading.id),
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

/// The task that is named, and the key that the ledger knows it by.
fn task(
    workspace: &Workspace,
    request: &Request,
    reading: &Reading,
    ledger: Option<&mut Ledger>,
    name: &str,
) -> Result<(TaskId, TaskKey), AppError> {
    let mut keys = parse::preview(ledger.as_deref(), reading)?.keys;
    // Cells stand in the catalogue. Where it cannot be bound, logs are wanted all the more.
    let prepared = plan::prepare(workspace, request, ledger, false).ok();
    let document = prepared.as_ref().map_or(&reading.parsed.document, Prepared::document);
    plan::add_keys_of_cells(document, &mut keys);
    let task = document.tasks[select::find_task(document, name)?].id.clone();
    match keys.remove(&task) {
        Some(key) => Ok((task, key)),
        None => Err(AppError::usage(format!("{task} has no attempt here"), "`taskmaster run` makes one")),
    }
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
