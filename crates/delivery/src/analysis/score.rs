//! One score of several metrics.
//!
//! As in Kayenta: every metric has points, the score is their weighted mean from 0 to 100, a pass mark
//! and a marginal mark divide it into pass, inconclusive and fail, and a metric may be critical. A group
//! has a weight of its own that its metrics share. A metric without data neither passes nor fails: its
//! weight is left out, and where too little weight is left the score says nothing.
//!
//! With weight `w` and points `p` of the metrics that have data, the score of a group is `Σwp / Σw`, and
//! that of the whole the same over the groups that have any data.

use super::rule::{Finding, Outcome};
use super::text;
use super::verdict::{Evidence, Judgement, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The largest weight.
const MAX_WEIGHT: f64 = 1e6;

/// A metric of a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weighted {
    /// Its name.
    pub name: String,
    /// Its share beside the others, more than 0, at most a million.
    pub weight: f64,
    /// The group that it belongs to. Either all metrics have one or none.
    #[serde(default)]
    pub group: Option<String>,
    /// Points under the marginal mark fail the whole; without data the whole says nothing.
    #[serde(default)]
    pub is_critical: bool,
}

/// How metrics are scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScoreSpec {
    /// A score of this or more passes.
    pub pass: f64,
    /// A score of less fails; between the two it is inconclusive.
    pub marginal: f64,
    /// The share of all weight that must have data, 0 to 1.
    pub least_data: f64,
    /// At least one.
    pub metrics: Vec<Weighted>,
    /// The weight of each group.
    pub groups: BTreeMap<String, f64>,
}

impl Default for ScoreSpec {
    /// Kayenta's usual marks, and half of the weight.
    fn default() -> Self {
        Self { pass: 95.0, marginal: 75.0, least_data: 0.5, metrics: Vec::new(), groups: BTreeMap::new() }
    }
}

/// Why a score cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScoreFault {
    /// There is nothing to score.
    #[error("no metrics")]
    NoMetrics,
    /// Marks out of order.
    #[error("the marks are not 0 <= marginal <= pass <= 100")]
    Marks,
    /// A share that is none.
    #[error("the least share of data is not between 0 and 1")]
    LeastData,
    /// A weight that is none.
    #[error("the weight of {0} is not more than 0 and at most {MAX_WEIGHT}")]
    Weight(String),
    /// Some metrics have a group and some have none, or the group has no weight.
    #[error("metric {0} belongs to no group that has a weight")]
    Group(String),
}

/// What one metric brings in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Points {
    /// From 0, worst, to 1, best; what lies outside is taken as the nearer end, and NaN as no data.
    Of(#[serde(with = "super::number")] f64),
    /// Nothing is known.
    NoData,
}

/// A score with its parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// 0 to 100; absent where nothing has data.
    pub score: Option<f64>,
    /// The share of the weight that has data, 0 to 1.
    pub data: f64,
    /// What it comes to.
    pub judgement: Judgement,
}

/// Computes scores.
#[derive(Clone, Debug)]
pub struct Scorer {
    spec: ScoreSpec,
}

#[derive(Default)]
struct Sum {
    weight: f64,
    with_data: f64,
    points: f64,
}

impl Sum {
    fn add(&mut self, weight: f64, points: Option<f64>) {
        self.weight += weight;
        if let Some(points) = points {
            self.with_data += weight;
            self.points += weight * points;
        }
    }

    /// From 0 to 1; nothing without data.
    fn mean(&self) -> Option<f64> {
        (self.with_data > 0.0).then(|| self.points / self.with_data)
    }
}

impl Points {
    fn known(self) -> Option<f64> {
        match self {
            Self::Of(points) if !points.is_nan() => Some(points.clamp(0.0, 1.0)),
            Self::Of(_) | Self::NoData => None,
        }
    }
}

impl From<&Finding> for Points {
    fn from(finding: &Finding) -> Self {
        match finding.outcome {
            Outcome::Healthy => Self::Of(1.0),
            Outcome::Unhealthy => Self::Of(0.0),
            Outcome::Inconclusive | Outcome::Error => Self::NoData,
        }
    }
}

impl Scorer {
    /// Checks a spec.
    ///
    /// # Errors
    /// Where marks, weights or groups make no sense.
    pub fn new(spec: ScoreSpec) -> Result<Self, ScoreFault> {
        if spec.metrics.is_empty() {
            return Err(ScoreFault::NoMetrics);
        }
        if !(0.0 <= spec.marginal && spec.marginal <= spec.pass && spec.pass <= 100.0) {
            return Err(ScoreFault::Marks);
        }
        if !(0.0..=1.0).contains(&spec.least_data) {
            return Err(ScoreFault::LeastData);
        }
        for metric in &spec.metrics {
            check_weight(&metric.name, metric.weight)?;
            let has_group = metric.group.as_ref().is_some_and(|group| spec.groups.contains_key(group));
            if !has_group && (metric.group.is_some() || !spec.groups.is_empty()) {
                return Err(ScoreFault::Group(metric.name.clone()));
            }
        }
        spec.groups.iter().try_for_each(|(name, weight)| check_weight(name, *weight))?;
        Ok(Self { spec })
    }

    /// The score of points, one for each metric in the order of the spec; a missing one is no data.
    pub fn score(&self, points: &[Points]) -> Score {
        let known = |index: usize| points.get(index).and_then(|points| points.known());
        let total = self.total(&known);
        let data = if total.weight > 0.0 { total.with_data / total.weight } else { 0.0 };
        let score = total.mean().map(|mean| mean * 100.0);
        let (verdict, line) = self.verdict(score, data, &known);
        let evidence = self.spec.metrics.iter().enumerate();
        let evidence = evidence.map(|(index, metric)| self.evidence(metric, known(index))).collect();
        Score { score, data, judgement: Judgement { verdict, line, evidence } }
    }

    fn total(&self, known: &impl Fn(usize) -> Option<f64>) -> Sum {
        let mut groups: BTreeMap<Option<&str>, Sum> = BTreeMap::new();
        for (index, metric) in self.spec.metrics.iter().enumerate() {
            groups.entry(metric.group.as_deref()).or_default().add(metric.weight, known(index));
        }
        if self.spec.groups.is_empty() {
            return groups.remove(&None).unwrap_or_default();
        }
        let mut total = Sum::default();
        for (name, sum) in &groups {
            let weight = name.and_then(|name| self.spec.groups.get(name)).copied().unwrap_or(0.0);
            total.weight += weight;
            // Of a group that has data for a part only, that part counts as data.
            total.with_data += weight * sum.with_data / sum.weight;
        }
        let with_data = total.with_data;
        let mut means = Sum::default();
        for (name, sum) in &groups {
            let weight = name.and_then(|name| self.spec.groups.get(name)).copied().unwrap_or(0.0);
            means.add(weight, sum.mean());
        }
        // The mean is over whole groups, the share of data over their parts.
        let points = means.mean().map_or(0.0, |mean| mean * with_data);
        Sum { weight: total.weight, with_data, points }
    }

    fn verdict(
        &self,
        score: Option<f64>,
        data: f64,
        known: &impl Fn(usize) -> Option<f64>,
    ) -> (Verdict, String) {
        let spec = &self.spec;
        let critical = |fails: &dyn Fn(Option<f64>) -> bool| {
            spec.metrics.iter().enumerate().find(|(index, m)| m.is_critical && fails(known(*index)))
        };
        let is_bad = |points: Option<f64>| points.is_some_and(|points| points * 100.0 < spec.marginal);
        if let Some((_, metric)) = critical(&is_bad) {
            return (Verdict::Fail, format!("fail: {} is critical and failed", text::one_line(&metric.name)));
        }
        let Some(score) = score.filter(|_| data >= spec.least_data) else {
            let (percent, least) = (data * 100.0, spec.least_data * 100.0);
            let line =
                format!("inconclusive: {percent:.0} % of the weight has data, at least {least:.0} % must");
            return (Verdict::Inconclusive, line);
        };
        if let Some((_, metric)) = critical(&|points| points.is_none()) {
            let name = text::one_line(&metric.name);
            return (Verdict::Inconclusive, format!("inconclusive: {name} is critical and has no data"));
        }
        let (pass, marginal) = (spec.pass, spec.marginal);
        if score >= pass {
            (Verdict::Pass, format!("pass: score {score:.1} of 100, pass mark {pass}"))
        } else if score >= marginal {
            let line =
                format!("inconclusive: score {score:.1} of 100 is marginal, between {marginal} and {pass}");
            (Verdict::Inconclusive, line)
        } else {
            (
                Verdict::Fail,
                format!("fail: score {score:.1} of 100 is less than the marginal mark {marginal}"),
            )
        }
    }

    fn evidence(&self, metric: &Weighted, points: Option<f64>) -> Evidence {
        let spec = &self.spec;
        let verdict = match points.map(|points| points * 100.0) {
            None => Verdict::Inconclusive,
            Some(points) if points >= spec.pass => Verdict::Pass,
            Some(points) if points >= spec.marginal => Verdict::Inconclusive,
            Some(_) => Verdict::Fail,
        };
        let value = points.map_or_else(|| "no data".to_owned(), |points| format!("{:.1}", points * 100.0));
        Evidence {
            metric: metric.name.clone(),
            verdict: Some(verdict),
            is_dry_run: false,
            words: format!(
                "{} {value} of 100 points, weight {}",
                text::one_line(&metric.name),
                metric.weight
            ),
            value,
            counts: None,
        }
    }
}

fn check_weight(name: &str, weight: f64) -> Result<(), ScoreFault> {
    let is_weight = weight > 0.0 && weight <= MAX_WEIGHT;
    if is_weight { Ok(()) } else { Err(ScoreFault::Weight(name.to_owned())) }
}
