//! A gate: it opens once a query is answered as it should be, now or for a while.
//!
//! Whether it was so for a while is asked of what the server has recorded. So a gate remembers nothing: it may be ended at
//! any time and asked again.

use super::answer::{Answered, QueryError, Ranged};
use super::measure::shape;
use super::prometheus::{Prometheus, Range};
use crate::clock;
use std::collections::BTreeMap;
use std::time::Duration;
use taskmaster_delivery::analysis::answer::{Answer, Sample};
use taskmaster_delivery::analysis::condition::Readings;
use taskmaster_delivery::analysis::rule::{Finding, NoData, Outcome, Rule};
use taskmaster_delivery::time::Time;

/// So many answers in a row may fail before nothing can be said.
const MAX_FAULTS: u32 = 5;
/// Most times that are looked at.
const MAX_TIMES: u32 = 1_000;

/// What is asked, and what is good.
#[derive(Clone, Debug)]
pub struct Gate {
    /// In PromQL.
    pub query: String,
    /// What is good.
    pub rule: Rule,
    /// It must have been good for so long; once is enough where absent.
    pub hold: Option<Duration>,
    /// Time between two questions, and between two answers of the past.
    pub interval: Duration,
    /// How long it waits; asks once where zero.
    pub timeout: Duration,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It is as it should be.
    Open {
        /// What was measured.
        words: String,
    },
    /// It is not, or not in time.
    Shut {
        /// Why.
        why: String,
    },
}

/// Why nothing can be said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// No answer came.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The answer cannot be judged.
    #[error("the answer {0}")]
    Unjudged(String),
}

impl GateError {
    /// True where no later answer will be another one.
    fn is_final(&self) -> bool {
        match self {
            Self::Query(QueryError::Refused { kind, .. }) => kind == "bad_data",
            Self::Query(QueryError::Redirect(_) | QueryError::Unauthorized(_) | QueryError::Kind(_)) => true,
            _ => false,
        }
    }
}

/// What one look finds.
enum Look {
    Open(String),
    NotYet(String),
    Shut(String),
}

/// Waits until the gate is open, is shut for good, or the time is over. Every change is told to `say` as one line.
///
/// # Errors
/// A question that cannot be answered; several answers in a row that did not come.
pub async fn wait(source: &Prometheus, gate: &Gate, say: &mut dyn FnMut(&str)) -> Result<Opened, GateError> {
    let begun = clock::monotonic();
    let (mut told, mut faults) = (String::new(), 0);
    loop {
        let (line, why) = match look(source, gate).await {
            Ok(Look::Open(words)) => {
                say(&words);
                return Ok(Opened::Open { words });
            }
            Ok(Look::Shut(why)) => return Ok(Opened::Shut { why }),
            Ok(Look::NotYet(why)) => {
                faults = 0;
                (why.clone(), why)
            }
            Err(fault) => {
                faults += 1;
                if gate.timeout.is_zero() || fault.is_final() || faults >= MAX_FAULTS {
                    return Err(fault);
                }
                (fault.to_string(), fault.to_string())
            }
        };
        if line != told {
            say(&line);
            told = line;
        }
        let left = gate.timeout.checked_sub(clock::monotonic().saturating_duration_since(begun));
        let Some(left) = left.filter(|left| !left.is_zero()) else {
            let over = format!("timed out after {:?}: {why}", gate.timeout);
            return Ok(Opened::Shut { why: if gate.timeout.is_zero() { why } else { over } });
        };
        tokio::time::sleep(gate.interval.min(left)).await;
    }
}

async fn look(source: &Prometheus, gate: &Gate) -> Result<Look, GateError> {
    let found = source.query(&gate.query, None).await?;
    let finding = judge(&gate.rule, &found.answer);
    match finding.outcome {
        Outcome::Error => Err(GateError::Unjudged(finding.words)),
        Outcome::Inconclusive => Ok(Look::NotYet(finding.words)),
        Outcome::Unhealthy if fails(&gate.rule, &found.answer) => Ok(Look::Shut(finding.words)),
        Outcome::Unhealthy => Ok(Look::NotYet(finding.words)),
        Outcome::Healthy => match gate.hold {
            None => Ok(Look::Open(finding.words)),
            Some(hold) => past(source, gate, hold, &found, &finding).await,
        },
    }
}

/// Whether it has been so all the time.
async fn past(
    source: &Prometheus,
    gate: &Gate,
    hold: Duration,
    found: &Answered,
    now: &Finding,
) -> Result<Look, GateError> {
    // By the server's clock, where it has said what that is.
    let end = found.at.unwrap_or_else(|| Time(clock::now().as_millisecond()));
    let start = Time(end.0.saturating_sub(i64::try_from(hold.as_millis()).unwrap_or(i64::MAX)).max(0));
    let step = gate.interval.max(hold / MAX_TIMES).min(hold).max(Duration::from_millis(1));
    let range = Range { start, end, step };
    let ranged = source.query_range(&gate.query, range).await?;
    Ok(match gap(gate, &ranged, range) {
        Some(why) => Look::NotYet(format!("{}, but not for {hold:?} yet: {why}", now.words)),
        None => Look::Open(format!("{}, for {hold:?}", now.words)),
    })
}

/// The last time at which it was not so, in words; nothing where there is none.
fn gap(gate: &Gate, ranged: &Ranged, range: Range) -> Option<String> {
    let mut times: BTreeMap<Time, Vec<Sample>> = BTreeMap::new();
    for series in &ranged.series {
        for (at, value) in &series.samples {
            let sample = Sample { labels: series.labels.clone(), value: *value };
            times.entry(*at).or_default().push(sample);
        }
    }
    let ago = |at: Time| format!("{} s ago", (range.end - at).as_secs_f64());
    // Some servers move the times of a range to multiples of its step.
    let far = range.step.mul_f64(1.5);
    let mut later = range.end;
    for (at, samples) in times.into_iter().rev() {
        if later - at > far {
            return Some(format!("no data {}", ago(later)));
        }
        let finding = judge(&gate.rule, &Answer::Vector(samples));
        if finding.outcome != Outcome::Healthy {
            return Some(format!("{}, {}", finding.words, ago(at)));
        }
        later = at;
    }
    (later - range.start > far).then(|| format!("no data {}", ago(later)))
}

fn readings(rule: &Rule, answer: &Answer) -> Readings {
    Readings::One(shape(answer, rule.asks_for_a_list(false)))
}

fn judge(rule: &Rule, answer: &Answer) -> Finding {
    rule.judge(&readings(rule, answer), NoData::Inconclusive)
}

/// True where the condition holds that shuts it for good.
fn fails(rule: &Rule, answer: &Answer) -> bool {
    let Rule::Conditions { failure: Some(failure), .. } = rule else { return false };
    failure.holds(&readings(rule, answer)) == Ok(true)
}

#[cfg(test)]
mod tests {
    use super::super::answer::RangedSeries;
    use super::*;

    fn gate() -> Gate {
        Gate {
            query: "x".to_owned(),
            rule: Rule::Below(0.5),
            hold: None,
            interval: Duration::from_secs(10),
            timeout: Duration::ZERO,
        }
    }

    /// What a minute of answers lacks, with samples at these seconds.
    fn lacks(series: &[&[(i64, f64)]]) -> Option<String> {
        let one = |samples: &&[(i64, f64)]| RangedSeries {
            labels: BTreeMap::new(),
            samples: samples.iter().map(|(at, value)| (Time(at * 1_000), *value)).collect(),
        };
        let ranged = Ranged { series: series.iter().map(one).collect(), remarks: Vec::new() };
        let range = Range { start: Time(0), end: Time(60_000), step: Duration::from_secs(10) };
        gap(&gate(), &ranged, range)
    }

    #[test]
    fn a_minute_is_good_where_every_time_of_it_is() {
        let whole = [(0, 0.1), (10, 0.2), (20, 0.1), (30, 0.1), (40, 0.1), (50, 0.1), (60, 0.1)];
        assert_eq!(lacks(&[&whole]), None);
        let moved: Vec<(i64, f64)> = whole.iter().skip(1).map(|(at, value)| (at - 4, *value)).collect();
        assert_eq!(lacks(&[&moved]), None);
        let bad = |at: usize, value: f64| {
            let mut samples = whole;
            samples[at].1 = value;
            lacks(&[&samples])
        };
        assert_eq!(bad(3, 0.6).unwrap(), "0.6 is not < 0.5, 30 s ago");
        assert_eq!(bad(0, f64::NAN).unwrap(), "is not a number, 60 s ago");
        assert_eq!(lacks(&[]).unwrap(), "no data 0 s ago");
        assert_eq!(lacks(&[&whole[2..]]).unwrap(), "no data 20 s ago");
        assert_eq!(lacks(&[&whole[..5]]).unwrap(), "no data 0 s ago");
        assert_eq!(lacks(&[&whole[..2], &whole[4..]]).unwrap(), "no data 40 s ago");
        assert_eq!(lacks(&[&whole, &[(50, 0.7)]]).unwrap(), "0.7 is not < 0.5, 10 s ago");
    }
}
