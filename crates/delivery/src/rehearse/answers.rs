//! What a recording answers to a measurement.

use super::recording::{BARE, Queries, Recording};
use super::series::{Series, latest, total};
use crate::analysis::answer::Answer;
use crate::analysis::condition::Readings;
use crate::engine::Reading;
use crate::spec::{Analysis, Judge, Metric, Role, Rollout, TestKind};
use crate::stats::{Arm, Look};
use crate::time::Time;
use thiserror::Error;

/// Two bounds that differ by less than this part of them are the same.
const SAME: f64 = 1e-9;

/// What a metric of a rollout wants that a recording does not have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Misfit {
    /// Nothing was recorded of it.
    #[error("{metric}: nothing was recorded of it{}", among(.recorded))]
    Metric {
        /// The metric.
        metric: String,
        /// What was recorded.
        recorded: Vec<String>,
    },
    /// An answer is not there.
    #[error("{metric}: `{role}` was not recorded")]
    Role {
        /// The metric.
        metric: String,
        /// What is wanted.
        role: Role,
    },
    /// A bound of a latency test is no bound of the recorded histogram.
    #[error("{metric} {role}: {bound} ms is no bound of the histogram, which has {recorded}")]
    Bound {
        /// The metric.
        metric: String,
        /// Of which version.
        role: Role,
        /// The bound in milliseconds; `+Inf` for what is above all.
        bound: String,
        /// Those that were recorded.
        recorded: String,
    },
}

fn among(recorded: &[String]) -> String {
    if recorded.is_empty() { String::new() } else { format!("; there are {}", recorded.join(", ")) }
}

impl Recording {
    /// Whether it has what a rollout measures. What it does not have is not answered in a rehearsal.
    ///
    /// # Errors
    /// Everything that it does not have.
    pub fn fits(&self, spec: &Rollout) -> Result<(), Vec<Misfit>> {
        let misfits: Vec<Misfit> =
            spec.analysis.metrics.iter().flat_map(|metric| self.misfits(&spec.analysis, metric)).collect();
        if misfits.is_empty() { Ok(()) } else { Err(misfits) }
    }

    fn misfits(&self, analysis: &Analysis, metric: &Metric) -> Vec<Misfit> {
        let Some(queries) = self.queries(analysis, metric) else {
            let recorded = self.metrics().filter(|name| !name.is_empty()).map(str::to_owned).collect();
            return vec![Misfit::Metric { metric: metric.name.clone(), recorded }];
        };
        let role = |role| Misfit::Role { metric: metric.name.clone(), role };
        let lacks = |wanted: &Role| !queries.contains_key(wanted);
        let mut misfits: Vec<Misfit> = wanted(metric, queries).into_iter().filter(lacks).map(role).collect();
        if let Judge::Test(test) = &metric.judge
            && let TestKind::Latency(bounds) = &test.kind
        {
            for role in [Role::CanaryBuckets, Role::BaselineBuckets] {
                let series = queries.get(&role).map(Vec::as_slice).unwrap_or_default();
                let ends = bounds.iter().copied().chain([f64::INFINITY]);
                let missing =
                    ends.filter(|bound| !series.is_empty() && of_bound(series, *bound).next().is_none());
                misfits.extend(missing.map(|bound| no_bound(&metric.name, role, bound, series)));
            }
        }
        misfits
    }

    /// The answers about a metric: those of its name, or the only ones there are.
    pub(super) fn queries(&self, analysis: &Analysis, metric: &Metric) -> Option<&Queries> {
        let bare = || self.metrics.get(BARE).filter(|_| analysis.metrics.len() == 1);
        self.metrics.get(&metric.name).or_else(bare)
    }
}

fn no_bound(metric: &str, role: Role, bound: f64, series: &[Series]) -> Misfit {
    let mut recorded: Vec<f64> = series.iter().filter_map(|series| series.le).collect();
    recorded.sort_by(f64::total_cmp);
    recorded.dedup();
    let recorded: Vec<String> = recorded.into_iter().take(20).map(bound_text).collect();
    Misfit::Bound { metric: metric.to_owned(), role, bound: bound_text(bound), recorded: recorded.join(", ") }
}

fn bound_text(bound: f64) -> String {
    if bound == f64::INFINITY { "+Inf".to_owned() } else { bound.to_string() }
}

/// What a metric asks for.
fn wanted(metric: &Metric, queries: &Queries) -> Vec<Role> {
    match &metric.judge {
        Judge::Counted(..) if metric.queries.contains_key(&Role::Baseline) => {
            vec![Role::Canary, Role::Baseline]
        }
        Judge::Counted(..) if queries.contains_key(&Role::Canary) && !queries.contains_key(&Role::Result) => {
            vec![Role::Canary]
        }
        Judge::Counted(..) => vec![Role::Result],
        Judge::Test(test) => test.kind.roles().to_vec(),
    }
}

/// Series of the bucket up to a bound, one for each pod.
fn of_bound(series: &[Series], bound: f64) -> impl Iterator<Item = &Series> {
    let is_same =
        move |le: f64| le == bound || (bound.is_finite() && (le - bound).abs() <= SAME * bound.abs());
    series.iter().filter(move |series| series.le.is_some_and(is_same))
}

/// Answers about one metric, as they come one after the other.
pub(super) struct Source<'a> {
    metric: &'a Metric,
    queries: Option<&'a Queries>,
    /// Series of each bound, then those of all units: of the new version, and of the stable one.
    buckets: [Vec<Vec<&'a Series>>; 2],
    is_vector: bool,
    /// Of which time the last answer was.
    told: Option<Time>,
    /// Buckets that were answered last.
    counts: [Vec<u64>; 2],
}

impl<'a> Source<'a> {
    pub(super) fn new(recording: &'a Recording, analysis: &Analysis, metric: &'a Metric) -> Self {
        let queries =
            recording.queries(analysis, metric).filter(|_| recording.misfits(analysis, metric).is_empty());
        Self {
            metric,
            queries,
            buckets: [Role::CanaryBuckets, Role::BaselineBuckets].map(|role| by_bound(metric, queries, role)),
            is_vector: asks_for_a_list(metric),
            told: None,
            counts: [Vec::new(), Vec::new()],
        }
    }

    /// What was known at a time.
    pub(super) fn reading(&mut self, at: Time) -> Reading {
        let nothing = |message: &str| Reading::Nothing { message: message.to_owned() };
        let Some(queries) = self.queries else { return nothing("it was not recorded") };
        let found = match &self.metric.judge {
            Judge::Counted(..) => Some(self.answers(queries, at)),
            Judge::Test(test) => match &test.kind {
                TestKind::Errors => counts(queries, at).map(Reading::Counts),
                TestKind::Latency(_) => self.latency(at),
                TestKind::Mean(_) => self.means(queries, at),
            },
        };
        found.unwrap_or_else(|| nothing("nothing new was recorded"))
    }

    fn answers(&self, queries: &Queries, at: Time) -> Reading {
        let answer = |role: Role| {
            let series = queries.get(&role).and_then(|all| all.first());
            match series.and_then(|series| series.instant(at)) {
                Some(sample) if self.is_vector => Answer::vector([sample.value]),
                Some(sample) => Answer::Scalar(sample.value),
                None => Answer::Empty,
            }
        };
        Reading::Answers(match *wanted(self.metric, queries).as_slice() {
            [canary, baseline] => Readings::Pair { baseline: answer(baseline), canary: answer(canary) },
            [role] => Readings::One(answer(role)),
            _ => Readings::One(Answer::Empty),
        })
    }

    /// Means of both versions, each but once: a mean that is told again is no new one.
    fn means(&mut self, queries: &Queries, at: Time) -> Option<Reading> {
        let last = |role: Role| queries.get(&role)?.first()?.instant(at);
        let (canary, baseline) = (last(Role::Canary)?, last(Role::Baseline)?);
        let oldest = Time(canary.at.min(baseline.at));
        if self.told.is_some_and(|told| oldest <= told) {
            return None;
        }
        self.told = Some(Time(canary.at.max(baseline.at)));
        Some(Reading::Means { canary: canary.value, baseline: baseline.value })
    }

    /// Buckets of both versions as of the last time at which all of them were recorded. A version of which nothing
    /// was recorded yet has none.
    fn latency(&mut self, at: Time) -> Option<Reading> {
        let [canary, baseline] = [&self.buckets[0], &self.buckets[1]].map(|arm| whole(arm, at));
        let at = canary?.into_iter().chain(baseline?).min()?;
        let counts = [single(&self.buckets[0], at)?, single(&self.buckets[1], at)?];
        let falls = |(last, now): (&Vec<u64>, &Vec<u64>)| last.iter().zip(now).any(|(last, now)| now < last);
        if self.counts.iter().zip(&counts).any(falls) {
            return None;
        }
        self.counts.clone_from(&counts);
        let [canary, baseline] = counts;
        Some(Reading::Buckets { canary, baseline })
    }
}

/// The last time at which all buckets of a version were recorded: nothing inside before the first one, and nothing
/// at all where some are there and others never were.
fn whole(buckets: &[Vec<&Series>], at: Time) -> Option<Option<Time>> {
    let ends: Vec<Option<Time>> = buckets.iter().map(|series| latest(series.iter().copied(), at)).collect();
    if ends.iter().all(Option::is_none) {
        return Some(None);
    }
    ends.into_iter().min().flatten().map(Some)
}

/// Units and failures of both versions as of the last time at which the units of both were recorded. A version of
/// which nothing was recorded yet has none.
fn counts(queries: &Queries, at: Time) -> Option<Look> {
    let last = |role: Role| latest(queries.get(&role)?, at);
    let at = last(Role::CanaryTotal).into_iter().chain(last(Role::BaselineTotal)).min()?;
    let arm = |units: Role, failures: Role| arm(queries, units, failures, at);
    Some(Look {
        canary: arm(Role::CanaryTotal, Role::CanaryFailures),
        baseline: arm(Role::BaselineTotal, Role::BaselineFailures),
    })
}

/// Units and failures of one version that were added until a time.
pub(super) fn arm(queries: &Queries, units: Role, failures: Role, at: Time) -> Arm {
    let sum = |role: Role| queries.get(&role).map_or(0, |series| total(series, at));
    Arm { units: sum(units), failures: sum(failures) }
}

fn by_bound<'a>(metric: &Metric, queries: Option<&'a Queries>, role: Role) -> Vec<Vec<&'a Series>> {
    let Judge::Test(test) = &metric.judge else { return Vec::new() };
    let TestKind::Latency(bounds) = &test.kind else { return Vec::new() };
    let Some(series) = queries.and_then(|queries| queries.get(&role)) else { return Vec::new() };
    bounds.iter().chain([&f64::INFINITY]).map(|bound| of_bound(series, *bound).collect()).collect()
}

/// Counts of single buckets, of those that were summed up; none where these do not rise from bound to bound.
fn single(buckets: &[Vec<&Series>], at: Time) -> Option<Vec<u64>> {
    let mut below = 0;
    let mut counts = Vec::with_capacity(buckets.len());
    for series in buckets {
        let up_to = total(series.iter().copied(), at);
        counts.push(up_to.checked_sub(below)?);
        below = up_to;
    }
    Some(counts)
}

/// True for conditions such as `result[0] < 0.05`: an instant query answers with a list.
fn asks_for_a_list(metric: &Metric) -> bool {
    let has_pair = metric.queries.contains_key(&Role::Baseline);
    matches!(&metric.judge, Judge::Counted(rule, _) if rule.asks_for_a_list(has_pair))
}
