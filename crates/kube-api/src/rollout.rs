//! The parts of a `Rollout` (argoproj.io/v1alpha1) that its verbs and its phase depend on.

use crate::lenient::or_default;
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
}

/// How a rollout is delivered; one of both is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Strategy {
    /// By blue-green.
    pub blue_green: Option<BlueGreenStrategy>,
    /// By canary.
    pub canary: Option<CanaryStrategy>,
}

/// `spec.strategy.blueGreen`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BlueGreenStrategy {
    /// Analysis after the switch, as it is written.
    pub post_promotion_analysis: Option<Value>,
}

/// `spec.strategy.canary`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CanaryStrategy {
    /// Steps to full promotion.
    #[serde(deserialize_with = "or_default")]
    pub steps: Vec<Step>,
    /// Traffic is split by a router instead of by numbers of pods.
    pub traffic_routing: Option<TrafficRouting>,
}

/// `spec.strategy.canary.trafficRouting`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TrafficRouting {
    /// The weight that stands for all traffic; 100 where absent.
    pub max_traffic_weight: Option<i64>,
}

/// One step of a canary; exactly one key is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Step {
    /// Sets the weight of the canary.
    pub set_weight: Option<i64>,
    /// Waits for a time or for a person.
    pub pause: Option<PauseStep>,
    /// Any other kind of step by its key.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// A step that waits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PauseStep {
    /// Seconds, or a text such as `10m`; for a person where absent.
    pub duration: Option<Value>,
}

impl Step {
    /// In words: `setWeight 20`, `pause 30s`, `analysis`.
    pub fn describe(&self) -> String {
        if let Some(weight) = self.set_weight {
            return format!("setWeight {weight}");
        }
        if let Some(pause) = &self.pause {
            return match &pause.duration {
                None | Some(Value::Null) => "pause".to_owned(),
                Some(Value::String(text)) => format!("pause {text}"),
                Some(other) => format!("pause {other}s"),
            };
        }
        let other = self.other.iter().find(|(_, value)| !value.is_null());
        other.map_or_else(|| "an unknown step".to_owned(), |(name, _)| name.clone())
    }
}

/// `status`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutStatus {
    /// Aborted by a person or by analysis.
    #[serde(deserialize_with = "or_default")]
    pub abort: bool,
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
#[serde(default)]
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
