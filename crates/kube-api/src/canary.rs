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
    /// What its controller found.
    #[serde(deserialize_with = "or_default")]
    pub status: CanaryState,
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
