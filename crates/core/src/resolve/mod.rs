//! Document and catalogue become a plan.
//!
//! The order of reasons by which a task's disposition is found stands in `intent.rs`; which tasks are
//! in the plan, and what they wait for, in `closure.rs`; where the edges come from, in `graph.rs`.

mod closure;
mod graph;
mod intent;

use self::graph::Graph;
use self::intent::Intent;
use crate::action::{Bindings, Outputs};
use crate::diagnostic::{Diagnostic, Severity};
use crate::document::{Document, Task};
use crate::id::{DocumentId, EnvironmentName, TaskId, TaskKey};
use crate::journal::Recorded;
use crate::plan::{Disposition, Plan, PlannedTask};
use crate::select::{SelectError, Selection};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// What a plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// What is wanted.
    pub document: &'a Document,
    /// Identity of the document.
    pub document_id: &'a DocumentId,
    /// Its revision.
    pub revision: u64,
    /// Where it is done.
    pub environment: &'a EnvironmentName,
    /// Number of the plan to make.
    pub number: u64,
    /// How tasks are done there.
    pub bindings: &'a Bindings,
    /// The ledger's identities; every task of the document has one.
    pub keys: &'a BTreeMap<TaskId, TaskKey>,
    /// What earlier runs left behind in this environment.
    pub recorded: &'a HashMap<TaskKey, Recorded>,
}

/// Wishes of the person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResolveOptions {
    /// A task that nothing binds is an error.
    pub strict: bool,
    /// Marks in the document count for nothing.
    pub ignore_marks: bool,
    /// Cancelled and struck tasks are done too.
    pub include_cancelled: bool,
    /// Optional tasks are done too.
    pub include_optional: bool,
    /// Which tasks that were done before are decided anew.
    pub anew: Anew,
    /// The plan holds only what has work in it, what reads outputs of that, and what is to be recorded.
    pub work_only: bool,
}

/// Which tasks that were done before, by the action as it is now, are decided anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anew {
    /// All that have a check: it is asked.
    #[default]
    Checked,
    /// Those that drifted: their check said no since.
    Drifted,
    /// None.
    Nothing,
}

/// A plan and what is worth saying about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The plan.
    pub plan: Plan,
    /// Warnings about tasks that nothing binds, in document order.
    pub diagnostics: Vec<Diagnostic>,
}

/// One edge of a cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CycleEdge {
    /// The one that waits.
    pub task: TaskId,
    /// The one it waits for.
    pub dependency: TaskId,
    /// Line in the document, or place in the catalogue (`tasks/local.yaml:34`).
    pub place: String,
}

/// A dependency outside the selection that holds something back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unmet {
    /// The dependency.
    pub task: TaskId,
    /// Its title.
    pub title: String,
    /// The task that needs it: a selected one, or another unmet dependency.
    pub needed_by: TaskId,
    /// Why it does not let go on.
    pub reason: String,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ResolveError {
    /// Exit 11.
    #[error("tasks wait for each other")]
    Cycle(Vec<CycleEdge>),
    /// Under `--strict`: exit 12, one error diagnostic each.
    #[error("{} tasks without a binding", .0.len())]
    Unbound(Vec<Diagnostic>),
    /// A catalogue names a task that the document does not have: exit 12.
    #[error("{place}: `{task}` needs `{missing}`, which is no task of the document")]
    UnknownNeed {
        /// The task bound there.
        task: TaskId,
        /// What it names.
        missing: TaskId,
        /// Where.
        place: String,
        /// The nearest id.
        did_you_mean: Option<String>,
    },
    /// `--phase`, `--task` or `--from` names nothing, or more than one thing: exit 2.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// All that `--with-dependencies` would add, in document order: exit 2.
    #[error("the selection waits for {} tasks outside it", .0.len())]
    UnmetDependencies(Vec<Unmet>),
    /// The ledger has no key for a task: a fault of the caller.
    #[error("task `{0}` has no key")]
    NoKey(TaskId),
}

/// Makes a plan. Pure: the same inputs give the same plan.
///
/// A selected task never starts before the selected ones it waits for through tasks outside the
/// selection: those that are met pass their own dependencies on.
pub fn resolve(
    inputs: &Inputs<'_>,
    selection: &Selection,
    options: &ResolveOptions,
) -> Result<Resolved, ResolveError> {
    let keys = keys(inputs)?;
    let graph = Graph::new(inputs)?;
    let intents: Vec<Intent<'_>> = inputs
        .document
        .tasks
        .iter()
        .zip(&keys)
        .map(|(task, key)| Intent {
            task,
            binding: inputs.bindings.get(&task.id).map(Box::as_ref),
            recorded: inputs.recorded.get(*key),
            has_subtasks: graph.has_subtasks(task),
        })
        .collect();
    let dispositions: Vec<Disposition> = intents.iter().map(|intent| intent.disposition(options)).collect();
    let mut chosen = selection.members(inputs.document, &graph.dag)?;
    if options.work_only {
        let turns = turns(inputs, &graph, &intents, &dispositions);
        chosen.iter_mut().zip(turns).for_each(|(chosen, has_turn)| *chosen &= has_turn);
    }
    let unmet = closure::unmet(&graph.dag, &intents, &dispositions, &chosen);
    if selection.with_dependencies {
        unmet.iter().for_each(|found| chosen[found.task] = true);
    } else if !unmet.is_empty() {
        return Err(ResolveError::UnmetDependencies(listed(unmet, &intents, &dispositions)));
    }
    let diagnostics = unbound(&intents, &dispositions, &chosen, inputs.environment, options);
    if options.strict && !diagnostics.is_empty() {
        return Err(ResolveError::Unbound(diagnostics));
    }
    let settles: Vec<bool> =
        intents.iter().zip(&dispositions).map(|(intent, how)| intent.settles_at_once(how)).collect();
    let dependencies = closure::within(&graph.dag, &chosen, &settles);
    let mut tasks: Vec<PlannedTask> = chosen
        .iter()
        .enumerate()
        .filter(|(_, chosen)| **chosen)
        .zip(dependencies)
        .map(|((task, _), dependencies)| {
            intents[task].planned(keys[task].clone(), dispositions[task].clone(), dependencies)
        })
        .collect();
    tasks.shrink_to_fit();
    let tasks = with_reads(tasks, inputs);
    let plan = Plan {
        number: inputs.number,
        document: inputs.document_id.clone(),
        revision: inputs.revision,
        environment: inputs.environment.clone(),
        tasks,
    };
    Ok(Resolved { plan, diagnostics })
}

/// Tasks in which something is done or recorded, the parents of those, and what may have to be done again
/// as it reads their outputs, or files that they may change.
fn turns(
    inputs: &Inputs<'_>,
    graph: &Graph,
    intents: &[Intent<'_>],
    dispositions: &[Disposition],
) -> Vec<bool> {
    let mut turns: Vec<bool> =
        intents.iter().zip(dispositions).map(|(intent, how)| intent.has_turn(how)).collect();
    let place: HashMap<&TaskId, usize> =
        inputs.document.tasks.iter().enumerate().map(|(place, task)| (&task.id, place)).collect();
    let mut is_after_work = vec![false; turns.len()];
    // Dependencies come first in this order, and subtasks before their parents.
    for &task in graph.dag.order() {
        is_after_work[task] =
            graph.dag.dependencies(task).any(|before| turns[before] || is_after_work[before]);
        let binding = inputs.bindings.get(&inputs.document.tasks[task].id);
        let reads = binding.map_or(&[][..], |binding| &binding.awaits);
        let mut read = reads.iter().filter_map(|id| place.get(id));
        turns[task] |= read.any(|&read| turns[read]);
        turns[task] |= is_after_work[task] && intents[task].reads_files();
        if let (true, Some(parent)) = (turns[task], &inputs.document.tasks[task].parent)
            && let Some(&parent) = place.get(parent)
        {
            turns[parent] = true;
        }
    }
    turns
}

fn keys<'a>(inputs: &Inputs<'a>) -> Result<Vec<&'a TaskKey>, ResolveError> {
    let key = |task: &Task| inputs.keys.get(&task.id).ok_or_else(|| ResolveError::NoKey(task.id.clone()));
    inputs.document.tasks.iter().map(key).collect()
}

/// Names the tasks of the plan that each one reads outputs of.
fn with_reads(mut tasks: Vec<PlannedTask>, inputs: &Inputs<'_>) -> Vec<PlannedTask> {
    let place: HashMap<TaskId, usize> =
        tasks.iter().enumerate().map(|(place, task)| (task.id.clone(), place)).collect();
    let mut wanted = vec![false; tasks.len()];
    for task in &mut tasks {
        let awaits = inputs.bindings.get(&task.id).map_or(&[][..], |binding| &binding.awaits);
        task.reads = awaits.iter().filter_map(|read| place.get(read).copied()).collect();
        task.reads.sort_unstable();
        if task.has_work() {
            task.reads.iter().for_each(|read| wanted[*read] = true);
        }
    }
    for (task, wanted) in tasks.iter_mut().zip(wanted) {
        let action = inputs.bindings.get(&task.id).and_then(|binding| binding.action.as_ref());
        let of_its_run =
            action.is_some_and(|action| matches!(action.outputs, Some(Outputs::Json | Outputs::Lines)));
        let known = inputs.recorded.get(&task.key).is_some_and(|recorded| recorded.has_outputs);
        task.owes_outputs = wanted && of_its_run && !known;
    }
    tasks
}

fn listed(unmet: Vec<closure::Found>, intents: &[Intent<'_>], dispositions: &[Disposition]) -> Vec<Unmet> {
    let told = |found: closure::Found| Unmet {
        task: intents[found.task].task.id.clone(),
        title: intents[found.task].task.title.clone(),
        needed_by: intents[found.needed_by].task.id.clone(),
        reason: intents[found.task].why_unmet(&dispositions[found.task]),
    };
    unmet.into_iter().map(told).collect()
}

/// So many tasks are told of one by one; the next one tells of all others.
const MOST_TOLD: usize = 5;

/// Selected tasks that nothing binds, each with a finding of its own while they are few.
fn unbound(
    intents: &[Intent<'_>],
    dispositions: &[Disposition],
    chosen: &[bool],
    environment: &EnvironmentName,
    options: &ResolveOptions,
) -> Vec<Diagnostic> {
    let severity = if options.strict { Severity::Error } else { Severity::Warning };
    let found = intents.iter().zip(dispositions).zip(chosen).filter(|((intent, disposition), chosen)| {
        // A parent's own action is refused, too.
        let is_left = match disposition {
            Disposition::Manual => true,
            Disposition::Group => !intent.task.inline_actions.is_empty(),
            _ => false,
        };
        **chosen && intent.binding.is_none() && is_left
    });
    let has_action = |task: &&Task| !task.inline_actions.is_empty();
    let (refused, bare): (Vec<&Task>, Vec<&Task>) =
        found.map(|((intent, _), _)| intent.task).partition(has_action);
    let of_bare = |task: &Task, others: &str| {
        let message = format!("nothing binds `{}`{others} in the environment `{environment}`", task.id);
        let help = "a person has to do it (`taskmaster tasks set`), or bind it in `tasks/*.yaml`";
        Diagnostic::new(severity, "bind-unbound", task.span, message).help(help).in_source(task.source)
    };
    let of_refused = |task: &Task, others: &str| {
        let message = format!("the action of `{}`{others} stands in the document and is not run", task.id);
        let help = "read it, then allow it with `--allow-inline`, or bind the task in a catalogue";
        Diagnostic::new(severity, "bind-inline-refused", task.span, message).help(help).in_source(task.source)
    };
    let mut told = told_of(&bare, of_bare);
    told.extend(told_of(&refused, of_refused));
    told.sort_by_key(|found| (found.source, found.span.map(|span| span.start)));
    told
}

/// Findings of tasks, the last of which tells of those that have none of their own.
fn told_of(tasks: &[&Task], tell: impl Fn(&Task, &str) -> Diagnostic) -> Vec<Diagnostic> {
    let others = tasks.len().saturating_sub(MOST_TOLD + 1);
    let one = |(place, task): (usize, &&Task)| match others {
        1.. if place == MOST_TOLD => tell(task, &format!(" (and {others} more)")),
        _ => tell(task, ""),
    };
    tasks.iter().take(MOST_TOLD + 1).enumerate().map(one).collect()
}

#[cfg(test)]
mod tests;
