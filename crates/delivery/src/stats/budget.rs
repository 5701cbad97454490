//! One false-rollback rate for all metrics of a rollout.

use super::alpha::Alpha;
use thiserror::Error;

/// Why a rate cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum BadBudget {
    /// There is no metric.
    #[error("there is no metric to judge by")]
    Empty,
    /// A weight is not a finite number above zero.
    #[error("weight {weight} of metric {index} is not a finite number above 0")]
    Weight {
        /// Its place in the list.
        index: usize,
        /// What was given.
        weight: f64,
    },
    /// A weight is so small against the others that nothing is left.
    #[error("weight of metric {0} leaves it nothing of the false-rollback rate")]
    Nothing(usize),
}

/// The rate at which each metric rejects, in the order of their weights: metric i at `α·w_i / Σw`.
///
/// A healthy version is rejected if any metric ever rejects it. Each does with a probability of at most its
/// part, over all of its looks, and the probability of any is at most the sum, α, whatever the
/// dependence of the metrics (Bonferroni 1936; Boole's inequality).
pub fn split(alpha: Alpha, weights: &[f64]) -> Result<Vec<Alpha>, BadBudget> {
    for (index, &weight) in weights.iter().enumerate() {
        if !(weight.is_finite() && weight > 0.0) {
            return Err(BadBudget::Weight { index, weight });
        }
    }
    // By the greatest weight, as a plain sum of huge ones would be infinite.
    let greatest = weights.iter().copied().fold(0.0, f64::max);
    let sum: f64 = weights.iter().map(|weight| weight / greatest).sum();
    if weights.is_empty() {
        return Err(BadBudget::Empty);
    }
    let part = |(index, weight): (usize, &f64)| {
        Alpha::new(alpha.get() * (weight / greatest / sum)).map_err(|_| BadBudget::Nothing(index))
    };
    weights.iter().enumerate().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_weight() {
        let alpha = Alpha::new(0.01).unwrap();
        let parts = |weights: &[f64]| -> Vec<f64> {
            split(alpha, weights).unwrap().into_iter().map(Alpha::get).collect()
        };
        assert_eq!(parts(&[1.0]), [0.01]);
        assert_eq!(parts(&[1.0, 1.0, 2.0]), [0.0025, 0.0025, 0.005]);
        assert_eq!(parts(&[f64::MAX, f64::MAX]), [0.005, 0.005]);
    }

    #[test]
    fn what_cannot_be_split() {
        let alpha = Alpha::new(0.01).unwrap();
        assert_eq!(split(alpha, &[]), Err(BadBudget::Empty));
        assert_eq!(split(alpha, &[1.0, 0.0]), Err(BadBudget::Weight { index: 1, weight: 0.0 }));
        for weight in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(split(alpha, &[weight]), Err(BadBudget::Weight { index: 0, .. })));
        }
        assert_eq!(split(alpha, &[f64::MAX, f64::MIN_POSITIVE]), Err(BadBudget::Nothing(1)));
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole(
            alpha in 1e-12..0.999f64,
            weights in proptest::collection::vec(1e-6..1e6f64, 1..20),
        ) {
            let parts = split(Alpha::new(alpha).unwrap(), &weights).unwrap();
            let sum: f64 = parts.iter().map(|part| part.get()).sum();
            prop_assert!((sum - alpha).abs() <= alpha * 1e-12, "{sum} of {alpha}");
        }
    }
}
