//! What [`Proportion`](super::Proportion) would have detected: the words beside every pass.
//!
//! That nothing was rejected says little by itself: a rollout with ten requests rejects nothing. Beside a pass
//! stands the smallest failure rate that would have been rejected with a high probability, given
//! share, base rate, units and α: "no fault detected down to 1.5 %".
//!
//! **How.** With units of both arms independent and one share throughout, evidence depends on nothing but the
//! failures x of the canary and y of the baseline. For each y there is a smallest x that rejects, and
//! both are binomial: so [`Design::detection_probability`] is a sum over y of binomial tails. Tails are taken of the
//! beta function; of Poisson's distribution if failures are rare, of the normal one if they are many. It
//! counts evidence at the end and not in between, when it may have been enough for a moment: the
//! real probability is a little greater. Very small looks, which take the share from their own units, reach less.
//! Where the share changed on the way, its smallest value up to a half says rather too little.
//!
//! The time until then is Wald's: threshold by drift of the best of the ratios per unit (Sequential
//! analysis, 1947), with the mixture's weight as a part of the threshold.

use super::alpha::Alpha;
use super::evidence::Percent;
use super::proportion::{RATIOS, log_e_of};
use statrs::distribution::{ContinuousCDF, Normal};
use statrs::function::{beta::checked_beta_reg, gamma::checked_gamma_lr};
use std::fmt::{self, Display, Formatter};
use std::time::Duration;
use thiserror::Error;

/// Number of parts in which the failures of the baseline are summed over.
const PARTS: u64 = 64;

/// From this variance on a binomial is taken for normal.
const NORMAL_FROM: f64 = 2_500.0;

/// Up to this probability a binomial is taken for Poisson's: no tail is off by more than it (Le Cam 1960).
const RARE: f64 = 1e-3;

/// Steps by which a rate is halved in: of 28 logarithms, to a part in a million.
const HALVINGS: usize = 28;

/// Rates below this are not told from zero.
const LEAST_RATE: f64 = 1e-12;

/// A number out of its range.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum BadDesign {
    /// A share lies between 0 and 1, both excluded.
    #[error("a share of the canary lies between 0 and 1, both excluded, and is not {0}")]
    Share(f64),
    /// A rate is from 0 to 1.
    #[error("a failure rate is from 0 to 1, and not {0}")]
    Rate(f64),
}

/// Under which conditions a test is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Design {
    share: f64,
    base_rate: f64,
    alpha: Alpha,
}

/// The smallest failure rate of the canary that would be rejected with some probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detectable {
    /// Failures by units of the canary, from 0 to 1.
    pub rate: f64,
    /// The baseline's.
    pub base_rate: f64,
}

impl Detectable {
    /// How many times the base rate it is; infinite if that is zero.
    pub fn ratio(&self) -> f64 {
        if self.base_rate > 0.0 { self.rate / self.base_rate } else { f64::INFINITY }
    }
}

impl Display for Detectable {
    /// `1.5 % (7.5 × 0.2 %)`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Percent(self.rate))?;
        match self.ratio() {
            ratio if ratio < 99.95 => write!(f, " ({ratio:.1} × {})", Percent(self.base_rate)),
            ratio if ratio.is_finite() => write!(f, " ({ratio:.0} × {})", Percent(self.base_rate)),
            _ => Ok(()),
        }
    }
}

impl Design {
    /// A test with this share of the canary, failure rate of the baseline and false-rollback rate. With a
    /// base rate that is itself counted and may be too low, what is answered is too good: give an upper limit.
    pub fn new(share: f64, base_rate: f64, alpha: Alpha) -> Result<Self, BadDesign> {
        if !(share > 0.0 && share < 1.0) {
            return Err(BadDesign::Share(share));
        }
        if !(0.0..=1.0).contains(&base_rate) {
            return Err(BadDesign::Rate(base_rate));
        }
        Ok(Self { share, base_rate, alpha })
    }

    /// Probability that a canary that fails at `rate` is rejected within `units` of both arms; at least that.
    /// NaN for a rate that is none.
    pub fn detection_probability(&self, rate: f64, units: u64) -> f64 {
        if !(0.0..=1.0).contains(&rate) {
            return f64::NAN;
        }
        Limits::new(self, units).probability(rate)
    }

    /// The smallest rate of the canary that is rejected within `units` of both arms with this `probability`, such as
    /// 0.8 or 0.95. None if not even a canary that always fails is.
    pub fn smallest_detectable(&self, probability: f64, units: u64) -> Option<Detectable> {
        let limits = Limits::new(self, units);
        let base_rate = self.base_rate;
        let (mut low, mut high) = (base_rate.max(LEAST_RATE).ln(), 0.0);
        // Also false where the probability is not a number.
        let is_found = limits.probability(1.0) >= probability;
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if limits.probability(middle.exp()) >= probability { high = middle } else { low = middle }
        }
        is_found.then(|| Detectable { rate: high.exp().min(1.0), base_rate })
    }

    /// Units of both arms until a canary that fails at `rate` is rejected, expected. None where evidence does
    /// not grow: it fails no more often than the baseline, or by less than the smallest ratio can tell.
    pub fn expected_units(&self, rate: f64) -> Option<f64> {
        let drift = RATIOS.iter().map(|ratio| self.drift(*ratio, rate)).fold(f64::NEG_INFINITY, f64::max);
        let threshold = self.alpha.log_threshold() + (RATIOS.len() as f64).ln();
        (drift > 0.0 && rate <= 1.0).then(|| threshold / drift)
    }

    /// The same as a time, at `units_per_second` of both arms.
    pub fn expected_time(&self, rate: f64, units_per_second: f64) -> Option<Duration> {
        Duration::try_from_secs_f64(self.expected_units(rate)? / units_per_second).ok()
    }

    /// What a unit of either arm is expected to add to the logarithm for one ratio.
    fn drift(&self, ratio: f64, rate: f64) -> f64 {
        let normaliser = (self.share * (ratio - 1.0)).ln_1p();
        let (canary, baseline) = (self.share * rate, (1.0 - self.share) * self.base_rate);
        canary * (ratio.ln() - normaliser) - baseline * normaliser
    }
}

/// The failures of the canary that reject, by the failures of the baseline.
struct Limits {
    canary_units: f64,
    /// Probability of a part of the baseline's failures, and the smallest number of the canary's there.
    parts: Vec<(f64, f64)>,
}

impl Limits {
    fn new(design: &Design, units: u64) -> Self {
        let canary_units = (units as f64 * design.share).round();
        let baseline_units = units as f64 - canary_units;
        let mean = baseline_units * design.base_rate;
        // Beyond lies less than a millionth, of Poisson's distribution, too.
        let spread = 5.0 * mean.sqrt() + 12.0;
        let first = (mean - spread).max(0.0).floor();
        let last = (mean + spread).min(baseline_units).ceil();
        let step = ((last - first + 1.0) / PARTS as f64).ceil();
        let parts = (0..PARTS).map(|part| first + part as f64 * step).take_while(|start| *start <= last);
        let parts = parts.map(|start| {
            let tail = |from| at_least(from, baseline_units, design.base_rate);
            let middle = start + (step - 1.0) / 2.0;
            (tail(start) - tail(start + step), least_canary_failures(design, canary_units, middle))
        });
        Self { canary_units, parts: parts.collect() }
    }

    fn probability(&self, rate: f64) -> f64 {
        let sum: f64 =
            self.parts.iter().map(|(part, least)| part * at_least(*least, self.canary_units, rate)).sum();
        sum.clamp(0.0, 1.0)
    }
}

/// The smallest number of the canary's failures that rejects, given the baseline's; one more than
/// it has units if none does. Evidence rises with each failure of the canary.
fn least_canary_failures(design: &Design, units: f64, baseline: f64) -> f64 {
    let rejects = |canary| design.alpha.is_reached_by(log_e_of(canary, baseline, design.share));
    let (mut low, mut high) = (0.0, units + 1.0);
    // As many halvings as there are bits in the mantissa of a number.
    for _ in 0..f64::MANTISSA_DIGITS + 11 {
        let middle = (0.5 * (low + high)).floor();
        if middle <= low {
            break;
        }
        if rejects(middle) { high = middle } else { low = middle }
    }
    high
}

/// Probability of at least `least` successes in `trials` of one probability.
fn at_least(least: f64, trials: f64, probability: f64) -> f64 {
    let (mean, variance) = (trials * probability, trials * probability * (1.0 - probability));
    if least <= 0.0 {
        return 1.0;
    }
    if least > trials {
        return 0.0;
    }
    if probability >= 1.0 {
        return 1.0;
    }
    if mean <= 0.0 {
        return 0.0;
    }
    if probability > 0.5 {
        return 1.0 - at_least(trials - least + 1.0, trials, 1.0 - probability);
    }
    if variance >= NORMAL_FROM {
        return Normal::standard().sf((least - 0.5 - mean) / variance.sqrt());
    }
    let tail = if probability <= RARE {
        checked_gamma_lr(least, mean).ok()
    } else {
        checked_beta_reg(least, trials - least + 1.0, probability).ok()
    };
    tail.unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{Binomial, DiscreteCDF};

    #[test]
    fn tails_are_those_of_the_binomial() {
        for (trials, probability, off) in [
            (10, 0.3, 1e-9),
            (1_000, 0.01, 1e-9),
            (20_000, 0.0005, 1e-3),
            (40_000, 0.2, 1e-2),
            (7, 1.0, 0.0),
            (900, 0.97, 1e-9),
            (90_000, 0.9995, 1e-3),
        ] {
            let peer = Binomial::new(probability, trials).unwrap();
            let mean = trials as f64 * probability;
            for place in [0.0, 0.5, 0.9, 1.0, 1.1, 1.5, 3.0] {
                let least = ((mean * place) as u64).min(trials);
                let expected = if least == 0 { 1.0 } else { peer.sf(least - 1) };
                let found = at_least(least as f64, trials as f64, probability);
                assert!(
                    (found - expected).abs() <= off,
                    "{least} of {trials} at {probability}: {found}, {expected}"
                );
            }
            assert_eq!(at_least(trials as f64 + 1.0, trials as f64, probability), 0.0);
        }
    }

    #[test]
    fn limits_are_where_evidence_crosses() {
        let design = Design::new(0.1, 0.002, Alpha::new(0.001).unwrap()).unwrap();
        for baseline in [0.0, 1.0, 10.0, 1e4] {
            let least = least_canary_failures(&design, 1e9, baseline);
            let log_e = |canary| log_e_of(canary, baseline, 0.1);
            assert!(log_e(least) >= 1000f64.ln() && log_e(least - 1.0) < 1000f64.ln(), "{baseline}: {least}");
        }
        assert_eq!(least_canary_failures(&design, 3.0, 0.0), 4.0, "three failures are not enough");
    }

    #[test]
    fn numbers_out_of_range() {
        let alpha = Alpha::new(0.05).unwrap();
        for (share, base_rate) in
            [(0.0, 0.1), (1.0, 0.1), (f64::NAN, 0.1), (0.5, -0.1), (0.5, 1.1), (0.5, f64::NAN)]
        {
            assert!(Design::new(share, base_rate, alpha).is_err(), "{share} {base_rate}");
        }
        let design = Design::new(0.5, 0.1, alpha).unwrap();
        assert!(design.detection_probability(f64::NAN, 10).is_nan());
        assert_eq!(design.smallest_detectable(f64::NAN, 1000), None);
        assert_eq!(design.smallest_detectable(0.8, 0), None);
        assert_eq!((design.expected_units(0.1), design.expected_units(0.05)), (None, None));
        assert_eq!((design.expected_units(f64::NAN), design.expected_units(2.0)), (None, None));
        assert_eq!((design.expected_time(0.5, 0.0), design.expected_time(0.5, f64::NAN)), (None, None));
    }

    #[test]
    fn in_words() {
        for (rate, base_rate, expected) in [
            (0.015, 0.002, "1.5 % (7.5 × 0.2 %)"),
            (0.015, 0.0, "1.5 %"),
            (0.5, 0.000_1, "50 % (5000 × 0.01 %)"),
        ] {
            assert_eq!(Detectable { rate, base_rate }.to_string(), expected);
        }
    }
}
