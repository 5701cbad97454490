//! What a metric source answered.

use super::{number, text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most samples that an answer may have. An answer with more is an error: it is no summary.
pub const MAX_SAMPLES: usize = 1_000;

/// What a source answered to one query. Any number may be NaN or infinite: an infinity is a number, NaN
/// is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// One number.
    Scalar(#[serde(with = "number")] f64),
    /// A number for each series, in the order of the source.
    Vector(Vec<Sample>),
    /// Nothing: the query matched no series, or the source sent null.
    Empty,
    /// The source could not be asked or its answer could not be read.
    Error {
        /// Why.
        message: String,
    },
}

/// One number of a vector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The labels of the series.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Its value.
    #[serde(with = "number")]
    pub value: f64,
}

/// What an answer lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// It holds no number.
    Empty,
    /// A number of it is NaN.
    NotANumber,
}

impl Answer {
    /// A vector of numbers without labels.
    pub fn vector(values: impl IntoIterator<Item = f64>) -> Self {
        let sample = |value| Sample { labels: BTreeMap::new(), value };
        Self::Vector(values.into_iter().map(sample).collect())
    }

    /// What it lacks, if anything. One NaN among several samples is a gap.
    pub fn gap(&self) -> Option<Gap> {
        let values = self.values();
        if values.is_empty() {
            return Some(Gap::Empty);
        }
        values.iter().any(|value| value.is_nan()).then_some(Gap::NotANumber)
    }

    /// Why it cannot be judged at all, on one line: the source's own error, or too many samples.
    pub fn error(&self) -> Option<String> {
        match self {
            Self::Error { message } => Some(text::one_line(message)),
            Self::Vector(samples) if samples.len() > MAX_SAMPLES => {
                Some(format!("{} samples, at most {MAX_SAMPLES} are read", samples.len()))
            }
            _ => None,
        }
    }

    /// Its numbers, in the order of the source.
    pub fn values(&self) -> Vec<f64> {
        match self {
            Self::Scalar(value) => vec![*value],
            Self::Vector(samples) => samples.iter().map(|sample| sample.value).collect(),
            Self::Empty | Self::Error { .. } => Vec::new(),
        }
    }

    /// For people: `0.061`, `[0.061, NaN]`, `no data`, `no answer`. At most five numbers.
    pub fn show(&self) -> String {
        const SHOWN: usize = 5;
        match self {
            Self::Scalar(value) => number::show(*value),
            Self::Vector(samples) if !samples.is_empty() => {
                let shown: Vec<String> = samples.iter().take(SHOWN).map(|s| number::show(s.value)).collect();
                let more = if samples.len() > SHOWN { ", …" } else { "" };
                format!("[{}{more}]", shown.join(", "))
            }
            Self::Vector(_) | Self::Empty => "no data".to_owned(),
            Self::Error { .. } => "no answer".to_owned(),
        }
    }
}
