//! `report --since`: which runs changed something in a time, task by task, and what they come to.
//!
//! No plan is read: a run is its row, its attempts are rows of the time alone.

use super::error::AppError;
use super::ledger::{Ledger, LedgerError, RunFilter, RunSummary, Work};
use super::report;
use super::workspace::{ReadOptions, Workspace};
use crate::clock;
use crate::report::view::{
    DeploymentRow, DeploymentsView, EnvironmentDeployments, TaskDeployment, TaskDeployments,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use taskmaster_core::deployments::{self, Commit, Did, Run, RunResult, TaskResult, Window};
use taskmaster_core::id::{DocumentId, EnvironmentName, RunId, TaskId, TaskKey};

/// Of which runs the view is.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of this document only.
    pub document: Option<PathBuf>,
    /// In this environment only.
    pub environment: Option<String>,
}

/// Deployments since a time.
pub fn view(workspace: &Workspace, wanted: &Wanted, since: Timestamp) -> Result<DeploymentsView, AppError> {
    let now = clock::now();
    let mut view = DeploymentsView {
        generated: now,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        since,
        window: Window { from: since, to: now },
        documents: Vec::new(),
        environments: Vec::new(),
    };
    let Some(ledger) = workspace.ledger_if_any()? else { return Ok(view) };
    let facts = Facts::read(workspace, &ledger, wanted, since)?;
    view.window.from = facts.began.map_or(since, |began| began.max(since));
    let mut documents = BTreeSet::new();
    for (environment, runs) in by_environment(&facts.runs) {
        let recent: Vec<&RunSummary> = runs.iter().copied().filter(|run| run.started >= since).collect();
        if !recent.is_empty() {
            documents.extend(recent.iter().map(|run| run.document.clone()));
            view.environments.push(facts.environment(&ledger, environment, &runs, view.window)?);
        }
    }
    view.documents = documents.into_iter().collect();
    Ok(view)
}

/// What the ledger knows.
struct Facts {
    /// Of all times, oldest first: whether a commit is new is told by the runs before.
    runs: Vec<RunSummary>,
    /// Attempts of the time by their run, oldest first.
    work: HashMap<RunId, Vec<Work>>,
    live: Option<RunId>,
    /// When the ledger began.
    began: Option<Timestamp>,
}

impl Facts {
    fn read(
        workspace: &Workspace,
        ledger: &Ledger,
        wanted: &Wanted,
        since: Timestamp,
    ) -> Result<Self, AppError> {
        let filter = RunFilter {
            document: document(workspace, wanted)?,
            environment: wanted.environment.as_deref().map(EnvironmentName::from),
            ..RunFilter::default()
        };
        let (mut runs, all, began) =
            ledger.snapshot(|ledger| Ok((ledger.runs(&filter)?, ledger.work(since)?, ledger.began()?)))?;
        runs.reverse();
        let mut work: HashMap<RunId, Vec<Work>> = HashMap::new();
        for attempt in all {
            work.entry(attempt.run.clone()).or_default().push(attempt);
        }
        Ok(Self { runs, work, live: report::live_run(workspace, ledger)?, began })
    }

    fn work(&self, run: &RunSummary) -> &[Work] {
        self.work.get(&run.id).map_or(&[], Vec::as_slice)
    }

    fn is_live(&self, run: &RunSummary) -> bool {
        self.live.as_ref() == Some(&run.id)
    }

    fn run(&self, run: &RunSummary) -> Run {
        Run {
            document: run.document.clone(),
            commit: Commit::of(&run.options),
            started: run.started,
            ended: run.ended,
            result: RunResult::of(run.exit_code, self.is_live(run)),
            did: Did::of(self.work(run).iter().map(|work| work.undo)),
        }
    }

    /// `runs` are all of the environment, oldest first.
    fn environment(
        &self,
        ledger: &Ledger,
        environment: &EnvironmentName,
        runs: &[&RunSummary],
        window: Window,
    ) -> Result<EnvironmentDeployments, AppError> {
        let facts: Vec<Run> = runs.iter().map(|run| self.run(run)).collect();
        let lead_times = deployments::lead_times(&facts);
        let mut found = EnvironmentDeployments {
            environment: environment.clone(),
            figures: deployments::figures(&facts, window),
            deployments: Vec::new(),
            removals: Vec::new(),
            idle_runs: 0,
            tasks: self.tasks(ledger, environment, runs)?,
        };
        let all = runs.iter().zip(facts).zip(lead_times).rev();
        for ((summary, run), lead_time_ms) in all.filter(|((_, run), _)| run.started >= window.from) {
            match run.did {
                Did::Deployed => found.deployments.push(self.row(summary, run, lead_time_ms)),
                Did::Removed => found.removals.push(self.row(summary, run, None)),
                Did::Nothing => found.idle_runs += 1,
            }
        }
        Ok(found)
    }

    fn row(&self, summary: &RunSummary, run: Run, lead_time_ms: Option<u64>) -> DeploymentRow {
        let undone = run.did == Did::Removed;
        let worked = self.work(summary).iter().filter(|work| work.undo == undone);
        DeploymentRow {
            run: summary.id.clone(),
            document: run.document,
            revision: summary.revision,
            commit: run.commit,
            did: run.did,
            started: run.started,
            ended: run.ended,
            result: run.result,
            duration_ms: run.ended.and_then(|ended| milliseconds(run.started, ended)),
            lead_time_ms,
            tasks: worked.map(|work| &work.key).collect::<BTreeSet<_>>().len(),
        }
    }

    /// Tasks that runs of the time executed, by document and place in it.
    fn tasks(
        &self,
        ledger: &Ledger,
        environment: &EnvironmentName,
        runs: &[&RunSummary],
    ) -> Result<Vec<TaskDeployments>, AppError> {
        let mut found: BTreeMap<(&DocumentId, &TaskKey), Vec<TaskDeployment>> = BTreeMap::new();
        for run in runs.iter().rev() {
            let mut of_run: BTreeMap<&TaskKey, Vec<&Work>> = BTreeMap::new();
            for work in self.work(run).iter().filter(|work| !work.undo) {
                of_run.entry(&work.key).or_default().push(work);
            }
            for (key, attempts) in of_run {
                let deployed = self.task(run, &attempts);
                found.entry((&run.document, key)).or_default().extend(deployed);
            }
        }
        let mut names = Names::new(ledger, environment);
        let mut tasks = Vec::with_capacity(found.len());
        for ((document, key), deployments) in found {
            let (place, task, title) = names.of(document, key)?;
            tasks.push((place, TaskDeployments { document: document.clone(), task, title, deployments }));
        }
        tasks.sort_by(|(a, one), (b, other)| {
            (&one.document, a, one.task.as_str()).cmp(&(&other.document, b, other.task.as_str()))
        });
        Ok(tasks.into_iter().map(|(_, task)| task).collect())
    }

    /// From the attempts of a run at one task, oldest first.
    fn task(&self, run: &RunSummary, attempts: &[&Work]) -> Option<TaskDeployment> {
        let (first, last) = (attempts.first()?, attempts.last()?);
        let durations = attempts.iter().filter_map(|work| work.duration_ms);
        Some(TaskDeployment {
            run: run.id.clone(),
            revision: run.revision,
            commit: Commit::of(&run.options).map(|commit| commit.id),
            started: first.started,
            ended: last.ended,
            result: TaskResult::of(last.state.as_ref(), self.is_live(run)),
            duration_ms: durations.reduce(|one, other| one + other),
            attempts: attempts.len(),
        })
    }
}

/// The document that was named.
fn document(workspace: &Workspace, wanted: &Wanted) -> Result<Option<DocumentId>, AppError> {
    let Some(path) = &wanted.document else { return Ok(None) };
    let options = ReadOptions { document: Some(path.clone()), ..ReadOptions::default() };
    Ok(Some(workspace.read(&options)?.id))
}

fn by_environment(runs: &[RunSummary]) -> BTreeMap<&EnvironmentName, Vec<&RunSummary>> {
    let mut found: BTreeMap<_, Vec<&RunSummary>> = BTreeMap::new();
    for run in runs {
        found.entry(&run.environment).or_default().push(run);
    }
    found
}

fn milliseconds(from: Timestamp, to: Timestamp) -> Option<u64> {
    u64::try_from(to.duration_since(from).as_millis()).ok()
}

/// A task's place in its document, its address and its title.
type Name = (usize, TaskId, Option<String>);

/// What tasks are called, by the documents as they are now.
struct Names<'a> {
    ledger: &'a Ledger,
    environment: &'a EnvironmentName,
    of_documents: HashMap<DocumentId, HashMap<TaskKey, Name>>,
}

impl<'a> Names<'a> {
    fn new(ledger: &'a Ledger, environment: &'a EnvironmentName) -> Self {
        Self { ledger, environment, of_documents: HashMap::new() }
    }

    fn of(&mut self, document: &DocumentId, key: &TaskKey) -> Result<Name, LedgerError> {
        if !self.of_documents.contains_key(document) {
            let names = self.read(document)?;
            self.of_documents.insert(document.clone(), names);
        }
        let known = self.of_documents.get(document).and_then(|names| names.get(key)).cloned();
        Ok(known.unwrap_or_else(|| (usize::MAX, TaskId::new(key.as_str()), None)))
    }

    /// Tasks of the newest revision by their titles; those that are gone by their last address.
    fn read(&self, document: &DocumentId) -> Result<HashMap<TaskKey, Name>, LedgerError> {
        let gone = self.ledger.evidence(document, self.environment)?;
        let mut names: HashMap<TaskKey, Name> =
            gone.into_iter().map(|(key, known)| (key, (usize::MAX, known.id, None))).collect();
        let known = self.ledger.known_tasks(document)?.into_iter().enumerate();
        names.extend(known.map(|(place, task)| (task.key, (place, task.id, Some(task.title)))));
        Ok(names)
    }
}
