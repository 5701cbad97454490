//! `parse`: remembers a document in the ledger, with the identities of its tasks.

use super::error::AppError;
use super::ledger::{IdGenerator, Ledger, Revision};
use super::workspace::Reading;
use crate::clock;
use crate::store::Durability;
use std::collections::BTreeMap;
use taskmaster_core::id::{TaskId, TaskKey};
use taskmaster_core::identity::match_tasks;
use taskmaster_core::journal::{Record, TaskChange};

/// A document as the ledger knows it now.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The newest revision.
    pub revision: u64,
    /// The revision before, where this reading made a new one.
    pub previous: Option<u64>,
    /// True where this reading made a new revision.
    pub is_new: bool,
    /// Key of every task.
    pub keys: BTreeMap<TaskId, TaskKey>,
    /// What differs from the revision before; empty for a first one.
    pub changes: Vec<TaskChange>,
}

/// What the ledger would hold after recording `reading`, and the record that makes it so.
fn compare(latest: Option<&Revision>, reading: &Reading) -> (Recording, Option<Record>) {
    let mut ids = IdGenerator::new();
    let now = clock::now();
    let old = latest.map_or(&[][..], |revision| &revision.tasks);
    let matched = match_tasks(old, &reading.parsed.document, &mut || ids.task_key(now));
    let same = latest.is_some_and(|r| {
        r.digest == reading.text.digest && r.path == reading.text.path && r.tasks == matched.tasks
    });
    let previous = latest.map(|revision| revision.number);
    if let (true, Some(revision)) = (same, previous) {
        let unchanged =
            Recording { revision, previous: None, is_new: false, keys: matched.keys, changes: Vec::new() };
        return (unchanged, None);
    }
    let revision = previous.unwrap_or(0) + 1;
    let changes = if latest.is_some() { matched.changes } else { Vec::new() };
    let record = Record::DocumentParsed {
        document: reading.id.clone(),
        revision,
        path: reading.text.path.clone(),
        digest: reading.text.digest.clone(),
        tasks: matched.tasks,
        changes: changes.clone(),
    };
    (Recording { revision, previous, is_new: true, keys: matched.keys, changes }, Some(record))
}

/// Records `reading` as a new revision, unless the newest one is the same.
pub fn record(ledger: &mut Ledger, reading: &Reading) -> Result<Recording, AppError> {
    let latest = ledger.latest_revision(&reading.id)?;
    let (recording, record) = compare(latest.as_ref(), reading);
    if let Some(record) = record {
        ledger.commit(vec![record], clock::now(), Durability::Normal)?;
    }
    Ok(recording)
}

/// The same without writing: what recording would give. Keys of new tasks are only for this use.
pub fn preview(ledger: Option<&Ledger>, reading: &Reading) -> Result<Recording, AppError> {
    let latest = ledger.map_or(Ok(None), |ledger| ledger.latest_revision(&reading.id))?;
    Ok(compare(latest.as_ref(), reading).0)
}
