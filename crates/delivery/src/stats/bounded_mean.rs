//! Is a mean greater on the canary? A test by betting on differences of buckets of time.
//!
//! Each bucket of time gives one number of each arm, its mean there: of latency, or of a share. The
//! difference of the two is what is bet on. With d scaled to −1 to 1 and a bet λ below 1, the capital grows by
//! `1 + λd`. If the expectation of d given the past is at most 0, so is the expected gain: the capital is a
//! supermartingale from 1 that never goes below 0, hence an e-process, and so is the average over the fixed
//! [`BETS`] (Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, JRSS B 86, 2024;
//! here with a mixture in place of predictable bets). Nothing is assumed of the distribution but
//! its bounds.
//!
//! **The null** is about bounded values: with each unit's value cut to 0 to `bound` before it enters its
//! bucket's mean, the expected mean of the canary's bucket is at most that of the baseline's, given all
//! buckets before. Units sent at random to equal versions make it so. Cutting units is up to the caller; means
//! beyond the bound are cut here, too.
//!
//! **What it needs**: units are dealt anew in each bucket. Where a session keeps its version for many buckets, a
//! bad one makes the canary's buckets bad in a row, and the past foretells the difference: then a bucket is
//! longer than a session, or versions take turns by bucket. Leaving out a bucket may depend on
//! how many units it has, never on their values.
//!
//! **What it costs**: with nothing known but bounds, small differences take long. Where failures can be
//! counted, [`super::Proportion`] is many times faster.

use super::alpha::{Alpha, log_mean_exp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The parts of the capital that are bet, with equal weights.
pub const BETS: [f64; 8] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 0.95];

/// A bound that bounds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("a bound is a finite number above 0, and not {0}")]
pub struct BadBound(f64);

/// The test: capital of each bet, in constant memory. It can be stored and read back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoundedMean {
    bound: f64,
    /// Logarithm of the capital of each of [`BETS`].
    log_capitals: [f64; 8],
    max_log_e: f64,
    buckets: u64,
    ignored: u64,
    difference: f64,
}

impl BoundedMean {
    /// A test of values from 0 to `bound`, which is fixed before the data.
    pub fn new(bound: f64) -> Result<Self, BadBound> {
        if !(bound.is_finite() && bound > 0.0) {
            return Err(BadBound(bound));
        }
        let log_capitals = [0.0; 8];
        Ok(Self { bound, log_capitals, max_log_e: 0.0, buckets: 0, ignored: 0, difference: 0.0 })
    }

    /// Takes in the means of one bucket of time. A bucket with a mean that is not a number is left out.
    pub fn add(&mut self, canary: f64, baseline: f64) {
        let scale = |mean: f64| mean.max(0.0).min(self.bound) / self.bound;
        let difference = scale(canary) - scale(baseline);
        if canary.is_nan() || baseline.is_nan() || difference.is_nan() {
            self.ignored = self.ignored.saturating_add(1);
            return;
        }
        self.buckets = self.buckets.saturating_add(1);
        self.difference += difference;
        for (capital, bet) in self.log_capitals.iter_mut().zip(BETS) {
            *capital += (bet * difference).ln_1p();
        }
        if self.log_capitals.iter().any(|log| *log > self.max_log_e) {
            self.max_log_e = self.max_log_e.max(self.log_e());
        }
    }

    /// Natural logarithm of the evidence now.
    pub fn log_e(&self) -> f64 {
        log_mean_exp(&self.log_capitals)
    }

    /// The greatest logarithm there has been; 0 at the beginning.
    pub fn max_log_e(&self) -> f64 {
        self.max_log_e
    }

    /// The canary's mean is greater: the evidence is or was at least 1/α. If the null holds, this ever
    /// becomes true with a probability of at most α.
    pub fn rejects(&self, alpha: Alpha) -> bool {
        alpha.is_reached_by(self.max_log_e)
    }

    /// Mean over the buckets of canary less baseline, in the unit of the bound; none before the first.
    pub fn difference(&self) -> Option<f64> {
        (self.buckets > 0).then(|| self.difference / self.buckets as f64 * self.bound)
    }

    /// Buckets that were taken in.
    pub fn buckets(&self) -> u64 {
        self.buckets
    }

    /// Buckets that were left out because a mean was not a number.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }
}
