//! Versions that are neither wanted nor stable: what is left of releases that were overtaken.

use super::number::narrow;
use super::plan::Canary;
use super::position::{Course, Position};
use super::sets::{Set, Sets};

/// Pods that older versions should keep, in the order of [`Sets::older`] (the newest first), as upstream's
/// `reconcileOtherReplicaSets` decides it for versions that no traffic is routed to and no delay protects.
///
/// Pods that do not serve go at once. Of those that serve as many go as are beyond the minimum that must
/// serve, over all versions, those of the newest version first; with traffic routing a version goes whole,
/// for nothing reaches it. After a promotion without dynamic stable scale they stay for a delay, which is
/// not decided here. While a version has more pods that serve than are wanted, it and all newer ones stay
/// as they are, and so does what serves.
pub fn drain(canary: &Canary, position: Position, sets: &Sets) -> Vec<i32> {
    let (mut kept, settled) = without_idle(&sets.older);
    let delayed = canary.traffic.is_some() && canary.dynamic().is_none() && position.course == Course::Stable;
    if !settled || delayed {
        return kept;
    }
    let least = i64::from(canary.replicas) - i64::from(canary.limits().unavailable);
    let mut spare = serving(sets) - least;
    for pods in &mut kept {
        if spare <= 0 {
            break;
        }
        let before = i64::from(*pods);
        let after = if canary.traffic.is_some() { 0 } else { (before - spare).max(0) };
        *pods = narrow(after);
        spare -= before - after;
    }
    kept
}

/// Pods without those that do not serve, the oldest version first, as far as no version has more that serve
/// than are wanted; and whether none has.
fn without_idle(older: &[Set]) -> (Vec<i32>, bool) {
    let mut kept: Vec<i32> = older.iter().map(|set| set.wanted).collect();
    for (set, pods) in older.iter().zip(&mut kept).rev().filter(|(set, _)| set.wanted > 0) {
        if set.available > set.wanted {
            return (kept, false);
        }
        *pods = set.available;
    }
    (kept, true)
}

/// Pods of all versions that serve.
fn serving(sets: &Sets) -> i64 {
    let both = [sets.canary, sets.other_stable()];
    let both: i64 = both.iter().flatten().map(|set| i64::from(set.available)).sum();
    both + sets.sum_older(|set| set.available)
}
