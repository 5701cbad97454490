//! Which request goes to which target: a pure, exact split by weight.

use thiserror::Error;

/// The longest period of a schedule; weights that need a longer one are refused.
const PERIOD_LIMIT: u32 = 10_000;

/// An endless sequence of targets in which every window of one period holds each target exactly
/// as often as its weight says, spread as evenly as the weights allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    period: Vec<usize>,
}

/// Why weights make no schedule.
#[derive(Debug, Clone, Copy, Error, PartialEq, Eq)]
pub enum ScheduleError {
    /// One weight is needed for each URL.
    #[error("{weights} weights for {targets} URLs")]
    Count {
        /// How many weights there are.
        weights: usize,
        /// How many targets there are.
        targets: usize,
    },
    /// The weights add up to nothing, or to more than a schedule holds.
    #[error("weights must add up to 1 to {PERIOD_LIMIT}")]
    Sum,
}

impl Schedule {
    /// A schedule over `targets` targets; without weights all are equal.
    ///
    /// # Errors
    ///
    /// When the number of weights is wrong or their sum is out of range.
    pub fn new(targets: usize, weights: &[u32]) -> Result<Self, ScheduleError> {
        let equal = vec![1; targets];
        let weights = if weights.is_empty() { &equal } else { weights };
        if weights.len() != targets {
            return Err(ScheduleError::Count { weights: weights.len(), targets });
        }
        let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        if sum == 0 || sum > u64::from(PERIOD_LIMIT) {
            return Err(ScheduleError::Sum);
        }
        Ok(Self { period: smooth(weights) })
    }

    /// The target of request number `ordinal` (from 0).
    #[must_use]
    pub fn target(&self, ordinal: u64) -> usize {
        let period = self.period.len() as u64;
        let index = usize::try_from(ordinal % period).unwrap_or(0);
        self.period[index]
    }
}

/// Smooth weighted round robin, as nginx balances its upstreams: every target earns its weight
/// in each round, the richest is taken and pays the sum.
fn smooth(weights: &[u32]) -> Vec<usize> {
    let sum: i64 = weights.iter().map(|weight| i64::from(*weight)).sum();
    let mut credit = vec![0_i64; weights.len()];
    (0..sum)
        .map(|_| {
            for (credit, weight) in credit.iter_mut().zip(weights) {
                *credit += i64::from(*weight);
            }
            let richest = (0..credit.len())
                .max_by_key(|index| (credit[*index], std::cmp::Reverse(*index)))
                .unwrap_or(0);
            credit[richest] -= sum;
            richest
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(schedule: &Schedule, from: u64, length: u64, targets: usize) -> Vec<u64> {
        let mut counts = vec![0; targets];
        for ordinal in from..from + length {
            counts[schedule.target(ordinal)] += 1;
        }
        counts
    }

    #[test]
    fn the_order_is_the_one_nginx_documents() {
        let schedule = Schedule::new(3, &[5, 1, 1]).expect("weights");
        let order: Vec<usize> = (0..7).map(|n| schedule.target(n)).collect();
        assert_eq!(order, [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn any_window_of_a_period_is_exact() {
        for canary in [1, 10, 25, 50, 75, 99] {
            let schedule = Schedule::new(2, &[100 - canary, canary]).expect("weights");
            for from in [0, 1, 37, 99, 1_000] {
                let expected = [u64::from(100 - canary), u64::from(canary)];
                assert_eq!(counts(&schedule, from, 100, 2), expected, "{canary} from {from}");
            }
        }
    }

    #[test]
    fn a_weight_of_zero_gets_nothing() {
        let schedule = Schedule::new(2, &[0, 3]).expect("weights");
        assert_eq!(counts(&schedule, 0, 300, 2), [0, 300]);
    }

    #[test]
    fn without_weights_all_are_equal() {
        let schedule = Schedule::new(4, &[]).expect("weights");
        assert_eq!(counts(&schedule, 0, 400, 4), [100; 4]);
    }

    #[test]
    fn weights_that_make_no_sense_are_refused() {
        let count = ScheduleError::Count { weights: 1, targets: 2 };
        assert_eq!(Schedule::new(2, &[1]), Err(count));
        assert_eq!(Schedule::new(2, &[0, 0]), Err(ScheduleError::Sum));
        assert_eq!(Schedule::new(2, &[10_000, 1]), Err(ScheduleError::Sum));
        assert_eq!(Schedule::new(0, &[]), Err(ScheduleError::Sum));
        assert_eq!(Schedule::new(2, &[u32::MAX, u32::MAX]), Err(ScheduleError::Sum));
    }
}
