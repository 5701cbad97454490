//! Where a rollout stands, and what that asks for.

use super::number::{narrow, share_up};
use super::plan::{AbortDelay, AbortRule, Canary, Scale, Step, Traffic};
use super::sets::Sets;
use serde::{Deserialize, Serialize};

/// Which way a rollout takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// The first version: nothing is stable yet, and there are no steps.
    First,
    /// The wanted version is the stable one.
    Stable,
    /// From step to step.
    Steps,
    /// A person asked to leave out the steps (`promote --full`).
    Full,
}

/// Where a rollout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Its way.
    pub course: Course,
    /// It was aborted, and goes back.
    pub aborted: bool,
    /// The current step, from zero. As many as there are, or more: all are done.
    pub step: usize,
}

/// What the canary should become: a number of pods that is written, or else a weight. The weight beside
/// written pods is zero, as upstream has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aim {
    /// Pods of a `setCanaryScale` step.
    pub pods: Option<i32>,
    /// Part of the traffic, or of the pods without traffic routing.
    pub weight: i32,
}

impl Position {
    /// After a change of what is wanted, or of the steps: at the first step, with neither pause nor abort
    /// nor full promotion. A change back to the stable version, or inside of the rollback window to one
    /// that still has pods, is past the steps (upstream's `resetRolloutStatus`).
    pub fn after_change(course: Course, steps: usize, back: bool) -> Self {
        let course = if course == Course::Full { Course::Steps } else { course };
        Self { course, aborted: false, step: if back { steps } else { 0 } }
    }

    /// After an abort: at the first step, or past all where the wanted version is the stable one.
    pub fn after_abort(self, steps: usize) -> Self {
        let step = if self.course == Course::Stable { steps } else { 0 };
        Self { aborted: true, step, ..self }
    }

    /// The current step; none past the last.
    pub fn current(self, canary: &Canary) -> Option<&Step> {
        canary.steps.get(self.step)
    }

    /// The weight that the steps ask for: of the latest `setWeight` until here, nothing before the first,
    /// all of it past the last step, nothing after an abort.
    pub fn set_weight(self, canary: &Canary) -> i32 {
        if self.aborted {
            return 0;
        }
        match self.current(canary) {
            Some(_) => weight_before(canary, self.step.saturating_add(1)),
            None => canary.max_weight(),
        }
    }

    /// The canary's weight as its pods must follow it. An abort under dynamic stable scale goes back step
    /// by step, so that the stable version grows by the steps' stride.
    pub fn desired_weight(self, canary: &Canary, sets: &Sets) -> i32 {
        match (canary.dynamic(), sets.canary, sets.stable()) {
            (Some(traffic), Some(new), Some(stable)) if self.aborted => {
                weight_back(canary, traffic, new.available, stable.available)
            }
            _ => self.set_weight(canary),
        }
    }

    /// What the canary should become. Steps count for those only who go them.
    pub fn aim(self, canary: &Canary, sets: &Sets) -> Aim {
        if self.course != Course::Steps {
            return Aim { pods: None, weight: canary.max_weight() };
        }
        match self.scale(canary) {
            Some(Scale::Pods(pods)) => Aim { pods: Some(pods), weight: 0 },
            Some(Scale::Weight(weight)) => Aim { pods: None, weight },
            Some(Scale::MatchTraffic) | None => Aim { pods: None, weight: self.desired_weight(canary, sets) },
        }
    }

    /// The latest `setCanaryScale` until here. It counts with traffic routing only; after an abort only
    /// where the canary's pods shall stay for ever; past the last step not at all.
    fn scale(self, canary: &Canary) -> Option<Scale> {
        let traffic = canary.traffic.as_ref()?;
        if self.aborted && traffic.abort_delay != AbortDelay::Never {
            return None;
        }
        let until_here = canary.steps.get(..=self.step)?;
        until_here.iter().rev().find_map(|step| match step {
            Step::SetCanaryScale(scale) => Some(*scale),
            _ => None,
        })
    }
}

/// The weight of the latest `setWeight` before a step; nothing without one.
pub(super) fn weight_before(canary: &Canary, step: usize) -> i32 {
    let before = canary.steps.iter().take(step).rev();
    before.filter_map(|step| weight_of(*step)).next().unwrap_or(0)
}

/// The next weight on the way back: of the last step whose pods are fewer than the canary still needs,
/// which is what the stable version lacks, and not fewer than it has. Thus the stable version grows by
/// the steps' stride and not at once.
fn weight_back(canary: &Canary, traffic: &Traffic, new: i32, stable: i32) -> i32 {
    let lacking = i64::from(canary.replicas) - i64::from(stable);
    let needed = if holds(traffic) { lacking.max(i64::from(new)) } else { lacking };
    let fits = |weight: &i32| share_up(*weight, canary.replicas, traffic.max_weight) < needed;
    canary.steps.iter().rev().filter_map(|step| weight_of(*step)).find(fits).unwrap_or(0)
}

/// Whether the canary's pods hold its weight during an abort.
fn holds(traffic: &Traffic) -> bool {
    traffic.abort_rule == AbortRule::Released || !matches!(traffic.abort_delay, AbortDelay::Seconds(_))
}

fn weight_of(step: Step) -> Option<i32> {
    match step {
        Step::SetWeight(weight) => Some(weight),
        _ => None,
    }
}

/// Pods for a part of the traffic, rounded up.
pub(super) fn pods_for(canary: &Canary, weight: i32) -> i32 {
    narrow(share_up(weight, canary.replicas, canary.max_weight()))
}
