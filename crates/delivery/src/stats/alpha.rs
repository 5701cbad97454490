//! The false-rollback rate, and when evidence is enough.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A probability of rejecting a healthy version, over all looks together: above 0 and below 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Alpha(f64);

/// A number that is no false-rollback rate.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("a false-rollback rate lies between 0 and 1, both excluded, and is not {0}")]
pub struct BadAlpha(f64);

impl Alpha {
    /// One of a thousand.
    pub const SMALL: Self = Self(0.001);

    /// The rate `value`; an error unless `0 < value < 1`.
    pub fn new(value: f64) -> Result<Self, BadAlpha> {
        if value > 0.0 && value < 1.0 { Ok(Self(value)) } else { Err(BadAlpha(value)) }
    }

    /// The rate as a number.
    pub fn get(self) -> f64 {
        self.0
    }

    /// Natural logarithm of the evidence that rejects: ln 1/α.
    pub fn log_threshold(self) -> f64 {
        -self.0.ln()
    }

    /// An e-process whose greatest logarithm so far is `max_log_e` rejects: it has reached 1/α
    /// (Ville, Étude critique de la notion de collectif, 1939; as used here: Ramdas,
    /// Grünwald, Vovk and Shafer, Game-theoretic statistics and safe anytime-valid inference, 2023).
    pub fn is_reached_by(self, max_log_e: f64) -> bool {
        max_log_e >= self.log_threshold()
    }
}

impl TryFrom<f64> for Alpha {
    type Error = BadAlpha;

    fn try_from(value: f64) -> Result<Self, BadAlpha> {
        Self::new(value)
    }
}

impl From<Alpha> for f64 {
    fn from(alpha: Alpha) -> Self {
        alpha.0
    }
}

/// Logarithm of the average of e-values that are given by their logarithms. An average of e-processes is
/// one, whatever their dependence (Vovk and Wang, E-values: calibration, combination and applications,
/// Annals of Statistics 49, 2021). None at all are as good as 1.
pub(crate) fn log_mean_exp(logs: &[f64]) -> f64 {
    let greatest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if logs.is_empty() {
        return 0.0;
    }
    if greatest.is_infinite() {
        return greatest;
    }
    let sum: f64 = logs.iter().map(|log| (log - greatest).exp()).sum();
    greatest + (sum / logs.len() as f64).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_lies_between_nothing_and_one() {
        for value in [0.0, -0.1, 1.0, 2.0, f64::NAN, f64::INFINITY] {
            assert!(Alpha::new(value).is_err(), "{value}");
            assert!(serde_json::from_value::<Alpha>(value.into()).is_err(), "{value}");
        }
        let alpha = Alpha::new(0.001).unwrap();
        assert_eq!(serde_json::from_str::<Alpha>("0.001").unwrap(), alpha);
        assert!(alpha.is_reached_by(1001f64.ln()) && !alpha.is_reached_by(999f64.ln()));
        assert!(!alpha.is_reached_by(f64::NAN));
    }

    #[test]
    fn averages_of_logarithms() {
        let (far, infinite) = (1e6, f64::INFINITY);
        for (logs, expected) in [
            (vec![], 0.0),
            (vec![2f64.ln(), 4f64.ln()], 3f64.ln()),
            (vec![far, far], far),
            (vec![far, -infinite], far - 2f64.ln()),
            (vec![-infinite, -infinite], -infinite),
            (vec![infinite, 0.0], infinite),
        ] {
            let found = log_mean_exp(&logs);
            assert!(found == expected || (found - expected).abs() < 1e-9, "{logs:?}: {found}");
        }
    }
}
