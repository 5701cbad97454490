//! What is no longer in the document, and taking it back: in the tree of the commit that had it last.
//!
//! Which commit that is follows from the ledger: the newest that a sync accepted with the last revision that holds
//! the task, else the one whose run did it.

use super::act::{Held, Syncer, result_of};
use super::standing::Left;
use crate::app::destroy::Destroy;
use crate::app::error::AppError;
use crate::app::ledger::{Ledger, Revision, TaskEvidence};
use crate::app::parse::Recording;
use crate::app::plan;
use crate::app::recover::{self, Gone};
use crate::app::run::{self, Session};
use crate::app::telemetry;
use crate::exec::ports::Observer;
use crate::git::commit::CommitId;
use crate::git::history::CommitFacts;
use std::collections::BTreeSet;
use std::path::Path;
use taskmaster_core::id::{RunId, TaskId};
use taskmaster_core::state::TaskState;
use taskmaster_core::sync::SyncResult;

/// A task that was done, and is not in the document any more.
pub(super) struct Removed {
    id: TaskId,
    title: String,
    /// The revision that had it last, and the commit that had that.
    origin: Option<(Revision, CommitId)>,
    /// It was looked for an undo, in vain.
    has_no_undo: bool,
}

impl Removed {
    pub(super) fn told(&self) -> Left {
        Left { id: self.id.clone(), title: self.title.clone(), can_be_undone: self.can_be_undone() }
    }

    fn can_be_undone(&self) -> bool {
        self.origin.is_some() && !self.has_no_undo
    }
}

/// What came of taking back.
pub(super) struct Pruned {
    pub(super) result: SyncResult,
    pub(super) run: Option<RunId>,
    /// What was not taken back.
    pub(super) left: Vec<Left>,
    /// What went wrong beside the work: traces that were not sent.
    pub(super) told: Vec<String>,
}

/// Tasks that were done and are gone. `known` are those that were left behind before.
pub(super) fn removed(ledger: &Ledger, held: &Held, known: &[Left]) -> Result<Vec<Removed>, AppError> {
    let is_gone = |found: &TaskEvidence| !held.keys.contains(&found.key) && is_there(found);
    let mut gone = ledger.evidence_where(&held.document, &held.environment, is_gone)?;
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    gone.sort_by(|a, b| a.id.cmp(&b.id));
    let revisions = ledger.revisions(&held.document)?;
    gone.into_iter().map(|found| of(ledger, held, &revisions, &found, known)).collect()
}

/// Something may have been made that is there still. What a person did is theirs.
fn is_there(found: &TaskEvidence) -> bool {
    let worked = matches!(
        found.state,
        TaskState::Completed
            | TaskState::Satisfied
            | TaskState::Failed { .. }
            | TaskState::Unknown { .. }
            | TaskState::Running { .. }
            | TaskState::Verifying { .. }
    );
    worked && found.by.is_none()
}

fn of(
    ledger: &Ledger,
    held: &Held,
    revisions: &[Revision],
    found: &TaskEvidence,
    known: &[Left],
) -> Result<Removed, AppError> {
    let cell_of = found.key.of_document();
    let key = cell_of.as_ref().unwrap_or(&found.key);
    let last = revisions.iter().rev().find(|revision| revision.tasks.iter().any(|task| task.key == *key));
    let title = last.and_then(|revision| revision.tasks.iter().find(|task| task.key == found.key));
    let commit = match last {
        // A cell stands in the catalogue, which may have changed while the document did not.
        Some(_) if cell_of.is_some() => commit_of_run(ledger, found)?,
        Some(revision) => commit_of(ledger, held, revision, found)?,
        None => None,
    };
    let has_no_undo = known.iter().any(|left| left.id == found.id && !left.can_be_undone);
    Ok(Removed {
        id: title.map_or_else(|| found.id.clone(), |task| task.id.clone()),
        title: title.map_or_else(|| found.id.to_string(), |task| task.title.clone()),
        origin: last.cloned().zip(commit),
        has_no_undo,
    })
}

/// The newest commit that a sync accepted with this revision, else the one whose run did the task.
fn commit_of(
    ledger: &Ledger,
    held: &Held,
    revision: &Revision,
    found: &TaskEvidence,
) -> Result<Option<CommitId>, AppError> {
    let mut newest = None;
    for name in super::standing::names(ledger)? {
        let entries = ledger.sync(&name)?.into_iter().filter(|entry| {
            entry.revision == Some(revision.number)
                && entry.document.as_ref() == Some(&held.document)
                && entry.environment == held.environment
        });
        newest = entries.max_by_key(|entry| entry.at).or(newest);
    }
    match newest.and_then(|entry| entry.commit) {
        Some(commit) => Ok(commit.parse().ok()),
        None => commit_of_run(ledger, found),
    }
}

/// The commit whose run did the task.
fn commit_of_run(ledger: &Ledger, found: &TaskEvidence) -> Result<Option<CommitId>, AppError> {
    let Some(run) = &found.run else { return Ok(None) };
    let commit = ledger.run_summary(run)?.and_then(|run| run.options.get("commit").cloned());
    Ok(commit.and_then(|commit| commit.parse().ok()))
}

/// One revision stands in several commits; cells are undone where they were done.
fn same(one: (&Revision, &CommitId), other: (&Revision, &CommitId)) -> bool {
    one.0.number == other.0.number && one.1 == other.1
}

impl Syncer {
    /// Takes back what is gone and can be, in the trees that had it, the newest first; the tree stands at the
    /// commit again afterwards, whatever happened.
    pub(super) fn prune(
        &self,
        (commit, facts): (&CommitId, &CommitFacts),
        removed: &[Removed],
        observer: &mut dyn Observer,
    ) -> Result<Pruned, AppError> {
        let mut pruned = Pruned {
            result: SyncResult::Synced,
            run: None,
            left: removed.iter().map(Removed::told).collect(),
            told: Vec::new(),
        };
        let mut origins: Vec<(&Revision, &CommitId)> = Vec::new();
        for one in removed.iter().filter(|one| one.can_be_undone()) {
            let Some((revision, origin)) = &one.origin else { continue };
            if !origins.iter().any(|known| same((revision, origin), *known)) {
                origins.push((revision, origin));
            }
        }
        origins.sort_by_key(|(revision, _)| std::cmp::Reverse(revision.number));
        for (revision, origin) in origins {
            let of_it = |one: &&Removed| {
                let own = one.origin.as_ref().map(|(revision, origin)| (revision, origin));
                one.can_be_undone() && own.is_some_and(|own| same(own, (revision, origin)))
            };
            let ids: BTreeSet<TaskId> = removed.iter().filter(of_it).map(|one| one.id.clone()).collect();
            let undone = self.prune_at((revision, origin), &ids, (commit, facts), &mut pruned, observer);
            self.mirror.checkout(commit, &self.place.tree())?;
            undone?;
            if pruned.result != SyncResult::Synced {
                break;
            }
        }
        Ok(pruned)
    }

    fn prune_at(
        &self,
        (revision, origin): (&Revision, &CommitId),
        ids: &BTreeSet<TaskId>,
        (commit, facts): (&CommitId, &CommitFacts),
        pruned: &mut Pruned,
        observer: &mut dyn Observer,
    ) -> Result<(), AppError> {
        let lease = run::lease(&self.outer_workspace())?;
        self.mirror.checkout(origin, &self.place.tree())?;
        let workspace = self.workspace()?;
        let mut request = super::judge::request(&self.options, Path::new(&revision.path));
        request.read.identity = Some(revision.document.clone());
        let mut ledger = workspace.ledger()?;
        let latest = ledger.latest_revision(&revision.document)?.map_or(revision.number, |last| last.number);
        let recording = Recording {
            revision: latest,
            previous: None,
            is_new: false,
            keys: revision.tasks.iter().map(|task| (task.id.clone(), task.key.clone())).collect(),
            changes: Vec::new(),
        };
        let mut prepared = plan::prepare_as(&workspace, &request, &ledger, recording.clone())?;
        let unfinished = recover::unfinished(&ledger, &prepared)?;
        if !unfinished.is_empty() {
            // An undoing that was lost: here its task is known, and its check tells whether it is gone.
            ledger = recover::recover(&workspace, ledger, &prepared, &unfinished, Gone::Left, observer)?;
            prepared = plan::prepare_as(&workspace, &request, &ledger, recording)?;
        }
        let destroy = Destroy::of(Session::of(workspace, ledger, prepared, lease), Some(ids))?;
        let can: BTreeSet<TaskId> = destroy.tasks().cloned().collect();
        for left in pruned.left.iter_mut().filter(|left| ids.contains(&left.id)) {
            left.can_be_undone = can.contains(&left.id);
        }
        if destroy.is_empty() {
            return Ok(());
        }
        let mut options = self.named_options(facts, commit);
        options.insert("prune".to_owned(), origin.to_string());
        let ran = destroy.execute(options, observer)?;
        pruned.told.extend(telemetry::export(&self.outer_workspace(), &ran));
        pruned.result = result_of(&ran)?;
        pruned.run = Some(ran.run);
        Ok(())
    }
}
