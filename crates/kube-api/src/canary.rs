//! `Canary` of Flagger (flagger.app/v1beta1).

use crate::goal::Progress;
use crate::lenient::or_default;
use crate::phase::one_line;
use crate::rollout::{Condition, Unreadable, read};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A canary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Canary {
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
