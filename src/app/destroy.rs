//! `destroy`: which work can be taken back, and taking it back in reverse order.

use super::contexts::{self, Acts};
use super::error::AppError;
use super::plan::{Prepared, Request};
use super::plan_view::{self, Past};
use super::ports::{LedgerJournal, PlanRender};
use super::report;
use super::run::{RunResult, Session, no_runtime, traced_settings};
use crate::exec::dry_run;
use crate::exec::ports::{Observer, Ports};
use crate::exec::stop::Stops;
use crate::exec::{destroy, driver};
use crate::report::view::{CommandLine, Intent, PlanView};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use taskmaster_core::action::{Action, Part};
use taskmaster_core::id::TaskId;
use taskmaster_core::plan::{Plan, PlannedTask};
use taskmaster_core::state::TaskState;

/// Tasks of the plan whose work can be taken back: they define an undo, and there is anything that
/// may have been done.
fn undoable(prepared: &Prepared, states: &HashMap<TaskId, TaskState>) -> Vec<usize> {
    let undo = |id: &TaskId| action(prepared, id).is_some_and(|action| !action.undo.is_empty());
    let done = |task: &PlannedTask| {
        let state = states.get(&task.id);
        state.is_some_and(|state| {
            !matches!(state, TaskState::Pending | TaskState::Skipped { .. } | TaskState::Cancelled)
        })
    };
    let tasks = prepared.plan.tasks.iter().enumerate();
    tasks.filter(|(_, task)| undo(&task.id) && done(task)).map(|(index, _)| index).collect()
}

fn action<'a>(prepared: &'a Prepared, id: &TaskId) -> Option<&'a Action> {
    prepared.bound.bindings.get(id)?.action.as_ref()
}

/// A destroy that was planned: what would be taken back, for the question.
pub struct Destroy {
    session: Session,
    /// The part of the plan that can be taken back.
    plan: Plan,
    states: Vec<TaskState>,
}

impl Destroy {
    /// Plans it, under the executor lease.
    pub fn begin(
        workspace: &super::workspace::Workspace,
        request: &Request,
        observer: &mut dyn Observer,
    ) -> Result<Self, AppError> {
        Self::of(super::run::begin(workspace, request, observer)?, None)
    }

    /// What of the session's plan can be taken back, of these tasks alone where some are named.
    pub(super) fn of(session: Session, named: Option<&BTreeSet<TaskId>>) -> Result<Self, AppError> {
        let by_id = session.states()?;
        let mut chosen = undoable(session.prepared(), &by_id);
        let tasks = &session.prepared().plan.tasks;
        chosen.retain(|task| named.is_none_or(|named| named.contains(&tasks[*task].id)));
        let plan = session.prepared().plan.only(&chosen);
        let states = plan.tasks.iter().map(|task| by_id.get(&task.id).cloned().unwrap_or_default()).collect();
        Ok(Self { session, plan, states })
    }

    /// What would be taken back, last first.
    pub fn view(&self) -> Result<PlanView, AppError> {
        let prepared = self.session.prepared();
        let mut view = plan_view::view(prepared, &Past::default(), None, true, 1)?;
        view.tasks.retain(|task| self.plan.tasks.iter().any(|planned| planned.id == task.id));
        for task in &mut view.tasks {
            task.intent = Intent::Undo;
            task.commands =
                action(prepared, &task.id).map(|action| lines(&task.id, action)).unwrap_or_default();
        }
        view.tasks.reverse();
        view.critical_path.clear();
        view.critical_path_ms = None;
        view.estimate = None;
        Ok(view)
    }

    /// True where there is nothing to take back.
    pub fn is_empty(&self) -> bool {
        self.plan.tasks.is_empty()
    }

    /// The ids of what would be taken back, in the order of the document.
    pub(super) fn tasks(&self) -> impl Iterator<Item = &TaskId> {
        self.plan.tasks.iter().map(|task| &task.id)
    }

    /// Takes it back; signals stop it. `options` are those of the run's history.
    pub fn execute(
        self,
        mut options: BTreeMap<String, String>,
        observer: &mut dyn Observer,
    ) -> Result<RunResult, AppError> {
        let Self { session, plan, states } = self;
        let (workspace, ledger, mut prepared, _lease) = session.into_parts();
        prepared.plan = plan;
        contexts::refuse(&prepared, Acts::Undo)?;
        let run = super::ledger::IdGenerator::new().run(crate::clock::now());
        let mut journal = LedgerJournal::new(ledger)?;
        let mut render = PlanRender::new(&prepared);
        let jobs = workspace.project.jobs();
        options.insert("destroy".to_owned(), "yes".to_owned());
        let settings = traced_settings(&workspace, run.clone(), options);
        let runtime = driver::runtime().map_err(no_runtime)?;
        let end = runtime.block_on(async {
            let stops = Stops::from_signals().map_err(no_runtime)?;
            let ports = Ports { journal: &mut journal, render: &mut render, observer };
            let plan = Arc::new(prepared.plan.clone());
            let by = super::tasks::person();
            Ok::<_, AppError>(destroy::run(plan, states, &by, jobs, ports, settings, stops).await?)
        })?;
        let ledger = journal.into_ledger();
        let evidence = ledger.evidence(&prepared.reading.id, &prepared.environment)?;
        let states = prepared.plan.tasks.iter().map(|task| super::views::state(&evidence, Some(&task.key)));
        let states: Vec<TaskState> = states.collect();
        let counts = report::count(&states);
        Ok(RunResult { run, end, counts, states, prepared, marks: None })
    }
}

fn lines(id: &TaskId, action: &Action) -> Vec<CommandLine> {
    let undo = dry_run::of_action(id, action).into_iter().filter(|line| line.part == Part::Undo);
    undo.map(|line| CommandLine { step: line.step, line: line.text }).collect()
}
