//! The view of a plan: what would run, what is known to be so, what is held back and why.

use super::contexts::{self, Acts, Ask, Finding};
use super::error::AppError;
use super::ledger::{Ledger, LedgerError, TaskEvidence};
use super::plan::{self, Prepared, Request};
use super::report::command_lines;
use super::views;
use super::workspace::Workspace;
use crate::clock;
use crate::report::view::{DiagnosticView, Durations, EstimateView, Intent, PlanTask, PlanView};
use std::collections::HashMap;
use taskmaster_core::dag::Dag;
use taskmaster_core::diagnostic::Severity;
use taskmaster_core::document::Task;
use taskmaster_core::estimate::{self, Work};
use taskmaster_core::id::{EnvironmentName, TaskId, TaskKey};
use taskmaster_core::journal::Verdict;
use taskmaster_core::plan::{Disposition, Plan, PlannedTask};
use taskmaster_core::state::TaskState;

/// What a task is taken to last where nothing is known.
const DEFAULT_DURATION_MS: u64 = 1_000;

/// Answers of checks that were asked for this plan.
pub type Verdicts = HashMap<TaskId, Verdict>;

/// What is known of the past.
#[derive(Debug, Default)]
pub struct Past {
    /// States by task.
    pub evidence: HashMap<TaskKey, TaskEvidence>,
    /// How long each task took when it last succeeded.
    pub durations: HashMap<TaskKey, Vec<u64>>,
}

/// Makes the view. `verdicts` holds answers where checks were asked (`--check`).
pub fn view(
    prepared: &Prepared,
    past: &Past,
    verdicts: Option<&Verdicts>,
    show_commands: bool,
    jobs: usize,
) -> Result<PlanView, AppError> {
    let evidence = &past.evidence;
    let expected =
        |task: &PlannedTask| past.durations.get(&task.key).and_then(|known| estimate::median(known));
    let plan = &prepared.plan;
    let document = prepared.document();
    let tasks = document.by_id();
    let mut intents: Vec<Intent> =
        plan.tasks.iter().map(|task| intent(task, evidence.get(&task.key), verdicts)).collect();
    let dag = plan.dag()?;
    hold_back(plan, &dag, &mut intents);
    let times: Vec<Option<u64>> = plan.tasks.iter().map(expected).collect();
    let durations: Vec<u64> = times.iter().zip(&intents).map(|(ms, intent)| cost(*ms, intent)).collect();
    let estimate = run_estimate(plan, &dag, &times, &intents, jobs);
    let task = |((planned, intent), expected_ms): ((&PlannedTask, Intent), Option<u64>)| PlanTask {
        expected_ms,
        ..plan_task(prepared, tasks.get(planned.id.as_str()).copied(), planned, intent)
    };
    let path = dag.critical_path(&durations);
    let busy = |index: &&usize| durations[**index] > 0;
    let measured = path.tasks.iter().filter(busy).all(|index| times[*index].is_some());
    let critical_path = path.tasks.iter().filter(busy).map(|index| plan.tasks[*index].id.clone()).collect();
    Ok(PlanView {
        document: views::document(&prepared.reading, Some(prepared.recording.revision)),
        environment: prepared.environment.clone(),
        number: None,
        checked: verdicts.is_some(),
        show_commands,
        phases: views::phases(document),
        tasks: plan.tasks.iter().zip(intents).zip(times.iter().copied()).map(task).collect(),
        critical_path,
        critical_path_ms: measured.then_some(path.duration_ms),
        estimate,
        warnings: warnings(prepared, verdicts),
    })
}

/// Plans and looks: reads the ledger, writes nothing, and executes nothing but checks where asked.
pub fn make(
    workspace: &Workspace,
    request: &Request,
    check: bool,
    show_commands: bool,
    jobs: Option<usize>,
) -> Result<(Prepared, PlanView), AppError> {
    let mut ledger = workspace.ledger_if_any()?;
    let prepared = plan::prepare(workspace, request, ledger.as_mut(), false)?;
    let (document, environment) = (&prepared.reading.id, &prepared.environment);
    let past = match &ledger {
        Some(ledger) => Past {
            evidence: ledger.evidence(document, environment)?,
            durations: ledger.durations(document, environment)?,
        },
        None => Past::default(),
    };
    let verdicts = check.then(|| super::check::ask(workspace, &prepared)).transpose()?;
    let jobs = jobs.unwrap_or_else(|| workspace.project.jobs());
    let mut view = view(&prepared, &past, verdicts.as_ref(), show_commands, jobs)?;
    // Without --check a plan asks no cluster anything: names alone are looked at.
    let ask = if check { Ask::Cluster } else { Ask::Nobody };
    let help = |finding: &Finding| format!("a run wants --allow-context {}", finding.context);
    view.warnings.extend(contexts::find(&prepared, Acts::Run, ask).iter().map(|finding| DiagnosticView {
        help: Some(help(finding)),
        ..warning("production-context", finding.message())
    }));
    if let Some(ledger) = &ledger {
        view.warnings.extend(locked(ledger, environment)?);
    }
    if let Some(pid) = plan::at_work(workspace)? {
        let message =
            format!("a run is at work (process {pid}); this plan is about what the next one would do");
        view.warnings.insert(0, warning("run-at-work", message));
    }
    Ok((prepared, view))
}

/// That a run would be refused where the environment is locked.
fn locked(ledger: &Ledger, environment: &EnvironmentName) -> Result<Option<DiagnosticView>, AppError> {
    let Some(lock) = ledger.lock(environment, clock::now())? else { return Ok(None) };
    let refusal = LedgerError::Locked { lock: Box::new(lock) };
    let help = refusal.help();
    Ok(Some(DiagnosticView { help, ..warning("environment-locked", refusal.to_string()) }))
}

/// Whether a run of this plan would do anything (`--detailed-exitcode`).
pub fn has_changes(view: &PlanView) -> bool {
    view.tasks.iter().any(|task| {
        matches!(
            task.intent,
            Intent::Run
                | Intent::Rerun { .. }
                | Intent::Manual
                | Intent::Blocked { .. }
                | Intent::Unknown { .. }
        )
    })
}

fn cost(expected_ms: Option<u64>, intent: &Intent) -> u64 {
    match intent {
        Intent::Run | Intent::Rerun { .. } | Intent::Blocked { .. } => {
            expected_ms.unwrap_or(DEFAULT_DURATION_MS).max(1)
        }
        _ => 0,
    }
}

/// How long the run would take. What waits for a person, or for what does, does not run.
fn run_estimate(
    plan: &Plan,
    dag: &Dag,
    times: &[Option<u64>],
    intents: &[Intent],
    jobs: usize,
) -> Option<EstimateView> {
    let work = |(intent, ms): (&Intent, &Option<u64>)| match intent {
        Intent::Run | Intent::Rerun { .. } => ms.map_or(Work::Unknown, Work::Known),
        _ => Work::Nothing,
    };
    let work: Vec<Work> = intents.iter().zip(times).map(work).collect();
    let lengths = dag.lengths_to_end(&plan.durations_ms());
    let urgency: Vec<_> = plan.tasks.iter().zip(lengths).map(|(task, ms)| (ms, task.priority)).collect();
    let found = estimate::of_run(dag, &work, &urgency, jobs)?;
    Some(EstimateView {
        jobs,
        duration_ms: found.duration_ms,
        at_least_ms: found.at_least_ms,
        tasks: found.tasks,
        measured: found.measured,
    })
}

fn intent(task: &PlannedTask, evidence: Option<&TaskEvidence>, verdicts: Option<&Verdicts>) -> Intent {
    match &task.disposition {
        Disposition::Execute => executed(task, evidence, verdicts),
        Disposition::Manual => Intent::Manual,
        Disposition::Group => Intent::Group,
        Disposition::Claimed => Intent::Claimed,
        Disposition::Recorded { .. } => Intent::Recorded { at: evidence.map(|found| found.since) },
        Disposition::Unknown { reason } => Intent::Unknown { reason: reason.clone() },
        Disposition::Skip { reason } => Intent::Skipped { reason: reason.clone() },
        Disposition::Cancelled => Intent::Cancelled,
    }
}

fn executed(task: &PlannedTask, evidence: Option<&TaskEvidence>, verdicts: Option<&Verdicts>) -> Intent {
    let ended = evidence.filter(|found| found.state.lets_dependants_go());
    if verdicts.and_then(|verdicts| verdicts.get(&task.id)) == Some(&Verdict::True) {
        return Intent::Satisfied;
    }
    let Some(found) = ended else {
        return match evidence.map(|found| &found.state) {
            Some(TaskState::Failed { .. }) => Intent::Rerun { reason: "it failed last time".to_owned() },
            _ => Intent::Run,
        };
    };
    if found.digest != task.digest {
        return Intent::Rerun { reason: "its action changed".to_owned() };
    }
    match verdicts.and_then(|verdicts| verdicts.get(&task.id)) {
        Some(Verdict::False) => Intent::Rerun { reason: "its check is false again".to_owned() },
        Some(Verdict::Error { .. }) => Intent::Rerun { reason: "its check cannot tell".to_owned() },
        Some(Verdict::True) | None => Intent::Recorded { at: Some(found.since) },
    }
}

/// Marks what cannot go on before a person did something else first.
fn hold_back(plan: &Plan, dag: &Dag, intents: &mut [Intent]) {
    let mut holder: Vec<Option<usize>> = vec![None; plan.tasks.len()];
    for &index in dag.order() {
        let dependencies = &plan.tasks[index].dependencies;
        let by = dependencies.iter().find_map(|d| match intents[*d] {
            Intent::Unknown { .. } | Intent::Manual => Some(*d),
            _ => holder[*d],
        });
        holder[index] = by;
        let Some(by) = by else { continue };
        if matches!(intents[index], Intent::Run | Intent::Rerun { .. }) {
            let reason = match &intents[by] {
                Intent::Unknown { .. } => "its end is unknown",
                _ => "a person does it first",
            };
            intents[index] = Intent::Blocked { by: plan.tasks[by].id.clone(), reason: reason.to_owned() };
        }
    }
}

fn plan_task(prepared: &Prepared, task: Option<&Task>, planned: &PlannedTask, intent: Intent) -> PlanTask {
    let binding = prepared.bound.bindings.get(&planned.id);
    let dependencies = planned.dependencies.iter().map(|index| prepared.plan.tasks[*index].id.clone());
    PlanTask {
        id: planned.id.clone(),
        ordinal: planned.ordinal.clone(),
        title: planned.title.clone(),
        phase: planned.phase.clone(),
        priority: planned.priority,
        line: planned.line,
        claim: task.map(|task| task.status).unwrap_or_default(),
        intent,
        kind: planned.kind,
        place: binding.map(|binding| binding.place.clone()),
        has_check: planned.has_check,
        has_verify: planned.has_verify,
        commands: binding
            .and_then(|binding| binding.action.as_ref())
            .map(|action| command_lines(&planned.id, action))
            .unwrap_or_default(),
        dependencies: dependencies.collect(),
        durations: Durations {
            estimate: task.and_then(|task| task.estimate.clone()),
            last_duration_ms: planned.last_duration_ms,
        },
        expected_ms: None,
        irreversible: planned.policy.irreversible,
    }
}

fn warnings(prepared: &Prepared, verdicts: Option<&Verdicts>) -> Vec<DiagnosticView> {
    let mut all = views::diagnostics(&prepared.reading.findings);
    all.extend(views::diagnostics(&prepared.binding_findings));
    all.extend(views::diagnostics(&prepared.catalogue_findings));
    all.retain(|diagnostic| diagnostic.severity > Severity::Note);
    let errors = verdicts.into_iter().flatten().filter_map(|(id, verdict)| match verdict {
        Verdict::Error { message } => Some((id, message)),
        _ => None,
    });
    let mut errors: Vec<_> = errors.collect();
    errors.sort();
    let told = |(id, message)| warning("check-error", format!("the check of `{id}` cannot tell: {message}"));
    all.extend(errors.into_iter().map(told));
    all
}

/// About no place in a file.
fn warning(code: &str, message: String) -> DiagnosticView {
    let (path, line, column, help) = (None, None, None, None);
    DiagnosticView { code: code.to_owned(), severity: Severity::Warning, message, path, line, column, help }
}
