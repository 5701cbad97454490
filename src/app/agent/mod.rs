//! The agent joined with the ledger and the views: it declares what it needs, and here it is.

mod journal;
mod show;

use super::error::AppError;
use super::ledger::Ledger;
use super::workspace::Workspace;
use crate::agent::daemon::{self, AgentError};
use crate::agent::files::Files;
use crate::agent::guard;
use crate::agent::log;
use crate::store::Access;
use std::sync::Arc;

pub use show::view;

/// The agent's files of a project.
///
/// # Errors
/// The path of the state directory cannot be made absolute.
pub fn files(workspace: &Workspace) -> Result<Files, AppError> {
    let dir = &workspace.project.state_dir;
    Files::of(dir).map_err(|source| AppError::Io { path: dir.clone(), source })
}

/// Is the guard (`taskmaster agent guard`). False where no agent comes to work.
///
/// # Errors
/// The control socket cannot be made, or no agent can be started.
pub fn guard(workspace: &Workspace, adopts: bool) -> Result<bool, AppError> {
    let files = files(workspace)?;
    let log = files.log();
    guard::run(&files, adopts).map_err(|source| AppError::Io { path: log, source })
}

/// Is the agent (`taskmaster agent serve`).
///
/// # Errors
/// It was not started by its guard, or the ledger cannot be used.
pub fn serve(workspace: &Workspace) -> Result<(), AppError> {
    let files = files(workspace)?;
    let ledger = Ledger::open(files.dir(), Access::ReadWrite)?;
    let journal = Box::new(journal::LedgerJournal::new(ledger));
    daemon::serve(&files, journal, Arc::new(show::Views)).map_err(|fault| of_agent(fault, &files))
}

fn of_agent(fault: AgentError, files: &Files) -> AppError {
    AppError::Io { path: files.log(), source: std::io::Error::other(fault) }
}

/// The last lines of the agent's log, as harmless text.
///
/// # Errors
/// It cannot be read.
pub fn log_tail(files: &Files, lines: usize) -> Result<String, AppError> {
    let path = files.log();
    log::bound(&path)
        .and_then(|()| crate::process::show::tail_of(&path, lines, 4 << 20))
        .map_err(|source| AppError::Io { path, source })
}
