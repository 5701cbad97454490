//! A recording that was checked.

use super::read::{Answer, Entries, File, LeUnit, MAX_SERIES, Probe, Series as Written};
use super::series::{Gap, Series, examine};
use super::words::clock;
use crate::spec::Role;
use crate::time::Time;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use thiserror::Error;

/// Most gaps that are kept.
const MAX_GAPS: usize = 1_000;
/// Most warnings that are kept.
const MAX_WARNINGS: usize = 100;
/// Longest text of a source that is kept, in characters.
const MAX_TEXT: usize = 300;
/// Longest time from the beginning of a rollout to the first sample.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// The name of the metric of a bare answer.
pub(super) const BARE: &str = "";

/// Why a recording is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadRecording {
    /// It is no JSON of this form.
    #[error("{0}")]
    Form(String),
    /// A value of the recording itself.
    #[error("{key}: {message}")]
    Value {
        /// Its key.
        key: &'static str,
        /// What is wrong.
        message: String,
    },
    /// An answer as a whole.
    #[error("{metric} {role}: {message}")]
    Answer {
        /// The metric.
        metric: String,
        /// Which of its answers.
        role: Role,
        /// What is wrong.
        message: String,
    },
    /// A series.
    #[error("{metric} {role} {series}: {message}")]
    Series {
        /// The metric.
        metric: String,
        /// Which of its answers.
        role: Role,
        /// Its labels.
        series: String,
        /// What is wrong, and at which time.
        message: String,
    },
    /// There is no sample in it.
    #[error("there are no samples")]
    Empty,
}

/// What was recorded of a rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    pub(super) start: Option<Time>,
    pub(super) weights: Vec<(Time, f64)>,
    pub(super) metrics: BTreeMap<String, Queries>,
    first: Time,
    last: Time,
    gaps: Vec<Gap>,
    more_gaps: usize,
    warnings: Vec<String>,
}

/// The answers of one metric.
pub(super) type Queries = BTreeMap<Role, Vec<Series>>;

impl Recording {
    /// Reads a recording, or a bare answer of `query_range` for a rollout with one metric of one query. It takes
    /// time in proportion to the text, and for each sample 16 bytes.
    ///
    /// # Errors
    /// The first thing that is wrong. What can be survived is none of that: it becomes a [`Gap`].
    pub fn read(text: &str) -> Result<Self, BadRecording> {
        let is_bare = serde_json::from_str::<Probe>(text)?.is_bare();
        if is_bare { bare(serde_json::from_str(text)?) } else { check(serde_json::from_str(text)?) }
    }

    /// The same of JSON that was read already.
    ///
    /// # Errors
    /// As [`Recording::read`].
    pub fn of(json: &serde_json::Value) -> Result<Self, BadRecording> {
        let is_bare = Probe::deserialize(json)?.is_bare();
        if is_bare { bare(Answer::deserialize(json)?) } else { check(File::deserialize(json)?) }
    }

    /// The times of its first and its last sample.
    pub fn span(&self) -> (Time, Time) {
        (self.first, self.last)
    }

    /// When the rollout began: as it says, or else at the first sample.
    pub fn start(&self) -> Time {
        self.start.unwrap_or(self.first)
    }

    /// True where it says how the users were split.
    pub fn has_weights(&self) -> bool {
        !self.weights.is_empty()
    }

    /// The first thousand flaws that were survived, by metric and series.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// How many there are besides.
    pub fn more_gaps(&self) -> usize {
        self.more_gaps
    }

    /// What the source warned of.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The names of its metrics; one is empty in a bare answer.
    pub fn metrics(&self) -> impl Iterator<Item = &str> {
        self.metrics.keys().map(String::as_str)
    }
}

impl From<serde_json::Error> for BadRecording {
    fn from(error: serde_json::Error) -> Self {
        Self::Form(error.to_string())
    }
}

/// One answer of a metric without a name.
fn bare(answer: Answer) -> Result<Recording, BadRecording> {
    let metrics = Entries(vec![(BARE.to_owned(), Entries(vec![(Role::Result, answer)]))]);
    check(File { start: None, step: None, le_unit: LeUnit::Seconds, weights: None, metrics })
}

/// A time in seconds.
fn time(key: &'static str, seconds: f64) -> Result<Time, BadRecording> {
    if !(0.0..=1e11).contains(&seconds) {
        return Err(BadRecording::Value { key, message: format!("{seconds} is not in seconds since 1970") });
    }
    Ok(Time((seconds * 1_000.0).round() as i64))
}

fn check(file: File) -> Result<Recording, BadRecording> {
    let start = file.start.map(|start| time("start", start)).transpose()?;
    let step = file.step.map(step).transpose()?;
    let weights = weights(file.weights)?;
    let mut reader = Reader { step, le_unit: file.le_unit, gaps: Vec::new(), more: 0, warnings: Vec::new() };
    let mut metrics = BTreeMap::new();
    for (name, answers) in file.metrics.0 {
        let mut queries = Queries::new();
        for (role, answer) in answers.0 {
            queries.insert(role, reader.answer(&name, role, answer)?);
        }
        count(&mut queries);
        metrics.insert(name, queries);
    }
    let (first, last) =
        span(metrics.values().flatten().flat_map(|(_, all)| all)).ok_or(BadRecording::Empty)?;
    if let Some(start) = start.filter(|start| *start > last || first - *start > LONGEST_WAIT) {
        let message =
            format!("{} is not near the samples, {} to {}", clock(start), clock(first), clock(last));
        return Err(BadRecording::Value { key: "start", message });
    }
    let Reader { gaps, more, warnings, .. } = reader;
    Ok(Recording { start, weights, metrics, first, last, gaps, more_gaps: more, warnings })
}

fn step(seconds: f64) -> Result<i64, BadRecording> {
    if !(0.001..=1e8).contains(&seconds) {
        let message = format!("{seconds} is no number of seconds between two samples");
        return Err(BadRecording::Value { key: "step", message });
    }
    Ok((seconds * 1_000.0).round() as i64)
}

fn weights(samples: Option<super::read::Samples>) -> Result<Vec<(Time, f64)>, BadRecording> {
    let Some(samples) = samples else { return Ok(Vec::new()) };
    let wrong = |message| BadRecording::Value { key: "weights", message };
    if let Some(fault) = samples.fault {
        return Err(wrong(fault));
    }
    if let Some(sample) = samples.kept.iter().find(|sample| !(0.0..=100.0).contains(&sample.value)) {
        return Err(wrong(format!("at {}: {} is no percentage", seconds(sample.at), sample.value)));
    }
    Ok(samples.kept.iter().map(|sample| (Time(sample.at), sample.value)).collect())
}

fn seconds(at: i64) -> f64 {
    at as f64 / 1_000.0
}

/// Times of the first and the last sample.
fn span<'a>(series: impl IntoIterator<Item = &'a Series>) -> Option<(Time, Time)> {
    let ends = |series: &Series| Some((series.samples.first()?.at, series.samples.last()?.at));
    let join = |one: (i64, i64), other: (i64, i64)| (one.0.min(other.0), one.1.max(other.1));
    series.into_iter().filter_map(ends).reduce(join).map(|(first, last)| (Time(first), Time(last)))
}

/// Turns the counters of a metric into what was added. One that came a step after the first one came later.
fn count(queries: &mut Queries) {
    let counters = || queries.iter().filter(|(role, _)| role.is_counter()).flat_map(|(_, all)| all);
    let steps = counters().filter_map(|series| Some(series.samples.get(1)?.at - series.samples.first()?.at));
    let step = steps.min().unwrap_or(i64::MAX);
    let Some((first, _)) = span(counters()) else { return };
    for (_, all) in queries.iter_mut().filter(|(role, _)| role.is_counter()) {
        let mut anew: BTreeMap<u64, BTreeSet<i64>> = BTreeMap::new();
        for bucket in all.iter().filter(|series| series.le.is_some()) {
            anew.entry(bucket.histogram).or_default().extend(bucket.falls());
        }
        for series in all {
            // Queries of one metric may be less than a step apart.
            let is_fresh = series.samples.first().is_some_and(|sample| sample.at - first.0 >= step);
            let anew = anew.get(&series.histogram).filter(|_| series.le.is_some());
            series.count(is_fresh, anew.unwrap_or(&BTreeSet::new()));
        }
    }
}

/// Reads answers one after the other.
struct Reader {
    step: Option<i64>,
    le_unit: LeUnit,
    gaps: Vec<Gap>,
    more: usize,
    warnings: Vec<String>,
}

impl Reader {
    fn answer(&mut self, metric: &str, role: Role, answer: Answer) -> Result<Vec<Series>, BadRecording> {
        let wrong = |message: String| BadRecording::Answer { metric: metric.to_owned(), role, message };
        let cut = |text: String| -> String { text.chars().take(MAX_TEXT).collect() };
        if answer.status != "success" {
            let why = answer.error.map_or_else(|| "no reason given".to_owned(), cut);
            return Err(wrong(format!("the answer is an error: {why}")));
        }
        let data = answer.data.ok_or_else(|| wrong("the answer has no data".to_owned()))?;
        if data.kind != "matrix" {
            return Err(wrong(format!("`{}` is no answer of `query_range`", cut(data.kind))));
        }
        if data.result.found > MAX_SERIES {
            return Err(wrong(format!("{} series, at most {MAX_SERIES} are read", data.result.found)));
        }
        if !role.is_counter() && data.result.found > 1 {
            let names: Vec<&str> =
                data.result.kept.iter().take(2).map(|one| one.metric.name.as_str()).collect();
            let names = names.join(" and ");
            return Err(wrong(format!("{} series where one is wanted: {names}", data.result.found)));
        }
        let room = MAX_WARNINGS.saturating_sub(self.warnings.len());
        self.warnings.extend(answer.warnings.unwrap_or_default().into_iter().take(room).map(cut));
        data.result.kept.into_iter().map(|series| self.series(metric, role, series)).collect()
    }

    fn series(&mut self, metric: &str, role: Role, written: Written) -> Result<Series, BadRecording> {
        let name = written.metric.name;
        let wrong = |message: String| BadRecording::Series {
            metric: metric.to_owned(),
            role,
            series: name.clone(),
            message,
        };
        if let Some(fault) = written.values.fault {
            return Err(wrong(fault));
        }
        if written.histograms.is_some() {
            return Err(wrong("native histograms are not read: ask for buckets with `le`".to_owned()));
        }
        let le = if role.has_buckets() {
            let label = written.metric.le.ok_or_else(|| wrong("has no label `le`".to_owned()))?;
            let bound = self.bound(&label);
            Some(bound.ok_or_else(|| wrong(format!("`{label}` is no bound of a bucket")))?)
        } else {
            None
        };
        let histogram = written.metric.histogram;
        let mut series = Series { name: name.clone(), histogram, le, samples: written.values.kept };
        let (gaps, more) = (&mut self.gaps, &mut self.more);
        examine(&mut series, role.is_counter(), self.step, |what, from, until| {
            if gaps.len() >= MAX_GAPS {
                *more += 1;
                return;
            }
            let (metric, series) = (metric.to_owned(), name.clone());
            gaps.push(Gap { metric, role, series, from: Time(from), until: Time(until), what });
        });
        Ok(series)
    }

    /// A bound in milliseconds; `+Inf` is one.
    fn bound(&self, label: &str) -> Option<f64> {
        let bound: f64 = label.parse().ok().filter(|bound: &f64| !bound.is_nan())?;
        match self.le_unit {
            LeUnit::Seconds => Some(bound * 1_000.0),
            LeUnit::Milliseconds => Some(bound),
        }
    }
}
