//! One sequential test of a rollout.

use super::judge::Reading;
use crate::spec::{Sequential, TestKind, Unit};
use crate::stats::evidence::{Evidence, comparison};
use crate::stats::power::Design;
use crate::stats::{Alpha, Arm, BoundedMean, Latency, Look, Proportion};
use crate::time::Time;
use serde::{Deserialize, Serialize};

/// A test, and what it has seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    test: Test,
    /// Counters when they were read last.
    last: Option<Counters>,
    /// When the next measurement is due.
    pub next: Time,
    /// When it last saw units of the new version; when it began, before the first.
    pub fresh: Time,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Test {
    Errors(Proportion),
    Latency(Latency),
    Mean(BoundedMean),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Counters {
    Counts(Look),
    Buckets { canary: Vec<u64>, baseline: Vec<u64> },
}

impl Tested {
    pub(super) fn new(kind: &TestKind, now: Time) -> Self {
        let test = match kind {
            TestKind::Errors => Test::Errors(Proportion::new()),
            // Both were checked with the specification.
            TestKind::Latency(bounds) => {
                Latency::new(bounds).map_or_else(|_| Test::Errors(Proportion::new()), Test::Latency)
            }
            TestKind::Mean(bound) => {
                BoundedMean::new(*bound).map_or_else(|_| Test::Errors(Proportion::new()), Test::Mean)
            }
        };
        Self { test, last: None, next: now, fresh: now }
    }

    /// Takes in a reading: what was added since the last one. The first one is where counting begins.
    pub(super) fn take(&mut self, reading: &Reading, spec: &Sequential, now: Time) {
        // Counted from when it was due: an answer takes its time, and the next one is not to wait for that.
        self.next = (self.next + spec.interval).max(now);
        let before = self.sample();
        match (&mut self.test, reading) {
            (Test::Errors(test), Reading::Counts(counts)) => {
                if let Some(Counters::Counts(last)) = &self.last {
                    // Counters that were not read together are none; the next ones make up for it.
                    if test.add(since(last, counts)).is_err() {
                        return;
                    }
                }
                self.last = Some(Counters::Counts(*counts));
            }
            (Test::Latency(test), Reading::Buckets { canary, baseline }) => {
                if let Some(Counters::Buckets { canary: old, baseline: old_baseline }) = &self.last
                    && test.add(&rises(old, canary), &rises(old_baseline, baseline)).is_err()
                {
                    return;
                }
                self.last = Some(Counters::Buckets { canary: canary.clone(), baseline: baseline.clone() });
            }
            (Test::Mean(test), Reading::Means { canary, baseline }) => test.add(*canary, *baseline),
            _ => {}
        }
        if self.sample() > before {
            self.fresh = now;
        }
    }

    /// Units of the new version that were counted.
    pub fn sample(&self) -> u64 {
        match &self.test {
            Test::Errors(test) => test.totals().canary.units,
            Test::Latency(test) => test.strongest().map_or(0, |(_, test)| test.totals().canary.units),
            Test::Mean(test) => test.buckets(),
        }
    }

    /// The new version is worse.
    pub fn rejects(&self, alpha: Alpha) -> bool {
        match &self.test {
            Test::Errors(test) => test.rejects(alpha),
            Test::Latency(test) => test.rejects(alpha),
            Test::Mean(test) => test.rejects(alpha),
        }
    }

    /// What it rests on, in words.
    pub fn words(&self, spec: &Sequential, alpha: Alpha) -> String {
        let units = unit(spec.unit);
        match &self.test {
            Test::Errors(test) => Evidence::of(test, alpha).words("errors", units),
            Test::Latency(test) => match test.strongest() {
                Some((bound, at)) => {
                    let evidence = Evidence { max_log_e: test.max_log_e(), ..Evidence::of(at, alpha) };
                    evidence.words(&format!("over {bound} ms"), units)
                }
                None => "nothing was measured".to_owned(),
            },
            Test::Mean(test) => {
                let difference = test.difference().unwrap_or(0.0);
                let evidence = comparison(test.max_log_e(), alpha);
                format!(
                    "canary {difference:+.3} against baseline over {} buckets; {evidence}",
                    test.buckets()
                )
            }
        }
    }

    /// What would have been detected with a probability of four in five, in words.
    pub fn power(&self, alpha: Alpha) -> Option<String> {
        let test = match &self.test {
            Test::Errors(test) => test,
            Test::Latency(test) => test.strongest()?.1,
            Test::Mean(_) => return None,
        };
        let Look { canary, baseline } = test.totals();
        let units = canary.units.saturating_add(baseline.units);
        let share = canary.units as f64 / units as f64;
        let detectable = Design::new(share, baseline.rate()?, alpha).ok()?.smallest_detectable(0.8, units)?;
        Some(format!("no fault detected down to {detectable}"))
    }
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Request => "requests",
        Unit::Session => "sessions",
        Unit::Bucket => "buckets",
    }
}

/// What was added to counters. Where one fell the process began anew, as Prometheus sees it.
fn since(last: &Look, now: &Look) -> Look {
    Look { canary: added(last.canary, now.canary), baseline: added(last.baseline, now.baseline) }
}

fn added(last: Arm, now: Arm) -> Arm {
    if now.units < last.units || now.failures < last.failures {
        return now;
    }
    Arm { units: now.units - last.units, failures: now.failures - last.failures }
}

fn rises(last: &[u64], now: &[u64]) -> Vec<u64> {
    let fell = last.len() != now.len() || last.iter().zip(now).any(|(last, now)| now < last);
    if fell { now.to_vec() } else { now.iter().zip(last).map(|(now, last)| now - last).collect() }
}
