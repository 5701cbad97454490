//! Which weight the traffic should have.

use super::number::{narrow, share_cut};
use super::plan::{Canary, Traffic};
use super::position::{Course, Position, weight_before};
use super::ready::{at_desired_counts, threshold_met};
use super::sets::{Sets, Weights};
use serde::{Deserialize, Serialize};

/// What to do with the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// The canary's weight; none: everything stays as it is, since the stable version lacks pods.
    pub weight: Option<i32>,
    /// Routes by header and mirrors go away. They do even where the weight stays.
    pub clear_routes: bool,
}

/// The canary's weight now, as upstream's `reconcileTrafficRouting` decides it.
///
/// A canary that serves nothing has no weight, and no routes. Otherwise it has that of the steps, of the
/// current one only when the pods for it are there. A full promotion leaves the weight where it is, or
/// under dynamic stable scale lets it follow the canary's pods (beyond the whole, if more serve than are
/// wanted; see [`super::safe_weight`]). An abort, and a return to the stable version under dynamic stable
/// scale, bring it to nothing: at once if the stable version is complete, else as it grows.
/// Nothing changes where the stable version could not serve its part ([`enough_stable`]).
///
/// Upstream stops dead in three states that do not last: a fully promoted canary that still serves where
/// no pods are wanted (a division by zero; here the weight is nothing), a step beyond the end (here all are
/// done), and a return to a stable version without a set (here no return).
pub fn shift(canary: &Canary, position: Position, sets: &Sets, weights: Option<Weights>) -> Shift {
    let (weight, clear_routes) = wanted_weight(canary, position, sets, weights);
    let rest = narrow(i64::from(canary.max_weight()) - i64::from(weight));
    let weight = enough_stable(canary, sets, rest).then_some(weight);
    Shift { weight, clear_routes }
}

/// Whether the stable version has pods for a weight: its share, rounded down, or what a threshold calls
/// enough of it.
pub fn enough_stable(canary: &Canary, sets: &Sets, weight: i32) -> bool {
    let needed = narrow(share_cut(weight, canary.replicas, canary.max_weight()));
    let stable = sets.stable();
    stable.is_some_and(|set| set.available >= needed || threshold_met(canary.threshold, stable, needed))
}

fn wanted_weight(canary: &Canary, position: Position, sets: &Sets, weights: Option<Weights>) -> (i32, bool) {
    let serving = sets.canary.map_or(0, |set| set.available);
    if returning(canary, position, sets, weights) {
        (weight_of_return(canary, position, sets, weights), false)
    } else if position.course == Course::Stable {
        (0, true)
    } else if position.aborted {
        (weight_of_return(canary, position, sets, weights), true)
    } else if serving == 0 {
        (0, true)
    } else if position.course == Course::Full {
        (weight_of_promotion(canary, serving, weights), true)
    } else {
        (weight_of_steps(canary, position, sets), false)
    }
}

/// Whether what is wanted became the stable version again while another still has traffic and the stable
/// version, under dynamic stable scale, not all its pods.
fn returning(canary: &Canary, position: Position, sets: &Sets, weights: Option<Weights>) -> bool {
    position.course == Course::Stable
        && canary.dynamic().is_some()
        && weights.is_some_and(|weights| weights.outdated)
        && sets.canary.is_some_and(|set| set.available < canary.replicas)
}

/// The weight on the way back: never more than now, and under dynamic stable scale not less than the
/// stable version lacks.
fn weight_of_return(canary: &Canary, position: Position, sets: &Sets, weights: Option<Weights>) -> i32 {
    let (Some(Traffic { max_weight, .. }), Some(stable), Some(_)) =
        (canary.dynamic(), sets.stable(), sets.canary)
    else {
        return 0;
    };
    if canary.replicas == 0 {
        return 0;
    }
    let whole = i64::from(*max_weight);
    let stable_weight = share_cut(*max_weight, stable.available, canary.replicas);
    let lacking = narrow((whole - stable_weight).max(0));
    let desired = position.desired_weight(canary, sets);
    match weights {
        None => lacking.max(desired),
        Some(now) if desired <= 0 => lacking.min(now.canary),
        Some(now) if stable_weight < whole - i64::from(desired) => now.canary,
        Some(now) => desired.min(now.canary),
    }
}

fn weight_of_promotion(canary: &Canary, serving: i32, weights: Option<Weights>) -> i32 {
    match (canary.dynamic(), weights) {
        (Some(traffic), _) => narrow(share_cut(traffic.max_weight, serving, canary.replicas)),
        (None, Some(now)) => now.canary,
        (None, None) => 0,
    }
}

/// The weight of the current step, or of the one before while pods are missing. Without steps: nothing.
fn weight_of_steps(canary: &Canary, position: Position, sets: &Sets) -> i32 {
    if canary.steps.is_empty() {
        return 0;
    }
    if at_desired_counts(canary, position, sets, None) {
        position.set_weight(canary)
    } else {
        weight_before(canary, position.step)
    }
}
