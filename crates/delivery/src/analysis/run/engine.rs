//! Runs an analysis: what is due, and what the findings come to.

use super::Phase;
use super::metric::MetricState;
use super::spec::{MetricSpec, RunSpec, SpecFault};
use crate::analysis::rule::Finding;
use crate::time::Time;
use serde::{Deserialize, Serialize};

/// An analysis at work. It is a value: its JSON is what is stored, and reading it goes on where it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    spec: RunSpec,
    metrics: Vec<Slot>,
    phase: Phase,
    started_at: Option<Time>,
    ended_at: Option<Time>,
    is_terminated: bool,
}

/// A metric with what the patterns of the spec say about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Slot {
    state: MetricState,
    is_dry_run: bool,
    retention: u32,
}

/// A measurement that nobody asked for: it is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("metric {index} is not being measured")]
pub struct Refused {
    /// The metric.
    pub index: usize,
}

impl Run {
    /// A run that has not begun: it begins with the first [`Run::due`].
    ///
    /// # Errors
    /// Where the spec makes no sense.
    pub fn new(spec: RunSpec) -> Result<Self, SpecFault> {
        let resolved = spec.resolve()?;
        let slot = |(is_dry_run, retention)| Slot { state: MetricState::default(), is_dry_run, retention };
        let metrics = resolved.dry_run.into_iter().zip(resolved.retention).map(slot).collect();
        Ok(Self {
            spec,
            metrics,
            phase: Phase::Pending,
            started_at: None,
            ended_at: None,
            is_terminated: false,
        })
    }

    /// The metrics to measure now, by their index in the spec. They count as being measured from here on:
    /// each is answered by one [`Run::measured`].
    pub fn due(&mut self, now: Time) -> Vec<usize> {
        if self.phase.is_terminal() || self.is_terminating() {
            return Vec::new();
        }
        let started_at = *self.started_at.get_or_insert(now);
        let mut due = Vec::new();
        for (index, (spec, slot)) in self.spec.metrics.iter().zip(&mut self.metrics).enumerate() {
            if slot.state.next_time(spec, started_at).is_some_and(|time| time <= now) {
                slot.state.asked_at = Some(now);
                due.push(index);
            }
        }
        self.assess(now);
        due
    }

    /// The metrics that are being measured: to be asked again by a driver that lost its memory.
    pub fn asked(&self) -> Vec<usize> {
        let asked = self.metrics.iter().enumerate().filter(|(_, slot)| slot.state.asked_at.is_some());
        asked.map(|(index, _)| index).collect()
    }

    /// When something is due next; nothing while only answers are awaited and after the end.
    pub fn next_time(&self) -> Option<Time> {
        if self.phase.is_terminal() || self.is_terminating() {
            return None;
        }
        let started_at = self.started_at?;
        let all = self.spec.metrics.iter().zip(&self.metrics);
        all.filter_map(|(spec, slot)| slot.state.next_time(spec, started_at)).min()
    }

    /// Takes what was found of one metric.
    ///
    /// # Errors
    /// Where the metric was not asked for, or the run has ended since.
    pub fn measured(&mut self, index: usize, now: Time, finding: Finding) -> Result<(), Refused> {
        let slot = self.metrics.get_mut(index).ok_or(Refused { index })?;
        let started_at = slot.state.asked_at.ok_or(Refused { index })?;
        slot.state.take(finding, started_at, now, slot.retention);
        self.assess(now);
        Ok(())
    }

    /// Ends the run: nothing is measured any more, what is being measured is dropped.
    pub fn terminate(&mut self, now: Time) {
        if self.phase.is_terminal() {
            return;
        }
        self.is_terminated = true;
        self.drop_asked();
        self.assess(now);
    }

    /// Where the run is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// What is to be done.
    pub fn spec(&self) -> &RunSpec {
        &self.spec
    }

    /// When it ended.
    pub fn ended_at(&self) -> Option<Time> {
        self.ended_at
    }

    /// The metrics in the order of the spec, and whether each is of the dry run.
    pub fn metrics(&self) -> impl Iterator<Item = (&MetricSpec, &MetricState, bool)> {
        let all = self.spec.metrics.iter().zip(&self.metrics);
        all.map(|(spec, slot)| (spec, &slot.state, slot.is_dry_run))
    }

    /// True from the first bad end of a metric that decides, and from a request.
    fn is_terminating(&self) -> bool {
        self.is_terminated || self.deciding().any(Phase::is_bad)
    }

    fn deciding(&self) -> impl Iterator<Item = Phase> {
        self.metrics.iter().filter(|slot| !slot.is_dry_run).map(|slot| slot.state.phase)
    }

    /// One metric's end can end the others, so a second pass may follow; a third finds nothing new.
    fn assess(&mut self, now: Time) {
        self.assess_metrics();
        if self.is_terminating() {
            if self.deciding().any(|phase| phase == Phase::Failed) {
                self.drop_asked();
            }
            self.assess_metrics();
        }
        let was_terminal = self.phase.is_terminal();
        self.phase = if was_terminal { self.phase } else { self.assess_run() };
        if self.phase.is_terminal() && !was_terminal {
            self.ended_at = Some(now);
        }
    }

    fn assess_metrics(&mut self) {
        let (policy, is_terminating) = (self.spec.policy, self.is_terminating());
        for (spec, slot) in self.spec.metrics.iter().zip(&mut self.metrics) {
            slot.state.phase = slot.state.assess(spec, policy, is_terminating);
        }
    }

    /// `assessRunStatus` of Argo Rollouts: the worst metric decides once all are at their end.
    fn assess_run(&self) -> Phase {
        if self.metrics.iter().any(|slot| !slot.state.phase.is_terminal()) {
            return if self.started_at.is_some() { Phase::Running } else { Phase::Pending };
        }
        self.deciding().max_by_key(|phase| phase.badness()).unwrap_or(Phase::Successful)
    }

    fn drop_asked(&mut self) {
        for slot in &mut self.metrics {
            slot.state.asked_at = None;
        }
    }
}
