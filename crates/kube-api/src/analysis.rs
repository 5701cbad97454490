//! `AnalysisRun` (argoproj.io/v1alpha1).

use crate::goal::Progress;
use crate::lenient::or_default;
use crate::phase::one_line;
use crate::rollout::{Metadata, Unreadable, read};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An analysis run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnalysisRun {
    /// Its name, its labels and its owner.
    #[serde(deserialize_with = "or_default")]
    pub metadata: Metadata,
    /// What is measured.
    #[serde(deserialize_with = "or_default")]
    pub spec: AnalysisRunSpec,
    /// What was found.
    #[serde(deserialize_with = "or_default")]
    pub status: AnalysisRunStatus,
}

/// `spec` of an analysis run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnalysisRunSpec {
    /// One a metric.
    #[serde(deserialize_with = "or_default")]
    pub metrics: Vec<MetricSpec>,
}

/// One metric as it is written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricSpec {
    /// The metric.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Measurements: a number, or a text that is one.
    pub count: Option<Value>,
    /// What a good measurement says.
    #[serde(deserialize_with = "or_default")]
    pub success_condition: String,
    /// What a bad one says.
    #[serde(deserialize_with = "or_default")]
    pub failure_condition: String,
}

/// `status` of an analysis run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisRunStatus {
    /// `Pending`, `Running`, `Successful`, `Failed`, `Error`, `Inconclusive`.
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
    /// Why.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// One a metric.
    #[serde(deserialize_with = "or_default")]
    pub metric_results: Vec<MetricResult>,
}

/// What one metric says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricResult {
    /// The metric.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Its phase.
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
    /// Why.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// Measurements that count.
    #[serde(deserialize_with = "or_default")]
    pub count: i64,
    /// Those that were good.
    #[serde(deserialize_with = "or_default")]
    pub successful: i64,
    /// Those that were bad.
    #[serde(deserialize_with = "or_default")]
    pub failed: i64,
    /// Those that could not tell.
    #[serde(deserialize_with = "or_default")]
    pub inconclusive: i64,
    /// Times that nothing could be measured.
    #[serde(deserialize_with = "or_default")]
    pub error: i64,
    /// The last measurements, oldest first.
    #[serde(deserialize_with = "or_default")]
    pub measurements: Vec<Measurement>,
    /// Measured, but decides nothing.
    #[serde(deserialize_with = "or_default")]
    pub dry_run: bool,
}

/// One measurement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Measurement {
    /// Its phase.
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
    /// Why.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// What was measured, as text: `0.98`, `[0.98]`, `NaN`, anything.
    #[serde(deserialize_with = "or_default")]
    pub value: String,
}

impl AnalysisRun {
    /// Reads one.
    ///
    /// # Errors
    /// Where a field is of another type.
    pub fn from_json(object: &Value) -> Result<Self, Unreadable> {
        read("AnalysisRun", object)
    }

    /// Reads the items of a list; one that is not readable is left out.
    pub fn from_list(list: &Value) -> Vec<Self> {
        let items = list.get("items").and_then(Value::as_array);
        items.into_iter().flatten().filter_map(|item| Self::from_json(item).ok()).collect()
    }
}

/// True for a phase that ends.
pub(crate) fn is_completed(phase: &str) -> bool {
    ["Successful", "Failed", "Error", "Inconclusive"].contains(&phase)
}

/// Whether an analysis has ended, and well. An inconclusive one has not ended well.
pub fn analysis_ended(run: &AnalysisRun) -> Progress {
    let status = &run.status;
    match status.phase.as_str() {
        "Successful" => Progress::Done,
        phase if is_completed(phase) => Progress::failed(verdict(status)),
        _ => Progress::not_yet(verdict(status)),
    }
}

/// `Failed (why); errors Failed after 3 (why)`
fn verdict(status: &AnalysisRunStatus) -> String {
    let word = if status.phase.is_empty() { "Pending" } else { &status.phase };
    let mut text = one_line(word) + &because(&status.message);
    for metric in status.metric_results.iter().filter(|metric| metric.phase != "Successful") {
        let dry = if metric.dry_run { ", which decides nothing," } else { "" };
        let (name, phase) = (one_line(&metric.name), one_line(&metric.phase));
        let why = because(&metric.message);
        text.push_str(&format!("; metric {name}{dry} is {phase} after {} measurements{why}", metric.count));
    }
    text
}

fn because(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" ({})", one_line(message)) }
}
