//! Whole pods that come nearest to a weight.

use super::number::{narrow, share_down, share_up};
use super::sets::Counts;

/// Pods of both versions whose ratio comes nearest to a weight, where pods are the only way to weigh
/// (upstream's `approximateWeightedCanaryStableReplicaCounts`).
///
/// The canary's share, rounded up or down, of `replicas` or (if `surge` allows more) of one more. Between
/// the ends of the scale neither version gets nothing, but for one replica without surge. Of equally near
/// ones the first counts, so up goes before down; where up and down are exactly as far, down is no
/// candidate at all. The share is always of `replicas`, not of one more.
///
/// Nothing for no replicas; all stable if there is no candidate (upstream: the same).
pub fn approximate(replicas: i32, weight: i32, max_weight: i32, surge: i32) -> Counts {
    if replicas == 0 {
        return Counts::default();
    }
    let candidates = candidates(replicas, weight, max_weight, surge);
    let mut best = Counts { canary: 0, stable: replicas };
    let mut least = f64::INFINITY;
    for (pods, all) in candidates.into_iter().flatten() {
        let distance = distance(pods, all, weight, max_weight);
        if distance < least {
            best = Counts { canary: narrow(pods), stable: narrow(all - pods) };
            least = distance;
        }
    }
    best
}

/// Pods of the canary and of both, in upstream's order. Upstream has a fourth, rounded down of one more; it is
/// never nearer than the others.
fn candidates(replicas: i32, weight: i32, max_weight: i32, surge: i32) -> [Option<(i64, i64)>; 3] {
    let up = share_up(replicas, weight, max_weight);
    let down = share_down(replicas, weight, max_weight);
    let (all, more) = (i64::from(replicas), i64::from(replicas) + 1);
    let none_allowed = weight == max_weight || weight == 0 || (replicas == 1 && surge == 0);
    let down_allowed = (down != 0 || none_allowed) && !tied(replicas, weight, max_weight);
    [
        (up < all || none_allowed).then_some((up, all)),
        down_allowed.then_some((down, all)),
        (surge > 0).then_some((up, more)),
    ]
}

/// Whether a weight lies in the middle of two numbers of pods, as far as floating point can tell: upstream
/// multiplies by a rounded ratio, so that 261/406 of 21 (13.5) is no tie, and goes down.
fn tied(replicas: i32, weight: i32, max_weight: i32) -> bool {
    (f64::from(replicas) * (f64::from(weight) / f64::from(max_weight))).fract().abs() == 0.5
}

/// How far the weight of these pods is from the one that is asked for.
fn distance(pods: i64, all: i64, weight: i32, max_weight: i32) -> f64 {
    ((pods * i64::from(max_weight)) as f64 / all as f64 - f64::from(weight)).abs()
}
