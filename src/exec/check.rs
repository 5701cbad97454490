//! Asks checks outside of a run: for `plan --check`, and about what a dead executor left.

use super::driver::{make_folder, pick, question};
use super::http::Http;
use super::ports::{ExecError, Render, Settings};
use super::secret::{Vault, output_step, references_of_probe};
use super::steps::Context;
use super::stop::{Hurry, Stops};
use std::sync::Arc;
use taskmaster_core::action::{Probe, SecretRef, Step};
use taskmaster_core::id::TaskId;
use taskmaster_core::journal::{ProbeKind, Verdict};
use taskmaster_core::plan::PlannedTask;
use taskmaster_core::scheduler::Event;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// A probe and the steps that read sensitive outputs it refers to.
type Asked = (Probe, Vec<(TaskId, Step)>);

/// Asks one question of a task; a fault in asking is an error of the answer.
///
/// # Errors
/// The folder of the logs.
pub(super) async fn ask(
    task: &PlannedTask,
    kind: ProbeKind,
    render: &mut dyn Render,
    settings: Settings,
) -> Result<Verdict, ExecError> {
    make_folder(&settings.state_dir.join("logs").join(settings.run.as_str()))?;
    let (probe, sources) = match render_probe(task, kind, render) {
        Ok(asked) => asked,
        Err(message) => return Ok(Verdict::Error { message }),
    };
    let question = question(&settings, 0, task, kind, probe, sources);
    let (_nobody, wish) = watch::channel(Hurry::None);
    Ok(question.verdict(&context(settings), wish).await)
}

/// Asks the checks of all these tasks, at most `jobs` at a time; answers in the order of tasks.
/// None where a person did not want to wait.
///
/// # Errors
/// The folder of the logs.
pub async fn ask_all(
    tasks: &[PlannedTask],
    jobs: usize,
    render: &mut dyn Render,
    settings: Settings,
    mut stops: Stops,
) -> Result<Option<Vec<Verdict>>, ExecError> {
    make_folder(&settings.state_dir.join("logs").join(settings.run.as_str()))?;
    let mut verdicts: Vec<Option<Verdict>> = vec![None; tasks.len()];
    let cx = Arc::new(context(settings));
    let (hurry, wish) = watch::channel(Hurry::None);
    let mut work = JoinSet::new();
    let mut next = 0;
    loop {
        while next < tasks.len() && work.len() < jobs {
            match render_probe(&tasks[next], ProbeKind::Check, render) {
                Ok((probe, sources)) => {
                    let check = ProbeKind::Check;
                    let question = question(&cx.settings, next, &tasks[next], check, probe, sources);
                    work.spawn(question.ask(Arc::clone(&cx), wish.clone()));
                }
                Err(message) => verdicts[next] = Some(Verdict::Error { message }),
            }
            next += 1;
        }
        let ended = tokio::select! {
            biased;
            () = stops.next() => {
                let _ = hurry.send(Hurry::Stop);
                while work.join_next().await.is_some() {}
                return Ok(None);
            }
            ended = work.join_next() => ended,
        };
        match ended {
            Some(Ok(Event::ProbeEnded { task, verdict, .. })) => verdicts[task] = Some(verdict),
            Some(_) => return Err(ExecError::Internal("a check ended without an answer".to_owned())),
            None if next == tasks.len() => break,
            None => {}
        }
    }
    let unasked = || Verdict::Error { message: "it was not asked".to_owned() };
    Ok(Some(verdicts.into_iter().map(|verdict| verdict.unwrap_or_else(unasked)).collect()))
}

fn context(settings: Settings) -> Context {
    let (news, _unheard) = mpsc::unbounded_channel();
    Context { settings, vault: Vault::default(), http: Http::default(), news }
}

fn render_probe(task: &PlannedTask, kind: ProbeKind, render: &mut dyn Render) -> Result<Asked, String> {
    let mut action = |id: &TaskId| render.action(id).map_err(|fault| fault.message);
    let probe = pick(action(&task.id)?, kind).ok_or("there is no such question")?;
    let mut sources = Vec::new();
    for reference in references_of_probe(&probe) {
        if let SecretRef::Output(source, _) = reference {
            let step = output_step(&action(&source)?).cloned();
            sources.extend(step.map(|step| (source, step)));
        }
    }
    Ok((probe, sources))
}
