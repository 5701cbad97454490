//! The versions of a rollout, by their ReplicaSets.

use super::{Pods, Version, VersionRole, count, percent};
use crate::pod::{self, Pod};
use crate::replica_set::{HASH_LABEL, ReplicaSet};
use crate::rollout::Rollout;
use std::cmp::Reverse;

/// Stable, new, then old ones that still have pods, the newest first.
pub(super) fn versions(rollout: &Rollout, sets: &[&ReplicaSet], pods: &[Pod]) -> Vec<Version> {
    let shares = Shares::of(rollout, sets);
    let mut all: Vec<Version> = sets.iter().filter_map(|set| version(rollout, set, &shares, pods)).collect();
    all.sort_by_key(|version| (version.role, Reverse(version.number)));
    all
}

fn version(rollout: &Rollout, set: &ReplicaSet, shares: &Shares, all: &[Pod]) -> Option<Version> {
    let (status, hash) = (&rollout.status, set.hash());
    let pods = pods(set);
    let role = if hash == status.stable_rs {
        VersionRole::Stable
    } else if hash == status.current_pod_hash {
        if rollout.spec.strategy.blue_green.is_some() { VersionRole::Preview } else { VersionRole::Canary }
    } else if pods.wanted > 0 || pods.created > 0 {
        VersionRole::Old
    } else {
        return None;
    };
    let own: Vec<&Pod> = all.iter().filter(|pod| is_of(pod, hash)).collect();
    let told = pod::told(own.iter().copied());
    Some(Version {
        revision: hash.to_owned(),
        number: set.number(),
        role,
        label: set.label(),
        weight: match role {
            VersionRole::Stable => shares.stable,
            VersionRole::Canary | VersionRole::Preview => shares.new,
            VersionRole::Old => None,
        },
        pods,
        restarts: (!own.is_empty()).then_some(told.restarts),
        trouble: told.trouble.or_else(|| set.failure()),
    })
}

fn is_of(pod: &Pod, hash: &str) -> bool {
    pod.metadata.labels.get(HASH_LABEL).is_some_and(|own| own == hash)
}

/// The pods of a ReplicaSet; a wish that is absent is one pod.
pub(super) fn pods(set: &ReplicaSet) -> Pods {
    Pods {
        wanted: count(set.spec.replicas.unwrap_or(1)),
        created: count(set.status.replicas),
        available: count(set.status.available_replicas),
    }
}

/// Who has which share of the users, in percent.
pub(super) struct Shares {
    pub(super) stable: Option<u32>,
    pub(super) new: Option<u32>,
}

impl Shares {
    pub(super) fn of(rollout: &Rollout, sets: &[&ReplicaSet]) -> Self {
        let new = if rollout.rests() { Some(0) } else { new_share(rollout, sets) };
        Self { stable: new.map(|new| 100 - new), new }
    }
}

fn new_share(rollout: &Rollout, sets: &[&ReplicaSet]) -> Option<u32> {
    let status = &rollout.status;
    if rollout.spec.strategy.blue_green.is_some() {
        let active = &status.blue_green.active_selector;
        return (!active.is_empty()).then(|| if *active == status.current_pod_hash { 100 } else { 0 });
    }
    let canary = rollout.spec.strategy.canary.as_ref()?;
    if canary.traffic_routing.is_some() {
        let weights = status.canary.weights.as_ref()?;
        return Some(percent(weights.canary.weight, rollout.max_weight()));
    }
    // Without a router every pod has the same share.
    let available = |set: &&ReplicaSet| set.status.available_replicas.max(0);
    let of_new = sets.iter().filter(|set| set.hash() == status.current_pod_hash).map(available);
    let all = sets.iter().map(available).fold(0i64, i64::saturating_add);
    (all > 0).then(|| percent(of_new.fold(0, i64::saturating_add), all))
}
