//! What was measured of a rollout, and what follows.
//!
//! Sequential tests are looked at from the first request that may reach the new version to the end: that is
//! what they are made for. Counted metrics are measured while an analysis asks for them.

use super::tested::Tested;
use crate::analysis::condition::Readings;
use crate::analysis::flagger::{Checks, Tick};
use crate::analysis::rule::{Finding, NoData as Lacking};
use crate::analysis::run::{MetricSpec, MetricState, Phase, Policy as Rules, Run, RunSpec};
use crate::analysis::score::{Points, Scorer};
use crate::analysis::verdict::{Judgement, Verdict};
use crate::mutant::{self, Mutant};
use crate::spec::{Analysis, Judge, Marks, Metric, NoData, Policy, Watch, is_endless};
use crate::stats::Alpha;
use crate::stats::proportion::Look;
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What one measurement brought.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// Answers to the queries of a counted metric.
    Answers(Readings),
    /// Units and failures of both versions, counted from any beginning: only what is added counts.
    Counts(Look),
    /// Units of both versions by latency, counted likewise: one number for each bound, and one for what is
    /// above the last.
    Buckets {
        /// The new version's.
        canary: Vec<u64>,
        /// The stable version's.
        baseline: Vec<u64>,
    },
    /// Means of both versions over the time since the last measurement.
    Means {
        /// The new version's.
        canary: f64,
        /// The stable version's.
        baseline: f64,
    },
    /// There was no answer.
    Nothing {
        /// Why.
        message: String,
    },
}

/// Everything that was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Judging {
    /// Sequential tests, by metric.
    pub tests: BTreeMap<usize, Tested>,
    /// The analysis of the move that it is at.
    pub inline: Option<Counting>,
    /// The analysis of the move before, for those who ask why.
    pub heard: Option<Counting>,
    /// The analysis beside the moves.
    pub background: Option<Counting>,
    /// The checks of the policy `flagger`.
    pub checks: Option<Checking>,
    /// What was found beside the moves, once nothing is measured there any more.
    #[serde(default)]
    pub found: Found,
    /// The first reason to take the version back.
    pub fault: Option<String>,
}

impl Judging {
    /// Nothing is counted any more; what was found stays.
    pub(super) fn end(&mut self) {
        self.heard = self.inline.take().or(self.heard.take());
        self.found.counted = self.background.take().or(self.found.counted.take());
        self.found.checked = self.checks.take().or(self.found.checked.take());
    }
}

/// What is left of measuring beside the moves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Of the analysis.
    pub counted: Option<Counting>,
    /// Of the checks.
    pub checked: Option<Checking>,
}

/// Counted metrics at work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counting {
    /// The run.
    pub run: Run,
    /// Its metrics, by their place in the analysis.
    pub metrics: Vec<usize>,
}

/// Checks of the policy `flagger`: one tick asks every metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checking {
    checks: Checks,
    /// What was found last, by metric.
    findings: BTreeMap<usize, Finding>,
    /// The metrics that have answered at this tick.
    #[serde(default)]
    answered: BTreeSet<usize>,
    is_asking: bool,
    halts: bool,
}

/// For how long metrics without an end of their own are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// Until more is known.
    Counted,
    /// Their time is over.
    Now,
    /// As long as the rollout takes.
    Beside,
}

/// What an analysis says at a time.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Says {
    /// Nothing yet.
    Wait,
    /// No fault was found.
    Passed,
    /// It cannot tell.
    Inconclusive(String),
    /// A fault was found.
    Failed(String),
}

/// The rules by which it is judged, worked out once.
#[derive(Clone, Debug)]
pub(super) struct Rulebook {
    analysis: Analysis,
    /// The part of the false-rollback rate that each test has.
    alphas: Vec<Alpha>,
}

impl Rulebook {
    pub(super) fn new(analysis: &Analysis) -> Self {
        Self { analysis: analysis.clone(), alphas: analysis.alphas() }
    }

    /// True where anything is a test.
    fn tests(&self) -> impl Iterator<Item = (usize, &Metric, &crate::spec::Sequential)> {
        self.analysis.metrics.iter().enumerate().filter_map(|(index, metric)| match &metric.judge {
            Judge::Test(test) => Some((index, metric, test)),
            Judge::Counted(..) => None,
        })
    }

    /// Metrics to be asked now. `is_exposed` while any request may reach the new version.
    pub(super) fn due(&self, judging: &mut Judging, is_exposed: bool, now: Time) -> Vec<usize> {
        let mut due = Vec::new();
        if is_exposed {
            for (index, _, test) in self.tests() {
                let tested = judging.tests.entry(index).or_insert_with(|| Tested::new(&test.kind, now));
                if tested.next <= now {
                    due.push(index);
                }
            }
        }
        for counting in [&mut judging.inline, &mut judging.background].into_iter().flatten() {
            counting.run.due(now);
            due.extend(counting.run.asked().into_iter().filter_map(|at| counting.metrics.get(at)));
        }
        if let Some(checking) = &mut judging.checks {
            due.extend(checking.due(self.counted(), now));
        }
        due.sort_unstable();
        due.dedup();
        due
    }

    fn counted(&self) -> Vec<usize> {
        let all = self.analysis.metrics.iter().enumerate();
        all.filter(|(_, metric)| matches!(metric.judge, Judge::Counted(..))).map(|(index, _)| index).collect()
    }

    /// Takes in what was measured.
    pub(super) fn take(&self, judging: &mut Judging, index: usize, reading: &Reading, now: Time) {
        let Some(metric) = self.analysis.metrics.get(index) else { return };
        if mutant::is(Mutant::GapIsFault) && matches!(reading, Reading::Nothing { .. }) {
            judging.fault.get_or_insert_with(|| format!("{}: no answer", metric.name));
        }
        match &metric.judge {
            Judge::Test(test) => {
                let Some(tested) = judging.tests.get_mut(&index) else { return };
                tested.take(reading, test, now);
                let alpha = self.alphas.get(index).copied().unwrap_or(Alpha::SMALL);
                if tested.rejects(alpha) && !metric.dry_run {
                    let why = || format!("{}: {}", metric.name, tested.words(test, alpha));
                    judging.fault.get_or_insert_with(why);
                }
            }
            Judge::Counted(rule, _) => {
                let lacking = match self.analysis.policy {
                    Policy::Sequential => Lacking::Inconclusive,
                    Policy::Argo => Lacking::Evaluate,
                    Policy::Flagger(_) => Lacking::Unhealthy,
                };
                let finding = match reading {
                    Reading::Answers(readings) => rule.judge(readings, lacking),
                    Reading::Nothing { message } => Finding::error(message),
                    _ => Finding::error("the source counts instead of answering"),
                };
                self.found(judging, index, &finding, now);
            }
        }
    }

    fn found(&self, judging: &mut Judging, index: usize, finding: &Finding, now: Time) {
        for counting in [&mut judging.inline, &mut judging.background].into_iter().flatten() {
            if let Some(at) = counting.metrics.iter().position(|metric| *metric == index) {
                // One that was not asked for is an old one that came twice.
                let _ = counting.run.measured(at, now, finding.clone());
            }
        }
        let counted = self.counted();
        if let Some(checking) = &mut judging.checks {
            let fault = checking.found(index, finding, &counted, now);
            if let Some(fault) = fault {
                judging.fault.get_or_insert(fault);
            }
        }
        if let Some(why) = self.failure(judging) {
            judging.fault.get_or_insert(why);
        }
    }

    /// Begins the analysis of a move.
    pub(super) fn begin(&self, judging: &mut Judging, watch: &Watch) {
        judging.inline = self.counting(watch.metrics.iter().copied(), &mut judging.fault);
    }

    /// Begins what is measured beside the moves.
    pub(super) fn begin_background(&self, judging: &mut Judging) {
        if let Policy::Flagger(threshold) = self.analysis.policy {
            judging.checks = Some(Checking::new(threshold, self.interval()));
        } else {
            judging.background = self.counting(0..self.analysis.metrics.len(), &mut judging.fault);
        }
    }

    /// The longest interval of the counted metrics: there is one ticker for all.
    fn interval(&self) -> Duration {
        let interval = |metric: &Metric| match &metric.judge {
            Judge::Counted(_, spec) => spec.interval,
            Judge::Test(_) => None,
        };
        self.analysis
            .metrics
            .iter()
            .filter_map(interval)
            .max()
            .unwrap_or(crate::analysis::flagger::DEFAULT_INTERVAL)
    }

    /// The counted ones of some metrics; none of them is no run. What cannot be measured is a fault: it never
    /// passes.
    fn counting(&self, metrics: impl Iterator<Item = usize>, fault: &mut Option<String>) -> Option<Counting> {
        let counted =
            |index: usize| match self.analysis.metrics.get(index).map(|metric| (metric, &metric.judge)) {
                Some((metric, Judge::Counted(_, spec))) => Some((index, metric, spec)),
                _ => None,
            };
        let chosen: Vec<_> = metrics.filter_map(counted).collect();
        if chosen.is_empty() {
            return None;
        }
        // One that is scored ends no other.
        let dry = chosen.iter().filter(|(_, metric, _)| metric.dry_run || self.analysis.score.is_some());
        let spec = RunSpec {
            metrics: chosen.iter().map(|(_, _, spec)| spec.as_ref().clone()).collect(),
            dry_run: dry.map(|(_, metric, _)| format!("^{}$", regex::escape(&metric.name))).collect(),
            retention: Vec::new(),
            policy: if self.analysis.policy == Policy::Argo { Rules::Argo } else { Rules::Own },
        };
        match Run::new(spec) {
            Ok(run) => Some(Counting { run, metrics: chosen.iter().map(|(index, ..)| *index).collect() }),
            Err(why) => {
                fault.get_or_insert_with(|| format!("nothing can be measured: {why}"));
                None
            }
        }
    }

    /// What the analysis of a move says.
    pub(super) fn says(&self, judging: &Judging, watch: &Watch, since: Time, now: Time) -> Says {
        if let Some(fault) = &judging.fault {
            return Says::Failed(fault.clone());
        }
        if mutant::is(Mutant::NoDataIsHealthy) {
            let is_bad =
                judging.inline.as_ref().is_some_and(|counting| counting.run.phase() == Phase::Failed);
            return if is_bad { Says::Failed(String::new()) } else { Says::Passed };
        }
        let has_time = now - since >= watch.at_least;
        if let Some(counting) = &judging.inline {
            let until = if has_time && !watch.at_least.is_zero() { Until::Now } else { Until::Counted };
            match self.counted_says(counting, until) {
                Says::Passed => {}
                other => return other,
            }
        }
        let samples = |index: &usize| match self.analysis.metrics.get(*index).map(|metric| &metric.judge) {
            Some(Judge::Test(test)) => {
                judging.tests.get(index).is_some_and(|tested| tested.sample() >= test.minimum_sample)
            }
            _ => true,
        };
        if has_time && watch.metrics.iter().all(samples) { Says::Passed } else { Says::Wait }
    }

    /// What counted metrics say, each for itself or by their score.
    fn counted_says(&self, counting: &Counting, until: Until) -> Says {
        if let Some(marks) = self.analysis.score {
            return self.scored_says(marks, counting, until);
        }
        let line = || counting.run.judgement().map(|Judgement { line, .. }| line).unwrap_or_default();
        match counting.run.phase() {
            Phase::Pending | Phase::Running if until == Until::Now && is_over(counting) => Says::Passed,
            Phase::Pending | Phase::Running => Says::Wait,
            Phase::Successful => Says::Passed,
            Phase::Failed => Says::Failed(line()),
            Phase::Error if self.analysis.policy == Policy::Argo => Says::Failed(line()),
            Phase::Inconclusive | Phase::Error => Says::Inconclusive(line()),
        }
    }

    /// Counted metrics by their score. What has not ended counts as good: where that is not enough it has
    /// failed already.
    fn scored_says(&self, marks: Marks, counting: &Counting, until: Until) -> Says {
        let decides = |index: &usize| self.analysis.metrics.get(*index).filter(|metric| !metric.dry_run);
        let all = counting.metrics.iter().zip(counting.run.metrics());
        let scored: Vec<_> = all.filter_map(|(index, at)| Some((decides(index)?, at))).collect();
        let weighted = scored.iter().map(|(metric, _)| metric.weighted()).collect();
        let Ok(scorer) = Scorer::new(marks.spec(weighted)) else { return Says::Passed };
        let points: Vec<Points> = scored.iter().map(|(_, (_, state, _))| points(state.phase)).collect();
        let Judgement { verdict, line, .. } = scorer.score(&points).judgement;
        let is_over = |(_, (spec, state, _)): &(&Metric, (&MetricSpec, &MetricState, bool))| {
            state.phase.is_terminal()
                || (is_endless(spec)
                    && (until == Until::Beside || (until == Until::Now && state.counts.successful > 0)))
        };
        match verdict {
            Verdict::Fail => Says::Failed(line),
            _ if !scored.iter().all(is_over) => Says::Wait,
            Verdict::Pass => Says::Passed,
            Verdict::Inconclusive | Verdict::Error => Says::Inconclusive(line),
        }
    }

    /// What is measured beside the moves cannot tell, where it cannot.
    pub(super) fn doubt(&self, judging: &Judging) -> Option<String> {
        match self.counted_says(judging.background.as_ref()?, Until::Beside) {
            Says::Inconclusive(why) => Some(why),
            _ => None,
        }
    }

    /// What a counted analysis found wrong, whatever else waits.
    pub(super) fn failure(&self, judging: &Judging) -> Option<String> {
        let counted = [(&judging.inline, Until::Counted), (&judging.background, Until::Beside)];
        counted.into_iter().find_map(|(counting, until)| match self.counted_says(counting.as_ref()?, until) {
            Says::Failed(why) => Some(why),
            _ => None,
        })
    }

    /// Why it has to be taken back for want of data, where it has.
    pub(super) fn starved(&self, judging: &Judging, now: Time) -> Option<String> {
        let NoData::FailAfter(patience) = self.analysis.no_data else { return None };
        let decides =
            |index: &&usize| self.analysis.metrics.get(**index).is_some_and(|metric| !metric.dry_run);
        let mut tests = judging.tests.iter().filter(|(index, _)| decides(index));
        let (index, _) = tests.find(|(_, tested)| now - tested.fresh >= patience)?;
        let name = self.analysis.metrics.get(*index).map(|metric| metric.name.as_str()).unwrap_or_default();
        Some(format!("{name}: no data of the new version for {} s", patience.as_secs()))
    }

    /// How long an analysis that cannot tell is waited for; `None` is for ever.
    pub(super) fn patience(&self) -> Option<Duration> {
        match self.analysis.no_data {
            NoData::Hold => None,
            NoData::FailAfter(patience) => Some(patience),
        }
    }

    /// True where a failed check keeps the share where it is.
    pub(super) fn halts(judging: &Judging) -> bool {
        judging.checks.as_ref().is_some_and(|checking| checking.halts)
    }
}

/// True where all that has an end is over, and all that has none was healthy: it ends well with its time.
fn is_over(counting: &Counting) -> bool {
    counting.run.metrics().all(|(spec, state, is_dry_run)| {
        state.phase.is_terminal() || (is_endless(spec) && (is_dry_run || state.counts.successful > 0))
    })
}

/// What a metric brings into a score: that of one that has not ended is the best that it may come to.
fn points(phase: Phase) -> Points {
    match phase {
        Phase::Pending | Phase::Running | Phase::Successful => Points::Of(1.0),
        Phase::Failed => Points::Of(0.0),
        Phase::Inconclusive | Phase::Error => Points::NoData,
    }
}

impl Checking {
    fn new(threshold: u32, interval: Duration) -> Self {
        let checks = Checks::new(threshold, interval);
        Self { checks, findings: BTreeMap::new(), answered: BTreeSet::new(), is_asking: false, halts: false }
    }

    fn due(&mut self, metrics: Vec<usize>, now: Time) -> Vec<usize> {
        if !self.is_asking && self.checks.next_time().is_none_or(|at| at <= now) {
            self.is_asking = true;
            self.answered.clear();
        }
        if !self.is_asking {
            return Vec::new();
        }
        metrics.into_iter().filter(|metric| !self.answered.contains(metric)).collect()
    }

    /// What was found of a metric last, and how many checks have failed so far.
    pub fn last(&self, metric: usize) -> Option<(&Finding, u32)> {
        self.findings.get(&metric).map(|finding| (finding, self.checks.failed_checks()))
    }

    fn found(&mut self, index: usize, finding: &Finding, metrics: &[usize], now: Time) -> Option<String> {
        if !self.is_asking {
            return None;
        }
        self.findings.insert(index, finding.clone());
        self.answered.insert(index);
        if metrics.iter().any(|metric| !self.answered.contains(metric)) {
            return None;
        }
        self.is_asking = false;
        let findings: Vec<Finding> = self.findings.values().cloned().collect();
        let tick = self.checks.tick(now, &findings);
        self.halts = tick != Tick::Advance;
        let failed = self.checks.failed_checks();
        (tick == Tick::RollBack).then(|| format!("{failed} checks failed"))
    }
}
