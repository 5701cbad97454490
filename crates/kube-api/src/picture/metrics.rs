//! Metrics: of AnalysisRuns, and of Flagger's analysis.

use super::{MetricLine, MetricVerdict, RolloutPhase};
use crate::analysis::{AnalysisRun, Measurement, MetricResult, MetricSpec, is_completed};
use crate::canary::{Canary, CanaryMetric};
use crate::event::Event;
use crate::phase::one_line;
use std::collections::BTreeMap;

/// So many numbers are shown at most.
const RECENT: usize = 20;

/// Which run of a rollout it is: of every kind only the newest one counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Step(u32),
    Background,
    Before,
    After,
    Other,
}

impl Place {
    fn of(run: &AnalysisRun) -> Self {
        let labels = &run.metadata.labels;
        match labels.get("rollout-type").map(String::as_str) {
            Some("Step") => {
                let index = labels.get("step-index").and_then(|index| index.parse().ok());
                Self::Step(index.unwrap_or_default())
            }
            Some("Background") => Self::Background,
            Some("PrePromotion") => Self::Before,
            Some("PostPromotion") => Self::After,
            _ => Self::Other,
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Step(index) => format!("step {}", u64::from(*index) + 1),
            Self::Background => "beside the steps".to_owned(),
            Self::Before => "before the switch".to_owned(),
            Self::After => "after the switch".to_owned(),
            Self::Other => "another analysis".to_owned(),
        }
    }
}

/// One line a metric; where several runs measure it, the name tells of which run.
pub(super) fn of_runs(runs: &[&AnalysisRun]) -> Vec<MetricLine> {
    let mut newest: BTreeMap<Place, &AnalysisRun> = BTreeMap::new();
    for run in runs {
        let kept = newest.entry(Place::of(run)).or_insert(run);
        if run.metadata.creation_timestamp > kept.metadata.creation_timestamp {
            *kept = run;
        }
    }
    let mut lines: Vec<(&Place, MetricLine)> = newest
        .iter()
        .flat_map(|(place, run)| {
            let known = run.status.metric_results.iter().map(move |result| of_result(run, result));
            let unknown =
                run.spec.metrics.iter().filter(|metric| {
                    run.status.metric_results.iter().all(|result| result.name != metric.name)
                });
            let to_come = unknown.map(move |metric| of_result(run, &of_spec(metric)));
            known.chain(to_come).map(move |line| (place, line))
        })
        .collect();
    let names: Vec<String> = lines.iter().map(|(_, line)| line.name.clone()).collect();
    for (place, line) in &mut lines {
        if names.iter().filter(|name| **name == line.name).count() > 1 {
            line.name = format!("{} ({})", line.name, place.words());
        }
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

/// A metric that was not measured yet.
fn of_spec(metric: &MetricSpec) -> MetricResult {
    MetricResult { name: metric.name.clone(), ..MetricResult::default() }
}

fn of_result(run: &AnalysisRun, result: &MetricResult) -> MetricLine {
    let spec = run.spec.metrics.iter().find(|metric| metric.name == result.name);
    let recent = result.measurements.iter().map(number);
    let skipped = result.measurements.len().saturating_sub(RECENT);
    MetricLine {
        name: one_line(&result.name),
        verdict: verdict(run, result),
        words: words(result, spec),
        dry_run: result.dry_run,
        recent: recent.skip(skipped).collect(),
        sample: u64::try_from(result.count).ok(),
        needed: spec.and_then(needed),
    }
}

fn verdict(run: &AnalysisRun, result: &MetricResult) -> MetricVerdict {
    match result.phase.as_str() {
        "Successful" => MetricVerdict::Passed,
        "Failed" => MetricVerdict::Failed,
        "Inconclusive" => MetricVerdict::Inconclusive,
        "Error" => MetricVerdict::Error,
        // A run that ended early says nothing of what it had not measured.
        _ if is_completed(&run.status.phase) => MetricVerdict::Inconclusive,
        "Running" if result.count > 0 || result.error > 0 => MetricVerdict::Measuring,
        _ => MetricVerdict::Pending,
    }
}

/// `3 good, 1 bad, last 0.93, wanted result[0] >= 0.95 (message)`
fn words(result: &MetricResult, spec: Option<&MetricSpec>) -> String {
    let counts = [
        (result.successful, "good"),
        (result.failed, "bad"),
        (result.inconclusive, "without a verdict"),
        (result.error, "without a measurement"),
    ];
    let counted = counts.iter().filter(|(count, _)| *count > 0);
    let mut parts: Vec<String> = counted.map(|(count, word)| format!("{count} {word}")).collect();
    let last = result.measurements.last();
    if let Some(last) = last.filter(|last| !last.value.is_empty()) {
        parts.push(format!("last {}", short(&last.value)));
    }
    match spec {
        Some(spec) if !spec.success_condition.is_empty() => {
            parts.push(format!("wanted {}", short(&spec.success_condition)));
        }
        Some(spec) if !spec.failure_condition.is_empty() => {
            parts.push(format!("bad is {}", short(&spec.failure_condition)));
        }
        _ => {}
    }
    let message = [Some(&result.message), last.map(|last| &last.message)];
    if let Some(message) = message.into_iter().flatten().find(|message| !message.is_empty()) {
        parts.push(short(message));
    }
    parts.join(", ")
}

fn short(text: &str) -> String {
    let line = one_line(text.trim());
    let mut shown: String = line.chars().take(160).collect();
    if shown.len() < line.len() {
        shown.push('…');
    }
    shown
}

/// `0.98` and `[0.98]` are numbers; what is infinite or no number is a gap.
fn number(measurement: &Measurement) -> Option<f64> {
    let text = measurement.value.trim();
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    text.trim().parse::<f64>().ok().filter(|number| number.is_finite())
}

fn needed(spec: &MetricSpec) -> Option<u64> {
    let count = spec.count.as_ref()?;
    count.as_u64().or_else(|| count.as_str()?.parse().ok())
}

/// Flagger keeps no measurements: what it tells of a metric are the events of checks that failed.
pub(super) fn of_canary(canary: &Canary, events: &[&Event], phase: RolloutPhase) -> Vec<MetricLine> {
    let metrics = canary.analysis().map(|analysis| analysis.metrics.as_slice()).unwrap_or_default();
    metrics.iter().map(|metric| of_flagger(metric, events, phase)).collect()
}

fn of_flagger(metric: &CanaryMetric, events: &[&Event], phase: RolloutPhase) -> MetricLine {
    let told: Vec<&&Event> =
        events.iter().filter(|event| event.is_warning() && tells_of(event, metric)).collect();
    let last = told.last().map(|event| short(&event.message));
    let is_back = matches!(phase, RolloutPhase::RollingBack | RolloutPhase::RolledBack);
    let verdict = match phase {
        RolloutPhase::Completed | RolloutPhase::Promoting => MetricVerdict::Passed,
        _ if is_back && last.is_some() => MetricVerdict::Failed,
        RolloutPhase::Analyzing => MetricVerdict::Measuring,
        RolloutPhase::Initializing => MetricVerdict::Pending,
        _ => MetricVerdict::Inconclusive,
    };
    let words = [bounds(metric), last].into_iter().flatten().collect::<Vec<_>>().join(", ");
    MetricLine {
        name: one_line(&metric.name),
        verdict,
        words,
        dry_run: false,
        recent: Vec::new(),
        sample: None,
        needed: None,
    }
}

fn bounds(metric: &CanaryMetric) -> Option<String> {
    if let Some(range) = &metric.threshold_range {
        let bounds =
            [range.min.map(|min| format!("at least {min}")), range.max.map(|max| format!("at most {max}"))];
        let bounds: Vec<String> = bounds.into_iter().flatten().collect();
        return (!bounds.is_empty()).then(|| bounds.join(", "));
    }
    let word = if metric.name == "request-success-rate" { "least" } else { "most" };
    metric.threshold.map(|threshold| format!("at {word} {threshold}"))
}

/// `Halt web.shop advancement success rate 69.17% < 99%`, `Halt advancement no values found for … NAME …`:
/// the metrics that Flagger brings along go by names of their own.
fn tells_of(event: &Event, metric: &CanaryMetric) -> bool {
    let message = &event.message;
    let own = match metric.name.as_str() {
        "request-success-rate" => "advancement success rate",
        "request-duration" => "advancement request duration",
        _ => "",
    };
    (!own.is_empty() && message.contains(own))
        || message.contains("Halt") && message.split([' ', ':', ',']).any(|word| word == metric.name)
        || message.contains("failed for") && message.split([' ', ':']).any(|word| word == metric.name)
}
