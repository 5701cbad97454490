//! Series of a recording: numbers as they were, and counters as what was added.

use crate::spec::Role;
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// How old a number may be, as an instant query of Prometheus looks back.
pub(super) const LOOKBACK: Duration = Duration::from_secs(300);
/// Above this a counter in an `f64` misses single units.
const MOST: f64 = 9_007_199_254_740_992.0;

/// Something about recorded data that is not as it should be, and is survived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// The metric; empty in a bare answer.
    pub metric: String,
    /// Which of its answers.
    pub role: Role,
    /// The labels of the series.
    pub series: String,
    /// The last time at which all was well, or the first at which it was not.
    pub from: Time,
    /// The next time at which all was well, or the last at which it was not.
    pub until: Time,
    /// What it is.
    pub what: Flaw,
}

/// What is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// There are no samples.
    Missing,
    /// The numbers are NaN: a number is not known then, a counter is left out.
    NotANumber,
    /// Counters that are negative, infinite or too large to count single units: left out.
    Impossible,
    /// A counter fell: its process began anew, and it counts from nothing.
    Reset,
    /// Samples are not as far apart as was said.
    Step,
}

impl Display for Gap {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            Flaw::Missing => "no samples",
            Flaw::NotANumber => "not a number",
            Flaw::Impossible => "no count: negative, infinite or too large",
            Flaw::Reset => "a counter began anew",
            Flaw::Step => "samples are not as far apart as `step` says",
        };
        let name = if self.metric.is_empty() { "the metric" } else { &self.metric };
        let (from, until) = (super::words::clock(self.from), super::words::clock(self.until));
        write!(f, "{name} {} {}: {what}, {from} to {until}", self.role, self.series)
    }
}

/// A number and its time in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) at: i64,
    pub(super) value: f64,
}

/// One series.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    pub(super) name: String,
    /// Of which histogram it is a bucket.
    pub(super) histogram: u64,
    /// Its `le`, in milliseconds.
    pub(super) le: Option<f64>,
    /// Times rise. A counter's values are what was added since counting began.
    pub(super) samples: Vec<Sample>,
}

impl Series {
    /// The last sample at or before a time.
    pub(super) fn last(&self, at: Time) -> Option<Sample> {
        let after = self.samples.partition_point(|sample| sample.at <= at.0);
        after.checked_sub(1).and_then(|place| self.samples.get(place)).copied()
    }

    /// The number that an instant query would have found.
    pub(super) fn instant(&self, at: Time) -> Option<Sample> {
        self.last(at).filter(|sample| at - Time(sample.at) < LOOKBACK)
    }

    /// The least time between two samples, in milliseconds.
    fn step(&self) -> Option<i64> {
        self.samples.windows(2).map(|pair| pair[1].at - pair[0].at).min()
    }

    /// Times at which a counter falls, in milliseconds.
    pub(super) fn falls(&self) -> impl Iterator<Item = i64> {
        self.samples.windows(2).filter(|pair| pair[1].value < pair[0].value).map(|pair| pair[1].at)
    }

    /// Turns the values of a counter into what was added. One that was there when the recording began counts
    /// from its first value, one that came later from nothing; one that falls began anew, and so did all buckets
    /// of a histogram where one of them falls (`anew`).
    pub(super) fn count(&mut self, is_fresh: bool, anew: &BTreeSet<i64>) {
        let mut last: Option<f64> = None;
        let mut total = 0.0;
        for sample in &mut self.samples {
            total += match last {
                None if is_fresh => sample.value,
                None => 0.0,
                Some(last) if sample.value < last || anew.contains(&sample.at) => sample.value,
                Some(last) => sample.value - last,
            };
            last = Some(sample.value);
            sample.value = total;
        }
    }
}

/// Sums of what was added until a time, each rounded down. Nothing before the first sample.
pub(super) fn total<'a>(series: impl IntoIterator<Item = &'a Series>, at: Time) -> u64 {
    let added = |series: &Series| series.last(at).map_or(0, |sample| sample.value as u64);
    series.into_iter().map(added).fold(0, u64::saturating_add)
}

/// The time of the latest sample at or before a time.
pub(super) fn latest<'a>(series: impl IntoIterator<Item = &'a Series>, at: Time) -> Option<Time> {
    series.into_iter().filter_map(|series| series.last(at)).map(|sample| Time(sample.at)).max()
}

/// Finds what is not as it should be in the samples of a series, and takes out of a counter what is no count.
pub(super) fn examine(
    series: &mut Series,
    is_counter: bool,
    step: Option<i64>,
    mut tell: impl FnMut(Flaw, i64, i64),
) {
    let found = series.step();
    let (first, end) = match (series.samples.first(), series.samples.last()) {
        (Some(first), Some(last)) => (first.at, last.at),
        _ => return,
    };
    if let (Some(step), Some(found)) = (step, found)
        && (step - found).abs() * 100 > step
    {
        tell(Flaw::Step, first, end);
    }
    for pair in series.samples.windows(2) {
        if found.is_some_and(|step| (pair[1].at - pair[0].at) * 2 > step * 3) {
            tell(Flaw::Missing, pair[0].at, pair[1].at);
        }
    }
    runs(&series.samples, |value| value.is_nan(), |from, until| tell(Flaw::NotANumber, from, until));
    if is_counter {
        let is_wrong = |value: f64| !value.is_nan() && !(0.0..=MOST).contains(&value);
        runs(&series.samples, is_wrong, |from, until| tell(Flaw::Impossible, from, until));
        series.samples.retain(|sample| (0.0..=MOST).contains(&sample.value));
        for pair in series.samples.windows(2).filter(|pair| pair[1].value < pair[0].value) {
            tell(Flaw::Reset, pair[0].at, pair[1].at);
        }
    }
}

/// Runs of samples of which something is true, by their first and last time.
fn runs(samples: &[Sample], is_so: impl Fn(f64) -> bool, mut tell: impl FnMut(i64, i64)) {
    for run in samples.chunk_by(|one, other| is_so(one.value) == is_so(other.value)) {
        if let [first, ..] = run
            && is_so(first.value)
        {
            tell(first.at, run.last().map_or(first.at, |last| last.at));
        }
    }
}
