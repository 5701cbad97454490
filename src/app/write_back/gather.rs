//! Evidence from the ledger, for a document that is about to run.

use super::Evidence;
use crate::app::ledger::TaskEvidence;
use crate::app::plan::Prepared;
use std::collections::{BTreeSet, HashMap};
use taskmaster_core::document::{Claim, Task};
use taskmaster_core::id::{TaskId, TaskKey};

impl Evidence {
    /// What the ledger knows of the tasks of a prepared document.
    ///
    /// A mark that the next run takes for done, as nothing else can tell, is its author's: it says more than a
    /// failure before it, so that failure is left out.
    pub fn new(prepared: &Prepared, known: &HashMap<TaskKey, TaskEvidence>) -> Self {
        let document = prepared.document();
        let parents_of = |cells: bool| -> BTreeSet<&TaskId> {
            let subtasks = document.tasks.iter().filter(|task| task.matrix.is_empty() != cells);
            subtasks.filter_map(|task| task.parent.as_ref()).collect()
        };
        let (parents, of_cells) = (parents_of(false), parents_of(true));
        // A task with cells has a state of its own: they do not stand in the text, from which a group's mark follows.
        let is_group = |id: &TaskId| {
            parents.contains(id) && !of_cells.contains(id) && !prepared.bound.bindings.contains_key(id)
        };
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
}

fn is_taken_by_its_mark(prepared: &Prepared, task: &Task) -> bool {
    let binding = prepared.bound.bindings.get(&task.id);
    let has_check =
        binding.and_then(|binding| binding.action.as_ref()).is_some_and(|action| action.check.is_some());
    task.status == Claim::Completed && !has_check
}
