//! Does the canary fail more often? A test that may be looked at after every unit.
//!
//! **What it tests.** The null is that a unit is no more likely to fail on the canary than on the
//! baseline. It is the same null in risks and in odds: the risk ratio, or the odds ratio, is at most 1.
//!
//! **How.** A [`Look`] counts units and failures of both arms since the look before. Given the number k
//! of its failures, the question is how many of them, x, fell into the canary. Were it no worse, each
//! would with the probability w that a unit goes there at all, its share `n / (n + m)` of the units of the
//! look. Were failures θ times as likely there, the probability would be `θw / (θw + 1 − w)`. The likelihood
//! ratio of x between the two is
//!
//! ```text
//! L(θ) = θ^x / (θw + 1 − w)^k
//! ```
//!
//! and the evidence is the product of it over the looks, averaged over the [`RATIOS`]. (Mixtures
//! of likelihood ratios: Robbins, Annals of Mathematical Statistics 41, 1970. Conditional counts in canary
//! releases: Lindon and Malek, Anytime-valid inference for multinomial count data, 2020; Lindon,
//! Sanden and Shirikian, Rapid regression detection in software deployments, 2022.)
//!
//! **Why it is valid.** It is enough that `E[L(θ) | the past] ≤ 1` at each look, for each θ > 1: then the
//! product is a supermartingale from 1, so is an average of such, and Ville's inequality holds at any look.
//!
//! 1. *Equal versions.* Let the failing units be what they are, whichever version served them, and let the n
//!    units of the canary be any n of the N of the look with the same probability. Then x is hypergeometric,
//!    not binomial. As θ^x is convex in x, Hoeffding (Probability inequalities for sums of bounded random
//!    variables, 1963, theorem 4) gives `E θ^x ≤ E θ^B = (θw + 1 − w)^k` for a binomial B with k trials of
//!    probability w. Hence `E L(θ) ≤ 1`, given n, N and k. Nothing is said of why or when units fail.
//! 2. *A better canary.* Let there be failures of the baseline's units that the canary would not have had.
//!    Let x' be the failures of the canary's units had the baseline served them: x ≤ x'. A canary's failure
//!    multiplies L by `θ / (θw + 1 − w) ≥ 1`, so L is at most what x' gives, and that is case 1.
//! 3. *Independent units* that fail with p on the baseline and with q ≤ p on the canary, p and q each
//!    a unit's own: draw for each unit one u uniform on 0 to 1 and let it fail on a version if u is below its
//!    probability there. Given all u that is case 2. (Where p and q are the same for all units, x given k is
//!    Fisher's noncentral hypergeometric with an odds ratio of at most 1. It is stochastically
//!    greatest at 1, which is case 1 again.) So q ≤ p for all units gives `E L ≤ 1` exactly: no failure
//!    has to be rare, and the claim is not restricted to small rates.
//!
//! **What may change between looks**: base rate, load, and share, also in answer to earlier looks. An
//! incident on both arms adds failures by share and leaves the evidence alone.
//!
//! **What it needs.**
//!
//! - The unit that is counted is the unit that was sent at random: request, session, or bucket of time. A
//!   session of five requests that fail together is one failure. Counted as five, it is taken for
//!   five coincidences, and healthy canaries are rejected far too often.
//! - A look does not span a change of the share. A fault common to both arms after a change from 5 to 50 %
//!   would be judged by the mean of the two and charged to the canary. Close the look first. Units belong to
//!   the look in which they were sent. Where only their end is known, the first looks after a change are
//!   left out, until what was sent before it has ended: after a fall from 50 to 5 %, late failures would
//!   come at the old share and be judged by the new one.
//! - Where a router deals in shuffled blocks, a look holds whole blocks or lies within one.
//! - When a look ends does not depend on which arm failed since the one before.
//!
//! **What is lost.** A look with units of one arm only says nothing. Very small looks say little. Who knows the
//! probability with which each unit was sent, as a router does, uses [`Proportion::add_with_share`],
//! which loses nothing at any size. Where most units fail, the binomial normaliser is larger than the exact one:
//! the test stays valid and grows slower. θ is then the ratio of odds rather than of risks.

use super::alpha::{Alpha, log_mean_exp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The ratios that evidence is averaged over, with equal weights.
pub const RATIOS: [f64; 8] = [1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0];

/// Natural logarithms of [`RATIOS`].
const LOG_RATIOS: [f64; 8] = [
    0.223_143_551_314_209_76,
    0.405_465_108_108_164_4,
    std::f64::consts::LN_2,
    1.098_612_288_668_109_8,
    1.609_437_912_434_100_3,
    std::f64::consts::LN_10,
    2.995_732_273_553_991,
    3.912_023_005_428_146,
];

/// One version's units, and how many of them failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Arm {
    /// All units: what was sent to a version at random.
    pub units: u64,
    /// Those that failed, at most `units`.
    pub failures: u64,
}

impl Arm {
    /// Failures by units, from 0 to 1; none without units.
    pub fn rate(self) -> Option<f64> {
        (self.units > 0).then(|| self.failures as f64 / self.units as f64)
    }

    fn add(&mut self, more: Self) {
        self.units = self.units.saturating_add(more.units);
        self.failures = self.failures.saturating_add(more.failures);
    }
}

/// What both arms did since the look before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Look {
    /// The new version.
    pub canary: Arm,
    /// The old version, over the same time.
    pub baseline: Arm,
}

impl Look {
    /// The canary's share of the units, from 0 to 1; none without units.
    pub fn share(&self) -> Option<f64> {
        let (canary, baseline) = (self.canary.units as f64, self.baseline.units as f64);
        (canary + baseline > 0.0).then(|| canary / (canary + baseline))
    }

    fn check(&self) -> Result<(), BadLook> {
        for arm in [self.canary, self.baseline] {
            if arm.failures > arm.units {
                return Err(BadLook::MoreFailuresThanUnits(arm));
            }
        }
        Ok(())
    }
}

/// Why a look is refused. A refused look changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum BadLook {
    /// Counters were not read together.
    #[error("{} failures of {} units", .0.failures, .0.units)]
    MoreFailuresThanUnits(Arm),
    /// Not a probability, or one that rules out units that are there.
    #[error("units of both versions were not dealt with a share of {0}")]
    Share(f64),
}

/// The test: evidence so far, in constant memory. It can be stored and read back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    /// Logarithm of the likelihood ratio for each of [`RATIOS`].
    log_ratios: [f64; 8],
    max_log_e: f64,
    canary: Arm,
    baseline: Arm,
    /// Failures, each weighted by the share of the other arm.
    weighted_canary: f64,
    weighted_baseline: f64,
}

impl Proportion {
    /// No evidence yet: e is 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a look, the share being that of its own units. It is an error, and nothing changes, if an
    /// arm has more failures than units.
    pub fn add(&mut self, look: Look) -> Result<(), BadLook> {
        look.check()?;
        self.take(look, look.share().unwrap_or(0.0));
        Ok(())
    }

    /// Takes in a look whose units were each sent to the canary with the probability `share`, given all that
    /// came before; those of one look independently, or as a part of one shuffled block. Then
    /// `E θ^x ≤ (θ·share + 1 − share)^k` for any fixed k failing units: with equality if independent,
    /// and for a block because its draws are negatively associated (Joag-Dev and Proschan, Annals of
    /// Statistics 11, 1983). For single units this is the only form that learns anything.
    ///
    /// It is an error, and nothing changes, if `share` is not from 0 to 1 or is 0 or 1 against the units.
    pub fn add_with_share(&mut self, look: Look, share: f64) -> Result<(), BadLook> {
        look.check()?;
        let is_possible =
            (share > 0.0 || look.canary.units == 0) && (share < 1.0 || look.baseline.units == 0);
        if !(0.0..=1.0).contains(&share) || !is_possible {
            return Err(BadLook::Share(share));
        }
        self.take(look, share);
        Ok(())
    }

    fn take(&mut self, look: Look, share: f64) {
        self.canary.add(look.canary);
        self.baseline.add(look.baseline);
        let (canary, baseline) = (look.canary.failures as f64, look.baseline.failures as f64);
        if canary + baseline == 0.0 || share <= 0.0 || share >= 1.0 {
            return;
        }
        self.weighted_canary += canary * (1.0 - share);
        self.weighted_baseline += baseline * share;
        for (sum, step) in self.log_ratios.iter_mut().zip(log_steps(canary, baseline, share)) {
            *sum += step;
        }
        // Most looks need no exponentials.
        if self.greatest_log_ratio() > self.max_log_e {
            self.max_log_e = self.max_log_e.max(self.log_e());
        }
    }

    /// What [`Proportion::log_e`] cannot exceed, an average being at most its greatest part.
    pub(super) fn greatest_log_ratio(&self) -> f64 {
        self.log_ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// Natural logarithm of the evidence now.
    pub fn log_e(&self) -> f64 {
        log_mean_exp(&self.log_ratios)
    }

    /// The greatest logarithm there has been; 0 at the beginning.
    pub fn max_log_e(&self) -> f64 {
        self.max_log_e
    }

    /// The canary fails more often: the evidence is or was at least 1/α. If the canary is no worse, this
    /// ever becomes true with a probability of at most α.
    pub fn rejects(&self, alpha: Alpha) -> bool {
        alpha.is_reached_by(self.max_log_e)
    }

    /// All units and failures so far. Their plain rates mix looks of different shares: what compares the arms
    /// is [`Proportion::risk_ratio`].
    pub fn totals(&self) -> Look {
        Look { canary: self.canary, baseline: self.baseline }
    }

    /// How many times as likely a unit fails on the canary, estimated: `Σ x(1 − w) / Σ y·w` over the looks,
    /// x being failures of the canary and y of the baseline (Mantel and Haenszel 1959, as a risk ratio: Rothman and
    /// Boice 1979; Greenland and Robins, Biometrics 41, 1985). Unlike the ratio of the total rates it
    /// is not misled when an incident meets a large share. Infinite if only the canary failed; none
    /// before the first failure in a look of both arms.
    pub fn risk_ratio(&self) -> Option<f64> {
        let ratio = self.weighted_canary / self.weighted_baseline;
        (!ratio.is_nan()).then_some(ratio)
    }
}

/// What failures of the arms add to the logarithm for each of [`RATIOS`]: `x ln θ − k ln(θw + 1 − w)`.
fn log_steps(canary: f64, baseline: f64, share: f64) -> [f64; 8] {
    let failures = canary + baseline;
    let mut steps = [0.0; 8];
    for ((step, ratio), log_ratio) in steps.iter_mut().zip(RATIOS).zip(LOG_RATIOS) {
        // Of 1 plus something small: exact where the share is tiny and failures are many.
        *step = canary * log_ratio - failures * (share * (ratio - 1.0)).ln_1p();
    }
    steps
}

/// Logarithm of the evidence after failures of both arms at one share, which lies between 0 and 1.
pub(super) fn log_e_of(canary: f64, baseline: f64, share: f64) -> f64 {
    log_mean_exp(&log_steps(canary, baseline, share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_those_of_the_ratios() {
        for (ratio, log) in RATIOS.into_iter().zip(LOG_RATIOS) {
            assert!((ratio.ln() - log).abs() < 1e-15, "{ratio}");
        }
    }

    #[test]
    fn impossible_looks_change_nothing() {
        let arm = |units, failures| Arm { units, failures };
        let mut test = Proportion::new();
        let look = Look { canary: arm(1, 2), baseline: arm(9, 0) };
        assert_eq!(test.add(look), Err(BadLook::MoreFailuresThanUnits(arm(1, 2))));
        let look = Look { canary: arm(1, 0), baseline: arm(1, 0) };
        for share in [-0.1, 0.0, 1.0, 1.1, f64::NAN, f64::INFINITY] {
            assert!(test.add_with_share(look, share).is_err(), "{share}");
        }
        assert_eq!(test, Proportion::new());
        let only_canary = Look { canary: arm(1, 1), baseline: arm(0, 0) };
        let only_baseline = Look { canary: arm(0, 0), baseline: arm(1, 1) };
        assert_eq!(test.add_with_share(only_canary, 1.5), Err(BadLook::Share(1.5)));
        assert_eq!(test.add_with_share(only_baseline, -0.5), Err(BadLook::Share(-0.5)));
        assert_eq!(test, Proportion::new());
        test.add_with_share(only_canary, 1.0).unwrap();
        assert_eq!((test.log_e(), test.risk_ratio()), (0.0, None));
        assert_eq!(test.totals(), only_canary);
    }
}
