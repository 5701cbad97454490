//! `env`: which environments there are, and locks that let nothing run in one.

use super::error::AppError;
use super::ledger::{Ledger, LedgerError};
use super::source;
use super::workspace::Workspace;
use crate::clock;
use crate::report::view::{EnvironmentListView, EnvironmentRow};
use crate::store::Durability;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use taskmaster_core::diagnostic::did_you_mean;
use taskmaster_core::environment::Lock;
use taskmaster_core::id::EnvironmentName;
use taskmaster_core::journal::Record;

/// Refuses where the environment is locked (exit 43).
pub fn refuse_locked(ledger: &Ledger, environment: &EnvironmentName) -> Result<(), AppError> {
    match ledger.lock(environment, clock::now())? {
        Some(lock) => Err(LedgerError::Locked { lock: Box::new(lock) }.into()),
        None => Ok(()),
    }
}

/// Locks an environment; refused where it is locked already.
pub fn lock(
    workspace: &Workspace,
    name: &str,
    message: Option<String>,
    until: Option<Timestamp>,
) -> Result<Lock, AppError> {
    let environment = named(name)?;
    let by = super::tasks::person();
    let record = Record::EnvironmentLocked {
        environment: environment.clone(),
        by: by.clone(),
        message: message.clone(),
        until,
    };
    let since = commit(workspace, record)?;
    Ok(Lock { environment, by, since, message, until })
}

/// Unlocks an environment; refused where no lock holds.
pub fn unlock(workspace: &Workspace, name: &str) -> Result<(), AppError> {
    let record = Record::EnvironmentUnlocked { environment: named(name)?, by: super::tasks::person() };
    commit(workspace, record)?;
    Ok(())
}

fn named(name: &str) -> Result<EnvironmentName, AppError> {
    if name.trim().is_empty() {
        return Err(AppError::usage("an environment has a name", "`taskmaster env list` shows them"));
    }
    Ok(EnvironmentName::new(name))
}

/// Who locks wants to rely on it: it outlives a loss of power.
fn commit(workspace: &Workspace, record: Record) -> Result<Timestamp, AppError> {
    let now = clock::now();
    let entries = workspace.ledger()?.commit(vec![record], now, Durability::Full)?;
    Ok(entries.first().map_or(now, |entry| entry.at))
}

/// Environments that catalogues name. Whatever is wrong in those is for other commands to say.
fn of_catalogues(workspace: &Workspace) -> BTreeSet<EnvironmentName> {
    let dir = workspace.project.catalogue_dir();
    let sources = source::catalogues(&workspace.working_dir, &dir).unwrap_or_default();
    let texts = sources
        .iter()
        .map(|source| taskmaster_catalogue::SourceText { name: &source.name, text: &source.text });
    let loaded = taskmaster_catalogue::load(&texts.collect::<Vec<_>>());
    loaded.catalogue.environments().into_iter().collect()
}

/// `env list`: every environment that catalogues name, that something ran in, that was locked once, or
/// that commands take when none is named.
pub fn list(workspace: &Workspace) -> Result<EnvironmentListView, AppError> {
    let now = clock::now();
    let usual = workspace.environment(None);
    let mut rows: BTreeMap<EnvironmentName, EnvironmentRow> = BTreeMap::new();
    let mut of = |name: &EnvironmentName, change: &mut dyn FnMut(&mut EnvironmentRow)| {
        change(rows.entry(name.clone()).or_insert_with(|| EnvironmentRow::new(name)));
    };
    of(&usual, &mut |row| row.is_default = true);
    for name in of_catalogues(workspace) {
        of(&name, &mut |row| row.in_catalogue = true);
    }
    if let Some(ledger) = workspace.ledger_if_any()? {
        for known in ledger.environments()? {
            of(&known.name, &mut |row| {
                row.runs = known.runs;
                row.last_started = Some(known.last_started);
                row.last_exit_code = known.last_exit_code;
            });
        }
        for (name, lock) in ledger.locks(now)? {
            of(&name, &mut |row| row.lock.clone_from(&lock));
        }
    }
    Ok(EnvironmentListView { generated: now, environments: rows.into_values().collect() })
}

/// Where nothing but a lock knows this environment: what could have been meant.
pub fn doubt(workspace: &Workspace, name: &str) -> Result<Option<String>, AppError> {
    let rows = list(workspace)?.environments;
    let known = |row: &&EnvironmentRow| row.is_default || row.in_catalogue || row.runs > 0;
    let names: Vec<&str> = rows.iter().filter(known).map(|row| row.name.as_str()).collect();
    if names.contains(&name) {
        return Ok(None);
    }
    let near = did_you_mean(name, names.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
    let near = near.unwrap_or_default();
    Ok(Some(format!("no catalogue and no run knows an environment `{name}`{near}")))
}
