//! Whether pods are where they should be, and a step is done.

use super::basic::basic;
use super::plan::{Canary, Step, Threshold};
use super::position::Position;
use super::routed::routed;
use super::sets::{Counts, Set, Sets, Weights};
use crate::time::Time;
use serde::{Deserialize, Serialize};

/// What is known of a step beyond pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// A person paused the rollout itself (`spec.paused`).
    pub held: bool,
    /// The step paused the rollout at some time, and it did not go on by itself since.
    pub paused: bool,
    /// Since when the step's pause lasts; none where it has not begun, or a person ended it.
    pub paused_since: Option<Time>,
    /// Whether the router has the weight; none where it cannot tell.
    pub verified: Option<bool>,
    /// Whether the analysis, experiment or plugin of the step ended well.
    pub judged_well: bool,
}

/// Whether the current step is done, as upstream's `completedCurrentCanaryStep`. Weight and scale are when
/// the pods are there ([`at_desired_counts`]), and weight if the router does not deny it; a pause when its
/// time is over, or a person ended it; a judgement when it ends well; routes at once.
pub fn completed(
    canary: &Canary,
    position: Position,
    sets: &Sets,
    weights: Option<Weights>,
    evidence: Evidence,
    now: Time,
) -> bool {
    if evidence.held {
        return false;
    }
    let there = || at_desired_counts(canary, position, sets, weights);
    match position.current(canary) {
        None => false,
        Some(Step::SetWeight(_)) => there() && (weights.is_none() || evidence.verified != Some(false)),
        Some(Step::SetCanaryScale(_)) => there(),
        Some(Step::Pause(length)) => match (evidence.paused_since, length) {
            (None, _) => evidence.paused,
            (Some(_), None) => false,
            (Some(since), Some(length)) => now > since + *length,
        },
        Some(Step::Judge) => evidence.judged_well,
        Some(Step::Route) => true,
    }
}

/// Whether the versions have the pods that they should have, as upstream's
/// `AtDesiredReplicaCountsForCanary`: the canary's serve, as far as its threshold says; the stable
/// version's are created (it may be that they do not serve), but for dynamic stable scale, which does not
/// look at them; and without traffic routing older versions have none that serve.
pub fn at_desired_counts(canary: &Canary, position: Position, sets: &Sets, weights: Option<Weights>) -> bool {
    let desired = match canary.traffic {
        Some(_) => routed(canary, position, sets, weights),
        None => basic(canary, position, sets),
    };
    let Counts { canary: new, stable } = desired;
    threshold_met(canary.threshold, sets.canary, new)
        && (canary.dynamic().is_some() || sets.stable().is_some_and(|set| created(set, stable)))
        && (canary.traffic.is_some() || sets.sum_older(|set| set.available) == 0)
}

fn created(set: Set, desired: i32) -> bool {
    set.wanted == desired && set.created == desired
}

/// Whether enough of the desired pods serve. Without a threshold: exactly all, and no others are wanted.
/// A share is met within 1e-10 percent, against rounding (upstream's number).
pub(super) fn threshold_met(threshold: Option<Threshold>, set: Option<Set>, desired: i32) -> bool {
    let Some(set) = set else {
        return false;
    };
    match threshold {
        Some(Threshold::Percent(percent)) if percent >= 0 => {
            let (served, needed) = (f64::from(set.available), f64::from(percent));
            let reached = served / f64::from(desired) * 100.0;
            desired == 0 || reached >= needed || (reached - needed).abs() <= 1e-10
        }
        Some(Threshold::Pods(pods)) if pods >= 0 => set.available >= pods,
        _ => set.wanted == desired && set.available == desired,
    }
}
