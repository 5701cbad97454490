//! `sync status`, `pause`, `resume` and `now`: how syncs stand, from the ledger alone.

use super::options::SyncPlace;
use super::standing::{self, Paused, Standing};
use crate::app::error::AppError;
use crate::app::ledger::{Ledger, SyncEntry};
use crate::app::workspace::Workspace;
use crate::clock;
use crate::process::proc;
use crate::report::view::{
    CommitView, LeftView, PausedView, RefusedView, SyncEntryView, SyncHealth, SyncStatusView, SyncView,
};
use std::path::Path;
use taskmaster_core::diagnostic::did_you_mean;
use taskmaster_core::id::TaskId;
use taskmaster_core::state::TaskState;
use taskmaster_core::sync::SyncResult;

/// So many results are shown.
const HISTORY: usize = 10;

/// All syncs, or the one that is named.
pub fn view(workspace: &Workspace, name: Option<&str>) -> Result<SyncStatusView, AppError> {
    let Some(ledger) = workspace.ledger_if_any()? else {
        return match name {
            Some(name) => Err(unknown(name, &[])),
            None => Ok(SyncStatusView { generated: clock::now(), syncs: Vec::new() }),
        };
    };
    let names = standing::names(&ledger)?;
    if let Some(name) = name.filter(|name| !names.iter().any(|known| known == name)) {
        return Err(unknown(name, &names));
    }
    let wanted = names.iter().filter(|known| name.is_none_or(|name| name == *known));
    let syncs = wanted.map(|name| of(&ledger, &workspace.project.state_dir, name));
    let syncs: Vec<SyncView> = syncs.collect::<Result<_, _>>()?;
    Ok(SyncStatusView { generated: clock::now(), syncs })
}

/// One sync.
pub fn of(ledger: &Ledger, state_dir: &Path, name: &str) -> Result<SyncView, AppError> {
    let Some(standing) = standing::of(ledger, name)? else { return Err(unknown(name, &[])) };
    let paused = standing::paused(ledger, name)?;
    let history = ledger.sync(name)?;
    let waiting = waiting(ledger, &standing)?;
    let health = health(&standing, paused.is_some());
    Ok(SyncView {
        name: name.to_owned(),
        health,
        tree: SyncPlace::new(state_dir, name).tree().to_string_lossy().into_owned(),
        process: standing.process.filter(|(pid, start)| lives(*pid, *start)).map(|(pid, _)| pid),
        repository: standing.repository,
        git_ref: standing.git_ref,
        environment: standing.environment,
        document: standing.document,
        path: standing.path,
        commit: standing.in_force.map(|known| CommitView {
            id: known.commit,
            time: known.time,
            subject: known.subject,
            revision: known.revision,
            since: known.since,
        }),
        refused: standing.refused.map(|known| RefusedView {
            id: known.commit,
            reasons: known.reasons,
            since: known.since,
        }),
        paused: paused.map(|known| PausedView { by: known.by, since: known.since, message: known.message }),
        last_result: standing.result,
        last: standing.last,
        duration_ms: standing.duration_ms,
        last_success: standing.last_success,
        next: standing.next,
        failures: standing.failures,
        syncs: standing.syncs,
        drifted: standing.drifted,
        left: standing
            .left
            .into_iter()
            .map(|left| LeftView { id: left.id, title: left.title, can_be_undone: left.can_be_undone })
            .collect(),
        waiting,
        notes: standing.notes,
        history: history.into_iter().rev().take(HISTORY).map(entry).collect(),
    })
}

fn entry(entry: SyncEntry) -> SyncEntryView {
    SyncEntryView { at: entry.at, commit: entry.commit, result: entry.result, run: entry.run }
}

fn lives(pid: u32, start: u64) -> bool {
    proc::start_ticks(pid) == Some(start)
}

/// Tasks that wait for a person, by their addresses.
fn waiting(ledger: &Ledger, standing: &Standing) -> Result<Vec<TaskId>, AppError> {
    let Some(document) = &standing.document else { return Ok(Vec::new()) };
    let evidence = ledger.evidence(document, &standing.environment)?;
    let asks = evidence.into_values().filter(|found| {
        matches!(
            found.state,
            TaskState::Waiting {
                on: taskmaster_core::state::WaitFor::Approval { .. }
                    | taskmaster_core::state::WaitFor::Manual
            }
        )
    });
    let mut waiting: Vec<TaskId> = asks.map(|found| found.id).collect();
    waiting.sort();
    Ok(waiting)
}

/// How a sync is.
pub fn health(standing: &Standing, paused: bool) -> SyncHealth {
    match &standing.result {
        _ if paused => SyncHealth::Paused,
        None => SyncHealth::Unknown,
        Some(SyncResult::Synced) if standing.drifted > 0 => SyncHealth::Degraded,
        Some(SyncResult::Synced) => SyncHealth::Healthy,
        Some(SyncResult::Waiting | SyncResult::Closed) => SyncHealth::Progressing,
        Some(SyncResult::Failed { .. } | SyncResult::Refused { .. } | SyncResult::Unreachable { .. }) => {
            SyncHealth::Degraded
        }
    }
}

/// The name that is meant: given, else the only one.
pub fn named(workspace: &Workspace, name: Option<&str>) -> Result<String, AppError> {
    let ledger = workspace.ledger_if_any()?;
    let names = ledger.map_or_else(|| Ok(Vec::new()), |ledger| standing::names(&ledger))?;
    match (name, names.as_slice()) {
        (Some(name), names) if names.iter().any(|known| known == name) => Ok(name.to_owned()),
        (Some(name), names) => Err(unknown(name, names)),
        (None, [only]) => Ok(only.clone()),
        (None, []) => Err(AppError::usage("there is no sync here", "begin one: taskmaster sync --repo URL")),
        (None, several) => {
            Err(AppError::usage("there are several syncs", format!("name one: {}", several.join(", "))))
        }
    }
}

fn unknown(name: &str, names: &[String]) -> AppError {
    let near =
        did_you_mean(name, names.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
    let help = near.unwrap_or_else(|| match names {
        [] => "begin one: taskmaster sync --repo URL".to_owned(),
        names => format!("one of {}", names.join(", ")),
    });
    AppError::usage(format!("no sync is called `{name}`"), help)
}

/// Lets nothing begin from now on, until it is resumed.
pub fn pause(workspace: &Workspace, name: &str, message: Option<String>) -> Result<(), AppError> {
    let by = crate::app::tasks::person();
    let paused = Paused { by, since: clock::now(), message };
    standing::set_paused(&mut workspace.ledger()?, name, Some(&paused))
}

/// Lets it go on.
pub fn resume(workspace: &Workspace, name: &str) -> Result<(), AppError> {
    standing::set_paused(&mut workspace.ledger()?, name, None)
}

/// Asks for a sync now.
pub fn now(workspace: &Workspace, name: &str) -> Result<(), AppError> {
    standing::nudge(&mut workspace.ledger()?, name)
}
