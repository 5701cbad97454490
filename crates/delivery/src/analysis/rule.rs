//! Whether a measurement is healthy.

use super::answer::{Answer, Gap};
use super::condition::{Condition, Readings, Unanswered};
use super::number::show;
use super::text;
use serde::{Deserialize, Serialize};

/// What one measurement says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it should be.
    Healthy,
    /// Not as it should be.
    Unhealthy,
    /// It says neither.
    Inconclusive,
    /// There was no measurement.
    Error,
}

/// What no data and NaN mean where a rule does not say it itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoData {
    /// Nothing is known (AR#1905, AR#2101, FL#1365). The default.
    #[default]
    Inconclusive,
    /// The rule is evaluated all the same, as Argo Rollouts does: what cannot be evaluated is an error, a
    /// comparison with NaN is false.
    Evaluate,
    /// A failed check, as in Flagger; so is an answer that is an error.
    Unhealthy,
}

/// When a measurement is healthy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Every number is strictly less: `threshold: 0.05`.
    Below(#[serde(with = "super::number")] f64),
    /// Every number lies between, both ends included, as `thresholdRange` of Flagger.
    Within {
        /// No lower bound where absent.
        #[serde(default)]
        min: Option<f64>,
        /// No upper bound where absent.
        #[serde(default)]
        max: Option<f64>,
    },
    /// `successCondition` and `failureCondition` of Argo Rollouts: with one of them the other is its
    /// opposite; with both failure wins, and where neither is true it is inconclusive; with none every
    /// answer is healthy.
    Conditions {
        /// What healthy means.
        #[serde(default)]
        success: Option<Condition>,
        /// What unhealthy means.
        #[serde(default)]
        failure: Option<Condition>,
    },
}

/// The judgement of one measurement, with its reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What it says.
    pub outcome: Outcome,
    /// What was measured, for people: `0.061`.
    pub value: String,
    /// Why, as what follows the metric's name: `0.061 is not < 0.05`, `has no data`.
    pub words: String,
}

impl Finding {
    /// A measurement that did not come about, such as one that was not answered in time.
    pub fn error(message: &str) -> Self {
        let words = format!("could not be measured: {}", text::one_line(message));
        Self { outcome: Outcome::Error, value: "no answer".to_owned(), words }
    }
}

impl Rule {
    /// Judges the answers to one measurement.
    pub fn judge(&self, readings: &Readings, no_data: NoData) -> Finding {
        let value = readings.show();
        let (outcome, words) =
            self.source_fault(readings, no_data).unwrap_or_else(|| self.evaluate(readings));
        Finding { outcome, value, words }
    }

    /// True where its conditions make sense for a list and not for a number, such as `result[0] < 0.05`: then the
    /// one sample of a vector is a list of one. `has_pair` where both versions are asked for.
    pub fn asks_for_a_list(&self, has_pair: bool) -> bool {
        let Self::Conditions { success, failure } = self else { return false };
        let readings = |answer: Answer| {
            if has_pair {
                Readings::Pair { baseline: answer.clone(), canary: answer }
            } else {
                Readings::One(answer)
            }
        };
        let (number, list) = (readings(Answer::Scalar(0.5)), readings(Answer::vector([0.5])));
        let wants =
            |condition: &Condition| condition.holds(&number).is_err() && condition.holds(&list).is_ok();
        success.iter().chain(failure).any(wants)
    }

    /// What is decided before any number is looked at.
    fn source_fault(&self, readings: &Readings, no_data: NoData) -> Option<(Outcome, String)> {
        let answers = readings.answers();
        if let Some(message) = answers.iter().find_map(|answer| answer.error()) {
            let is_check = no_data == NoData::Unhealthy;
            let outcome = if is_check { Outcome::Unhealthy } else { Outcome::Error };
            return Some((outcome, format!("could not be measured: {message}")));
        }
        let gap = answers.iter().filter_map(|answer| answer.gap()).find(|gap| !self.asks_for(*gap))?;
        let words = match gap {
            Gap::Empty => "has no data",
            Gap::NotANumber => "is not a number",
        };
        match no_data {
            NoData::Inconclusive => Some((Outcome::Inconclusive, words.to_owned())),
            NoData::Unhealthy => Some((Outcome::Unhealthy, words.to_owned())),
            NoData::Evaluate => None,
        }
    }

    /// True where the user said what is to hold without data: then it is the rule's own affair.
    fn asks_for(&self, gap: Gap) -> bool {
        let Self::Conditions { success, failure } = self else { return false };
        let mut conditions = success.iter().chain(failure).peekable();
        conditions.peek().is_some() && conditions.all(|condition| condition.asks_for(gap))
    }

    fn evaluate(&self, readings: &Readings) -> (Outcome, String) {
        match self {
            Self::Below(threshold) => {
                bounded(readings.result(), |value| value < *threshold, &format!("< {}", show(*threshold)))
            }
            Self::Within { min, max } => {
                let is_within = |value: f64| {
                    !value.is_nan()
                        && min.is_none_or(|min| value >= min)
                        && max.is_none_or(|max| value <= max)
                };
                bounded(readings.result(), is_within, &range(*min, *max))
            }
            Self::Conditions { success, failure } => conditions(success.as_ref(), failure.as_ref(), readings),
        }
    }
}

/// Every number must pass; the first that does not is told.
fn bounded(answer: &Answer, passes: impl Fn(f64) -> bool, bound: &str) -> (Outcome, String) {
    let values = answer.values();
    if values.is_empty() {
        return (Outcome::Error, "has no data".to_owned());
    }
    match values.into_iter().find(|value| !passes(*value)) {
        Some(value) => (Outcome::Unhealthy, format!("{} is not {bound}", show(value))),
        None => (Outcome::Healthy, format!("{} is {bound}", answer.show())),
    }
}

fn range(min: Option<f64>, max: Option<f64>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("in {}..{}", show(min), show(max)),
        (Some(min), None) => format!(">= {}", show(min)),
        (None, Some(max)) => format!("<= {}", show(max)),
        (None, None) => "a number".to_owned(),
    }
}

/// `utils/evaluate/evaluate.go` of Argo Rollouts: the success condition is evaluated first, and an error
/// of either is an error of the measurement.
fn conditions(
    success: Option<&Condition>,
    failure: Option<&Condition>,
    readings: &Readings,
) -> (Outcome, String) {
    let evaluate = |condition: Option<&Condition>| condition.map(|c| holds(c, readings)).transpose();
    let (is_success, is_failure) = match (evaluate(success), evaluate(failure)) {
        (Err(words), _) | (_, Err(words)) => return (Outcome::Error, words),
        (Ok(is_success), Ok(is_failure)) => (is_success, is_failure),
    };
    let says = |condition: Option<&Condition>, holds: bool| {
        condition.map_or_else(String::new, |c| format!("{}: `{}` is {holds}", readings.show(), c.text()))
    };
    match (is_success, is_failure) {
        (None, None) => (Outcome::Healthy, format!("{}, and nothing is asked of it", readings.show())),
        (_, Some(true)) => (Outcome::Unhealthy, says(failure, true)),
        (Some(true), _) => (Outcome::Healthy, says(success, true)),
        (Some(false), None) => (Outcome::Unhealthy, says(success, false)),
        (None, Some(false)) => (Outcome::Healthy, says(failure, false)),
        (Some(false), Some(false)) => {
            (Outcome::Inconclusive, format!("{}: neither condition holds", readings.show()))
        }
    }
}

/// A comparison with NaN makes a condition false, as in Argo Rollouts; CEL itself gives an error.
fn holds(condition: &Condition, readings: &Readings) -> Result<bool, String> {
    match condition.holds(readings) {
        Err(Unanswered::Unordered) => Ok(false),
        Err(fault) => Err(format!("cannot be judged by `{}`: {fault}", condition.text())),
        Ok(holds) => Ok(holds),
    }
}
