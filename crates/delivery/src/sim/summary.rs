//! What many runs have in common.

use super::rules::Broken;
use super::run::{Ending, Report};
use serde::Serialize;
use statrs::distribution::{Beta, ContinuousCDF};

/// What many runs have in common.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Runs.
    pub runs: u64,
    /// Those whose new version became the stable one.
    pub completed: u64,
    /// Those that were taken back.
    pub rolled_back: u64,
    /// Those that wait for a person.
    pub waits: u64,
    /// Those that did not end in their time.
    pub stuck: u64,
    /// Seconds from the first user of the new version to the last one, of those taken back, in order.
    pub detections: Vec<f64>,
    /// Requests that failed on the new version.
    pub failed: u64,
    /// Requests that it answered.
    pub exposed: u64,
    /// Requests in all.
    pub requests: u64,
    /// Looks.
    pub looks: u64,
    /// The seed of the first run that broke a rule, and the rule.
    pub broken: Option<(u64, Broken)>,
    /// The seed of the first run that did not end.
    pub first_stuck: Option<u64>,
}

impl Summary {
    /// Takes in a run.
    pub fn add(&mut self, report: &Report) {
        self.runs += 1;
        match &report.ending {
            Ending::Completed => self.completed += 1,
            Ending::RolledBack { .. } => self.rolled_back += 1,
            Ending::Waits { .. } => self.waits += 1,
            Ending::Stuck { .. } => {
                self.stuck += 1;
                self.first_stuck.get_or_insert(report.seed);
            }
        }
        if let Some(detection) = report.detection {
            let at = self.detections.partition_point(|other| *other < detection);
            self.detections.insert(at, detection);
        }
        self.failed += report.failed;
        self.exposed += report.exposed;
        self.requests += report.requests;
        self.looks += report.looks;
        if let (None, Some(broken)) = (&self.broken, &report.broken) {
            self.broken = Some((report.seed, broken.clone()));
        }
    }

    /// Takes in other runs.
    pub fn join(&mut self, other: Self) {
        self.runs += other.runs;
        self.completed += other.completed;
        self.rolled_back += other.rolled_back;
        self.waits += other.waits;
        self.stuck += other.stuck;
        self.detections.extend(other.detections);
        self.detections.sort_by(f64::total_cmp);
        self.failed += other.failed;
        self.exposed += other.exposed;
        self.requests += other.requests;
        self.looks += other.looks;
        self.broken = self.broken.take().or(other.broken);
        self.first_stuck = self.first_stuck.or(other.first_stuck);
    }

    /// The time within which this share of the rollbacks was detected, in seconds.
    pub fn detected_within(&self, share: f64) -> Option<f64> {
        let last = self.detections.len().checked_sub(1)?;
        let rank = (share.clamp(0.0, 1.0) * self.detections.len() as f64).ceil() as usize;
        self.detections.get(rank.saturating_sub(1).min(last)).copied()
    }
}

/// A two-sided interval for a share of which so many of so many were counted (Clopper and Pearson 1934).
pub fn share_interval(count: u64, of: u64, confidence: f64) -> (f64, f64) {
    let tail = (1.0 - confidence) / 2.0;
    let quantile =
        |a: u64, b: u64, at: f64| Beta::new(a as f64, b as f64).map_or(f64::NAN, |beta| beta.inverse_cdf(at));
    let low = if count == 0 { 0.0 } else { quantile(count, of - count + 1, tail) };
    let high = if count >= of { 1.0 } else { quantile(count + 1, of - count, 1.0 - tail) };
    (low, high)
}
