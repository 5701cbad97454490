//! Document and catalogue become a plan.

use crate::action::Binding;
use crate::diagnostic::Diagnostic;
use crate::document::Document;
use crate::id::{DocumentId, EnvironmentName, TaskId, TaskKey};
use crate::journal::Recorded;
use crate::plan::Plan;
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
    pub bindings: &'a BTreeMap<TaskId, Binding>,
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
}

/// A plan and what is worth saying about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The plan.
    pub plan: Plan,
    /// `unbound-task` warnings, in document order.
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
    /// A selected task that needs it.
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
    #[error("{} without a binding", .0.len())]
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
    /// Exit 2 unless `--with-dependencies`.
    #[error("the selection waits for {} outside it", .0.len())]
    UnmetDependencies(Vec<Unmet>),
    /// The ledger has no key for a task: a fault of the caller.
    #[error("task `{0}` has no key")]
    NoKey(TaskId),
}

/// Makes a plan. Pure: the same inputs give the same plan.
pub fn resolve(
    inputs: &Inputs<'_>,
    selection: &Selection,
    options: &ResolveOptions,
) -> Result<Resolved, ResolveError> {
    let _ = (selection, options);
    Ok(Resolved {
        plan: Plan {
            number: inputs.number,
            document: inputs.document_id.clone(),
            revision: inputs.revision,
            environment: inputs.environment.clone(),
            tasks: Vec::new(),
        },
        diagnostics: Vec::new(),
    })
}
