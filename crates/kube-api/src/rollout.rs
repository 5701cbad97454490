//! The parts of a `Rollout` (argoproj.io/v1alpha1) that its verbs and its phase depend on.

use crate::lenient::or_default;
use crate::strategy::{Step, Strategy};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// An object that is not what it was taken for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no readable {kind}: {why}")]
pub struct Unreadable {
    /// What it was taken for.
    pub kind: &'static str,
    /// What is wrong with it.
    pub why: String,
}

/// Reads an object.
pub(crate) fn read<T: DeserializeOwned>(kind: &'static str, object: &Value) -> Result<T, Unreadable> {
    if !object.is_object() {
        // Else a list would be read as the fields in their order.
        return Err(Unreadable { kind, why: "it is no mapping".to_owned() });
    }
    T::deserialize(object).map_err(|fault| Unreadable { kind, why: fault.to_string() })
}

/// `metadata` of any object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Its namespace.
    #[serde(deserialize_with = "or_default")]
    pub namespace: String,
    /// Its identity.
    #[serde(deserialize_with = "or_default")]
    pub uid: String,
    /// Another one after every change.
    #[serde(deserialize_with = "or_default")]
    pub resource_version: String,
    /// When it was made.
    #[serde(deserialize_with = "or_default")]
    pub creation_timestamp: String,
    /// Counts changes of its specification.
    #[serde(deserialize_with = "or_default")]
    pub generation: i64,
    /// Its labels.
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    #[serde(deserialize_with = "or_default")]
    pub annotations: BTreeMap<String, String>,
    /// Whom it belongs to.
    #[serde(deserialize_with = "or_default")]
    pub owner_references: Vec<OwnerReference>,
}

/// One owner of an object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OwnerReference {
    /// Identity of the owner.
    #[serde(deserialize_with = "or_default")]
    pub uid: String,
    /// True for the one that manages the object.
    #[serde(deserialize_with = "or_default")]
    pub controller: bool,
}

/// A rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rollout {
    /// Its name and generation.
    #[serde(deserialize_with = "or_default")]
    pub metadata: Metadata,
    /// What is wanted.
    #[serde(deserialize_with = "or_default")]
    pub spec: RolloutSpec,
    /// What its controller found.
    #[serde(deserialize_with = "or_default")]
    pub status: RolloutStatus,
}

impl Rollout {
    /// Reads one.
    ///
    /// # Errors
    /// Where a field is of another type.
    pub fn from_json(object: &Value) -> Result<Self, Unreadable> {
        read("Rollout", object)
    }

    /// Its steps; none for blue-green.
    pub fn steps(&self) -> &[Step] {
        self.spec.strategy.canary.as_ref().map_or(&[], |canary| &canary.steps)
    }

    /// The index of the current step and the step itself; the step is none past the last one, and
    /// both are none without steps. A missing index is the first one.
    pub fn current_step(&self) -> Option<(usize, Option<&Step>)> {
        let steps = self.steps();
        if steps.is_empty() {
            return None;
        }
        let index = usize::try_from(self.status.current_step_index.unwrap_or(0)).unwrap_or(0);
        Some((index, steps.get(index)))
    }

    /// True where the newest template is the stable one: nothing is in flight.
    pub fn is_fully_promoted(&self) -> bool {
        self.status.stable_rs == self.status.current_pod_hash
    }

    /// Fully promoted, by hashes that the controller has written.
    pub(crate) fn rests(&self) -> bool {
        self.is_fully_promoted() && !self.status.stable_rs.is_empty()
    }

    /// The weight that stands for all traffic.
    pub fn max_weight(&self) -> i64 {
        let canary = self.spec.strategy.canary.as_ref();
        let routing = canary.and_then(|canary| canary.traffic_routing.as_ref());
        routing.and_then(|routing| routing.max_traffic_weight).unwrap_or(100)
    }
}

/// `spec`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutSpec {
    /// Stopped by a person.
    #[serde(deserialize_with = "or_default")]
    pub paused: bool,
    /// Wanted pods; 1 where absent.
    pub replicas: Option<i64>,
    /// Seconds without progress after which it is told as too slow; 600 where absent.
    pub progress_deadline_seconds: Option<i64>,
    /// It is aborted then.
    #[serde(deserialize_with = "or_default")]
    pub progress_deadline_abort: bool,
    /// Pods are replaced once after this time.
    pub restart_at: Option<String>,
    /// The workload whose template is used instead of an own one.
    pub workload_ref: Option<WorkloadRef>,
    /// Which pods belong to it.
    #[serde(deserialize_with = "or_default")]
    pub selector: Selector,
    /// Template of its pods.
    pub template: Option<Value>,
    /// How it is delivered.
    #[serde(deserialize_with = "or_default")]
    pub strategy: Strategy,
}

/// A workload by reference.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadRef {
    /// Its kind.
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
}

/// Which pods belong to an object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Selector {
    /// Labels that must be equal.
    #[serde(deserialize_with = "or_default")]
    pub match_labels: BTreeMap<String, String>,
    /// Rules that must hold.
    #[serde(deserialize_with = "or_default")]
    pub match_expressions: Vec<SelectorRule>,
}

/// A rule for one label.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SelectorRule {
    /// The label.
    #[serde(deserialize_with = "or_default")]
    pub key: String,
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`.
    #[serde(deserialize_with = "or_default")]
    pub operator: String,
    /// Its values.
    #[serde(deserialize_with = "or_default")]
    pub values: Vec<String>,
}

impl Selector {
    /// As `kubectl --selector` takes it: `app=web,tier in (a,b),!canary`.
    pub fn text(&self) -> String {
        let labels = self.match_labels.iter().map(|(key, value)| format!("{key}={value}"));
        let rules = self.match_expressions.iter().filter_map(|rule| {
            let (key, values) = (&rule.key, rule.values.join(","));
            Some(match rule.operator.as_str() {
                "In" => format!("{key} in ({values})"),
                "NotIn" => format!("{key} notin ({values})"),
                "Exists" => key.clone(),
                "DoesNotExist" => format!("!{key}"),
                _ => return None,
            })
        });
        labels.chain(rules).collect::<Vec<_>>().join(",")
    }
}

/// `status`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutStatus {
    /// Aborted by a person or by analysis.
    #[serde(deserialize_with = "or_default")]
    pub abort: bool,
    /// When it was aborted.
    #[serde(deserialize_with = "or_default")]
    pub aborted_at: String,
    /// When it began and ended, since version 1.11.
    #[serde(deserialize_with = "or_default")]
    pub duration: DurationStatus,
    /// Goes to the end without steps, pauses and analysis.
    #[serde(deserialize_with = "or_default")]
    pub promote_full: bool,
    /// Why the controller stopped it; a person clears them to go on.
    #[serde(deserialize_with = "or_default")]
    pub pause_conditions: Vec<PauseCondition>,
    /// The controller stopped it. Without pause conditions: a person has let it go on.
    #[serde(deserialize_with = "or_default")]
    pub controller_pause: bool,
    /// Number of the current step, from zero.
    pub current_step_index: Option<i64>,
    /// Hash of the steps.
    #[serde(deserialize_with = "or_default")]
    pub current_step_hash: String,
    /// Hash of the newest template.
    #[serde(deserialize_with = "or_default")]
    pub current_pod_hash: String,
    /// Hash of the template that serves.
    #[serde(rename = "stableRS", deserialize_with = "or_default")]
    pub stable_rs: String,
    /// The phase, since version 1.0.
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
    /// Why it is in that phase.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// The generation that the controller has seen: a number, or a hash of very old versions.
    #[serde(deserialize_with = "or_default")]
    pub observed_generation: String,
    /// The same of the workload by reference.
    #[serde(deserialize_with = "or_default")]
    pub workload_observed_generation: String,
    /// When pods were replaced last.
    pub restarted_at: Option<String>,
    /// All pods.
    #[serde(deserialize_with = "or_default")]
    pub replicas: i64,
    /// Pods of the newest template.
    #[serde(deserialize_with = "or_default")]
    pub updated_replicas: i64,
    /// Pods that serve.
    #[serde(deserialize_with = "or_default")]
    pub available_replicas: i64,
    /// What holds.
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<Condition>,
    /// Of blue-green.
    #[serde(deserialize_with = "or_default")]
    pub blue_green: BlueGreenStatus,
    /// Of a canary.
    #[serde(deserialize_with = "or_default")]
    pub canary: CanaryStatus,
}

/// `status.duration`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DurationStatus {
    /// When this attempt began.
    #[serde(deserialize_with = "or_default")]
    pub rollout_started_at: String,
    /// Since when it waits for a person.
    #[serde(deserialize_with = "or_default")]
    pub manual_pause_started_at: String,
    /// When this attempt ended.
    #[serde(deserialize_with = "or_default")]
    pub finished_at: String,
}

/// Why the controller stopped a rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PauseCondition {
    /// `CanaryPauseStep`, `BlueGreenPause`, `InconclusiveAnalysisRun` …
    #[serde(deserialize_with = "or_default")]
    pub reason: String,
    /// Since when.
    #[serde(deserialize_with = "or_default")]
    pub start_time: String,
}

/// One thing that holds or does not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// What.
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub kind: String,
    /// `True`, `False`, `Unknown`.
    #[serde(deserialize_with = "or_default")]
    pub status: String,
    /// Why, as a word.
    #[serde(deserialize_with = "or_default")]
    pub reason: String,
    /// Why, as a sentence.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// When it was said last.
    #[serde(deserialize_with = "or_default")]
    pub last_update_time: String,
    /// Since when `status` is so.
    #[serde(deserialize_with = "or_default")]
    pub last_transition_time: String,
}

/// `status.blueGreen`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BlueGreenStatus {
    /// Hash that the active service selects.
    #[serde(deserialize_with = "or_default")]
    pub active_selector: String,
    /// Hash that the preview service selects.
    #[serde(deserialize_with = "or_default")]
    pub preview_selector: String,
    /// Analysis before the switch.
    pub pre_promotion_analysis_run_status: Option<RunStatus>,
    /// Analysis after the switch.
    pub post_promotion_analysis_run_status: Option<RunStatus>,
}

/// `status.canary`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CanaryStatus {
    /// Analysis of the current step.
    pub current_step_analysis_run_status: Option<RunStatus>,
    /// Analysis beside the steps.
    pub current_background_analysis_run_status: Option<RunStatus>,
    /// Weights that the router has, with traffic routing.
    pub weights: Option<Weights>,
}

/// An analysis run as its rollout shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunStatus {
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Its phase.
    #[serde(deserialize_with = "or_default")]
    pub status: String,
    /// Why.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
}

/// How traffic is split.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Weights {
    /// To the canary.
    #[serde(deserialize_with = "or_default")]
    pub canary: WeightDestination,
    /// To the stable version.
    #[serde(deserialize_with = "or_default")]
    pub stable: WeightDestination,
    /// The router was asked, and it has these weights.
    pub verified: Option<bool>,
}

/// One side of a split.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WeightDestination {
    /// Its share.
    #[serde(deserialize_with = "or_default")]
    pub weight: i64,
    /// Hash of its template.
    #[serde(deserialize_with = "or_default")]
    pub pod_template_hash: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_what_kubectl_takes() {
        let selector: Selector = serde_json::from_value(serde_json::json!({
            "matchLabels": { "app": "web" },
            "matchExpressions": [
                { "key": "tier", "operator": "In", "values": ["a", "b"] },
                { "key": "zone", "operator": "NotIn", "values": ["c"] },
                { "key": "live", "operator": "Exists" },
                { "key": "canary", "operator": "DoesNotExist" },
                { "key": "x", "operator": "Gt", "values": ["1"] },
            ],
        }))
        .unwrap();
        assert_eq!(selector.text(), "app=web,tier in (a,b),zone notin (c),live,!canary");
    }
}
