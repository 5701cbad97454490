//! What is known about the tasks of a document, by their addresses.

use crate::app::ledger::TaskEvidence;
use crate::app::plan::Prepared;
use std::collections::{BTreeSet, HashMap};
use taskmaster_core::document::{Claim, Document, Task};
use taskmaster_core::id::{TaskId, TaskKey};
use taskmaster_core::state::TaskState;

/// The states that marks are written from.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    states: HashMap<TaskId, TaskState>,
    titles: HashMap<TaskId, String>,
    /// Parents that nothing is bound to: they follow their subtasks.
    groups: BTreeSet<TaskId>,
}

impl Evidence {
    /// What the ledger knows of the tasks of a prepared document.
    ///
    /// A mark that the next run takes for done, as nothing else can tell, is its author's: it says more than a
    /// failure before it, so that failure is left out.
    pub fn new(prepared: &Prepared, known: &HashMap<TaskKey, TaskEvidence>) -> Self {
        let document = &prepared.reading.parsed.document;
        let parents: BTreeSet<&TaskId> =
            document.tasks.iter().filter_map(|task| task.parent.as_ref()).collect();
        let is_group = |id: &TaskId| parents.contains(id) && !prepared.bound.bindings.contains_key(id);
        let mut evidence = Self::default();
        for task in &document.tasks {
            evidence.titles.insert(task.id.clone(), task.title.clone());
            if is_group(&task.id) {
                evidence.groups.insert(task.id.clone());
            }
            let state = prepared.recording.keys.get(&task.id).and_then(|key| known.get(key));
            let Some(state) = state.map(|found| found.state.clone()) else { continue };
            if state.lets_dependants_go() || !is_taken_by_its_mark(prepared, task) {
                evidence.note(&task.id, state);
            }
        }
        evidence
    }

    /// These states, of tasks of this document as it is. A parent that nothing is bound to has none.
    pub fn of_states(document: &Document, states: HashMap<TaskId, TaskState>) -> Self {
        let titles = document.tasks.iter().map(|task| (task.id.clone(), task.title.clone())).collect();
        Self { states, titles, groups: BTreeSet::new() }
    }

    /// A task has another state now.
    pub fn note(&mut self, task: &TaskId, state: TaskState) {
        if !self.groups.contains(task) {
            self.states.insert(task.clone(), state);
        }
    }

    /// The states of those tasks of `document` that are the ones that are known here: by an id that is written in
    /// the text, else by id and title.
    pub(super) fn of(&self, document: &Document) -> HashMap<TaskId, TaskState> {
        let is_known = |task: &Task| {
            task.explicit_id || self.titles.get(&task.id).is_some_and(|title| *title == task.title)
        };
        let tasks = document.tasks.iter().filter(|task| is_known(task));
        tasks.filter_map(|task| Some((task.id.clone(), self.states.get(&task.id)?.clone()))).collect()
    }
}

fn is_taken_by_its_mark(prepared: &Prepared, task: &Task) -> bool {
    let binding = prepared.bound.bindings.get(&task.id);
    let has_check =
        binding.and_then(|binding| binding.action.as_ref()).is_some_and(|action| action.check.is_some());
    task.status == Claim::Completed && !has_check
}
