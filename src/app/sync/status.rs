//! `sync status`, `pause`, `resume` and `now`: how syncs stand, from the ledger alone.

use super::options::{SyncPlace, project_in};
use super::standing::{self, Paused, Standing};
use crate::app::error::AppError;
use crate::app::ledger::{Ledger, SyncEntry, TaskEvidence};
use crate::app::workspace::Workspace;
use crate::clock;
use crate::config::PROJECT_FILE;
use crate::process::proc;
use crate::report::view::{
    CommitView, LeftView, PausedView, RefusedView, SyncEntryView, SyncHealth, SyncStatusView, SyncView,
};
use std::path::Path;
use taskmaster_core::diagnostic::did_you_mean;
use taskmaster_core::id::{DocumentId, EnvironmentName, TaskId};
use taskmaster_core::state::{TaskState, WaitFor};
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
    let Some(mut standing) = standing::of(ledger, name)? else { return Err(unknown(name, &[])) };
    standing.drifted = standing.drifted.min(still_drifted(ledger, &standing)?);
    let paused = standing::paused(ledger, name)?;
    let history = ledger.sync(name)?;
    let waiting = waiting(ledger, &standing)?;
    let health = health(&standing, paused.is_some());
    let process = standing.process.filter(|(pid, start)| lives(*pid, *start)).map(|(pid, _)| pid);
    Ok(SyncView {
        name: name.to_owned(),
        health,
        tree: SyncPlace::new(state_dir, name).tree().to_string_lossy().into_owned(),
        began: standing.began.filter(|_| process.is_some()),
        process,
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

/// The sync that keeps a document true in an environment.
pub fn of_document(
    ledger: &Ledger,
    state_dir: &Path,
    document: &DocumentId,
    environment: &EnvironmentName,
) -> Result<Option<SyncView>, AppError> {
    for name in standing::names(ledger)? {
        let standing = standing::of(ledger, &name)?;
        let is_it =
            |known: &Standing| known.document.as_ref() == Some(document) && known.environment == *environment;
        if standing.as_ref().is_some_and(is_it) {
            return of(ledger, state_dir, &name).map(Some);
        }
    }
    Ok(None)
}

/// Tasks that drifted, and that nobody did again since.
fn still_drifted(ledger: &Ledger, standing: &Standing) -> Result<u64, AppError> {
    let Some(document) = &standing.document else { return Ok(0) };
    let drifted = |found: &TaskEvidence| found.drifted.is_some();
    Ok(ledger.evidence_where(document, &standing.environment, drifted)?.len() as u64)
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
    let asks = |found: &TaskEvidence| {
        matches!(found.state, TaskState::Waiting { on: WaitFor::Approval { .. } | WaitFor::Manual })
    };
    let asking = ledger.evidence_where(document, &standing.environment, asks)?;
    let mut waiting: Vec<TaskId> = asking.into_iter().map(|found| found.id).collect();
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

/// The checkout of a sync as a place to work in: of the one that is named; else, in a folder that holds no
/// project of its own, of the only one of which a commit ever came into force. None where there is none.
pub fn workspace(outer: &Workspace, name: Option<&str>) -> Result<Option<Workspace>, AppError> {
    let has_project = || {
        let project = &outer.project;
        project.root.join(PROJECT_FILE).exists() || project.catalogue_dir().exists()
    };
    if name.is_none() && (!outer.project.state_dir.join("sync").is_dir() || has_project()) {
        return Ok(None);
    }
    let Some(ledger) = outer.ledger_if_any()? else {
        return name.map_or(Ok(None), |name| Err(unknown(name, &[])));
    };
    let names = standing::names(&ledger)?;
    let name = match (name, names.as_slice()) {
        (Some(name), names) if names.iter().any(|known| known == name) => name,
        (Some(name), names) => return Err(unknown(name, names)),
        (None, _) => match in_force(&ledger)?.as_slice() {
            [only] => &only.clone(),
            _ => return Ok(None),
        },
    };
    let Some(standing) = standing::of(&ledger, name)? else { return Ok(None) };
    let tree = SyncPlace::new(&outer.project.state_dir, name).tree();
    let (Some(document), Some(path)) = (standing.document, standing.path) else { return Ok(None) };
    let mut project = project_in(&tree, &standing.project, None, &outer.project)?;
    project.settings.document = Some(path.clone());
    project.settings.environment = Some(standing.environment.to_string());
    let known_as = Some((path, document));
    Ok(Some(Workspace { working_dir: project.root.clone(), project, known_as }))
}

/// Names of all syncs.
pub fn names(ledger: &Ledger) -> Result<Vec<String>, AppError> {
    standing::names(ledger)
}

/// Those of which a commit ever came into force: of the others there is nothing to look at.
pub fn in_force(ledger: &Ledger) -> Result<Vec<String>, AppError> {
    let mut found = Vec::new();
    for name in standing::names(ledger)? {
        if standing::of(ledger, &name)?.is_some_and(|standing| standing.in_force.is_some()) {
            found.push(name);
        }
    }
    Ok(found)
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

/// Who hears that a sync is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A process that loops.
    Now,
    /// One that is paused.
    Paused,
    /// Nobody loops.
    ByNobody,
}

/// Asks for a sync now.
pub fn now(workspace: &Workspace, name: &str) -> Result<Heard, AppError> {
    let mut ledger = workspace.ledger()?;
    standing::nudge(&mut ledger, name)?;
    let view = of(&ledger, &workspace.project.state_dir, name)?;
    Ok(match (view.process, view.paused) {
        (None, _) => Heard::ByNobody,
        (Some(_), Some(_)) => Heard::Paused,
        (Some(_), None) => Heard::Now,
    })
}
