//! Bounds on top of any of the forms.

use super::number::narrow;
use super::sets::{Counts, Set, Sets};

/// How many pods there may be, those that are going away counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clamp {
    /// Pods that are wanted.
    pub replicas: i32,
    /// Pods that there may be beyond.
    pub surge: i32,
    /// Pods of all versions that were told to go and still run (`status.terminatingReplicas` of
    /// Kubernetes).
    pub terminating: i32,
}

impl Clamp {
    /// Lowers what is planned until no pod is created beyond `replicas + surge`, pods that still terminate
    /// counted in. The stable version is served first. Nothing is taken away that there is already, or was
    /// asked for.
    pub fn terminating(self, planned: Counts, sets: &Sets) -> Counts {
        let (canary, stable) = (held(sets.canary), held(sets.other_stable()));
        let older: i64 = sets.older.iter().map(|set| held(Some(*set))).sum();
        let most = i64::from(self.replicas) + i64::from(self.surge);
        let room = (most - older - canary - stable - i64::from(self.terminating.max(0))).max(0);
        let new_stable = i64::from(planned.stable).min(stable + room);
        let room = room - (new_stable - stable).max(0);
        let new_canary = i64::from(planned.canary).min(canary + room);
        Counts { canary: narrow(new_canary), stable: narrow(new_stable) }
    }
}

/// Pods that there are, or will be in a moment.
fn held(set: Option<Set>) -> i64 {
    set.map_or(0, |set| i64::from(set.wanted.max(set.created)).max(0))
}

/// Pods of a stable version that never fall under its minimum.
pub fn at_least(minimum: i32, planned: Counts) -> Counts {
    Counts { stable: planned.stable.max(minimum), ..planned }
}

/// A weight that may be set: none on a version of which nothing serves, never outside of the whole.
pub fn safe_weight(weight: i32, max_weight: i32, available: i32) -> i32 {
    if available <= 0 { 0 } else { weight.clamp(0, max_weight.max(0)) }
}
