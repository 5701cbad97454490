//! What a time of runs comes to: which of them were deployments, and the four figures that DORA defines
//! over those. `docs/deployments.md` has the formulae.
//!
//! Of what nothing is known the figure is none, never zero.

use crate::id::DocumentId;
use crate::state::TaskState;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Option of a run that names the commit that it was planned from.
pub const COMMIT: &str = "commit";
/// Option of a run that tells when that commit was made (RFC 3339).
pub const COMMIT_TIME: &str = "commit_time";

const DAY_MS: u64 = 86_400_000;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunResult {
    /// It is at work.
    Running,
    /// Everything let go on.
    Succeeded,
    /// A task failed.
    Failed,
    /// A new version was taken back.
    RolledBack,
    /// Something waits for a person.
    Waiting,
    /// A person stopped it.
    Interrupted,
    /// Nothing tells: its executor died, or the end of an attempt was lost.
    Unknown,
}

impl RunResult {
    /// From the exit code that is recorded, if one is, and whether an executor is at work on the run.
    pub fn of(exit_code: Option<i32>, at_work: bool) -> Self {
        match exit_code {
            None if at_work => Self::Running,
            Some(0) => Self::Succeeded,
            Some(21) => Self::Waiting,
            Some(22) => Self::Interrupted,
            // 23: an attempt's end is unknown. Past 128: a signal ended the executor.
            None | Some(23 | 128..) => Self::Unknown,
            Some(50) => Self::RolledBack,
            Some(_) => Self::Failed,
        }
    }

    /// True where the change did harm.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::RolledBack)
    }
}

/// What came of a task in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskResult {
    /// It is at work.
    Running,
    /// It lets its dependants go on.
    Succeeded,
    /// It failed.
    Failed,
    /// It was put back: the run ended before it did.
    Interrupted,
    /// Nothing tells.
    Unknown,
}

impl TaskResult {
    /// From the last state of a task in a run that executed it, and whether the run is at work.
    pub fn of(state: Option<&TaskState>, at_work: bool) -> Self {
        match state {
            Some(state) if state.lets_dependants_go() => Self::Succeeded,
            Some(TaskState::Failed { .. } | TaskState::Blocked { .. }) => Self::Failed,
            Some(TaskState::Unknown { .. }) => Self::Unknown,
            _ if at_work => Self::Running,
            Some(TaskState::Pending | TaskState::Ready | TaskState::Waiting { .. }) => Self::Interrupted,
            _ => Self::Unknown,
        }
    }
}

/// What a run did in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Did {
    /// No attempt: everything was so already, or was held back.
    Nothing,
    /// It executed at least one task: a deployment.
    Deployed,
    /// It only took work back.
    Removed,
}

impl Did {
    /// From the attempts of a run: for each, whether it took work back.
    pub fn of(undone: impl IntoIterator<Item = bool>) -> Self {
        let mut did = Self::Nothing;
        for undo in undone {
            if !undo {
                return Self::Deployed;
            }
            did = Self::Removed;
        }
        did
    }
}

/// The commit that a run was planned from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Commit {
    /// Its hash.
    pub id: String,
    /// When it was made; none where nothing readable tells.
    pub time: Option<Timestamp>,
}

impl Commit {
    /// From the options of a run.
    pub fn of(options: &BTreeMap<String, String>) -> Option<Self> {
        let id = options.get(COMMIT).filter(|id| !id.is_empty())?.clone();
        Some(Self { id, time: options.get(COMMIT_TIME).and_then(|time| time.parse().ok()) })
    }
}

/// A run in one environment, as far as the figures ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its document.
    pub document: DocumentId,
    /// Its commit, where it has one.
    pub commit: Option<Commit>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended, where that is recorded.
    pub ended: Option<Timestamp>,
    /// How.
    pub result: RunResult,
    /// What it did; of runs before the time that is looked at nobody asks.
    pub did: Did,
}

/// The time that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Runs that began then or later.
    pub from: Timestamp,
    /// Now.
    pub to: Timestamp,
}

/// How some times are spread. Quantiles lie on the line between their two neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// How many.
    pub count: usize,
    /// Half of them are not longer.
    pub median_ms: u64,
    /// Nine of ten are not longer.
    pub p90_ms: u64,
}

impl Spread {
    /// None of nothing.
    pub fn of(mut times_ms: Vec<u64>) -> Option<Self> {
        times_ms.sort_unstable();
        Some(Self {
            count: times_ms.len(),
            median_ms: quantile(&times_ms, 50)?,
            p90_ms: quantile(&times_ms, 90)?,
        })
    }
}

/// The value at `percent` of the way from the first to the last, rounded down.
fn quantile(sorted: &[u64], percent: usize) -> Option<u64> {
    let way = sorted.len().checked_sub(1)? * percent;
    let (below, rest) = (sorted[way / 100], way % 100);
    let above = sorted.get(way / 100 + 1).copied().unwrap_or(below);
    let part = u128::from(above - below) * rest as u128 / 100;
    Some(below + u64::try_from(part).unwrap_or_default())
}

/// The figures of one environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Deployments that began in the time.
    pub deployments: usize,
    /// Of them: ended well.
    pub succeeded: usize,
    /// Of them: failed.
    pub failed: usize,
    /// Of them: taken back.
    pub rolled_back: usize,
    /// Of them: wait for a person.
    pub waiting: usize,
    /// Of them: stopped by a person.
    pub interrupted: usize,
    /// Of them: nothing tells how they ended.
    pub unknown: usize,
    /// Of them: at work.
    pub running: usize,
    /// Deployment frequency: good ends in a day. None without deployments, or of less than a day.
    pub per_day: Option<f64>,
    /// Lead time for changes: from a commit to the end of the run that brought it.
    pub lead_time: Option<Spread>,
    /// Change-failure rate, from 0 to 1: failed and taken back, of all that ended.
    pub change_failure_rate: Option<f64>,
    /// Time to restore: from the first failure in a row to the next good end.
    pub time_to_restore: Option<Spread>,
    /// Failures that no good end followed yet.
    pub not_restored: usize,
}

/// The figures of an environment over all its runs, oldest first.
pub fn figures(runs: &[Run], window: Window) -> Figures {
    let mut figures = Figures::default();
    let deployed = |run: &&Run| run.did == Did::Deployed && run.started >= window.from;
    for run in runs.iter().filter(deployed) {
        figures.deployments += 1;
        *figures.field(run.result) += 1;
    }
    figures.per_day = per_day(&figures, window);
    let ended = figures.deployments - figures.running;
    let failures = figures.failed + figures.rolled_back;
    figures.change_failure_rate = (ended > 0).then(|| failures as f64 / ended as f64);
    let brought = lead_times(runs);
    let lead_times = runs.iter().zip(&brought).filter(|(run, _)| deployed(run));
    figures.lead_time = Spread::of(lead_times.filter_map(|(_, lead_time)| *lead_time).collect());
    let (restored, open) = restored(runs, window);
    figures.time_to_restore = Spread::of(restored);
    figures.not_restored = open;
    figures
}

impl Figures {
    fn field(&mut self, result: RunResult) -> &mut usize {
        match result {
            RunResult::Running => &mut self.running,
            RunResult::Succeeded => &mut self.succeeded,
            RunResult::Failed => &mut self.failed,
            RunResult::RolledBack => &mut self.rolled_back,
            RunResult::Waiting => &mut self.waiting,
            RunResult::Interrupted => &mut self.interrupted,
            RunResult::Unknown => &mut self.unknown,
        }
    }
}

/// Of less than a day nothing is told about days.
fn per_day(figures: &Figures, window: Window) -> Option<f64> {
    let looked_at = between(window.from, window.to).filter(|ms| *ms >= DAY_MS)?;
    (figures.deployments > 0).then(|| figures.succeeded as f64 * DAY_MS as f64 / looked_at as f64)
}

/// For each of the runs of an environment, oldest first, the milliseconds from its commit to its end,
/// where it was the run that brought the commit: the first of the document with it that ended well. One
/// that only executed something again at a commit that was there brought nothing, and a commit that was
/// made after the end of its run was told by another clock.
pub fn lead_times(runs: &[Run]) -> Vec<Option<u64>> {
    let mut there: BTreeSet<(&DocumentId, &str)> = BTreeSet::new();
    runs.iter()
        .map(|run| {
            let (commit, ended) = (run.commit.as_ref()?, run.ended?);
            let is_good = run.result == RunResult::Succeeded;
            let is_new = is_good && there.insert((&run.document, commit.id.as_str()));
            between(commit.time.filter(|_| is_new)?, ended)
        })
        .collect()
}

/// The time that each failure of the window lasted, and how many last still. Failures of a document in
/// a row are one; a good run ends it, also one that found everything in order and executed nothing.
fn restored(runs: &[Run], window: Window) -> (Vec<u64>, usize) {
    let mut since: BTreeMap<&DocumentId, Timestamp> = BTreeMap::new();
    let mut lasted = Vec::new();
    for run in runs.iter().filter(|run| run.started >= window.from && run.did != Did::Removed) {
        let Some(ended) = run.ended else { continue };
        if run.result.is_failure() && run.did == Did::Deployed {
            since.entry(&run.document).or_insert(ended);
        } else if run.result == RunResult::Succeeded {
            lasted.extend(since.remove(&run.document).and_then(|failed| between(failed, ended)));
        }
    }
    (lasted, since.len())
}

/// Milliseconds from one to the other; none where the clock went back.
fn between(from: Timestamp, to: Timestamp) -> Option<u64> {
    u64::try_from(to.duration_since(from).as_millis()).ok()
}

#[cfg(test)]
#[path = "deployments_tests.rs"]
mod tests;
