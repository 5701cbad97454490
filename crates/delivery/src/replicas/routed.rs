//! A canary with traffic routing: pods follow the traffic.

use super::number::narrow;
use super::plan::{Canary, Traffic};
use super::position::{Position, pods_for};
use super::sets::{Counts, Sets, Weights};

/// Pods to have next, as upstream's `CalculateReplicaCountsForTrafficRoutedCanary`.
///
/// The canary has the pods that its weight needs (or its step says), the stable version all, so that it
/// can take everything back at once. Under dynamic stable scale the stable version has pods for its part
/// of the traffic as it should be or as it is, whichever needs more; so does the canary of an abort.
/// Beside pods that a step says, the canary's weight counts as zero: the stable version then stays whole.
///
/// Without traffic routing the whole weight is 100 and nothing else is set.
pub fn routed(canary: &Canary, position: Position, sets: &Sets, weights: Option<Weights>) -> Counts {
    let aim = position.aim(canary, sets);
    let new = aim.pods.unwrap_or_else(|| at_minimum(canary, pods_for(canary, aim.weight)));
    if canary.dynamic().is_none() {
        return Counts { canary: new, stable: canary.replicas };
    }
    let rest = narrow(i64::from(canary.max_weight()) - i64::from(aim.weight));
    let mut counts = Counts { canary: new, stable: pods_for(canary, rest) };
    if let Some(weights) = weights {
        counts.stable = counts.stable.max(pods_for(canary, weights.stable));
        if position.aborted {
            counts.canary = counts.canary.max(pods_for(canary, weights.canary));
        }
    }
    Counts { canary: at_minimum(canary, counts.canary), stable: at_minimum(canary, counts.stable) }
}

/// At least the pods that a version must have that has any.
fn at_minimum(canary: &Canary, count: i32) -> i32 {
    let minimum = canary.traffic.as_ref().and_then(|Traffic { min_pods, .. }| *min_pods);
    match minimum {
        Some(minimum) if count != 0 => count.max(minimum.min(canary.replicas)),
        _ => count,
    }
}
