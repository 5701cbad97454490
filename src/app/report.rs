//! `report` and `history`: what the ledger proves about a document in one environment.

use super::error::AppError;
use super::ledger::{Attempt, Ledger, ProbeAnswer, RunDetail, RunFilter, RunSummary, TaskEvidence};
use super::plan::{self, Prepared, Request};
use super::rollouts::story;
use super::sync;
use super::views;
use super::way_on::way_on;
use super::workspace::Workspace;
use crate::clock;
use crate::exec::dry_run;
use crate::report::view::{
    Approval, AttemptView, CommandLine, Durations, HistoryView, ProbeView, Proof, ProofKind, ReportTask,
    ReportView, RequirementView, RolloutView, SyncView,
};
use crate::store::ExecutorLease;
use std::collections::{BTreeMap, HashMap};
use taskmaster_core::action::{Action, ActionKind, Part, Policy};
use taskmaster_core::document::{Document, Task};
use taskmaster_core::id::{RunId, TaskId, TaskKey};
use taskmaster_core::journal::{OutputValue, ProbeKind, Verdict};
use taskmaster_core::plan::{Disposition, PlannedTask};
use taskmaster_core::retry::as_expected;
use taskmaster_core::select;
use taskmaster_core::state::TaskState;

/// Everything the ledger knows about one document in one environment, read once.
pub struct Evidence {
    /// Document, catalogue and plan of today.
    pub prepared: Prepared,
    /// States by task.
    pub states: HashMap<TaskKey, TaskEvidence>,
    /// Runs, newest first.
    pub runs: Vec<RunSummary>,
    /// The run that is shown.
    pub run: Option<RunDetail>,
    /// The run at work.
    pub live: Option<RunId>,
    /// Rollouts of this machine that belong to the shown run, else the last releases.
    pub rollouts: Vec<RolloutView>,
    /// The sync of the document in this environment.
    pub sync: Option<SyncView>,
    outputs: HashMap<TaskKey, BTreeMap<String, OutputValue>>,
    /// Places of tasks in the plan.
    places: HashMap<TaskId, usize>,
    /// What the shown run did about each task.
    done: HashMap<TaskKey, Done>,
}

/// What a run did about one task, as places in [`RunDetail`].
#[derive(Clone, Debug, Default)]
struct Done {
    attempts: Vec<usize>,
    probes: Vec<usize>,
    approvals: Vec<usize>,
    /// Delays in milliseconds before attempts, by their number.
    delays: HashMap<u32, u64>,
}

/// Groups once, so that a report of many tasks looks at each record once.
fn group(run: &RunDetail) -> HashMap<TaskKey, Done> {
    let mut done: HashMap<TaskKey, Done> = HashMap::new();
    let mut of =
        |key: &TaskKey, change: &mut dyn FnMut(&mut Done)| change(done.entry(key.clone()).or_default());
    for (place, attempt) in run.attempts.iter().enumerate() {
        of(&attempt.key, &mut |done| done.attempts.push(place));
    }
    for (place, probe) in run.probes.iter().enumerate() {
        of(&probe.key, &mut |done| done.probes.push(place));
    }
    for (place, approval) in run.approvals.iter().enumerate() {
        of(&approval.key, &mut |done| done.approvals.push(place));
    }
    for retry in &run.retries {
        of(&retry.key, &mut |done| {
            done.delays.entry(retry.attempt).or_insert(retry.delay_ms);
        });
    }
    done
}

/// Reads the evidence. `run` names a run by its id or the end of it; the newest otherwise.
pub fn gather(workspace: &Workspace, request: &Request, run: Option<&str>) -> Result<Evidence, AppError> {
    let mut ledger = workspace.ledger_if_any()?;
    let whole = Request { selection: Default::default(), as_last_run: true, ..request.clone() };
    let prepared = plan::prepare(workspace, &whole, ledger.as_mut(), false)?;
    let planned = prepared.plan.tasks.iter().enumerate();
    let places = planned.map(|(place, task)| (task.id.clone(), place)).collect();
    let Some(ledger) = ledger else {
        let (states, outputs, done) = Default::default();
        return Ok(Evidence {
            prepared,
            states,
            runs: Vec::new(),
            run: None,
            live: None,
            rollouts: Vec::new(),
            sync: None,
            outputs,
            places,
            done,
        });
    };
    let (document, environment) = (&prepared.reading.id, &prepared.environment);
    let filter = RunFilter {
        document: Some(document.clone()),
        environment: Some(environment.clone()),
        ..RunFilter::default()
    };
    let runs = ledger.runs(&filter)?;
    let shown = choose(&runs, run)?;
    let detail = shown.map_or(Ok(None), |id| ledger.run(&id))?;
    Ok(Evidence {
        states: ledger.evidence(document, environment)?,
        outputs: ledger.outputs(document, environment)?,
        live: live_run(workspace, &ledger)?,
        done: detail.as_ref().map(group).unwrap_or_default(),
        rollouts: rollouts(&ledger, detail.as_ref().map(|detail| &detail.summary))?,
        sync: sync::status::of_document(&ledger, &workspace.project.state_dir, document, environment)?,
        run: detail,
        runs,
        places,
        prepared,
    })
}

fn choose(runs: &[RunSummary], named: Option<&str>) -> Result<Option<RunId>, AppError> {
    let Some(name) = named else { return Ok(runs.first().map(|run| run.id.clone())) };
    let found: Vec<_> = runs.iter().filter(|run| run.id.as_str().ends_with(&name.to_uppercase())).collect();
    match found.as_slice() {
        [only] => Ok(Some(only.id.clone())),
        [] => Err(AppError::usage(format!("no run `{name}` here"), "`taskmaster history` lists them")),
        _ => Err(AppError::usage(format!("several runs end with `{name}`"), "give more of it")),
    }
}

/// The run that an executor works on right now.
pub fn live_run(workspace: &Workspace, ledger: &Ledger) -> Result<Option<RunId>, AppError> {
    let Some(holder) = ExecutorLease::current(&workspace.project.state_dir)? else { return Ok(None) };
    let open = ledger.unfinished_runs()?;
    Ok(open.into_iter().rev().find(|run| run.pid == holder.pid).map(|run| run.id))
}

/// The view of `taskmaster report`.
pub fn view(evidence: &Evidence) -> ReportView {
    let reading = &evidence.prepared.reading;
    let document = evidence.prepared.document();
    let mut diagnostics = views::diagnostics(&reading.findings);
    diagnostics.extend(views::diagnostics(&evidence.prepared.binding_findings));
    diagnostics.extend(views::diagnostics(&evidence.prepared.catalogue_findings));
    let live = |run: &RunSummary| evidence.live.as_ref() == Some(&run.id);
    ReportView {
        generated: clock::now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        document: views::document(reading, Some(evidence.prepared.recording.revision)),
        environment: evidence.prepared.environment.clone(),
        run: evidence.run.as_ref().map(|run| run.summary.id.clone()),
        runs: evidence.runs.iter().map(|run| views::run(run, live(run))).collect(),
        phases: views::phases(document),
        tasks: document.tasks.iter().map(|task| evidence.task(task)).collect(),
        edges: views::edges(document, &evidence.prepared.bound.bindings),
        requirements: requirements(document),
        rollouts: evidence.rollouts.clone(),
        sync: evidence.sync.clone(),
        diagnostics,
    }
}

/// More rollouts than this are a list that nobody reads.
const MOST_ROLLOUTS: usize = 24;

/// Releases that are shown where the run had none.
const LAST_ROLLOUTS: usize = 8;

/// What a report shows of rollouts: those that were under way while the run was, else the last ones.
fn rollouts(ledger: &Ledger, run: Option<&RunSummary>) -> Result<Vec<RolloutView>, AppError> {
    let releases = story::releases(&ledger.rollouts()?, clock::now());
    let belongs = |view: &RolloutView, run: &RunSummary| {
        let began = view.started.is_some_and(|at| run.ended.is_none_or(|ended| at <= ended));
        began && view.ended.is_none_or(|ended| ended >= run.started)
    };
    let views = || releases.iter().map(|release| &release.view);
    let mut shown: Vec<RolloutView> =
        run.map(|run| views().filter(|view| belongs(view, run)).cloned().collect()).unwrap_or_default();
    if shown.is_empty() {
        shown = views().skip(releases.len().saturating_sub(LAST_ROLLOUTS)).cloned().collect();
    }
    shown.drain(..shown.len().saturating_sub(MOST_ROLLOUTS));
    Ok(shown)
}

/// The view of `taskmaster history`: the newest `limit` runs, of those that had an attempt at `task`.
pub fn history(
    workspace: &Workspace,
    request: &Request,
    task: Option<&str>,
    limit: usize,
) -> Result<HistoryView, AppError> {
    let evidence = gather(workspace, request, None)?;
    let document = evidence.prepared.document();
    let task = task.map(|name| select::find_task(document, name)).transpose()?;
    let key = task.and_then(|index| evidence.prepared.recording.keys.get(&document.tasks[index].id));
    let touched = match (key, workspace.ledger_if_any()?) {
        (Some(key), Some(ledger)) => Some(ledger.runs_at(key)?),
        _ => None,
    };
    let is_touched = |run: &&RunSummary| touched.as_ref().is_none_or(|runs| runs.contains(&run.id));
    let runs = evidence.runs.iter().filter(is_touched).take(limit);
    let runs = runs.map(|run| views::run(run, evidence.live.as_ref() == Some(&run.id))).collect();
    Ok(HistoryView {
        generated: clock::now(),
        document: views::document(&evidence.prepared.reading, Some(evidence.prepared.recording.revision)),
        runs,
    })
}

/// Requirements with the tasks that name them, directly or by their section.
pub fn requirements(document: &Document) -> Vec<RequirementView> {
    let mut tasks: HashMap<&str, Vec<TaskId>> = HashMap::new();
    for task in &document.tasks {
        for requirement in &task.requirements {
            tasks.entry(requirement).or_default().push(task.id.clone());
        }
    }
    let view = |requirement: &taskmaster_core::document::Requirement| RequirementView {
        id: requirement.id.clone(),
        title: requirement.title.clone(),
        heading: requirement.heading.clone(),
        claim: requirement.status,
        line: requirement.line,
        tasks: tasks.get(requirement.id.as_str()).cloned().unwrap_or_default(),
    };
    document.requirements.iter().map(view).collect()
}

impl Evidence {
    /// The planned task of this address.
    pub fn planned(&self, id: &TaskId) -> Option<&PlannedTask> {
        self.places.get(id).map(|place| &self.prepared.plan.tasks[*place])
    }

    /// Everything about one task.
    pub fn task(&self, task: &Task) -> ReportTask {
        let key = self.prepared.recording.keys.get(&task.id);
        let found = key.and_then(|key| self.states.get(key));
        let binding = self.prepared.bound.bindings.get(&task.id);
        let action = binding.and_then(|binding| binding.action.as_ref());
        let done = key.and_then(|key| self.done.get(key)).cloned().unwrap_or_default();
        let probes = self.probes(&done);
        ReportTask {
            id: task.id.clone(),
            key: key.cloned(),
            ordinal: task.ordinal.clone(),
            title: task.title.clone(),
            phase: task.phase.clone(),
            parent: task.parent.clone(),
            matrix: task.matrix.clone(),
            priority: task.priority,
            tags: task.tags.clone(),
            owner: task.owner.clone(),
            line: task.line,
            claim: task.status,
            state: found.map(|found| found.state.clone()).unwrap_or_default(),
            since: found.map(|found| found.since),
            drifted: found.filter(|found| found.state.lets_dependants_go()).and_then(|found| found.drifted),
            proof: found.and_then(|found| self.proof(found, action, &probes, &done)),
            kind: action.map(|action| action.kind),
            commands: action.map(|action| command_lines(&task.id, action)).unwrap_or_default(),
            digest: found.and_then(|found| found.digest.clone()),
            attempts: self.attempts(&done, &task.id),
            probes,
            approvals: self.approvals(&done),
            next: found
                .and_then(|found| way_on(&self.prepared.place, &task.id, &found.state, self.live.is_some())),
            outputs: key.and_then(|key| self.outputs.get(key)).cloned().unwrap_or_default(),
            durations: Durations {
                estimate: task.estimate.clone(),
                last_duration_ms: key.and_then(|key| self.prepared.recorded.get(key)?.last_duration_ms),
            },
        }
    }

    fn proof(
        &self,
        found: &TaskEvidence,
        action: Option<&Action>,
        probes: &[ProbeView],
        done: &Done,
    ) -> Option<Proof> {
        let mut kind = proof_kind(found, probes, self.is_group(&found.id))?;
        let mut by = found.by.clone();
        if kind == ProofKind::ExitCode && !self.is_of_shown_run(found) {
            kind = asked_by(action.filter(|_| self.is_of_today(found))).unwrap_or(kind);
        }
        if kind == ProofKind::ExitCode && action.is_some_and(|action| action.kind == ActionKind::Approval) {
            // Its whole work was the yes.
            kind = ProofKind::Person;
            by = self.approvals(done).pop().map(|approval| approval.by);
        }
        Some(Proof { kind, at: Some(found.since), by, message: found.message.clone() })
    }

    /// The answers of checks are at hand.
    fn is_of_shown_run(&self, found: &TaskEvidence) -> bool {
        self.run.as_ref().map(|run| &run.summary.id) == found.run.as_ref()
    }

    /// Done by the action as it is now.
    fn is_of_today(&self, found: &TaskEvidence) -> bool {
        let today = self.prepared.bound.bindings.get(&found.id).map(|binding| &binding.digest);
        found.digest.is_some() && found.digest.as_ref() == today
    }

    fn is_group(&self, id: &TaskId) -> bool {
        self.planned(id).is_some_and(|task| task.disposition == Disposition::Group)
    }

    fn attempts(&self, done: &Done, id: &TaskId) -> Vec<AttemptView> {
        let attempts = self.run.as_ref().map_or(&[][..], |run| &run.attempts);
        let policy = self.planned(id).map(|task| &task.policy);
        let view = |attempt: &Attempt| {
            let delay = done.delays.get(&attempt.number).copied();
            attempt_view(attempt, delay, policy.filter(|_| !attempt.undo))
        };
        done.attempts.iter().map(|place| view(&attempts[*place])).collect()
    }

    fn probes(&self, done: &Done) -> Vec<ProbeView> {
        let probes = self.run.as_ref().map_or(&[][..], |run| &run.probes);
        let view = |probe: &ProbeAnswer| ProbeView {
            probe: probe.probe,
            verdict: probe.verdict.clone(),
            at: probe.at,
            duration_ms: probe.duration_ms,
            diagnosis: probe.diagnosis.clone(),
        };
        done.probes.iter().map(|place| view(&probes[*place])).collect()
    }

    fn approvals(&self, done: &Done) -> Vec<Approval> {
        let approvals = self.run.as_ref().map_or(&[][..], |run| &run.approvals);
        let view = |approval: &super::ledger::Approval| Approval {
            by: approval.by.clone(),
            at: approval.at,
            message: approval.message.clone(),
        };
        done.approvals.iter().map(|place| view(&approvals[*place])).collect()
    }
}

fn attempt_view(attempt: &Attempt, delay_ms: Option<u64>, policy: Option<&Policy>) -> AttemptView {
    let end = attempt.end.as_ref();
    AttemptView {
        id: attempt.id.clone(),
        run: attempt.run.clone(),
        number: attempt.number,
        undo: attempt.undo,
        started: attempt.started,
        ended: end.map(|end| end.at),
        duration_ms: end.map(|end| end.duration_ms),
        delay_ms,
        end: end.map(|end| end.outcome.clone()),
        expected: end.zip(policy).is_some_and(|(end, policy)| as_expected(policy, &end.outcome).is_some()),
        commands: attempt.commands.clone(),
        log: Some(attempt.log.clone()),
        log_bytes: end.map_or(0, |end| end.log_bytes),
        tail: end.map(|end| end.tail.clone()).unwrap_or_default(),
        diagnosis: end.map(|end| end.diagnosis.clone()).unwrap_or_default(),
    }
}

/// What a good end of an action rests on; other states have no proof.
fn proof_kind(found: &TaskEvidence, probes: &[ProbeView], is_group: bool) -> Option<ProofKind> {
    let proved = probes.iter().rev().find(|probe| probe.verdict == Verdict::True);
    Some(match &found.state {
        _ if found.by.is_some() => ProofKind::Person,
        TaskState::Claimed => ProofKind::Mark,
        TaskState::Satisfied => ProofKind::Check,
        TaskState::Completed if is_group => ProofKind::Subtasks,
        TaskState::Completed => match proved.map(|probe| probe.probe) {
            Some(ProbeKind::Verify) => ProofKind::Verify,
            Some(ProbeKind::Check) => ProofKind::Check,
            None => ProofKind::ExitCode,
        },
        _ => return None,
    })
}

/// What decides about the end of an action: its verify, else its check.
fn asked_by(action: Option<&Action>) -> Option<ProofKind> {
    let action = action?;
    let verify = action.verify.as_ref().map(|_| ProofKind::Verify);
    verify.or_else(|| action.check.as_ref().map(|_| ProofKind::Check))
}

/// The command lines of an action's check, work and verify, as shown to people.
pub fn command_lines(id: &TaskId, action: &Action) -> Vec<CommandLine> {
    let shown = |line: dry_run::Line| {
        let step = match line.part {
            Part::Check => "check".to_owned(),
            Part::Verify => "verify".to_owned(),
            Part::Outputs => "outputs".to_owned(),
            Part::Undo => return None,
            Part::Run => line.step,
        };
        Some(CommandLine { step, line: line.text })
    };
    let mut lines: Vec<_> = dry_run::of_action(id, action).into_iter().filter_map(shown).collect();
    // They are kept for each task, in what the longer lines took.
    lines.shrink_to_fit();
    lines
}

/// How many tasks are in each state, by its name.
pub fn count(states: &[TaskState]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for state in states {
        *counts.entry(state.name().to_owned()).or_default() += 1;
    }
    counts
}
