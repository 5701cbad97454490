//! What an analysis is to do.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

/// `DefaultMeasurementHistoryLimit` of Argo Rollouts.
const DEFAULT_RETENTION: u32 = 10;
/// `DefaultConsecutiveErrorLimit` of Argo Rollouts.
const DEFAULT_CONSECUTIVE_ERRORS: u32 = 4;
/// Bytes that a compiled pattern may take.
const MAX_PATTERN_SIZE: usize = 1 << 20;

/// Whose rules hold where the two differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Ours: nothing is healthy without a healthy measurement.
    #[default]
    Own,
    /// As Argo Rollouts: what is not over a limit is successful.
    Argo,
}

/// One metric of an analysis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricSpec {
    /// Its name, different from the others'.
    pub name: String,
    /// From the end of a measurement to the next one. Absent: one measurement.
    pub interval: Option<Duration>,
    /// Before the first measurement, from the start of the run.
    pub initial_delay: Option<Duration>,
    /// Measurements to take, errors not counted. Absent: one, or with an interval no end.
    pub count: Option<NonZeroU32>,
    /// More unhealthy measurements fail the metric. Absent (`failureLimit: -1`): none do.
    pub failure_limit: Option<u32>,
    /// More unhealthy measurements in a row fail the metric. A healthy or inconclusive one ends the row,
    /// an error does not. Absent: none do, as in Argo Rollouts, which has no such limit (AR#4792).
    pub consecutive_failure_limit: Option<u32>,
    /// More inconclusive measurements make the metric inconclusive.
    pub inconclusive_limit: u32,
    /// More errors in a row make the metric an error.
    pub consecutive_error_limit: u32,
    /// So many healthy measurements in a row are enough. Absent (0 in Argo Rollouts): not asked for.
    pub consecutive_success_limit: Option<NonZeroU32>,
}

impl Default for MetricSpec {
    /// As Argo Rollouts: one measurement, no failure allowed, four errors in a row.
    fn default() -> Self {
        Self {
            name: String::new(),
            interval: None,
            initial_delay: None,
            count: None,
            failure_limit: Some(0),
            consecutive_failure_limit: None,
            inconclusive_limit: 0,
            consecutive_error_limit: DEFAULT_CONSECUTIVE_ERRORS,
            consecutive_success_limit: None,
        }
    }
}

impl MetricSpec {
    /// Measurements after which it ends; nothing where it has no end of its own.
    pub fn effective_count(&self) -> Option<u32> {
        match (self.count, self.interval) {
            (Some(count), _) => Some(count.get()),
            (None, None) => Some(1),
            (None, Some(_)) => None,
        }
    }

    /// True where failures alone can end it.
    pub(super) fn can_fail(&self) -> bool {
        self.failure_limit.is_some() || self.consecutive_failure_limit.is_some()
    }
}

/// How many measurements are kept of the metrics that a pattern finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// A regular expression that is found anywhere in the name.
    pub metric: String,
    /// Measurements to keep; 0 means the default of ten.
    pub limit: u32,
}

/// An analysis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunSpec {
    /// At least one.
    pub metrics: Vec<MetricSpec>,
    /// Regular expressions, found anywhere in a name: these metrics are measured and decide nothing.
    pub dry_run: Vec<String>,
    /// The last rule that finds a metric counts.
    pub retention: Vec<Retention>,
    /// Whose rules hold where Argo Rollouts and we differ.
    pub policy: Policy,
}

/// Why an analysis cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecFault {
    /// There is nothing to measure.
    #[error("no metrics")]
    NoMetrics,
    /// Two metrics of one name.
    #[error("two metrics are called {0}")]
    DuplicateName(String),
    /// It could only end by errors.
    #[error("metric {0}: neither failures nor successes can end it")]
    NoLimit(String),
    /// The limits cannot be reached within the count.
    #[error("metric {metric}: count {count} is less than {limits} ({needed})")]
    CountTooSmall {
        /// The metric.
        metric: String,
        /// Its count.
        count: u32,
        /// The least count.
        needed: u64,
        /// The names of the limits.
        limits: &'static str,
    },
    /// Several measurements with nothing between them.
    #[error("metric {0}: a count of more than one needs an interval")]
    NoInterval(String),
    /// A pattern that is no regular expression.
    #[error("{0} is no pattern of metric names")]
    BadPattern(String),
    /// A pattern that finds no metric.
    #[error("no metric is called {0}")]
    NoMatch(String),
}

/// What the patterns of a spec come to, one entry for each metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    pub dry_run: Vec<bool>,
    pub retention: Vec<u32>,
}

impl RunSpec {
    /// Checks a spec as Argo Rollouts does (`ValidateMetrics`) and resolves its patterns.
    pub(super) fn resolve(&self) -> Result<Resolved, SpecFault> {
        if self.metrics.is_empty() {
            return Err(SpecFault::NoMetrics);
        }
        let mut names = BTreeSet::new();
        for metric in &self.metrics {
            if !names.insert(metric.name.as_str()) {
                return Err(SpecFault::DuplicateName(metric.name.clone()));
            }
            check(metric)?;
        }
        let mut dry_run = vec![false; self.metrics.len()];
        for pattern in &self.dry_run {
            self.found_by(pattern, |index| set(&mut dry_run, index, true))?;
        }
        let mut retention = vec![DEFAULT_RETENTION; self.metrics.len()];
        for rule in &self.retention {
            let limit = if rule.limit == 0 { DEFAULT_RETENTION } else { rule.limit };
            self.found_by(&rule.metric, |index| set(&mut retention, index, limit))?;
        }
        Ok(Resolved { dry_run, retention })
    }

    fn found_by(&self, pattern: &str, mut found: impl FnMut(usize)) -> Result<(), SpecFault> {
        let regex = compile(pattern)?;
        let mut is_any = false;
        for (index, metric) in self.metrics.iter().enumerate() {
            if regex.is_match(&metric.name) {
                found(index);
                is_any = true;
            }
        }
        if is_any { Ok(()) } else { Err(SpecFault::NoMatch(pattern.to_owned())) }
    }
}

fn compile(pattern: &str) -> Result<Regex, SpecFault> {
    let built = RegexBuilder::new(pattern).size_limit(MAX_PATTERN_SIZE).build();
    built.map_err(|_| SpecFault::BadPattern(pattern.to_owned()))
}

fn set<T>(list: &mut [T], index: usize, value: T) {
    if let Some(slot) = list.get_mut(index) {
        *slot = value;
    }
}

fn check(metric: &MetricSpec) -> Result<(), SpecFault> {
    let name = || metric.name.clone();
    let successes = metric.consecutive_success_limit.map_or(0, NonZeroU32::get);
    if successes == 0 && !metric.can_fail() {
        return Err(SpecFault::NoLimit(name()));
    }
    let Some(count) = metric.count.map(NonZeroU32::get) else { return Ok(()) };
    let failures = metric.failure_limit.unwrap_or(0);
    let too_small = |needed: u64, limits| {
        let fault = || SpecFault::CountTooSmall { metric: name(), count, needed, limits };
        if u64::from(count) < needed { Err(fault()) } else { Ok(()) }
    };
    too_small(u64::from(failures) + u64::from(successes), "failure limit and consecutive success limit")?;
    too_small(u64::from(metric.inconclusive_limit), "inconclusive limit")?;
    if count > 1 && metric.interval.is_none() { Err(SpecFault::NoInterval(name())) } else { Ok(()) }
}
