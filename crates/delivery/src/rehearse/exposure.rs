//! Failures of the new version that users met, and those that they would have met.

use super::answers::arm;
use super::recording::Recording;
use crate::spec::Role;
use crate::spec::{Analysis, Judge, TestKind};
use crate::stats::Arm;
use crate::time::Time;
use serde::{Deserialize, Serialize};

/// What users met of the new version, by a metric that counts units and failures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exposure {
    /// The metric.
    pub metric: String,
    /// What was recorded from the beginning to the end of the rehearsed rollout.
    pub until: Arm,
    /// What was recorded after that.
    pub after: Arm,
    /// What it comes to at the rehearsed weights; unknown where no weights were recorded.
    pub scaled: Option<Scaled>,
}

/// Recorded failures at the rehearsed weights: those at a recorded weight of 10 % count five times at 50 %, and
/// not at all at 0 %. That is a guess, as faults may depend on load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scaled {
    /// Failures that the rehearsed weights would have brought, from the beginning to the end of the recording.
    pub failures: f64,
    /// Recorded failures less these: spared, or caused where it is negative.
    pub spared: f64,
    /// Failures at times at which no weight above 0 was recorded: left out of both.
    pub unknown: u64,
}

/// The new version's share from a time on, in percent.
pub(super) type Weights = [(Time, f64)];

/// The exposure by each test of errors. `weights` are the rehearsed ones.
pub(super) fn exposures(
    recording: &Recording,
    analysis: &Analysis,
    weights: &Weights,
    (began, ended, last): (Time, Time, Time),
) -> Vec<Exposure> {
    let mut found = Vec::new();
    for metric in &analysis.metrics {
        let is_errors = matches!(&metric.judge, Judge::Test(test) if test.kind == TestKind::Errors);
        let Some(queries) = recording.queries(analysis, metric).filter(|_| is_errors) else { continue };
        let at = |time: Time| arm(queries, Role::CanaryTotal, Role::CanaryFailures, time);
        let scaled = recording
            .has_weights()
            .then(|| scaled(&recording.weights, weights, began, last, |time| at(time).failures));
        found.push(Exposure {
            metric: metric.name.clone(),
            until: less(at(ended), at(began)),
            after: less(at(last), at(ended)),
            scaled,
        });
    }
    found
}

fn less(now: Arm, before: Arm) -> Arm {
    Arm {
        units: now.units.saturating_sub(before.units),
        failures: now.failures.saturating_sub(before.failures),
    }
}

/// Goes from each change of a weight to the next one.
fn scaled(
    recorded: &Weights,
    rehearsed: &Weights,
    began: Time,
    last: Time,
    failures: impl Fn(Time) -> u64,
) -> Scaled {
    let changes = recorded.iter().chain(rehearsed).map(|(time, _)| *time);
    let mut times: Vec<Time> = changes.filter(|time| *time > began && *time < last).collect();
    times.extend([began, last]);
    times.sort_unstable();
    times.dedup();
    let mut scaled = Scaled::default();
    for pair in times.windows(2) {
        let added = failures(pair[1]).saturating_sub(failures(pair[0]));
        match weight(recorded, pair[0]) {
            Some(weight) if weight > 0.0 => {
                let would = added as f64 * self::weight(rehearsed, pair[0]).unwrap_or(0.0) / weight;
                scaled.failures += would;
                scaled.spared += added as f64 - would;
            }
            _ => scaled.unknown = scaled.unknown.saturating_add(added),
        }
    }
    scaled
}

/// The weight at a time: the last one that was set.
fn weight(weights: &Weights, at: Time) -> Option<f64> {
    let after = weights.partition_point(|(time, _)| *time <= at);
    after.checked_sub(1).and_then(|place| weights.get(place)).map(|(_, weight)| *weight)
}
