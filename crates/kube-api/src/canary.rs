//! `Canary` of Flagger (flagger.app/v1beta1).

use crate::goal::Progress;
use crate::lenient::or_default;
use crate::phase::one_line;
use crate::rollout::{Condition, Metadata, Unreadable, read};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A canary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Canary {
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub metadata: Metadata,
    /// What is wanted.
    #[serde(deserialize_with = "or_default")]
    pub spec: CanarySpec,
    /// What its controller found.
    #[serde(deserialize_with = "or_default")]
    pub status: CanaryState,
}

/// `spec` of a canary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CanarySpec {
    /// The workload that is released.
    #[serde(deserialize_with = "or_default")]
    pub target_ref: CanaryTarget,
    /// Who splits the traffic, where it is not what Flagger was started with.
    #[serde(deserialize_with = "or_default")]
    pub provider: String,
    /// How it is tried.
    pub analysis: Option<CanaryAnalysis>,
    /// The same under its old name.
    pub canary_analysis: Option<CanaryAnalysis>,
    /// Seconds without progress after which it is taken back; 600 where absent.
    pub progress_deadline_seconds: Option<i64>,
    /// It is promoted without being tried.
    #[serde(deserialize_with = "or_default")]
    pub skip_analysis: bool,
    /// Flagger leaves it as it is.
    #[serde(deserialize_with = "or_default")]
    pub suspend: bool,
}

/// `spec.analysis` of a canary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CanaryAnalysis {
    /// Time between two looks, such as `1m`.
    #[serde(deserialize_with = "or_default")]
    pub interval: String,
    /// Rounds of A/B and blue-green.
    #[serde(deserialize_with = "or_default")]
    pub iterations: i64,
    /// Greatest weight; 100 where absent.
    #[serde(deserialize_with = "or_default")]
    pub max_weight: i64,
    /// What a round adds to the weight.
    #[serde(deserialize_with = "or_default")]
    pub step_weight: i64,
    /// The weights one by one.
    #[serde(deserialize_with = "or_default")]
    pub step_weights: Vec<i64>,
    /// Checks that may fail; at least 1.
    #[serde(deserialize_with = "or_default")]
    pub threshold: i64,
    /// Users that are led to it by what they send.
    #[serde(rename = "match", deserialize_with = "or_default")]
    pub matches: Vec<Value>,
    /// What is measured.
    #[serde(deserialize_with = "or_default")]
    pub metrics: Vec<CanaryMetric>,
    /// Who is asked.
    #[serde(deserialize_with = "or_default")]
    pub webhooks: Vec<Webhook>,
}

/// One metric of a canary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CanaryMetric {
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Its bounds.
    pub threshold_range: Option<ThresholdRange>,
    /// Its greatest value, or the least one of `request-success-rate`: the old way.
    pub threshold: Option<f64>,
}

/// Bounds, both of which are good.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ThresholdRange {
    /// At least.
    pub min: Option<f64>,
    /// At most.
    pub max: Option<f64>,
}

/// Who is asked by HTTP.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Webhook {
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// `confirm-rollout`, `pre-rollout`, `rollout` (also where absent), `confirm-traffic-increase`,
    /// `confirm-promotion`, `post-rollout`, `rollback`, `event`.
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub kind: String,
    /// Its address: it may hold a secret, and is never shown.
    #[serde(deserialize_with = "or_default")]
    pub url: String,
}

/// `spec.targetRef` of a canary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CanaryTarget {
    /// `Deployment`, `DaemonSet`, `Service`.
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
    /// Its name; Flagger's copy of what was promoted is called `<name>-primary`.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
}

/// `status` of a canary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CanaryState {
    /// `Initializing`, `Initialized`, `Waiting`, `Progressing`, `WaitingPromotion`, `Promoting`,
    /// `Finalising`, `Succeeded`, `Failed`, `Terminating`, `Terminated`.
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
    /// Checks that failed so far.
    #[serde(deserialize_with = "or_default")]
    pub failed_checks: i64,
    /// Share of traffic.
    #[serde(deserialize_with = "or_default")]
    pub canary_weight: i64,
    /// Rounds of A/B and blue-green.
    #[serde(deserialize_with = "or_default")]
    pub iterations: i64,
    /// When anything of this changed last.
    #[serde(deserialize_with = "or_default")]
    pub last_transition_time: String,
    /// What holds.
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<Condition>,
}

impl Canary {
    /// Reads one.
    ///
    /// # Errors
    /// Where a field is of another type.
    pub fn from_json(object: &Value) -> Result<Self, Unreadable> {
        read("Canary", object)
    }

    /// How it is tried, by either name.
    pub fn analysis(&self) -> Option<&CanaryAnalysis> {
        self.spec.analysis.as_ref().or(self.spec.canary_analysis.as_ref())
    }

    /// Seconds between two looks of Flagger: at least 10, and 60 where nothing readable is written.
    pub fn interval_seconds(&self) -> f64 {
        let written = self.analysis().and_then(|analysis| crate::lenient::seconds(&analysis.interval));
        written.map_or(60.0, |seconds| seconds.max(10.0))
    }

    /// The condition that tells how the last release ended.
    pub(crate) fn promoted(&self) -> Option<&Condition> {
        self.status.conditions.iter().find(|condition| condition.kind == "Promoted")
    }
}

impl CanaryTarget {
    /// As kubectl names its kind; none for a kind whose template cannot be changed here.
    pub fn resource(&self) -> Option<&'static str> {
        match self.kind.as_str() {
            "Deployment" => Some("deployments.apps"),
            "DaemonSet" => Some("daemonsets.apps"),
            _ => None,
        }
    }
}

/// Whether a canary is at rest, and well. `Initialized` is: the first deployment is not analysed.
pub fn canary_ended(canary: &Canary) -> Progress {
    let line = line(&canary.status);
    match canary.status.phase.as_str() {
        "Succeeded" | "Initialized" => Progress::Done,
        "Failed" | "Terminating" | "Terminated" => Progress::failed(line),
        _ => Progress::not_yet(line),
    }
}

/// Whether the workload runs what its primary runs. Right after a change the canary still tells of the
/// release before: Flagger looks at its interval only. Images, commands and arguments are compared,
/// which Flagger copies as they are.
pub fn is_promoted(target: &Value, primary: &Value) -> bool {
    program(target) == program(primary)
}

fn program(workload: &Value) -> Vec<[Option<Value>; 4]> {
    let containers = workload.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let of = |container: &Value| ["name", "image", "command", "args"].map(|key| container.get(key).cloned());
    containers.map(|all| all.iter().map(of).collect()).unwrap_or_default()
}

fn line(status: &CanaryState) -> String {
    let phase = if status.phase.is_empty() { "no phase yet".to_owned() } else { one_line(&status.phase) };
    let mut text = format!("{phase}, weight {}", status.canary_weight);
    if status.iterations > 0 {
        text.push_str(&format!(", iteration {}", status.iterations));
    }
    if status.failed_checks > 0 {
        text.push_str(&format!(", {} failed checks", status.failed_checks));
    }
    let promoted = status.conditions.iter().find(|condition| condition.kind == "Promoted");
    if let Some(condition) = promoted.filter(|condition| !condition.message.is_empty()) {
        text.push_str(&format!(" ({})", one_line(&condition.message)));
    }
    text
}
