//! `promote-env`: what is proved in one environment is run in another, and nothing else.

use super::contexts::{self, Acts, Ask, Finding};
use super::environments;
use super::error::AppError;
use super::ledger::{Ledger, LedgerError, TaskEvidence};
use super::plan::{self, Prepared, Request};
use super::run::{self, RunOptions, RunResult, Session};
use super::views;
use super::workspace::Workspace;
use crate::clock;
use crate::exec::ports::Observer;
use crate::report::view::{DiagnosticView, PromotionSide, PromotionTask, PromotionVerdict, PromotionView};
use std::collections::{BTreeSet, HashMap};
use taskmaster_core::diagnostic::{Severity, did_you_mean};
use taskmaster_core::id::{EnvironmentName, TaskId, TaskKey};
use taskmaster_core::plan::PlannedTask;
use taskmaster_core::promotion::{self, Pair, Promotion, Side};
use taskmaster_core::select::Selection;

/// Option of a run that names the environment in which its tasks were proved.
const PROMOTED_FROM: &str = "promoted-from";

/// What differs between two environments.
#[derive(Debug)]
pub struct Difference {
    /// For people.
    pub view: PromotionView,
    /// What runs, subtasks' parents that complete with them among it.
    pub chosen: BTreeSet<TaskId>,
}

impl Difference {
    /// Tasks that are executed.
    pub fn count(&self) -> usize {
        let runs = |task: &&PromotionTask| matches!(task.verdict, PromotionVerdict::Run { .. });
        self.view.tasks.iter().filter(runs).count()
    }
}

/// Looks: reads the ledger, writes nothing, executes nothing. `request` is about the second environment.
pub fn look(workspace: &Workspace, from: &str, request: &Request) -> Result<Difference, AppError> {
    let from = two(workspace, from, request)?;
    let Some(mut ledger) = workspace.ledger_if_any()? else {
        return Err(nothing_proved(&from, &[]));
    };
    let mut to = plan::prepare(workspace, &whole(request), Some(&mut ledger), false)?;
    difference(workspace, &mut ledger, &from, &mut to, request)
}

/// A promotion that is about to run, under the executor lease.
pub struct Promoting {
    session: Session,
    /// What is about to run.
    pub difference: Difference,
    from: EnvironmentName,
}

impl Promoting {
    /// Looks again, now that nothing else is executed.
    pub fn begin(
        workspace: &Workspace,
        from: &str,
        request: &Request,
        observer: &mut dyn Observer,
    ) -> Result<Self, AppError> {
        let from = two(workspace, from, request)?;
        let mut session = run::begin(workspace, &whole(request), observer)?;
        let mut ledger = workspace.ledger()?;
        let difference = difference(workspace, &mut ledger, &from, session.prepared_mut(), request)?;
        let ids = difference.chosen.iter().map(|id| id.as_str().to_owned());
        let selection = Selection { tasks: ids.collect(), ..Selection::default() };
        // The selection of a parent brings its other subtasks along.
        session.select(&Request { selection, ..request.clone() })?;
        session.keep(|task| difference.chosen.contains(&task.id));
        Ok(Self { session, difference, from })
    }

    /// The plan and all that it was made from.
    pub fn prepared(&self) -> &Prepared {
        self.session.prepared()
    }

    /// Executes it; signals stop it.
    pub fn execute(
        self,
        mut options: RunOptions,
        observer: &mut dyn Observer,
    ) -> Result<RunResult, AppError> {
        options.options.insert(PROMOTED_FROM.to_owned(), self.from.to_string());
        self.session.execute(&options, observer)
    }
}

fn whole(request: &Request) -> Request {
    Request { selection: Selection::default(), ..request.clone() }
}

/// The first environment, which must be another one than the second.
fn two(workspace: &Workspace, from: &str, request: &Request) -> Result<EnvironmentName, AppError> {
    let from = EnvironmentName::from(from);
    if workspace.environment(request.environment.as_deref()) == from {
        let message = format!("{from} is promoted to itself");
        return Err(AppError::usage(message, "name two environments: taskmaster promote-env FROM TO"));
    }
    Ok(from)
}

fn nothing_proved(from: &EnvironmentName, known: &[&str]) -> AppError {
    let near = did_you_mean(from.as_str(), known.iter().copied());
    let help = near.map_or_else(
        || format!("`taskmaster run --env {}` does it there first", shell_words::quote(from.as_str())),
        |near| format!("did you mean `{near}`?"),
    );
    AppError::usage(format!("nothing of this document was done in {from} yet"), help)
}

/// `to` is the plan of the whole document in the second environment; what runs stays in it.
fn difference(
    workspace: &Workspace,
    ledger: &mut Ledger,
    from: &EnvironmentName,
    to: &mut Prepared,
    request: &Request,
) -> Result<Difference, AppError> {
    environments::refuse_locked(ledger, &to.environment)?;
    // What was proved there was proved with the variables that it was given there.
    let asked = Request {
        environment: Some(from.as_str().to_owned()),
        vars: Default::default(),
        as_last_run: true,
        ..whole(request)
    };
    let there = plan::prepare(workspace, &asked, Some(ledger), false)?;
    if there.recorded.is_empty() {
        let known = ledger.environments()?;
        let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
        return Err(nothing_proved(from, &names));
    }
    if there.reading.text.digest != to.reading.text.digest {
        return Err(AppError::usage("the document changed while it was read", "repeat the command"));
    }
    let verdicts = compare(&there, to)?;
    let evidence =
        [ledger.evidence(&to.reading.id, from)?, ledger.evidence(&to.reading.id, &to.environment)?];
    let view = PromotionView {
        document: views::document(&to.reading, Some(to.recording.revision)),
        from: from.clone(),
        to: to.environment.clone(),
        tasks: tasks(&there, to, &verdicts, &evidence),
        warnings: Vec::new(),
    };
    let runs = |promotion: &Promotion| matches!(promotion, Promotion::Run { .. } | Promotion::Completes);
    let chosen: Vec<usize> = (0..verdicts.len()).filter(|place| runs(&verdicts[*place])).collect();
    to.plan = to.plan.only(&chosen);
    let chosen = to.plan.tasks.iter().map(|task| task.id.clone()).collect();
    let warnings = warnings(ledger, from, to)?;
    Ok(Difference { view: PromotionView { warnings, ..view }, chosen })
}

fn compare(from: &Prepared, to: &Prepared) -> Result<Vec<Promotion>, AppError> {
    let there: HashMap<&TaskId, &PlannedTask> = from.plan.tasks.iter().map(|t| (&t.id, t)).collect();
    let side = |prepared: &Prepared, task: &PlannedTask| Side::of(task, prepared.recorded.get(&task.key));
    // One document: what is planned in one environment is planned in the other.
    let pair = |task: &PlannedTask| Pair {
        from: side(from, there.get(&task.id).copied().unwrap_or(task)),
        to: side(to, task),
    };
    let pairs: Vec<Pair> = to.plan.tasks.iter().map(pair).collect();
    Ok(promotion::compare(&pairs, &to.plan.dag()?))
}

fn tasks(
    from: &Prepared,
    to: &Prepared,
    verdicts: &[Promotion],
    [there, here]: &[HashMap<TaskKey, TaskEvidence>; 2],
) -> Vec<PromotionTask> {
    let planned: HashMap<&TaskId, &PlannedTask> = from.plan.tasks.iter().map(|t| (&t.id, t)).collect();
    let side = |prepared: &Prepared, task: &PlannedTask, evidence: &HashMap<TaskKey, TaskEvidence>| {
        let found = evidence.get(&task.key);
        PromotionSide {
            standing: Side::of(task, prepared.recorded.get(&task.key)).standing,
            since: found.map(|found| found.since),
            run: found.and_then(|found| found.run.clone()),
            by: found.and_then(|found| found.by.clone()),
        }
    };
    let all = to.plan.tasks.iter().zip(verdicts);
    all.map(|(task, promotion)| PromotionTask {
        id: task.id.clone(),
        ordinal: task.ordinal.clone(),
        title: task.title.clone(),
        phase: task.phase.clone(),
        verdict: verdict(promotion, task, from, to),
        from: side(from, planned.get(&task.id).copied().unwrap_or(task), there),
        to: side(to, task, here),
    })
    .collect()
}

fn verdict(promotion: &Promotion, task: &PlannedTask, from: &Prepared, to: &Prepared) -> PromotionVerdict {
    match promotion.clone() {
        Promotion::Same => PromotionVerdict::Same,
        Promotion::Run { why } => PromotionVerdict::Run { why, asks: task.approval.clone() },
        Promotion::Completes => PromotionVerdict::Completes,
        Promotion::Ahead => PromotionVerdict::Ahead,
        Promotion::NotProved { why } => PromotionVerdict::NotProved { why },
        Promotion::OnlyIn { first, why, holds } => {
            let environment = if first { from.environment.clone() } else { to.environment.clone() };
            PromotionVerdict::OnlyIn { environment, why, holds }
        }
        Promotion::Person { why } => PromotionVerdict::Person { why },
        Promotion::HeldBack { by } => PromotionVerdict::HeldBack { by: to.plan.tasks[by].id.clone() },
    }
}

/// Findings about what would run, and that the first environment is locked, which hinders nothing.
fn warnings(ledger: &Ledger, from: &EnvironmentName, to: &Prepared) -> Result<Vec<DiagnosticView>, AppError> {
    let mut all = views::diagnostics(&to.catalogue_findings);
    all.retain(|diagnostic| diagnostic.severity > Severity::Note);
    let found = contexts::find(to, Acts::Run, Ask::Nobody);
    all.extend(found.iter().map(|finding: &Finding| DiagnosticView {
        help: Some(format!("a run wants --allow-context {}", finding.context)),
        ..about_no_place("production-context", Severity::Warning, finding.message())
    }));
    if let Some(lock) = ledger.lock(from, clock::now())? {
        let message = LedgerError::Locked { lock: Box::new(lock) }.to_string();
        all.push(about_no_place("environment-locked", Severity::Note, message));
    }
    Ok(all)
}

fn about_no_place(code: &str, severity: Severity, message: String) -> DiagnosticView {
    let (path, line, column, help) = (None, None, None, None);
    DiagnosticView { code: code.to_owned(), severity, message, path, line, column, help }
}
