//! What a counted metric measures: its query is not run here, so the number that it would answer has to be
//! guessed, or told ([`super::Scenario::metrics`]).

use crate::analysis::answer::Answer;
use crate::analysis::condition::Readings;
use crate::analysis::rule::{NoData, Outcome};
use crate::spec::{Judge, Metric, OwnNumber, OwnQuery, Role};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a number measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// The share of requests that failed, from 0 to 1.
    Errors,
    /// The share of requests that succeeded, from 0 to 1.
    Success,
    /// The same from 0 to 100.
    ErrorsPercent,
    /// The same from 0 to 100.
    SuccessPercent,
    /// 1 while a pod serves, else 0.
    Up,
    /// The 95th percentile of the latency, in seconds.
    LatencySeconds,
    /// The same in milliseconds.
    LatencyMilliseconds,
}

/// Numbers of a version that is good, and of one that is plainly not.
const SIGNS: [(Meaning, f64, f64); 7] = [
    (Meaning::Errors, 0.0005, 0.5),
    (Meaning::Success, 0.9995, 0.5),
    (Meaning::ErrorsPercent, 0.05, 50.0),
    (Meaning::SuccessPercent, 99.95, 50.0),
    (Meaning::Up, 1.0, 0.0),
    (Meaning::LatencySeconds, 0.05, 10.0),
    (Meaning::LatencyMilliseconds, 50.0, 10_000.0),
];

impl Meaning {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        SIGNS.into_iter().map(|(meaning, _, _)| meaning)
    }

    /// The first meaning by which a good version is healthy and a plainly bad one is not. Whether it is a
    /// latency is told by the words of its name and queries. None where no meaning does so.
    pub fn of(metric: &Metric) -> Option<Self> {
        let is_latency = speaks_of_latency(metric);
        let fits = |(meaning, good, bad): &(Self, f64, f64)| {
            meaning.is_latency() == is_latency
                && says(metric, *good, *good) == Some(Outcome::Healthy)
                && says(metric, *bad, *good).is_some_and(|outcome| outcome != Outcome::Healthy)
        };
        SIGNS.iter().find(|sign| fits(sign)).map(|(meaning, _, _)| *meaning)
    }

    pub(super) fn is_latency(self) -> bool {
        matches!(self, Self::LatencySeconds | Self::LatencyMilliseconds)
    }

    /// Its name, as in a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Success => "success",
            Self::ErrorsPercent => "errors-percent",
            Self::SuccessPercent => "success-percent",
            Self::Up => "up",
            Self::LatencySeconds => "latency-seconds",
            Self::LatencyMilliseconds => "latency-milliseconds",
        }
    }
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Errors => "the share of requests that failed",
            Self::Success => "the share of requests that succeeded",
            Self::ErrorsPercent => "the requests that failed, in percent",
            Self::SuccessPercent => "the requests that succeeded, in percent",
            Self::Up => "1 while a pod serves, else 0",
            Self::LatencySeconds => "the 95th percentile of the latency, in seconds",
            Self::LatencyMilliseconds => "the 95th percentile of the latency, in milliseconds",
        })
    }
}

/// What the metric's rule says of a number of the new version beside one of the stable version.
fn says(metric: &Metric, canary: f64, baseline: f64) -> Option<Outcome> {
    let Judge::Counted(rule, _) = &metric.judge else { return None };
    let readings = if metric.queries.contains_key(&Role::Baseline) {
        Readings::Pair { baseline: Answer::Scalar(baseline), canary: Answer::Scalar(canary) }
    } else {
        Readings::One(Answer::Scalar(canary))
    };
    Some(rule.judge(&readings, NoData::Inconclusive).outcome)
}

fn speaks_of_latency(metric: &Metric) -> bool {
    let words =
        ["latency", "duration", "histogram_quantile", "response_time", "request_time", "milliseconds"];
    let texts = metric.queries.values().chain([&metric.name]);
    let is_own = |text: &String| {
        text.parse().is_ok_and(|query: OwnQuery| matches!(query.of, OwnNumber::Latency { .. }))
    };
    metric.queries.values().any(is_own)
        || texts.map(|text| text.to_lowercase()).any(|text| words.iter().any(|word| text.contains(word)))
}
