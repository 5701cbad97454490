//! Settles what an executor that died left behind, before anything new is planned.

use super::error::AppError;
use super::ledger::{Attempt, IdGenerator, Ledger, LedgerError, RunSummary};
use super::plan::Prepared;
use super::ports::{LedgerJournal, PlanRender};
use super::run::{no_runtime, settings};
use super::workspace::Workspace;
use crate::clock;
use crate::exec::ports::{Observer, Ports};
use crate::exec::recovery::{self, Open};
use crate::exec::stop::Stops;
use crate::store::Durability;
use std::collections::{BTreeMap, HashMap};
use taskmaster_core::id::TaskKey;
use taskmaster_core::journal::Record;
use taskmaster_core::plan::PlannedTask;

/// Exit code that is recorded for a run whose executor died: as a shell tells of SIGKILL.
const DIED: i32 = 137;

/// What becomes of the lost undoing of a task that the document does not have any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gone {
    /// It is decided, though nobody can be asked: the task stays as it was.
    Decided,
    /// It is left to who plans where the task is known, and so can ask its check.
    Left,
}

/// A run whose end is not recorded, and the attempts that it left open.
#[derive(Debug)]
pub(crate) struct Unfinished {
    summary: RunSummary,
    open: Vec<Attempt>,
}

/// The runs of this document and environment whose end is not recorded. Under the lease nobody
/// works on them any more.
pub(crate) fn unfinished(ledger: &Ledger, prepared: &Prepared) -> Result<Vec<Unfinished>, AppError> {
    let mut runs = ledger.unfinished_runs()?;
    runs.retain(|run| run.document == prepared.reading.id && run.environment == prepared.environment);
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let mut open = ledger.open_attempts()?;
    let mut of = |summary: RunSummary| {
        let (ours, others) =
            std::mem::take(&mut open).into_iter().partition(|attempt| attempt.run == summary.id);
        open = others;
        Unfinished { summary, open: ours }
    };
    Ok(runs.into_iter().map(&mut of).collect())
}

/// Decides about every attempt that such runs left open, and records their end.
pub(crate) fn recover(
    workspace: &Workspace,
    mut ledger: Ledger,
    prepared: &Prepared,
    runs: &[Unfinished],
    gone: Gone,
    observer: &mut dyn Observer,
) -> Result<Ledger, AppError> {
    let today = by_key(&prepared.plan.tasks);
    let is_left = |run: &&Unfinished| {
        let undone_elsewhere = |attempt: &Attempt| attempt.undo && !today.contains_key(&attempt.key);
        gone == Gone::Left && run.open.iter().any(undone_elsewhere)
    };
    let runs: Vec<&Unfinished> = runs.iter().filter(|run| !is_left(run)).collect();
    let mut open: Vec<Open> = Vec::new();
    for run in &runs {
        open.extend(of_run(&ledger, prepared, &today, run)?);
    }
    let mut render = PlanRender::new(prepared);
    let mut journal = LedgerJournal::new(ledger)?;
    let runtime = crate::exec::driver::runtime().map_err(no_runtime)?;
    let settings = settings(workspace, IdGenerator::new().run(clock::now()));
    let recovered = runtime.block_on(async {
        for run in &runs {
            recovery::end_probes_of(run.summary.id.as_str()).await;
        }
        let stops = Stops::from_signals().map_err(no_runtime)?;
        let ports = Ports { journal: &mut journal, render: &mut render, observer };
        Ok::<_, AppError>(recovery::recover(open, ports, &settings, stops).await?)
    })?;
    if recovered.interrupted {
        return Err(AppError::Interrupted);
    }
    ledger = journal.into_ledger();
    let ended = runs.iter().map(|run| Record::RunEnded {
        run: run.summary.id.clone(),
        exit_code: DIED,
        counts: BTreeMap::new(),
    });
    ledger.commit(ended.collect(), clock::now(), Durability::Normal)?;
    Ok(ledger)
}

/// The open attempts of a run, each with its task as today's plan has it, else as the plan of its run had it.
fn of_run(
    ledger: &Ledger,
    prepared: &Prepared,
    today: &HashMap<&TaskKey, &PlannedTask>,
    run: &Unfinished,
) -> Result<Vec<Open>, LedgerError> {
    let was = match run.open.iter().all(|attempt| today.contains_key(&attempt.key)) {
        true => None,
        false => ledger.plan(&run.summary.id)?,
    };
    let was = was.as_ref().map(|plan| by_key(&plan.tasks)).unwrap_or_default();
    let of = |attempt: &Attempt| {
        let task = today.get(&attempt.key).or_else(|| was.get(&attempt.key))?;
        Some(of_attempt(prepared, run, attempt, (*task).clone()))
    };
    Ok(run.open.iter().filter_map(of).collect())
}

fn by_key(tasks: &[PlannedTask]) -> HashMap<&TaskKey, &PlannedTask> {
    tasks.iter().map(|task| (&task.key, task)).collect()
}

fn of_attempt(prepared: &Prepared, run: &Unfinished, attempt: &Attempt, task: PlannedTask) -> Open {
    let processes = attempt.process.iter().map(|p| (p.pid, p.start_ticks, p.boot_id.clone()));
    let known = prepared.recorded.get(&attempt.key);
    Open {
        attempt: attempt.id.clone(),
        run: attempt.run.clone(),
        undo: attempt.undo,
        started: attempt.started,
        log: attempt.log.clone(),
        processes: processes.collect(),
        task,
        digest: attempt.digest.clone(),
        document: run.summary.document.clone(),
        environment: run.summary.environment.clone(),
        state: known.map(|recorded| recorded.state.clone()).unwrap_or_default(),
    }
}
