//! `drift`: asks the checks of what was done, and remembers what is no longer so.
//!
//! Checks read only, so a run may be at work meanwhile: what it moved on while its check was asked is neither
//! recorded nor told.

use super::check;
use super::error::AppError;
use super::ledger::{Ledger, LedgerError, TaskEvidence};
use super::plan::{self, Prepared, Request};
use super::plan_view::Verdicts;
use super::report::command_lines;
use super::views;
use super::workspace::Workspace;
use crate::clock;
use crate::report::view::{
    CommandLine, DriftEnd, DriftEpisode, DriftFinding, DriftHistoryView, DriftTask, DriftView, Unasked,
};
use crate::store::Durability;
use jiff::Timestamp;
use std::collections::HashMap;
use taskmaster_core::action::ActionKind;
use taskmaster_core::dag::Dag;
use taskmaster_core::drift::{self, Change};
use taskmaster_core::id::{RunId, TaskId, TaskKey};
use taskmaster_core::journal::{Entry, Record, Verdict};
use taskmaster_core::plan::PlannedTask;
use taskmaster_core::resolve::ResolveError;
use taskmaster_core::select::Selection;
use taskmaster_core::state::TaskState;

/// So often a record is made anew after somebody moved on.
const TRIES: usize = 10;

/// Asks, records, and tells.
pub fn look(workspace: &Workspace, request: &Request) -> Result<DriftView, AppError> {
    let mut ledger = workspace.ledger()?;
    let prepared = plan::prepare(workspace, &as_last_run(request), Some(&mut ledger), false)?;
    let chosen = request.selection.members(prepared.document(), &prepared.plan.dag()?);
    let chosen = chosen.map_err(ResolveError::from)?;
    let verdicts = ask(workspace, &prepared, &chosen, request.allow_inline)?;
    let evidence = record(&mut ledger, &prepared, &verdicts)?;
    view(&prepared, &chosen, &verdicts, &evidence)
}

/// What is asked is what was run, with the variables of then; of the whole document, so that nothing that a part
/// of it waits for is missing.
fn as_last_run(request: &Request) -> Request {
    Request { as_last_run: true, selection: Selection::default(), ..request.clone() }
}

/// Asks the checks of the `chosen` tasks of a whole plan that were done by their actions of now. Checks written
/// in the document only where that is allowed.
pub(crate) fn ask(
    workspace: &Workspace,
    prepared: &Prepared,
    chosen: &[bool],
    allow_inline: bool,
) -> Result<Verdicts, AppError> {
    let asked = |(task, chosen): &(&PlannedTask, &bool)| {
        let may = allow_inline || task.kind != Some(ActionKind::Inline);
        **chosen && may && drift::is_asked(task, prepared.recorded.get(&task.key)).is_ok()
    };
    let tasks = prepared.plan.tasks.iter().zip(chosen).filter(asked).map(|(task, _)| task.clone());
    check::ask_these(workspace, prepared, tasks.collect())
}

/// Records what the answers change, and gives the evidence as it is then.
pub(crate) fn record(
    ledger: &mut Ledger,
    prepared: &Prepared,
    verdicts: &Verdicts,
) -> Result<HashMap<TaskKey, TaskEvidence>, AppError> {
    let (document, environment) = (&prepared.reading.id, &prepared.environment);
    let mut tries = 0;
    loop {
        let evidence = ledger.evidence(document, environment)?;
        let records: Vec<Record> = prepared
            .plan
            .tasks
            .iter()
            .filter_map(|task| change(prepared, task, &evidence, verdicts))
            .collect();
        tries += 1;
        match ledger.commit(records, clock::now(), Durability::Normal) {
            Ok(none) if none.is_empty() => return Ok(evidence),
            Ok(_) => return Ok(ledger.evidence(document, environment)?),
            Err(LedgerError::MovedOn { .. }) if tries < TRIES => {}
            Err(fault) => return Err(fault.into()),
        }
    }
}

/// The record that an answer makes, if the task still stands where it stood when it was asked.
fn change(
    prepared: &Prepared,
    task: &PlannedTask,
    evidence: &HashMap<TaskKey, TaskEvidence>,
    verdicts: &Verdicts,
) -> Option<Record> {
    let found = evidence.get(&task.key).filter(|found| still_stands(prepared, task, found))?;
    let (document, environment) = (prepared.reading.id.clone(), prepared.environment.clone());
    let (key, id) = (task.key.clone(), task.id.clone());
    Some(match drift::change(verdicts.get(&task.id)?, found.drifted.is_some())? {
        Change::Found => Record::DriftFound { document, environment, key, id, state_seq: found.seq },
        Change::Gone => Record::DriftGone { document, environment, key, id },
    })
}

/// True where nothing happened to the task since the plan was made.
fn still_stands(prepared: &Prepared, task: &PlannedTask, found: &TaskEvidence) -> bool {
    prepared.recorded.get(&task.key).is_some_and(|asked| asked.state_seq == found.seq)
}

fn view(
    prepared: &Prepared,
    chosen: &[bool],
    verdicts: &Verdicts,
    evidence: &HashMap<TaskKey, TaskEvidence>,
) -> Result<DriftView, AppError> {
    let plan = &prepared.plan;
    let dag = plan.dag()?;
    let mut unasked = Unasked::default();
    let mut tasks = Vec::new();
    for (place, planned) in plan.tasks.iter().enumerate().filter(|(place, _)| chosen[*place]) {
        match drift::is_asked(planned, prepared.recorded.get(&planned.key)) {
            Err(drift::Unasked::NotDone) => {}
            Err(drift::Unasked::NoCheck) => unasked.without_check += 1,
            Err(drift::Unasked::Changed) => unasked.changed += 1,
            Ok(()) => match (verdicts.get(&planned.id), evidence.get(&planned.key)) {
                (Some(verdict), Some(found)) if still_stands(prepared, planned, found) => {
                    tasks.push(told(prepared, &dag, place, verdict, found));
                }
                (None, _) => unasked.without_check += 1,
                _ => {}
            },
        }
    }
    let mut view = DriftView {
        generated: clock::now(),
        document: views::document(&prepared.reading, Some(prepared.recording.revision)),
        environment: prepared.environment.clone(),
        tasks,
        unasked,
        next: None,
        ordinals: plan.tasks.iter().map(|task| (task.id.clone(), task.ordinal.clone())).collect(),
    };
    let has_drifted = view.drifted().next().is_some();
    view.next = has_drifted.then(|| prepared.place.again());
    Ok(view)
}

fn told(prepared: &Prepared, dag: &Dag, place: usize, verdict: &Verdict, found: &TaskEvidence) -> DriftTask {
    let planned = &prepared.plan.tasks[place];
    let finding = match verdict {
        Verdict::True => DriftFinding::True,
        Verdict::False => DriftFinding::Drifted { since: found.drifted.unwrap_or_else(clock::now) },
        Verdict::Error { message } => DriftFinding::Error { message: message.clone() },
    };
    let behind = match finding {
        DriftFinding::True => Vec::new(),
        _ => behind(prepared, dag, place),
    };
    DriftTask {
        id: planned.id.clone(),
        ordinal: planned.ordinal.clone(),
        title: planned.title.clone(),
        phase: planned.phase.clone(),
        line: planned.line,
        kind: planned.kind,
        finding,
        done: found.since,
        run: found.run.clone(),
        check: check_lines(prepared, &planned.id),
        behind,
    }
}

/// All that comes after a task, in document order.
fn behind(prepared: &Prepared, dag: &Dag, place: usize) -> Vec<TaskId> {
    let after = dag.descendants([place]);
    let tasks = prepared.plan.tasks.iter().enumerate();
    tasks.filter(|(other, _)| after[*other] && *other != place).map(|(_, task)| task.id.clone()).collect()
}

fn check_lines(prepared: &Prepared, id: &TaskId) -> Vec<CommandLine> {
    let action = prepared.bound.bindings.get(id).and_then(|binding| binding.action.as_ref());
    let lines = action.map(|action| command_lines(id, action)).unwrap_or_default();
    lines.into_iter().filter(|line| line.step == "check").collect()
}

/// Times of drift that the ledger knows of, newest first.
pub fn history(workspace: &Workspace, request: &Request) -> Result<DriftHistoryView, AppError> {
    let mut ledger = workspace.ledger_if_any()?;
    let prepared = plan::prepare(workspace, &as_last_run(request), ledger.as_mut(), false)?;
    let mut episodes = Vec::new();
    if let Some(ledger) = &ledger {
        let entries = ledger.drift_entries(&prepared.reading.id, &prepared.environment)?;
        episodes = fold(&entries);
    }
    let document = prepared.document();
    let tasks = document.by_id();
    for episode in &mut episodes {
        episode.title = tasks.get(episode.id.as_str()).map(|task| task.title.clone());
    }
    episodes.sort_by_key(|episode| std::cmp::Reverse(episode.found));
    Ok(DriftHistoryView {
        generated: clock::now(),
        document: views::document(&prepared.reading, Some(prepared.recording.revision)),
        environment: prepared.environment.clone(),
        episodes,
    })
}

/// Times of drift from entries of drift and of states, oldest first.
fn fold(entries: &[Entry]) -> Vec<DriftEpisode> {
    let mut episodes: Vec<DriftEpisode> = Vec::new();
    let mut open: HashMap<TaskKey, usize> = HashMap::new();
    let end = |episodes: &mut [DriftEpisode], open: &mut HashMap<TaskKey, usize>, key: &TaskKey, how| {
        if let Some(place) = open.remove(key) {
            episodes[place].end = how;
        }
    };
    for Entry { at, record, .. } in entries {
        match record {
            Record::DriftFound { key, id, .. } => {
                open.insert(key.clone(), episodes.len());
                let end = DriftEnd::Open;
                episodes.push(DriftEpisode { id: id.clone(), title: None, found: *at, end });
            }
            Record::DriftGone { key, .. } => {
                end(&mut episodes, &mut open, key, DriftEnd::ByItself { at: *at });
            }
            Record::TaskState { key, to, run, .. } => {
                if let Some(how) = ended_by(to, *at, run.as_ref()) {
                    end(&mut episodes, &mut open, key, how);
                }
            }
            _ => {}
        }
    }
    episodes
}

/// The end of drift that a state is, in the same way as the ledger's projection has it.
fn ended_by(state: &TaskState, at: Timestamp, run: Option<&RunId>) -> Option<DriftEnd> {
    match state {
        TaskState::Completed | TaskState::Satisfied | TaskState::Claimed => {
            Some(DriftEnd::Repaired { at, run: run.cloned() })
        }
        TaskState::Pending | TaskState::Skipped { .. } | TaskState::Cancelled => {
            Some(DriftEnd::GivenUp { at })
        }
        _ => None,
    }
}
