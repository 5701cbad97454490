//! Why: a verdict with its evidence, in words and in numbers.

use super::rule::{Finding, Outcome};
use super::run::{Counts, MetricSpec, MetricState, Phase, Run};
use super::text;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU32;

/// Metrics that are told in one line; the others are counted.
const MAX_TOLD: usize = 3;

/// What an analysis came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No fault was found.
    Pass,
    /// A fault was found.
    Fail,
    /// It says neither; a person decides.
    Inconclusive,
    /// It could not be carried out.
    Error,
}

/// A verdict and what it rests on. Its JSON form has the same line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// What it came to.
    pub verdict: Verdict,
    /// Why, in one line: `fail: error-rate 0.061 is not < 0.05 (4 of 5 measurements failed, limit 3)`.
    pub line: String,
    /// One entry for each metric, in the order of the spec.
    pub evidence: Vec<Evidence>,
}

/// What one metric has to say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The metric.
    pub metric: String,
    /// What it came to; absent while it is measured.
    pub verdict: Option<Verdict>,
    /// True where it decides nothing.
    pub is_dry_run: bool,
    /// What was measured last of the outcome that is told, for people.
    pub value: String,
    /// Why, in one line that begins with the metric.
    pub words: String,
    /// What was counted; absent where nothing is.
    pub counts: Option<Counts>,
}

impl Verdict {
    /// What an end means; nothing before it.
    pub fn of(phase: Phase) -> Option<Self> {
        match phase {
            Phase::Pending | Phase::Running => None,
            Phase::Successful => Some(Self::Pass),
            Phase::Failed => Some(Self::Fail),
            Phase::Inconclusive => Some(Self::Inconclusive),
            Phase::Error => Some(Self::Error),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
        })
    }
}

impl Run {
    /// What it came to; nothing before its end.
    pub fn judgement(&self) -> Option<Judgement> {
        let verdict = Verdict::of(self.phase())?;
        let evidence = self.evidence();
        let line = format!("{verdict}: {}", told(verdict, &evidence));
        Some(Judgement { verdict, line, evidence })
    }

    /// What each metric says so far.
    pub fn evidence(&self) -> Vec<Evidence> {
        let entry = |(spec, state, is_dry_run): (&MetricSpec, &MetricState, bool)| {
            let finding = telling(state);
            let words = finding.map_or("was not measured", |finding| finding.words.as_str());
            Evidence {
                metric: spec.name.clone(),
                verdict: Verdict::of(state.phase),
                is_dry_run,
                value: finding.map_or_else(|| "no data".to_owned(), |finding| finding.value.clone()),
                words: format!("{} {words}{}", text::one_line(&spec.name), tally(spec, state)),
                counts: Some(state.counts),
            }
        };
        self.metrics().map(entry).collect()
    }
}

/// The metrics that the verdict rests on.
fn told(verdict: Verdict, evidence: &[Evidence]) -> String {
    let decides = |entry: &&Evidence| !entry.is_dry_run && entry.verdict == Some(verdict);
    let deciding: Vec<&str> = evidence.iter().filter(decides).map(|entry| entry.words.as_str()).collect();
    if deciding.is_empty() {
        return "every metric is of the dry run".to_owned();
    }
    let mut line = deciding.iter().take(MAX_TOLD).copied().collect::<Vec<_>>().join("; ");
    if deciding.len() > MAX_TOLD {
        line.push_str(&format!("; and {} more", deciding.len() - MAX_TOLD));
    }
    line
}

/// The last finding of the kind that made the phase.
fn telling(state: &MetricState) -> Option<&Finding> {
    let wanted = match state.phase {
        Phase::Pending | Phase::Running => None,
        Phase::Successful => Some(Outcome::Healthy),
        Phase::Failed => Some(Outcome::Unhealthy),
        Phase::Inconclusive => Some(Outcome::Inconclusive),
        Phase::Error => Some(Outcome::Error),
    };
    state.latest.iter().find(|finding| Some(finding.outcome) == wanted).or(state.latest.last())
}

/// ` (4 of 5 measurements failed, limit 3)`; nothing before the first measurement.
fn tally(spec: &MetricSpec, state: &MetricState) -> String {
    let counts = &state.counts;
    if counts.count == 0 && counts.error == 0 {
        return String::new();
    }
    let of = |part: u32, word: &str| format!(" ({part} of {} measurements {word}", counts.count);
    match state.phase {
        Phase::Failed => format!("{})", why_failed(spec, counts)),
        Phase::Error => {
            format!(" ({} errors in a row, limit {})", counts.consecutive_error, spec.consecutive_error_limit)
        }
        Phase::Inconclusive if counts.inconclusive > spec.inconclusive_limit => {
            format!("{}, limit {})", of(counts.inconclusive, "inconclusive"), spec.inconclusive_limit)
        }
        Phase::Inconclusive => match spec.consecutive_success_limit {
            Some(limit) if counts.successful > 0 => {
                format!("{}, never {limit} in a row)", of(counts.successful, "healthy"))
            }
            _ => format!("{})", of(counts.successful, "healthy")),
        },
        Phase::Pending | Phase::Running | Phase::Successful => {
            format!("{})", of(counts.successful, "healthy"))
        }
    }
}

fn why_failed(spec: &MetricSpec, counts: &Counts) -> String {
    let of_all = format!(" ({} of {} measurements failed", counts.failed, counts.count);
    if let Some(limit) = spec.failure_limit.filter(|limit| counts.failed > *limit) {
        return format!("{of_all}, limit {limit}");
    }
    if let Some(limit) = spec.consecutive_failure_limit.filter(|limit| counts.consecutive_failure > *limit) {
        return format!("{of_all}, {} in a row, limit {limit}", counts.consecutive_failure);
    }
    let wanted = spec.consecutive_success_limit.map_or(0, NonZeroU32::get);
    format!("{of_all}, never {wanted} healthy in a row")
}
