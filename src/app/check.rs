//! Asks the checks of a plan outside of a run (`plan --check`, `drift`).

use super::error::AppError;
use super::ledger::IdGenerator;
use super::plan::Prepared;
use super::plan_view::Verdicts;
use super::ports::PlanRender;
use super::run::{no_runtime, settings};
use super::workspace::Workspace;
use crate::clock;
use crate::exec::{check, driver, stop::Stops};
use taskmaster_core::action::ActionKind;
use taskmaster_core::plan::{Disposition, PlannedTask};

/// The answers of all checks that a run would ask. Checks written in the document are never asked.
pub(crate) fn ask(workspace: &Workspace, prepared: &Prepared) -> Result<Verdicts, AppError> {
    let asked = |task: &&PlannedTask| {
        task.has_check && task.disposition == Disposition::Execute && task.kind != Some(ActionKind::Inline)
    };
    ask_these(workspace, prepared, prepared.plan.tasks.iter().filter(asked).cloned().collect())
}

/// The answers of the checks of these tasks, as many at a time as the project has jobs. Signals stop it.
pub(crate) fn ask_these(
    workspace: &Workspace,
    prepared: &Prepared,
    tasks: Vec<PlannedTask>,
) -> Result<Verdicts, AppError> {
    if tasks.is_empty() {
        return Ok(Verdicts::new());
    }
    let mut render = PlanRender::new(prepared);
    let settings = settings(workspace, IdGenerator::new().run(clock::now()));
    let folder = settings.state_dir.join("logs").join(settings.run.as_str());
    let runtime = driver::runtime().map_err(no_runtime)?;
    let verdicts = runtime.block_on(async {
        let stops = Stops::from_signals().map_err(no_runtime)?;
        let jobs = workspace.project.jobs();
        Ok::<_, AppError>(check::ask_all(&tasks, jobs, &mut render, settings, stops).await?)
    })?;
    // Where no check left a word nothing is left of the asking; a folder that holds something stays.
    let _ = std::fs::remove_dir(folder);
    let verdicts = verdicts.ok_or(AppError::Interrupted)?;
    Ok(tasks.into_iter().map(|task| task.id).zip(verdicts).collect())
}
