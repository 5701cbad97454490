//! What is known about the tasks of a document, by their addresses.

use std::collections::{BTreeSet, HashMap};
use taskmaster_core::document::{Document, Task};
use taskmaster_core::id::TaskId;
use taskmaster_core::state::TaskState;

/// The states that marks are written from.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    pub(super) states: HashMap<TaskId, TaskState>,
    pub(super) titles: HashMap<TaskId, String>,
    /// Parents that nothing is bound to: they follow their subtasks.
    pub(super) groups: BTreeSet<TaskId>,
}

impl Evidence {
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
