//! Edges of the document and of the catalogue, as one graph.

use super::{CycleEdge, Inputs, ResolveError};
use crate::action::Binding;
use crate::dag::{Dag, GraphError};
use crate::diagnostic::did_you_mean;
use crate::document::{EdgeKind, Task};
use crate::id::TaskId;
use std::collections::{HashMap, HashSet};

/// The graph of all tasks of a document, by index.
pub(super) struct Graph<'a> {
    pub(super) dag: Dag,
    parents: HashSet<&'a str>,
}

impl<'a> Graph<'a> {
    /// Edges of the document, `needs` and awaited outputs of the catalogue. A cycle, which only the
    /// catalogue can bring in (the parser admits none), is told edge by edge.
    pub(super) fn new(inputs: &Inputs<'a>) -> Result<Self, ResolveError> {
        let tasks = &inputs.document.tasks;
        let index: HashMap<&str, usize> =
            tasks.iter().enumerate().map(|(i, task)| (task.id.as_str(), i)).collect();
        let mut dependencies: Vec<Vec<usize>> = vec![Vec::new(); tasks.len()];
        let mut add = |task: &TaskId, dependency: &TaskId| {
            if let (Some(&task), Some(&dependency)) =
                (index.get(task.as_str()), index.get(dependency.as_str()))
            {
                dependencies[task].push(dependency);
            }
        };
        for edge in &inputs.document.edges {
            add(&edge.task, &edge.dependency);
        }
        for task in tasks {
            task.dependencies.iter().for_each(|dependency| add(&task.id, dependency));
            // A parent ends after its subtasks, whoever made the document.
            task.parent.iter().for_each(|parent| add(parent, &task.id));
        }
        for binding in tasks.iter().filter_map(|task| inputs.bindings.get(&task.id)) {
            for need in binding.needs.iter().chain(&binding.awaits) {
                if !index.contains_key(need.as_str()) {
                    return Err(unknown_need(binding, need, tasks));
                }
                add(&binding.task, need);
            }
        }
        let parents = tasks.iter().filter_map(|task| task.parent.as_ref()).map(TaskId::as_str).collect();
        match Dag::new(&dependencies) {
            Ok(dag) => Ok(Self { dag, parents }),
            Err(GraphError::Cycle(cycle)) => Err(ResolveError::Cycle(told(inputs, &cycle))),
            // Every index comes from the tasks themselves.
            Err(GraphError::NoSuchTask { task, .. }) => Err(ResolveError::Cycle(told(inputs, &[task]))),
        }
    }

    pub(super) fn has_subtasks(&self, task: &Task) -> bool {
        self.parents.contains(task.id.as_str())
    }
}

fn unknown_need(binding: &Binding, need: &TaskId, tasks: &[Task]) -> ResolveError {
    let nearest = did_you_mean(need.as_str(), tasks.iter().map(|task| task.id.as_str()));
    ResolveError::UnknownNeed {
        task: binding.task.clone(),
        missing: need.clone(),
        place: binding.place.clone(),
        did_you_mean: nearest.map(ToOwned::to_owned),
    }
}

fn told(inputs: &Inputs<'_>, cycle: &[usize]) -> Vec<CycleEdge> {
    let tasks = &inputs.document.tasks;
    let next = cycle.iter().cycle().skip(1);
    let told = |(&task, &dependency): (&usize, &usize)| {
        let (task, dependency) = (&tasks[task], &tasks[dependency]);
        let place = place(inputs, task, dependency);
        CycleEdge { task: task.id.clone(), dependency: dependency.id.clone(), place }
    };
    cycle.iter().zip(next).map(told).collect()
}

/// Where the edge is written. One that somebody wrote explains more than one that follows from the
/// order of the document.
fn place(inputs: &Inputs<'_>, task: &Task, dependency: &Task) -> String {
    let edges = inputs.document.edges.iter();
    let edge = edges
        .filter(|edge| edge.task == task.id && edge.dependency == dependency.id)
        .min_by_key(|edge| edge.kind);
    let binding = inputs.bindings.get(&task.id);
    let bound = binding
        .filter(|binding| binding.needs.iter().chain(&binding.awaits).any(|need| *need == dependency.id));
    match (edge, bound) {
        (Some(edge), _) if edge.kind == EdgeKind::Explicit => format!("line {}", edge.line),
        (_, Some(binding)) => binding.place.clone(),
        (Some(edge), None) => match edge.kind {
            EdgeKind::Explicit => format!("line {}", edge.line),
            EdgeKind::Child => format!("line {} (subtask)", edge.line),
            EdgeKind::Order => format!("line {} (document order)", edge.line),
            EdgeKind::Barrier => format!("line {} (order of phases)", edge.line),
        },
        (None, None) => format!("line {}", task.line),
    }
}
