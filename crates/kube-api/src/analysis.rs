//! `AnalysisRun` (argoproj.io/v1alpha1).

use crate::goal::Progress;
use crate::lenient::or_default;
use crate::phase::one_line;
use crate::rollout::{Unreadable, read};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An analysis run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnalysisRun {
    /// What was found.
    #[serde(deserialize_with = "or_default")]
    pub status: AnalysisRunStatus,
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
    /// Measured, but decides nothing.
    #[serde(deserialize_with = "or_default")]
    pub dry_run: bool,
}

impl AnalysisRun {
    /// Reads one.
    ///
    /// # Errors
    /// Where a field is of another type.
    pub fn from_json(object: &Value) -> Result<Self, Unreadable> {
        read("AnalysisRun", object)
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
