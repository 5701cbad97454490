//! What turns answers of a metric source into verdicts.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, in helpers too")]

mod argo;
mod condition;
mod flagger;
mod model;
mod rule;
mod run;
mod score;
mod verdict;

use std::num::NonZeroU32;
use std::time::Duration;
use taskmaster_delivery::analysis::rule::{Finding, Outcome};
use taskmaster_delivery::analysis::run::{MetricSpec, Phase, Policy, Run, RunSpec};
use taskmaster_delivery::time::Time;

const MINUTE: Duration = Duration::from_secs(60);

/// `S` healthy, `F` unhealthy, `I` inconclusive, `E` error.
fn finding(letter: char) -> Finding {
    let (outcome, value) = match letter {
        'S' => (Outcome::Healthy, "0.01"),
        'F' => (Outcome::Unhealthy, "0.061"),
        'I' => (Outcome::Inconclusive, "NaN"),
        'E' => return Finding::error("connection refused"),
        other => panic!("no outcome {other}"),
    };
    let words = match outcome {
        Outcome::Healthy => "0.01 is < 0.05",
        Outcome::Unhealthy => "0.061 is not < 0.05",
        _ => "is not a number",
    };
    Finding { outcome, value: value.to_owned(), words: words.to_owned() }
}

fn letter(phase: Phase) -> char {
    match phase {
        Phase::Pending => '.',
        Phase::Running => 'r',
        Phase::Successful => 'S',
        Phase::Failed => 'F',
        Phase::Inconclusive => 'I',
        Phase::Error => 'E',
    }
}

/// Limits as Argo Rollouts writes them: `-1` switches failures off, `0` is no count, no successes in a row.
#[derive(Clone, Copy, Debug)]
struct Limits {
    count: u32,
    failure: i64,
    inconclusive: u32,
    errors: u32,
    successes: u32,
}

/// Its defaults, with an interval.
const LIMITS: Limits = Limits { count: 0, failure: 0, inconclusive: 0, errors: 4, successes: 0 };

impl Limits {
    fn metric(self, name: &str) -> MetricSpec {
        MetricSpec {
            name: name.to_owned(),
            interval: Some(MINUTE),
            count: NonZeroU32::new(self.count),
            failure_limit: u32::try_from(self.failure).ok(),
            inconclusive_limit: self.inconclusive,
            consecutive_error_limit: self.errors,
            consecutive_success_limit: NonZeroU32::new(self.successes),
            ..MetricSpec::default()
        }
    }
}

fn run(metrics: Vec<MetricSpec>, policy: Policy) -> Run {
    Run::new(RunSpec { metrics, policy, ..RunSpec::default() }).unwrap()
}

/// Lives through a sequence with one metric; gives the run and the number of measurements that it took.
fn live(run: &mut Run, outcomes: &str) -> usize {
    let mut now = Time(0);
    for (taken, outcome) in outcomes.chars().enumerate() {
        if run.phase().is_terminal() {
            return taken;
        }
        now = run.next_time().unwrap_or(now);
        assert_eq!(run.due(now), [0], "before {outcome} at {taken} of {outcomes}");
        run.measured(0, now, finding(outcome)).unwrap();
    }
    outcomes.len()
}
