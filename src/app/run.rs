//! `run` and `destroy`: recovers what an earlier executor left, then executes a plan.

use super::contexts::{self, Acts};
use super::environments;
use super::error::AppError;
use super::ledger::{IdGenerator, Ledger};
use super::parse;
use super::plan::{self, Prepared, Request};
use super::ports::{LedgerJournal, PlanRender};
use super::recover::{self, Gone};
use super::workspace::{ReadOptions, Reading, Workspace};
use super::write_back::{Evidence, Marks, Subject, WriteBack};
use crate::clock;
use crate::exec::driver::{self, Direction};
use crate::exec::ports::{Observer, Ports, Settings};
use crate::exec::stop::{StopSlot, Stops};
use crate::process::proc;
use crate::store::{ExecutorLease, LeaseHolder};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use taskmaster_core::id::{RunId, TaskId};
use taskmaster_core::plan::PlannedTask;
use taskmaster_core::scheduler::{self, RunEnd, Scheduler};
use taskmaster_core::select::Selection;
use taskmaster_core::state::TaskState;
use taskmaster_core::trace::{TRACEPARENT, Trace};

/// How a plan is executed.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Attempts and checks at work at the same time; the project's otherwise.
    pub jobs: Option<usize>,
    /// After a failure, go on with what does not depend on it.
    pub keep_going: bool,
    /// End instead of waiting for a person.
    pub end_when_waiting: bool,
    /// Tell the observer what attempts print.
    pub live_output: bool,
    /// Write marks of the document as evidence comes in.
    pub write_back: bool,
    /// Options as people gave them, for the run's history.
    pub options: BTreeMap<String, String>,
    /// Who else than signals may stop it finds the sender here while it is at work.
    pub stop: StopSlot,
}

/// How a run ended.
#[derive(Debug)]
pub struct RunResult {
    /// The run.
    pub run: RunId,
    /// In the words that make the exit code.
    pub end: RunEnd,
    /// Tasks by state name.
    pub counts: BTreeMap<String, u64>,
    /// States by task, in the order of the plan.
    pub states: Vec<TaskState>,
    /// The plan that was followed, with all that it was made from.
    pub prepared: Prepared,
    /// What was written back into the document; none where that was not asked for.
    pub marks: Option<Marks>,
}

/// A plan that is about to be executed, by the only executor of its state directory.
#[derive(Debug)]
pub struct Session {
    workspace: Workspace,
    ledger: Ledger,
    prepared: Prepared,
    /// How the document is read again.
    read: ReadOptions,
    // Dropped last: nobody else executes before everything else here is gone.
    _lease: ExecutorLease,
}

/// Takes the executor lease of the project, or says who has it (exit 40).
pub(super) fn lease(workspace: &Workspace) -> Result<ExecutorLease, AppError> {
    let pid = std::process::id();
    let arguments: Vec<String> = std::env::args().collect();
    let holder = LeaseHolder {
        pid,
        start_ticks: proc::start_ticks(pid).unwrap_or_default(),
        boot_id: proc::boot_id().to_owned(),
        command: shell_words::join(&arguments),
    };
    Ok(ExecutorLease::acquire(&workspace.project.state_dir, &holder)?)
}

/// Takes the lease, records the document, settles what an earlier executor left, and plans.
pub fn begin(
    workspace: &Workspace,
    request: &Request,
    observer: &mut dyn Observer,
) -> Result<Session, AppError> {
    // Before anything is made: where there is nothing to run, nothing is left behind.
    let reading = workspace.read_sound(&request.read)?;
    begin_with(lease(workspace)?, workspace, request, reading, Gone::Decided, observer)
}

/// The same under a lease that is held already.
pub(super) fn begin_under(
    lease: ExecutorLease,
    workspace: &Workspace,
    request: &Request,
    gone: Gone,
    observer: &mut dyn Observer,
) -> Result<Session, AppError> {
    let reading = workspace.read_sound(&request.read)?;
    begin_with(lease, workspace, request, reading, gone, observer)
}

fn begin_with(
    lease: ExecutorLease,
    workspace: &Workspace,
    request: &Request,
    reading: Reading,
    gone: Gone,
    observer: &mut dyn Observer,
) -> Result<Session, AppError> {
    let mut ledger = workspace.ledger()?;
    environments::refuse_locked(&ledger, &workspace.environment(request.environment.as_deref()))?;
    // Recovery looks at the whole document: what was left may lie outside of today's selection.
    let whole = Request { selection: Selection::default(), ..request.clone() };
    let mut prepared = plan::prepare_read(workspace, &whole, reading, Some(&mut ledger), true)?;
    let left = recover::unfinished(&ledger, &prepared)?;
    if !left.is_empty() {
        ledger = recover::recover(workspace, ledger, &prepared, &left, gone, observer)?;
    }
    if !left.is_empty() || !request.selection.is_all() {
        prepared = prepared.again(workspace, request, &mut ledger)?;
    }
    let document = request.read.document.clone();
    let document = document.unwrap_or_else(|| workspace.path_of(&prepared.reading.text.path));
    let read = ReadOptions { document: Some(document), ..request.read.clone() };
    Ok(Session { workspace: workspace.clone(), ledger, prepared, read, _lease: lease })
}

impl Session {
    /// Of a plan that was made under this lease.
    pub(super) fn of(workspace: Workspace, ledger: Ledger, prepared: Prepared, lease: ExecutorLease) -> Self {
        let read = ReadOptions::default();
        Self { workspace, ledger, prepared, read, _lease: lease }
    }

    /// The plan and all that it was made from.
    pub fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// The state of every task by its id, as the ledger has it.
    pub fn states(&self) -> Result<HashMap<TaskId, TaskState>, AppError> {
        let prepared = &self.prepared;
        let evidence = self.ledger.evidence(&prepared.reading.id, &prepared.environment)?;
        let keys = prepared.recording.keys.iter();
        Ok(keys.map(|(id, key)| (id.clone(), super::views::state(&evidence, Some(key)))).collect())
    }

    /// The same, to leave out of the plan what is not meant.
    pub(super) fn prepared_mut(&mut self) -> &mut Prepared {
        &mut self.prepared
    }

    /// Plans anew for a part of the document, under the same lease.
    pub(super) fn select(&mut self, request: &Request) -> Result<(), AppError> {
        self.prepared = plan::prepare(&self.workspace, request, Some(&mut self.ledger), true)?;
        Ok(())
    }

    /// Leaves only these tasks in the plan.
    pub(super) fn keep(&mut self, wanted: impl Fn(&PlannedTask) -> bool) {
        let plan = &mut self.prepared.plan;
        let tasks = plan.tasks.iter().enumerate();
        let chosen: Vec<usize> = tasks.filter(|(_, task)| wanted(task)).map(|(place, _)| place).collect();
        *plan = plan.only(&chosen);
    }

    /// Its parts; the lease must be held until the last of them is done with.
    pub(super) fn into_parts(self) -> (Workspace, Ledger, Prepared, ExecutorLease) {
        (self.workspace, self.ledger, self.prepared, self._lease)
    }

    /// Executes the plan to its end; signals stop it. Refuses contexts that look like production.
    pub fn execute(self, options: &RunOptions, observer: &mut dyn Observer) -> Result<RunResult, AppError> {
        if !options.write_back {
            return Ok(self.drive(options, observer)?.0);
        }
        let workspace = self.workspace.clone();
        let prepared = &self.prepared;
        let known = self.ledger.evidence(&prepared.reading.id, &prepared.environment)?;
        let evidence = Evidence::new(prepared, &known);
        let subject = Subject {
            workspace: &workspace,
            read: self.read.clone(),
            document: prepared.reading.id.clone(),
            environment: prepared.environment.clone(),
            digest: prepared.reading.text.digest.clone(),
        };
        let read = self.read.clone();
        let mut write_back = WriteBack::new(observer, subject, evidence);
        let driven = self.drive(options, &mut write_back);
        let marks = write_back.finish();
        let (mut result, mut ledger, _lease) = driven?;
        if let (Some(own), Ok(reading)) = (&marks.own, workspace.read(&read))
            && reading.text.digest == *own
        {
            // What we wrote ourselves is no edit that anybody has to be told of.
            parse::record(&mut ledger, &reading)?;
        }
        result.marks = Some(marks);
        Ok(result)
    }

    /// The same without a word in the document; with what must outlive the result.
    fn drive(
        self,
        options: &RunOptions,
        observer: &mut dyn Observer,
    ) -> Result<(RunResult, Ledger, ExecutorLease), AppError> {
        let Self { workspace, ledger, prepared, _lease: lease, .. } = self;
        contexts::refuse(&prepared, Acts::Run)?;
        let run = IdGenerator::new().run(clock::now());
        let plan = Arc::new(prepared.plan.clone());
        let mut scheduler = Scheduler::new(
            Arc::clone(&plan),
            scheduler::Options {
                run: run.clone(),
                jobs: options.jobs.unwrap_or_else(|| workspace.project.jobs()),
                keep_going: options.keep_going,
                end_when_waiting: options.end_when_waiting,
            },
        )?;
        let mut journal = LedgerJournal::new(ledger)?;
        let mut render = PlanRender::new(&prepared);
        let ports = Ports { journal: &mut journal, render: &mut render, observer };
        let mut settings = traced_settings(&workspace, run.clone(), options.options.clone());
        settings.live_output = options.live_output;
        let runtime = driver::runtime().map_err(no_runtime)?;
        let end = runtime.block_on(async {
            let stops = Stops::from_signals().map_err(no_runtime)?;
            let _offer = Offer::new(&options.stop, &stops);
            Ok::<_, AppError>(driver::run(plan, &mut scheduler, ports, settings, stops, Direction::Do).await?)
        })?;
        let (counts, states) = (scheduler.counts(), scheduler.states().to_vec());
        let result = RunResult { run, end, counts, states, prepared, marks: None };
        Ok((result, journal.into_ledger(), lease))
    }
}

/// A sender in its slot, as long as it can be used.
struct Offer<'a>(&'a StopSlot);

impl<'a> Offer<'a> {
    fn new(slot: &'a StopSlot, stops: &Stops) -> Self {
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(stops.sender());
        Self(slot)
    }
}

impl Drop for Offer<'_> {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

pub(super) fn no_runtime(source: std::io::Error) -> AppError {
    AppError::Io { path: PathBuf::from("the system's timers and signals"), source }
}

/// Settings of a run: its children are told of its trace where one is sent, and the span around it is remembered.
pub(super) fn traced_settings(
    workspace: &Workspace,
    run: RunId,
    options: BTreeMap<String, String>,
) -> Settings {
    let telemetry = &workspace.project.telemetry;
    let around = telemetry.around.map(|around| (TRACEPARENT.to_owned(), around.to_string()));
    let trace = telemetry.export.as_ref().map(|_| Trace::new(run.clone(), telemetry.around));
    Settings { options: options.into_iter().chain(around).collect(), trace, ..settings(workspace, run) }
}

/// Settings of the driver for a project.
pub(super) fn settings(workspace: &Workspace, run: RunId) -> Settings {
    let project = &workspace.project;
    let mut settings = Settings::new(run, &project.state_dir, &project.root);
    if let Some(bytes) = project.settings.log_limit_bytes {
        settings.log_limit = bytes;
    }
    settings
}
