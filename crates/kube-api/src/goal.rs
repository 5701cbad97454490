//! What a wait waits for, and how far it is.

use crate::phase::{Phase, RolloutState};
use std::fmt;
use std::str::FromStr;

/// How far something is that was waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is reached.
    Done,
    /// It may still be reached.
    NotYet {
        /// What is in the way.
        why: String,
    },
    /// It will not be reached without a change.
    Failed {
        /// What happened.
        why: String,
    },
}

impl Progress {
    pub(crate) fn not_yet(why: impl Into<String>) -> Self {
        Self::NotYet { why: why.into() }
    }

    pub(crate) fn failed(why: impl Into<String>) -> Self {
        Self::Failed { why: why.into() }
    }
}

/// A state of a rollout that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The newest template is in full service.
    Healthy,
    /// It is paused by a step or a person.
    Paused,
    /// It is paused, or the newest template is the stable one already: Argo Rollouts passes the pause of a
    /// blue-green release where that version still has all of its pods.
    Promotable,
    /// It is aborted, invalid or too slow.
    Degraded,
    /// So many steps are done, or all of them.
    Step(u32),
    /// The canary has at least this weight, or all of it.
    Weight(u32),
}

/// A text that is no goal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("want `healthy`, `paused`, `promotable`, `degraded`, `step N` or `weight N`")]
pub struct GoalError;

impl FromStr for Goal {
    type Err = GoalError;

    fn from_str(text: &str) -> Result<Self, GoalError> {
        let mut words = text.split_whitespace();
        let (first, number) = (words.next(), words.next());
        if words.next().is_some() {
            return Err(GoalError);
        }
        let number = number.map(|word| word.parse::<u32>().map_err(|_| GoalError)).transpose()?;
        match (first, number) {
            (Some("healthy"), None) => Ok(Self::Healthy),
            (Some("paused"), None) => Ok(Self::Paused),
            (Some("promotable"), None) => Ok(Self::Promotable),
            (Some("degraded"), None) => Ok(Self::Degraded),
            (Some("step"), Some(number)) => Ok(Self::Step(number)),
            (Some("weight"), Some(number)) => Ok(Self::Weight(number)),
            _ => Err(GoalError),
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Healthy => f.write_str("healthy"),
            Self::Paused => f.write_str("paused"),
            Self::Promotable => f.write_str("promotable"),
            Self::Degraded => f.write_str("degraded"),
            Self::Step(number) => write!(f, "step {number}"),
            Self::Weight(number) => write!(f, "weight {number}"),
        }
    }
}

/// How far a rollout is from a goal.
///
/// A phase that is older than the specification, or older than the last verb, decides nothing: a
/// rollout that was just retried still says `Degraded` for a moment.
pub fn progress(state: &RolloutState, goal: Goal) -> Progress {
    let line = state.line();
    if !state.is_observed || state.is_reacting {
        return Progress::not_yet(line);
    }
    if state.phase == Phase::Degraded {
        return if goal == Goal::Degraded { Progress::Done } else { Progress::failed(line) };
    }
    if state.is_aborted && goal != Goal::Degraded {
        // The phase follows in a moment.
        return Progress::not_yet(line);
    }
    let reached = match goal {
        Goal::Healthy => state.phase == Phase::Healthy,
        Goal::Paused => state.phase == Phase::Paused,
        Goal::Promotable => state.is_fully_promoted || state.phase == Phase::Paused,
        Goal::Degraded => false,
        Goal::Step(wanted) => state.is_fully_promoted || passed(state, wanted),
        Goal::Weight(wanted) => state.is_fully_promoted || weighs(state, wanted),
    };
    if reached { Progress::Done } else { Progress::not_yet(line) }
}

fn passed(state: &RolloutState, wanted: u32) -> bool {
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    state.step.as_ref().is_some_and(|step| step.index >= wanted)
}

/// By what the router has; where pods split the traffic, by what the steps that are done have set.
fn weighs(state: &RolloutState, wanted: u32) -> bool {
    let wanted = i64::from(wanted);
    state.weight.is_some_and(|weight| match weight.actual {
        Some(actual) => actual >= wanted,
        None => weight.set >= wanted && weight.is_settled,
    })
}
