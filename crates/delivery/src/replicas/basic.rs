//! A canary without traffic routing: pods are the weight, and change by small moves.

use super::approximate::approximate;
use super::number::narrow;
use super::plan::Canary;
use super::position::Position;
use super::sets::{Counts, Set, Sets};

/// Pods to have next, as upstream's `CalculateReplicaCountsForBasicCanary`.
///
/// The aim is the nearest ratio to the weight ([`approximate`]). Until the surge is used up pods are
/// added, the stable version's first. While older versions have pods nothing is taken away, for theirs go
/// first. Otherwise pods that are beyond the minimum that must serve are taken away: from the stable
/// version if the canary grows, else from the canary. Those of the version that shrinks count as serving
/// whether they do or not, lest pods that never start block their own removal.
pub fn basic(canary: &Canary, position: Position, sets: &Sets) -> Counts {
    let plan = Move::new(canary, position, sets);
    let added = plan.add();
    let (canary, stable) = if sets.sum_older(|set| set.wanted) > 0 { added } else { plan.take(added) };
    Counts { canary: narrow(canary), stable: narrow(stable) }
}

/// One move towards the aim. Pods in 64 bits.
struct Move<'a> {
    sets: &'a Sets,
    /// Pods of the canary and of the stable version at the end.
    aim: (i64, i64),
    /// Pods that there may be.
    most: i64,
    /// Pods that must serve.
    least: i64,
}

impl<'a> Move<'a> {
    /// Without a stable version of its own the canary becomes everything at once.
    fn new(canary: &Canary, position: Position, sets: &'a Sets) -> Self {
        let limits = canary.limits();
        let weight = position.aim(canary, sets).weight;
        let aim = match sets.other_stable() {
            Some(_) => approximate(canary.replicas, weight, canary.max_weight(), limits.surge),
            None => Counts { canary: canary.replicas, stable: 0 },
        };
        let all = i64::from(canary.replicas);
        Self {
            sets,
            aim: (i64::from(aim.canary), i64::from(aim.stable)),
            most: all + i64::from(limits.surge),
            least: all - i64::from(limits.unavailable),
        }
    }

    /// Pods after all were added that there is room for.
    fn add(&self) -> (i64, i64) {
        let (canary, stable) = (wanted(self.sets.canary), wanted(self.sets.other_stable()));
        let room = self.most - self.sets.sum_older(|set| set.wanted) - canary - stable;
        let more_stable = match self.sets.other_stable() {
            Some(_) => grow(stable, self.aim.1, room),
            None => 0,
        };
        let more_canary = match self.sets.canary {
            Some(_) => grow(canary, self.aim.0, room - (more_stable - stable)),
            None => 0,
        };
        (more_canary, more_stable)
    }

    /// Pods after those were taken away that need not serve.
    fn take(&self, (canary, stable): (i64, i64)) -> (i64, i64) {
        let growing = self.sets.canary.is_none_or(|set| self.aim.0 >= i64::from(set.wanted));
        let counted = counted(self.sets.canary, !growing) + counted(self.sets.stable(), growing);
        let spare = counted - self.least;
        if spare <= 0 {
            return (canary, stable);
        }
        if !growing {
            let fewer = shrink(canary, wanted(self.sets.canary), self.aim.0, spare);
            return self.within(self.sets.canary, self.sets.stable(), fewer, stable);
        }
        if self.sets.other_stable().is_none() {
            return (canary, stable);
        }
        let fewer = shrink(stable, wanted(self.sets.stable()), self.aim.1, spare);
        let (stable, canary) = self.within(self.sets.stable(), self.sets.canary, fewer, canary);
        (canary, stable)
    }

    /// Brings both under the most that there may be. The version that is not drained gives way first, but
    /// not so far that too few serve: what it must keep the drained one gives up instead.
    fn within(&self, drained: Option<Set>, other: Option<Set>, rest: i64, count: i64) -> (i64, i64) {
        let Some(other) = other else {
            return (rest, count);
        };
        let over = |count: i64| (count + rest - self.most).max(0);
        let lowered = count - over(count);
        let serving = drained.map_or(0, |set| i64::from(set.available).min(rest));
        let available = i64::from(other.available);
        let lost = (available - lowered).max(0);
        let missing = (self.least - serving - available.min(lowered)).max(0);
        let kept = lowered + lost.min(missing);
        (rest - over(kept), kept)
    }
}

fn wanted(set: Option<Set>) -> i64 {
    set.map_or(0, |set| i64::from(set.wanted))
}

/// As near to the aim as there is room for.
fn grow(count: i64, aim: i64, room: i64) -> i64 {
    if count < aim && room > 0 { aim.min(count + room) } else { count }
}

/// As near to the aim as may be spared; `count` where nothing is to be taken.
fn shrink(count: i64, wanted: i64, aim: i64, spare: i64) -> i64 {
    if wanted > aim { aim.max(wanted - spare) } else { count }
}

/// Pods of which some may go: those that serve and shall stay, or all that shall stay.
fn counted(set: Option<Set>, unavailable_too: bool) -> i64 {
    set.map_or(0, |set| i64::from(if unavailable_too { set.wanted } else { set.wanted.min(set.available) }))
}
