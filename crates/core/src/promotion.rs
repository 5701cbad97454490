//! What one environment has proved and another has not: which tasks a promotion runs there, and what
//! holds the others back.
//!
//! Proved is what was done by the action as it is today and did not drift since. A mark in the document proves nothing; neither
//! does a task that is left out or done by a person in the one environment prove the action that is
//! bound in the other. What depends on a task that is held back is held back too, however far away.

use crate::dag::Dag;
use crate::journal::Recorded;
use crate::plan::{Disposition, PlannedTask};
use crate::state::TaskState;
use serde::Serialize;

/// How a task stands in one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum Standing {
    /// Done by the action as it is today, or by a person where nothing is bound.
    Done,
    /// Only marked done in the document.
    Claimed,
    /// Done before, by another action than today's.
    Changed,
    /// Done, but its check said no since.
    Drifted,
    /// Not done yet.
    Open,
    /// It failed.
    Failed {
        /// Why, in one line.
        reason: String,
    },
    /// The end of its last attempt is unknown.
    Unknown {
        /// Why, in one line.
        reason: String,
    },
    /// Left out here.
    LeftOut {
        /// Why, in one line.
        reason: String,
    },
    /// It completes with its subtasks.
    Group,
}

/// A task in one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// How it stands.
    pub standing: Standing,
    /// Something is bound that executes it; else a person does it, or its subtasks do.
    pub has_action: bool,
}

/// A task in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Where it is to be proved.
    pub from: Side,
    /// Where it is to be run.
    pub to: Side,
}

/// What becomes of a task in a promotion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "promotion", rename_all = "snake_case")]
pub enum Promotion {
    /// Done in both, or left out in both.
    Same,
    /// Proved in the first, runs in the second.
    Run {
        /// Why it is not done there, in a few words.
        why: String,
    },
    /// It completes with subtasks that run.
    Completes,
    /// Done in the second only: nothing runs.
    Ahead,
    /// Not proved in the first: held back.
    NotProved {
        /// Why not.
        why: String,
    },
    /// The other environment does not execute it.
    OnlyIn {
        /// True where it is the first that does.
        first: bool,
        /// What the other one does with it instead.
        why: String,
        /// It is not done in the second: what depends on it is held back.
        holds: bool,
    },
    /// Waits for a person in the second.
    Person {
        /// What for.
        why: String,
    },
    /// Proved, but held back by another task.
    HeldBack {
        /// Place of the task that is the reason.
        by: usize,
    },
}

impl Side {
    /// From the plan of the whole document there, and what is recorded there.
    pub fn of(task: &PlannedTask, recorded: Option<&Recorded>) -> Self {
        Self { standing: standing(task, recorded), has_action: task.kind.is_some() }
    }

    fn is_done(&self) -> bool {
        matches!(self.standing, Standing::Done | Standing::Claimed)
    }
}

fn standing(task: &PlannedTask, recorded: Option<&Recorded>) -> Standing {
    match &task.disposition {
        Disposition::Skip { reason } => Standing::LeftOut { reason: reason.clone() },
        Disposition::Cancelled => Standing::LeftOut { reason: "cancelled".to_owned() },
        Disposition::Claimed => Standing::Claimed,
        Disposition::Unknown { reason } => Standing::Unknown { reason: reason.clone() },
        Disposition::Group => Standing::Group,
        Disposition::Recorded { state: TaskState::Skipped { reason } } => {
            Standing::LeftOut { reason: reason.clone() }
        }
        Disposition::Recorded { state: TaskState::Cancelled } => {
            Standing::LeftOut { reason: "cancelled by a person".to_owned() }
        }
        Disposition::Recorded { .. } => Standing::Done,
        Disposition::Execute | Disposition::Manual => {
            recorded.map_or(Standing::Open, |recorded| standing_of_record(task, recorded))
        }
    }
}

fn standing_of_record(task: &PlannedTask, recorded: &Recorded) -> Standing {
    // A person's word without a digest is about the task, whatever is bound.
    let is_word = recorded.by.is_some() && recorded.digest.is_none();
    let is_of_today = recorded.digest == task.digest || is_word;
    match &recorded.state {
        TaskState::Failed { reason } => Standing::Failed { reason: reason.clone() },
        TaskState::Completed | TaskState::Satisfied | TaskState::Claimed if !is_of_today => Standing::Changed,
        TaskState::Completed | TaskState::Satisfied if task.disposition == Disposition::Execute => {
            if recorded.drifted { Standing::Drifted } else { Standing::Done }
        }
        TaskState::Claimed => Standing::Claimed,
        _ => Standing::Open,
    }
}

/// What becomes of each task; `dag` says what waits for what in the second environment.
pub fn compare(pairs: &[Pair], dag: &Dag) -> Vec<Promotion> {
    let mut found: Vec<Promotion> = pairs.iter().map(alone).collect();
    let mut held_by: Vec<Option<usize>> = vec![None; pairs.len()];
    for &task in dag.order() {
        let root = |dependency: usize| holds(&found[dependency]).then_some(dependency);
        held_by[task] = dag.dependencies(task).find_map(|d| held_by[d].or_else(|| root(d)));
        let goes_on = matches!(found[task], Promotion::Run { .. } | Promotion::Completes);
        match held_by[task].filter(|_| goes_on) {
            Some(by) => found[task] = Promotion::HeldBack { by },
            // Nothing is left to complete where nothing that it waits for runs.
            None if found[task] == Promotion::Completes
                && !dag.dependencies(task).any(|d| runs(&found[d])) =>
            {
                found[task] = Promotion::Same;
            }
            None => {}
        }
    }
    found
}

/// True for what is executed or completed by a promotion.
fn runs(promotion: &Promotion) -> bool {
    matches!(promotion, Promotion::Run { .. } | Promotion::Completes)
}

fn holds(promotion: &Promotion) -> bool {
    match promotion {
        Promotion::NotProved { .. } | Promotion::Person { .. } | Promotion::HeldBack { .. } => true,
        Promotion::OnlyIn { holds, .. } => *holds,
        Promotion::Same | Promotion::Run { .. } | Promotion::Completes | Promotion::Ahead => false,
    }
}

/// What becomes of a task if nothing else holds it back.
fn alone(pair: &Pair) -> Promotion {
    let Pair { from, to } = pair;
    let only_in = |first, why: &str, holds| Promotion::OnlyIn { first, why: why.to_owned(), holds };
    match (&from.standing, &to.standing) {
        (_, Standing::Group) => Promotion::Completes,
        (Standing::LeftOut { .. }, Standing::LeftOut { .. }) => Promotion::Same,
        (_, Standing::LeftOut { reason }) => only_in(true, reason, false),
        (_, Standing::Unknown { reason }) => {
            Promotion::Person { why: format!("its end is unknown: {reason}") }
        }
        (Standing::LeftOut { reason }, _) => only_in(false, reason, !to.is_done()),
        (Standing::Done, _) | (Standing::Claimed, Standing::Claimed) if to.is_done() => Promotion::Same,
        _ if to.is_done() => Promotion::Ahead,
        _ if !to.has_action && from.has_action => only_in(true, "a person does it", true),
        _ if !to.has_action => Promotion::Person { why: "a person does it".to_owned() },
        (Standing::Group, _) => only_in(false, "it completes with its subtasks", true),
        _ if !from.has_action => only_in(false, "a person does it", true),
        (Standing::Done, Standing::Changed) => run("its action changed since"),
        (Standing::Done, Standing::Drifted) => run("it drifted"),
        (Standing::Done, Standing::Failed { .. }) => run("it failed"),
        (Standing::Done, _) => run("not done yet"),
        (proof, _) => Promotion::NotProved { why: why_not_proved(proof) },
    }
}

fn run(why: &str) -> Promotion {
    Promotion::Run { why: why.to_owned() }
}

fn why_not_proved(standing: &Standing) -> String {
    match standing {
        Standing::Changed => "its action changed since it was proved".to_owned(),
        Standing::Claimed => "only marked done".to_owned(),
        Standing::Drifted => "it drifted: its check said no since".to_owned(),
        Standing::Failed { reason } => format!("failed: {reason}"),
        Standing::Unknown { reason } => format!("its end is unknown: {reason}"),
        _ => "not done yet".to_owned(),
    }
}

#[cfg(test)]
#[path = "promotion_tests.rs"]
mod tests;
