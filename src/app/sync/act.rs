//! One sync: fetch, judge, check out, plan, run, take back what was removed, and say what came of it.

use super::judge::{self, Judgement};
use super::options::{Right, SyncOptions, SyncPlace, environment_of, project_in};
use super::prune::{self, Removed};
use super::standing::{self, InForce, Left, Refused, Standing};
use super::write_back::WrittenBack;
use crate::app::bell::Bell;
use crate::app::drift;
use crate::app::error::AppError;
use crate::app::ledger::{Ledger, SyncEntry};
use crate::app::plan::{self, Prepared, Request};
use crate::app::recover::Gone;
use crate::app::run::{self, RunOptions};
use crate::app::telemetry;
use crate::app::workspace::Workspace;
use crate::clock;
use crate::config::Project;
use crate::exec::driver;
use crate::exec::ports::Observer;
use crate::git::command::Git;
use crate::git::commit::CommitId;
use crate::git::error::GitError;
use crate::git::history::CommitFacts;
use crate::git::mirror::Mirror;
use crate::process::proc;
use crate::store::{Access, Durability};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use taskmaster_core::id::{DocumentId, EnvironmentName, RunId, TaskKey};
use taskmaster_core::journal::Record;
use taskmaster_core::plan::{Disposition, Plan, PlannedTask};
use taskmaster_core::resolve::Anew;
use taskmaster_core::scheduler::RunEnd;
use taskmaster_core::state::TaskState;
use taskmaster_core::sync::{Pace, SyncResult};
use taskmaster_core::window::{Opening, opening};

/// A sync of one name, by the only process that may touch its tree.
pub struct Syncer {
    pub(super) options: SyncOptions,
    pub(super) outer: Project,
    pub(super) place: SyncPlace,
    pub(super) mirror: Mirror,
    pub(super) bell: Bell,
    /// The commit that was judged last in this process, and what was said of it.
    judged: Option<(CommitId, Judgement)>,
}

/// What one sync did, before it is written down.
struct Outcome {
    commit: Option<CommitId>,
    facts: Option<CommitFacts>,
    result: SyncResult,
    run: Option<RunId>,
    revision: Option<u64>,
    notes: Vec<String>,
    /// The branch stands at a commit of ours by now, or at one that has to be synced before ours.
    moved: bool,
}

impl Outcome {
    fn of(commit: &CommitId, facts: &CommitFacts, result: SyncResult) -> Self {
        let (commit, facts) = (Some(commit.clone()), Some(facts.clone()));
        Self { commit, facts, result, run: None, revision: None, notes: Vec::new(), moved: false }
    }
}

/// What bringing the place to a commit led to.
struct Done {
    result: SyncResult,
    run: Option<RunId>,
    held: Held,
    drifted: u64,
    left: Vec<Left>,
    written: WrittenBack,
    /// What went wrong beside the work: traces that were not sent.
    told: Vec<String>,
}

/// What the document of a commit holds.
pub(super) struct Held {
    pub(super) document: DocumentId,
    pub(super) environment: EnvironmentName,
    pub(super) path: String,
    pub(super) revision: u64,
    pub(super) keys: BTreeSet<TaskKey>,
}

impl Held {
    fn of(prepared: &Prepared) -> Self {
        Self {
            document: prepared.reading.id.clone(),
            environment: prepared.environment.clone(),
            path: prepared.reading.text.path.clone(),
            revision: prepared.recording.revision,
            keys: prepared.recording.keys.values().cloned().collect(),
        }
    }
}

impl Syncer {
    /// Takes the lock of the sync and opens its mirror.
    pub fn open(mut options: SyncOptions, outer: Project, bell: Bell) -> Result<Self, AppError> {
        // Who syncs names the environment, never the repository.
        options.request.environment = Some(environment_of(&options, &outer).to_string());
        let place = SyncPlace::new(&outer.state_dir, &options.name);
        // The ledger makes the state directory as it should be.
        drop(Ledger::open(&outer.state_dir, Access::ReadWrite)?);
        std::fs::create_dir_all(&place.dir)
            .map_err(|source| AppError::Io { path: place.dir.clone(), source })?;
        let mirror = Mirror::with(
            Git::new().network_timeout(options.git_timeout).stopped_by(bell.stop_flag()),
            &place.mirror(),
            options.remote(&outer.root)?,
        )?;
        let syncer = Self { options, outer, place, mirror, bell, judged: None };
        syncer.check_same()?;
        Ok(syncer)
    }

    /// A name belongs to one repository and environment once a commit of it came into force; until then what was
    /// mistyped may be typed again.
    fn check_same(&self) -> Result<(), AppError> {
        let ledger = self.ledger()?;
        let Some(standing) = standing::of(&ledger, &self.options.name)? else { return Ok(()) };
        let environment = environment_of(&self.options, &self.outer);
        let repository = self.options.url.clone();
        if standing.repository == repository && standing.environment == environment {
            return Ok(());
        }
        if standing.in_force.is_none() {
            return self.keep(&Standing::new(repository, self.options.git_ref.clone(), environment));
        }
        let message = format!(
            "the sync `{}` is of {} in {}",
            self.options.name, standing.repository, standing.environment
        );
        Err(AppError::usage(message, "give this one another name: --name"))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.options.name
    }

    /// What it follows.
    pub fn git_ref(&self) -> &str {
        &self.options.git_ref
    }

    /// How often it looks.
    pub fn pace(&self) -> &Pace {
        &self.options.pace
    }

    /// What wakes and stops it.
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    pub(super) fn ledger(&self) -> Result<Ledger, AppError> {
        Ok(Ledger::open(&self.outer.state_dir, Access::ReadWrite)?)
    }

    /// How it stands now.
    pub fn standing(&self) -> Result<Standing, AppError> {
        let known = standing::of(&self.ledger()?, &self.options.name)?;
        Ok(known.unwrap_or_else(|| {
            let environment = environment_of(&self.options, &self.outer);
            Standing::new(self.options.url.clone(), self.options.git_ref.clone(), environment)
        }))
    }

    /// One sync. A refusal or a failure is a result; an error is a fault of this place.
    pub fn sync(&mut self, observer: &mut dyn Observer) -> Result<Standing, AppError> {
        let began = clock::now();
        let mut standing = self.standing()?;
        standing.began = Some(began);
        let pid = std::process::id();
        standing.process = proc::start_ticks(pid).map(|start| (pid, start));
        standing.git_ref.clone_from(&self.options.git_ref);
        standing.project.clone_from(&self.options.project);
        self.keep(&standing)?;
        let outcome = self.attempt(&mut standing, observer)?;
        let (moved, notes) = (outcome.moved, outcome.notes.clone());
        self.conclude(&mut standing, outcome, began)?;
        if moved {
            // What we wrote is taken in at once; it brings nothing to do.
            let outcome = self.attempt(&mut standing, observer)?;
            let notes = notes.into_iter().chain(outcome.notes.clone()).collect();
            self.conclude(&mut standing, Outcome { notes, ..outcome }, began)?;
        }
        Ok(standing)
    }

    fn attempt(&mut self, standing: &mut Standing, observer: &mut dyn Observer) -> Result<Outcome, AppError> {
        if !matches!(self.options.right, Right::None) {
            self.mirror.set_remote(self.options.remote(&self.outer.root)?)?;
        }
        let commit = match self.mirror.fetch(&self.options.git_ref) {
            Ok(commit) => commit,
            Err(GitError::Interrupted) => return Err(AppError::Interrupted),
            Err(fault) if fault.is_of_the_remote() => {
                let result = SyncResult::Unreachable { message: fault.to_string() };
                let notes: Vec<String> = fault.help().map(str::to_owned).into_iter().collect();
                let (commit, facts, run, revision) = (None, None, None, None);
                return Ok(Outcome { commit, facts, result, run, revision, notes, moved: false });
            }
            Err(fault) => return Err(fault.into()),
        };
        let facts = self.mirror.facts(&commit)?;
        let mut notes = Vec::new();
        if let Some(before) = self.rewritten(standing, &commit)? {
            notes.push(format!("history was rewritten: {before} is no ancestor of {}", commit.short()));
        }
        let document = match self.judgement(&commit)? {
            Judgement::Accepted { document } => document.clone(),
            Judgement::Refused { reasons } => {
                let result = SyncResult::Refused { reasons: reasons.clone() };
                return Ok(Outcome { notes, ..Outcome::of(&commit, &facts, result) });
            }
        };
        if let Some(closed) = self.closed(standing)? {
            notes.push(closed);
            // What was brought to its end before stays so, whatever the hour.
            let is_there = standing.in_force.as_ref().is_some_and(|known| known.commit == commit.to_string());
            let stays = is_there && standing.result == Some(SyncResult::Synced);
            let result = if stays { SyncResult::Synced } else { SyncResult::Closed };
            let revision = standing.in_force.as_ref().filter(|_| stays).and_then(|known| known.revision);
            return Ok(Outcome { revision, notes, ..Outcome::of(&commit, &facts, result) });
        }
        let done = match self.act(standing, (&commit, &facts), &document, observer) {
            // What lies in the tree besides the commit can make it unsound: that is told, and the loop goes on.
            Err(fault) if judge::is_of_the_commit(&fault) => {
                let result = SyncResult::Refused { reasons: judge::told(&fault) };
                return Ok(Outcome { notes, ..Outcome::of(&commit, &facts, result) });
            }
            done => done?,
        };
        standing.drifted = done.drifted;
        standing.left = done.left;
        notes.extend(done.written.note);
        notes.extend(done.told);
        let moved = done.written.moved;
        let (run, revision) = (done.run, Some(done.held.revision));
        Ok(Outcome { run, revision, notes, moved, ..Outcome::of(&commit, &facts, done.result) })
    }

    /// The commit that was in force, shortened, where the new one does not come after it.
    fn rewritten(&self, standing: &Standing, commit: &CommitId) -> Result<Option<String>, AppError> {
        let Some(before) = standing.in_force.as_ref().and_then(|known| known.commit.parse::<CommitId>().ok())
        else {
            return Ok(None);
        };
        if before == *commit || self.mirror.is_ancestor(&before, commit)? {
            return Ok(None);
        }
        Ok(Some(before.short().to_owned()))
    }

    /// A commit is judged once in the life of a process.
    fn judgement(&mut self, commit: &CommitId) -> Result<&Judgement, AppError> {
        if self.judged.as_ref().is_none_or(|(judged, _)| judged != commit) {
            let mut ledger = self.ledger()?;
            let (options, outer) = (&self.options, &self.outer);
            let judgement = judge::judge(options, outer, &self.place, &self.mirror, &mut ledger, commit)?;
            self.judged = Some((commit.clone(), judgement));
        }
        match &self.judged {
            Some((_, judgement)) => Ok(judgement),
            None => Err(AppError::Interrupted),
        }
    }

    /// Brings the place to the commit.
    fn act(
        &self,
        standing: &mut Standing,
        (commit, facts): (&CommitId, &CommitFacts),
        document: &Path,
        observer: &mut dyn Observer,
    ) -> Result<Done, AppError> {
        let lease = run::lease(&self.outer_workspace())?;
        self.mirror.checkout(commit, &self.place.tree())?;
        let workspace = self.workspace()?;
        let request = self.request(standing, document);
        let drifted = self.ask_for_drift(&workspace, &request)?.unwrap_or(standing.drifted);
        let gone = if self.options.prune { Gone::Left } else { Gone::Decided };
        let session = run::begin_under(lease, &workspace, &request, gone, observer)?;
        let held = Held::of(session.prepared());
        self.comes_into_force(standing, (commit, facts), &held)?;
        let (mut run, mut result, mut told) = (None, SyncResult::Synced, Vec::new());
        let prepared = if session.prepared().plan.tasks.is_empty() {
            session.into_parts().2
        } else if let Some(lost) = only_unknown(&session.prepared().plan)? {
            // Another run would say no more than the one before.
            result = SyncResult::Failed { exit_code: driver::exit_code(RunEnd::Unknown), message: lost };
            session.into_parts().2
        } else {
            let ran = self.execute_watched(session, &self.run_options(facts, commit), commit, observer)?;
            told = telemetry::export(&workspace, &ran);
            result = result_of(&ran)?;
            run = Some(ran.run);
            ran.prepared
        };
        let mut removed = prune::removed(&self.ledger()?, &held, &standing.left)?;
        if self.options.prune && result == SyncResult::Synced {
            let pruned = self.prune((commit, facts), &removed, observer)?;
            removed = prune::removed(&self.ledger()?, &held, &pruned.left)?;
            result = pruned.result;
            run = pruned.run.or(run);
            told.extend(pruned.told);
        }
        let written = self.write_back(&prepared, commit, run.as_ref())?;
        let healed = self.options.self_heal && result == SyncResult::Synced;
        let left = removed.iter().map(Removed::told).collect();
        Ok(Done { result, run, held, drifted: if healed { 0 } else { drifted }, left, written, told })
    }

    /// Why nothing may be changed now, and until when; none where it may.
    fn closed(&self, standing: &Standing) -> Result<Option<String>, AppError> {
        if let Some(lock) = self.ledger()?.lock(&standing.environment, clock::now())? {
            let why = lock.message.map(|message| format!(": {message}")).unwrap_or_default();
            return Ok(Some(format!("{} is locked by {}{why}", lock.environment, lock.by)));
        }
        Ok(match opening(&self.options.windows, clock::now()) {
            Opening::Open => None,
            Opening::Closed { by, until: Some(until) } => Some(format!("{by}: closed until {until}")),
            Opening::Closed { by, until: None } => Some(format!("{by}: closed")),
        })
    }

    /// Asks the checks of what was done, where that is wanted; how many tasks have drifted. None where it is not:
    /// then what was found before still is.
    fn ask_for_drift(&self, workspace: &Workspace, request: &Request) -> Result<Option<u64>, AppError> {
        if !self.options.check && !self.options.self_heal {
            return Ok(None);
        }
        let whole = Request { anew: Anew::Checked, work_only: false, ..request.clone() };
        let view = drift::look(workspace, &whole)?;
        Ok(Some(view.drifted().count() as u64))
    }

    /// What is asked of the tree. A document without an `id` of its own keeps the one that it had under another
    /// name.
    pub(super) fn request(&self, standing: &Standing, document: &Path) -> Request {
        let anew = if self.options.self_heal { Anew::Drifted } else { Anew::Nothing };
        let mut request = Request { anew, work_only: true, ..judge::request(&self.options, document) };
        request.read.identity.clone_from(&standing.document);
        request
    }

    pub(super) fn workspace(&self) -> Result<Workspace, AppError> {
        let project = project_in(&self.place.tree(), &self.options.project, self.options.jobs, &self.outer)?;
        Ok(Workspace { working_dir: project.root.clone(), project, known_as: None })
    }

    pub(super) fn outer_workspace(&self) -> Workspace {
        Workspace { working_dir: self.outer.root.clone(), project: self.outer.clone(), known_as: None }
    }

    pub(super) fn run_options(&self, facts: &CommitFacts, commit: &CommitId) -> RunOptions {
        RunOptions {
            jobs: self.options.jobs,
            keep_going: self.options.keep_going,
            end_when_waiting: self.options.no_wait,
            live_output: false,
            write_back: false,
            options: self.named_options(facts, commit),
            stop: self.bell.run_slot(),
        }
    }

    /// What a reader of the run's history wants to know.
    pub(super) fn named_options(&self, facts: &CommitFacts, commit: &CommitId) -> BTreeMap<String, String> {
        let vars: Vec<(String, String)> = self.options.request.vars.clone().into_iter().collect();
        let named = [
            ("sync", self.options.name.clone()),
            ("commit", commit.to_string()),
            ("commit_time", facts.time.to_string()),
            ("ref", self.options.git_ref.clone()),
        ];
        let named = named.into_iter().map(|(name, value)| (name.to_owned(), value));
        named.chain(plan::as_options(&vars)).collect()
    }

    /// Writes down that the place is on its way to the commit, before anything is done for it.
    fn comes_into_force(
        &self,
        standing: &mut Standing,
        (commit, facts): (&CommitId, &CommitFacts),
        held: &Held,
    ) -> Result<(), AppError> {
        standing.document = Some(held.document.clone());
        standing.path = Some(held.path.clone());
        let since = match &standing.in_force {
            Some(known) if known.commit == commit.to_string() => known.since,
            _ => clock::now(),
        };
        standing.in_force = Some(InForce {
            commit: commit.to_string(),
            time: Some(facts.time),
            subject: facts.subject.clone(),
            revision: Some(held.revision),
            since,
        });
        self.keep(standing)
    }

    /// Overwrites the memo.
    pub(super) fn keep(&self, standing: &Standing) -> Result<(), AppError> {
        let (key, text) = standing::memo(self.name(), standing);
        let memos = [(key.as_str(), Some(text.as_str()))];
        self.ledger()?.commit_with_memos(Vec::new(), &memos, clock::now(), Durability::Normal)?;
        Ok(())
    }

    /// Writes down what came of it: an event where that is something else than last time, and the memo.
    fn conclude(&self, standing: &mut Standing, outcome: Outcome, began: Timestamp) -> Result<(), AppError> {
        let now = clock::now();
        let result = outcome.result;
        standing.refused = match &result {
            SyncResult::Refused { reasons } => outcome.commit.as_ref().map(|commit| Refused {
                commit: commit.to_string(),
                reasons: reasons.clone(),
                since: match &standing.refused {
                    Some(known) if known.commit == commit.to_string() => known.since,
                    _ => now,
                },
            }),
            // Nobody knows of a newer commit: the one that was refused still is.
            SyncResult::Unreachable { .. } => standing.refused.take(),
            _ => None,
        };
        standing.failures = if result.is_retried() { standing.failures.saturating_add(1) } else { 0 };
        if result == SyncResult::Synced {
            standing.last_success = Some(now);
        }
        *standing.syncs.entry(result.name().to_owned()).or_default() += 1;
        standing.last = Some(now);
        standing.began = None;
        standing.process = None;
        standing.duration_ms = u64::try_from(now.duration_since(began).as_millis()).unwrap_or_default();
        standing.run = outcome.run.clone().or(standing.run.take());
        standing.notes = outcome.notes;
        standing.result = Some(result.clone());
        let mut ledger = self.ledger()?;
        let record = Record::SyncChanged {
            sync: self.options.name.clone(),
            document: standing.document.clone(),
            environment: standing.environment.clone(),
            repository: standing.repository.clone(),
            git_ref: standing.git_ref.clone(),
            commit: outcome.commit.as_ref().map(ToString::to_string),
            commit_time: outcome.facts.as_ref().map(|facts| facts.time),
            result,
            run: outcome.run,
            revision: outcome.revision,
        };
        let last = ledger.last_sync(&self.options.name)?;
        let records = if is_news(last.as_ref(), &record) { vec![record] } else { Vec::new() };
        let (key, text) = standing::memo(&self.options.name, standing);
        ledger.commit_with_memos(records, &[(&key, Some(&text))], now, Durability::Normal)?;
        Ok(())
    }
}

/// True where the record says something else than the last one.
fn is_news(last: Option<&SyncEntry>, record: &Record) -> bool {
    let Record::SyncChanged { commit, result, run, revision, git_ref, .. } = record else { return true };
    let Some(last) = last else { return true };
    let same = last.commit == *commit
        && last.result == *result
        && last.revision == *revision
        && last.git_ref == *git_ref;
    // A run is always worth an entry: it says which commit it was of.
    !same || run.is_some()
}

/// What the end of a run is for a sync.
pub(super) fn result_of(ran: &run::RunResult) -> Result<SyncResult, AppError> {
    Ok(match ran.end {
        RunEnd::Succeeded => SyncResult::Synced,
        RunEnd::Waiting => SyncResult::Waiting,
        RunEnd::Interrupted => return Err(AppError::Interrupted),
        RunEnd::Failed | RunEnd::Unknown => SyncResult::Failed {
            exit_code: driver::exit_code(ran.end),
            message: first_failure(&ran.prepared, &ran.states),
        },
    })
}

/// What is said where a plan has nothing to do before a person has settled an end that was lost; else nothing.
fn only_unknown(plan: &Plan) -> Result<Option<String>, AppError> {
    let lost = |task: &PlannedTask| matches!(task.disposition, Disposition::Unknown { .. });
    let unknown: Vec<usize> = (0..plan.tasks.len()).filter(|at| lost(&plan.tasks[*at])).collect();
    let held = plan.dag()?.descendants(unknown.iter().copied());
    let can_begin = |at: usize| !held[at] && !lost(&plan.tasks[at]);
    if unknown.is_empty() || (0..plan.tasks.len()).any(can_begin) {
        return Ok(None);
    }
    let first = unknown.first().map(|at| &plan.tasks[*at]);
    Ok(first.map(|task| format!("the end of {} is unknown: `taskmaster resolve` settles it", task.id)))
}

/// The first task that failed, and why.
fn first_failure(prepared: &Prepared, states: &[TaskState]) -> String {
    let mut tasks = prepared.plan.tasks.iter().zip(states);
    let told = tasks.find_map(|(task, state)| match state {
        TaskState::Failed { reason } => Some(format!("{}: {reason}", task.id)),
        TaskState::Unknown { reason } => Some(format!("the end of {} is unknown: {reason}", task.id)),
        _ => None,
    });
    told.unwrap_or_else(|| "a task failed".to_owned())
}
