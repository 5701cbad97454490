//! Is the canary slower? [`Proportion`] for the share of units above each of some bounds.
//!
//! A unit above a bound is a failure, the rest is as for errors: for each bound an e-process against "a unit
//! is no more likely above this bound on the canary". The evidence is their average, which is an
//! e-process against "above no bound", whatever the dependence of the bounds (Vovk and Wang 2021).
//! So no part of the false-rollback rate is lost by having many: B bounds cost at most a factor of B in
//! evidence, however much of it there is. (Tests by exceedances of sequential quantiles: Howard and Ramdas,
//! Sequential estimation of quantiles, Bernoulli 28, 2022.)
//!
//! **Bounds are fixed before the data.** They are upper bounds of the source's histogram buckets, in which
//! case the counts are exact, or come of [`log_spaced`] where single latencies are known. Bounds picked
//! by what was seen, such as a percentile of this very rollout, make the claim void. A bound that most
//! units exceed, or none, does no harm but its share in the average.

use super::alpha::{Alpha, log_mean_exp};
use super::proportion::{Arm, BadLook, Look, Proportion};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// More bounds than this are refused: memory and time of a look are in proportion to them.
pub const MAX_BOUNDS: usize = 64;

/// Why bounds or counts are refused.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum BadLatency {
    /// Not 1 to [`MAX_BOUNDS`] finite numbers, each greater than the one before.
    #[error("bounds are 1 to {MAX_BOUNDS} finite numbers, each greater than the one before")]
    Bounds,
    /// Not one count for each bound, and one for what is above the last.
    #[error("{found} counts where {expected} buckets were expected")]
    Buckets {
        /// One more than there are bounds.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// The counts of an arm do not fit in 64 bits.
    #[error("the counts of an arm are too large")]
    TooLarge,
    /// The units cannot have been sent like that.
    #[error(transparent)]
    Look(BadLook),
}

/// The test: one [`Proportion`] for each bound, in constant memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    bounds: Vec<f64>,
    tests: Vec<Proportion>,
    max_log_e: f64,
}

impl Latency {
    /// A test by these bounds, in any one unit of time.
    pub fn new(bounds: &[f64]) -> Result<Self, BadLatency> {
        let is_rising = bounds.windows(2).all(|pair| pair[0] < pair[1]);
        let is_finite = bounds.iter().all(|bound| bound.is_finite());
        if bounds.is_empty() || bounds.len() > MAX_BOUNDS || !is_rising || !is_finite {
            return Err(BadLatency::Bounds);
        }
        Ok(Self { bounds: bounds.to_vec(), tests: vec![Proportion::new(); bounds.len()], max_log_e: 0.0 })
    }

    /// The bucket of one latency: how many bounds it exceeds. None for what is not a number.
    pub fn bucket(&self, latency: f64) -> Option<usize> {
        (!latency.is_nan()).then(|| self.bounds.partition_point(|bound| *bound < latency))
    }

    /// Takes in a look: how many units of each arm fell into each bucket since the look before. The first
    /// bucket is what does not exceed the first bound, the last one what exceeds the last bound. Counts are
    /// of single buckets; Prometheus sends them summed up. An error changes nothing.
    pub fn add(&mut self, canary: &[u64], baseline: &[u64]) -> Result<(), BadLatency> {
        self.add_by(canary, baseline, |test, look| test.add(look))
    }

    /// The same for units that were each sent to the canary with the probability `share`, as in
    /// [`Proportion::add_with_share`]; an error if they cannot have been.
    pub fn add_with_share(&mut self, canary: &[u64], baseline: &[u64], share: f64) -> Result<(), BadLatency> {
        self.add_by(canary, baseline, |test, look| test.add_with_share(look, share))
    }

    fn add_by(
        &mut self,
        canary: &[u64],
        baseline: &[u64],
        add: impl Fn(&mut Proportion, Look) -> Result<(), BadLook>,
    ) -> Result<(), BadLatency> {
        let (canary_units, baseline_units) = (self.units(canary)?, self.units(baseline)?);
        let mut look = Look {
            canary: Arm { units: canary_units, failures: canary_units },
            baseline: Arm { units: baseline_units, failures: baseline_units },
        };
        for ((test, under), old_under) in self.tests.iter_mut().zip(canary).zip(baseline) {
            look.canary.failures -= under;
            look.baseline.failures -= old_under;
            // A look is refused by its units and share, which all bounds have in common: all or none.
            add(test, look).map_err(BadLatency::Look)?;
        }
        if self.tests.iter().any(|test| test.greatest_log_ratio() > self.max_log_e) {
            self.max_log_e = self.max_log_e.max(self.log_e());
        }
        Ok(())
    }

    /// Units of an arm, whose counts are as many as there are buckets.
    fn units(&self, counts: &[u64]) -> Result<u64, BadLatency> {
        let expected = self.bounds.len() + 1;
        if counts.len() != expected {
            return Err(BadLatency::Buckets { expected, found: counts.len() });
        }
        counts.iter().try_fold(0u64, |sum, count| sum.checked_add(*count)).ok_or(BadLatency::TooLarge)
    }

    /// Natural logarithm of the evidence now: that of the average over the bounds.
    pub fn log_e(&self) -> f64 {
        let logs: Vec<f64> = self.tests.iter().map(Proportion::log_e).collect();
        log_mean_exp(&logs)
    }

    /// The greatest logarithm there has been; 0 at the beginning.
    pub fn max_log_e(&self) -> f64 {
        self.max_log_e
    }

    /// The canary is slower: the evidence is or was at least 1/α. If at no bound the canary is more
    /// often above it, this ever becomes true with a probability of at most α.
    pub fn rejects(&self, alpha: Alpha) -> bool {
        alpha.is_reached_by(self.max_log_e)
    }

    /// Each bound and its test. A single one among them may not be judged at the whole α.
    pub fn by_bound(&self) -> impl Iterator<Item = (f64, &Proportion)> {
        self.bounds.iter().copied().zip(&self.tests)
    }

    /// The bound with the most evidence now, to say where the canary is slower.
    pub fn strongest(&self) -> Option<(f64, &Proportion)> {
        self.by_bound().max_by(|one, other| one.1.log_e().total_cmp(&other.1.log_e()))
    }
}

/// `count` bounds from `lowest` to `highest`, each the same multiple of the one before.
pub fn log_spaced(lowest: f64, highest: f64, count: usize) -> Result<Vec<f64>, BadLatency> {
    let is_range = lowest > 0.0 && lowest < highest && highest.is_finite();
    if !is_range || !(2..=MAX_BOUNDS).contains(&count) {
        return Err(BadLatency::Bounds);
    }
    let step = (highest.ln() - lowest.ln()) / (count - 1) as f64;
    let mut bounds: Vec<f64> = (0..count).map(|index| (lowest.ln() + step * index as f64).exp()).collect();
    // The ends are what was asked for, not nearly so.
    bounds[0] = lowest;
    bounds[count - 1] = highest;
    if bounds.windows(2).all(|pair| pair[0] < pair[1]) { Ok(bounds) } else { Err(BadLatency::Bounds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_rise() {
        let many: Vec<f64> = (0..65).map(f64::from).collect();
        for bounds in [&[][..], &[1.0, 1.0], &[2.0, 1.0], &[f64::NAN], &[1.0, f64::INFINITY], &many] {
            assert_eq!(Latency::new(bounds), Err(BadLatency::Bounds), "{bounds:?}");
        }
    }

    #[test]
    fn a_latency_is_in_the_bucket_of_the_first_bound_it_does_not_exceed() {
        let test = Latency::new(&[0.1, 0.5]).unwrap();
        let infinite = f64::INFINITY;
        for (latency, bucket) in [(-infinite, 0), (0.1, 0), (0.2, 1), (0.5, 1), (0.6, 2), (infinite, 2)] {
            assert_eq!(test.bucket(latency), Some(bucket), "{latency}");
        }
        assert_eq!(test.bucket(f64::NAN), None);
    }

    #[test]
    fn counts_that_do_not_fit_change_nothing() {
        let mut test = Latency::new(&[0.1, 0.5]).unwrap();
        let before = test.clone();
        let wrong = BadLatency::Buckets { expected: 3, found: 2 };
        assert_eq!(test.add(&[1, 2, 3], &[1, 2]), Err(wrong));
        assert_eq!(test.add(&[u64::MAX, 1, 0], &[0, 0, 0]), Err(BadLatency::TooLarge));
        let impossible = BadLatency::Look(BadLook::Share(1.0));
        assert_eq!(test.add_with_share(&[1, 0, 0], &[1, 0, 0], 1.0), Err(impossible));
        assert_eq!(test, before);
    }

    #[test]
    fn each_bound_counts_what_is_above_it() {
        let mut test = Latency::new(&[0.1, 0.5]).unwrap();
        test.add(&[1, 2, 4], &[8, 16, 32]).unwrap();
        let above: Vec<(f64, u64, u64)> = test
            .by_bound()
            .map(|(bound, test)| (bound, test.totals().canary.failures, test.totals().baseline.failures))
            .collect();
        assert_eq!(above, [(0.1, 6, 48), (0.5, 4, 32)]);
        assert!(
            test.by_bound()
                .all(|(_, test)| (test.totals().canary.units, test.totals().baseline.units) == (7, 56))
        );
    }

    #[test]
    fn bounds_at_equal_multiples() {
        let bounds = log_spaced(0.01, 10.0, 4).unwrap();
        for (bound, expected) in bounds.iter().zip([0.01, 0.1, 1.0, 10.0]) {
            assert!((bound / expected - 1.0).abs() < 1e-12, "{bound}");
        }
        for (lowest, highest, count) in [
            (0.0, 1.0, 3),
            (1.0, 1.0, 3),
            (1.0, 2.0, 1),
            (1.0, f64::INFINITY, 3),
            (1.0, 2.0, 65),
            (1.0, 1.0 + 1e-16, 9),
        ] {
            assert_eq!(log_spaced(lowest, highest, count), Err(BadLatency::Bounds));
        }
        assert!(log_spaced(1.0, 1.0f64.next_up(), 9).is_err(), "no room between the ends");
    }
}
