//! Locks, promotions and deployments in the words that every face shares.

use super::human::{self, Names};
use super::summary::Group;
use super::view::{
    DeploymentRow, EnvironmentDeployments, EnvironmentRow, PromotionSide, PromotionTask, PromotionVerdict,
    PromotionView, TaskDeployment,
};
use taskmaster_core::deployments::{Figures, RunResult, Spread, TaskResult};
use taskmaster_core::environment::Lock;
use taskmaster_core::promotion::Standing;

/// Who locked it, since when, until when.
pub(super) fn lock(lock: &Lock) -> String {
    let until = lock.until.map(|until| format!(" until {}", human::time(until))).unwrap_or_default();
    format!("locked by {} since {}{until}", lock.by, human::time(lock.since))
}

/// What is known of an environment besides its lock.
pub(super) fn environment(row: &EnvironmentRow) -> Vec<String> {
    let mut facts = Vec::new();
    facts.extend(row.is_default.then(|| "taken when none is named".to_owned()));
    facts.push(if row.in_catalogue { "named by a catalogue" } else { "named by no catalogue" }.to_owned());
    let runs = usize::try_from(row.runs).unwrap_or(usize::MAX);
    facts.push(if runs == 0 { "no run yet".to_owned() } else { human::count(runs, "run", "runs") });
    if let Some(at) = row.last_started {
        let end = row.last_exit_code.map_or("its end is not recorded", human::exit_code);
        facts.push(format!("last {}: {end}", human::time(at)));
    }
    facts
}

/// How a task stands in one environment.
pub(super) fn standing(side: &PromotionSide) -> String {
    match &side.standing {
        Standing::Done => match &side.by {
            Some(by) => format!("done by {by}"),
            None => "done".to_owned(),
        },
        Standing::Claimed => "only marked done".to_owned(),
        Standing::Changed => "done by another action".to_owned(),
        Standing::Drifted => "drifted".to_owned(),
        Standing::Open => "not done".to_owned(),
        Standing::Failed { .. } => "failed".to_owned(),
        Standing::Unknown { .. } => "end unknown".to_owned(),
        Standing::LeftOut { reason } => format!("left out: {reason}"),
        Standing::Group => "of its subtasks".to_owned(),
    }
}

/// The sign of what becomes of a task.
pub(super) fn marker(verdict: &PromotionVerdict) -> char {
    match verdict {
        PromotionVerdict::Same => '=',
        PromotionVerdict::Run { .. } => '+',
        PromotionVerdict::Completes => '&',
        PromotionVerdict::Ahead => '>',
        PromotionVerdict::NotProved { .. } | PromotionVerdict::HeldBack { .. } => '!',
        PromotionVerdict::OnlyIn { .. } => '-',
        PromotionVerdict::Person { .. } => '?',
    }
}

/// What becomes of a task.
pub(super) fn verdict(task: &PromotionTask, view: &PromotionView, names: &Names<'_>) -> String {
    let (from, to) = (&view.from, &view.to);
    match &task.verdict {
        PromotionVerdict::Same => "the same".to_owned(),
        PromotionVerdict::Run { why, asks: None } => format!("to run: {why}"),
        PromotionVerdict::Run { why, asks: Some(asks) } => format!("to run: {why}; asks first: {asks}"),
        PromotionVerdict::Completes => "completes with its subtasks".to_owned(),
        PromotionVerdict::Ahead => format!("done in {to} only"),
        PromotionVerdict::NotProved { why } => format!("not proved in {from}: {why}"),
        PromotionVerdict::OnlyIn { environment, why, .. } => {
            let other = if environment == from { to } else { from };
            format!("only in {environment}; in {other}: {why}")
        }
        PromotionVerdict::Person { why } => format!("waits for a person: {why}"),
        PromotionVerdict::HeldBack { by } => format!("held back by {}", names.of(by)),
    }
}

/// How a run ended, with the look of it.
pub(super) fn result(result: RunResult) -> (Group, &'static str) {
    match result {
        RunResult::Running => (Group::Active, "at work"),
        RunResult::Succeeded => (Group::Done, "succeeded"),
        RunResult::Failed => (Group::Failed, "failed"),
        RunResult::RolledBack => (Group::Failed, "rolled back"),
        RunResult::Waiting => (Group::Waiting, "waits for a person"),
        RunResult::Interrupted => (Group::Waiting, "interrupted"),
        RunResult::Unknown => (Group::Unknown, "its end is unknown"),
    }
}

/// What came of a task, with the look of it.
pub(super) fn task_result(result: TaskResult) -> (Group, &'static str) {
    match result {
        TaskResult::Running => (Group::Active, "at work"),
        TaskResult::Succeeded => (Group::Done, "succeeded"),
        TaskResult::Failed => (Group::Failed, "failed"),
        TaskResult::Interrupted => (Group::Waiting, "put back"),
        TaskResult::Unknown => (Group::Unknown, "its end is unknown"),
    }
}

/// A commit as people name it; the whole hash stands in JSON.
pub(super) fn commit(id: &str) -> String {
    id.chars().take(12).collect()
}

/// A commit, or that there is none.
pub(super) fn commit_or_none(id: Option<&str>) -> String {
    id.map_or_else(|| "none".to_owned(), commit)
}

/// How many runs there were, by what came of them.
pub(super) fn counts(of: &EnvironmentDeployments) -> Vec<String> {
    let figures = &of.figures;
    let parts = [
        (figures.succeeded, "succeeded"),
        (figures.failed, "failed"),
        (figures.rolled_back, "rolled back"),
        (figures.waiting, "waiting for a person"),
        (figures.interrupted, "interrupted"),
        (figures.unknown, "with an unknown end"),
        (figures.running, "at work"),
    ];
    let mut said = vec![human::count(figures.deployments, "deployment", "deployments")];
    said.extend(parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")));
    let apart = [(of.removals.len(), "took work back"), (of.idle_runs, "executed nothing")];
    let apart = apart.iter().filter(|(n, _)| *n > 0);
    said.extend(apart.map(|(n, word)| format!("{} {word}", human::count(*n, "run", "runs"))));
    said
}

/// The four figures by their names; what nothing is known of is unknown.
pub(super) fn figures(figures: &Figures) -> [(&'static str, String); 4] {
    let unknown = || "unknown".to_owned();
    let ended = figures.deployments - figures.running;
    let failures = figures.failed + figures.rolled_back;
    let rate = figures.change_failure_rate;
    let restore = figures.time_to_restore.map_or_else(unknown, |restore| {
        format!("{} (of {})", spread(&restore), human::count(restore.count, "failure", "failures"))
    });
    let open = match figures.not_restored {
        0 => String::new(),
        open => format!("; {open} not restored yet"),
    };
    [
        ("Deployment frequency", figures.per_day.map_or_else(unknown, |n| format!("{n:.2} a day"))),
        (
            "Lead time for changes",
            figures.lead_time.map_or_else(unknown, |lead_time| {
                let (count, of) = (lead_time.count, figures.succeeded);
                format!("{} (of {count} of {of} good deployments)", spread(&lead_time))
            }),
        ),
        (
            "Change failure rate",
            rate.map_or_else(unknown, |rate| format!("{:.1} % ({failures} of {ended})", rate * 100.0)),
        ),
        ("Time to restore", format!("{restore}{open}")),
    ]
}

fn spread(spread: &Spread) -> String {
    let (median, p90) = (human::duration(spread.median_ms), human::duration(spread.p90_ms));
    format!("median {median}, nine of ten within {p90}")
}

/// What is told about a deployment beside its time and result.
pub(super) fn deployment(row: &DeploymentRow) -> Vec<String> {
    let commit = row.commit.as_ref().map(|commit| commit.id.as_str());
    let mut facts = vec![
        row.run.to_string(),
        row.document.to_string(),
        format!("commit {}", commit_or_none(commit)),
        format!("revision {}", row.revision),
        human::count(row.tasks, "task", "tasks"),
    ];
    facts.extend(row.duration_ms.map(human::duration));
    facts.extend(row.lead_time_ms.map(|ms| format!("lead time {}", human::duration(ms))));
    facts
}

/// The same about one task in one run.
pub(super) fn task_deployment(row: &TaskDeployment) -> Vec<String> {
    let mut facts = vec![
        row.run.to_string(),
        format!("commit {}", commit_or_none(row.commit.as_deref())),
        format!("revision {}", row.revision),
    ];
    facts.extend(row.duration_ms.map(human::duration));
    facts.extend((row.attempts > 1).then(|| format!("{} attempts", row.attempts)));
    facts
}
