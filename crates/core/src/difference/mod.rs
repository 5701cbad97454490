//! What changes in meaning from one commit to another: two documents, each with what binds it, become a
//! [`Difference`].
//!
//! It knows no ledger. It says what a place that did everything the one asks for would do at the other,
//! as a sync does it: what was done by the action as it is now stays done. Prose, lines and places of
//! entries are no difference, and equal sides have none.
//!
//! Reading order: this file (what is compared), [`model`] (what is told), `pairs` (which task is which),
//! `document`, `binding` and `policy` (what changed about one), `ties` (who waits for whom), `effect` (what
//! follows), [`around`] (what stands about the changes, for a picture).

pub mod around;
mod binding;
mod document;
mod effect;
pub mod model;
mod pairs;
mod policy;
mod ties;

use crate::action::{Binding, Bindings};
use crate::dag::GraphError;
use crate::document::{Document, Task};
use crate::id::{Digest, DocumentId, EnvironmentName, TaskId};
use crate::plan::{Plan, PlannedTask};
use model::{Difference, Effect, Elsewhere, TaskDifference};
use pairs::{Pair, Pairs};
use std::collections::BTreeMap;

/// Digests of the files that belong to each task's action, by path below the project's root.
pub type Files = BTreeMap<TaskId, BTreeMap<String, Digest>>;

/// One side of a comparison: a document as it is done in an environment.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// What is wanted.
    pub document: &'a Document,
    /// Identity of the document: under it a place keeps what was done.
    pub document_id: &'a DocumentId,
    /// Where it is done.
    pub environment: &'a EnvironmentName,
    /// How it is done. Paths of the machine must stand in actions of both sides in the same way.
    pub bindings: &'a Bindings,
    /// Contents of `inputs`.
    pub files: &'a Files,
    /// The plan of the whole document by somebody who remembers nothing.
    pub plan: &'a Plan,
}

impl<'a> Side<'a> {
    fn binding(&self, task: &Task) -> Option<&'a Binding> {
        self.bindings.get(&task.id).map(Box::as_ref)
    }
}

/// One task of a side with all that belongs to it.
#[derive(Clone, Copy)]
struct Of<'a> {
    task: &'a Task,
    planned: &'a PlannedTask,
    binding: Option<&'a Binding>,
    files: Option<&'a BTreeMap<String, Digest>>,
}

impl<'a> Of<'a> {
    fn at(side: &Side<'a>, place: usize) -> Self {
        let task = &side.document.tasks[place];
        Self {
            task,
            planned: &side.plan.tasks[place],
            binding: side.binding(task),
            files: side.files.get(&task.id),
        }
    }
}

/// Compares two sides. Pure: the same sides give the same difference.
///
/// # Errors
/// A plan that is no DAG, or not of its whole document.
pub fn compare(base: &Side<'_>, head: &Side<'_>) -> Result<Difference, GraphError> {
    for side in [base, head] {
        let (tasks, planned) = (side.document.tasks.len(), side.plan.tasks.len());
        if tasks != planned {
            return Err(GraphError::NoSuchTask { task: tasks.min(planned), dependency: tasks.max(planned) });
        }
    }
    let pairs = Pairs::of(base.document, head.document);
    let elsewhere = elsewhere(base, head);
    let ties = ties::compare(base, head, &pairs);
    let effects = effect::effects(base, head, &pairs, !elsewhere.is_empty())?;
    let told = pairs.all.iter().zip(&effects).enumerate();
    let tasks = told.filter_map(|(pair, (sides, effect))| {
        let told = difference(base, head, *sides, pairs.changes_of(pair), effect);
        told.map(|told| (pair, told))
    });
    let (changed, tasks): (Vec<usize>, Vec<TaskDifference>) = tasks.unzip();
    let around = around::around(base, head, &pairs, &ties, &changed);
    Ok(Difference {
        elsewhere,
        tasks,
        gained: ties.written(base, head, &pairs, true),
        lost: ties.written(base, head, &pairs, false),
        reordered: ties.reordered(head, &pairs)?,
        around,
    })
}

fn elsewhere(base: &Side<'_>, head: &Side<'_>) -> Vec<Elsewhere> {
    let mut all = Vec::new();
    // A side without tasks and without a name is no document at all: nothing was done there.
    if base.document_id != head.document_id && !base.document.tasks.is_empty() {
        let (from, to) = (base.document_id.clone(), head.document_id.clone());
        all.push(Elsewhere::Document { from, to });
    }
    if base.environment != head.environment && !base.document.tasks.is_empty() {
        let (from, to) = (base.environment.clone(), head.environment.clone());
        all.push(Elsewhere::Environment { from, to });
    }
    all
}

fn difference(
    base: &Side<'_>,
    head: &Side<'_>,
    pair: Pair,
    found: Vec<model::Change>,
    effect: &Effect,
) -> Option<TaskDifference> {
    let before = pair.base.map(|place| Of::at(base, place));
    let now = pair.head.map(|place| Of::at(head, place));
    let mut changes = found;
    let mut binding = Vec::new();
    if let (Some(before), Some(now)) = (before, now) {
        changes.extend(document::changes(before.task, now.task, &changes));
        binding = binding::changes(&before, &now);
    }
    if changes.is_empty() && binding.is_empty() && *effect == Effect::Nothing {
        return None;
    }
    Some(TaskDifference {
        base: before.map(|of| of.task.id.clone()),
        head: now.map(|of| of.task.id.clone()),
        changes,
        binding,
        effect: effect.clone(),
    })
}

#[cfg(test)]
mod property;
#[cfg(test)]
mod tests;
