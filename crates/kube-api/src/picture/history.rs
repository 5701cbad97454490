//! What was released: by the ReplicaSets that are kept.

use super::versions::pods;
use super::{
    Around, CanaryAround, Pods, RolloutPhase, canary as picture_of_canary, rollout as picture_of_rollout,
};
use crate::canary::{Canary, is_promoted};
use crate::replica_set::{HASH_LABEL, ReplicaSet};
use crate::rollout::Rollout;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::cmp::Reverse;

/// How a release ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It became the stable version.
    Completed,
    /// It was taken back.
    RolledBack,
    /// It is under way.
    UnderWay,
    /// Nobody has kept it.
    Unknown,
}

/// One version that was released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its place in the history.
    pub number: u64,
    /// The hash of its template.
    pub revision: String,
    /// Its images.
    pub label: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, where it was taken back.
    pub why: Option<String>,
    /// When its first pod was asked for.
    pub started: Option<Timestamp>,
    /// When it ended, of the last release.
    pub ended: Option<Timestamp>,
    /// It serves.
    pub is_stable: bool,
    /// Its pods, where it has any.
    pub pods: Option<Pods>,
}

/// The releases of a rollout, newest first.
pub fn rollout_history(rollout: &Rollout, around: &Around) -> Vec<Release> {
    let picture = picture_of_rollout(rollout, around);
    let status = &rollout.status;
    let own = around.sets.iter().filter(|set| set.belongs_to(&rollout.metadata.uid));
    let release = |set: &ReplicaSet| {
        let is_stable = set.hash() == status.stable_rs && !status.stable_rs.is_empty();
        let is_newest = set.hash() == status.current_pod_hash;
        let fault = verdict(set, around);
        let outcome = match picture.phase {
            _ if is_stable => Outcome::Completed,
            RolloutPhase::RolledBack if is_newest => Outcome::RolledBack,
            _ if is_newest => Outcome::UnderWay,
            _ if fault.is_some() => Outcome::RolledBack,
            _ => Outcome::Unknown,
        };
        let is_back = outcome == Outcome::RolledBack;
        let why = if is_newest { picture.why.clone().or(fault) } else { fault };
        Release {
            outcome,
            is_stable,
            why: why.filter(|_| is_back),
            ended: picture.ended.filter(|_| is_newest),
            ..self::release(set)
        }
    };
    sorted(own.map(release).collect())
}

/// Why the analysis of a version has failed, where its runs are still there.
fn verdict(set: &ReplicaSet, around: &Around) -> Option<String> {
    let is_of = |labels: &std::collections::BTreeMap<String, String>| {
        labels.get(HASH_LABEL).is_some_and(|hash| hash == set.hash())
    };
    let failed = around.runs.iter().filter(|run| is_of(&run.metadata.labels));
    let mut failed = failed.filter(|run| ["Failed", "Error"].contains(&run.status.phase.as_str()));
    failed.next().map(|run| crate::one_line(&run.status.message))
}

/// The releases of the workload behind a canary, newest first.
pub fn canary_history(canary: &Canary, around: &CanaryAround) -> Vec<Release> {
    let Some(target) = &around.target else { return Vec::new() };
    let picture = picture_of_canary(canary, around);
    let phase = picture.phase;
    let owner = target.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
    let own: Vec<&ReplicaSet> = around.sets.iter().filter(|set| set.belongs_to(owner)).collect();
    let last = own.iter().filter_map(|set| set.number()).max();
    let release = |set: &&ReplicaSet| {
        let is_newest = set.number() == last;
        let template = json!({ "spec": { "template": set.spec.template } });
        let is_stable = around.primary.as_ref().is_some_and(|primary| is_promoted(&template, primary));
        let outcome = match phase {
            RolloutPhase::Completed if is_newest => Outcome::Completed,
            RolloutPhase::RolledBack if is_newest && !is_stable => Outcome::RolledBack,
            _ if is_newest && !phase.is_over() => Outcome::UnderWay,
            _ if is_stable => Outcome::Completed,
            _ => Outcome::Unknown,
        };
        let is_back = outcome == Outcome::RolledBack;
        let why = picture.why.clone().filter(|_| is_back);
        Release { outcome, is_stable, why, ended: picture.ended.filter(|_| is_newest), ..self::release(set) }
    };
    sorted(own.iter().map(release).collect())
}

fn release(set: &ReplicaSet) -> Release {
    let pods = pods(set);
    Release {
        number: set.number().unwrap_or_default(),
        revision: set.hash().to_owned(),
        label: set.label(),
        outcome: Outcome::Unknown,
        why: None,
        started: set.created_at(),
        ended: None,
        is_stable: false,
        pods: (pods.wanted > 0 || pods.created > 0).then_some(pods),
    }
}

fn sorted(mut releases: Vec<Release>) -> Vec<Release> {
    releases.sort_by_key(|release| Reverse(release.number));
    releases
}
