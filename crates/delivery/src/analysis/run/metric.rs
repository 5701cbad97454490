//! The counters of one metric.

use super::Phase;
use super::spec::{MetricSpec, Policy};
use crate::analysis::rule::{Finding, Outcome};
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::time::Duration;

/// `DefaultErrorRetryInterval` of Argo Rollouts.
const ERROR_RETRY: Duration = Duration::from_secs(10);

/// What was counted. Counters stop at their largest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Measurements that are no errors.
    pub count: u32,
    /// Healthy ones.
    pub successful: u32,
    /// Unhealthy ones.
    pub failed: u32,
    /// Inconclusive ones.
    pub inconclusive: u32,
    /// Errors.
    pub error: u32,
    /// Errors since the last other measurement.
    pub consecutive_error: u32,
    /// Healthy ones since the last other measurement.
    pub consecutive_success: u32,
    /// Unhealthy ones since the last healthy or inconclusive one.
    pub consecutive_failure: u32,
}

/// One measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// When it was asked for.
    pub started_at: Time,
    /// When it was answered.
    pub finished_at: Time,
    /// What it says.
    pub finding: Finding,
}

/// One metric of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricState {
    /// Where it is.
    pub phase: Phase,
    /// What was counted.
    pub counts: Counts,
    /// The last measurements, oldest first.
    pub measurements: Vec<Measurement>,
    /// The last finding of each outcome, also where its measurement is not kept.
    pub latest: Vec<Finding>,
    /// When the measurement began that is not answered yet.
    pub asked_at: Option<Time>,
}

fn more(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

impl Counts {
    fn add(&mut self, outcome: Outcome) {
        let (errors, successes, failures) =
            (self.consecutive_error, self.consecutive_success, self.consecutive_failure);
        (self.consecutive_error, self.consecutive_success, self.consecutive_failure) = (0, 0, 0);
        match outcome {
            Outcome::Healthy => {
                more(&mut self.successful);
                self.consecutive_success = successes.saturating_add(1);
            }
            Outcome::Unhealthy => {
                more(&mut self.failed);
                self.consecutive_failure = failures.saturating_add(1);
            }
            Outcome::Inconclusive => more(&mut self.inconclusive),
            Outcome::Error => {
                more(&mut self.error);
                self.consecutive_error = errors.saturating_add(1);
                // An error says nothing about the version: it does not end a row of failures.
                self.consecutive_failure = failures;
            }
        }
        if outcome != Outcome::Error {
            more(&mut self.count);
        }
    }

    /// The end by a limit, if one is exceeded. A later rule overrides an earlier one.
    pub(super) fn exceeded(&self, spec: &MetricSpec) -> Option<Phase> {
        if self.consecutive_error > spec.consecutive_error_limit {
            Some(Phase::Error)
        } else if self.inconclusive > spec.inconclusive_limit {
            Some(Phase::Inconclusive)
        } else if self.has_failed(spec) {
            Some(Phase::Failed)
        } else {
            None
        }
    }

    fn has_failed(&self, spec: &MetricSpec) -> bool {
        spec.failure_limit.is_some_and(|limit| self.failed > limit)
            || spec.consecutive_failure_limit.is_some_and(|limit| self.consecutive_failure > limit)
    }
}

impl MetricState {
    /// When it is to be measured next; nothing where it is being measured or at its end.
    pub(super) fn next_time(&self, spec: &MetricSpec, started_at: Time) -> Option<Time> {
        if self.phase.is_terminal() || self.asked_at.is_some() {
            return None;
        }
        let Some(last) = self.measurements.last() else {
            return Some(started_at + spec.initial_delay.unwrap_or_default());
        };
        let is_error = last.finding.outcome == Outcome::Error;
        let wait = spec.interval.filter(|_| !is_error).unwrap_or(ERROR_RETRY);
        Some(last.finished_at + wait)
    }

    /// Keeps and counts a measurement. At least the last one is kept: the next time hangs on it.
    pub(super) fn take(&mut self, finding: Finding, started_at: Time, now: Time, retention: u32) {
        self.asked_at = None;
        self.counts.add(finding.outcome);
        self.latest.retain(|old| old.outcome != finding.outcome);
        self.latest.push(finding.clone());
        self.measurements.push(Measurement { started_at, finished_at: now, finding });
        let kept = usize::try_from(retention).unwrap_or(usize::MAX).max(1);
        let surplus = self.measurements.len().saturating_sub(kept);
        self.measurements.drain(..surplus);
    }

    /// `assessMetricStatus` of Argo Rollouts. A phase that is an end stays.
    pub(super) fn assess(&self, spec: &MetricSpec, policy: Policy, is_terminating: bool) -> Phase {
        if self.phase.is_terminal() {
            return self.phase;
        }
        if self.asked_at.is_some() {
            return Phase::Running;
        }
        if self.measurements.is_empty() {
            return if is_terminating { self.well(policy) } else { Phase::Pending };
        }
        if let Some(phase) = self.counts.exceeded(spec) {
            return phase;
        }
        let in_a_row = spec.consecutive_success_limit.map(NonZeroU32::get);
        if in_a_row.is_some_and(|limit| self.counts.consecutive_success >= limit) {
            return Phase::Successful;
        }
        if spec.effective_count().is_some_and(|count| self.counts.count >= count) {
            return match (in_a_row, spec.can_fail()) {
                (Some(_), true) => Phase::Inconclusive,
                (Some(_), false) => Phase::Failed,
                (None, _) => self.well(policy),
            };
        }
        if is_terminating { self.well(policy) } else { Phase::Running }
    }

    /// An end without a limit exceeded: a success, for us only if something was healthy (AR#4479).
    fn well(&self, policy: Policy) -> Phase {
        match policy {
            Policy::Own if self.counts.successful == 0 => Phase::Inconclusive,
            Policy::Own | Policy::Argo => Phase::Successful,
        }
    }
}
