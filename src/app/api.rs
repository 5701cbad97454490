//! The Task Manager and Task Master calls as a library: parse a PRD, look at its tasks, set them,
//! execute one or a phase.
//!
//! ```
//! use taskmaster::api::{self, Context, Filter};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let prd = folder.path().join("prd.md");
//! std::fs::write(&prd, "## Phase 1: Infrastructure (Priority: High)\n\n- [ ] Make it\n- [ ] Use it\n")?;
//! std::fs::create_dir(folder.path().join("tasks"))?;
//! std::fs::write(
//!     folder.path().join("tasks/local.yaml"),
//!     "tasks:\n  infrastructure/make-it: {check: {file_exists: it}, run: {shell: 'echo made; touch it'}}\n",
//! )?;
//!
//! let project = api::open(folder.path())?;
//! let parsed = api::parse_prd(&project, &prd)?;
//! assert_eq!(parsed.tasks.len(), 2);
//!
//! let result = api::execute_task(&project, "make it", &Context::default())?;
//! assert!(result.success && result.output == "made\n" && result.attempts == 1);
//!
//! api::update_task_status(&project, "use it", "completed", Some("done by hand"))?;
//! let open = api::get_tasks(&project, &Filter { status: vec!["pending".into()], ..Filter::default() })?;
//! assert!(open.is_empty());
//!
//! let phase = api::execute_phase(&project, "infrastructure", &Context::default())?;
//! assert!(phase.success && phase.tasks_completed == 2 && phase.tasks_failed == 0);
//! # Ok(())
//! # }
//! ```

use super::plan::Request;
use super::run::{self, RunOptions, RunResult};
use super::workspace::ReadOptions;
use super::{logs, parse, report, tasks};
use crate::config::{Project, Settings};
use crate::exec::ports::Silent;
use crate::process::show::Follower;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use taskmaster_core::document::Document;
use taskmaster_core::id::TaskId;
use taskmaster_core::journal::Outcome;
use taskmaster_core::select::Selection;
use taskmaster_core::state::TaskState;

pub use super::error::AppError;
pub use super::tasks::Filter;
pub use super::workspace::Workspace;
pub use crate::report::view::TaskRow;

/// Where and with what tasks are executed.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Environment; the project's otherwise.
    pub environment: Option<String>,
    /// Variables for the catalogue.
    pub vars: BTreeMap<String, String>,
    /// Run unmet dependencies too, instead of refusing.
    pub with_dependencies: bool,
    /// Let actions written in the document run.
    pub allow_inline: bool,
}

/// What became of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionResult {
    /// Its address.
    pub task: TaskId,
    /// True where it is done, or nothing had to be done.
    pub success: bool,
    /// What its last attempt printed; empty where nothing ran.
    pub output: String,
    /// Why it is not done.
    pub error: Option<String>,
    /// Time of all its attempts in this run.
    pub duration: Duration,
    /// Attempts in this run; 0 where its check was true or it was left out.
    pub attempts: u32,
}

/// What became of a phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseResult {
    /// True where every task lets others go on.
    pub success: bool,
    /// Tasks that are completed (also satisfied or claimed).
    pub tasks_completed: usize,
    /// Tasks that failed.
    pub tasks_failed: usize,
    /// Each task, in the order of the document.
    pub results: Vec<ExecutionResult>,
}

/// Finds the project around `folder`.
///
/// # Errors
/// Its settings cannot be read.
pub fn open(folder: &Path) -> Result<Workspace, AppError> {
    let project = Project::find(folder, Settings::default(), &|name| std::env::var(name).ok())?;
    Ok(Workspace { project, working_dir: folder.to_owned(), known_as: None })
}

/// Reads a PRD and remembers it: metadata, phases, tasks, requirements and dependencies.
///
/// # Errors
/// The document cannot be read, or has errors.
pub fn parse_prd(project: &Workspace, prd_file_path: &Path) -> Result<Document, AppError> {
    let options = ReadOptions { document: Some(prd_file_path.to_owned()), ..ReadOptions::default() };
    let reading = project.read_sound(&options)?;
    parse::record(&mut project.ledger()?, &reading)?;
    Ok(reading.parsed.document)
}

/// Tasks of the project's document that pass the filters, with their states.
///
/// # Errors
/// No document is known, or a filter names nothing.
pub fn get_tasks(project: &Workspace, filters: &Filter) -> Result<Vec<TaskRow>, AppError> {
    Ok(tasks::list(project, &Request::default(), filters)?.tasks)
}

/// Sets a task by a person's word: `completed`, `pending`, `skipped` or `cancelled`. What runs and
/// what failed is decided by evidence alone, so `in_progress` and `failed` are refused.
///
/// # Errors
/// No such task or status, or the task's state does not allow it.
pub fn update_task_status(
    project: &Workspace,
    task_id: &str,
    status: &str,
    message: Option<&str>,
) -> Result<(), AppError> {
    let to = tasks::settable(status, message)?;
    tasks::set(project, &Request::default(), task_id, to, message.map(str::to_owned))?;
    Ok(())
}

/// Executes one task: check, run, verify, retries, as `taskmaster run --task` does.
///
/// # Errors
/// It cannot be planned, its dependencies are open, or another executor is at work. A task that
/// fails is a result, not an error.
pub fn execute_task(
    project: &Workspace,
    task_id: &str,
    context: &Context,
) -> Result<ExecutionResult, AppError> {
    let selection = Selection { tasks: vec![task_id.to_owned()], ..Selection::default() };
    let (result, request) = execute(project, selection, context)?;
    let document = result.prepared.document();
    let wanted = &document.tasks[taskmaster_core::select::find_task(document, task_id)?].id;
    let all = results(project, &request, &result)?;
    let found = all.into_iter().find(|result| result.task == *wanted);
    found.ok_or_else(|| AppError::usage(format!("{wanted} was not part of the run"), ""))
}

/// Executes the tasks of a phase in the order of their dependencies.
///
/// # Errors
/// As [`execute_task`].
pub fn execute_phase(
    project: &Workspace,
    phase_name: &str,
    context: &Context,
) -> Result<PhaseResult, AppError> {
    let selection = Selection { phases: vec![phase_name.to_owned()], ..Selection::default() };
    let (result, request) = execute(project, selection, context)?;
    let count = |wanted: fn(&TaskState) -> bool| result.states.iter().filter(|state| wanted(state)).count();
    Ok(PhaseResult {
        success: result.states.iter().all(TaskState::lets_dependants_go),
        tasks_completed: count(|s| {
            matches!(s, TaskState::Completed | TaskState::Satisfied | TaskState::Claimed)
        }),
        tasks_failed: count(|s| matches!(s, TaskState::Failed { .. })),
        results: results(project, &request, &result)?,
    })
}

fn execute(
    project: &Workspace,
    selection: Selection,
    context: &Context,
) -> Result<(RunResult, Request), AppError> {
    let request = Request {
        environment: context.environment.clone(),
        vars: context.vars.clone(),
        allow_inline: context.allow_inline,
        selection: Selection { with_dependencies: context.with_dependencies, ..selection },
        ..Request::default()
    };
    // A call of a library must come back: what waits for a person ends the run.
    let options = RunOptions { end_when_waiting: true, ..RunOptions::default() };
    let result = run::begin(project, &request, &mut Silent)?.execute(&options, &mut Silent)?;
    Ok((result, request))
}

fn results(
    project: &Workspace,
    request: &Request,
    result: &RunResult,
) -> Result<Vec<ExecutionResult>, AppError> {
    let evidence = report::gather(project, request, Some(result.run.as_str()))?;
    let tasks = evidence.prepared.document().by_id();
    let planned = result.prepared.plan.tasks.iter().zip(&result.states);
    planned
        .map(|(planned, state)| {
            let attempts = tasks.get(planned.id.as_str()).map(|task| evidence.task(task).attempts);
            let attempts = attempts.unwrap_or_default();
            let ms = attempts.iter().filter_map(|attempt| attempt.duration_ms).sum();
            let failure = attempts.last().and_then(|attempt| match &attempt.end {
                Some(Outcome::Failed { message, .. }) => Some(message.clone()),
                _ => None,
            });
            let success = state.lets_dependants_go();
            Ok(ExecutionResult {
                task: planned.id.clone(),
                success,
                output: if attempts.is_empty() {
                    String::new()
                } else {
                    output(project, request, &planned.id)?
                },
                error: (!success).then(|| why(state, failure)),
                duration: Duration::from_millis(ms),
                attempts: u32::try_from(attempts.len()).unwrap_or(u32::MAX),
            })
        })
        .collect()
}

fn why(state: &TaskState, failure: Option<String>) -> String {
    match state {
        TaskState::Failed { reason } => failure.unwrap_or_else(|| reason.clone()),
        TaskState::Unknown { reason } => reason.clone(),
        TaskState::Blocked { by } => format!("blocked by {by}"),
        state => format!("it is {}", state.name()),
    }
}

fn output(project: &Workspace, request: &Request, task: &TaskId) -> Result<String, AppError> {
    let log = logs::find(project, request, task.as_str(), None)?;
    let fault = |source| AppError::Io { path: log.path.clone(), source };
    let mut follower = Follower::new(&log.path);
    let mut text = String::new();
    loop {
        let more = follower.read().map_err(fault)?;
        if more.is_empty() {
            return Ok(text);
        }
        text.push_str(&more);
    }
}
