//! What lists over many runs and environments ask. No plan is read for them.

use super::admit;
use super::encode::{entry, environment_stream};
use super::error::LedgerError;
use super::handle::Ledger;
use super::view::{KnownEnvironment, Work};
use crate::store::WorkRow;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashSet};
use taskmaster_core::environment::{Lock, current_lock};
use taskmaster_core::id::{EnvironmentName, RunId, TaskKey};
use taskmaster_core::journal::{Entry, Record};

/// Kind of the records of a task's states.
const STATES: &str = "task.state";

impl Ledger {
    /// Attempts of all runs that began at `since` or later, oldest first.
    pub fn work(&self, since: Timestamp) -> Result<Vec<Work>, LedgerError> {
        self.store.now().work(since, STATES)?.into_iter().map(work).collect()
    }

    /// The runs that had an attempt at this task.
    pub fn runs_at(&self, key: &TaskKey) -> Result<HashSet<RunId>, LedgerError> {
        Ok(self.store.now().runs_at(key.as_str())?.into_iter().map(RunId::new).collect())
    }

    /// When the first event was recorded.
    pub fn began(&self) -> Result<Option<Timestamp>, LedgerError> {
        Ok(self.store.now().event(1)?.map(|event| event.at))
    }

    /// Environments in which something ran, by name.
    pub fn environments(&self) -> Result<Vec<KnownEnvironment>, LedgerError> {
        let known = |row: crate::store::EnvironmentRow| KnownEnvironment {
            name: EnvironmentName::new(row.name),
            runs: row.runs,
            last_started: row.started,
            last_exit_code: row.exit_code.filter(|_| row.ended),
        };
        Ok(self.store.now().environment_rows()?.into_iter().map(known).collect())
    }

    /// The lock of an environment that holds at this time.
    pub fn lock(&self, environment: &EnvironmentName, at: Timestamp) -> Result<Option<Lock>, LedgerError> {
        admit::lock(&self.store.now(), environment, at)
    }

    /// Every lock that holds at this time, by environment; none for one that was locked once.
    pub fn locks(&self, at: Timestamp) -> Result<BTreeMap<EnvironmentName, Option<Lock>>, LedgerError> {
        let mut about: BTreeMap<EnvironmentName, Vec<Entry>> = BTreeMap::new();
        for event in self.store.now().streams(&environment_stream(""))? {
            let entry = entry(&event)?;
            if let Record::EnvironmentLocked { environment, .. }
            | Record::EnvironmentUnlocked { environment, .. } = &entry.record
            {
                about.entry(environment.clone()).or_default().push(entry);
            }
        }
        Ok(about.into_iter().map(|(name, entries)| (name, current_lock(&entries, at))).collect())
    }
}

fn work(row: WorkRow) -> Result<Work, LedgerError> {
    let run = RunId::new(row.run);
    let read = |(seq, json): &(u64, String)| {
        serde_json::from_str(json).map_err(|source| LedgerError::Unreadable { seq: *seq, source })
    };
    let state = match row.last.as_ref().map(read).transpose()? {
        // A person may have set another environment's state meanwhile.
        Some(Record::TaskState { run: of, to, .. }) if of.as_ref() == Some(&run) => Some(to),
        _ => None,
    };
    Ok(Work {
        run,
        key: TaskKey::new(row.key),
        undo: row.undo,
        started: row.started,
        ended: row.ended,
        succeeded: row.outcome.as_deref() == Some("succeeded"),
        duration_ms: row.duration_ms,
        state,
    })
}
