//! When a release of Argo Rollouts began and ended.

use super::RolloutPhase;
use crate::lenient::time;
use crate::replica_set::ReplicaSet;
use crate::rollout::{Condition, Rollout};
use jiff::Timestamp;

/// Begin and end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    pub(super) started: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
}

/// The condition of this type.
pub(super) fn condition<'r>(rollout: &'r Rollout, kind: &str) -> Option<&'r Condition> {
    rollout.status.conditions.iter().find(|condition| condition.kind == kind)
}

/// From `status.duration`, which versions from 1.11 on write; else from the condition `Completed`, which is
/// false from the moment on in which the newest template is not the stable one, and from the newest
/// ReplicaSet, which is younger where another release was overtaken.
pub(super) fn times(rollout: &Rollout, newest: Option<&ReplicaSet>, phase: RolloutPhase) -> Times {
    let written = &rollout.status.duration;
    let completed = condition(rollout, "Completed");
    let turned = completed.and_then(|condition| time(&condition.last_transition_time));
    let is_completed = completed.is_some_and(|condition| condition.status == "True");
    let created = newest.and_then(ReplicaSet::created_at);
    let ended = match phase {
        RolloutPhase::Completed => time(&written.finished_at).or_else(|| turned.filter(|_| is_completed)),
        RolloutPhase::RolledBack => time(&written.finished_at).or_else(|| time(&rollout.status.aborted_at)),
        _ => None,
    };
    let computed = if is_completed {
        // A version that is released again has a ReplicaSet from its first time.
        created.filter(|created| turned.is_none_or(|turned| *created <= turned))
    } else {
        turned.max(created)
    };
    Times { started: time(&written.rollout_started_at).or(computed), ended }
}
