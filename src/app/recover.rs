//! Settles what an executor that died left behind, before anything new is planned.

use super::error::AppError;
use super::ledger::{Attempt, IdGenerator, Ledger, RunDetail};
use super::plan::Prepared;
use super::ports::{LedgerJournal, PlanRender};
use super::run::{no_runtime, settings};
use super::workspace::Workspace;
use crate::clock;
use crate::exec::ports::{Observer, Ports};
use crate::exec::recovery::{self, Open};
use crate::exec::stop::Stops;
use crate::store::Durability;
use std::collections::{BTreeMap, HashSet};
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

/// The runs of this document and environment whose end is not recorded. Under the lease nobody
/// works on them any more.
pub(crate) fn unfinished(ledger: &Ledger, prepared: &Prepared) -> Result<Vec<RunDetail>, AppError> {
    let ours = ledger
        .unfinished_runs()?
        .into_iter()
        .filter(|run| run.document == prepared.reading.id && run.environment == prepared.environment);
    let mut details = Vec::new();
    for run in ours {
        details.extend(ledger.run(&run.id)?);
    }
    Ok(details)
}

/// Decides about every attempt that such runs left open, and records their end.
pub(crate) fn recover(
    workspace: &Workspace,
    mut ledger: Ledger,
    prepared: &Prepared,
    runs: &[RunDetail],
    gone: Gone,
    observer: &mut dyn Observer,
) -> Result<Ledger, AppError> {
    let known: HashSet<&TaskKey> = prepared.plan.tasks.iter().map(|task| &task.key).collect();
    let is_left = |run: &&RunDetail| {
        let undone_elsewhere =
            |attempt: &Attempt| attempt.end.is_none() && attempt.undo && !known.contains(&attempt.key);
        gone == Gone::Left && run.attempts.iter().any(undone_elsewhere)
    };
    let runs: Vec<&RunDetail> = runs.iter().filter(|run| !is_left(run)).collect();
    let evidence = ledger.evidence(&prepared.reading.id, &prepared.environment)?;
    let open: Vec<Open> = runs
        .iter()
        .flat_map(|run| run.attempts.iter().filter(|attempt| attempt.end.is_none()).map(move |a| (run, a)))
        .filter_map(|(run, attempt)| {
            let state = evidence.get(&attempt.key).map(|found| found.state.clone()).unwrap_or_default();
            Some(Open { state, ..of_attempt(run, attempt, planned(prepared, run, attempt)?) })
        })
        .collect();
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

/// The task as today's plan has it, else as the plan of its run had it.
fn planned<'a>(prepared: &'a Prepared, run: &'a RunDetail, attempt: &Attempt) -> Option<&'a PlannedTask> {
    let of = |tasks: &'a [PlannedTask]| tasks.iter().find(|task| task.key == attempt.key);
    of(&prepared.plan.tasks).or_else(|| of(&run.plan.tasks))
}

fn of_attempt(run: &RunDetail, attempt: &Attempt, task: &PlannedTask) -> Open {
    let processes = attempt.process.iter().map(|p| (p.pid, p.start_ticks, p.boot_id.clone()));
    Open {
        attempt: attempt.id.clone(),
        run: attempt.run.clone(),
        undo: attempt.undo,
        started: attempt.started,
        log: attempt.log.clone(),
        processes: processes.collect(),
        task: task.clone(),
        digest: attempt.digest.clone(),
        document: run.summary.document.clone(),
        environment: run.summary.environment.clone(),
        state: Default::default(),
    }
}
