//! The immutable, numbered plan: which tasks, in which order, and what is to be done with each.

use crate::action::{ActionKind, Policy};
use crate::dag::{CriticalPath, Dag, GraphError};
use crate::document::Priority;
use crate::id::{Digest, DocumentId, EnvironmentName, PhaseId, TaskId, TaskKey};
use crate::state::TaskState;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What the plan intends for one task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "disposition", rename_all = "snake_case")]
pub enum Disposition {
    /// Check if there is one, then run unless true.
    Execute,
    /// Nothing binds it: a person does it.
    Manual,
    /// A parent without an action of its own: completes with its subtasks.
    Group,
    /// Marked done in the document, without a check: taken as done.
    Claimed,
    /// Ended before (this state), has no check, and its digest is unchanged.
    Recorded {
        /// The recorded end.
        state: TaskState,
    },
    /// The end of its last attempt was lost: a person must resolve it.
    Unknown {
        /// Why.
        reason: String,
    },
    /// Left out.
    Skip {
        /// Why.
        reason: String,
    },
    /// Cancelled in the document or by a person.
    Cancelled,
}

/// One task of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTask {
    /// The ledger's identity.
    pub key: TaskKey,
    /// The document's address.
    pub id: TaskId,
    /// `1.3`.
    pub ordinal: String,
    /// Title.
    pub title: String,
    /// Phase.
    pub phase: PhaseId,
    /// Priority.
    pub priority: Priority,
    /// Line in the document.
    pub line: usize,
    /// Indices into [`Plan::tasks`] of what it waits for, ascending.
    pub dependencies: Vec<usize>,
    /// Those of them whose outputs its action reads, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<usize>,
    /// The contents of files belong to its action, and tasks before it may change them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reads_files: bool,
    /// A task of the plan reads its outputs, only its run prints them, and none are known: they were lost with the end
    /// of an attempt, or it was done where this ledger was not. Then it runs though its check says that it is done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub owes_outputs: bool,
    /// What is intended.
    pub disposition: Disposition,
    /// Kind of its action, if it has one.
    pub kind: Option<ActionKind>,
    /// It has a check.
    pub has_check: bool,
    /// It has a verify.
    pub has_verify: bool,
    /// Its policy.
    pub policy: Policy,
    /// Digest of its action as far as it can be rendered now; none where nothing is bound.
    pub digest: Option<Digest>,
    /// How long it took last time, else none.
    pub last_duration_ms: Option<u64>,
    /// What a person is asked before it runs; none where nobody is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
}

/// An immutable plan. A stale one (its number is not the newest) is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Counts the plans of a document and environment, from 1.
    pub number: u64,
    /// The document.
    pub document: DocumentId,
    /// Revision of the document it was made from.
    pub revision: u64,
    /// The environment.
    pub environment: EnvironmentName,
    /// Selected tasks in document order.
    pub tasks: Vec<PlannedTask>,
}

/// Assumed length of a task when no task of the plan has a recorded duration.
pub const DEFAULT_DURATION_MS: u64 = 10_000;

impl PlannedTask {
    /// True where something is executed or awaited for it in this run.
    pub fn has_work(&self) -> bool {
        matches!(self.disposition, Disposition::Execute | Disposition::Manual | Disposition::Unknown { .. })
    }
}

impl Plan {
    /// Its graph. Fails where the dependencies are no DAG, which no resolved plan is.
    pub fn dag(&self) -> Result<Dag, GraphError> {
        let dependencies: Vec<&[usize]> =
            self.tasks.iter().map(|task| task.dependencies.as_slice()).collect();
        Dag::new(&dependencies)
    }

    /// The plan of these tasks alone, by their places, ascending. What they wait for through others, they
    /// wait for directly; what they read of others is there already.
    pub fn only(&self, chosen: &[usize]) -> Self {
        let place: HashMap<usize, usize> = chosen.iter().enumerate().map(|(new, old)| (*old, new)).collect();
        let task = |old: &usize| {
            let planned = &self.tasks[*old];
            let reads = planned.reads.iter().filter_map(|read| place.get(read).copied());
            PlannedTask {
                dependencies: self.dependencies_among(*old, &place),
                reads: reads.collect(),
                ..planned.clone()
            }
        };
        Self { tasks: chosen.iter().map(task).collect(), ..self.clone() }
    }

    /// The nearest of the places that a task waits for, by their new numbers, ascending.
    fn dependencies_among(&self, task: usize, place: &HashMap<usize, usize>) -> Vec<usize> {
        let mut seen = vec![false; self.tasks.len()];
        let mut open = self.tasks[task].dependencies.clone();
        let mut found = Vec::new();
        while let Some(index) = open.pop() {
            if std::mem::replace(&mut seen[index], true) {
                continue;
            }
            match place.get(&index) {
                Some(new) => found.push(*new),
                None => open.extend(&self.tasks[index].dependencies),
            }
        }
        found.sort_unstable();
        found
    }

    /// How long each task is assumed to take: as long as last time, else the median of those that
    /// are known, else [`DEFAULT_DURATION_MS`]; nothing for one without work.
    pub fn durations_ms(&self) -> Vec<u64> {
        let mut known: Vec<u64> = self.tasks.iter().filter_map(|task| task.last_duration_ms).collect();
        known.sort_unstable();
        let default = known.get(known.len() / 2).copied().unwrap_or(DEFAULT_DURATION_MS);
        let duration = |task: &PlannedTask| task.last_duration_ms.unwrap_or(default);
        self.tasks.iter().map(|task| if task.has_work() { duration(task) } else { 0 }).collect()
    }

    /// The longest chain of dependent tasks by [`Plan::durations_ms`].
    pub fn critical_path(&self) -> Result<CriticalPath, GraphError> {
        Ok(self.dag()?.critical_path(&self.durations_ms()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::planned_task;

    fn task(number: usize, dependencies: &[usize], reads: &[usize]) -> PlannedTask {
        PlannedTask { dependencies: dependencies.to_vec(), reads: reads.to_vec(), ..planned_task(number) }
    }

    #[test]
    fn a_part_of_a_plan_keeps_its_order_through_what_is_left_out() {
        let tasks = vec![
            task(0, &[], &[]),
            task(1, &[0], &[0]),
            task(2, &[1], &[]),
            task(3, &[2], &[0, 2]),
            task(4, &[3], &[3]),
        ];
        let (document, environment) = ("prd".into(), "local".into());
        let plan = Plan { number: 1, document, revision: 1, environment, tasks };
        let part = plan.only(&[0, 3, 4]);
        let shown: Vec<_> =
            part.tasks.iter().map(|t| (t.id.as_str(), t.dependencies.clone(), t.reads.clone())).collect();
        let expected = [("t0", vec![], vec![]), ("t3", vec![0], vec![0]), ("t4", vec![1], vec![1])];
        assert_eq!(shown, expected);
        assert!(plan.only(&[]).tasks.is_empty());
        assert_eq!(plan.only(&[0, 1, 2, 3, 4]), plan);
    }
}
